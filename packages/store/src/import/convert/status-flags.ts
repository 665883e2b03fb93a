import type { Headers } from '../mime/headers.ts';

/** What the place that a message comes from says of it, and the message itself does not. */
export interface MailFlags {
  readonly read?: boolean;
  readonly answered?: boolean;
  readonly forwarded?: boolean;
  readonly flagged?: boolean;
  /** Not sent yet. */
  readonly draft?: boolean;
  /** Sent by the owner of the mailbox. */
  readonly fromMe?: boolean;
}

/** Bits of X-Mozilla-Status. */
const MOZILLA = { read: 0x0001, replied: 0x0002, marked: 0x0004, forwarded: 0x1000 } as const;

/**
 * What programs that keep mail in files note in the header: Status and X-Status (letters as in Maildir, but D for deleted and T for
 * draft), X-Mozilla-Status (hexadecimal), and X-Unsent of files that are to be sent.
 */
export function statusFlags(headers: Headers): MailFlags {
  const letters = `${headers.get('status') ?? ''}${headers.get('x-status') ?? ''}`.slice(0, 32);
  const mozilla = Number.parseInt(headers.get('x-mozilla-status')?.slice(0, 8) ?? '', 16) || 0;
  return {
    read: letters.includes('R') || (mozilla & MOZILLA.read) !== 0,
    answered: letters.includes('A') || (mozilla & MOZILLA.replied) !== 0,
    flagged: letters.includes('F') || (mozilla & MOZILLA.marked) !== 0,
    forwarded: (mozilla & MOZILLA.forwarded) !== 0,
    draft: letters.includes('T') || headers.get('x-unsent')?.trim() === '1',
  };
}

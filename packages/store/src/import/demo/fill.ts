import { fileTime } from '../../mailbox/mailbox-context.ts';
import type { MailboxStore } from '../../mailbox/model.ts';
import { type ImportResult, importMail } from '../import-mail.ts';
import type { MailSource } from '../sources/mail-source.ts';
import { demoMails } from './demo-mails.ts';

/** Whose mailbox is filled, and when that is. */
export interface DemoOptions {
  readonly account: 'alice' | 'bob';
  /** Domain of the addresses of alice, bob and their colleagues. */
  readonly domain: string;
  /** Milliseconds since 1970; the newest mail is near it. */
  readonly now: () => number;
}

/** Fills the mailbox of a demonstration account with some hundred mails, by the way that every import goes. */
export function fillDemoMailbox(store: MailboxStore, { account, domain, now }: DemoOptions): Promise<ImportResult> {
  const mails = demoMails(account, domain, now());
  const source: MailSource = {
    size: mails.reduce((sum, { bytes }) => sum + bytes.length, 0),
    async *read() {
      for (const [at, { bytes, folder, flags, sent }] of mails.entries()) {
        yield { origin: `mail ${at + 1}`, bytes, size: bytes.length, folder, flags, received: fileTime(sent) };
      }
    },
  };
  return importMail(store, [source], { now });
}

import { RpchError } from '@rpch/rpc';
import { type Mailbox, type MessageState, type ObjectId, type Whereabouts, whereabouts } from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';
import { parseMessageId, tellMessageId } from './ids.ts';
import type { MailIo } from './mail-io.ts';
import { oneLine } from './plain-text.ts';
import { layOut } from './table.ts';

/** Messages that are named at once, at most. */
const MAX_NAMED = 100;

/** What has become of a message, for people and for programs. */
export interface Fate {
  /** The id by which it was named. */
  readonly id: string;
  readonly subject: string;
  /** Its id now; not there where the server gives nothing to know it by, or there is no message any more. */
  readonly now?: string;
  /** Path of the folder in which it is now. */
  readonly folder?: string;
  /** Of one that is in no folder now: whether it is kept. */
  readonly recoverable?: boolean;
}

/** A message that has stayed where it was, and why. */
export interface Left {
  readonly id: string;
  readonly what: string;
}

/**
 * Messages that are named on the command line, by their folders, all of which are in a state. Throws RpchError for wrong usage; `RPCH_MESSAGE_STATE`
 * (peer) for one that is in another state.
 */
export async function namedMessages(
  mailbox: Mailbox,
  texts: readonly string[],
  wanted: MessageState,
  otherwise: (state: MessageState) => string,
): Promise<Map<ObjectId, Whereabouts[]>> {
  const ids = new Map(
    texts.map((text) => {
      const id = parseMessageId(text);
      if (id.within.length > 0) throw usage(`"${text}" is attached to a message, and goes where that goes`);
      return [tellMessageId(id), id];
    }),
  );
  if (ids.size > MAX_NAMED) throw usage(`expected at most ${MAX_NAMED} messages at once, found ${ids.size}`);
  const found = new Map<ObjectId, Whereabouts[]>();
  for (const [text, { folder, message }] of ids) {
    const known = await whereabouts(mailbox, folder, message);
    if (known.state !== wanted) {
      throw new RpchError('RPCH_MESSAGE_STATE', 'peer', `${text} ${otherwise(known.state)}; nothing was done`);
    }
    found.set(folder, [...(found.get(folder) ?? []), known]);
  }
  return found;
}

/** A message's id as it is printed. */
export function idIn(folder: ObjectId, message: ObjectId): string {
  return tellMessageId({ folder, message, within: [] });
}

/** Prints what has become of messages; the process ends with 1 where some were left. */
export function printFates(
  fates: readonly Fate[],
  left: readonly Left[],
  io: MailIo,
  flags: { readonly json?: boolean },
): void {
  if (flags.json === true) {
    const messages = fates.map((fate) => ({ ...fate, subject: oneLine(fate.subject) }));
    io.out(`${JSON.stringify({ messages, left })}\n`);
  } else if (fates.length > 0) {
    const columns = [
      { title: 'was' },
      { title: 'id' },
      { title: 'is now in', shrinks: true },
      { title: 'subject', shrinks: true },
    ] as const;
    const rows = fates.map(({ id, now, folder, recoverable, subject }) => [
      id,
      now ?? (folder !== undefined ? '?' : recoverable === true ? id : ''),
      folder ?? (recoverable === true ? '(can be recovered)' : '(gone for good)'),
      subject === '' ? '(no subject)' : oneLine(subject),
    ]);
    io.out(layOut(columns, rows, io.width));
    if (fates.some(({ now, folder }) => now === undefined && folder !== undefined)) {
      io.err('the server does not tell the new id of every message: list the folder\n');
    }
  }
  for (const { id, what } of left) io.err(`rpch mail: ${id} ${what}\n`);
  if (left.length > 0) io.fail();
}

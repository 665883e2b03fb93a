import {
  BitmapRelOp,
  type Mailbox,
  MessageFlag,
  type ObjectId,
  type OpenedMailbox,
  PidTag,
  type Restriction,
  SortDirection,
  type SortOrder,
} from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';
import { findFolder } from './folder-path.ts';
import type { MailIo } from './mail-io.ts';
import { type MessageSummary, SUMMARY_COLUMNS, summaryOf, summaryTable } from './summary.ts';

const MAX_LISTED = 100_000;

/** Options of `rpch mail … list`. */
export interface ListFlags {
  readonly json?: boolean;
  readonly count: string;
  readonly skip: string;
  readonly sort: string;
  readonly reverse?: boolean;
  readonly unread?: boolean;
}

/** What lists are sorted by, and whether from the largest down. */
const SORTS: Readonly<Record<string, readonly [tag: number, descending: boolean]>> = {
  date: [PidTag.MessageDeliveryTime, true],
  size: [PidTag.MessageSize, true],
  from: [PidTag.SentRepresentingName, false],
  subject: [PidTag.NormalizedSubject, false],
};

/** What `--sort` takes. */
export const SORT_NAMES = Object.keys(SORTS);

/** `list FOLDER`: its messages, the newest first. */
export async function printList(
  { mailbox }: OpenedMailbox,
  folderText: string,
  flags: ListFlags,
  io: MailIo,
): Promise<void> {
  const limit = wholeNumber('--count', flags.count, MAX_LISTED);
  const offset = wholeNumber('--skip', flags.skip, 2 ** 31 - 1);
  const folder = await findFolder(mailbox, folderText);
  const messages: MessageSummary[] = [];
  const query = { columns: SUMMARY_COLUMNS, sort: sortOf(flags), offset, limit, pageSize: Math.min(limit, 200) };
  const rows = mailbox.contents(folder.id, flags.unread === true ? { ...query, restriction: UNREAD } : query);
  for await (const row of rows) {
    const summary = summaryOf(folder.id, row);
    if (summary !== undefined) messages.push(summary);
  }
  if (flags.json === true) {
    io.out(`${JSON.stringify({ folder: folder.path, messages })}\n`);
    return;
  }
  const outgoing = isOutgoing(mailbox, folder.id);
  if (messages.length === 0) io.err(`no ${flags.unread === true ? 'unread ' : ''}messages in ${folder.path}\n`);
  else io.out(summaryTable(messages, io.reader, io.width, { outgoing }));
}

/** Whether lists of a folder say to whom, and not from whom. */
export function isOutgoing({ folderIds: { sentItems, outbox } }: Mailbox, folder: ObjectId): boolean {
  return folder === sentItems || folder === outbox;
}

const UNREAD: Restriction = {
  kind: 'bitmask',
  relOp: BitmapRelOp.Zero,
  tag: PidTag.MessageFlags,
  mask: MessageFlag.Read,
};

function sortOf({ sort, reverse }: ListFlags): SortOrder[] {
  const known = SORTS[sort];
  if (known === undefined) throw usage(`expected one of ${SORT_NAMES.join(', ')} for --sort, found "${sort}"`);
  const [tag, descending] = known;
  return [{ tag, order: descending === (reverse === true) ? SortDirection.Ascending : SortDirection.Descending }];
}

/** A number from an option. Throws RpchError (caller). */
export function wholeNumber(option: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > most)
    throw usage(`expected a number up to ${most} for ${option}, found "${text}"`);
  return number;
}

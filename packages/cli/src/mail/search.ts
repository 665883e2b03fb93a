import {
  ErrorCode,
  FuzzyHigh,
  FuzzyLow,
  MapiError,
  type OpenedMailbox,
  PidTag,
  type PropertyTag,
  type Restriction,
  SortDirection,
} from '@rpch/store/client';
import { usage } from '../ping/client-flags.ts';
import { type FoundFolder, findFolder, readableFolders } from './folder-path.ts';
import { wholeNumber } from './list.ts';
import type { MailIo } from './mail-io.ts';
import { type MessageSummary, SUMMARY_COLUMNS, summaryOf, summaryTable } from './summary.ts';

const MAX_FOUND = 10_000;
const HEADERS: readonly PropertyTag[] = [
  PidTag.Subject,
  PidTag.SenderName,
  PidTag.SentRepresentingName,
  PidTag.DisplayTo,
  PidTag.DisplayCc,
];

/** Options of `rpch mail … search`. */
export interface SearchFlags {
  readonly json?: boolean;
  readonly count: string;
  readonly in?: string;
  readonly body?: boolean;
}

type Found = MessageSummary & { readonly folder: string };

/** `search TEXT`: messages whose subject, sender, recipients or text contain it, in one folder or in all, the newest first. */
export async function printSearch(
  { mailbox }: OpenedMailbox,
  text: string,
  flags: SearchFlags,
  io: MailIo,
): Promise<void> {
  if (text.trim() === '') throw usage('search for what?');
  const limit = wholeNumber('--count', flags.count, MAX_FOUND);
  const folders =
    flags.in === undefined
      ? (await readableFolders(mailbox)).filter(({ messages }) => messages > 0)
      : [await findFolder(mailbox, flags.in)];
  const found: Found[] = [];
  let tags = flags.body === false ? HEADERS : [...HEADERS, PidTag.Body];
  for (const folder of folders) {
    try {
      found.push(...(await searchFolder(mailbox, folder, text, tags, limit)));
    } catch (error) {
      if (!(error instanceof MapiError) || !REFUSALS.has(error.errorCode) || tags === HEADERS) throw error;
      io.err('the server does not search in texts: only subjects, senders and recipients are looked at\n');
      tags = HEADERS;
      found.push(...(await searchFolder(mailbox, folder, text, tags, limit)));
    }
  }
  found.sort((a, b) => (b.date?.getTime() ?? 0) - (a.date?.getTime() ?? 0));
  const shown = found.slice(0, limit);
  if (flags.json === true) {
    io.out(`${JSON.stringify({ text, messages: shown })}\n`);
    return;
  }
  if (shown.length === 0)
    io.err(`nothing found in ${folders.length === 1 ? folders[0]?.path : `${folders.length} folders`}\n`);
  else io.out(summaryTable(shown, io.reader, io.width, { folders: shown.map(({ folder }) => folder) }));
}

/** How servers say that they do not evaluate such a restriction. */
const REFUSALS: ReadonlySet<number> = new Set([ErrorCode.TooComplex, ErrorCode.NotSupported]);

async function searchFolder(
  mailbox: OpenedMailbox['mailbox'],
  { id, path }: FoundFolder,
  text: string,
  tags: readonly PropertyTag[],
  limit: number,
): Promise<Found[]> {
  const restriction: Restriction = {
    kind: 'or',
    restrictions: tags.map((tag) => ({
      kind: 'content',
      fuzzyLow: FuzzyLow.Substring,
      fuzzyHigh: FuzzyHigh.IgnoreCase,
      tag,
      valueTag: tag,
      value: text,
    })),
  };
  const sort = [{ tag: PidTag.MessageDeliveryTime, order: SortDirection.Descending }];
  const found: Found[] = [];
  for await (const row of mailbox.contents(id, { columns: SUMMARY_COLUMNS, sort, restriction, limit })) {
    const summary = summaryOf(id, row);
    if (summary !== undefined) found.push({ ...summary, folder: path });
  }
  return found;
}

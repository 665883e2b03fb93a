import { dateOf, deletedMessages, type OpenedMailbox, PidTag, SortDirection } from '@rpch/store/client';
import { findFolder, readableFolders } from './folder-path.ts';
import { isOutgoing, wholeNumber } from './list.ts';
import type { MailIo } from './mail-io.ts';
import { type MessageSummary, SUMMARY_COLUMNS, summaryOf, summaryTable } from './summary.ts';

const MAX_LISTED = 10_000;

/** Options of `rpch mail … deleted`. */
export interface DeletedFlags {
  readonly json?: boolean;
  readonly count: string;
}

type Deleted = MessageSummary & { readonly folder: string; readonly deleted: Date | undefined };

/** `deleted [FOLDER]`: what can be recovered to a folder, or to any, the last deleted first. */
export async function printDeleted(
  { mailbox }: OpenedMailbox,
  folderText: string | undefined,
  flags: DeletedFlags,
  io: MailIo,
): Promise<void> {
  const limit = wholeNumber('--count', flags.count, MAX_LISTED);
  const folders = folderText === undefined ? await readableFolders(mailbox) : [await findFolder(mailbox, folderText)];
  const found: Deleted[] = [];
  const sort = [{ tag: PidTag.DeletedOn, order: SortDirection.Descending }];
  for (const { id, path } of folders) {
    for await (const row of deletedMessages(mailbox, id, { columns: SUMMARY_COLUMNS, sort, limit })) {
      const summary = summaryOf(id, row);
      const deleted = dateOf(row.values.get(PidTag.DeletedOn));
      if (summary !== undefined) found.push({ ...summary, folder: path, deleted });
    }
  }
  found.sort((a, b) => (b.deleted?.getTime() ?? 0) - (a.deleted?.getTime() ?? 0));
  const messages = found.slice(0, limit);
  const [named] = folderText === undefined ? [] : folders;
  if (flags.json === true) {
    io.out(`${JSON.stringify(named === undefined ? { messages } : { folder: named.path, messages })}\n`);
    return;
  }
  if (messages.length === 0) {
    const where = named === undefined ? `${folders.length} folders` : named.path;
    io.err(`nothing that was deleted is kept in ${where}; what was deleted once may be in Deleted Items\n`);
    return;
  }
  const layout = named === undefined ? { folders: messages.map(({ folder }) => folder) } : {};
  const outgoing = named !== undefined && isOutgoing(mailbox, named.id);
  const deleted = messages.map((each) => each.deleted);
  io.out(summaryTable(messages, io.reader, io.width, { ...layout, outgoing, deleted }));
}

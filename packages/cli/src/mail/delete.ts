import { deleteMessages, type MessageState, type OpenedMailbox } from '@rpch/store/client';
import { folderById } from './folder-path.ts';
import type { MailIo } from './mail-io.ts';
import { move } from './move.ts';
import { type Fate, idIn, type Left, namedMessages, printFates } from './named-messages.ts';

/** `delete ID…`: moves messages to Deleted Items; those that are there already are deleted, and whether the server keeps them is told. */
export async function printRemoved(
  { mailbox }: OpenedMailbox,
  ids: readonly string[],
  flags: { readonly json?: boolean },
  io: MailIo,
): Promise<void> {
  const messages = await namedMessages(mailbox, ids, 'there', notThere);
  const { deletedItems } = mailbox.folderIds;
  const [fates, left]: [Fate[], Left[]] = [[], []];
  for (const [folder, some] of messages) {
    if (folder !== deletedItems) {
      const done = await move(mailbox, folder, some, await folderById(mailbox, deletedItems, 'Deleted Items'));
      fates.push(...done.fates);
      left.push(...done.left);
      continue;
    }
    const states = await deleteMessages(
      mailbox,
      folder,
      some.map(({ id }) => id),
    );
    for (const [at, { id, subject }] of some.entries()) {
      const was = idIn(folder, id);
      const state = states[at];
      if (state === 'there') left.push({ id: was, what: 'stays where it is: the server did not delete it' });
      else fates.push({ id: was, subject, recoverable: state === 'deleted' });
    }
  }
  printFates(fates, left, io, flags);
}

function notThere(state: MessageState): string {
  if (state === 'deleted') return 'is deleted already';
  return 'is no message, or not for you to see: list the folder again';
}

import type { MessageState, OpenedMailbox } from '@rpch/store/client';
import { findFolder, folderById } from './folder-path.ts';
import type { MailIo } from './mail-io.ts';
import { move } from './move.ts';
import { type Fate, type Left, namedMessages, printFates } from './named-messages.ts';

/** Options of `rpch mail … recover`. */
export interface RecoverFlags {
  readonly json?: boolean;
  readonly to?: string;
}

/** `recover ID…`: brings back what was deleted, to the folder that it was deleted from, or to another; prints where it is now. */
export async function printRecovered(
  { mailbox }: OpenedMailbox,
  ids: readonly string[],
  flags: RecoverFlags,
  io: MailIo,
): Promise<void> {
  const to = flags.to === undefined ? undefined : await findFolder(mailbox, flags.to);
  const messages = await namedMessages(mailbox, ids, 'deleted', notDeleted);
  const [fates, left]: [Fate[], Left[]] = [[], []];
  for (const [folder, some] of messages) {
    const done = await move(mailbox, folder, some, to ?? (await folderById(mailbox, folder)));
    fates.push(...done.fates);
    left.push(...done.left);
  }
  printFates(fates, left, io, flags);
}

function notDeleted(state: MessageState): string {
  if (state === 'there') return 'is not deleted: it is in its folder';
  return 'is no deleted message, or not for you to see, or kept no more: rpch mail … deleted lists what can be recovered';
}

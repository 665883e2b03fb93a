import { type OpenedMailbox, visibleFolders } from '@rpch/store/client';
import { tellPath } from './folder-path.ts';
import { tellObjectId } from './ids.ts';
import type { MailIo } from './mail-io.ts';
import { tellRole } from './roles.ts';
import { layOut } from './table.ts';

/** `folders`: every folder with its counts; of another's mailbox those that the caller may see, with what he may do there. */
export async function printFolders(
  { mailbox }: OpenedMailbox,
  flags: { readonly json?: boolean; readonly all?: boolean },
  io: MailIo,
): Promise<void> {
  const folders = await visibleFolders(mailbox, flags.all === true ? { from: mailbox.folderIds.root } : {});
  const partial = !mailbox.isOwner;
  const shown = folders.filter(({ hidden }) => flags.all === true || !hidden);
  const listed = shown.map(({ id, path, messages, unread, containerClass, isSearch, hidden, rights }) => ({
    id: tellObjectId(id),
    path: tellPath(path),
    messages,
    unread,
    containerClass,
    isSearch,
    hidden,
    ...(partial && rights !== undefined ? { role: tellRole(rights) } : {}),
  }));
  if (flags.json === true) {
    io.out(`${JSON.stringify({ folders: listed, partial })}\n`);
    return;
  }
  const rows = listed.map(({ id, path, messages, unread, containerClass, isSearch, role }) => [
    path,
    unread === 0 ? '' : String(unread),
    String(messages),
    isSearch ? 'search' : kindOf(containerClass),
    ...(partial ? [role ?? ''] : []),
    id,
  ]);
  const columns = [
    { title: 'folder', shrinks: true },
    { title: 'unread', align: 'right' },
    { title: 'messages', align: 'right' },
    { title: 'of' },
    ...(partial ? [{ title: 'role' }] : []),
    { title: 'id' },
  ] as const;
  io.out(layOut(columns, rows, io.width));
  if (partial) io.err('these are the folders that you may see; there may be others\n');
}

/** What a folder is for, by its container class ([MS-OXOSFLD] 2.2.1). */
function kindOf(containerClass: string): string {
  const [, kind = ''] = /^IPF\.([A-Za-z]{1,20})/.exec(containerClass) ?? [];
  const kinds: Readonly<Record<string, string>> = { Note: 'mail', Appointment: 'events', StickyNote: 'notes' };
  return kinds[kind] ?? kind.toLowerCase();
}

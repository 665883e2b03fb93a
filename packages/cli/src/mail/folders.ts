import type { OpenedMailbox } from '@rpch/store/client';
import { tellPath } from './folder-path.ts';
import { tellObjectId } from './ids.ts';
import type { MailIo } from './mail-io.ts';
import { layOut } from './table.ts';

/** `folders`: every folder with its counts. */
export async function printFolders(
  { mailbox }: OpenedMailbox,
  flags: { readonly json?: boolean; readonly all?: boolean },
  io: MailIo,
): Promise<void> {
  const folders = await mailbox.folders(flags.all === true ? { from: mailbox.folderIds.root } : {});
  const shown = folders.filter(({ hidden }) => flags.all === true || !hidden);
  const listed = shown.map(({ id, path, messages, unread, containerClass, isSearch, hidden }) => {
    return { id: tellObjectId(id), path: tellPath(path), messages, unread, containerClass, isSearch, hidden };
  });
  if (flags.json === true) {
    io.out(`${JSON.stringify({ folders: listed })}\n`);
    return;
  }
  const rows = listed.map(({ id, path, messages, unread, containerClass, isSearch }) => [
    path,
    unread === 0 ? '' : String(unread),
    String(messages),
    isSearch ? 'search' : kindOf(containerClass),
    id,
  ]);
  const columns = [
    { title: 'folder', shrinks: true },
    { title: 'unread', align: 'right' },
    { title: 'messages', align: 'right' },
    { title: 'of' },
    { title: 'id' },
  ] as const;
  io.out(layOut(columns, rows, io.width));
}

/** What a folder is for, by its container class ([MS-OXOSFLD] 2.2.1). */
function kindOf(containerClass: string): string {
  const [, kind = ''] = /^IPF\.([A-Za-z]{1,20})/.exec(containerClass) ?? [];
  const kinds: Readonly<Record<string, string>> = { Note: 'mail', Appointment: 'events', StickyNote: 'notes' };
  return kinds[kind] ?? kind.toLowerCase();
}

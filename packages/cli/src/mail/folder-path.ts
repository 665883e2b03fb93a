import { RpchError } from '@rpch/rpc';
import {
  type DefaultFolder,
  defaultFolders,
  type FolderInfo,
  type Mailbox,
  type ObjectId,
  Right,
  visibleFolders,
} from '@rpch/store/client';
import { parseObjectId, tellObjectId } from './ids.ts';
import { oneLine } from './plain-text.ts';

/** A folder that was found, with what stands for it. */
export interface FoundFolder {
  readonly id: ObjectId;
  readonly path: string;
}

/** Names from the top of what people see to the folder, `Inbox/Projects`; a slash in a name is `\/`. */
export function tellPath(path: readonly string[]): string {
  return path.map((name) => oneLine(name).replaceAll('\\', '\\\\').replaceAll('/', '\\/')).join('/');
}

/** What the default folders are called in English, whatever they are in the mailbox. */
const DEFAULT_NAMES: Readonly<Record<string, DefaultFolder>> = {
  inbox: 'inbox',
  outbox: 'outbox',
  'sent items': 'sentItems',
  'deleted items': 'deletedItems',
  drafts: 'drafts',
  calendar: 'calendar',
  contacts: 'contacts',
  journal: 'journal',
  notes: 'notes',
  tasks: 'tasks',
};

/**
 * The folder that a path, an id or the English name of a default folder means, without regard to upper and lower case; what a path does not find, the
 * others may. A leading slash is passed over. Throws RpchError `RPCH_NO_SUCH_FOLDER` and `RPCH_AMBIGUOUS_FOLDER` (peer).
 */
export async function findFolder(mailbox: Mailbox, text: string): Promise<FoundFolder> {
  const folders = await visibleFolders(mailbox);
  const wanted = keyOf(text.replace(/^\/+|\/+$/g, ''));
  // Paths without what may not be seen can be those of several.
  const [found, ...more] = folders.filter(({ path }) => keyOf(tellPath(path)) === wanted);
  if (found !== undefined && more.length > 0) {
    const ids = [found, ...more].map(({ id }) => tellObjectId(id)).join(', ');
    throw new RpchError(
      'RPCH_AMBIGUOUS_FOLDER',
      'peer',
      `there are several folders "${oneLine(text)}": say which by its id, of ${ids}`,
    );
  }
  if (found !== undefined) return { id: found.id, path: tellPath(found.path) };
  const id = parseObjectId(text);
  const known = folders.find((folder) => folder.id === id);
  if (known !== undefined) return { id: known.id, path: tellPath(known.path) };
  // A folder that people do not see is found by its id alone.
  if (id !== undefined) return { id, path: text };
  const name = DEFAULT_NAMES[wanted];
  const named = name === undefined ? undefined : (await defaultFolders(mailbox)).get(name);
  const meant = folders.find((folder) => folder.id === named);
  if (meant !== undefined) return { id: meant.id, path: tellPath(meant.path) };
  const near = suggestions(folders, wanted);
  const [there, all] = mailbox.isOwner ? ['', 'them'] : [' that you may see', 'those'];
  const hint = near.length === 0 ? `rpch mail … folders lists ${all}` : `did you mean ${near.join(', ')}?`;
  throw new RpchError('RPCH_NO_SUCH_FOLDER', 'peer', `there is no folder "${oneLine(text)}"${there}; ${hint}`);
}

/** The folder with an id, of which the mailbox has told already; by another name where the caller may not see it. */
export async function folderById(mailbox: Mailbox, id: ObjectId, otherwise = tellObjectId(id)): Promise<FoundFolder> {
  const found = (await visibleFolders(mailbox)).find((folder) => folder.id === id);
  return { id, path: found === undefined ? otherwise : tellPath(found.path) };
}

/** Folders in which the caller may read; without search folders, which show again what lies elsewhere. */
export async function readableFolders(mailbox: Mailbox): Promise<(FoundFolder & { readonly messages: number })[]> {
  // That a folder is there may be known to who may not read in it.
  return (await visibleFolders(mailbox))
    .filter(({ isSearch, rights = Right.ReadAny }) => !isSearch && (rights & Right.ReadAny) !== 0)
    .map(({ id, path, messages }) => ({ id, path: tellPath(path), messages }));
}

function keyOf(path: string): string {
  return path.normalize('NFC').toLowerCase();
}

function suggestions(folders: readonly FolderInfo[], wanted: string): string[] {
  return folders
    .map(({ path }) => tellPath(path))
    .filter((path) => keyOf(path).includes(wanted) || keyOf(path).split('/').at(-1) === wanted.split('/').at(-1))
    .slice(0, 3);
}

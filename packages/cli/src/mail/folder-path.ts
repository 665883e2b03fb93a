import { RpchError } from '@rpch/rpc';
import type { FolderInfo, Mailbox, ObjectId } from '@rpch/store/client';
import { parseObjectId } from './ids.ts';
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

/**
 * The folder that a path or an id means, without regard to upper and lower case; what a path does not find, an id may. A leading slash is passed
 * over. Throws RpchError `RPCH_NO_SUCH_FOLDER` (peer).
 */
export async function findFolder(mailbox: Mailbox, text: string): Promise<FoundFolder> {
  const folders = await mailbox.folders();
  const wanted = keyOf(text.replace(/^\/+|\/+$/g, ''));
  const found = folders.find(({ path }) => keyOf(tellPath(path)) === wanted);
  if (found !== undefined) return { id: found.id, path: tellPath(found.path) };
  const id = parseObjectId(text);
  const known = folders.find((folder) => folder.id === id);
  if (known !== undefined) return { id: known.id, path: tellPath(known.path) };
  // A folder that people do not see is found by its id alone.
  if (id !== undefined) return { id, path: text };
  const near = suggestions(folders, wanted);
  const hint = near.length === 0 ? 'rpch mail … folders lists them' : `did you mean ${near.join(', ')}?`;
  throw new RpchError('RPCH_NO_SUCH_FOLDER', 'peer', `there is no folder "${oneLine(text)}"; ${hint}`);
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

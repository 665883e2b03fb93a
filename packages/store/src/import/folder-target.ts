import { FolderId } from '../mailbox/folder-ids.ts';
import type { Folder, FolderStore } from '../mailbox/model.ts';
import type { Counter } from '../mapi/object-id.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';

const MAX_NAME = 255;
/** The folders that every mailbox has, by what programs call them, whatever they are called here. */
const SPECIAL: ReadonlyMap<string, Counter> = new Map([
  ['inbox', FolderId.Inbox],
  ['outbox', FolderId.Outbox],
  ['drafts', FolderId.Drafts],
  ...['sent', 'sent items', 'sent messages', 'sent mail'].map((name): [string, Counter] => [name, FolderId.SentItems]),
  ...['trash', 'deleted', 'deleted items', 'deleted messages'].map((name): [string, Counter] => [
    name,
    FolderId.DeletedItems,
  ]),
  ...['junk', 'spam', 'junk e-mail'].map((name): [string, Counter] => [name, FolderId.JunkEmail]),
]);

/**
 * Finds the folders of an import by their names, and makes those that are missing. Remembers them: where a transaction is rolled back
 * in which it made some, it must be thrown away.
 */
export class FolderTarget {
  readonly #folders: FolderStore;
  readonly #below: readonly string[] | undefined;
  readonly #known = new Map<string, Counter>();

  /** @param below names from the top of the mailbox: everything goes below it; without it, to where it was. */
  constructor(folders: FolderStore, below?: readonly string[]) {
    this.#folders = folders;
    this.#below = below;
  }

  /** The folder for mail that was in `folder` of its source; empty stands for the Inbox. */
  find(folder: readonly string[]): Counter {
    const path = this.#below === undefined ? (folder.length === 0 ? ['Inbox'] : folder) : [...this.#below, ...folder];
    const key = path.join('\0');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const [first = '', ...others] = path;
    let at = SPECIAL.get(first.toLowerCase()) ?? this.#childNamed(FolderId.IpmSubtree, first).id;
    for (const name of others) at = this.#childNamed(at, name).id;
    this.#known.set(key, at);
    return at;
  }

  #childNamed(parent: Counter, written: string): Folder {
    const name =
      written
        .replace(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, MAX_NAME) || 'Folder';
    const found = this.#folders.childNamed(parent, name);
    const properties = new Map([[PidTag.ContainerClass, 'IPF.Note']]);
    return found ?? this.#folders.create(parent, { name, type: FolderType.Generic, properties });
  }
}

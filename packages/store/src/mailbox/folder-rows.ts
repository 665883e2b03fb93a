import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { FolderType } from '../mapi/property-values.ts';
import { blob, integer, type SqlDatabase, SqlError, type SqlValue } from '../sql/driver.ts';
import { deletedSetOf } from './deleted-sets.ts';
import type { FolderRow } from './folder-properties.ts';
import { PackedProperties } from './packed-properties.ts';

const COLUMNS = `id, parent, name, type, change, content, unread, associated, subfolders, size, associated_size, deleted,
  hierarchy_change, next_article, CAST(commit_time AS TEXT) AS commit_time, CAST(deleted_on AS TEXT) AS deleted_on`;

/** By how much a folder's counts change, and whether by deleting. */
export interface CountChange {
  readonly content?: number;
  readonly unread?: number;
  readonly associated?: number;
  readonly size?: number;
  readonly associatedSize?: number;
  readonly deleted?: number;
  /** Article numbers used up. */
  readonly articles?: number;
}

/** The rows of the table of folders. */
export class FolderRows {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  /** One that is soft-deleted only `withDeleted`. */
  get(id: Counter, withDeleted = false): FolderRow | undefined {
    const [row] = this.#database.values(`SELECT ${COLUMNS} FROM folders WHERE id = ?`, id);
    if (row === undefined) return undefined;
    const folder = fromRow(row);
    return folder.deletedOn === undefined || withDeleted ? folder : undefined;
  }

  /** Throws NotFound. */
  need(id: Counter, withDeleted = false): FolderRow {
    const folder = this.get(id, withDeleted);
    if (folder === undefined) throw new StoreError(ErrorCode.NotFound, `folder ${id}`);
    return folder;
  }

  named(parent: Counter, name: string): FolderRow | undefined {
    const [row] = this.#database.values(
      `SELECT ${COLUMNS} FROM folders WHERE parent = ? AND name_key = ?`,
      parent,
      nameKey(name),
    );
    return row === undefined ? undefined : fromRow(row);
  }

  /** How many folders there are of a type. */
  countOf(type: number): number {
    return integer(this.#database.get('SELECT count(*) AS count FROM folders WHERE type = ?', type) ?? {}, 'count');
  }

  /** Those directly below, in no order. */
  below(parent: Counter): FolderRow[] {
    return this.#database.values(`SELECT ${COLUMNS} FROM folders WHERE parent = ?`, parent).map(fromRow);
  }

  /** All that are below, at whatever depth, in no order. */
  allBelow(ancestor: Counter): FolderRow[] {
    return this.#database
      .values(
        `WITH RECURSIVE tree (id) AS (
           SELECT id FROM folders WHERE parent = ? UNION ALL SELECT folders.id FROM folders JOIN tree ON parent = tree.id
         ) SELECT ${COLUMNS} FROM folders WHERE id IN (SELECT id FROM tree)`,
        ancestor,
      )
      .map(fromRow);
  }

  /** All that are below, soft-deleted ones among them, the deepest first. */
  wholeTree(ancestor: Counter): FolderRow[] {
    return this.#database
      .values(
        `WITH RECURSIVE tree (folder, depth) AS (
           SELECT id, 1 FROM folders WHERE parent IN (?, ?)
           UNION ALL SELECT id, depth + 1 FROM folders JOIN tree ON parent IN (folder, -folder)
         ) SELECT ${COLUMNS} FROM tree JOIN folders ON id = folder ORDER BY depth DESC, id`,
        ancestor,
        deletedSetOf(ancestor),
      )
      .map(fromRow);
  }

  /** The folder that was soft-deleted first, if that was at a time or before it. */
  deletedUntil(time: bigint): Counter | undefined {
    const row = this.#database.get(
      'SELECT id FROM folders WHERE deleted_on <= ? AND parent < 0 ORDER BY deleted_on, id LIMIT 1',
      time,
    );
    return row === undefined ? undefined : integer(row, 'id');
  }

  /** How many folders were soft-deleted from a folder, and can be recovered to it. */
  deletedIn(parent: Counter): number {
    const row = this.#database.get('SELECT count(*) AS count FROM folders WHERE parent = ?', deletedSetOf(parent));
    return integer(row ?? {}, 'count');
  }

  /** Marks a folder as soft-deleted, with all below it. Its name is free then. */
  markDeleted({ id, parent, name }: FolderRow, time: bigint): void {
    this.#database.run(
      'UPDATE folders SET parent = ?, name_key = ? WHERE id = ?',
      deletedSetOf(parent),
      `${nameKey(name)}\0${id}`,
      id,
    );
    this.#markTree(id, time);
  }

  /** Takes that back of a folder and all below it, but for where it is. */
  unmarkDeleted(id: Counter): void {
    this.#markTree(id, null);
  }

  #markTree(id: Counter, time: bigint | null): void {
    this.#database.run(
      `WITH RECURSIVE tree (id) AS (
         SELECT ? UNION ALL SELECT folders.id FROM folders JOIN tree ON parent = tree.id
       ) UPDATE folders SET deleted_on = ? WHERE id IN (SELECT id FROM tree)`,
      id,
      time,
    );
  }

  /** The folder and those above it, from the inside to the root. */
  path(id: Counter): Counter[] {
    return this.#database
      .all(
        `WITH RECURSIVE path (id, parent, depth) AS (
           SELECT id, parent, 0 FROM folders WHERE id = ?
           UNION ALL SELECT folders.id, folders.parent, depth + 1 FROM folders JOIN path ON folders.id = path.parent
         ) SELECT id FROM path ORDER BY depth`,
        id,
      )
      .map((row) => integer(row, 'id'));
  }

  packed(id: Counter): PackedProperties {
    const row = this.#database.get('SELECT properties FROM folders WHERE id = ?', id);
    return row === undefined ? PackedProperties.empty : new PackedProperties(blob(row, 'properties'));
  }

  /** PidTagSourceKey where it is not the one that the folder's id makes: of one that was made elsewhere. */
  foreignKey(id: Counter): Uint8Array | undefined {
    const key = this.packed(id).value(PidTag.SourceKey);
    return key instanceof Uint8Array ? key : undefined;
  }

  insert(folder: FolderRow, properties: Uint8Array): void {
    this.#database.run(
      `INSERT INTO folders (id, parent, name, name_key, type, change, commit_time, properties)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      folder.id,
      folder.parent,
      folder.name,
      nameKey(folder.name),
      folder.type,
      folder.changeNumber,
      folder.commitTime,
      properties,
    );
  }

  /** Makes a folder's deleted set, where it has none. It is in no folder, and stays as long as its own. */
  makeDeletedSet(folder: Counter, time: bigint): Counter {
    const id = deletedSetOf(folder);
    this.#database.run(
      `INSERT OR IGNORE INTO folders (id, parent, name, name_key, type, change, commit_time, properties)
       VALUES (?, 0, '', ?, ?, 0, ?, ?)`,
      id,
      String(id),
      FolderType.Generic,
      time,
      PackedProperties.empty.bytes,
    );
    return id;
  }

  /** Stores what a change of the folder itself has made of it. */
  update(id: Counter, to: { parent: Counter; name: string; change: Counter }, properties: Uint8Array): void {
    this.#database.run(
      'UPDATE folders SET parent = ?, name = ?, name_key = ?, change = ?, properties = ? WHERE id = ?',
      to.parent,
      to.name,
      nameKey(to.name),
      to.change,
      properties,
      id,
    );
  }

  delete(id: Counter): void {
    this.#database.run('DELETE FROM folders WHERE id = ?', id);
  }

  /** Tells a folder that so many subfolders came or went, or that one was changed ([MS-OXCFOLD] 2.2.2.2.1.9). */
  hierarchyChanged(id: Counter, subfolders: number, time: bigint): void {
    this.#database.run(
      'UPDATE folders SET subfolders = subfolders + ?, hierarchy_change = hierarchy_change + 1, commit_time = ? WHERE id = ?',
      subfolders,
      time,
      id,
    );
  }

  /** Tells a folder what has become of its messages. */
  contentsChanged(id: Counter, by: CountChange, time: bigint): void {
    this.#database.run(
      `UPDATE folders SET content = content + ?, unread = unread + ?, associated = associated + ?, size = size + ?,
         associated_size = associated_size + ?, deleted = deleted + ?, next_article = next_article + ?, commit_time = ? WHERE id = ?`,
      by.content ?? 0,
      by.unread ?? 0,
      by.associated ?? 0,
      by.size ?? 0,
      by.associatedSize ?? 0,
      by.deleted ?? 0,
      by.articles ?? 0,
      time,
      id,
    );
  }
}

/** Under which names are compared: in whatever case, however composed. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function fromRow(row: readonly SqlValue[]): FolderRow {
  const commitTime = row[14];
  const deletedOn = row[15];
  const name = row[2];
  if (typeof name !== 'string' || typeof commitTime !== 'string')
    throw new SqlError('a folder without a name or a time');
  return {
    id: numberAt(row, 0),
    parent: numberAt(row, 1),
    name,
    type: numberAt(row, 3),
    changeNumber: numberAt(row, 4),
    contentCount: numberAt(row, 5),
    unreadCount: numberAt(row, 6),
    associatedCount: numberAt(row, 7),
    subfolderCount: numberAt(row, 8),
    size: numberAt(row, 9),
    associatedSize: numberAt(row, 10),
    deletedCount: numberAt(row, 11),
    hierarchyChange: numberAt(row, 12),
    nextArticle: numberAt(row, 13),
    commitTime: BigInt(commitTime),
    ...(typeof deletedOn === 'string' && { deletedOn: BigInt(deletedOn) }),
  };
}

function numberAt(row: readonly SqlValue[], column: number): number {
  const value = row[column];
  if (typeof value !== 'number') throw new SqlError(`column ${column} of a folder is not an integer`);
  return value;
}

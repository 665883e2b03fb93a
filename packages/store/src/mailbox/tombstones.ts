import type { Counter } from '../mapi/object-id.ts';
import type { SqlDatabase } from '../sql/driver.ts';

/** What a deletion was of. */
export const DeletedKind = { Folder: 0, Message: 1, Associated: 2 } as const;

/**
 * Remembers that an object is gone from a folder, in the change of that number, so that synchronisation can report it
 * ([MS-OXCFXICS] 3.2.5.3): one that is soft-deleted is gone for it as well.
 * @param sourceKey where it is not the one that the object's id makes
 */
export function bury(
  database: SqlDatabase,
  from: Counter,
  change: Counter,
  object: Counter,
  kind: number,
  sourceKey: Uint8Array | null,
): void {
  database.run(
    'INSERT OR REPLACE INTO deletions (folder, change, object, kind, source_key) VALUES (?, ?, ?, ?, ?)',
    from,
    change,
    object,
    kind,
    sourceKey,
  );
}

/** Forgets that a folder was deleted: it is back. */
export function unearth(database: SqlDatabase, from: Counter, folder: Counter): void {
  const { Folder } = DeletedKind;
  database.run('DELETE FROM deletions WHERE folder = ? AND object = ? AND kind = ?', from, folder, Folder);
}

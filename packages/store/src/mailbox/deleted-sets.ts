import type { Counter } from '../mapi/object-id.ts';
import type { SqlDatabase } from '../sql/driver.ts';

/**
 * Where the soft-deleted messages of a folder lie: in a folder of their own, its deleted set, whose id is the folder's negated. So counts,
 * sizes and orders of what was deleted are kept as those of every folder, and whoever reads a folder need not know of it. No id on the
 * wire is negative: nothing but soft deletion leads there. A folder that is soft-deleted has its parent's deleted set for a parent, and
 * what is in it stays in it; it and those below it have the time at which they were deleted.
 */
export function deletedSetOf(folder: Counter): Counter {
  return -folder;
}

/** Whether what lies in a folder is soft-deleted. */
export function isDeletedSet(folder: Counter): boolean {
  return folder < 0;
}

/** The folder that something lies in, or from which it was deleted: what everybody is told. */
export function homeOf(folder: Counter): Counter {
  return Math.abs(folder);
}

/** One of the mailbox's migrations. `deleted_on` is a FILETIME, which the message has as PidTagDeletedOn too. */
export function addDeletedSets(database: SqlDatabase): void {
  database.exec(`
    ALTER TABLE folders ADD COLUMN deleted_on INTEGER;
    ALTER TABLE messages ADD COLUMN deleted_on INTEGER;
    CREATE INDEX folders_by_deletion ON folders (deleted_on) WHERE deleted_on IS NOT NULL;
    CREATE INDEX messages_by_deletion ON messages (deleted_on) WHERE deleted_on IS NOT NULL;
  `);
}

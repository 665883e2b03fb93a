import { integer, type SqlDatabase, SqlError } from './driver.ts';

/** Brings a schema from the version before to the next one. */
export type Migration = (database: SqlDatabase) => void;

/** What a database holds, and how it comes to its newest schema: migration `n` makes version `n + 1`. */
export interface Schema {
  /** Names the kind of file to tools (`PRAGMA application_id`). */
  readonly applicationId: number;
  readonly migrations: readonly Migration[];
}

/**
 * Brings a database to the newest version of its schema, all steps in one transaction; returns the version that it had. Throws
 * SqlError for a database of another application, and for one that a newer version of this one has made.
 */
export function migrate(database: SqlDatabase, schema: Schema): number {
  const newest = schema.migrations.length;
  // Asked twice: here without the lock that writing takes, since most files are as they should be.
  if (versionOf(database, schema) === newest) return newest;
  return database.transaction(() => {
    const version = versionOf(database, schema);
    for (const migration of schema.migrations.slice(version)) migration(database);
    database.exec(`PRAGMA application_id = ${schema.applicationId}; PRAGMA user_version = ${newest}`);
    return version;
  });
}

function versionOf(database: SqlDatabase, schema: Schema): number {
  const application = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (application !== schema.applicationId && (application !== 0 || version !== 0 || hasTables(database))) {
    throw new SqlError('the file is a database of another application');
  }
  if (version > schema.migrations.length) {
    throw new SqlError(
      `the database has version ${version}, and this program knows none after ${schema.migrations.length}`,
    );
  }
  return version;
}

function pragma(database: SqlDatabase, name: 'application_id' | 'user_version'): number {
  return integer(database.get(`PRAGMA ${name}`) ?? {}, name);
}

function hasTables(database: SqlDatabase): boolean {
  return database.get('SELECT 1 AS found FROM sqlite_schema LIMIT 1') !== undefined;
}

import { Cursor, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { Counter } from '../mapi/object-id.ts';
import { type Restriction, readRestriction, writeRestriction } from '../mapi/restriction.ts';
import { restrictionWithText } from '../mapi/restriction-text.ts';
import { blob, integer, type SqlDatabase } from '../sql/driver.ts';
import { UNICODE } from './value-codec.ts';

/** SearchFlags of RopSetSearchCriteria ([MS-OXCFOLD] 2.2.1.4.1); those of MAPI that say how urgent a search is are taken and mean nothing. */
export const SearchFlag = {
  Stop: 0x1,
  Restart: 0x2,
  Recursive: 0x4,
  Shallow: 0x8,
  Foreground: 0x10,
  Background: 0x20,
  ContentIndexed: 0x10000,
  NonContentIndexed: 0x20000,
  Static: 0x40000,
} as const;

const KNOWN_FLAGS = Object.values(SearchFlag).reduce((all, flag) => all | flag, 0);

/** Pairs of which one at most may be set. */
const EXCLUSIVE: readonly number[] = [
  SearchFlag.Stop | SearchFlag.Restart,
  SearchFlag.Recursive | SearchFlag.Shallow,
  SearchFlag.Foreground | SearchFlag.Background,
  SearchFlag.ContentIndexed | SearchFlag.NonContentIndexed,
];

/** How far a search has come: it finds nothing, it goes through what there was before it began, or it has done that. */
export const SearchState = { Stopped: 0, Filling: 1, Filled: 2 } as const;

/** Folders that a search may name. */
export const MAX_SCOPE = 1024;
/** Bytes of a restriction as it is stored: RopGetSearchCriteria must have room for it beside {@link MAX_SCOPE} folders. */
const MAX_RESTRICTION = 0x4000;

/** What a search folder looks for, and where. */
export interface SearchCriteria {
  readonly folder: Counter;
  /** Text in it is Unicode. */
  readonly restriction: Restriction;
  /** Of {@link SearchFlag} those that stay: all but Stop and Restart. */
  readonly flags: number;
  /** Of {@link SearchState}. */
  readonly state: number;
  /** The last message that was looked at, in its folder; those before it and in folders with lower ids have been. */
  readonly reached: { readonly folder: Counter; readonly message: Counter };
  /** As the client named them, without those that are gone. */
  readonly scopes: readonly Counter[];
}

/** Makes the tables of searches: one of the mailbox's migrations. */
export function createSearches(database: SqlDatabase): void {
  database.exec(`
    CREATE TABLE searches (
      folder INTEGER PRIMARY KEY REFERENCES folders (id) ON DELETE CASCADE,
      restriction BLOB NOT NULL,
      flags INTEGER NOT NULL,
      state INTEGER NOT NULL,
      reached_folder INTEGER NOT NULL DEFAULT 0,
      reached_message INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE search_scopes (
      folder INTEGER NOT NULL REFERENCES searches (folder) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      scope INTEGER NOT NULL,
      PRIMARY KEY (folder, position)
    ) WITHOUT ROWID;
    CREATE INDEX search_scopes_by_scope ON search_scopes (scope);
    -- The messages that search folders have, wherever they lie.
    CREATE TABLE search_links (
      folder INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
      message INTEGER NOT NULL,
      PRIMARY KEY (folder, message)
    ) WITHOUT ROWID;
    CREATE INDEX search_links_by_message ON search_links (message);
  `);
}

/** Throws InvalidParam for flags that are unknown or contradict each other. */
export function checkSearchFlags(flags: number): void {
  const isContradiction = EXCLUSIVE.some((pair) => (flags & pair) === pair);
  if ((flags & ~KNOWN_FLAGS) !== 0 || isContradiction) {
    throw new StoreError(ErrorCode.InvalidParam, `search flags ${flags}`);
  }
}

/** The rows of the tables of searches. */
export class SearchRows {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  all(): SearchCriteria[] {
    const scopes = new Map<Counter, Counter[]>();
    for (const row of this.#database.all('SELECT folder, scope FROM search_scopes ORDER BY folder, position')) {
      const folder = integer(row, 'folder');
      const known = scopes.get(folder);
      if (known === undefined) scopes.set(folder, [integer(row, 'scope')]);
      else known.push(integer(row, 'scope'));
    }
    return this.#database.all('SELECT * FROM searches ORDER BY folder').map((row) => ({
      folder: integer(row, 'folder'),
      restriction: readRestriction(new Cursor(blob(row, 'restriction'), 'stored restriction'), UNICODE),
      flags: integer(row, 'flags'),
      state: integer(row, 'state'),
      reached: { folder: integer(row, 'reached_folder'), message: integer(row, 'reached_message') },
      scopes: scopes.get(integer(row, 'folder')) ?? [],
    }));
  }

  /** Replaces what a folder looks for. Throws TooComplex. */
  put({ folder, restriction, flags, state, scopes }: Omit<SearchCriteria, 'reached'>): void {
    const writer = new Writer();
    writeRestriction(writer, restrictionWithText(restriction, true), UNICODE);
    if (writer.length > MAX_RESTRICTION || scopes.length > MAX_SCOPE) {
      throw new StoreError(ErrorCode.TooComplex, `criteria of ${writer.length} bytes for ${scopes.length} folders`);
    }
    this.#database.run(
      `INSERT INTO searches (folder, restriction, flags, state) VALUES (?, ?, ?, ?)
       ON CONFLICT (folder) DO UPDATE SET restriction = excluded.restriction, flags = excluded.flags,
         state = excluded.state, reached_folder = 0, reached_message = 0`,
      folder,
      writer.finish(),
      flags,
      state,
    );
    this.#database.run('DELETE FROM search_scopes WHERE folder = ?', folder);
    for (const [position, scope] of scopes.entries()) {
      this.#database.run(
        'INSERT INTO search_scopes (folder, position, scope) VALUES (?, ?, ?)',
        folder,
        position,
        scope,
      );
    }
  }

  setState(folder: Counter, state: number, reached: SearchCriteria['reached']): void {
    this.#database.run(
      'UPDATE searches SET state = ?, reached_folder = ?, reached_message = ? WHERE folder = ?',
      state,
      reached.folder,
      reached.message,
      folder,
    );
  }

  dropScope(scope: Counter): void {
    this.#database.run('DELETE FROM search_scopes WHERE scope = ?', scope);
  }

  /** False where the folder had the message already. */
  link(folder: Counter, message: Counter): boolean {
    return (
      this.#database.run('INSERT OR IGNORE INTO search_links (folder, message) VALUES (?, ?)', folder, message) > 0
    );
  }

  unlink(folder: Counter, message: Counter): void {
    this.#database.run('DELETE FROM search_links WHERE folder = ? AND message = ?', folder, message);
  }

  unlinkAll(folder: Counter): void {
    this.#database.run('DELETE FROM search_links WHERE folder = ?', folder);
  }

  isLinked(folder: Counter, message: Counter): boolean {
    return (
      this.#database.get('SELECT 1 AS found FROM search_links WHERE folder = ? AND message = ?', folder, message) !==
      undefined
    );
  }

  /** The search folders that have a message. */
  foldersOf(message: Counter): Counter[] {
    return this.#database
      .all('SELECT folder FROM search_links WHERE message = ? ORDER BY folder', message)
      .map((row) => integer(row, 'folder'));
  }

  /** Messages of a folder that any search folder has. */
  linkedIn(folder: Counter): Counter[] {
    return this.#database
      .all(
        `SELECT DISTINCT id FROM messages JOIN search_links ON message = id WHERE messages.folder = ? ORDER BY id`,
        folder,
      )
      .map((row) => integer(row, 'id'));
  }
}

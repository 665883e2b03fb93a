import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import type { CounterRange } from '../mapi/id-set.ts';
import type { Counter } from '../mapi/object-id.ts';
import { integer, type SqlDatabase, type SqlRow } from '../sql/driver.ts';
import { MAX_DELETED_RANGES, MAX_RESERVED_IDS } from './limits.ts';
import type { MailboxContext } from './mailbox-context.ts';

/** One of the mailbox's migrations. Ranges that touch are one, so that no two rows of a folder do. */
export function createClientIds(database: SqlDatabase): void {
  database.exec(`
    CREATE TABLE reserved_ids (
      first INTEGER PRIMARY KEY,
      last INTEGER NOT NULL
    );
    CREATE TABLE deleted_ids (
      folder INTEGER NOT NULL REFERENCES folders (id) ON DELETE CASCADE,
      first INTEGER NOT NULL,
      last INTEGER NOT NULL,
      PRIMARY KEY (folder, first)
    ) WITHOUT ROWID;
  `);
}

/**
 * Ids that clients give to the objects that they make while they are offline ([MS-OXCFXICS] 3.3.5.2.1): reserved for them from the
 * mailbox's counter, and never given to anything else.
 */
export class ClientIds {
  readonly #context: MailboxContext;

  constructor(context: MailboxContext) {
    this.#context = context;
  }

  /** Reserves ids; the first of them. Throws InvalidParam for none and for more than 65,536; OutOfResources. */
  reserve(count: number): Counter {
    if (!Number.isInteger(count) || count < 1 || count > MAX_RESERVED_IDS) {
      throw new StoreError(ErrorCode.InvalidParam, `${count} ids at once`);
    }
    const { database } = this.#context;
    return this.#context.write(() => {
      const first = this.#context.nextIds(count);
      const last = first + count - 1;
      const before = database.get('SELECT first, last FROM reserved_ids ORDER BY first DESC LIMIT 1');
      if (before !== undefined && integer(before, 'last') === first - 1) {
        database.run('UPDATE reserved_ids SET last = ? WHERE first = ?', last, integer(before, 'first'));
      } else database.run('INSERT INTO reserved_ids (first, last) VALUES (?, ?)', first, last);
      return first;
    });
  }

  /**
   * Adds ids to those that no message of a folder has or will have: its deleted item list ([MS-OXCFXICS] 3.2.5.9.4.8). Throws
   * InvalidParam where one of them was not reserved, TooComplex where the list would have too many ranges; then none is added.
   */
  addDeleted(folder: Counter, ranges: readonly CounterRange[]): void {
    const { database } = this.#context;
    this.#context.write(() => {
      for (const range of ranges) if (!this.#isReserved(range)) throw new StoreError(ErrorCode.InvalidParam, 'no ids');
      const row = database.get('SELECT count(*) AS count FROM deleted_ids WHERE folder = ?', folder) ?? {};
      if (integer(row, 'count') + ranges.length > MAX_DELETED_RANGES) {
        throw new StoreError(ErrorCode.TooComplex, 'too many ranges of ids');
      }
      for (const range of ranges) this.#add(folder, range);
    });
  }

  /** The ids of a folder's deleted item list, in their order. What is in the folder nevertheless is not deleted. */
  deleted(folder: Counter): readonly CounterRange[] {
    return this.#context.database
      .all('SELECT first, last FROM deleted_ids WHERE folder = ? ORDER BY first', folder)
      .map(rangeOf);
  }

  #isReserved({ first, last }: CounterRange): boolean {
    if (first > last) return false;
    const row = this.#context.database.get(
      'SELECT last FROM reserved_ids WHERE first <= ? ORDER BY first DESC LIMIT 1',
      first,
    );
    return row !== undefined && last <= integer(row, 'last');
  }

  /** Puts one range in the place of all that it touches. */
  #add(folder: Counter, { first, last }: CounterRange): void {
    const { database } = this.#context;
    const before = database.get(
      'SELECT first, last FROM deleted_ids WHERE folder = ? AND first <= ? ORDER BY first DESC LIMIT 1',
      folder,
      first,
    );
    const within = database
      .all('SELECT first, last FROM deleted_ids WHERE folder = ? AND first > ? AND first <= ?', folder, first, last + 1)
      .map(rangeOf);
    const touched =
      before !== undefined && integer(before, 'last') >= first - 1 ? [rangeOf(before), ...within] : within;
    for (const each of touched)
      database.run('DELETE FROM deleted_ids WHERE folder = ? AND first = ?', folder, each.first);
    database.run(
      'INSERT INTO deleted_ids (folder, first, last) VALUES (?, ?, ?)',
      folder,
      Math.min(first, ...touched.map((each) => each.first)),
      Math.max(last, ...touched.map((each) => each.last)),
    );
  }
}

function rangeOf(row: SqlRow): CounterRange {
  return { first: integer(row, 'first'), last: integer(row, 'last') };
}

import { RpchError } from '@rpch/rpc';

/** What a column holds. Integers are numbers up to 2^53; larger ones are bound as bigint and read back by way of a text cast. */
export type SqlValue = number | bigint | string | Uint8Array | null;
/** A row, its values by the names of their columns. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * What the store needs of a database, so that another one can stand behind it: statements by their text, which the driver keeps
 * prepared, with all values bound; and transactions. All of it is synchronous. Throws SqlError.
 */
export interface SqlDatabase {
  /** Runs statements that return nothing and have no values. */
  exec(sql: string): void;
  /** The first row. */
  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined;
  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[];
  /** The same, with the values of each row in the order of its columns: half the price, for the statements that run most. */
  values(sql: string, ...values: readonly SqlValue[]): readonly (readonly SqlValue[])[];
  /** Rows one by one, for results that should not be in memory at once. */
  iterate(sql: string, ...values: readonly SqlValue[]): Iterable<SqlRow>;
  /** Returns how many rows were changed. */
  run(sql: string, ...values: readonly SqlValue[]): number;
  /** Runs `work` in a transaction that may write: all of it is kept, or, where it throws, nothing. Within another one it is a savepoint. */
  transaction<T>(work: () => T): T;
  /** Runs `work` on one state of the database, which it cannot change; within a transaction it simply runs. */
  read<T>(work: () => T): T;
  /**
   * Runs `work`, which may do anything: what it reads before it writes for the first time is read in one transaction, which is
   * cheaper than one for each statement.
   */
  together<T>(work: () => T): T;
  readonly inTransaction: boolean;
  /** Changes whenever another connection has changed the database. */
  dataVersion(): number;
  close(): void;
}

/** The database failed, not its caller: damaged, locked for too long, no room. */
export class SqlError extends RpchError {
  override readonly name = 'SqlError';

  constructor(message: string, options?: { cause?: unknown }) {
    super('RPCH_SQL', 'configuration', message, options);
  }
}

/** An integer column. */
export function integer(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw unexpected(column, 'an integer');
  return value;
}

/** A text column. */
export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw unexpected(column, 'text');
  return value;
}

/** A blob column. */
export function blob(row: SqlRow, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw unexpected(column, 'a blob');
  return value;
}

function unexpected(column: string, what: string): SqlError {
  return new SqlError(`column ${column} is not ${what}`);
}

import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type SqlDatabase, SqlError, type SqlRow, type SqlValue } from './driver.ts';

/** Prepared statements kept; those prepared longest ago go first. */
const MAX_STATEMENTS = 256;

/**
 * Values that PRAGMA takes cannot be bound; these are constants. A page of 8 KiB, which only a new file takes on, holds a few rows
 * of a table of messages instead of one.
 */
const SETTINGS =
  'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864';

/** What may be set when a database is opened. */
export interface NodeSqliteOptions {
  /** Milliseconds to wait for another connection's transaction. */
  readonly busyTimeout?: number;
}

/**
 * The driver over node:sqlite. Write-ahead log and `synchronous = NORMAL`: after a power cut the last transactions may be gone,
 * but never a part of one. Several connections, in this process or others, may have the file open.
 */
export class NodeSqlite implements SqlDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #reading = false;
  /** Whether a transaction is open that {@link NodeSqlite.together} has begun and nothing has ended. */
  #together = false;
  #dataVersion: number | undefined;

  /** Opens the file, or makes one where there is none; `:memory:` for one that nothing else can open. */
  constructor(path: string, options: NodeSqliteOptions = {}) {
    const timeout = Math.trunc(options.busyTimeout ?? 5000);
    this.#database = guard(
      () =>
        new DatabaseSync(path, { enableForeignKeyConstraints: true, enableDoubleQuotedStringLiterals: false, timeout }),
    );
    try {
      this.exec(SETTINGS);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  exec(sql: string): void {
    guard(() => this.#database.exec(sql));
  }

  get(sql: string, ...values: readonly SqlValue[]): SqlRow | undefined {
    return guard(() => this.#statement(sql).get(...values) as SqlRow | undefined);
  }

  all(sql: string, ...values: readonly SqlValue[]): readonly SqlRow[] {
    return guard(() => this.#statement(sql).all(...values) as unknown as readonly SqlRow[]);
  }

  values(sql: string, ...values: readonly SqlValue[]): readonly (readonly SqlValue[])[] {
    return guard(() => this.#statement(sql, true).all(...values) as unknown as readonly (readonly SqlValue[])[]);
  }

  *iterate(sql: string, ...values: readonly SqlValue[]): Iterable<SqlRow> {
    // A statement of its own: a kept one would be reset by whoever runs the same text meanwhile.
    const statement = guard(() => this.#database.prepare(sql));
    const rows = guard(() => statement.iterate(...values));
    for (;;) {
      const next = guard(() => rows.next());
      if (next.done === true) return;
      yield next.value as SqlRow;
    }
  }

  run(sql: string, ...values: readonly SqlValue[]): number {
    this.#part();
    return guard(() => Number(this.#statement(sql).run(...values).changes));
  }

  transaction<T>(work: () => T): T {
    // A read transaction that becomes a writing one fails where another connection has written meanwhile.
    if (this.#reading) throw new SqlError('a transaction that writes within one that only reads');
    this.#part();
    const depth = this.#depth;
    const savepoint = `level_${depth}`;
    this.exec(depth === 0 ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${savepoint}`);
    this.#depth += 1;
    try {
      const result = work();
      this.exec(depth === 0 ? 'COMMIT' : `RELEASE ${savepoint}`);
      return result;
    } catch (error) {
      // After some failures (no room on the disk) SQLite has rolled back by itself.
      if (this.#database.isTransaction) {
        this.exec(depth === 0 ? 'ROLLBACK' : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`);
      }
      throw error;
    } finally {
      this.#depth = depth;
    }
  }

  read<T>(work: () => T): T {
    if (this.#reading || this.#depth > 0) return work();
    const isWithin = this.#together;
    if (!isWithin) this.exec('BEGIN');
    this.#reading = true;
    try {
      return work();
    } finally {
      this.#reading = false;
      if (!isWithin && this.#database.isTransaction) this.exec('COMMIT');
    }
  }

  together<T>(work: () => T): T {
    if (this.#together || this.#reading || this.#depth > 0) return work();
    this.exec('BEGIN');
    this.#together = true;
    try {
      return work();
    } finally {
      // The mailbox may have been closed meanwhile.
      if (this.#database.isOpen) this.#part();
    }
  }

  /** Ends what {@link NodeSqlite.together} has begun: a transaction that has read cannot always become one that writes. */
  #part(): void {
    if (!this.#together) return;
    this.#together = false;
    this.#dataVersion = undefined;
    if (this.#database.isTransaction) this.exec('COMMIT');
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  dataVersion(): number {
    // It stays what it is while one state of the database is read.
    if (this.#dataVersion !== undefined) return this.#dataVersion;
    const version = Number(this.get('PRAGMA data_version')?.data_version);
    if (this.#together) this.#dataVersion = version;
    return version;
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) guard(() => this.#database.close());
  }

  #statement(sql: string, returnsArrays = false): StatementSync {
    const name = returnsArrays ? `${sql} ` : sql;
    const kept = this.#statements.get(name);
    if (kept !== undefined) return kept;
    const statement = this.#database.prepare(sql);
    if (returnsArrays) statement.setReturnArrays(true);
    if (this.#statements.size >= MAX_STATEMENTS) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    this.#statements.set(name, statement);
    return statement;
  }
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof SqlError) throw cause;
    throw new SqlError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

import type { Table } from '../../../mailbox/table.ts';
import type { TablesAtWork } from '../limits.ts';
import type { Logon } from '../logon.ts';

/** An open table ([MS-OXCTABL]) and what tells its client that it has changed. */
export class TableObject {
  readonly kind = 'table';
  readonly #table: Table;
  readonly #check: (() => void) | undefined;
  readonly #watch: ((handle: number) => () => void) | undefined;
  readonly #closed: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #atWork: TablesAtWork | undefined;

  /**
   * @param check throws where whoever has opened the table may not see it any more; undefined where he always may.
   * @param watch begins to tell, once the table has its handle, and returns what ends it; undefined where nobody wants to know.
   * @param closed is called when the table is closed.
   */
  constructor(table: Table, check?: () => void, watch?: (handle: number) => () => void, closed?: () => void) {
    this.#table = table;
    this.#check = check;
    this.#watch = watch;
    this.#closed = closed;
  }

  /** The table, for whoever may still see it. */
  get table(): Table {
    this.#check?.();
    this.#atWork?.use(this.#table);
    return this.#table;
  }

  opened(handle: number, { allowance, session }: Logon): void {
    this.#atWork = allowance.tables;
    this.#atWork.use(this.#table);
    this.#table.heldBy((bytes) => session.allowance.use(bytes));
    this.#unwatch = this.#watch?.(handle);
  }

  close(): void {
    this.#unwatch?.();
    this.#atWork?.forget(this.#table);
    this.#table.close();
    this.#closed?.();
  }
}

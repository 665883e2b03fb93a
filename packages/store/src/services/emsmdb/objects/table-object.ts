import type { Table } from '../../../mailbox/table.ts';

/** An open table ([MS-OXCTABL]) and what tells its client that it has changed. */
export class TableObject {
  readonly kind = 'table';
  readonly #table: Table;
  readonly #check: (() => void) | undefined;
  readonly #watch: ((handle: number) => () => void) | undefined;
  readonly #closed: (() => void) | undefined;
  #unwatch: (() => void) | undefined;

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
    return this.#table;
  }

  opened(handle: number): void {
    this.#unwatch = this.#watch?.(handle);
  }

  close(): void {
    this.#unwatch?.();
    this.#table.close();
    this.#closed?.();
  }
}

import type { Table } from '../../../mailbox/table.ts';

/** An open table ([MS-OXCTABL]) and what tells its client that it has changed. */
export class TableObject {
  readonly kind = 'table';
  readonly table: Table;
  readonly #watch: ((handle: number) => () => void) | undefined;
  readonly #closed: (() => void) | undefined;
  #unwatch: (() => void) | undefined;

  /**
   * @param watch begins to tell, once the table has its handle, and returns what ends it; undefined where nobody wants to know.
   * @param closed is called when the table is closed.
   */
  constructor(table: Table, watch?: (handle: number) => () => void, closed?: () => void) {
    this.table = table;
    this.#watch = watch;
    this.#closed = closed;
  }

  opened(handle: number): void {
    this.#unwatch = this.#watch?.(handle);
  }

  close(): void {
    this.#unwatch?.();
    this.table.close();
    this.#closed?.();
  }
}

import type { Counter } from '../../mapi/object-id.ts';
import type { MessageRow, MessageRows } from './message-row.ts';

/** Bytes of rows in one generation; what a row takes beside its properties is estimated. */
const GENERATION_BYTES = 256 * 1024;
const ROW_BYTES = 256;

/**
 * The rows read last of those that begin a table: the first pages of the folders in use are asked for again and again. Rows come into a young generation; when that
 * is full it becomes the old one, whose rows are forgotten unless they were asked for meanwhile.
 */
export class RowCache {
  readonly #rows: MessageRows;
  #young = new Map<Counter, MessageRow>();
  #old = new Map<Counter, MessageRow>();
  #bytes = 0;

  constructor(rows: MessageRows) {
    this.#rows = rows;
  }

  /** Rows by their ids, in the order asked for. */
  get(ids: readonly Counter[]): readonly (MessageRow | undefined)[] {
    const missing: Counter[] = [];
    const found = ids.map((id) => {
      const row = this.#young.get(id) ?? this.#revived(id);
      if (row === undefined) missing.push(id);
      return row;
    });
    if (missing.length === 0) return found;
    const read = this.#rows.rows(missing);
    let next = 0;
    for (let at = 0; at < found.length; at += 1) {
      if (found[at] !== undefined) continue;
      const row = read[next];
      next += 1;
      found[at] = row;
      if (row !== undefined) this.#keep(row);
    }
    return found;
  }

  forget(id: Counter): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#bytes = 0;
  }

  #revived(id: Counter): MessageRow | undefined {
    const row = this.#old.get(id);
    if (row !== undefined) this.#keep(row);
    return row;
  }

  #keep(row: MessageRow): void {
    this.#young.set(row.id, row);
    this.#bytes += row.packed.bytes.length + ROW_BYTES;
    if (this.#bytes <= GENERATION_BYTES) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#bytes = 0;
  }
}

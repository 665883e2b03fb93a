import type { Counter } from '../../mapi/object-id.ts';
import type { MessageRow, MessageRows } from './message-row.ts';

/** Bytes of the rows that are kept; what a row takes beside its properties is estimated. */
const MAX_BYTES = 1024 * 1024;
const ROW_BYTES = 256;

/** The rows read last: the first pages of the folders in use are asked for again and again. */
export class RowCache {
  readonly #rows: MessageRows;
  readonly #kept = new Map<Counter, MessageRow>();
  #bytes = 0;

  constructor(rows: MessageRows) {
    this.#rows = rows;
  }

  /** Rows by their ids, in the order asked for. */
  get(ids: readonly Counter[]): readonly (MessageRow | undefined)[] {
    const kept = this.#kept;
    const found: (MessageRow | undefined)[] = new Array(ids.length);
    let missing: Counter[] | undefined;
    for (let at = 0; at < ids.length; at += 1) {
      const id = ids[at] ?? 0;
      const row = kept.get(id);
      found[at] = row;
      if (row === undefined) {
        missing ??= [];
        missing.push(id);
      }
    }
    if (missing === undefined) return found;
    const read = this.#rows.rows(missing);
    let next = 0;
    for (let at = 0; at < ids.length; at += 1) {
      if (found[at] !== undefined) continue;
      const row = read[next];
      next += 1;
      found[at] = row;
      if (row !== undefined) this.#keep(row);
    }
    return found;
  }

  forget(id: Counter): void {
    const row = this.#kept.get(id);
    if (row === undefined) return;
    this.#kept.delete(id);
    this.#bytes -= sizeOf(row);
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #keep(row: MessageRow): void {
    const size = sizeOf(row);
    if (size > MAX_BYTES / 16 || this.#kept.has(row.id)) return;
    this.#kept.set(row.id, row);
    this.#bytes += size;
    // Those read first go first: that costs nothing when they are asked for.
    for (const [id, oldest] of this.#kept) {
      if (this.#bytes <= MAX_BYTES) return;
      this.#kept.delete(id);
      this.#bytes -= sizeOf(oldest);
    }
  }
}

function sizeOf(row: MessageRow): number {
  return row.packed.bytes.length + ROW_BYTES;
}

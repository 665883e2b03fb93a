import { hash } from 'node:crypto';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { DirectedRows } from './directed-rows.ts';
import type { Located } from './table-core.ts';

/** Header rows of a table at most. */
const MAX_HEADERS = 100_000;

/** A header row of a categorised table ([MS-OXCTABL] 2.2.1). */
export interface Header {
  /** Categories that it is contained in: PidTagDepth. */
  readonly level: number;
  /** What the keys of its rows begin with. */
  readonly prefix: Uint8Array;
  /** Its rows among those of the table without categories. */
  readonly low: number;
  readonly high: number;
  readonly isExpanded: boolean;
  /** Its own position. */
  readonly start: number;
}

/** Which categories are expanded: some levels are at first, and some categories are not as their level. */
export class Expansion {
  /** Levels that are expanded at first. */
  readonly levels: number;
  readonly #toggled: Set<bigint>;

  constructor(levels: number, toggled: Iterable<bigint> = []) {
    this.levels = levels;
    this.#toggled = new Set(toggled);
  }

  isExpanded(level: number, prefix: Uint8Array): boolean {
    return level < this.levels !== (this.#toggled.size > 0 && this.#toggled.has(categoryId(level, prefix)));
  }

  toggle(id: bigint): void {
    if (!this.#toggled.delete(id)) this.#toggled.add(id);
  }

  get toggled(): readonly bigint[] {
    return [...this.#toggled];
  }
}

/**
 * PidTagInstID of a header row: 64 bits of a hash, so that it is the same in every table of that order. Read as the id of an object, its
 * REPLID is one that no store gives away.
 */
export function categoryId(level: number, prefix: Uint8Array): bigint {
  const bytes = hash('sha256', Buffer.concat([Uint8Array.of(level), prefix]), 'buffer');
  return bytes.readBigUInt64LE() | 0x8000n;
}

/** Orders the categories of the last level by something else than their values. */
export type RankCategories = (headers: readonly { readonly prefix: Uint8Array }[]) => readonly number[];

/**
 * The rows of a table with its header rows, as far as they can be seen: found by going from one category to the next, so that it
 * costs what there are categories. Good until anything changes.
 */
export class Categories {
  readonly rows: DirectedRows;
  readonly levels: number;
  readonly headers: readonly Header[];
  readonly count: number;
  readonly #byPrefix = new Map<string, Header>();
  readonly #isRanked: boolean;

  constructor(rows: DirectedRows, levels: number, expansion: Expansion, rank: RankCategories | undefined) {
    this.rows = rows;
    this.levels = levels;
    this.#isRanked = rank !== undefined;
    const headers: Header[] = [];
    let position = 0;
    const visit = (level: number, from: number, to: number): void => {
      const found: { readonly prefix: Uint8Array; readonly low: number; readonly high: number }[] = [];
      for (let next = from; next < to; ) {
        const key = rows.keyAt(next);
        const prefix = key.slice(0, rows.order.endOfValues(key, level + 1));
        const { high } = rows.rangeOf(prefix);
        found.push({ prefix, low: next, high });
        if (headers.length + found.length > MAX_HEADERS) {
          throw new StoreError(ErrorCode.TableTooBig, 'a table of too many categories');
        }
        next = high;
      }
      const isLast = level === levels - 1;
      const sequence = isLast && rank !== undefined ? rank(found) : undefined;
      for (let at = 0; at < found.length; at += 1) {
        const category = found[sequence?.[at] ?? at];
        if (category === undefined) continue;
        const { prefix, low, high } = category;
        const isExpanded = expansion.isExpanded(level, prefix);
        const header = { level, prefix, low, high, isExpanded, start: position };
        headers.push(header);
        this.#byPrefix.set(nameOf(level, prefix), header);
        position += 1;
        if (!isExpanded) continue;
        if (isLast) position += high - low;
        else visit(level + 1, low, high);
      }
    };
    visit(0, 0, rows.count);
    this.headers = headers;
    this.count = position;
  }

  /** The header at or before a position. */
  headerIndexAt(position: number): number {
    let low = 0;
    let high = this.headers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.headers[middle]?.start ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  headerById(id: bigint): Header | undefined {
    return this.headers.find(({ level, prefix }) => categoryId(level, prefix) === id);
  }

  locateHeader(level: number, prefix: Uint8Array, fallback: number): Located {
    const header = this.#byPrefix.get(nameOf(level, prefix));
    if (header !== undefined) return { position: header.start, found: true };
    return { position: this.#gap(prefix, level, this.rows.rangeOf(prefix).low, fallback), found: false };
  }

  locateRow(key: Uint8Array, fallback: number): Located {
    const { position, found } = this.rows.locate(key);
    const prefix = key.subarray(0, this.rows.order.endOfValues(key, this.levels));
    const header = this.#byPrefix.get(nameOf(this.levels - 1, prefix));
    if (header?.isExpanded === true) return { position: header.start + 1 + position - header.low, found };
    return { position: this.#gap(key, this.levels, position, fallback), found: false };
  }

  /** The position after which something would come that cannot be seen. */
  #gap(key: Uint8Array, level: number, row: number, fallback: number): number {
    let low = 0;
    for (let above = level - 1; above >= 0; above -= 1) {
      const prefix = key.subarray(0, this.rows.order.endOfValues(key, above + 1));
      const header = this.#byPrefix.get(nameOf(above, prefix));
      // A category that is collapsed hides it: the row after its header is the next one.
      if (header !== undefined && !header.isExpanded) return header.start + 1;
      if (header === undefined) continue;
      low = this.headerIndexAt(header.start) + 1;
      break;
    }
    // Categories that are ordered by their rows leave no trace of where one was.
    if (this.#isRanked) return Math.min(fallback, this.count);
    let high = this.headers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.headers[middle]?.low ?? 0) < row) low = middle + 1;
      else high = middle;
    }
    return this.headers[low]?.start ?? this.count;
  }
}

function nameOf(level: number, prefix: Uint8Array): string {
  return level + Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength).toString('latin1');
}

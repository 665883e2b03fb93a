import type { AddressBookObject } from './address-book-object.ts';
import type { Collation } from './locale.ts';

/** The rows of a container in the order of a locale. Made once, never changed. */
export class SortedTable {
  readonly rows: readonly AddressBookObject[];
  readonly #collation: Collation;
  #positions: ReadonlyMap<number, number> | undefined;

  /** @param rows are sorted so already. */
  constructor(rows: readonly AddressBookObject[], collation: Collation) {
    this.rows = rows;
    this.#collation = collation;
  }

  /** The row of an object; undefined where it is in another container, or in none. */
  positionOf(mid: number): number | undefined {
    this.#positions ??= new Map(this.rows.map((object, row) => [object.mid, row]));
    return this.#positions.get(mid);
  }

  /** The first row whose name is not before `text`; one past the last where there is none. */
  firstFrom(text: string): number {
    return firstFrom(this.rows, text, this.#collation);
  }
}

/** Rows in the order of their names; of one name in that of their ids, so that the order is the same each time. */
export function sortRows(rows: readonly AddressBookObject[], { sort }: Collation): AddressBookObject[] {
  return rows.toSorted((a, b) => sort(a.displayName, b.displayName) || a.mid - b.mid);
}

/** The first of sorted rows whose name is not before `text`, in whatever case that is written. */
export function firstFrom(rows: readonly AddressBookObject[], text: string, { seek }: Collation): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (seek(rows[middle]?.displayName ?? '', text) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

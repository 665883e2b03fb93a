import type { Writer } from '@rpch/rpc/internal';
import type { PropertyTag } from '../mapi/property.ts';
import type { Restriction } from '../mapi/restriction.ts';
import type { SortOrderSet } from '../mapi/sort-order.ts';

/** Origin and bookmark constants of the table ROPs ([MS-OXCTABL] 2.2.2.1). */
export const Origin = { Beginning: 0, Current: 1, End: 2, Custom: 3 } as const;

export interface QueryRowsOptions {
  readonly forward: boolean;
  /** Whether the cursor moves past the rows. */
  readonly advance: boolean;
  readonly count: number;
  /** Bytes that the rows may take in the writer. */
  readonly room: number;
}

/**
 * An open table of any kind, with its columns, order, restriction, cursor and bookmarks: [MS-OXCTABL]. What the caller got wrong
 * throws StoreError with the MAPI code of the answer. Values are cut to 510 bytes ([MS-OXCTABL] 3.2.5.1).
 */
export interface Table {
  /** Undefined until SetColumns has succeeded. */
  readonly columns: readonly PropertyTag[] | undefined;
  setColumns(columns: readonly PropertyTag[]): void;
  sort(order: SortOrderSet): void;
  restrict(restriction: Restriction | undefined): void;
  reset(): void;
  /** Rows now, under the restriction. */
  readonly rowCount: number;
  /**
   * Writes whole PropertyRows as long as they fit `room`, none where not even one does and `rows` is 0. `tooSmall` says that
   * a row was there but had no room.
   */
  queryRows(
    writer: Writer,
    options: QueryRowsOptions,
  ): { readonly rows: number; readonly origin: number; readonly tooSmall: boolean };
  position(): { readonly numerator: number; readonly denominator: number };
  /** Returns the rows moved, signed. */
  seek(origin: number, rows: number): number;
  seekFractional(numerator: number, denominator: number): void;
  createBookmark(): Uint8Array;
  /** Throws InvalidBookmark. */
  seekBookmark(bookmark: Uint8Array, rows: number): { readonly moved: number; readonly gone: boolean };
  freeBookmark(bookmark: Uint8Array): void;
  /** Moves to the first row that matches and writes it; false where there is none. Throws NotFound never. */
  findRow(
    writer: Writer,
    find: {
      readonly restriction: Restriction;
      readonly backward: boolean;
      readonly origin: number;
      readonly bookmark: Uint8Array;
    },
  ): { readonly found: boolean; readonly gone: boolean };
  /** Every column that the table can show. */
  columnsAll(): readonly PropertyTag[];
  expandRow(
    writer: Writer,
    categoryId: bigint,
    maxRows: number,
    room: number,
  ): { readonly expanded: number; readonly rows: number };
  collapseRow(categoryId: bigint): number;
  collapseState(rowId: bigint, instance: number): Uint8Array;
  setCollapseState(state: Uint8Array): Uint8Array;
  /** Bytes of rows that it has in memory, roughly. */
  readonly bytes: number;
  /** Gives up the rows that it has in memory: the next use collects them anew, and nobody sees a difference. */
  rest(): void;
  /**
   * From now on `use` is told of the bytes that its columns, restriction and bookmarks take, or give back as a negative number; what it
   * throws is what the call throws that wanted them.
   */
  heldBy(use: (bytes: number) => void): void;
  close(): void;
}

import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { idOf, type PropertyTag, type PropertyValue } from '../../mapi/property.ts';
import type { Restriction } from '../../mapi/restriction.ts';
import { compileRestriction, type RowMatcher } from '../../mapi/restriction-match.ts';
import type { SortOrderSet } from '../../mapi/sort-order.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import type { CellWriter, Column } from './columns.ts';
import { type Located, TableCore } from './table-core.ts';

/** Bytes of a row with the values that were asked for, and of what names it, roughly. */
const ROW_BYTES = 1024;
const KEY_BYTES = 32;

/** A row of a table in memory. */
export interface MemoryRow {
  /** Names the row among all others of the table, as long as there is one. */
  readonly key: number | bigint | string;
  /** A property by its stored tag (text as PtypString). */
  value(tag: PropertyTag): PropertyValue | undefined;
}

/** Where a {@link MemoryTable} has its rows from. */
export interface MemoryRows {
  /** Asked before each use of the table: another number says that `rows` has others now. */
  version(): number;
  /** All rows, in the table's order. */
  rows(): readonly MemoryRow[];
  /** Every column that the table has. */
  readonly columns: readonly PropertyTag[];
}

/**
 * A table whose rows are given, in their order: of folders, attachments, permissions, rules ([MS-OXCTABL]; [MS-OXCFOLD] 2.2.1.13). It
 * cannot be sorted: sorting is for contents tables.
 */
export class MemoryTable extends TableCore<MemoryRow, MemoryRow['key']> {
  readonly #source: MemoryRows;
  #version: number | undefined;
  #rows: readonly MemoryRow[] = [];
  #positions: Map<MemoryRow['key'], number> | undefined;
  #matcher: RowMatcher | undefined;

  constructor(source: MemoryRows, coding: TextCoding) {
    super(coding);
    this.#source = source;
  }

  override get bytes(): number {
    return this.#rows.length * ROW_BYTES;
  }

  override rest(): void {
    this.#rows = [];
    this.#positions = undefined;
    this.#version = undefined;
  }

  protected override consistent<T>(work: () => T): T {
    return work();
  }

  protected override refresh(): number {
    const version = this.#source.version();
    if (version !== this.#version) {
      const rows = this.#source.rows();
      const matcher = this.#matcher;
      this.#rows = matcher === undefined ? rows : rows.filter((row) => this.matches(row, matcher));
      this.#positions = undefined;
      this.#version = version;
    }
    return version;
  }

  protected override count(): number {
    return this.#rows.length;
  }

  protected override rowsAt(position: number, count: number): readonly MemoryRow[] {
    return this.#rows.slice(position, position + count);
  }

  protected override markAt(position: number): MemoryRow['key'] {
    const row = this.#rows[position];
    if (row === undefined) throw new StoreError(ErrorCode.NotFound, `no row ${position}`);
    return row.key;
  }

  protected override locate(mark: MemoryRow['key'], position: number): Located {
    this.#positions ??= new Map(this.#rows.map(({ key }, at) => [key, at]));
    const at = this.#positions.get(mark);
    return at === undefined
      ? { position: Math.min(position, this.#rows.length), found: false }
      : { position: at, found: true };
  }

  protected override markSize(): number {
    return KEY_BYTES;
  }

  protected override matches(row: MemoryRow, matcher: RowMatcher): boolean {
    return matcher((tag) => row.value(tag));
  }

  protected override cellWriter({ stored, type, isInstance }: Column): CellWriter<MemoryRow> {
    return (buffer, row, coding) => {
      const value = row.value(stored);
      if (value === undefined || isInstance) return false;
      buffer.value(type, value, coding);
      return true;
    };
  }

  protected override columnsChanging(columns: readonly Column[]): boolean {
    const instance = columns.find(({ isInstance }) => isInstance);
    if (instance !== undefined) {
      throw new StoreError(ErrorCode.NotSupported, `instances of property 0x${idOf(instance.tag).toString(16)}`);
    }
    return false;
  }

  protected override applySort(order: SortOrderSet | undefined): void {
    if (order !== undefined) throw new StoreError(ErrorCode.NotSupported, 'only contents tables are sorted');
  }

  protected override applyRestriction(restriction: Restriction | undefined): void {
    this.#matcher = restriction === undefined ? undefined : compileRestriction(restriction);
    this.#version = undefined;
  }

  protected override allColumns(): readonly PropertyTag[] {
    return this.#source.columns;
  }
}

import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { MULTIPLE, MULTIVALUE_INSTANCE, type PropertyTag, PropertyType, typeOf } from '../../mapi/property.ts';
import { unicodeTag } from '../../mapi/property-codec.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import type { RowBuffer } from './row-buffer.ts';
import { instanceSource, isInstanceTag } from './row-order.ts';

/** What a column of a table shows. */
export interface Column {
  readonly tag: PropertyTag;
  /** The property as it is stored. */
  readonly stored: PropertyTag;
  /** The type of the values in rows. */
  readonly type: number;
  /** Whether each value of a property of many has a row of its own. */
  readonly isInstance: boolean;
}

/** Writes the value of a column, or nothing: then the row has none. */
export type CellWriter<Row> = (buffer: RowBuffer, row: Row, coding: TextCoding) => boolean;

const TYPES: ReadonlySet<number> = new Set(
  Object.values(PropertyType).filter(
    (type) => type !== PropertyType.Unspecified && type !== PropertyType.Null && type !== PropertyType.ErrorCode,
  ),
);

/** The columns of RopSetColumns ([MS-OXCTABL] 3.2.5.2). Throws StoreError InvalidParam. */
export function columnsOf(tags: readonly PropertyTag[]): Column[] {
  if (tags.length === 0) throw new StoreError(ErrorCode.InvalidParam, 'a table without columns');
  return tags.map((tag) => {
    const isInstance = isInstanceTag(tag);
    if (!TYPES.has(isInstance ? typeOf(tag) & ~MULTIVALUE_INSTANCE : typeOf(tag))) {
      throw new StoreError(ErrorCode.InvalidParam, `a column of the type 0x${typeOf(tag).toString(16)}`);
    }
    const type = isInstance ? typeOf(tag) & ~(MULTIVALUE_INSTANCE | MULTIPLE) : typeOf(tag);
    return { tag, stored: isInstance ? instanceSource(tag) : unicodeTag(tag), type, isInstance };
  });
}

/** Flags of a row, and of its cells ([MS-OXCDATA] 2.8.1, 2.11.5). */
const STANDARD_ROW = 0;
const FLAGGED_ROW = 1;
const VALUE = 0x00;
const ERROR = 0x0a;

/** Writes the rows of a table with the columns that it has. */
export class RowWriter<Row> {
  readonly #cells: readonly CellWriter<Row>[];
  readonly #coding: TextCoding;
  /** Rows of a table mostly are as the row before: what is tried first. */
  #lacks = false;

  constructor(cells: readonly CellWriter<Row>[], coding: TextCoding) {
    this.#cells = cells;
    this.#coding = coding;
  }

  /** A PropertyRow ([MS-OXCDATA] 2.8.1): a standard one where it has all columns, else a flagged one, with NotFound for what it lacks. */
  write(buffer: RowBuffer, row: Row): void {
    const start = buffer.length;
    if (!this.#lacks) {
      if (this.#standard(buffer, row)) return;
      this.#lacks = true;
      buffer.length = start;
    }
    if (this.#flagged(buffer, row)) return;
    this.#lacks = false;
    buffer.length = start;
    this.#standard(buffer, row);
  }

  #standard(buffer: RowBuffer, row: Row): boolean {
    buffer.u8(STANDARD_ROW);
    for (const cell of this.#cells) if (!cell(buffer, row, this.#coding)) return false;
    return true;
  }

  /** False where the row turns out to lack nothing. */
  #flagged(buffer: RowBuffer, row: Row): boolean {
    buffer.u8(FLAGGED_ROW);
    let lacks = false;
    for (const cell of this.#cells) {
      const at = buffer.length;
      buffer.u8(VALUE);
      if (cell(buffer, row, this.#coding)) continue;
      lacks = true;
      buffer.length = at;
      buffer.u8(ERROR);
      buffer.u32(ErrorCode.NotFound);
    }
    return lacks;
  }
}

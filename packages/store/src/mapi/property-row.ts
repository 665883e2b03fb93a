import { type Cursor, ProtocolError, type Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import { type PropertyTag, PropertyType, type PropertyValue, typeOf } from './property.ts';
import { readValue, type TextCoding, writeValue } from './property-codec.ts';

/**
 * What stands in one column of a row: a value (with its type where the column's is Unspecified), an error code in its place, or
 * nothing at all.
 */
export type Cell = { readonly value: PropertyValue; readonly type?: number } | { readonly error: number } | 'absent';

const SECTION = '[MS-OXCDATA] 2.8.1';
/** Flags of a row, and of its cells ([MS-OXCDATA] 2.8.1.1, 2.8.1.2, 2.11.5). */
const STANDARD = 0x00;
const FLAGGED = 0x01;
const VALUE = 0x00;
const ABSENT = 0x01;
const ERROR = 0x0a;

/** Reads a PropertyRow over `columns`. Throws ProtocolError; StoreError UnknownCodePage. */
export function readRow(cursor: Cursor, columns: readonly PropertyTag[], coding: TextCoding): Cell[] {
  const flag = cursor.u8();
  if (flag !== STANDARD && flag !== FLAGGED) {
    throw new ProtocolError('RPCH_BAD_ROW', `row flag ${flag}`, SECTION);
  }
  return columns.map((tag) => {
    const column = typeOf(tag);
    // The type of an Unspecified column comes before the cell's flag.
    const type = column === PropertyType.Unspecified ? cursor.u16() : column;
    const state = flag === FLAGGED ? cursor.u8() : VALUE;
    switch (state) {
      case VALUE:
        if (column !== PropertyType.Unspecified) return { value: readValue(cursor, type, coding) };
        return type === PropertyType.ErrorCode
          ? { error: cursor.u32() }
          : { value: readValue(cursor, type, coding), type };
      case ABSENT:
        return 'absent';
      case ERROR:
        return { error: cursor.u32() };
      default:
        throw new ProtocolError('RPCH_BAD_ROW', `cell flag ${state}`, SECTION);
    }
  });
}

/**
 * Writes a PropertyRow: a standard one if every cell is a value, else a flagged one. Columns without a cell are absent. Throws
 * StoreError: UnexpectedType for a value that is not of its column's type or has none in an Unspecified one, else as writeValue.
 */
export function writeRow(
  writer: Writer,
  columns: readonly PropertyTag[],
  cells: readonly Cell[],
  coding: TextCoding,
): void {
  const flagged = columns.some((_, at) => !isValue(cells[at]));
  writer.u8(flagged ? FLAGGED : STANDARD);
  for (const [at, tag] of columns.entries()) {
    const cell = cells[at] ?? 'absent';
    const column = typeOf(tag);
    if (column === PropertyType.Unspecified) writer.u16(typeOfCell(cell));
    if (cell === 'absent') writer.u8(ABSENT);
    else if ('error' in cell) writer.u8(ERROR).u32(cell.error);
    else {
      if (flagged) writer.u8(VALUE);
      writeValue(writer, column === PropertyType.Unspecified ? typeOfCell(cell) : column, cell.value, coding);
    }
  }
}

function isValue(cell: Cell | undefined): boolean {
  return cell !== undefined && cell !== 'absent' && 'value' in cell;
}

function typeOfCell(cell: Cell): number {
  if (cell === 'absent') return PropertyType.Unspecified;
  if ('error' in cell) return PropertyType.ErrorCode;
  if (cell.type === undefined) throw new StoreError(ErrorCode.UnexpectedType, 'a value without a type');
  return cell.type;
}

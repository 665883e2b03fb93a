import { Cursor, type Writer } from '@rpch/rpc/internal';
import type { PropertyTag } from '../property.ts';
import type { TextCoding } from '../property-codec.ts';
import { type Cell, readRow } from '../property-row.ts';
import type { Field, Scope } from './field.ts';

/**
 * PropertyRows as bytes, so that a table writes and a client reads them by their columns, which the response does not name: of
 * those rows that are read without columns the bytes are all that are left.
 */
export class RowData implements Field<Uint8Array> {
  /** How many rows they are: a field before them, or always the same number. */
  readonly count: string | number;

  constructor(count: string | number) {
    this.count = count;
  }

  read(cursor: Cursor, scope: Scope): Uint8Array {
    const columns = scope.coding.columns;
    const bytes = cursor.rest();
    const start = cursor.offset;
    if (columns === undefined) cursor.skip(bytes.length);
    else {
      const count = typeof this.count === 'number' ? this.count : Number(scope.values[this.count]);
      for (let row = 0; row < count; row += 1) readRow(cursor, columns, scope.coding);
    }
    return bytes.subarray(0, cursor.offset - start);
  }

  write(writer: Writer, value: Uint8Array): void {
    writer.bytes(value);
  }
}

/** The rows of a RowData field. Throws ProtocolError for bytes that are not that many rows. */
export function readRows(
  rowData: Uint8Array,
  rowCount: number,
  columns: readonly PropertyTag[],
  coding: TextCoding,
): Cell[][] {
  const cursor = new Cursor(rowData, '[MS-OXCDATA] 2.8.1');
  const rows: Cell[][] = [];
  for (let row = 0; row < rowCount; row += 1) rows.push(readRow(cursor, columns, coding));
  cursor.end();
  return rows;
}

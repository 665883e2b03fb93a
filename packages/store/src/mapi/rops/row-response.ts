import type { Writer } from '@rpch/rpc/internal';
import { ExpandRow, FindRow, QueryRows } from './table.ts';

/** Bytes of RopId, handle index and ReturnValue. */
export const RESPONSE_HEADER_SIZE = 6;

/**
 * Writes the response to RopQueryRows with rows that `write` writes where they belong, without a buffer between; Origin and RowCount are
 * what it returns. If it throws, nothing was written.
 */
export function writeQueryRows<T extends { readonly origin: number; readonly rows: number }>(
  writer: Writer,
  handleIndex: number,
  write: (writer: Writer) => T,
): T {
  return writeWithRows(writer, QueryRows.id, handleIndex, write, 3, (at, { origin, rows }) =>
    writer.patchU8(at, origin).patchU16(at + 1, rows),
  );
}

/** As {@link writeQueryRows} for RopFindRow: `found` tells whether `write` has written the row. */
export function writeFindRow<T extends { readonly found: boolean; readonly gone: boolean }>(
  writer: Writer,
  handleIndex: number,
  write: (writer: Writer) => T,
): T {
  return writeWithRows(writer, FindRow.id, handleIndex, write, 2, (at, { found, gone }) =>
    writer.patchU8(at, gone ? 1 : 0).patchU8(at + 1, found ? 1 : 0),
  );
}

/** As {@link writeQueryRows} for RopExpandRow: `expanded` is the number of all rows, `rows` of those written. */
export function writeExpandRow<T extends { readonly expanded: number; readonly rows: number }>(
  writer: Writer,
  handleIndex: number,
  write: (writer: Writer) => T,
): T {
  return writeWithRows(writer, ExpandRow.id, handleIndex, write, 6, (at, { expanded, rows }) =>
    writer.patchU32(at, expanded).patchU16(at + 4, rows),
  );
}

function writeWithRows<T>(
  writer: Writer,
  id: number,
  handleIndex: number,
  write: (writer: Writer) => T,
  headSize: number,
  patch: (at: number, written: T) => void,
): T {
  const start = writer.length;
  writer.u8(id).u8(handleIndex).u32(0).zeros(headSize);
  try {
    const written = write(writer);
    patch(start + RESPONSE_HEADER_SIZE, written);
    return written;
  } catch (error) {
    writer.truncate(start);
    throw error;
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import {
  RESPONSE_HEADER_SIZE,
  writeExpandRow,
  writeFindRow,
  writeQueryRows,
} from '../../../src/mapi/rops/row-response.ts';
import { ExpandRow, FindRow, QueryRows } from '../../../src/mapi/rops/table.ts';
import { hex, WESTERN, written } from '../support.ts';

const ROW = hex('00 01000000');

test('rows that a table writes itself make the same response as rows that are handed over', () => {
  const direct = new Writer(4).u16(0xabcd);
  const result = writeQueryRows(direct, 3, (writer) => {
    assert.equal(writer.length, 2 + RESPONSE_HEADER_SIZE + 3);
    writer.bytes(ROW).bytes(ROW);
    return { origin: 2, rows: 2, tooSmall: false };
  });
  assert.deepEqual(result, { origin: 2, rows: 2, tooSmall: false });
  writeFindRow(direct, 4, (writer) => {
    writer.bytes(ROW);
    return { found: true, gone: true };
  });
  writeFindRow(direct, 4, () => ({ found: false, gone: false }));
  writeExpandRow(direct, 5, (writer) => {
    writer.bytes(ROW);
    return { expanded: 70_000, rows: 1 };
  });
  const handed = written((writer) => {
    writer.u16(0xabcd);
    const head = { returnValue: 0 };
    const rowData = Uint8Array.of(...ROW, ...ROW);
    QueryRows.writeResponse(writer, { ...head, handleIndex: 3, origin: 2, rowCount: 2, rowData }, WESTERN);
    const found = { rowNoLongerVisible: true, hasRowData: true, rowData: ROW };
    FindRow.writeResponse(writer, { ...head, handleIndex: 4, ...found }, WESTERN);
    FindRow.writeResponse(writer, { ...head, handleIndex: 4, rowNoLongerVisible: false, hasRowData: false }, WESTERN);
    const expanded = { expandedRowCount: 70_000, rowCount: 1, rowData: ROW };
    ExpandRow.writeResponse(writer, { ...head, handleIndex: 5, ...expanded }, WESTERN);
  });
  assert.deepEqual(Uint8Array.from(direct.finish()), handed);
});

test('a table that throws leaves nothing behind', () => {
  const writer = new Writer().u16(0xabcd);
  assert.throws(
    () =>
      writeQueryRows(writer, 3, (rows) => {
        rows.bytes(ROW);
        throw new Error('no columns');
      }),
    /no columns/,
  );
  assert.deepEqual(Uint8Array.from(writer.zeros(1).finish()), hex('cdab 00'));
});

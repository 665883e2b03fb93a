import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import { MemoryTable } from '../../src/mailbox/tables/memory-table.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { CODING, firstColumn, properties, query, shown } from './support.ts';

const NONE: Uint8Array = new Uint8Array(0);

/** A hierarchy whose folders can come and go. */
class Folders {
  names: string[];
  #version = 1;
  asked = 0;

  constructor(names: string[]) {
    this.names = names;
  }

  set(names: string[]): void {
    this.names = names;
    this.#version += 1;
  }

  table(): MemoryTable {
    const table = new MemoryTable(
      {
        version: () => this.#version,
        rows: () => {
          this.asked += 1;
          return this.names.map((name) => {
            const set = properties([PidTag.DisplayName, name], [PidTag.Depth, name.split('/').length]);
            return { key: name, value: (tag) => set.get(tag) };
          });
        },
        columns: [PidTag.DisplayName, PidTag.Depth],
      },
      CODING,
    );
    table.setColumns([PidTag.DisplayName]);
    return table;
  }
}

const deeper: Restriction = {
  kind: 'property',
  relOp: RelOp.GreaterThan,
  tag: PidTag.Depth,
  valueTag: PidTag.Depth,
  value: 1,
};
const named = (value: string): Restriction => ({
  kind: 'property',
  relOp: RelOp.Equal,
  tag: PidTag.DisplayName,
  valueTag: PidTag.DisplayName,
  value,
});

function assertCode(work: () => unknown, code: number): void {
  assert.throws(work, (error: unknown) => error instanceof StoreError && error.errorCode === code);
}

test('rows in the order given, forwards, backwards and from anywhere', () => {
  const table = new Folders(['a', 'b', 'b/c', 'b/d', 'e']).table();
  assert.equal(table.rowCount, 5);
  assert.deepEqual(table.position(), { numerator: 0, denominator: 5 });
  assert.deepEqual(
    query(table, { count: 2 }).rows.map(([cell]) => shown(cell)),
    ['a', 'b'],
  );
  assert.equal(table.seek(1, 10), 3);
  assert.equal(query(table).origin, 2);
  assert.deepEqual(
    query(table, { count: 2, forward: false }).rows.map(([cell]) => shown(cell)),
    ['b/d', 'e'],
  );
  assert.equal(table.seek(2, -100), -5);
  assert.equal(query(table, { forward: false }).origin, 0);
  table.seekFractional(1, 2);
  assert.equal(table.position().numerator, 2);
  table.seekFractional(7, 7);
  assert.equal(table.position().numerator, 5);
  assertCode(() => table.seekFractional(1, 0), ErrorCode.InvalidParam);
  assertCode(() => table.seek(3, 0), ErrorCode.InvalidParam);
  assert.deepEqual(table.columnsAll(), [PidTag.DisplayName, PidTag.Depth]);
});

test('a restriction leaves what matches; resetting takes it and the columns away', () => {
  const folders = new Folders(['a', 'b', 'b/c', 'b/d']);
  const table = folders.table();
  table.restrict(deeper);
  assert.deepEqual(firstColumn(table), ['b/c', 'b/d']);
  folders.set(['a', 'a/x', 'b', 'b/d']);
  assert.deepEqual(firstColumn(table), ['a/x', 'b/d']);
  const bookmark = table.createBookmark();
  table.restrict(undefined);
  assert.equal(table.rowCount, 4);
  assertCode(() => table.seekBookmark(bookmark, 0), ErrorCode.InvalidBookmark);
  table.restrict(deeper);
  table.reset();
  assert.equal(table.columns, undefined);
  assert.equal(table.rowCount, 4);
  assertCode(() => query(table), ErrorCode.NullObject);
});

test('bookmarks stay with their rows; one that is gone leads to the next', () => {
  const folders = new Folders(['a', 'b', 'c', 'd']);
  const table = folders.table();
  table.seek(0, 2);
  const bookmark = table.createBookmark();
  folders.set(['0', 'a', 'b', 'c', 'd']);
  assert.equal(table.position().numerator, 3);
  assert.deepEqual(table.seekBookmark(bookmark, 1), { moved: 1, gone: false });
  assert.equal(shown(query(table).rows[0]?.[0]), 'd');
  folders.set(['a', 'b', 'd']);
  assert.deepEqual(table.seekBookmark(bookmark, 0), { moved: 0, gone: true });
  assert.equal(shown(query(table).rows[0]?.[0]), 'd');
  table.freeBookmark(bookmark);
  assertCode(() => table.seekBookmark(bookmark, 0), ErrorCode.InvalidBookmark);
  assertCode(() => table.freeBookmark(bookmark), ErrorCode.InvalidBookmark);
  assertCode(() => table.seekBookmark(NONE, 0), ErrorCode.InvalidBookmark);
});

test('a row is found from the beginning, the cursor, the end or a bookmark, both ways', () => {
  const table = new Folders(['x', 'y', 'x', 'y'].map((name, at) => `${at}/${name}`)).table();
  const find = (restriction: Restriction, origin: number, backward: boolean, bookmark: Uint8Array = NONE) =>
    table.findRow(new Writer(), { restriction, origin, backward, bookmark });
  const isY: Restriction = { kind: 'or', restrictions: [named('1/y'), named('3/y')] };
  assert.deepEqual(find(isY, 0, false), { found: true, gone: false });
  assert.equal(table.position().numerator, 1);
  // From the current row on: that row itself.
  assert.deepEqual(find(isY, 1, false), { found: true, gone: false });
  assert.equal(table.position().numerator, 1);
  // Backwards not that row, but those before it ([MS-OXCTABL] 2.2.2.14.2).
  assert.deepEqual(find(isY, 1, true), { found: false, gone: false });
  assert.deepEqual(find(isY, 2, true), { found: true, gone: false });
  assert.equal(table.position().numerator, 3);
  const bookmark = table.createBookmark();
  assert.deepEqual(find(isY, 3, true, bookmark), { found: true, gone: false });
  assert.equal(table.position().numerator, 1);
  assert.deepEqual(find(isY, 0, true), { found: false, gone: false });
  assertCode(() => find(isY, 3, false, Uint8Array.of(9, 9, 9, 9)), ErrorCode.InvalidBookmark);
  assertCode(() => find(isY, 4, false), ErrorCode.InvalidParam);
});

test('only contents tables are sorted and have categories ([MS-OXCTABL] 3.2.5.3, 3.2.5.17)', () => {
  const table = new Folders(['a']).table();
  assertCode(() => table.sort({ orders: [], categories: 0, expanded: 0 }), ErrorCode.NotSupported);
  assertCode(() => table.expandRow(new Writer(), 1n, 0, 100), ErrorCode.NotSupported);
  assertCode(() => table.collapseRow(1n), ErrorCode.NotSupported);
  assertCode(() => table.collapseState(1n, 0), ErrorCode.NotSupported);
  assertCode(() => table.setCollapseState(NONE), ErrorCode.NotSupported);
});

test('columns of types that are none are refused, and leave the table without columns ([MS-OXCTABL] 3.2.5.2)', () => {
  const table = new Folders(['a']).table();
  for (const tags of [[], [0x3001_0000], [0x3001_000a], [0x3001_0001], [0x3001_201f], [0x3001_7777]]) {
    table.setColumns([PidTag.DisplayName]);
    assertCode(() => table.setColumns(tags), ErrorCode.InvalidParam);
    assert.equal(table.columns, undefined);
    assertCode(() => query(table), ErrorCode.NullObject);
    assertCode(
      () => table.findRow(new Writer(), { restriction: deeper, origin: 0, backward: false, bookmark: NONE }),
      ErrorCode.NullObject,
    );
  }
});

test('rows are asked for when they have changed, and not else', () => {
  const folders = new Folders(['a', 'b']);
  const table = folders.table();
  for (let at = 0; at < 5; at += 1) query(table, { advance: false });
  assert.equal(folders.asked, 1);
  folders.set(['b']);
  assert.equal(table.rowCount, 1);
  assert.equal(folders.asked, 2);
  table.close();
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { GetContentsTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import {
  CollapseRow,
  CreateBookmark,
  ExpandRow,
  FreeBookmark,
  GetCollapseState,
  GetStatus,
  QueryPosition,
  QueryRows,
  SeekRow,
  SeekRowBookmark,
  SetCollapseState,
  SetColumns,
  SortTable,
} from '../../../src/mapi/rops/table.ts';
import { type RopClient, TestStore } from './rop-client.ts';

const COLUMNS: readonly PropertyTag[] = [PidTag.InstID, PidTag.SenderName, PidTag.Subject, PidTag.RowType];
/** PidTagRowType ([MS-OXCTABL] 2.2.1.3). */
const LEAF = 1;
const EXPANDED = 3;
const COLLAPSED = 4;

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
  for (const [sender, subject] of [
    ['Bob', 'one'],
    ['Carol', 'two'],
    ['Bob', 'three'],
  ] as const) {
    const properties = new Map([
      [PidTag.SenderName, sender],
      [PidTag.Subject, subject],
    ]);
    store.mailbox('alice').messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] });
  }
});
afterEach(() => store.close());

/** A table of the Inbox by sender, whose categories are collapsed, and by subject within them. */
function openTable(): number {
  const folder = alice.call(OpenFolder, logon, { folderId: objectId(FolderId.Inbox), openModeFlags: 0 }).handle;
  const table = alice.call(GetContentsTable, folder, { tableFlags: 0 }).handle;
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: COLUMNS });
  const orders = [
    { tag: PidTag.SenderName, order: 0 },
    { tag: PidTag.Subject, order: 0 },
  ];
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders: { orders, categories: 1, expanded: 0 } });
  return table;
}

/** All rows from the first on: the id, and what is shown. */
function rows(table: number) {
  alice.call(SeekRow, table, { origin: 0, rowCount: 0, wantRowMovedCount: false });
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 50 };
  const { rowCount, rowData } = alice.call(QueryRows, table, query, COLUMNS).response;
  return shown(rowData, rowCount);
}

function shown(rowData: Uint8Array, rowCount: number) {
  return readRows(rowData, rowCount, COLUMNS, alice.coding).map((cells) => {
    const [id, sender, subject, type] = cells.map((cell) =>
      typeof cell === 'object' && 'value' in cell ? cell.value : undefined,
    );
    assert.ok(typeof id === 'bigint');
    return { id: BigInt.asUintN(64, id), row: [type, type === LEAF ? subject : sender] };
  });
}

const plain = (found: ReturnType<typeof shown>) => found.map(({ row }) => row);

test('[MS-OXCTABL] 2.2.2.17, 2.2.2.18: a category is expanded, and collapsed again', () => {
  const table = openTable();
  const [bob, carol] = rows(table);
  assert.ok(bob && carol);
  assert.deepEqual(plain([bob, carol]), [
    [COLLAPSED, 'Bob'],
    [COLLAPSED, 'Carol'],
  ]);
  const { response } = alice.call(ExpandRow, table, { maxRowCount: 1, categoryId: bob.id }, COLUMNS);
  assert.equal(response.expandedRowCount, 2);
  assert.deepEqual(plain(shown(response.rowData, response.rowCount)), [[LEAF, 'one']]);
  assert.deepEqual(plain(rows(table)), [
    [EXPANDED, 'Bob'],
    [LEAF, 'one'],
    [LEAF, 'three'],
    [COLLAPSED, 'Carol'],
  ]);
  assert.equal(alice.fails(ExpandRow, table, { maxRowCount: 0, categoryId: bob.id }), 'NotCollapsed');
  assert.equal(alice.call(CollapseRow, table, { categoryId: bob.id }).response.collapsedRowCount, 2);
  assert.equal(alice.fails(CollapseRow, table, { categoryId: bob.id }), 'NotExpanded');
  assert.equal(rows(table).length, 2);
});

test('[MS-OXCTABL] 2.2.2.19, 2.2.2.20: what is expanded is kept, and made so in another table', () => {
  const table = openTable();
  const carol = rows(table)[1];
  assert.ok(carol);
  alice.call(ExpandRow, table, { maxRowCount: 0, categoryId: carol.id });
  const before = plain(rows(table));
  assert.equal(before.length, 3);
  const state = { rowId: carol.id, rowInstanceNumber: 0 };
  const { collapseState } = alice.call(GetCollapseState, table, state).response;
  const other = openTable();
  const { bookmark } = alice.call(SetCollapseState, other, { collapseState: collapseState.slice() }).response;
  alice.call(SeekRowBookmark, other, { bookmark: bookmark.slice(), rowCount: 0, wantRowMovedCount: false });
  assert.equal(alice.call(QueryPosition, other, {}).response.numerator, 1, "the bookmark is at Carol's row");
  assert.deepEqual(plain(rows(other)), before);
});

test('[MS-OXCTABL] 2.2.2.15: a bookmark that was freed is no more; nothing is ever under way', () => {
  const table = openTable();
  rows(table);
  const { bookmark } = alice.call(CreateBookmark, table, {}).response;
  const seek = { bookmark: bookmark.slice(), rowCount: 0, wantRowMovedCount: false };
  alice.call(SeekRowBookmark, table, seek);
  alice.call(FreeBookmark, table, { bookmark: seek.bookmark });
  assert.equal(alice.fails(SeekRowBookmark, table, seek), 'InvalidBookmark');
  assert.equal(alice.fails(FreeBookmark, table, { bookmark: seek.bookmark }), 'InvalidBookmark');
  assert.equal(alice.call(GetStatus, table, {}).response.tableStatus, 0);
});

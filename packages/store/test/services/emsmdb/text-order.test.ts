import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../../src/mapi/restriction.ts';
import { GetContentsTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import {
  FindRow,
  QueryPosition,
  QueryRows,
  Restrict,
  SeekRow,
  SetColumns,
  SortTable,
} from '../../../src/mapi/rops/table.ts';
import type { SortOrderSet } from '../../../src/mapi/sort-order.ts';
import { type RopClient, TestStore } from './rop-client.ts';

const COLUMNS: readonly PropertyTag[] = [PidTag.Subject, PidTag.RowType];
/** PidTagRowType ([MS-OXCTABL] 2.2.1.3). */
const LEAF = 1;
const BY_SUBJECT: SortOrderSet = { orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 };
/** As the table has them. */
const SUBJECTS = [
  '[list] news',
  '2 things',
  'Äpfel',
  'apple',
  'Hello',
  'hello',
  'Héllo',
  'Øre',
  'Zebra',
  'Ёж',
  'иод',
  'йод',
];

let store: TestStore;
let alice: RopClient;
let table: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  for (const subject of [
    'Zebra',
    'йод',
    'Hello',
    ...SUBJECTS.filter((one) => !/Zebra|йод|^Hello/.test(one)).toReversed(),
  ]) {
    const properties = new Map([[PidTag.Subject, subject]]);
    store.mailbox('alice').messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] });
  }
  const folder = alice.call(OpenFolder, alice.logon(), { folderId: objectId(FolderId.Inbox), openModeFlags: 0 }).handle;
  table = alice.call(GetContentsTable, folder, { tableFlags: 0 }).handle;
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: COLUMNS });
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders: BY_SUBJECT });
});
afterEach(() => store.close());

function values(rowData: Uint8Array, rowCount: number): unknown[][] {
  return readRows(rowData, rowCount, COLUMNS, alice.coding).map((cells) =>
    cells.map((cell) => (typeof cell === 'object' && 'value' in cell ? cell.value : undefined)),
  );
}

/** All rows from the first on. */
function rows(): unknown[][] {
  alice.call(SeekRow, table, { origin: 0, rowCount: 0, wantRowMovedCount: false });
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 50 };
  const { rowCount, rowData } = alice.call(QueryRows, table, query, COLUMNS).response;
  return values(rowData, rowCount);
}

const subjects = (): unknown[] => rows().map(([subject]) => subject);

function find(restrictionData: Restriction): { readonly subject: unknown; readonly position: number } {
  const request = { findRowFlags: 0, origin: 0, bookmark: new Uint8Array(0), restrictionData };
  const { rowData = new Uint8Array(0) } = alice.call(FindRow, table, request, COLUMNS).response;
  const [row] = values(rowData, 1);
  return { subject: row?.[0], position: alice.call(QueryPosition, table, {}).response.numerator };
}

const property = (relOp: number, value: string): Restriction => ({
  kind: 'property',
  relOp,
  tag: PidTag.Subject,
  valueTag: PidTag.Subject,
  value,
});
const prefix = (value: string, fuzzyHigh: number): Restriction => ({
  kind: 'content',
  fuzzyLow: FuzzyLow.Prefix,
  fuzzyHigh,
  tag: PidTag.Subject,
  valueTag: PidTag.Subject,
  value,
});

test('[MS-OXCTABL] 2.2.2.3: by subject, case and accents only decide between what is the same without them', () => {
  assert.deepEqual(subjects(), SUBJECTS);
  const orders = [{ tag: PidTag.Subject, order: 1 }];
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders: { ...BY_SUBJECT, orders } });
  assert.deepEqual(subjects(), SUBJECTS.toReversed());
});

test('[MS-OXCTABL] 2.2.2.13: rows are found where the order has them, by what they are compared with and begin with', () => {
  const at = (subject: string) => ({ subject, position: SUBJECTS.indexOf(subject) });
  assert.deepEqual(find(property(RelOp.GreaterThanOrEqual, 'APPLE')), at('apple'));
  assert.deepEqual(find(property(RelOp.GreaterThan, 'apfel')), at('Äpfel'));
  assert.deepEqual(find(property(RelOp.GreaterThan, 'HELLO')), at('Héllo'));
  assert.deepEqual(find(property(RelOp.Equal, 'HÉLLO')), at('Héllo'));
  assert.deepEqual(find(prefix('ä', FuzzyHigh.IgnoreCase)), at('Äpfel'));
  assert.deepEqual(find(prefix('h', 0)), at('hello'));
  assert.deepEqual(find(prefix('HEL', FuzzyHigh.IgnoreCase)), at('Hello'));
  assert.deepEqual(find(prefix('APF', FuzzyHigh.Loose)), at('Äpfel'));
  assert.deepEqual(find(prefix('й', 0)), at('йод'));
});

test('[MS-OXCTABL] 2.2.2.4: a restricted table is in the order that it compares in', () => {
  for (const [restrictionData, expected] of [
    [property(RelOp.LessThan, 'apple'), SUBJECTS.slice(0, 3)],
    [property(RelOp.Equal, 'hello'), ['Hello', 'hello']],
    [property(RelOp.NotEqual, 'Hello'), SUBJECTS.filter((subject) => subject.toUpperCase() !== 'HELLO')],
    [prefix('hé', FuzzyHigh.IgnoreCase), ['Héllo']],
    [prefix('he', FuzzyHigh.Loose), ['Hello', 'hello', 'Héllo']],
  ] as const) {
    alice.call(Restrict, table, { restrictFlags: 0, restrictionData });
    assert.deepEqual(subjects(), expected);
  }
});

test('[MS-OXCTABL] 2.2.2.3.1: what differs in case is one category, what differs in accents is not', () => {
  alice.call(Restrict, table, { restrictFlags: 0, restrictionData: prefix('h', FuzzyHigh.IgnoreCase) });
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders: { ...BY_SUBJECT, categories: 1, expanded: 1 } });
  assert.deepEqual(
    rows().map(([subject, type]) => (type === LEAF ? subject : `${subject}:`)),
    ['Hello:', 'Hello', 'hello', 'Héllo:', 'Héllo'],
  );
});

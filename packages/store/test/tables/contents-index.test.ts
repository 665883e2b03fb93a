import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { RestrictedView } from '../../src/mailbox/tables/restricted-view.ts';
import { BY_SUBJECT } from '../../src/mailbox/tables/row-order.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { type Counter, counterOf, objectId } from '../../src/mapi/object-id.ts';
import { type PropertyTag, PropertyType, propertyTag } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { CODING, firstColumn, properties, query, shown, TestStore } from './support.ts';

const FOLDER = 5;
/** More messages than are sorted in memory. */
const MANY = 1200;
const prefix = (value: string): Restriction => ({
  kind: 'content',
  fuzzyLow: FuzzyLow.Prefix,
  fuzzyHigh: FuzzyHigh.IgnoreCase,
  tag: PidTag.Subject,
  valueTag: PidTag.Subject,
  value,
});

/** Counts the messages that are read. */
function counting(store: TestStore): { read: number } {
  const count = { read: 0 };
  const rows = store.rows.bind(store);
  store.rows = (ids) => {
    count.read += ids.length;
    return rows(ids);
  };
  const scan = store.scan.bind(store);
  store.scan = function* (folder, associated) {
    for (const row of scan(folder, associated)) {
      count.read += 1;
      yield row;
    }
  };
  return count;
}

function tableOf(
  store: TestStore,
  columns: readonly PropertyTag[] = [PidTag.Subject],
  associated = false,
): ContentsTable {
  const table = new ContentsTable({ index: store.index, folder: FOLDER, associated, coding: CODING });
  table.setColumns(columns);
  return table;
}

function fill(store: TestStore, count: number, from = 0): Counter[] {
  return store.transaction(() =>
    Array.from({ length: count }, (_, at) => {
      const value = from + at;
      const set = properties(
        [PidTag.Subject, `${((value * 7919) % 10_007).toString().padStart(5, '0')} subject`],
        [PidTag.MessageDeliveryTime, BigInt(value)],
        [PidTag.Importance, value % 3],
        [PidTag.SenderName, `sender ${(value * 31) % 101}`],
      );
      return store.add(FOLDER, set, { unread: value % 4 === 0 });
    }),
  );
}

const by = (tag: PropertyTag, order = 0, categories = 0) => ({
  orders: [{ tag, order }],
  categories,
  expanded: categories,
});

test('pages, positions and jumps of a large folder read the rows that they show, and no others', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const count = counting(store);
  const table = tableOf(store, [PidTag.MessageDeliveryTime]);
  table.sort(by(PidTag.MessageDeliveryTime, 1));
  assert.equal(table.rowCount, MANY);
  assert.equal(shown(query(table).rows[0]?.[0]), BigInt(MANY - 1));
  assert.equal(count.read, 50);
  table.seekFractional(1, 2);
  assert.deepEqual(table.position(), { numerator: MANY / 2, denominator: MANY });
  assert.equal(count.read, 50);
  assert.equal(shown(query(table, { count: 10 }).rows[0]?.[0]), BigInt(MANY / 2 - 1));
  assert.equal(count.read, 60);
  // What was read a moment ago is not read again.
  table.seek(0, 0);
  query(table);
  assert.equal(count.read, 60);
  store.close();
});

test('a row is found by the beginning of its subject without reading the folder, whatever the order', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const wanted = ((700 * 7919) % 10_007).toString().padStart(5, '0');
  for (const order of [
    by(PidTag.MessageDeliveryTime),
    by(PidTag.MessageDeliveryTime, 1),
    by(PidTag.Subject),
    by(PidTag.Subject, 1),
  ]) {
    const table = tableOf(store);
    table.sort(order);
    const count = counting(store);
    const find = { restriction: prefix(wanted), backward: false, origin: 0, bookmark: new Uint8Array(0) };
    assert.equal(table.findRow(new Writer(), find).found, true);
    assert.equal(shown(query(table, { count: 1 }).rows[0]?.[0]), `${wanted} subject`);
    assert.equal(table.findRow(new Writer(), { ...find, restriction: prefix(`${wanted}x`) }).found, false);
    assert.ok(count.read < 10, `${count.read} messages read`);
  }
  store.close();
});

test('a message is found by its id without reading the folder, in categories and as an instance too', () => {
  const store = TestStore.create();
  const ids = fill(store, MANY);
  const id = ids[777] ?? 0;
  store.change(id, properties([0x8001_101f, ['red', 'blue']]));
  const mid = (value: Counter): Restriction => ({
    kind: 'property',
    relOp: RelOp.Equal,
    tag: PidTag.Mid,
    valueTag: PidTag.Mid,
    value: BigInt.asIntN(64, objectId(value)),
  });
  const table = tableOf(store, [PidTag.Mid, PidTag.InstanceKey]);
  const count = counting(store);
  const find = (restriction: Restriction, backward = false) =>
    table.findRow(new Writer(), { restriction, backward, origin: backward ? 2 : 0, bookmark: new Uint8Array(0) }).found;
  for (const order of [by(PidTag.MessageDeliveryTime, 1), by(PidTag.Subject), by(PidTag.Importance, 0, 1)]) {
    table.sort(order);
    table.rowCount;
    count.read = 0;
    assert.equal(find(mid(id)), true);
    assert.equal(shown(query(table, { count: 1 }).rows[0]?.[0]), BigInt.asIntN(64, objectId(id)));
    assert.equal(find(mid(id), true), true);
    assert.equal(find(mid(987_654)), false);
    assert.ok(count.read < 10, `${count.read} messages read`);
  }
  table.setColumns([PidTag.Mid, PidTag.InstanceKey, 0x8001_301f]);
  table.sort(by(0x8001_301f));
  table.rowCount;
  count.read = 0;
  assert.equal(find(mid(id)), true);
  const [blue, red] = query(table, { count: 2 }).rows;
  assert.deepEqual(
    [blue, red].map((row) => shown(row?.[2])),
    ['blue', 'red'],
  );
  // Each instance has a key of its own.
  const value = shown(blue?.[1]);
  assert.ok(value instanceof Uint8Array && value.length === 12);
  assert.equal(
    find({ kind: 'property', relOp: RelOp.Equal, tag: PidTag.InstanceKey, valueTag: PidTag.InstanceKey, value }),
    true,
  );
  assert.deepEqual(query(table, { count: 1 }).rows[0], blue);
  assert.ok(count.read < 10, `${count.read} messages read`);
  table.restrict(mid(id));
  assert.equal(table.rowCount, 2);
  store.close();
});

test('a restriction that an order can narrow reads those messages alone', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const table = tableOf(store, [PidTag.MessageDeliveryTime]);
  const count = counting(store);
  table.restrict({
    kind: 'and',
    restrictions: [
      {
        kind: 'property',
        relOp: RelOp.GreaterThanOrEqual,
        tag: PidTag.MessageDeliveryTime,
        valueTag: PidTag.MessageDeliveryTime,
        value: BigInt(MANY - 40),
      },
      { kind: 'property', relOp: RelOp.Equal, tag: PidTag.Importance, valueTag: PidTag.Importance, value: 1 },
    ],
  });
  assert.equal(table.rowCount, 13);
  assert.equal(count.read, 40);
  store.close();
});

test('another order of a large folder is stored once, and kept up to date', () => {
  const store = TestStore.create();
  const ids = fill(store, MANY);
  const table = tableOf(store, [PidTag.SenderName, PidTag.Mid]);
  table.sort(by(PidTag.SenderName));
  const count = counting(store);
  const other = tableOf(store, [PidTag.SenderName, PidTag.Mid]);
  other.sort(by(PidTag.SenderName, 1));
  assert.equal(other.rowCount, MANY);
  assert.equal(count.read, 0);
  store.add(FOLDER, properties([PidTag.SenderName, 'AAA']));
  store.change(ids[17] ?? 0, properties([PidTag.SenderName, 'zzz']));
  store.remove(ids[18] ?? 0);
  const names = firstColumn(table);
  assert.equal(names.length, MANY);
  assert.equal(names[0], 'AAA');
  assert.equal(names.at(-1), 'zzz');
  assert.deepEqual(firstColumn(other), names.toReversed());
  store.close();
});

test('only so many other orders are kept: the one not used for longest goes', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const names = () => store.index.orders(FOLDER, false).map(({ order }) => order.name);
  const first = propertyTag(0x8000, PropertyType.Integer32);
  const table = tableOf(store);
  for (let at = 0; at < 8; at += 1) table.sort(by(first + at * 0x1_0000));
  assert.equal(names().length, 10);
  // The first is used again, so that the second goes.
  table.sort(by(first));
  table.sort(by(PidTag.Importance));
  assert.equal(names().length, 10);
  assert.ok(names().includes('80000003+'));
  assert.ok(!names().includes('80010003+'));
  assert.equal(table.rowCount, MANY);
  store.close();
});

test('categories of a large folder are counted without reading it', () => {
  const store = TestStore.create();
  fill(store, MANY);
  tableOf(store).sort(by(PidTag.Importance, 0, 1));
  const count = counting(store);
  const table = tableOf(store, [PidTag.Importance, PidTag.ContentCount, PidTag.ContentUnreadCount]);
  table.sort({ ...by(PidTag.Importance, 0, 1), expanded: 0 });
  assert.equal(table.rowCount, 3);
  const rows = query(table).rows.map((row) => row.map(shown));
  assert.deepEqual(
    rows,
    [0, 1, 2].map((value) => [value, MANY / 3, MANY / 12]),
  );
  assert.equal(count.read, 3);
  // Reading a message moves no row, and is counted all the same.
  const [id] = fill(store, 1, 12_000);
  store.change(id ?? 0, properties(), false);
  store.change(1, properties(), false);
  table.seek(0, 0);
  assert.deepEqual(query(table, { count: 1 }).rows[0]?.map(shown), [0, MANY / 3 + 1, MANY / 12 - 1]);
  store.close();
});

const IMPORTANT: Restriction = {
  kind: 'property',
  relOp: RelOp.Equal,
  tag: PidTag.Importance,
  valueTag: PidTag.Importance,
  value: 1,
};

test('a restricted table follows its folder without being collected anew', () => {
  const store = TestStore.create();
  const ids = fill(store, 300);
  const table = tableOf(store);
  table.restrict(IMPORTANT);
  assert.equal(table.rowCount, 100);
  const count = counting(store);
  store.add(FOLDER, properties([PidTag.Importance, 1]));
  store.add(FOLDER + 1, properties([PidTag.Importance, 1]));
  store.remove(ids[0] ?? 0);
  count.read = 0;
  assert.equal(table.rowCount, 101);
  store.change(ids[1] ?? 0, properties([PidTag.Importance, 2]));
  count.read = 0;
  assert.equal(table.rowCount, 100);
  assert.equal(count.read, 1);
  table.close();
  store.close();
});

test('whoever changes a message does not hold it against the restrictions of open tables', () => {
  const store = TestStore.create();
  const [id = 0] = fill(store, 30);
  const tables = Array.from({ length: 20 }, () => tableOf(store));
  for (const table of tables) {
    table.restrict(IMPORTANT);
    assert.equal(table.rowCount, 10);
  }
  let held = 0;
  const rows = store.rows.bind(store);
  store.rows = (ids) =>
    rows(ids).map((row) => {
      if (row === undefined) return undefined;
      row.whole = (tag) => {
        held += 1;
        return row.value(tag);
      };
      return row;
    });
  store.change(id, properties([PidTag.Importance, 2]));
  store.change(id, properties([PidTag.Importance, 1]));
  store.remove(id + 1);
  assert.equal(held, 0);
  for (const table of tables) assert.equal(table.rowCount, 10);
  assert.equal(held, tables.length);
  store.close();
});

test('a restricted table catches up with whatever has happened since it was looked at', () => {
  const change = fc.record({ what: fc.nat(2), which: fc.nat(9), importance: fc.nat(1), subject: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 6 }), (rounds) => {
      const store = TestStore.create();
      const ids = fill(store, 10);
      const orders = [by(PidTag.Subject, 0), by(PidTag.Subject, 1, 1), by(PidTag.Importance, 0)];
      const open = () =>
        orders.map((order) => {
          const table = tableOf(store, [PidTag.Mid, PidTag.Subject]);
          table.sort(order);
          table.restrict(IMPORTANT);
          return table;
        });
      const shownIn = (table: ContentsTable) => {
        table.seek(0, 0);
        return query(table).rows.map((row) => row.map(shown));
      };
      const tables = open();
      const readTwice = tables.map(shownIn);
      assert.deepEqual(tables.map(shownIn), readTwice);
      for (const [index, round] of rounds.entries()) {
        for (const { what, which, importance, subject } of round) {
          const values = properties([PidTag.Importance, importance], [PidTag.Subject, `${subject}`]);
          if (what === 0) ids.push(store.add(FOLDER, values));
          else if (what === 1) store.change(ids[which] ?? 0, values, subject === 0);
          else store.remove(ids.splice(which, 1)[0] ?? 0);
        }
        // Having given up its rows, a table is where it was.
        if (index % 2 === 1) for (const table of tables) table.rest();
        assert.deepEqual(tables.map(shownIn), open().map(shownIn));
      }
      store.close();
    }),
    { numRuns: 60 },
  );
});

test('changes that take too much memory are forgotten, and then a table is collected anew', () => {
  const store = TestStore.create();
  const [id = 0] = fill(store, 300);
  const table = tableOf(store);
  table.restrict(IMPORTANT);
  assert.equal(table.rowCount, 100);
  const count = counting(store);
  const flip = (times: number) => {
    for (let i = 0; i < times; i += 1) store.change(id, properties([PidTag.Importance, i % 2]));
    count.read = 0;
    return table.rowCount;
  };
  const before = flip(100);
  assert.deepEqual([count.read, flip(100)], [1, before]);
  // A change is 128 bytes and more: of 1 MiB of them there are less than these.
  assert.equal(flip(8192), before);
  assert.ok(count.read >= 300, `${count.read} messages read`);
  assert.equal(flip(1), before - 1);
  assert.equal(count.read, 1);
  store.close();
});

test('what is rolled back leaves tables as they were, restricted ones too', () => {
  const store = TestStore.create();
  const ids = fill(store, 30);
  const all = tableOf(store);
  const some = tableOf(store);
  some.restrict({
    kind: 'property',
    relOp: RelOp.Equal,
    tag: PidTag.Importance,
    valueTag: PidTag.Importance,
    value: 1,
  });
  const before = [firstColumn(all), firstColumn(some)];
  assert.throws(() =>
    store.transaction(() => {
      store.remove(ids[1] ?? 0);
      store.add(FOLDER, properties([PidTag.Subject, 'never'], [PidTag.Importance, 1]));
      store.change(ids[4] ?? 0, properties([PidTag.Subject, 'never either']));
      assert.equal(all.rowCount, 30);
      assert.ok(firstColumn(some).includes('never'));
      throw new Error('no');
    }),
  );
  assert.deepEqual([firstColumn(all), firstColumn(some)], before);
  // A transaction within one that is kept.
  store.transaction(() => {
    store.add(FOLDER, properties([PidTag.Subject, 'kept'], [PidTag.Importance, 1]));
    assert.throws(() =>
      store.transaction(() => {
        store.add(FOLDER, properties([PidTag.Subject, 'not kept'], [PidTag.Importance, 1]));
        throw new Error('no');
      }),
    );
  });
  assert.equal(all.rowCount, 31);
  assert.ok(firstColumn(some).includes('kept'));
  assert.ok(!firstColumn(some).includes('not kept'));
  store.close();
});

test('tables see what another connection does, and both keep the order right', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rpch-tables-'));
  const path = join(directory, 'box.sqlite');
  const one = TestStore.create(path);
  const two = TestStore.open(path);
  fill(one, 40);
  const tables = [one, two].flatMap((store) => {
    const restricted = tableOf(store);
    restricted.restrict({
      kind: 'property',
      relOp: RelOp.NotEqual,
      tag: PidTag.Importance,
      valueTag: PidTag.Importance,
      value: 2,
    });
    const sorted = tableOf(store);
    sorted.sort(by(PidTag.SenderName));
    return [tableOf(store), sorted, restricted];
  });
  const same = (): void => {
    const seen = tables.map((table) => firstColumn(table));
    assert.deepEqual(seen.slice(0, 3), seen.slice(3));
  };
  same();
  for (let round = 0; round < 30; round += 1) {
    const store = round % 2 === 0 ? one : two;
    const [id] = fill(store, 1, 1000 + round);
    if (round % 3 === 0) store.remove((id ?? 0) - 7);
    if (round % 5 === 0)
      store.change(round + 1, properties([PidTag.SenderName, `changed ${round}`], [PidTag.Importance, round % 3]));
    same();
  }
  assert.equal(tables[0]?.rowCount, firstColumn(tables[3] as ContentsTable).length);
  one.close();
  two.close();
  rmSync(directory, { recursive: true });
});

test('a message that is in another folder now is in the restricted table of that one alone', () => {
  const store = TestStore.create();
  const [, id = 0] = fill(store, 9);
  const tables = [FOLDER, FOLDER + 1].map((folder) => {
    const table = new ContentsTable({ index: store.index, folder, associated: false, coding: CODING });
    table.restrict(IMPORTANT);
    return table;
  });
  store.add(FOLDER + 1, properties([PidTag.Importance, 1]));
  const counts = () => tables.map(({ rowCount }) => rowCount);
  assert.deepEqual(counts(), [3, 1]);
  store.transaction(() => {
    const [before] = store.rows([id]);
    assert.ok(before !== undefined);
    store.index.removed(before);
    store.database.run('UPDATE messages SET folder = ? WHERE id = ?', FOLDER + 1, id);
    const [after] = store.rows([id]);
    assert.ok(after !== undefined);
    store.index.added(after);
  });
  assert.deepEqual(counts(), [2, 2]);
  store.close();
});

test('a change that was rolled back is not taken for one that another connection has made', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-index-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'index.sqlite');
  const store = TestStore.create(path);
  const other = TestStore.open(path);
  const [first = 0, second = 0] = fill(store, 10).filter((_, at) => at % 3 === 1);
  const table = tableOf(store, [PidTag.Mid]);
  table.restrict(IMPORTANT);
  assert.equal(table.rowCount, 3);
  assert.throws(() =>
    store.transaction(() => {
      store.change(first, properties([PidTag.Importance, 2]));
      throw new Error('no');
    }),
  );
  other.change(second, properties([PidTag.Importance, 2]));
  assert.deepEqual(
    firstColumn(table).map((id) => typeof id === 'bigint' && counterOf(BigInt.asUintN(64, id))),
    [first, 8],
  );
  other.close();
  store.close();
});

test('messages and associated messages are apart, and a deleted folder leaves nothing behind', () => {
  const store = TestStore.create();
  fill(store, 3);
  const view = store.add(FOLDER, properties([PidTag.Subject, 'view']), { associated: true });
  const table = tableOf(store, [PidTag.Subject], true);
  assert.deepEqual(firstColumn(table), ['view']);
  table.sort(by(PidTag.Subject));
  assert.deepEqual(firstColumn(table), ['view']);
  store.remove(view);
  assert.equal(table.rowCount, 0);
  assert.deepEqual(query(table), { rows: [], origin: 2, tooSmall: false });
  store.transaction(() => {
    store.database.run('DELETE FROM messages WHERE folder = ?', FOLDER);
    store.index.folderDeleted(FOLDER);
  });
  assert.equal(tableOf(store).rowCount, 0);
  assert.deepEqual(store.database.all('SELECT * FROM contents_nodes'), []);
  assert.deepEqual(store.database.all('SELECT * FROM contents_orders'), []);
  store.close();
});

test('orders are made anew from what is stored', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const table = tableOf(store);
  table.sort(by(PidTag.SenderName));
  const before = firstColumn(table);
  store.transaction(() => store.index.rebuild(FOLDER, false));
  assert.deepEqual(firstColumn(table), before);
  assert.equal(store.index.orders(FOLDER, false).length, 3);
  store.close();
});

/** Makes the stored orders by text those of a program that sorted otherwise: reading or changing them fails. */
function makeOld(store: TestStore, folder = FOLDER): void {
  const orders = store.database.all("SELECT id FROM contents_orders WHERE folder = ? AND name LIKE '%/%'", folder);
  for (const { id = 0 } of orders) {
    store.database.run('UPDATE contents_nodes SET content = ? WHERE id / 4294967296 = ?', new Uint8Array(0), id);
    store.database.run("UPDATE contents_orders SET name = substr(name, 1, instr(name, '/') - 1) WHERE id = ?", id);
  }
  assert.ok(orders.length > 0);
  store.index.discard();
}

const names = (store: TestStore): unknown[] =>
  store.database.all('SELECT name FROM contents_orders ORDER BY name').map(({ name }) => name);

test('orders by text that were made otherwise are not read, and made anew by the next change', () => {
  const store = TestStore.create();
  const subjects = ['Zebra', 'apple', 'Äpfel', 'zebra'];
  const ids = subjects.map((subject) => store.add(FOLDER, properties([PidTag.Subject, subject])));
  const before = names(store);
  for (const work of [
    () => store.add(FOLDER, properties([PidTag.Subject, 'new'])),
    () => store.change(ids[1] ?? 0, properties([PidTag.Subject, 'Ápple'])),
    () => store.remove(ids[0] ?? 0),
  ]) {
    makeOld(store);
    const table = tableOf(store);
    table.sort(by(PidTag.Subject));
    const sorted = firstColumn(table);
    assert.equal(store.index.tree(FOLDER, false, BY_SUBJECT), undefined);
    assert.deepEqual(sorted.slice(0, 1), ['Äpfel']);
    work();
    assert.deepEqual(names(store), before);
    assert.equal(store.index.tree(FOLDER, false, BY_SUBJECT)?.count, table.rowCount);
    assert.equal(store.database.get('SELECT count(*) AS nodes FROM contents_nodes')?.nodes, 2);
  }
  const table = tableOf(store);
  table.sort(by(PidTag.Subject));
  assert.deepEqual(firstColumn(table), ['Äpfel', 'Ápple', 'new', 'zebra']);
  store.close();
});

test('in a large folder an order by text that was made otherwise is made anew when it is asked for', () => {
  const store = TestStore.create();
  fill(store, MANY);
  const table = tableOf(store, [PidTag.SenderName]);
  table.sort(by(PidTag.SenderName));
  const before = firstColumn(table);
  assert.equal(names(store).length, 3);
  makeOld(store);
  table.sort(by(PidTag.SenderName));
  assert.deepEqual(firstColumn(table), before);
  assert.equal(store.index.orders(FOLDER, false).length, 2);
  store.remove(1);
  // Of the old ones that which every folder has is made anew.
  assert.equal(store.index.orders(FOLDER, false).length, 3);
  assert.equal(names(store).length, 3);
  makeOld(store);
  store.transaction(() => store.index.rebuild(FOLDER, false));
  assert.equal(store.index.tree(FOLDER, false, BY_SUBJECT)?.count, MANY - 1);
  makeOld(store);
  store.transaction(() => store.index.folderDeleted(FOLDER));
  assert.deepEqual(names(store), []);
  assert.deepEqual(store.database.all('SELECT * FROM contents_nodes'), []);
  store.close();
});

test('a folder too large to be sorted in memory gets its order by text all the same', (t) => {
  const store = TestStore.create();
  fill(store, MANY);
  const table = tableOf(store);
  table.sort(by(PidTag.Subject));
  const before = firstColumn(table);
  makeOld(store);
  t.mock.method(RestrictedView.prototype, 'build', () => {
    throw new StoreError(ErrorCode.TableTooBig, 'too big');
  });
  store.add(FOLDER, properties([PidTag.Subject, 'z']));
  assert.equal(store.index.tree(FOLDER, false, BY_SUBJECT)?.count, MANY + 1);
  assert.deepEqual(firstColumn(table), [...before, 'z']);
  store.close();
});

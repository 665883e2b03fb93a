import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { compareValues } from '../../src/mapi/compare.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { type Counter, counterOf } from '../../src/mapi/object-id.ts';
import { type MutableProperties, type PropertyTag, type PropertyValue, typeOf } from '../../src/mapi/property.ts';
import type { Cell } from '../../src/mapi/property-row.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { compileRestriction } from '../../src/mapi/restriction-match.ts';
import { SortDirection, type SortOrder, type SortOrderSet } from '../../src/mapi/sort-order.ts';
import { CODING, properties, query, rowsIn, shown, TestStore } from './support.ts';

const FOLDER = 3;
const KEYWORDS = 0x8001_101f;
const KEYWORDS_INSTANCE = 0x8001_301f;
const COLUMNS: readonly PropertyTag[] = [
  PidTag.RowType,
  PidTag.Depth,
  PidTag.ContentCount,
  PidTag.ContentUnreadCount,
  PidTag.InstID,
  PidTag.InstanceNum,
  PidTag.Subject,
  PidTag.Importance,
  KEYWORDS_INSTANCE,
  PidTag.MessageDeliveryTime,
];
const UNREAD: Restriction = {
  kind: 'property',
  relOp: RelOp.Equal,
  tag: PidTag.Read,
  valueTag: PidTag.Read,
  value: false,
};

interface Message {
  readonly id: Counter;
  readonly properties: MutableProperties;
  unread: boolean;
}
interface Row {
  readonly message: Message;
  readonly instance: number;
}
interface Group {
  readonly path: string;
  readonly level: number;
  readonly rows: readonly Row[];
}
type Visible = { readonly group: Group; readonly row?: undefined } | { readonly row: Row; readonly group?: undefined };

class Model {
  readonly messages = new Map<Counter, Message>();
  set: SortOrderSet = { orders: [], categories: 0, expanded: 0 };
  restricted = false;
  readonly toggled = new Set<string>();

  value({ message, instance }: Row, tag: PropertyTag): PropertyValue | undefined {
    if (tag !== KEYWORDS_INSTANCE) return message.properties.get(tag);
    const values = message.properties.get(KEYWORDS);
    return Array.isArray(values) ? values[instance] : undefined;
  }

  compare(a: Row, b: Row, tag: PropertyTag): number {
    const [left, right] = [this.value(a, tag), this.value(b, tag)];
    if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
    return compareValues(typeOf(tag), left, right);
  }

  get maximum(): SortOrder | undefined {
    const order = this.set.orders[this.set.categories];
    return order?.order === SortDirection.MaximumCategory ? order : undefined;
  }

  rows(): Row[] {
    const rows: Row[] = [];
    // The columns have instances, so that all rows are some.
    for (const message of this.messages.values()) {
      if (this.restricted && !message.unread) continue;
      const values = message.properties.get(KEYWORDS);
      const instances = Array.isArray(values) ? Math.max(1, values.length) : 1;
      for (let instance = 0; instance < instances; instance += 1) rows.push({ message, instance });
    }
    const orders = this.set.orders.filter((order) => order !== this.maximum);
    const sign = orders[0]?.order === SortDirection.Descending ? -1 : 1;
    return rows.sort((a, b) => {
      for (const { tag, order } of orders) {
        const difference = this.compare(a, b, tag);
        if (difference !== 0) return order === SortDirection.Descending ? -difference : difference;
      }
      return sign * (a.message.id - b.message.id || a.instance - b.instance);
    });
  }

  isExpanded({ level, path }: Group): boolean {
    return level < this.set.expanded !== this.toggled.has(path);
  }

  /** Whether two categories have the same greatest value: either may then be first. */
  hasTies = false;

  visible(): Visible[] {
    this.hasTies = false;
    const list: Visible[] = [];
    const visit = (rows: readonly Row[], level: number, path: string): void => {
      const tag = this.set.orders[level]?.tag ?? 0;
      const groups: { rows: Row[]; path: string; level: number }[] = [];
      for (const row of rows) {
        const last = groups.at(-1);
        const first = last?.rows[0];
        if (last !== undefined && first !== undefined && this.compare(first, row, tag) === 0) {
          last.rows.push(row);
          continue;
        }
        const value = this.value(row, tag);
        const name = typeof value === 'string' ? `"${value.toUpperCase()}"` : String(value);
        groups.push({ rows: [row], path: `${path}/${name}`, level });
      }
      const isLast = level === this.set.categories - 1;
      const { maximum } = this;
      if (isLast && maximum !== undefined) {
        const greatest = (group: Group): Row =>
          group.rows.reduce((best, row) => (this.compare(row, best, maximum.tag) > 0 ? row : best));
        const sign = this.set.orders[level]?.order === SortDirection.Descending ? -1 : 1;
        this.hasTies ||= groups.some((a) =>
          groups.some((b) => a !== b && this.compare(greatest(a), greatest(b), maximum.tag) === 0),
        );
        groups.sort((a, b) => sign * this.compare(greatest(a), greatest(b), maximum.tag));
      }
      for (const group of groups) {
        list.push({ group });
        if (!this.isExpanded(group)) continue;
        if (isLast) for (const row of group.rows) list.push({ row });
        else visit(group.rows, level + 1, group.path);
      }
    };
    visit(this.rows(), 0, '');
    return list;
  }

  /** What a row shows in the columns above but its id; of categories with equal maxima the order is not said. */
  shows(visible: Visible): (PropertyValue | undefined)[] {
    if (visible.row !== undefined) {
      const { message, instance } = visible.row;
      return [
        1,
        this.set.categories,
        undefined,
        undefined,
        message.id,
        instance,
        ...this.values(visible.row, COLUMNS.slice(6)),
      ];
    }
    const { group } = visible;
    const first = group.rows[0];
    const unread = group.rows.filter(({ message }) => message.unread).length;
    const values = COLUMNS.slice(6).map((tag) => {
      const at = this.set.orders.slice(0, group.level + 1).findIndex((order) => order.tag === tag);
      if (at >= 0 && at < this.set.categories && first !== undefined) return this.value(first, tag);
      const { maximum } = this;
      if (maximum?.tag !== tag || group.level !== this.set.categories - 1) return undefined;
      return group.rows
        .map((row) => this.value(row, tag))
        .reduce((a, b) => (a === undefined || (b !== undefined && compareValues(typeOf(tag), b, a) > 0) ? b : a));
    });
    return [this.isExpanded(group) ? 3 : 4, group.level, group.rows.length, unread, undefined, 0, ...values];
  }

  values(row: Row, tags: readonly PropertyTag[]): (PropertyValue | undefined)[] {
    return tags.map((tag) => this.value(row, tag));
  }
}

function nameOf(visible: Visible): string {
  return visible.row === undefined ? visible.group.path : `${visible.row.message.id}.${visible.row.instance}`;
}

/** What the table shows, with ids of messages as counters and none of headers. */
function readable(cells: readonly Cell[]): (PropertyValue | undefined)[] {
  const values = cells.map(shown);
  const isLeaf = values[0] === 1;
  values[4] = isLeaf ? counterOf(BigInt.asUintN(64, values[4] as bigint)) : undefined;
  return values;
}

const message = fc.record({
  subject: fc.option(fc.constantFrom('Alpha', 'ALPHA', 'Beta'), { nil: undefined, freq: 4 }),
  importance: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined, freq: 8 }),
  time: fc.bigInt({ min: 1n, max: 40n }),
  keywords: fc.option(fc.array(fc.constantFrom('red', 'Green', 'blue'), { maxLength: 2 }), { nil: undefined }),
  unread: fc.boolean(),
});
type Given = typeof message extends fc.Arbitrary<infer T> ? T : never;

function propertiesOf(given: Given): MutableProperties {
  return properties(
    [PidTag.Subject, given.subject],
    [PidTag.Importance, given.importance],
    [PidTag.MessageDeliveryTime, given.time],
    [KEYWORDS, given.keywords],
  );
}

const order = (tags: readonly PropertyTag[]) =>
  fc.record({ tag: fc.constantFrom(...tags), order: fc.constantFrom(0, 1) });
const sort: fc.Arbitrary<SortOrderSet> = fc
  .record({
    orders: fc.uniqueArray(order([PidTag.Subject, PidTag.Importance, KEYWORDS_INSTANCE]), {
      minLength: 1,
      maxLength: 3,
      selector: ({ tag }) => tag,
    }),
    rest: fc.option(fc.constantFrom(0, 1, SortDirection.MaximumCategory), { nil: undefined }),
    expanded: fc.nat(3),
  })
  .map(({ orders, rest, expanded }) => ({
    // The time is not among the categories, so that it can order them.
    orders: rest === undefined ? orders : [...orders, { tag: PidTag.MessageDeliveryTime, order: rest }],
    categories: orders.length,
    expanded: Math.min(expanded, orders.length),
  }));

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), message }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change' as const), at: fc.nat(), message }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sort' as const), set: sort }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restrict' as const), on: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('toggle' as const), at: fc.nat(), max: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('seek' as const), to: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('bookmark' as const), at: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('find' as const),
      from: fc.nat(),
      backward: fc.boolean(),
      restriction: fc.oneof(
        fc
          .constantFrom(PidTag.Subject, PidTag.Importance, PidTag.MessageDeliveryTime, PidTag.ContentCount)
          .map((tag): Restriction => ({ kind: 'exist', tag })),
        fc.record({
          kind: fc.constant('property' as const),
          relOp: fc.nat(5),
          tag: fc.constantFrom(PidTag.Importance, PidTag.RowType, PidTag.Depth),
          valueTag: fc.constant(PidTag.Importance),
          value: fc.nat(3),
        }),
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('gone' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('state' as const), at: fc.nat() }) },
);

class Run {
  readonly store = TestStore.create();
  readonly model = new Model();
  readonly table = this.open();

  open(): ContentsTable {
    const table = new ContentsTable({ index: this.store.index, folder: FOLDER, associated: false, coding: CODING });
    table.setColumns(COLUMNS);
    return table;
  }

  all(table = this.table): (PropertyValue | undefined)[][] {
    const { numerator } = table.position();
    table.seek(0, 0);
    const rows = query(table, { count: 1000, room: 1_000_000, advance: false }).rows.map(readable);
    table.seek(0, numerator);
    return rows;
  }

  /** The id of the category at a position. */
  idAt(position: number): bigint {
    const { numerator } = this.table.position();
    this.table.seek(0, position);
    const [row] = query(this.table, { count: 1, advance: false }).rows;
    this.table.seek(0, numerator);
    return shown(row?.[4]) as bigint;
  }

  check(table = this.table): void {
    const visible = this.model.visible();
    assert.equal(table.rowCount, visible.length);
    const expected = visible.map((each) => this.model.shows(each));
    const found = this.all(table);
    if (!this.model.hasTies) assert.deepEqual(found, expected);
    else assert.deepEqual(found.map(String).sort(), expected.map(String).sort());
  }

  do(given: typeof action extends fc.Arbitrary<infer T> ? T : never): void {
    const { store, table, model } = this;
    switch (given.kind) {
      case 'add': {
        const set = propertiesOf(given.message);
        const id = store.add(FOLDER, set, { unread: given.message.unread });
        model.messages.set(id, { id, properties: set, unread: given.message.unread });
        break;
      }
      case 'remove':
      case 'change': {
        const picked = [...model.messages.values()][given.at % (model.messages.size + 1)];
        if (picked === undefined) break;
        if (given.kind === 'remove') {
          store.remove(picked.id);
          model.messages.delete(picked.id);
          break;
        }
        const set = propertiesOf(given.message);
        store.change(picked.id, set, given.message.unread);
        for (const [tag, value] of set) picked.properties.set(tag, value);
        picked.unread = given.message.unread;
        break;
      }
      case 'sort':
        table.sort(given.set);
        model.set = given.set;
        model.toggled.clear();
        assert.equal(table.position().numerator, 0);
        break;
      case 'restrict':
        table.restrict(given.on ? UNREAD : undefined);
        model.restricted = given.on;
        break;
      case 'toggle': {
        const visible = model.visible();
        const at = visible.length === 0 ? 0 : given.at % visible.length;
        const group = visible[at]?.group;
        if (group === undefined || model.hasTies) break;
        this.toggle(at, group, given.max);
        break;
      }
      case 'seek': {
        const total = model.visible().length;
        assert.equal(table.seek(0, given.to), Math.min(total, given.to));
        break;
      }
      case 'bookmark': {
        const visible = model.visible();
        if (visible.length === 0 || model.hasTies) break;
        const at = given.at % visible.length;
        table.seek(0, at);
        const bookmark = table.createBookmark();
        const [group] = visible.slice(0, at + 1).flatMap((each) => each.group ?? []);
        if (group === undefined) break;
        // Collapsing what a row stands below hides it, and the next row stands for it.
        const hides = at > 0 && model.isExpanded(group) && group.level === 0;
        if (hides) {
          const head = visible.findIndex((each) => each.group === group);
          const end = visible.findIndex((each, index) => index > head && each.group?.level === 0);
          table.collapseRow(this.idAt(head));
          const { gone } = table.seekBookmark(bookmark, 0);
          const isBelow = at > head && (end < 0 || at < end);
          assert.equal(gone, isBelow);
          if (isBelow) assert.equal(table.position().numerator, head + 1);
          table.expandRow(new Writer(), this.idAt(head), 0, 1000);
        }
        assert.equal(table.seekBookmark(bookmark, 0).gone, false);
        assert.equal(table.position().numerator, at);
        table.freeBookmark(bookmark);
        break;
      }
      case 'find': {
        const visible = model.visible();
        if (model.hasTies) break;
        const matcher = compileRestriction(given.restriction);
        const matches = visible.map((each) => {
          const shows = model.shows(each);
          return matcher((tag) => (COLUMNS.includes(tag) ? shows[COLUMNS.indexOf(tag)] : undefined));
        });
        const from = given.from % (visible.length + 1);
        const at = given.backward
          ? matches.findLastIndex((one, index) => one && index < from)
          : matches.indexOf(true, from);
        table.seek(0, from);
        const find = {
          restriction: given.restriction,
          backward: given.backward,
          origin: 1,
          bookmark: new Uint8Array(0),
        };
        assert.equal(table.findRow(new Writer(), find).found, at >= 0);
        if (at >= 0) assert.equal(table.position().numerator, at);
        break;
      }
      case 'gone': {
        const visible = model.visible();
        if (visible.length === 0 || model.maximum !== undefined) break;
        const at = given.at % visible.length;
        table.seek(0, at);
        const bookmark = table.createBookmark();
        const below = visible[at]?.row === undefined ? (visible[at]?.group?.rows ?? []) : [visible[at].row];
        for (const { message } of below) {
          store.remove(message.id);
          model.messages.delete(message.id);
        }
        // The next row that is left stands for those that are gone.
        const left = model.visible().map(nameOf);
        const next = visible
          .slice(at)
          .map(nameOf)
          .find((name) => left.includes(name));
        const position = next === undefined ? left.length : left.indexOf(next);
        assert.equal(table.position().numerator, at === 0 ? 0 : position);
        assert.equal(table.seekBookmark(bookmark, 0).gone, true);
        assert.equal(table.position().numerator, position);
        table.freeBookmark(bookmark);
        break;
      }
      case 'state': {
        const rows = this.all();
        const at = rows.length === 0 ? 0 : given.at % rows.length;
        const state = table.collapseState(rows.length === 0 ? 0n : this.idAt(at), Number(rows[at]?.[5] ?? 0));
        const other = this.open();
        other.sort(model.set);
        if (model.restricted) other.restrict(UNREAD);
        const bookmark = other.setCollapseState(state);
        assert.deepEqual(this.all(other), rows);
        assert.equal(other.position().numerator, at);
        assert.equal(other.seekBookmark(bookmark, 0).gone, false);
        other.close();
        break;
      }
    }
    if (model.set.categories > 0) this.check();
  }

  toggle(at: number, group: Group, max: number): void {
    const { table, model } = this;
    const id = this.idAt(at);
    const wasExpanded = model.isExpanded(group);
    const before = model.visible().length;
    table.seek(0, at);
    if (model.toggled.has(group.path)) model.toggled.delete(group.path);
    else model.toggled.add(group.path);
    const visible = model.visible();
    if (wasExpanded) {
      assert.equal(table.collapseRow(id), before - visible.length);
      assertCode(() => table.collapseRow(id), ErrorCode.NotExpanded);
    } else {
      const writer = new Writer();
      const { expanded, rows } = table.expandRow(writer, id, max, 100_000);
      assert.equal(expanded, visible.length - before);
      assert.equal(rows, Math.min(max, expanded));
      assert.deepEqual(
        rowsIn(writer.finish(), COLUMNS).map(readable),
        visible.slice(at + 1, at + 1 + rows).map((each) => model.shows(each)),
      );
      assertCode(() => table.expandRow(new Writer(), id, 0, 100), ErrorCode.NotCollapsed);
    }
    assert.equal(table.position().numerator, at, 'the cursor stays at the header');
  }
}

function assertCode(work: () => unknown, code: number): void {
  assert.throws(work, (error: unknown) => error instanceof StoreError && error.errorCode === code);
}

test('categories do what arrays grouped anew do', () => {
  fc.assert(
    fc.property(sort, fc.array(action, { maxLength: 40 }), (set, list) => {
      const run = new Run();
      try {
        run.do({ kind: 'sort', set });
        for (const each of list) run.do(each);
      } finally {
        run.table.close();
        run.store.close();
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 60) },
  );
});

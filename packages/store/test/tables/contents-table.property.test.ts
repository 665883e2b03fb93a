import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { compareValues } from '../../src/mapi/compare.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { type Counter, counterOf } from '../../src/mapi/object-id.ts';
import { type MutableProperties, type PropertyTag, type PropertyValue, typeOf } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { compileRestriction } from '../../src/mapi/restriction-match.ts';
import type { SortOrder } from '../../src/mapi/sort-order.ts';
import { CODING, properties, query, rowsIn, shown, TestStore } from './support.ts';

const FOLDER = 7;
const KEYWORDS = 0x8001_101f;
const KEYWORDS_INSTANCE = 0x8001_301f;
const COLUMNS: readonly PropertyTag[] = [PidTag.Mid, PidTag.InstanceNum, PidTag.Subject];

interface Message {
  readonly id: Counter;
  properties: MutableProperties;
  unread: boolean;
}

/** A row of the model: a message, or one of its instances. */
interface Row {
  readonly message: Message;
  readonly instance: number;
}

type Name = `${Counter}.${number}`;
const nameOf = ({ message, instance }: Row): Name => `${message.id}.${instance}`;

/** The same table, with arrays that are sorted anew for each question. */
class Model {
  readonly messages = new Map<Counter, Message>();
  orders: readonly SortOrder[] = [{ tag: PidTag.MessageDeliveryTime, order: 0 }];
  restriction: Restriction | undefined;
  explodes = false;

  value({ message, instance }: Row, tag: PropertyTag): PropertyValue | undefined {
    if (tag === KEYWORDS_INSTANCE) {
      const values = message.properties.get(KEYWORDS);
      return Array.isArray(values) ? values[instance] : undefined;
    }
    if (tag === PidTag.Read) return !message.unread;
    return message.properties.get(tag);
  }

  matches(row: Row, restriction: Restriction): boolean {
    return compileRestriction(restriction)((tag) => this.value(row, tag));
  }

  rows(): Row[] {
    const rows: Row[] = [];
    for (const message of this.messages.values()) {
      const values = message.properties.get(KEYWORDS);
      const instances = this.explodes && Array.isArray(values) ? Math.max(1, values.length) : 1;
      for (let instance = 0; instance < instances; instance += 1) rows.push({ message, instance });
    }
    const { restriction } = this;
    const left = restriction === undefined ? rows : rows.filter((row) => this.matches(row, restriction));
    // Ties are by id, as the first key goes.
    const sign = this.orders[0]?.order === 1 ? -1 : 1;
    return left.sort((a, b) => {
      for (const { tag, order } of this.orders) {
        const difference = compareOptional(tag, this.value(a, tag), this.value(b, tag));
        if (difference !== 0) return order === 1 ? -difference : difference;
      }
      return sign * (a.message.id - b.message.id || a.instance - b.instance);
    });
  }
}

function compareOptional(tag: PropertyTag, a: PropertyValue | undefined, b: PropertyValue | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareValues(typeOf(tag), a, b);
}

const subject = fc.option(
  fc.constantFrom(
    ...['Alpha', 'alpha beta', 'älpha', 'Beta', 'béta', 'gamma', 'Gamma ray', '', 'x'.repeat(300)],
    ...[`É${'x'.repeat(299)}a`, `E${'x'.repeat(299)}b`],
  ),
  { nil: undefined },
);
const time = fc.option(
  fc.bigInt({ min: 0n, max: 12n }).map((value) => value * 10_000_000n),
  { nil: undefined, freq: 6 },
);
const keywords = fc.option(fc.array(fc.constantFrom('red', 'Green', 'blue'), { maxLength: 3 }), { nil: undefined });
const message = fc.record({
  subject,
  time,
  keywords,
  importance: fc.integer({ min: 0, max: 2 }),
  unread: fc.boolean(),
});
type Given = typeof message extends fc.Arbitrary<infer T> ? T : never;

const simple: fc.Arbitrary<Restriction> = fc.oneof(
  fc.record({
    kind: fc.constant('content' as const),
    fuzzyLow: fc.constantFrom(FuzzyLow.Prefix, FuzzyLow.FullString, FuzzyLow.Substring),
    fuzzyHigh: fc.constantFrom(0, FuzzyHigh.IgnoreCase, FuzzyHigh.Loose),
    tag: fc.constant(PidTag.Subject),
    valueTag: fc.constant(PidTag.Subject),
    value: fc.constantFrom('al', 'ÄL', 'BET', 'g', 'ray', 'Gamma'),
  }),
  fc.record({
    kind: fc.constant('property' as const),
    relOp: fc.integer({ min: RelOp.LessThan, max: RelOp.NotEqual }),
    tag: fc.constant(PidTag.MessageDeliveryTime),
    valueTag: fc.constant(PidTag.MessageDeliveryTime),
    value: fc.bigInt({ min: 0n, max: 12n }).map((value) => value * 10_000_000n),
  }),
  fc.record({
    kind: fc.constant('property' as const),
    relOp: fc.integer({ min: RelOp.LessThan, max: RelOp.NotEqual }),
    tag: fc.constant(PidTag.Subject),
    valueTag: fc.constant(PidTag.Subject),
    value: fc.constantFrom('alpha', 'Älpha', 'gamma', 'H', 'x'.repeat(300), `e${'x'.repeat(299)}b`),
  }),
  fc.record({
    kind: fc.constant('property' as const),
    relOp: fc.constant(RelOp.Equal),
    tag: fc.constant(PidTag.Read),
    valueTag: fc.constant(PidTag.Read),
    value: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('property' as const),
    relOp: fc.constantFrom(RelOp.Equal, RelOp.GreaterThan),
    tag: fc.constant(KEYWORDS_INSTANCE),
    valueTag: fc.constant(0x8001_001f),
    value: fc.constantFrom('red', 'blue'),
  }),
  fc.record({ kind: fc.constant('exist' as const), tag: fc.constantFrom(PidTag.Subject, KEYWORDS) }),
);
const restriction: fc.Arbitrary<Restriction> = fc.oneof(
  { weight: 3, arbitrary: simple },
  fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), restrictions: fc.array(simple, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('not' as const), restriction: simple }),
);
const orders = fc.uniqueArray(
  fc.record({
    tag: fc.constantFrom(PidTag.Subject, PidTag.MessageDeliveryTime, PidTag.Importance, KEYWORDS_INSTANCE),
    order: fc.constantFrom(0, 1),
  }),
  { minLength: 1, maxLength: 3, selector: ({ tag }) => tag },
);

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('add' as const), message, reopened: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const), at: fc.nat(), message }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), message }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sort' as const), orders }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('restrict' as const),
      restriction: fc.option(restriction, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('columns' as const), explodes: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('query' as const),
      count: fc.integer({ min: 0, max: 12 }),
      forward: fc.boolean(),
      advance: fc.boolean(),
      room: fc.constantFrom(30, 200, 10_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('seek' as const),
      origin: fc.integer({ min: 0, max: 2 }),
      rows: fc.integer({ min: -15, max: 15 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fraction' as const),
      numerator: fc.nat(10),
      denominator: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('find' as const),
      restriction,
      backward: fc.boolean(),
      origin: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'bookmark' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('seek bookmark' as const),
      at: fc.nat(),
      rows: fc.integer({ min: -4, max: 4 }),
    }),
  },
);

function propertiesOf(given: Given): MutableProperties {
  return properties(
    [PidTag.Subject, given.subject],
    [PidTag.MessageDeliveryTime, given.time],
    [PidTag.Importance, given.importance],
    [KEYWORDS, given.keywords],
  );
}

class Run {
  readonly store = TestStore.create();
  readonly table = new ContentsTable({ index: this.store.index, folder: FOLDER, associated: false, coding: CODING });
  readonly model = new Model();
  readonly bookmarks: { readonly bookmark: Uint8Array; readonly name: Name | undefined; dead: boolean }[] = [];

  constructor() {
    this.table.setColumns(COLUMNS);
  }

  get rows(): Row[] {
    return this.model.rows();
  }

  names(rows = this.rows): Name[] {
    return rows.map(nameOf);
  }

  position(): number {
    return this.table.position().numerator;
  }

  pick(at: number): Message | undefined {
    return [...this.model.messages.values()][at % (this.model.messages.size + 1)];
  }

  /** Whether the cursor was moved to the beginning, rather than the row that it is at has become the first. */
  isBeginning = true;
  /** The row that the cursor was moved to; undefined at both ends, and when the row has been changed since. */
  current: Name | undefined;

  /** Does something to the messages; the cursor must stay at its row. */
  alter(work: () => void): void {
    const before = this.names();
    work();
    const now = this.position();
    if (this.isBeginning) assert.equal(now, 0, 'the beginning stays the beginning');
    const names = this.names();
    if (this.current === undefined) return;
    const next = before.slice(before.indexOf(this.current)).find((name) => names.includes(name));
    assert.equal(now, next === undefined ? names.length : names.indexOf(next));
    this.current = next;
  }

  moved(): void {
    const at = this.position();
    this.isBeginning = at === 0;
    this.current = at === 0 ? undefined : this.names()[at];
  }

  do(given: typeof action extends fc.Arbitrary<infer T> ? T : never): void {
    const { store, table, model } = this;
    switch (given.kind) {
      case 'add':
        this.alter(() => {
          const set = propertiesOf(given.message);
          const id = store.add(FOLDER, set, { unread: given.message.unread });
          // Another folder changes nothing here.
          store.add(FOLDER + 1, set);
          model.messages.set(id, { id, properties: set, unread: given.message.unread });
          store.remove(id + 1);
        });
        break;
      case 'remove': {
        const picked = this.pick(given.at);
        if (picked === undefined) break;
        this.alter(() => {
          store.remove(picked.id);
          model.messages.delete(picked.id);
        });
        break;
      }
      case 'change': {
        const picked = this.pick(given.at);
        if (picked === undefined) break;
        if (this.current?.startsWith(`${picked.id}.`)) this.current = undefined;
        this.alter(() => {
          const set = propertiesOf(given.message);
          store.change(picked.id, set, given.message.unread);
          for (const [tag, value] of set) picked.properties.set(tag, value);
          picked.unread = given.message.unread;
        });
        break;
      }
      case 'fail':
        assert.throws(() =>
          store.transaction(() => {
            store.add(FOLDER, propertiesOf(given.message));
            // A table of the same connection sees what will not be kept.
            assert.equal(query(table, { count: 3, advance: false }).rows.length <= 3, true);
            throw new Error('rolled back');
          }),
        );
        break;
      case 'sort':
        table.sort({ orders: given.orders, categories: 0, expanded: 0 });
        model.orders = given.orders;
        this.explode();
        this.invalidate();
        break;
      case 'restrict':
        table.restrict(given.restriction);
        model.restriction = given.restriction;
        this.invalidate();
        break;
      case 'columns': {
        const was = model.explodes;
        this.columnsExplode = given.explodes;
        table.setColumns(given.explodes ? [...COLUMNS, KEYWORDS_INSTANCE] : COLUMNS);
        this.explode();
        if (model.explodes !== was) this.invalidate();
        break;
      }
      case 'query': {
        const before = this.position();
        const answer = query(table, given);
        const names = this.names();
        const found = answer.rows.map(
          (row) => `${counterOf(BigInt.asUintN(64, shown(row[0]) as bigint))}.${shown(row[1])}`,
        );
        const wanted = given.forward
          ? names.slice(before, before + given.count)
          : names.slice(Math.max(0, before - given.count), before);
        const written = given.forward ? wanted.slice(0, found.length) : wanted.slice(wanted.length - found.length);
        assert.deepEqual(found, written);
        if (given.room === 10_000) assert.equal(found.length, wanted.length);
        assert.equal(answer.tooSmall, found.length === 0 && wanted.length > 0);
        const end = given.forward ? before + found.length : before - found.length;
        assert.equal(this.position(), given.advance ? end : before);
        const limit = given.forward ? end >= names.length : end <= 0;
        assert.equal(answer.origin, limit ? (given.forward ? 2 : 0) : 1);
        break;
      }
      case 'seek': {
        const total = this.rows.length;
        const from = given.origin === 0 ? 0 : given.origin === 1 ? this.position() : total;
        const to = Math.max(0, Math.min(total, from + given.rows));
        assert.equal(table.seek(given.origin, given.rows), to - from);
        assert.equal(this.position(), to);
        break;
      }
      case 'fraction': {
        table.seekFractional(given.numerator, given.denominator);
        const total = this.rows.length;
        const part = Math.min(1, given.numerator / given.denominator);
        assert.ok(Math.abs(this.position() - total * part) < 1);
        break;
      }
      case 'find': {
        const { rows } = this;
        const from = given.origin === 0 ? 0 : given.origin === 1 ? this.position() : rows.length;
        const matches = rows.map((row) => model.matches(row, given.restriction));
        const expected = given.backward ? matches.lastIndexOf(true, from - 1) : matches.indexOf(true, from);
        const wanted = given.backward && from === 0 ? -1 : expected;
        const writer = new Writer();
        const { found } = table.findRow(writer, { ...given, bookmark: new Uint8Array(0) });
        assert.equal(found, wanted >= 0);
        if (!found) break;
        assert.equal(this.position(), wanted);
        const [row] = rowsIn(writer.finish(), table.columns ?? []);
        assert.equal(counterOf(BigInt.asUintN(64, shown(row?.[0]) as bigint)), rows[wanted]?.message.id);
        break;
      }
      case 'bookmark':
        this.bookmarks.push({ bookmark: table.createBookmark(), name: this.names()[this.position()], dead: false });
        break;
      case 'seek bookmark': {
        const picked = this.bookmarks[given.at % (this.bookmarks.length + 1)];
        if (picked === undefined) break;
        if (picked.dead) {
          assert.throws(
            () => table.seekBookmark(picked.bookmark, 0),
            (error: unknown) => error instanceof StoreError && error.errorCode === ErrorCode.InvalidBookmark,
          );
          break;
        }
        const names = this.names();
        const at = picked.name === undefined ? -1 : names.indexOf(picked.name);
        const { gone, moved } = table.seekBookmark(picked.bookmark, given.rows);
        if (picked.name !== undefined) {
          assert.equal(gone, at < 0);
          if (at >= 0) {
            const to = Math.max(0, Math.min(names.length, at + given.rows));
            assert.equal(moved, to - at);
            assert.equal(this.position(), to);
          }
        }
        break;
      }
    }
    if (!['add', 'remove', 'change', 'fail', 'bookmark'].includes(given.kind)) this.moved();
    assert.equal(table.rowCount, this.rows.length);
    assert.deepEqual(table.position(), { numerator: this.position(), denominator: this.rows.length });
  }

  columnsExplode = false;
  explode(): void {
    this.model.explodes = this.columnsExplode || this.model.orders.some(({ tag }) => tag === KEYWORDS_INSTANCE);
  }

  invalidate(): void {
    for (const each of this.bookmarks) each.dead = true;
    assert.equal(this.position(), 0);
  }
}

test('a contents table does what sorted arrays do', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (list) => {
      const run = new Run();
      try {
        for (const each of list) run.do(each);
      } finally {
        run.table.close();
        run.store.close();
      }
    }),
    { numRuns: Number(process.env.RUNS ?? 60) },
  );
});

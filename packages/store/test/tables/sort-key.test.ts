import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterPrefix, endOfValue, idOfKey, instanceOfKey, KeyWriter } from '../../src/mailbox/tables/sort-key.ts';
import { compareValues } from '../../src/mapi/compare.ts';
import { PropertyType, type PropertyValue } from '../../src/mapi/property.ts';

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('ß', 'SS', 'é', 'E', 'ﬁ', '😀', '\uff21'),
  )
  .map((value) => value.replaceAll('\0', ''));
const values: readonly (readonly [number, fc.Arbitrary<PropertyValue>])[] = [
  [PropertyType.Integer16, fc.integer({ min: -0x8000, max: 0x7fff })],
  [PropertyType.Integer32, fc.integer()],
  [PropertyType.ErrorCode, fc.nat().map((value) => (value * 3) >>> 0)],
  [PropertyType.Boolean, fc.boolean()],
  [PropertyType.Floating32, fc.float()],
  [PropertyType.Floating64, fc.double()],
  [PropertyType.FloatingTime, fc.double({ min: -10, max: 10 })],
  [PropertyType.Currency, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [PropertyType.Integer64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [PropertyType.Time, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  [PropertyType.Guid, fc.uuid()],
  [PropertyType.String, text],
  [PropertyType.Binary, fc.uint8Array({ maxLength: 5 })],
];

/** Rows without a value come before all others. */
function expected(type: number, a: PropertyValue | undefined, b: PropertyValue | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return Math.sign(compareValues(type, a, b));
}

test('keys compare as values do', () => {
  for (const [type, value] of values) {
    const optional = fc.option(value, { nil: undefined, freq: 8 });
    fc.assert(
      fc.property(optional, optional, fc.boolean(), (a, b, isDescending) => {
        const first = new KeyWriter().value(type, a, isDescending).take();
        const second = new KeyWriter().value(type, b, isDescending).take();
        const order = Math.sign(Buffer.compare(first, second));
        assert.equal(order, (isDescending ? -1 : 1) * expected(type, a, b) + 0, `type ${type.toString(16)}`);
      }),
    );
  }
});

test('values in a key end where the next begins', () => {
  const column = fc.constantFrom(...values).chain(([type, value]) =>
    fc.record({
      type: fc.constant(type),
      value: fc.option(value, { nil: undefined }),
      isDescending: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(
      fc.array(column, { maxLength: 4 }),
      fc.nat(2 ** 31),
      fc.option(fc.nat(0xffff), { nil: undefined }),
      (columns, id, instance) => {
        const writer = new KeyWriter();
        const ends: number[] = [];
        for (const { type, value, isDescending } of columns) {
          ends.push(writer.value(type, value, isDescending).view().length);
        }
        const key = writer.row(id, instance).take();
        let at = 0;
        for (const [index, { type, isDescending }] of columns.entries()) {
          at = endOfValue(key, at, type, isDescending);
          assert.equal(at, ends[index]);
        }
        assert.equal(idOfKey(key, key.length, instance !== undefined), id);
        if (instance !== undefined) assert.equal(instanceOfKey(key, key.length), instance);
      },
    ),
  );
});

test('texts lie between the keys of their beginnings, in whatever case', () => {
  const isWithin = (whole: string, beginning: string): boolean => {
    const from = new KeyWriter().textPrefix(beginning).take();
    const to = afterPrefix(from);
    const key = new KeyWriter().value(PropertyType.String, whole, false).take();
    return Buffer.compare(key, from) >= 0 && (to === undefined || Buffer.compare(key, to) < 0);
  };
  const long = fc.tuple(
    fc.constantFrom('ß', 's', 'ﬁ', 'x', 'é', 'e\u0301', '😀', 'ΐ'),
    fc.constantFrom(1, 84, 127, 255, 300),
  );
  const any = fc.oneof(
    text,
    fc.tuple(long, text).map(([[one, times], rest]) => one.repeat(times) + rest),
  );
  fc.assert(
    fc.property(any, fc.nat(400), (whole, length) => {
      // Also where it ends within a character, or a mark is left.
      const capitals = whole.toUpperCase().slice(0, length);
      for (const beginning of [whole.slice(0, length), capitals, capitals.replaceAll('SS', 'ß')]) {
        if (whole.toUpperCase().startsWith(beginning.toUpperCase())) assert.ok(isWithin(whole, beginning), beginning);
      }
    }),
    { numRuns: 1000 },
  );
  const ascii = fc.string({ unit: fc.constantFrom(...'aAbZ 1['), maxLength: 3 });
  fc.assert(
    fc.property(ascii, ascii, (whole, beginning) => {
      assert.equal(isWithin(whole, beginning), whole.toUpperCase().startsWith(beginning.toUpperCase()));
    }),
  );
});

test('long values are cut, and keep their order as far as they go', () => {
  const key = (value: string): Uint8Array => new KeyWriter().value(PropertyType.String, value, false).take();
  assert.equal(key('x'.repeat(5000)).length, 1 + 255 + 2);
  assert.equal(key('ａ'.repeat(5000)).length, 1 + 255 + 1 + 256 + 1);
  assert.ok(Buffer.compare(key(`${'x'.repeat(250)}a`), key(`${'x'.repeat(250)}b`)) < 0);
  const from = new KeyWriter().textPrefix('x'.repeat(400)).take();
  assert.ok(Buffer.compare(from, key('x'.repeat(500))) <= 0);
});

test('nothing is greater than a prefix of 255s', () => {
  assert.equal(afterPrefix(Uint8Array.of(255, 255)), undefined);
  assert.deepEqual(afterPrefix(Uint8Array.of(1, 255)), Uint8Array.of(2));
});

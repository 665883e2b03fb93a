import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { INLINE_VALUE, PackedProperties, packProperties } from '../../src/mailbox/packed-properties.ts';
import { decodeValue, encodeValue, valueLength } from '../../src/mailbox/value-codec.ts';
import { StoreError } from '../../src/mapi/error-code.ts';
import { idOf, type PropertyTag, PropertyType, type PropertyValue, typeOf, withType } from '../../src/mapi/property.ts';
import { readValue } from '../../src/mapi/property-codec.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { anyProperties, plain } from './arbitraries.ts';
import { properties } from './support.ts';

const UNICODE = { codePage: 1200 };

/** What is packed, with what lies apart put back. */
function whole(packed: PackedProperties, apart: ReadonlyMap<PropertyTag, Uint8Array>): Map<PropertyTag, PropertyValue> {
  const found = packed.toProperties();
  for (const [tag, content] of apart) found.set(tag, decodeValue(tag, content));
  return found;
}

test('what is packed comes back, found one by one and all together', () => {
  fc.assert(
    fc.property(anyProperties, (given) => {
      const made = packProperties(given);
      const packed = new PackedProperties(made.bytes);
      assert.deepEqual(plain(whole(packed, made.apart)), plain(given));
      assert.deepEqual(
        packed.tags(),
        [...given.keys()].sort((a, b) => a - b),
      );
      for (const [tag, value] of given) {
        assert.equal(packed.has(tag), true);
        assert.equal(packed.tagOf(idOf(tag)), tag);
        assert.equal(packed.isApart(tag), made.apart.has(tag));
        assert.equal(packed.has(withType(tag, PropertyType.Null)), false);
        if (typeof value === 'string' && typeOf(tag) === PropertyType.String) {
          assert.equal(packed.lengthOf(tag), value.length * 2);
        }
        if (value instanceof Uint8Array) assert.equal(packed.lengthOf(tag), value.length);
      }
    }),
  );
});

test('a value is copied in the form that a row has it, cut to what a cell may take', () => {
  fc.assert(
    fc.property(anyProperties, fc.integer({ min: 0, max: INLINE_VALUE }), (given, limit) => {
      const { bytes: made } = packProperties(given);
      const packed = new PackedProperties(made);
      for (const [tag, value] of given) {
        const writer = new Writer();
        const type = typeOf(tag);
        if (!packed.copyTo(writer, tag, limit)) {
          assert.equal(writer.length, 0);
          assert.equal(packed.isApart(tag) && (type & 0x1000) !== 0, true);
          continue;
        }
        const cursor = new Cursor(writer.finish(), 'cell');
        const copied = readValue(cursor, type, UNICODE);
        cursor.end();
        if (typeof value === 'string' && type === PropertyType.String) {
          assert.equal(typeof copied === 'string' && value.startsWith(copied), true);
          assert.ok(typeof copied === 'string' && copied.length * 2 <= limit);
          assert.ok(typeof copied === 'string' && copied.length * 2 >= Math.min(value.length * 2, limit) - 4);
          // No half of a surrogate pair.
          assert.equal(/[\ud800-\udbff]$/.test(String(copied)), /[\ud800-\udbff]$/.test(value) && copied === value);
        } else if (value instanceof Uint8Array) {
          assert.deepEqual(copied instanceof Uint8Array && [...copied], [...value.subarray(0, limit)]);
        } else {
          assert.deepEqual(plain(new Map([[tag, copied]])), plain(new Map([[tag, value]])));
        }
      }
    }),
  );
});

test('a change copies what it does not touch, whatever lies apart', () => {
  fc.assert(
    fc.property(anyProperties, anyProperties, fc.array(fc.nat(40)), (first, second, removed) => {
      const before = packProperties(first);
      const tags = [...first.keys()];
      const remove = removed.flatMap((at) => tags[at] ?? []);
      const after = packProperties(second, { packed: new PackedProperties(before.bytes), remove });
      const expected = new Map<number, [PropertyTag, PropertyValue]>();
      for (const [tag, value] of first) if (!remove.includes(tag)) expected.set(idOf(tag), [tag, value]);
      for (const [tag, value] of second) expected.set(idOf(tag), [tag, value]);
      const packed = new PackedProperties(after.bytes);
      const apart = new Map([...before.apart, ...after.apart].filter(([tag]) => packed.isApart(tag)));
      assert.deepEqual(plain(whole(packed, apart)), plain(new Map(expected.values())));
    }),
  );
});

test('the packed form itself', () => {
  const { bytes: made, apart } = packProperties(
    properties([PidTag.Subject, 'Hi'], [PidTag.Importance, 2], [PidTag.HasAttachments, true]),
  );
  assert.equal(apart.size, 0);
  assert.equal(
    Buffer.from(made).toString('hex'),
    // Count; tags and offsets by id; then 2, 'Hi' with its terminator, TRUE.
    '03000000' +
      '03001700' +
      '1c000000' +
      '1f003700' +
      '20000000' +
      '0b001b0e' +
      '26000000' +
      '02000000480069000000' +
      '01',
  );
  assert.equal(PackedProperties.empty.count, 0);
  assert.equal(PackedProperties.empty.tagOf(1), undefined);
});

test('long values leave their beginning and their length', () => {
  const text = `${'x'.repeat(254)}\u{1f600}${'y'.repeat(5000)}`;
  const made = packProperties(properties([PidTag.Body, text], [PidTag.Html, new Uint8Array(600).fill(7)]));
  const packed = new PackedProperties(made.bytes);
  // The pair would be cut in the middle.
  assert.equal(packed.value(PidTag.Body), 'x'.repeat(254));
  assert.equal(packed.lengthOf(PidTag.Body), text.length * 2);
  assert.equal(packed.lengthOf(PidTag.Html), 600);
  assert.deepEqual(
    [...packed.apart()],
    [
      [PidTag.Body, text.length * 2],
      [PidTag.Html, 600],
    ],
  );
  assert.equal(decodeValue(PidTag.Body, made.apart.get(PidTag.Body) ?? new Uint8Array()), text);
  assert.equal(packed.toProperties().size, 0);
  assert.ok(made.bytes.length < 1100);
});

test('a text with U+0000 in it, which a stream may write, does not break the rows that show it', () => {
  const made = packProperties(properties([PidTag.Body, `a\0${'b'.repeat(400)}`]));
  const writer = new Writer();
  assert.equal(new PackedProperties(made.bytes).copyTo(writer, PidTag.Body), true);
  assert.deepEqual([...writer.finish()], [0x61, 0, 0, 0]);
});

test('String8 is stored as String, under the one id', () => {
  const subject8 = withType(PidTag.Subject, PropertyType.String8);
  const first = packProperties(properties([PidTag.Subject, 'old'], [subject8, 'new']));
  const packed = new PackedProperties(first.bytes);
  assert.equal(packed.count, 1);
  assert.equal(packed.value(PidTag.Subject), 'new');
});

test('a value that is not of its type is refused, long ones too', () => {
  const wrong: [PropertyTag, PropertyValue][] = [
    [PidTag.Importance, 'x'],
    [PidTag.Html, 'x'],
    [PidTag.Html, 'x'.repeat(9000)],
    [PidTag.Body, new Uint8Array(9000)],
    [PidTag.Body, 5],
    [PidTag.AdditionalRenEntryIds, ['x'.repeat(9000)]],
    [PidTag.AdditionalRenEntryIds, [1]],
    [PidTag.Subject, null],
  ];
  for (const [tag, value] of wrong) assert.throws(() => packProperties(properties([tag, value])), StoreError);
});

test('long values of many are stored with counts that their parts need', () => {
  const many = [new Uint8Array(70_000).fill(1), new Uint8Array(0), new Uint8Array([9])];
  const decoded = decodeValue(PidTag.ConflictItems, encodeValue(PidTag.ConflictItems, many));
  assert.deepEqual(plain(new Map([[1, decoded]])), plain(new Map([[1, many]])));
  assert.equal(valueLength(PidTag.ConflictItems, many), 70_001);
});

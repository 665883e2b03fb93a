import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { MULTIVALUE_INSTANCE, PropertyType, type PropertyValue } from '../../src/mapi/property.ts';
import {
  readTagged,
  readTaggedValues,
  readTags,
  readValue,
  unicodeTag,
  writeTaggedValues,
  writeTags,
  writeValue,
} from '../../src/mapi/property-codec.ts';
import { readPropertyProblems, writePropertyProblems } from '../../src/mapi/property-problem.ts';
import { skipValue } from '../../src/mapi/value-extent.ts';
import { hex, read, refusesEveryPrefix, survives, tagged, values, WESTERN, written } from './support.ts';

const isStoreError = (code: number) => (error: unknown) => error instanceof StoreError && error.errorCode === code;

for (const [type, arbitrary] of values) {
  const name = Object.entries(PropertyType).find(([, value]) => value === type)?.[0];
  test(`${name}: what is written is read again, and nothing that is cut short`, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = written((writer) => writeValue(writer, type, value, WESTERN));
        assert.deepEqual(
          read(bytes, (cursor) => readValue(cursor, type, WESTERN)),
          value,
        );
        read(bytes, (cursor) => skipValue(cursor, type));
        refusesEveryPrefix(bytes, (cursor) => readValue(cursor, type, WESTERN));
        refusesEveryPrefix(bytes, (cursor) => skipValue(cursor, type));
      }),
      { numRuns: 50 },
    );
  });

  test(`${name}: any bytes are a value or a typed error, and skipping ends where reading does`, () => {
    survives((cursor) => {
      const other = new Cursor(cursor.rest(), 'test');
      readValue(cursor, type, WESTERN);
      skipValue(other, type);
      assert.equal(other.offset, cursor.offset);
    });
  });
}

test('the types that there are all have a value in the tests', () => {
  const types = Object.values(PropertyType).filter((type) => type !== PropertyType.Unspecified);
  assert.deepEqual(
    types.filter((type) => !values.has(type)),
    [],
  );
});

test('[MS-OXCDATA] 2.11.1: values on the wire', () => {
  const cases: readonly (readonly [number, PropertyValue, string])[] = [
    [PropertyType.Integer16, -2, 'feff'],
    [PropertyType.Integer32, -2, 'feffffff'],
    [PropertyType.Floating32, 1, '0000803f'],
    [PropertyType.Floating64, 1, '000000000000f03f'],
    // 1.5 units of currency, in ten-thousandths.
    [PropertyType.Currency, 15_000n, '983a000000000000'],
    [PropertyType.ErrorCode, ErrorCode.NotFound, '0f010480'],
    [PropertyType.Boolean, true, '01'],
    [PropertyType.Integer64, -1n, 'ffffffffffffffff'],
    [PropertyType.String8, 'Ä€', 'c48000'],
    [PropertyType.String, 'Ä€', 'c400ac200000'],
    [PropertyType.Guid, '00020329-0000-0000-c000-000000000046', '2903020000000000c000000000000046'],
    [PropertyType.Binary, hex('0102'), '02000102'],
    [PropertyType.MultipleInteger16, [1, 2], '0200000001000200'],
    [PropertyType.MultipleString8, ['a', ''], '02000000610000'],
    [PropertyType.MultipleBinary, [hex('ff'), hex('')], '020000000100ff0000'],
    [PropertyType.Null, null, ''],
  ];
  for (const [type, value, bytes] of cases) {
    assert.deepEqual(
      written((writer) => writeValue(writer, type, value, WESTERN)),
      hex(bytes),
      bytes,
    );
    assert.deepEqual(
      read(hex(bytes), (cursor) => readValue(cursor, type, WESTERN)),
      value,
    );
  }
  assert.equal(
    read(hex('7f'), (cursor) => readValue(cursor, PropertyType.Boolean, WESTERN)),
    true,
  );
});

test('integers that were given unsigned are written as they are', () => {
  const bytes = written((writer) => writeValue(writer, PropertyType.Integer32, 0xfffffffe, WESTERN));
  assert.deepEqual(bytes, hex('feffffff'));
  const word = written((writer) => writeValue(writer, PropertyType.Integer64, 2n ** 64n - 1n, WESTERN));
  assert.deepEqual(word, hex('ffffffffffffffff'));
});

test('a multivalue instance is one value of the base type', () => {
  const type = PropertyType.MultipleString | MULTIVALUE_INSTANCE;
  assert.equal(
    read(hex('61000000'), (cursor) => readValue(cursor, type, WESTERN)),
    'a',
  );
  assert.deepEqual(
    written((writer) => writeValue(writer, type, 'a', WESTERN)),
    hex('61000000'),
  );
});

test('text ends at its first terminator', () => {
  for (const type of [PropertyType.String, PropertyType.String8]) {
    const bytes = written((writer) => writeValue(writer, type, 'a\0b', WESTERN));
    assert.equal(
      read(bytes, (cursor) => readValue(cursor, type, WESTERN)),
      'a',
    );
  }
});

test('types that there are not, and counts that cannot be, are refused before anything is read', () => {
  for (const type of [PropertyType.Unspecified, 0x0009, 0x100b, 0x100d, 0xffff]) {
    assert.throws(() => readValue(new Cursor(new Uint8Array(64), 'test'), type, WESTERN), ProtocolError);
  }
  const isBadCount = (error: unknown): boolean => error instanceof ProtocolError && error.code === 'RPCH_BAD_COUNT';
  for (const type of [PropertyType.MultipleString8, PropertyType.MultipleGuid, PropertyType.MultipleBinary]) {
    for (const many of [hex('ffffffff 0000'), hex('03000000 0000')]) {
      assert.throws(() => readValue(new Cursor(many, 'test'), type, WESTERN), isBadCount);
      assert.throws(() => skipValue(new Cursor(many, 'test'), type), isBadCount);
    }
  }
  assert.throws(() => readTags(new Cursor(hex('ffff 0000'), 'test')), isBadCount);
  assert.throws(() => readTaggedValues(new Cursor(hex('ffff 0000'), 'test'), WESTERN), isBadCount);
  assert.throws(() => readPropertyProblems(new Cursor(hex('ffff 0000'), 'test')), isBadCount);
});

test('values that are not of their type or too long are the caller’s mistake', () => {
  const writer = new Writer();
  const cases: readonly (readonly [number, PropertyValue])[] = [
    [PropertyType.Integer32, 'a'],
    [PropertyType.Integer64, 1],
    [PropertyType.Time, null],
    [PropertyType.Boolean, 1],
    [PropertyType.String, 1n],
    [PropertyType.String, ['a']],
    [PropertyType.Binary, 'a'],
    [PropertyType.MultipleString, 'a'],
    [PropertyType.MultipleString, [1]],
    [PropertyType.String, new Uint8Array(1)],
  ];
  for (const [type, value] of cases) {
    assert.throws(() => writeValue(writer, type, value, WESTERN), isStoreError(ErrorCode.UnexpectedType));
  }
  const long = new Uint8Array(0x10000);
  assert.throws(() => writeValue(writer, PropertyType.Binary, long, WESTERN), isStoreError(ErrorCode.TooBig));
});

test('a code page that is not known', () => {
  const unknown = { codePage: 1 };
  const decode = () => readValue(new Cursor(hex('6100'), 'test'), PropertyType.String8, unknown);
  assert.throws(decode, isStoreError(ErrorCode.UnknownCodePage));
  const encode = () => writeValue(new Writer(), PropertyType.String8, 'a', unknown);
  assert.throws(encode, isStoreError(ErrorCode.UnknownCodePage));
});

test('lists of tagged values and of tags', () => {
  fc.assert(
    fc.property(fc.uniqueArray(tagged, { selector: ([tag]) => tag, maxLength: 5 }), (list) => {
      const properties = new Map(list);
      const bytes = written((writer) => writeTaggedValues(writer, properties, WESTERN));
      assert.deepEqual(
        read(bytes, (cursor) => readTaggedValues(cursor, WESTERN)),
        properties,
      );
      refusesEveryPrefix(bytes, (cursor) => readTaggedValues(cursor, WESTERN));
      const tags = written((writer) => writeTags(writer, [...properties.keys()]));
      assert.deepEqual(read(tags, readTags), [...properties.keys()]);
      refusesEveryPrefix(tags, readTags);
    }),
  );
  survives((cursor) => readTaggedValues(cursor, WESTERN));
  survives(readTags);
});

test('a tagged value of no type brings it along', () => {
  assert.deepEqual(
    read(hex('0000 3700 1f00 61000000'), (cursor) => readTagged(cursor, WESTERN)),
    [0x0037001f, 'a'],
  );
  assert.throws(() => readTagged(new Cursor(hex('0000 3700 0000'), 'test'), WESTERN), ProtocolError);
});

test('tags under which strings are kept', () => {
  assert.equal(unicodeTag(0x0037001e), 0x0037001f);
  assert.equal(unicodeTag(0x8001101e), 0x8001101f);
  assert.equal(unicodeTag(0x67480014), 0x67480014);
});

test('[MS-OXCDATA] 2.7: a property problem is ten bytes', () => {
  const problems = [{ index: 1, tag: 0x0037001f, errorCode: ErrorCode.Computed }];
  const bytes = hex('0100 0100 1f003700 1a010480');
  assert.deepEqual(
    written((writer) => writePropertyProblems(writer, problems)),
    bytes,
  );
  assert.deepEqual(read(bytes, readPropertyProblems), problems);
  refusesEveryPrefix(bytes, readPropertyProblems);
  survives(readPropertyProblems);
});

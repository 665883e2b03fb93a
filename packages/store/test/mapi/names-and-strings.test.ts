import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, errorName, StoreError } from '../../src/mapi/error-code.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { type PropertyName, PropertySet, readPropertyName, writePropertyName } from '../../src/mapi/property-name.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { readSortOrderSet, SortDirection, writeSortOrderSet } from '../../src/mapi/sort-order.ts';
import { decodeString8, encodeString8, hasCodePage, readString } from '../../src/mapi/text-coding.ts';
import { readTypedString, writeTypedString } from '../../src/mapi/typed-string.ts';
import { guid, hex, read, refusesEveryPrefix, survives, unicodeText, WESTERN, written } from './support.ts';

test('[MS-OXCDATA] 2.6.1: property names', () => {
  const cases: readonly (readonly [PropertyName | undefined, string])[] = [
    [{ guid: PropertySet.PSETID_Common, lid: 0x8503 }, '00 0820060000000000c000000000000046 03850000'],
    [{ guid: PropertySet.PS_PUBLIC_STRINGS, name: 'Ab' }, '01 2903020000000000c000000000000046 06 410062000000'],
    [undefined, 'ff 00000000000000000000000000000000'],
  ];
  for (const [name, bytes] of cases) {
    assert.deepEqual(
      written((writer) => writePropertyName(writer, name)),
      hex(bytes),
    );
    assert.deepEqual(read(hex(bytes), readPropertyName), name);
    refusesEveryPrefix(hex(bytes), readPropertyName);
  }
  fc.assert(
    fc.property(guid, unicodeText, (set, name) => {
      const bytes = written((writer) => writePropertyName(writer, { guid: set, name }));
      assert.deepEqual(read(bytes, readPropertyName), { guid: set, name });
      refusesEveryPrefix(bytes, readPropertyName);
    }),
  );
  survives(readPropertyName);
});

test('property names that are odd, without a terminator, too long or of no kind', () => {
  const head = '01 2903020000000000c000000000000046';
  assert.deepEqual(read(hex(`${head} 02 4100`), readPropertyName), { guid: PropertySet.PS_PUBLIC_STRINGS, name: 'A' });
  assert.throws(() => readPropertyName(new Cursor(hex(`${head} 03 410000`), 'test')), ProtocolError);
  assert.throws(() => readPropertyName(new Cursor(hex(`02 ${head}`), 'test')), ProtocolError);
  const long = (length: number) => () =>
    writePropertyName(new Writer(), { guid: PropertySet.PS_PUBLIC_STRINGS, name: 'x'.repeat(length) });
  long(126)();
  assert.throws(long(127), (error) => error instanceof StoreError && error.errorCode === ErrorCode.InvalidParam);
});

test('[MS-OXCDATA] 2.14: sort orders', () => {
  const set = {
    orders: [
      { tag: PidTag.MessageDeliveryTime, order: SortDirection.Descending },
      { tag: PidTag.Subject, order: SortDirection.Ascending },
    ],
    categories: 1,
    expanded: 0,
  };
  const bytes = hex('0200 0100 0000 4000060e 01 1f003700 00');
  assert.deepEqual(
    written((writer) => writeSortOrderSet(writer, set)),
    bytes,
  );
  assert.deepEqual(read(bytes, readSortOrderSet), set);
  refusesEveryPrefix(bytes, readSortOrderSet);
  survives(readSortOrderSet);
});

test('[MS-OXCDATA] 2.11.7: typed strings', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, '00'],
    ['', '01'],
    ['é', '04 e9000000'],
  ];
  for (const [text, bytes] of cases) {
    assert.deepEqual(
      written((writer) => writeTypedString(writer, text)),
      hex(bytes),
    );
    assert.equal(
      read(hex(bytes), (cursor) => readTypedString(cursor, WESTERN)),
      text,
    );
  }
  const cyrillic = { codePage: 1251 };
  assert.equal(
    read(hex('02 e900'), (cursor) => readTypedString(cursor, cyrillic)),
    'й',
  );
  assert.equal(
    read(hex('03 e9 80 00'), (cursor) => readTypedString(cursor, cyrillic)),
    'é\u0080',
  );
  refusesEveryPrefix(hex('04 e900 0000'), (cursor) => readTypedString(cursor, WESTERN));
  assert.throws(() => readTypedString(new Cursor(hex('05'), 'test'), WESTERN), ProtocolError);
  survives((cursor) => readTypedString(cursor, WESTERN));
});

test('code pages that clients ask for', () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [1252, 'Grüße €', '4772fcdf652080'],
    [1250, 'Łódź', 'a3f3649f'],
    [1251, 'Привет', 'cff0e8e2e5f2'],
    [932, '日本', '93fa967b'],
    [936, '中文', 'd6d0cec4'],
    [949, '한국', 'c7d1b1b9'],
    [950, '中文', 'a4a4a4e5'],
    [65001, 'é', 'c3a9'],
    [20127, 'abc', '616263'],
    [20261, 'é', 'e9'],
    [28592, 'ł', 'b3'],
    [20866, 'п', 'd0'],
    [51932, '日', 'c6fc'],
  ];
  for (const [codePage, text, bytes] of cases) {
    assert.ok(hasCodePage(codePage));
    assert.deepEqual(Uint8Array.from(encodeString8(text, codePage)), hex(bytes), `${codePage}`);
    assert.equal(decodeString8(hex(bytes), codePage), text, `${codePage}`);
  }
  assert.equal(Buffer.from(encodeString8('日', 1252)).toString(), '?', 'what the code page lacks');
});

test('every code page that is named can be used, and no other', () => {
  let known = 0;
  for (let codePage = 0; codePage <= 0xffff; codePage += 1) {
    if (hasCodePage(codePage)) {
      known += 1;
      assert.equal(decodeString8(encodeString8('rpch', codePage), codePage), 'rpch', `${codePage}`);
      decodeString8(
        Uint8Array.from({ length: 256 }, (_, at) => at),
        codePage,
      );
    }
  }
  assert.ok(known > 50);
  for (const codePage of [0, 1, 1200, 1201, 12000, 65000]) {
    assert.equal(hasCodePage(codePage), false);
    assert.throws(
      () => encodeString8('a', codePage),
      (error) => error instanceof StoreError && error.errorCode === ErrorCode.UnknownCodePage,
    );
  }
});

test('any bytes are text of some kind in any code page', () => {
  const codePages = Array.from({ length: 0x10000 }, (_, codePage) => codePage).filter(hasCodePage);
  fc.assert(
    fc.property(fc.constantFrom(...codePages), fc.uint8Array({ maxLength: 40 }), (codePage, bytes) => {
      assert.equal(typeof decodeString8(bytes, codePage), 'string');
    }),
    { numRuns: 1000 },
  );
});

test('a terminator is two zero bytes of one character', () => {
  // U+0100 and U+0001 have a zero byte each, side by side.
  assert.equal(read(hex('0001 0100 0000'), readString), '\u0100\u0001');
  for (const bytes of ['', '00', '0001', '0001 00', '0041 0001 00']) {
    assert.throws(() => readString(new Cursor(hex(bytes), 'test')), ProtocolError);
  }
});

test('tags have the values of the specification', () => {
  assert.equal(PidTag.Subject, 0x0037001f);
  assert.equal(PidTag.AddressBookContainerId, 0xfffd0003);
  assert.equal(PidTag.RuleCondition, 0x667900fd);
});

test('no two names mean the same tag, and every tag has a type that there is', () => {
  const tags = Object.values(PidTag);
  assert.equal(new Set(tags).size, tags.length);
  const types = new Set<number>(Object.values(PropertyType));
  for (const [name, tag] of Object.entries(PidTag)) assert.ok(types.has(tag & 0xffff), name);
});

test('errors say their names', () => {
  const error = new StoreError(ErrorCode.NotFound, 'no such folder');
  assert.equal(error.message, 'NotFound: no such folder');
  assert.equal(error.errorCode, 0x8004010f);
  assert.equal(error.fault, 'caller');
  assert.equal(errorName(0x0badf00d), '0x0badf00d');
  assert.equal(errorName(0), 'Success');
});

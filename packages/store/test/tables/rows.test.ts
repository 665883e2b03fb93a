import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import { MemoryTable } from '../../src/mailbox/tables/memory-table.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import { objectId } from '../../src/mapi/object-id.ts';
import { type PropertyTag, PropertyType, type PropertyValue, propertyTag, withType } from '../../src/mapi/property.ts';
import { writeRow } from '../../src/mapi/property-row.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { decodeString8 } from '../../src/mapi/text-coding.ts';
import { CODING, properties, query, shown, TestStore } from './support.ts';

const SUBJECT8 = withType(PidTag.Subject, PropertyType.String8);

function tableOf(values: readonly (readonly [PropertyTag, PropertyValue])[], columns: readonly PropertyTag[]) {
  const store = TestStore.create();
  const id = store.add(1, properties(...values));
  const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
  table.setColumns(columns);
  return { store, table, id };
}

function bytesOf(table: ContentsTable): Uint8Array {
  const writer = new Writer();
  table.queryRows(writer, { forward: true, advance: false, count: 1, room: 100_000 });
  return writer.finish();
}

test('a row that has all columns is a standard row ([MS-OXCDATA] 2.8.1.1)', () => {
  const columns = [
    PidTag.Mid,
    PidTag.InstID,
    PidTag.FolderId,
    PidTag.Subject,
    PidTag.Importance,
    PidTag.RowType,
    PidTag.Depth,
  ];
  const { store, table, id } = tableOf(
    [
      [PidTag.Subject, 'Grüße'],
      [PidTag.Importance, -2],
    ],
    columns,
  );
  const expected = new Writer().u8(0).u64(objectId(id)).u64(objectId(id)).u64(objectId(1));
  expected
    .bytes(Buffer.from('Grüße\0', 'utf16le'))
    .u32(-2 >>> 0)
    .u32(1)
    .u32(0);
  assert.deepEqual(Buffer.from(bytesOf(table)), Buffer.from(expected.finish()));
  store.close();
});

test('a row that lacks a column is a flagged row, with NotFound in its place ([MS-OXCDATA] 2.8.1.2)', () => {
  const { store, table } = tableOf([[PidTag.Importance, 1]], [PidTag.Importance, PidTag.Subject, PidTag.ContentCount]);
  const expected = new Writer().u8(1).u8(0).u32(1).u8(0x0a).u32(ErrorCode.NotFound).u8(0x0a).u32(ErrorCode.NotFound);
  assert.deepEqual(bytesOf(table), expected.finish());
  store.close();
});

test('standard rows after flagged ones and flagged ones after standard are what they would be alone', () => {
  const store = TestStore.create();
  const kinds = [true, false, false, true, true, false, true];
  for (const [at, has] of kinds.entries()) {
    store.add(1, properties([PidTag.MessageDeliveryTime, BigInt(at)], [PidTag.Subject, has ? 'a' : undefined]));
  }
  const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
  table.setColumns([PidTag.Subject]);
  const writer = new Writer();
  table.queryRows(writer, { forward: true, advance: true, count: 10, room: 1000 });
  const expected = new Writer();
  for (const has of kinds) {
    if (has) expected.u8(0).bytes(Uint8Array.of(0x61, 0, 0, 0));
    else expected.u8(1).u8(0x0a).u32(ErrorCode.NotFound);
  }
  assert.deepEqual(writer.finish(), expected.finish());
  store.close();
});

test('a property of another type than the column is not there', () => {
  const { store, table } = tableOf([[PidTag.Importance, 1]], [withType(PidTag.Importance, PropertyType.String)]);
  assert.deepEqual(query(table).rows, [[{ error: ErrorCode.NotFound }]]);
  store.close();
});

test('values are cut to 510 bytes ([MS-OXCTABL] 2.2.2.5.2)', () => {
  const many = propertyTag(0x8002, PropertyType.MultipleString);
  const binary = propertyTag(0x8003, PropertyType.Binary);
  const columns = [PidTag.Subject, binary, many, SUBJECT8];
  const { store, table } = tableOf(
    [
      [PidTag.Subject, 's'.repeat(2000)],
      [binary, new Uint8Array(5000).fill(9)],
      [many, Array.from({ length: 30 }, (_, at) => `${at}`.padStart(20, '.'))],
    ],
    columns,
  );
  const [row] = query(table).rows;
  assert.equal(shown(row?.[0]), 's'.repeat(255));
  assert.deepEqual(shown(row?.[1]), new Uint8Array(510).fill(9));
  assert.equal((shown(row?.[2]) as string[]).length, 12);
  // Only the beginning of it is kept with the row.
  assert.equal(shown(row?.[3]), 's'.repeat(255));
  store.close();
});

test('text is not cut within a pair of surrogates', () => {
  const { store, table } = tableOf([[PidTag.Subject, `x${'😀'.repeat(200)}`]], [PidTag.Subject]);
  assert.equal(shown(query(table).rows[0]?.[0]), `x${'😀'.repeat(127)}`);
  store.close();
});

test('String8 columns are in the code page of the session', () => {
  const { store, table } = tableOf([[PidTag.Subject, 'Grüße – 5 €']], [SUBJECT8]);
  assert.deepEqual(bytesOf(table), Uint8Array.of(0, ...Buffer.from('Gr\xfc\xdfe \x96 5 \x80\0', 'latin1')));
  store.close();
});

test('String8 is cut to whole characters', () => {
  const store = TestStore.create();
  store.add(1, properties([PidTag.Subject, `x${'漢'.repeat(254)}`]));
  for (const [codePage, characters] of [
    [932, 254],
    [65001, 169],
    [1252, 254],
  ] as const) {
    const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: { codePage } });
    table.setColumns([SUBJECT8]);
    const bytes = bytesOf(table);
    assert.ok(bytes.length <= 1 + 510 + 1);
    const shownText = decodeString8(bytes.subarray(1, -1), codePage);
    assert.equal(shownText, codePage === 1252 ? `x${'?'.repeat(characters)}` : `x${'漢'.repeat(characters)}`);
  }
  store.close();
});

test('rows are as writeRow has them, whatever their values', () => {
  const tags = [
    PropertyType.Integer16,
    PropertyType.Floating32,
    PropertyType.Floating64,
    PropertyType.Boolean,
    PropertyType.Currency,
    PropertyType.Guid,
    PropertyType.Time,
    PropertyType.Integer64,
    PropertyType.String,
    PropertyType.Binary,
    PropertyType.MultipleInteger32,
    PropertyType.MultipleString,
    PropertyType.MultipleBinary,
  ].map((type, at) => propertyTag(0x8100 + at, type));
  const text = fc.string({ maxLength: 20 }).map((value) => value.replaceAll('\0', ''));
  const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const values = fc.tuple(
    ...[
      fc.integer({ min: -32_768, max: 32_767 }),
      fc.float({ noNaN: true }),
      fc.double({ noNaN: true }),
      fc.boolean(),
      i64,
      fc.uuid(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      i64,
      text,
      fc.uint8Array({ maxLength: 30 }),
      fc.array(fc.integer(), { maxLength: 5 }),
      fc.array(text, { maxLength: 4 }),
      fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 4 }),
    ].map((one) => fc.option<PropertyValue, undefined>(one, { nil: undefined })),
  );
  fc.assert(
    fc.property(values, fc.shuffledSubarray(tags, { minLength: 1 }), (list, columns) => {
      const set = properties(...tags.map((tag, at) => [tag, list[at]] as const));
      const expected = new Writer();
      const cells = columns.map((tag) => {
        const value = set.get(tag);
        return value === undefined ? { error: ErrorCode.NotFound } : { value };
      });
      writeRow(expected, columns, cells, CODING);
      const { store, table } = tableOf([...set], columns);
      assert.deepEqual(bytesOf(table), expected.finish());
      const memory = new MemoryTable(
        { version: () => 1, rows: () => [{ key: 1, value: (tag) => set.get(tag) }], columns: tags },
        CODING,
      );
      memory.setColumns(columns);
      const writer = new Writer();
      memory.queryRows(writer, { forward: true, advance: true, count: 1, room: 10_000 });
      assert.deepEqual(writer.finish(), expected.finish());
      store.close();
    }),
    { numRuns: 60 },
  );
});

test('as many whole rows as there is room for, at least one or BufferTooSmall ([MS-OXCTABL] 3.2.5.5)', () => {
  const store = TestStore.create();
  for (let at = 0; at < 200; at += 1) {
    store.add(1, properties([PidTag.MessageDeliveryTime, BigInt(at)], [PidTag.Subject, `${at}`.padStart(20, '0')]));
  }
  const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
  table.setColumns([PidTag.Subject]);
  const size = 1 + 42;
  const values = (answer: ReturnType<typeof query>): number[] => answer.rows.map(([cell]) => Number(shown(cell)));
  assert.deepEqual(query(table, { room: size - 1 }), { rows: [], origin: 1, tooSmall: true });
  assert.deepEqual(values(query(table, { room: size })), [0]);
  assert.deepEqual(values(query(table, { room: 3 * size + 5 })), [1, 2, 3]);
  assert.equal(query(table, { room: 1_000_000, count: 180 }).rows.length, 180);
  // Backwards those that are nearest, in the table's order.
  const back = query(table, { forward: false, room: 3 * size, count: 100 });
  assert.deepEqual(values(back), [181, 182, 183]);
  assert.deepEqual(values(query(table, { forward: false, count: 3 })), [178, 179, 180]);
  store.close();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { readValue, writeValue } from '../../src/mapi/property-codec.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { type Restriction, readRestriction, writeRestriction } from '../../src/mapi/restriction.ts';
import { MAX_RESTRICTION_DEPTH, MAX_RESTRICTION_NODES, skipValue } from '../../src/mapi/value-extent.ts';
import { hex, read, refusesEveryPrefix, survives, tagged, WESTERN, written } from './support.ts';

const decode = (cursor: Cursor): Restriction => readRestriction(cursor, WESTERN);
const encode = (restriction: Restriction): Uint8Array =>
  written((writer) => writeRestriction(writer, restriction, WESTERN));
const isTooComplex = (error: unknown): boolean =>
  error instanceof StoreError && error.errorCode === ErrorCode.TooComplex;

test('[MS-OXCDATA] 2.12: each kind on the wire', () => {
  const exist: Restriction = { kind: 'exist', tag: PidTag.Subject };
  const cases: readonly (readonly [Restriction, string])[] = [
    [{ kind: 'and', restrictions: [exist, exist] }, '00 0200 08 1f003700 08 1f003700'],
    [{ kind: 'or', restrictions: [] }, '01 0000'],
    [{ kind: 'not', restriction: exist }, '02 08 1f003700'],
    [
      { kind: 'content', fuzzyLow: 2, fuzzyHigh: 1, tag: PidTag.Subject, valueTag: PidTag.Subject, value: 'a' },
      '03 0200 0100 1f003700 1f003700 61000000',
    ],
    [
      { kind: 'property', relOp: 4, tag: PidTag.Importance, valueTag: PidTag.Importance, value: 2 },
      '04 04 03001700 03001700 02000000',
    ],
    [
      { kind: 'compare', relOp: 5, tag1: PidTag.CreationTime, tag2: PidTag.LastModificationTime },
      '05 05 40000730 40000830',
    ],
    [{ kind: 'bitmask', relOp: 1, tag: PidTag.MessageFlags, mask: 0x80000010 }, '06 01 0300070e 10000080'],
    [{ kind: 'size', relOp: 2, tag: PidTag.Body, size: 100 }, '07 02 1f000010 64000000'],
    [exist, '08 1f003700'],
    [{ kind: 'subobject', subobject: PidTag.MessageRecipients, restriction: exist }, '09 0d00120e 08 1f003700'],
    [{ kind: 'comment', values: [[PidTag.Importance, 1]] }, '0a 01 03001700 01000000 00'],
    [{ kind: 'comment', values: [], restriction: exist }, '0a 00 01 08 1f003700'],
    [{ kind: 'count', count: 7, restriction: exist }, '0b 07000000 08 1f003700'],
  ];
  for (const [restriction, bytes] of cases) {
    assert.deepEqual(encode(restriction), hex(bytes), restriction.kind);
    assert.deepEqual(read(hex(bytes), decode), restriction);
  }
});

const u32 = fc.nat(0xffffffff);
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);

const { restriction } = fc.letrec<{ restriction: Restriction }>((tie) => ({
  restriction: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    u32.map((tag): Restriction => ({ kind: 'exist', tag })),
    fc.tuple(u16, u16, u32, tagged).map(
      ([fuzzyLow, fuzzyHigh, tag, [valueTag, value]]): Restriction => ({
        kind: 'content',
        fuzzyLow,
        fuzzyHigh,
        tag,
        valueTag,
        value,
      }),
    ),
    fc
      .tuple(u8, u32, tagged)
      .map(([relOp, tag, [valueTag, value]]): Restriction => ({ kind: 'property', relOp, tag, valueTag, value })),
    fc.tuple(u8, u32, u32).map(([relOp, tag1, tag2]): Restriction => ({ kind: 'compare', relOp, tag1, tag2 })),
    fc.tuple(u8, u32, u32).map(([relOp, tag, mask]): Restriction => ({ kind: 'bitmask', relOp, tag, mask })),
    fc.tuple(u8, u32, u32).map(([relOp, tag, size]): Restriction => ({ kind: 'size', relOp, tag, size })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('restriction'), { maxLength: 3 }))
      .map(([kind, restrictions]): Restriction => ({ kind, restrictions })),
    tie('restriction').map((inner): Restriction => ({ kind: 'not', restriction: inner })),
    fc
      .tuple(u32, tie('restriction'))
      .map(([subobject, inner]): Restriction => ({ kind: 'subobject', subobject, restriction: inner })),
    fc
      .tuple(fc.array(tagged, { maxLength: 3 }), fc.option(tie('restriction')))
      .map(
        ([values, inner]): Restriction =>
          inner === null ? { kind: 'comment', values } : { kind: 'comment', values, restriction: inner },
      ),
    fc
      .tuple(u32, tie('restriction'))
      .map(([count, inner]): Restriction => ({ kind: 'count', count, restriction: inner })),
  ),
}));

test('restrictions of everything are read as they were written, and nothing that is cut short', () => {
  fc.assert(
    fc.property(restriction, (value) => {
      const bytes = encode(value);
      assert.deepEqual(read(bytes, decode), value);
      refusesEveryPrefix(bytes, decode);
    }),
  );
});

test('a restriction that is a value keeps its bytes, and ends where it ends', () => {
  fc.assert(
    fc.property(restriction, (value) => {
      const bytes = encode(value);
      const cursor = new Cursor(Uint8Array.of(...bytes, 1, 2, 3), 'test');
      assert.deepEqual(Uint8Array.from(readValue(cursor, PropertyType.Restriction, WESTERN) as Uint8Array), bytes);
      assert.equal(cursor.remaining, 3);
      assert.deepEqual(
        written((writer) => writeValue(writer, PropertyType.Restriction, bytes, WESTERN)),
        bytes,
      );
      refusesEveryPrefix(bytes, (short) => skipValue(short, PropertyType.Restriction));
    }),
  );
});

test('any bytes are a restriction or a typed error', () => {
  survives(decode);
  fc.assert(
    fc.property(restriction, fc.nat(), u8, (value, at, byte) => {
      const bytes = encode(value);
      bytes[at % bytes.length] = byte;
      try {
        decode(new Cursor(bytes, 'test'));
      } catch (error) {
        assert.ok(error instanceof Error && 'code' in error, String(error));
      }
    }),
  );
});

/** `depth` restrictions, one in the other. */
function nested(depth: number): Uint8Array {
  return Uint8Array.of(...new Uint8Array(depth - 1).fill(2), ...hex('08 1f003700'));
}

test('too deep, too many and unknown kinds are TooComplex', () => {
  read(nested(MAX_RESTRICTION_DEPTH), decode);
  read(nested(MAX_RESTRICTION_DEPTH), (cursor) => skipValue(cursor, PropertyType.Restriction));
  for (const bytes of [nested(MAX_RESTRICTION_DEPTH + 1), nested(100_000), hex('0c'), hex('ff')]) {
    assert.throws(() => decode(new Cursor(bytes, 'test')), isTooComplex);
    assert.throws(() => skipValue(new Cursor(bytes, 'test'), PropertyType.Restriction), isTooComplex);
  }
  const many = (count: number): Uint8Array =>
    written((writer) => {
      writer.u8(0).u16(count);
      for (let at = 0; at < count; at += 1) writer.bytes(hex('08 1f003700'));
    });
  read(many(MAX_RESTRICTION_NODES - 1), decode);
  assert.throws(() => decode(new Cursor(many(MAX_RESTRICTION_NODES), 'test')), isTooComplex);
});

test('restrictions in values of restrictions count as deep as they are', () => {
  // A PropertyRestriction on a value that is a restriction, in itself over and over.
  const one = hex('04 04 fd007966 fd007966');
  const bytes = written((writer) => {
    for (let at = 0; at < 1000; at += 1) writer.bytes(one);
    writer.bytes(hex('08 1f003700'));
  });
  assert.throws(() => decode(new Cursor(bytes, 'test')), isTooComplex);
});

test('lists that their counts cannot hold are not written', () => {
  const values = Array.from({ length: 256 }, (_, id) => [id << 16, null] as const);
  const tooLong: Restriction = { kind: 'comment', values };
  assert.throws(
    () => writeRestriction(new Writer(), tooLong, WESTERN),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.TooBig,
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Cursor } from '../../src/bytes/cursor.ts';
import { sameBytes } from '../../src/bytes/equal.ts';
import { Writer } from '../../src/bytes/writer.ts';
import { ProtocolError } from '../../src/errors.ts';

type Step =
  | { readonly kind: 'u8' | 'u16' | 'u32'; readonly value: number }
  | { readonly kind: 'u64'; readonly value: bigint }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'zeros' | 'align'; readonly value: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 0xff }) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.integer({ min: 0, max: 0xffff }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 0xffff_ffff }) }),
  fc.record({ kind: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant('zeros' as const), value: fc.integer({ min: 0, max: 300 }) }),
  fc.record({ kind: fc.constant('align' as const), value: fc.constantFrom(1, 2, 4, 8, 16) }),
);

function write(writer: Writer, { kind, value }: Step): void {
  if (kind === 'u64') writer.u64(value);
  else if (kind === 'bytes') writer.bytes(value);
  else writer[kind](value);
}

test('a cursor reads what a writer wrote, however often the writer had to grow', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 80 }), (steps, capacity) => {
      const writer = new Writer(capacity);
      for (const one of steps) write(writer, one);
      const frame = writer.finish();
      assert.equal(frame.length, writer.length);
      const cursor = new Cursor(frame, 'frame');
      for (const { kind, value } of steps) {
        if (kind === 'u64') assert.equal(cursor.u64(), value);
        else if (kind === 'bytes') assert.ok(sameBytes(cursor.bytes(value.length), value));
        else if (kind === 'zeros') assert.ok(cursor.bytes(value).every((byte) => byte === 0));
        else if (kind === 'align') cursor.skip((value - (cursor.offset % value)) % value);
        else assert.equal(cursor[kind](), value);
      }
      cursor.end();
    }),
  );
});

test('a frame whose size was announced is not copied', () => {
  const writer = new Writer(6);
  assert.equal(writer.u16(1).u32(2).finish().buffer.byteLength, 6);
});

test('what is taken back is gone: zeros and numbers follow what is left', () => {
  const writer = new Writer(2).u32(0xffff_ffff).u32(0xffff_ffff).truncate(3).zeros(2).u8(7).patchU8(0, 1);
  assert.deepEqual([...writer.finish()], [1, 0xff, 0xff, 0, 0, 7]);
});

test('lengths are patched where they lie, before and after growth', () => {
  const writer = new Writer(2);
  writer.u16(0).patchU16(0, 0x1234).zeros(100).u32(0).patchU16(0, 0xabcd).patchU32(102, 0xdead_beef);
  const cursor = new Cursor(writer.finish(), 'frame');
  assert.equal(cursor.u16(), 0xabcd);
  cursor.skip(100);
  assert.equal(cursor.u32(), 0xdead_beef);
  cursor.end();
});

test('integers are little-endian', () => {
  const frame = new Writer().u16(0x0102).u32(0x03040506).u64(0x0708090a0b0c0d0en).finish();
  assert.equal(Buffer.from(frame).toString('hex'), '0201060504030e0d0c0b0a090807');
});

test('a short read throws, moves nothing, and names the frame', () => {
  const reads: readonly ((cursor: Cursor) => unknown)[] = [
    (cursor) => cursor.u8(),
    (cursor) => cursor.u16(),
    (cursor) => cursor.u32(),
    (cursor) => cursor.u64(),
    (cursor) => cursor.bytes(9),
    (cursor) => cursor.skip(9),
    (cursor) => cursor.sub(9),
    (cursor) => cursor.bytes(-1),
  ];
  for (const read of reads) {
    const cursor = new Cursor(new Uint8Array(16), 'a frame', 4, 4);
    assert.throws(
      () => read(cursor),
      (error) => error instanceof ProtocolError && error.code === 'RPCH_SHORT_FRAME' && /a frame/.test(error.message),
    );
    assert.equal(cursor.offset, 4);
  }
});

test('a sub-cursor cannot leave its bytes, and the outer one goes on behind them', () => {
  const cursor = new Cursor(Uint8Array.of(1, 2, 3, 4, 5), 'outer');
  const inner = cursor.sub(3, 'inner');
  assert.equal(cursor.u8(), 4);
  assert.equal(inner.u16(), 0x0201);
  assert.throws(() => inner.u16(), { code: 'RPCH_SHORT_FRAME', section: 'inner' });
  assert.throws(() => inner.end(), { code: 'RPCH_TRAILING_BYTES' });
  assert.equal(inner.u8(), 3);
  inner.end();
  assert.equal(cursor.remaining, 1);
});

test('bytes are views of the frame, also of one that begins inside a larger buffer', () => {
  const whole = Uint8Array.of(9, 9, 1, 2, 3, 4);
  const cursor = new Cursor(whole.subarray(2), 'frame');
  assert.equal(cursor.u16(), 0x0201);
  const view = cursor.bytes(2);
  whole[4] = 7;
  assert.deepEqual([...view], [7, 4]);
});

test('byte strings are equal when length and content are', () => {
  assert.ok(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1)));
  assert.ok(!sameBytes(Uint8Array.of(1), Uint8Array.of(1, 2)));
});

test('the rest of a frame is seen without being read, and ends where the cursor does', () => {
  const cursor = new Cursor(Uint8Array.of(1, 2, 3, 4, 5), 'frame');
  cursor.skip(1);
  const inner = cursor.sub(3);
  inner.skip(1);
  assert.deepEqual(inner.rest(), Uint8Array.of(3, 4));
  assert.equal(inner.remaining, 2);
  assert.deepEqual(cursor.rest(), Uint8Array.of(5));
});

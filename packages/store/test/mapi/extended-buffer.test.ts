import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import {
  MAX_PAYLOAD,
  MAX_PAYLOADS,
  readExtendedBuffers,
  writeExtendedBuffer,
  writeExtendedBuffers,
} from '../../src/mapi/extended-buffer.ts';
import { hex } from './support.ts';

const options = fc.record({ compress: fc.boolean(), xorMagic: fc.boolean() });
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 2000, size: 'max' }),
  fc.uint8Array({ maxLength: 2000, max: 2, size: 'max' }),
);

test('flags and sizes of [MS-OXCRPC] 2.2.2.1', () => {
  const plain = hex('0102030405');
  assert.deepEqual(writeExtendedBuffer(plain), hex('0000 0400 0500 0500 0102030405'));
  assert.deepEqual(writeExtendedBuffer(plain, { xorMagic: true }), hex('0000 0600 0500 0500 a4a7a6a1a0'));
  // Compressed it would be longer.
  assert.deepEqual(writeExtendedBuffer(plain, { compress: true }), writeExtendedBuffer(plain));
  const many = new Uint8Array(300).map((_, at) => 0x61 + (at % 3));
  assert.deepEqual(
    writeExtendedBuffer(many, { compress: true }),
    hex('0000 0500 0d00 2c01 ffffff1f 616263 1700 0f ff 2601'),
  );
  // First compressed, then XORed.
  const both = writeExtendedBuffer(many, { compress: true, xorMagic: true });
  assert.deepEqual(both.subarray(0, 12), hex('0000 0700 0d00 2c01 5a5a5aba'));
  assert.deepEqual(readExtendedBuffers(both), [many]);
});

test('an empty payload', () => {
  assert.deepEqual(readExtendedBuffers(writeExtendedBuffer(new Uint8Array())), [new Uint8Array()]);
});

test('what is written is read, one payload or a chain', () => {
  fc.assert(
    fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), options, (payloads, how) => {
      const bytes = writeExtendedBuffers(payloads, how);
      assert.deepEqual(readExtendedBuffers(bytes), payloads);
      assert.deepEqual(readExtendedBuffers(bytes, { payloads: payloads.length }), payloads);
      if (payloads.length === 1) return;
      assert.throws(() => readExtendedBuffers(bytes, { payloads: payloads.length - 1 }), ProtocolError);
    }),
  );
});

test('every prefix is an error, and so is what follows the last payload', () => {
  const bytes = writeExtendedBuffers([new Uint8Array(100), hex('01020304')], { compress: true, xorMagic: true });
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(() => readExtendedBuffers(bytes.subarray(0, length)), ProtocolError, `${length}`);
  }
  assert.throws(() => readExtendedBuffers(Uint8Array.of(...bytes, 0)), { code: 'RPCH_TRAILING_BYTES' });
});

for (const [what, bytes] of [
  ['a version that is none', '0100 0400 0000 0000'],
  ['sizes that differ without compression', '0000 0400 0200 0300 abcd'],
  ['compression that gained nothing', '0000 0500 0200 0200 abcd'],
  ['no payload that is the last', '0000 0000 0200 0200 abcd'],
  ['a payload of more than 32 KB', '0000 0500 0500 0180 ffffff7f 61'],
  ['a compressed payload that is too short', '0000 0500 0500 0600 ffffff7f 61'],
] as const) {
  test(`refused: ${what}`, () => assert.throws(() => readExtendedBuffers(hex(bytes)), ProtocolError));
}

test('the largest payload, and the longest chain', () => {
  const largest = new Uint8Array(MAX_PAYLOAD).fill(7);
  assert.deepEqual(readExtendedBuffers(writeExtendedBuffer(largest, { compress: true })), [largest]);
  const chain = Array.from({ length: MAX_PAYLOADS }, (_, at) => Uint8Array.of(at));
  assert.deepEqual(readExtendedBuffers(writeExtendedBuffers(chain)), chain);
});

test("what no header can say is the caller's mistake", () => {
  const mistake = { code: 'RPCH_EXTENDED_BUFFER_NOT_WRITABLE', fault: 'caller' };
  assert.throws(() => writeExtendedBuffer(new Uint8Array(MAX_PAYLOAD + 1)), mistake);
  assert.throws(() => writeExtendedBuffers([]), mistake);
  assert.throws(() => writeExtendedBuffers(Array.from({ length: MAX_PAYLOADS + 1 }, () => hex('01'))), mistake);
});

test('random bytes cause a ProtocolError and nothing else', () => {
  const header = fc.tuple(fc.nat(7), fc.nat(60), fc.nat(0xffff), fc.uint8Array({ maxLength: 60 }));
  const likely = header.map(([flags, size, actual, rest]) =>
    Uint8Array.of(0, 0, flags, 0, size, 0, actual & 0xff, actual >> 8, ...rest),
  );
  fc.assert(
    fc.property(fc.oneof(likely, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      try {
        for (const { length } of readExtendedBuffers(bytes)) assert.ok(length <= MAX_PAYLOAD);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

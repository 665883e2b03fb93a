import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { SequencedHmacMd5 } from '../../src/crypto/hmac-md5.ts';

const expected = (key: Uint8Array, sequence: number, message: Uint8Array) => {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(sequence);
  return createHmac('md5', key).update(number).update(message).digest('hex').slice(0, 16);
};

function actual(hmac: SequencedHmacMd5, sequence: number, message: Uint8Array): string {
  const out = new Uint8Array(12);
  hmac.first8(sequence, message, out, 3);
  return Buffer.from(out.subarray(3, 11)).toString('hex');
}

test('RFC 2202 2, its first case: eight bytes of the digest', () => {
  // "Hi There", of which the first four bytes are the number.
  const hmac = new SequencedHmacMd5(Buffer.alloc(16, 0x0b));
  assert.equal(actual(hmac, Buffer.from('Hi T').readUInt32LE(), Buffer.from('here')), '9294727a3638bb1c');
});

test('it agrees with OpenSSL around blocks, its own buffer, and what OpenSSL hashes for it', () => {
  const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const hmac = new SequencedHmacMd5(key);
  const bytes = Buffer.from(Array.from({ length: 66_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  for (const around of [0, 52, 60, 116, 124, 1024, 8128, 8188, 8192, 16_380, 24_572, 65_536]) {
    for (let length = Math.max(0, around - 5); length <= around + 5; length++) {
      const message = bytes.subarray(0, length);
      assert.equal(actual(hmac, length, message), expected(key, length, message), `${length} bytes`);
    }
  }
});

test('it agrees with OpenSSL for any key, number and message', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 64 }),
      fc.nat(0xffff_ffff),
      fc.uint8Array({ maxLength: 700 }),
      (key, sequence, message) => {
        assert.equal(actual(new SequencedHmacMd5(key), sequence, message), expected(key, sequence, message));
      },
    ),
  );
});

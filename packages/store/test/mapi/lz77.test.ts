import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import { compress, decompress } from '../../src/mapi/lz77.ts';
import { hex } from './support.ts';

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Text of words that come again, which is what payloads are like. */
const wordy = fc
  .array(fc.constantFrom('alice', 'bob', ' ', 'Subject: ', '\0\0\0\0', 'xyz', 'aaaaaaaaaaaa', 'PidTag'), {
    maxLength: 400,
    size: 'max',
  })
  .map((words) => ascii(words.join('')));
const payload = fc.oneof(
  wordy,
  fc.uint8Array({ maxLength: 3000, size: 'max' }),
  fc.uint8Array({ maxLength: 3000, max: 3, size: 'max' }),
);

for (const [name, plain, compressed] of [
  // [MS-XCA] 3.1: the examples of plain LZ77.
  ['abc, a hundred times', ascii('abc'.repeat(100)), hex('ffffff1f 616263 1700 0f ff 2601')],
  [
    'the alphabet',
    ascii('abcdefghijklmnopqrstuvwxyz'),
    hex('3f000000 6162636465666768696a6b6c6d6e6f707172737475767778797a'),
  ],
  ['a match of three', ascii('ABCABCDEF'), hex('ffffff11 414243 1000 444546')],
  ['two lengths in one byte', ascii('A'.repeat(21) + 'B'.repeat(13)), hex('ffffff5f 41 0700 2a 42 0700')],
] as const) {
  test(`vector: ${name}`, () => {
    assert.deepEqual(decompress(compressed, plain.length), plain);
    // The alphabet becomes longer, and is sent as it is.
    assert.deepEqual(compress(plain), compressed.length < plain.length ? compressed : undefined);
  });
}

test('what was compressed is decompressed, and is smaller', () => {
  let smaller = 0;
  fc.assert(
    fc.property(payload, (plain) => {
      const compressed = compress(plain);
      if (compressed === undefined) return;
      smaller += 1;
      assert.ok(compressed.length < plain.length);
      assert.deepEqual(decompress(compressed, plain.length), plain);
    }),
    { numRuns: 300 },
  );
  assert.ok(smaller > 50);
});

test('every length of a match, in each of its forms', () => {
  for (const length of [3, 9, 10, 24, 25, 279, 280, 281, 30_000, 65_530]) {
    const plain = ascii(`x${'x'.repeat(length)}${'-'.repeat(40)}`);
    const compressed = compress(plain);
    assert.ok(compressed !== undefined);
    assert.deepEqual(decompress(compressed, plain.length), plain, `${length}`);
  }
});

test('a length of 32 bits, which no payload needs', () => {
  assert.deepEqual(decompress(hex('ffffff7f 61 0700 0f ff 0000 2c010000'), 304), ascii('a'.repeat(304)));
});

test('the window is 8192 bytes and no more', () => {
  const random =
    fc.sample(fc.uint8Array({ minLength: 8190, maxLength: 8190 }), { numRuns: 1, seed: 1 })[0] ?? new Uint8Array();
  for (const gap of [2, 3, 100]) {
    const plain = new Uint8Array([...random, ...new Uint8Array(gap), ...random]);
    const compressed = compress(plain);
    if (compressed !== undefined) assert.deepEqual(decompress(compressed, plain.length), plain);
  }
  assert.ok((compress(new Uint8Array([...random, 0, 0, ...random]))?.length ?? Number.POSITIVE_INFINITY) < 9400);
});

test('nothing, and what is too short to gain, stay as they are', () => {
  for (const length of [0, 1, 2, 3, 4, 5]) assert.equal(compress(new Uint8Array(length)), undefined);
});

test('a payload of the worst kind takes no longer than its length allows', () => {
  // Chains of candidates that are as long as can be, and hardly a match: quadratic search would need thousands of times this.
  const plain = new Uint8Array(0x8000);
  for (let at = 0; at < plain.length; at += 4) plain.set([1, 2, 3, (at * 2654435761) >>> 24], at);
  const start = process.cpuUsage();
  for (let i = 0; i < 10; i += 1) compress(plain);
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < 2_000_000, `${user + system} us`);
});

test('hostile input causes a ProtocolError and nothing else', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 200 }), wordy),
      fc.integer({ min: 0, max: 0x8000 }),
      (bytes, size) => {
        try {
          assert.equal(decompress(bytes, size).length, size);
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('every prefix of what was compressed is too short, but for its end mark', () => {
  const plain = ascii(`${'abc'.repeat(100)}${'A'.repeat(21)}${'B'.repeat(13)}`);
  const compressed = compress(plain) ?? new Uint8Array();
  const needed = compressed.length;
  for (let length = 0; length < needed; length += 1) {
    assert.throws(() => decompress(compressed.subarray(0, length), plain.length), ProtocolError, `${length}`);
  }
});

test('a match before the start, one that is too long, and a length that its form does not allow', () => {
  assert.throws(() => decompress(hex('ffffff7f 61 0800'), 4), /2 bytes back after 1/);
  assert.throws(() => decompress(hex('ffffff7f 61 0100'), 4), /more than 4 bytes/);
  assert.throws(() => decompress(hex('ffffff7f 61 0700 0f ff 1500'), 30), /longest form/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rc4 } from '../../src/crypto/rc4.ts';

const streamAt = (key: string, offset: number) => {
  const stream = new Rc4(Buffer.from(key, 'hex')).update(new Uint8Array(offset + 32));
  return Buffer.from(stream.subarray(offset)).toString('hex');
};

test('the key streams of RFC 6229 section 2', () => {
  const vectors: [string, number, string][] = [
    ['0102030405', 0, 'b2396305f03dc027ccc3524a0a1118a86982944f18fc82d589c403a47a0d0919'],
    ['0102030405060708090a0b0c0d0e0f10', 0, '9ac7cc9a609d1ef7b2932899cde41b975248c4959014126a6e8a84f11d1a9e1c'],
    ['0102030405060708090a0b0c0d0e0f10', 240, '065902e4b620f6cc36c8589f66432f2bd39d566bc6bce3010768151549f3873f'],
    ['0102030405060708090a0b0c0d0e0f10', 496, 'b6d1e6c4a5e4771cad79538df295fb11c68c1d5c559a974123df1dbc52a43b89'],
    ['0102030405060708090a0b0c0d0e0f10', 752, 'c5ecf88de897fd57fed301701b82a259eccbe13de1fcc91c11a0b26c0bc8fa4d'],
  ];
  for (const [key, offset, stream] of vectors) assert.equal(streamAt(key, offset), stream, `${key} at ${offset}`);
});

test('a stream cut anywhere is the same stream, and decrypts itself', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 256 }),
      fc.uint8Array({ maxLength: 600 }),
      fc.nat(600),
      (key, data, at) => {
        const cut = Math.min(at, data.length);
        const whole = new Rc4(key).update(data);
        const pieces = new Rc4(key);
        assert.deepEqual(
          Buffer.concat([pieces.update(data.subarray(0, cut)), pieces.update(data.subarray(cut))]),
          Buffer.from(whole),
        );
        assert.deepEqual(new Rc4(key).update(whole), data);
        assert.equal(new Rc4(key).update(whole, whole), whole);
        assert.deepEqual(whole, data, 'in place');
      },
    ),
    { numRuns: 50 },
  );
});

test('a key must have 1 to 256 bytes', () => {
  for (const length of [0, 257]) assert.throws(() => new Rc4(new Uint8Array(length)), { code: 'RPCH_RC4_KEY_LENGTH' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Piece, Reassembler } from '../../src/decode/reassembly.ts';

/** What came out: bytes, and for each gap its length and where it was. */
function collect() {
  const chunks: Buffer[] = [];
  const gaps: { at: number; length: number }[] = [];
  let at = 0;
  const stream = new Reassembler({
    bytes: (chunk) => {
      chunks.push(Buffer.from(chunk));
      at += chunk.length;
    },
    gap: (length) => {
      gaps.push({ at, length });
      at += length;
    },
  });
  return { stream, gaps, bytes: () => Buffer.concat(chunks) };
}

function piece(whole: Uint8Array, isn: number, start: number, end: number, time?: number): Piece {
  return { sequence: (isn + 1 + start) >>> 0, length: end - start, data: whole.subarray(start, end), time };
}

const cuts = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 300 })), { maxLength: 30 });

test('any segmentation, order, copies and overlaps give the same stream', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 2000 }),
      cuts,
      fc.nat(0xffff_ffff),
      fc.infiniteStream(fc.nat()),
      (whole, extra, isn, random) => {
        const pieces: Piece[] = [];
        // Pieces that cover everything, and others that lie over them.
        const sorted = [...new Set([0, ...extra.map(([at]) => at % whole.length), whole.length])].sort((a, b) => a - b);
        for (let i = 0; i + 1 < sorted.length; i++) pieces.push(piece(whole, isn, sorted[i] ?? 0, sorted[i + 1] ?? 0));
        for (const [at, length] of extra) {
          const start = at % whole.length;
          pieces.push(piece(whole, isn, start, Math.min(whole.length, start + length)));
        }
        for (let i = pieces.length - 1; i > 0; i--) {
          const other = (random.next().value ?? 0) % (i + 1);
          [pieces[i], pieces[other]] = [pieces[other] as Piece, pieces[i] as Piece];
        }
        const { stream, gaps, bytes } = collect();
        stream.begin(isn);
        for (const one of pieces) stream.push(one);
        assert.equal(stream.waitingBytes, 0);
        stream.finish();
        assert.deepEqual(gaps, []);
        assert.deepEqual(bytes(), Buffer.from(whole));
      },
    ),
  );
});

test('what never came is a gap, told at the end, and what is behind it is passed on', () => {
  const whole = Buffer.from('abcdefghij');
  const { stream, gaps, bytes } = collect();
  stream.begin(7);
  stream.push(piece(whole, 7, 0, 2));
  stream.push(piece(whole, 7, 5, 8));
  assert.deepEqual(gaps, []);
  stream.endAt((7 + 1 + 10) >>> 0);
  stream.finish();
  assert.deepEqual(gaps, [
    { at: 2, length: 3 },
    { at: 8, length: 2 },
  ]);
  assert.equal(bytes().toString(), 'abfgh');
});

test('what the receiver acknowledged more than a second ago is not waited for', () => {
  const whole = Buffer.from('abcdef');
  const { stream, gaps } = collect();
  stream.begin(0);
  stream.push(piece(whole, 0, 3, 6, 0));
  stream.acknowledged(7, 10);
  stream.acknowledged(7, 900_000);
  assert.deepEqual(gaps, []);
  stream.acknowledged(7, 1_100_000);
  assert.deepEqual(gaps, [{ at: 0, length: 3 }]);
});

test('what waits is bounded', () => {
  const { stream, gaps } = collect();
  stream.begin(0);
  const data = new Uint8Array(1400);
  for (let i = 0; i < 4000; i++) {
    stream.push({ sequence: 2 + i * 1400, length: 1400, data, time: i });
    assert.ok(stream.waitingBytes <= 1024 * 1024);
  }
  assert.deepEqual(gaps, [{ at: 0, length: 1 }]);
});

test('bytes cut off by the capture are a gap; sequence numbers out of nowhere are none', () => {
  const { stream, gaps, bytes } = collect();
  stream.begin(0);
  stream.push({ sequence: 1, length: 10, data: Buffer.from('abcd'), time: 0 });
  stream.push({ sequence: 0x7000_0000, length: 4, data: Buffer.from('wxyz'), time: 0 });
  stream.push({ sequence: 11, length: 2, data: Buffer.from('kl'), time: 0 });
  stream.finish();
  assert.deepEqual(gaps, [{ at: 4, length: 6 }]);
  assert.equal(bytes().toString(), 'abcdkl');
});

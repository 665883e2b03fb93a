import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deframer } from '../../src/dcerpc/deframer.ts';
import { fragLengthAt, PduType, pduTypeAt } from '../../src/dcerpc/header.ts';
import { ProtocolError } from '../../src/errors.ts';

interface Shape {
  readonly ptype: number;
  readonly bigEndian: boolean;
  readonly length: number;
}

/** A PDU that differs from all others in its body. */
function pdu({ ptype, bigEndian, length }: Shape, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 10; at < length; at++) bytes[at] = seed + at;
  bytes.set([5, seed & 1, ptype, 3, bigEndian ? 0 : 0x10, 0, 0, 0]);
  bytes.set(bigEndian ? [length >> 8, length & 0xff] : [length & 0xff, length >> 8], 8);
  return bytes;
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 16, max: 120 }) },
  { weight: 1, arbitrary: fc.constantFrom(16, 17, 5840, 65_535) },
);
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.record({ ptype: fc.integer({ min: 0, max: 19 }), bigEndian: fc.boolean(), length }),
  fc.record({ ptype: fc.constant<number>(PduType.rts), bigEndian: fc.constant(false), length }),
);

/** Feeds the chunks and returns what came out, PDU by PDU; checks runs and `pending` on the way. */
function deframe(chunks: readonly Uint8Array[]): Uint8Array[] {
  const deframer = new Deframer();
  const out: Uint8Array[] = [];
  let fed = 0;
  let delivered = 0;
  let whole = true;
  for (const chunk of chunks) {
    fed += chunk.length;
    deframer.push(chunk, {
      rpc: (run, count) => {
        let at = 0;
        let counted = 0;
        while (at < run.length) {
          const end = at + fragLengthAt(run, at);
          assert.ok(pduTypeAt(run, at) < PduType.rts, 'an RTS PDU in a run');
          out.push(new Uint8Array(run.subarray(at, end)));
          at = end;
          counted++;
        }
        assert.equal(at, run.length);
        assert.equal(counted, count);
        delivered += run.length;
      },
      rts: (one) => {
        assert.equal(fragLengthAt(one, 0), one.length);
        assert.equal(pduTypeAt(one, 0), PduType.rts);
        out.push(new Uint8Array(one));
        delivered += one.length;
      },
    });
    assert.equal(deframer.pending, fed - delivered);
    whole &&= deframer.pending <= 65_535;
  }
  assert.ok(whole, 'more than one PDU is kept');
  return out;
}

test('any cutting of any sequence of PDUs gives the same PDUs in the same order', () => {
  fc.assert(
    fc.property(fc.array(shape, { maxLength: 12 }), fc.array(fc.nat(1000), { maxLength: 30 }), (shapes, weights) => {
      const pdus = shapes.map(pdu);
      const stream = Buffer.concat(pdus);
      const cuts = weights.map((weight) => Math.floor((weight / 1001) * stream.length)).sort((a, b) => a - b);
      const chunks = [...cuts, stream.length].map((end, i) => stream.subarray(cuts[i - 1] ?? 0, end));
      assert.deepEqual(deframe(chunks), pdus);
    }),
  );
});

test('every single cut, and byte by byte', () => {
  const shapes: readonly Shape[] = [
    { ptype: PduType.request, bigEndian: false, length: 24 },
    { ptype: PduType.rts, bigEndian: false, length: 20 },
    { ptype: PduType.response, bigEndian: true, length: 33 },
    { ptype: PduType.bind, bigEndian: false, length: 16 },
  ];
  const pdus = shapes.map(pdu);
  const stream = new Uint8Array(Buffer.concat(pdus));
  for (let at = 0; at <= stream.length; at++) {
    assert.deepEqual(deframe([stream.subarray(0, at), stream.subarray(at)]), pdus);
  }
  assert.deepEqual(deframe([...stream].map((byte) => Uint8Array.of(byte))), pdus);
});

test('RPC PDUs back to back are one run, which is the chunk itself', () => {
  const chunk = new Uint8Array(
    Buffer.concat([1, 2, 3].map((seed) => pdu({ ptype: 0, bigEndian: false, length: 40 }, seed))),
  );
  const runs: [Uint8Array, number][] = [];
  new Deframer().push(chunk, { rpc: (run, count) => runs.push([run, count]), rts: () => assert.fail() });
  assert.equal(runs.length, 1);
  assert.equal(runs[0]?.[0], chunk);
  assert.equal(runs[0]?.[1], 3);
});

test('a run ends where an RTS PDU begins', () => {
  const rpc = pdu({ ptype: 0, bigEndian: false, length: 16 }, 1);
  const rts = pdu({ ptype: PduType.rts, bigEndian: false, length: 20 }, 2);
  const seen: string[] = [];
  new Deframer().push(Buffer.concat([rpc, rpc, rts, rts, rpc, rpc.subarray(0, 3)]), {
    rpc: (run, count) => seen.push(`rpc ${count} ${run.length}`),
    rts: (one) => seen.push(`rts ${one.length}`),
  });
  assert.deepEqual(seen, ['rpc 2 32', 'rts 20', 'rts 20', 'rpc 1 16']);
});

test('PDUs before a broken one are delivered, then the protocol error comes', () => {
  const good = pdu({ ptype: 0, bigEndian: false, length: 16 }, 1);
  const broken: readonly [string, Uint8Array][] = [
    ['RPCH_BAD_PTYPE', pdu({ ptype: 21, bigEndian: false, length: 16 }, 1)],
    ['RPCH_BAD_VERSION', pdu({ ptype: 0, bigEndian: false, length: 16 }, 1).fill(4, 0, 1)],
    ['RPCH_BAD_FRAG_LENGTH', pdu({ ptype: 0, bigEndian: false, length: 16 }, 1).fill(0, 8, 10)],
  ];
  for (const [code, bad] of broken) {
    for (const cut of [0, 5, 10, 16]) {
      const deframer = new Deframer();
      let count = 0;
      const sink = { rpc: (_: Uint8Array, n: number) => (count += n), rts: () => assert.fail() };
      const work = () => {
        deframer.push(good, sink);
        deframer.push(bad.subarray(0, cut), sink);
        deframer.push(bad.subarray(cut), sink);
      };
      assert.throws(work, { code });
      assert.equal(count, 1);
    }
  }
});

test('random bytes do no worse than a protocol error', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
      const deframer = new Deframer();
      // Without a plausible beginning nearly every input would die on its first byte.
      const begun = [Uint8Array.of(5, 0), ...chunks];
      try {
        for (const chunk of begun) deframer.push(chunk, { rpc: () => {}, rts: () => {} });
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});

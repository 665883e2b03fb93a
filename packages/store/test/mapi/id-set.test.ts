import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, parseGuid } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { type CounterRange, parseIdSet } from '../../src/mapi/id-set.ts';

const GUID = '11111111-2222-3333-4444-555555555555';
const OTHER = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const HIGH = 2 ** 24;

function setOf(guid: string, ...commands: readonly number[]): Uint8Array {
  return Uint8Array.of(...parseGuid(guid), ...commands);
}

/** The ranges that commands make. */
function ranges(...commands: readonly number[]): readonly CounterRange[] {
  const [replica, ...more] = parseIdSet(setOf(GUID, ...commands));
  assert.deepEqual([replica?.guid, more], [GUID, []]);
  return replica?.ranges ?? assert.fail('no replica');
}

test('[MS-OXCFXICS] 3.1.5.4.3.2: commands over the common bytes, with the bitmask of 3.1.5.4.3.1.3', () => {
  const commands = [
    ...[0x03, 0, 0, 1],
    ...[0x52, 0, 0, 2, 0, 1, 0],
    // Six bytes are one counter, and are not left on the stack.
    ...[0x03, 0, 3, 4],
    ...[0x02, 0, 5, 0x42, 0x01, 0xeb],
    ...[0x50, 0x50, 0x00],
  ];
  assert.deepEqual(ranges(...commands), [
    { first: HIGH + 2, last: HIGH + 0x100 },
    { first: HIGH + 0x304, last: HIGH + 0x304 },
    { first: HIGH + 0x501, last: HIGH + 0x503 },
    { first: HIGH + 0x505, last: HIGH + 0x505 },
    { first: HIGH + 0x507, last: HIGH + 0x509 },
  ]);
  assert.deepEqual(ranges(0x52, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0), [
    { first: 1, last: 2 ** 48 - 1 },
  ]);
  assert.deepEqual(ranges(0), []);
  const commonBytes = [5, 0, 0, 0, 0, 0];
  assert.deepEqual(ranges(...commonBytes, 0x42, 0xff, 0, 0x50, 0), [{ first: 0xff, last: 0xff }]);
});

test('a set of several replicas, and of none', () => {
  assert.deepEqual(parseIdSet(new Uint8Array(0)), []);
  const both = Uint8Array.of(...setOf(GUID, 6, 0, 0, 0, 0, 0, 1, 0), ...setOf(OTHER, 0));
  assert.deepEqual(parseIdSet(both), [
    { guid: GUID, ranges: [{ first: 1, last: 1 }] },
    { guid: OTHER, ranges: [] },
  ]);
});

test('commands that make no set', () => {
  const wrong = {
    'nothing to pop': [0x50, 0],
    'an end with bytes on the stack': [1, 0, 0],
    'a bitmask over four bytes': [4, 0, 0, 0, 0, 0x42, 1, 1, 0x50, 0],
    'more than six bytes pushed': [4, 0, 0, 0, 0, 3, 0, 0, 0, 0x50, 0],
    'an unknown command': [7, 0, 0, 0, 0, 0, 0, 0, 0],
    'a range that ends before it begins': [5, 0, 0, 0, 0, 0, 0x52, 2, 1, 0x50, 0],
    'a bitmask beyond the last byte': [5, 0, 0, 0, 0, 0, 0x42, 0xff, 1, 0x50, 0],
  };
  for (const [what, commands] of Object.entries(wrong)) {
    assert.throws(() => parseIdSet(setOf(GUID, ...commands)), ProtocolError, what);
  }
});

/** A range, with the number of bytes to push before it: as many as both its ends have in common, or less. */
const encoded = fc.tuple(fc.nat(2 ** 48 - 1), fc.nat(2 ** 20), fc.nat(5)).map(([first, more, wanted]) => {
  const last = Math.min(first + more, 2 ** 48 - 1);
  const [low, high] = [bytesOf(first), bytesOf(last)];
  const differs = low.findIndex((byte, at) => byte !== high[at]);
  const size = Math.min(wanted, differs === -1 ? 5 : differs);
  const push = size === 0 ? [] : [size, ...low.slice(0, size)];
  const range = [0x52, ...low.slice(size), ...high.slice(size)];
  return { first, last, commands: [...push, ...range, ...(size === 0 ? [] : [0x50])] };
});

function bytesOf(counter: number): readonly number[] {
  return [5, 4, 3, 2, 1, 0].map((at) => Math.floor(counter / 256 ** at) % 256);
}

test('ranges are read as they were written; no prefix is a set, nor do other bytes do worse', () => {
  fc.assert(
    fc.property(fc.array(encoded, { maxLength: 8 }), (all) => {
      const bytes = setOf(GUID, ...all.flatMap(({ commands }) => commands), 0);
      assert.deepEqual(
        parseIdSet(bytes)[0]?.ranges,
        all.map(({ first, last }) => ({ first, last })),
      );
      for (let end = 1; end < bytes.length; end += 1) {
        assert.throws(() => parseIdSet(bytes.subarray(0, end)), ProtocolError);
      }
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        parseIdSet(setOf(GUID, ...bytes));
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
  );
});

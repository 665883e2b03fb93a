import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { readRops, UnknownRopError } from '../../../src/mapi/rops/read-rops.ts';
import { hex, WESTERN } from '../support.ts';

/** RopOpenFolder, RopGetHierarchyTable, RopSetColumns, RopQueryRows, RopRelease twice: [MS-OXCROPS] 2.2.1. */
const BATCH = hex(
  '02 00 00 01 010000000000000d 00  04 00 01 02 04  12 00 02 00 0100 1f000130  15 00 02 00 01 3200  01 00 02  01 00 01',
);

test('requests are read in their order, with the bytes that each had', () => {
  const parsed = readRops(BATCH, WESTERN);
  assert.deepEqual(
    parsed.map(({ rop, start, end }) => [rop.name, start, end]),
    [
      ['OpenFolder', 0, 13],
      ['GetHierarchyTable', 13, 18],
      ['SetColumns', 18, 28],
      ['QueryRows', 28, 35],
      ['Release', 35, 38],
      ['Release', 38, 41],
    ],
  );
  assert.deepEqual(parsed[3]?.request, {
    logonId: 0,
    inputHandleIndex: 2,
    queryRowsFlags: 0,
    forwardRead: true,
    rowCount: 50,
  });
});

test('no requests at all are a list', () => {
  assert.deepEqual(readRops(new Uint8Array(), WESTERN), []);
});

test('a prefix is a shorter list where a request ends, and an error elsewhere', () => {
  const ends = new Set(readRops(BATCH, WESTERN).map(({ end }) => end));
  for (let length = 1; length < BATCH.length; length += 1) {
    const cut = BATCH.subarray(0, length);
    if (ends.has(length)) assert.ok(readRops(cut, WESTERN).length > 0);
    else assert.throws(() => readRops(cut, WESTERN), ProtocolError, `${length}`);
  }
});

test('a reserved id ends the reading: it and what is left are in the error', () => {
  for (const [bytes, ropId, rest] of [
    ['01 00 02 00 11 22', 0x00, 3],
    ['01 00 02 52 00 01', 0x52, 3],
    ['83', 0x83, 1],
    // RopNotify and its like are responses only.
    ['2a 00000000 00 0000', 0x2a, 8],
    ['ff 0000', 0xff, 3],
  ] as const) {
    assert.throws(
      () => readRops(hex(bytes), WESTERN),
      (error) =>
        error instanceof UnknownRopError &&
        error.code === 'RPCH_ROP_UNKNOWN' &&
        error.ropId === ropId &&
        error.rest === rest,
    );
  }
});

test('the size of a restriction, of a row and of values is what counts: bytes left over in it are passed by', () => {
  for (const bytes of [
    '14 00 01 00 0700 08 1f003700 abcd  01 00 01',
    '0a 00 01 0400 0000 abcd  01 00 01',
    '0e 00 01 0000 0100 00000000 01 0700 0000 0000 00 abcd  01 00 01',
  ]) {
    assert.equal(readRops(hex(bytes), WESTERN)[1]?.rop.name, 'Release', bytes);
  }
});

test('a restriction that is too complex is a ProtocolError, since what follows it cannot be found', () => {
  const depth = 100;
  const restriction = `${'02'.repeat(depth)} 08 1f003700`;
  const bytes = hex(`14 00 01 00 ${(depth + 5).toString(16)}00 ${restriction}`);
  assert.throws(() => readRops(bytes, WESTERN), { code: 'RPCH_ROP_MALFORMED', fault: 'peer' });
});

test('a count that the bytes do not bear out costs no more than they are', () => {
  for (const bytes of ['1e 00 01 00 00 ffff', '0e 00 01 0000 ffff', '41 00 01 00 ffff', '93 00 01 0400 ffffffff']) {
    assert.throws(() => readRops(hex(bytes), WESTERN), ProtocolError, bytes);
  }
});

test('random lists cause a ProtocolError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
      try {
        const parsed = readRops(bytes, WESTERN);
        assert.equal(parsed.at(-1)?.end ?? 0, bytes.length);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

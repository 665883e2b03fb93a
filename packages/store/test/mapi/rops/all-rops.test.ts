import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cursor, ProtocolError } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../../src/mapi/error-code.ts';
import { ROPS } from '../../../src/mapi/rops/all.ts';
import type { RopCoding } from '../../../src/mapi/rops/field.ts';
import { readRops } from '../../../src/mapi/rops/read-rops.ts';
import type { AnyRop } from '../../../src/mapi/rops/rop.ts';
import { Conditional } from '../../../src/mapi/rops/structures.ts';
import { refusesEveryPrefix, written } from '../support.ts';
import { CODING, valuesOf } from './arbitraries.ts';

/** [MS-OXCROPS] 2.2.2: all ids that are not reserved, but for those of responses alone. */
const IDS = `
  01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 29
  2b 2c 2d 2e 2f 30 31 32 33 34 35 36 37 38 39 3a 3b 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50 51 53 54 55
  56 57 58 59 5a 5b 5c 5d 5e 5f 60 61 63 64 66 67 68 69 6b 6c 6d 6f 70 72 73 74 75 76 77 78 79 7a 7b 7e 7f 80 81 82 86 89
  90 91 92 93 9d a3 fe`;

const RETURN_VALUES = [
  ErrorCode.NotFound,
  ErrorCode.NullObject,
  ErrorCode.DstNullObject,
  ErrorCode.WrongServer,
  ErrorCode.ServerBusy,
  ErrorCode.WarnWithErrors,
];
const header = { in: 2, 'in+out': 3, logon: 2, 'response+in': 3, 'source+dest': 3 } as const;
/** RopId, handle index and ReturnValue. */
const RESPONSE_HEADER = 6;

test('every ROP is declared, once', () => {
  const ids = IDS.trim().split(/\s+/);
  assert.deepEqual(
    [...ROPS.keys()].sort((a, b) => a - b).map((id) => id.toString(16).padStart(2, '0')),
    ids,
  );
  assert.equal(new Set([...ROPS.values()].map(({ name }) => name)).size, ids.length);
});

test('what decides whether a field is there stands before it', () => {
  for (const rop of ROPS.values()) {
    for (const fields of [rop.request, rop.response, rop.failure]) {
      const names = Object.keys(fields);
      for (const [at, name] of names.entries()) {
        const field = fields[name];
        if (!(field instanceof Conditional) || typeof field.condition !== 'string') continue;
        const place = names.indexOf(field.condition);
        assert.ok(place >= 0 && place < at, `${rop.name}: ${name}`);
      }
    }
  }
});

for (const rop of ROPS.values()) {
  describe(rop.name, () => {
    test('request', () => roundTripsRequest(rop, CODING));
    if (rop.hasResponse) {
      test('response', () => roundTripsResponse(rop, 0));
      test('failure', () => {
        for (const returnValue of RETURN_VALUES) {
          if (!rop.failureMayBeAbsent(returnValue)) roundTripsResponse(rop, returnValue);
          failsWithNothingDone(rop, returnValue);
        }
      });
    } else {
      test('no response', () => assert.throws(() => rop.writeFailure(written as never, { logonId: 0 }, 1, CODING)));
    }
    test('hostile bytes', () => survivesAnything(rop));
  });
}

function requestsOf(rop: AnyRop): fc.Arbitrary<{ readonly logonId: number } & Readonly<Record<string, unknown>>> {
  const index = fc.nat(0xff);
  const heads: Readonly<Record<string, Readonly<Record<string, fc.Arbitrary<number>>>>> = {
    in: { inputHandleIndex: index },
    'in+out': { inputHandleIndex: index, outputHandleIndex: index },
    logon: { outputHandleIndex: index },
    'response+in': { responseHandleIndex: index, inputHandleIndex: index },
    'source+dest': { sourceHandleIndex: index, destHandleIndex: index },
  };
  return fc
    .record({ logonId: index, ...heads[rop.header] })
    .chain((before) => valuesOf(rop.request, before))
    .map((request) => ({ logonId: Number(request.logonId), ...request }));
}

function roundTripsRequest(rop: AnyRop, coding: RopCoding): void {
  let shortest = Number.POSITIVE_INFINITY;
  fc.assert(
    fc.property(requestsOf(rop), (request) => {
      const bytes = written((writer) => rop.writeRequest(writer, request, coding));
      shortest = Math.min(shortest, bytes.length);
      assert.equal(bytes[0], rop.id);
      const twice = Uint8Array.of(...bytes, ...bytes);
      assert.deepEqual(readRops(twice, coding), [
        { rop, request, start: 0, end: bytes.length },
        { rop, request, start: bytes.length, end: twice.length },
      ]);
      const handleIndex = rop.handleIndexOf(request);
      assert.equal(handleIndex, rop.header === 'in+out' ? bytes[3] : bytes[2]);
      // Nothing at all is a list, too.
      refusesEveryPrefix(bytes.slice(1), (cursor) => rop.readRequest(cursor, coding));
    }),
    { numRuns: 25 },
  );
  assert.ok(shortest >= 1 + header[rop.header]);
}

function roundTripsResponse(rop: AnyRop, returnValue: number): void {
  const fields = rop.succeeds(returnValue) ? rop.response : rop.failure;
  const responses = fc
    .nat(0xff)
    .chain((handleIndex) =>
      valuesOf(fields, { handleIndex, returnValue }).map((values) => ({ handleIndex, returnValue, ...values })),
    );
  fc.assert(
    fc.property(responses, (response) => {
      const bytes = written((writer) => rop.writeResponse(writer, response, CODING));
      assert.equal(bytes[0], rop.responseId);
      const cursor = new Cursor(bytes, 'test');
      cursor.skip(1);
      const read = rop.readResponse(cursor, CODING);
      cursor.end();
      assert.deepEqual(read, { ...response, ok: rop.succeeds(returnValue) });
      for (let length = 1; length < bytes.length; length += 1) {
        assert.throws(() => rop.readResponse(new Cursor(bytes, 'test', 1, length), CODING), ProtocolError, `${length}`);
      }
    }),
    { numRuns: returnValue === 0 ? 25 : 5 },
  );
}

/** What answers a request of which nothing was done, and the same without what there are servers that leave it out. */
function failsWithNothingDone(rop: AnyRop, returnValue: number): void {
  if (rop.succeeds(returnValue)) return;
  fc.assert(
    fc.property(requestsOf(rop), (request) => {
      const bytes = written((writer) => rop.writeFailure(writer, request, returnValue, CODING));
      assert.equal(bytes[0], rop.responseId);
      assert.equal(bytes[1], rop.handleIndexOf(request));
      // Another response follows: RopNotify.
      const cursor = new Cursor(Uint8Array.of(...bytes, 0x2a, 1, 2, 3, 4), 'test', 1);
      const read = rop.readResponse(cursor, CODING);
      assert.equal(read.returnValue, returnValue);
      assert.equal(read.ok, false);
      assert.equal(cursor.offset, bytes.length);
      if (!rop.failureMayBeAbsent(returnValue)) return;
      for (const rest of [[], [0x2a, 1, 2, 3, 4]]) {
        const short = new Cursor(Uint8Array.of(...bytes.subarray(0, RESPONSE_HEADER), ...rest), 'test', 1);
        assert.deepEqual(rop.readResponse(short, CODING), { handleIndex: bytes[1], returnValue, ok: false });
        assert.equal(short.remaining, rest.length);
      }
    }),
    { numRuns: 3 },
  );
}

/** Any bytes behind a RopId, and requests of which one byte is another. */
function survivesAnything(rop: AnyRop): void {
  const spoiled = fc.tuple(requestsOf(rop), fc.nat(), fc.nat(0xff)).map(([request, at, byte]) => {
    const bytes = written((writer) => rop.writeRequest(writer, request, CODING));
    bytes[1 + (at % (bytes.length - 1))] = byte;
    return bytes;
  });
  const any = fc.uint8Array({ maxLength: 64 }).map((bytes) => Uint8Array.of(rop.id, ...bytes));
  fc.assert(
    fc.property(fc.oneof(spoiled, any), (bytes) => {
      for (const coding of [CODING, { codePage: 1252, isPublicLogon: () => true }]) {
        try {
          readRops(bytes, coding);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
        try {
          rop.readResponse(new Cursor(bytes, 'test', 1), coding);
        } catch (error) {
          assert.ok(error instanceof ProtocolError || error instanceof StoreError, String(error));
        }
      }
    }),
    { numRuns: 40 },
  );
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NDR, NDR64 } from '../../src/dcerpc/syntax-id.ts';
import {
  encodeVerificationTrailer,
  type VerificationExpected,
  verifyTrailer,
} from '../../src/dcerpc/verification-trailer.ts';
import { ProtocolError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { hex } from './support.ts';

const MAGIC = '8ae31371 02f43671';
const ECHO_LE = 'c55ea160 e84d d711 a637005056a20182 01000000';
const NDR_LE = '045d888a eb1c c911 9fe808002b104860 02000000';
const CONTEXT = { abstractSyntax: ECHO, transferSyntax: NDR };
const HEADER = { littleEndian: false, callId: 0x01020304, contextId: 5, opnum: 6 };
const EXPECTED: VerificationExpected = { ...HEADER, headerSigning: true, context: CONTEXT };

const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test('the three commands, as [MS-RPCE] 2.2.2.13 lays them out', () => {
  const all = encodeVerificationTrailer(5, { headerSigning: true, context: CONTEXT, header: HEADER });
  const expected = hex(`000000 ${MAGIC} 0100 0400 01000000 0200 2800 ${ECHO_LE} ${NDR_LE}
    0340 1000 00000000 00000000 04030201 0500 0600`);
  assert.deepEqual(all, expected);
  const only = encodeVerificationTrailer(8, { headerSigning: false, context: undefined, header: undefined });
  assert.deepEqual(only, hex(`${MAGIC} 0140 0400 00000000`));
  assert.equal(
    encodeVerificationTrailer(8, { headerSigning: undefined, context: undefined, header: undefined }),
    undefined,
  );
});

test('the server takes off what a client has put on', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (stub, bitmask, context, header) => {
        const tail = encodeVerificationTrailer(stub.length, {
          headerSigning: bitmask ? true : undefined,
          context: context ? CONTEXT : undefined,
          header: header ? HEADER : undefined,
        });
        if (tail === undefined) {
          assert.equal(verifyTrailer(stub, EXPECTED), stub.length);
          return;
        }
        assert.equal((stub.length + tail.length) % 4, 0);
        const padded = stub.length + ((4 - (stub.length % 4)) % 4);
        assert.equal(verifyTrailer(join(stub, tail), EXPECTED), padded);
      },
    ),
  );
});

test('a command that does not hold', () => {
  const tail = encodeVerificationTrailer(0, { headerSigning: true, context: CONTEXT, header: HEADER });
  assert.ok(tail !== undefined);
  const wrong = { code: 'RPCH_BAD_VERIFICATION_TRAILER' };
  assert.equal(verifyTrailer(tail, EXPECTED), 0);
  for (const changes of [
    { headerSigning: false },
    { callId: 1 },
    { contextId: 1 },
    { opnum: 1 },
    { littleEndian: true },
    { context: { ...CONTEXT, transferSyntax: NDR64 } },
    { context: { ...CONTEXT, abstractSyntax: { ...ECHO, version: 2 } } },
  ]) {
    assert.throws(() => verifyTrailer(tail, { ...EXPECTED, ...changes }), wrong);
  }
  const response = new Uint8Array(tail);
  response[response.length - 16] = 2;
  assert.throws(() => verifyTrailer(response, EXPECTED), wrong);
});

test('unknown commands are passed over, unless they must be processed; broken ones are not', () => {
  const wrong = { code: 'RPCH_BAD_VERIFICATION_TRAILER' };
  assert.equal(verifyTrailer(hex(`01020304 ${MAGIC} 0900 0400 ffffffff 0140 0400 01000000`), EXPECTED), 4);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 09c0 0400 ffffffff`), EXPECTED), wrong);
  // no end, a length past the end, a length that is no multiple of 4, lengths that are not those of their commands
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0100 0400 01000000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0140 0800 01000000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0940 0300 010000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0140 0000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0240 0400 00000000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(`${MAGIC} 0340 0400 00000000`), EXPECTED), wrong);
  assert.throws(() => verifyTrailer(hex(MAGIC), EXPECTED), wrong);
});

test('it is found behind stub padding of any length, and in the last 1,024 bytes only', () => {
  const tail = hex(`${MAGIC} 0140 0400 01000000`);
  assert.equal(verifyTrailer(join(hex('0102030000'), tail), EXPECTED), 5);
  assert.equal(verifyTrailer(join(tail, new Uint8Array(1024 - tail.length)), EXPECTED), 0);
  assert.equal(verifyTrailer(join(tail, new Uint8Array(1025 - tail.length)), EXPECTED), 1025);
  assert.equal(verifyTrailer(hex(''), EXPECTED), 0);
});

test('random bytes behind the signature do no worse than a protocol error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        assert.ok(verifyTrailer(join(hex(MAGIC), bytes), EXPECTED) <= bytes.length + 8);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
  );
});

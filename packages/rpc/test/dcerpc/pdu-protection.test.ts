import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCoCancel } from '../../src/dcerpc/cancel.ts';
import { encodeFault } from '../../src/dcerpc/fault.ts';
import { openPdu } from '../../src/dcerpc/pdu.ts';
import type { PduProtection } from '../../src/dcerpc/pdu-protection.ts';
import { decodeRequest, encodeRequest } from '../../src/dcerpc/request.ts';
import { decodeResponse, encodeResponse } from '../../src/dcerpc/response.ts';
import { AuthLevel, AuthType } from '../../src/dcerpc/security-context.ts';
import { ProtocolError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { fakeProtection } from './fake-security.ts';
import { cut, hex } from './support.ts';

const LEVELS = [AuthLevel.connect, AuthLevel.call, AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy];
const CALL = { callId: 7, littleEndian: true, contextId: 1, opnum: 3 };

/** Opens what came in as a receiver does. */
function open(protection: PduProtection, bytes: Uint8Array) {
  const pdu = openPdu(bytes);
  protection.open(bytes, pdu);
  return pdu;
}

test('requests and responses come back as they went, at every level, whatever the fragments', () => {
  fc.assert(
    fc.property(
      fc.record({
        stub: fc.uint8Array({ maxLength: 300 }),
        maxFrag: fc.integer({ min: 100, max: 400 }),
        littleEndian: fc.boolean(),
        hasObject: fc.boolean(),
        authLevel: fc.constantFrom(...LEVELS),
        headerSigning: fc.boolean(),
        negotiable: fc.boolean(),
        signatureLength: fc.integer({ min: 8, max: 36 }),
      }),
      ({ stub, maxFrag, littleEndian, hasObject, ...options }) => {
        const sender = fakeProtection(options);
        const receiver = fakeProtection(options);
        const object = hasObject ? { object: ECHO.uuid } : {};
        for (let round = 0; round < 2; round++) {
          const request = encodeRequest({ ...CALL, littleEndian, stub, ...object }, maxFrag, sender);
          const response = encodeResponse({ ...CALL, littleEndian, cancelCount: 2, stub }, maxFrag, sender);
          assert.equal(cut(request.bytes).length, request.count);
          const parts = cut(request.bytes).map((bytes) => {
            assert.ok(bytes.length <= maxFrag);
            const part = decodeRequest(open(receiver, bytes));
            assert.equal(part.object, hasObject ? ECHO.uuid : undefined);
            return part.stub;
          });
          assert.deepEqual(new Uint8Array(Buffer.concat(parts)), stub);
          const back = cut(response.bytes).map((bytes) => decodeResponse(open(receiver, bytes)));
          assert.deepEqual(new Uint8Array(Buffer.concat(back.map((part) => part.stub))), stub);
          assert.ok(back.every(({ cancelCount }) => cancelCount === 2));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('padding, trailer and token stand where [MS-RPCE] 2.2.2.11 has them', () => {
  const stub = hex('0102030405060708 09');
  const [bytes] = cut(encodeRequest({ ...CALL, stub }, 5840, fakeProtection({ authLevel: 5, authContextId: 9 })).bytes);
  assert.ok(bytes !== undefined);
  // 24 of head, 9 of stub, 7 of padding, 8 of trailer, 16 of token
  assert.equal(bytes.length, 64);
  assert.deepEqual(bytes.subarray(0, 24), hex('05000003 10000000 4000 1000 07000000 09000000 0100 0300'));
  assert.deepEqual(bytes.subarray(24, 48), hex('0102030405060708 09 00000000000000 0a 05 07 00 09000000'));
  const big = encodeRequest({ ...CALL, littleEndian: false, stub }, 5840, fakeProtection({ authContextId: 9 })).bytes;
  assert.deepEqual(new Uint8Array(big.subarray(8, 12)), hex('0040 0010'));
  assert.deepEqual(new Uint8Array(big.subarray(40, 48)), hex('0a 06 07 00 00000009'));
});

test('at level privacy the stub and its padding are encrypted, and nothing else', () => {
  const stub = new Uint8Array(20).fill(0x11);
  const plain = encodeRequest({ ...CALL, stub }, 5840, fakeProtection({ authLevel: AuthLevel.integrity })).bytes;
  const sealed = encodeRequest({ ...CALL, stub }, 5840, fakeProtection()).bytes;
  assert.deepEqual(sealed.subarray(0, 24), plain.subarray(0, 24));
  for (let at = 24; at < 24 + 32; at++) assert.notEqual(sealed[at], plain[at]);
  assert.deepEqual(sealed.subarray(58, 64), plain.subarray(58, 64));
});

test('at level connect nothing is added, and a trailer that is there is not looked into', () => {
  const protection = fakeProtection({ authLevel: AuthLevel.connect, protection: undefined });
  const call = { ...CALL, stub: hex('01020304') };
  assert.deepEqual(encodeRequest(call, 5840, protection), encodeRequest(call, 5840));
  const right = hex(
    `05000003 10000000 2a00 0400 07000000 04000000 0100 0300 01020304 ffff 0a 02 02 00 01000000 deadbeef`,
  );
  assert.deepEqual(decodeRequest(open(protection, right)).stub, hex('01020304'));
  const foreign = new Uint8Array(right);
  foreign[30] = 9;
  assert.throws(() => open(protection, foreign), { code: 'RPCH_FOREIGN_TRAILER' });
});

test('any byte that is changed is an error, where header and trailer are covered', () => {
  for (const authLevel of [AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy]) {
    const sent = encodeResponse(
      { ...CALL, cancelCount: 0, stub: new Uint8Array(40) },
      5840,
      fakeProtection({ authLevel }),
    ).bytes;
    for (let at = 0; at < sent.length; at++) {
      const bytes = new Uint8Array(sent);
      bytes[at] = (bytes[at] as number) ^ 0x41;
      // PTYPE 0x43 does not exist: it is refused where PDUs are told apart
      if (at === 2) continue;
      assert.throws(() => open(fakeProtection({ authLevel }), bytes), ProtocolError, `byte ${at}`);
    }
  }
});

test('without header signing a mechanism that negotiates it covers the stub with its padding, and with it the whole', () => {
  const stub = new Uint8Array(20);
  for (const [headerSigning, negotiable, covered] of [
    [false, true, false],
    [true, true, true],
    [false, false, true],
  ] as const) {
    const options = { headerSigning, negotiable, authLevel: AuthLevel.integrity };
    const sent = encodeRequest({ ...CALL, stub }, 5840, fakeProtection(options)).bytes;
    assert.equal(fakeProtection(options).coversHeader, covered);
    const opnumChanged = new Uint8Array(sent);
    opnumChanged[22] = 9;
    if (covered) assert.throws(() => open(fakeProtection(options), opnumChanged), { code: 'RPCH_BAD_SIGNATURE' });
    else assert.equal(decodeRequest(open(fakeProtection(options), opnumChanged)).opnum, 9);
    const paddingChanged = new Uint8Array(sent);
    paddingChanged[24 + 21] = 1;
    assert.throws(() => open(fakeProtection(options), paddingChanged), { code: 'RPCH_BAD_SIGNATURE' });
  }
});

test('messages are numbered: none may be missing, doubled or out of order', () => {
  const sender = fakeProtection();
  const runs = [1, 2, 3].map((callId) => encodeRequest({ ...CALL, callId, stub: hex('00') }, 5840, sender).bytes);
  const [one, two, three] = runs as [Uint8Array, Uint8Array, Uint8Array];
  const receiver = fakeProtection();
  open(receiver, new Uint8Array(one));
  assert.throws(() => open(receiver, new Uint8Array(three)), { code: 'RPCH_BAD_SIGNATURE' });
  const doubled = fakeProtection();
  open(doubled, new Uint8Array(one));
  assert.throws(() => open(doubled, new Uint8Array(one)), { code: 'RPCH_BAD_SIGNATURE' });
  const right = fakeProtection();
  for (const run of [one, two, three]) open(right, new Uint8Array(run));
});

test('what lacks protection, or has another context’s', () => {
  const plain = () => new Uint8Array(encodeRequest({ ...CALL, stub: hex('01') }, 5840).bytes);
  const answer = new Uint8Array(encodeResponse({ ...CALL, cancelCount: 0, stub: hex('01') }, 5840).bytes);
  for (const authLevel of [AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy]) {
    assert.throws(() => open(fakeProtection({ authLevel }), plain()), { code: 'RPCH_UNPROTECTED_PDU' });
    assert.throws(() => open(fakeProtection({ authLevel }), answer), { code: 'RPCH_UNPROTECTED_PDU' });
  }
  for (const other of [{ authContextId: 2 }, { authLevel: AuthLevel.integrity }, { authType: AuthType.spnego }]) {
    const sent = encodeRequest({ ...CALL, stub: hex('01') }, 5840, fakeProtection(other)).bytes;
    assert.throws(() => open(fakeProtection(), sent), { code: 'RPCH_FOREIGN_TRAILER' });
  }
  const short = encodeRequest({ ...CALL, stub: hex('01') }, 5840, fakeProtection({ signatureLength: 12 })).bytes;
  assert.throws(() => open(fakeProtection(), short), { code: 'RPCH_BAD_SIGNATURE' });
});

test('a token with zero-filled slack is the token; one that reaches into the header is not', () => {
  const sender = fakeProtection({ authLevel: AuthLevel.integrity, headerSigning: false, negotiable: true });
  const sent = encodeRequest({ ...CALL, stub: hex('01') }, 5840, sender).bytes;
  const slack = Buffer.concat([sent, hex('00000000')]);
  slack.writeUInt16LE(slack.length, 8);
  slack.writeUInt16LE(20, 10);
  const receiver = () => fakeProtection({ authLevel: AuthLevel.integrity, negotiable: true });
  assert.deepEqual(new Uint8Array(decodeRequest(open(receiver(), slack)).stub), hex('01'));
  // auth_length 24 of 48 bytes: the trailer begins at 16
  const reaching = hex(`05000003 10000000 3000 1800 07000000 0a050000 01000000 ${'00'.repeat(24)}`);
  assert.throws(() => open(receiver(), reaching), { code: 'RPCH_BAD_AUTH_LENGTH' });
});

test('faults and cancels may come without protection; a signature that is there counts', () => {
  const protection = fakeProtection();
  const { callId, littleEndian, contextId } = CALL;
  const fault = encodeFault({ callId, littleEndian, contextId, cancelCount: 0, pfcFlags: 0, status: 5 });
  open(protection, fault);
  open(protection, encodeCoCancel(7, true));
  const signed = Buffer.concat([encodeCoCancel(7, true), hex('0a060000 01000000'), new Uint8Array(16)]);
  signed.writeUInt16LE(signed.length, 8);
  signed.writeUInt16LE(16, 10);
  assert.throws(() => open(protection, signed), { code: 'RPCH_BAD_SIGNATURE' });
});

test('a level that cannot be had is the caller’s fault', () => {
  for (const [authLevel, protection] of [
    [AuthLevel.none, undefined],
    [7, undefined],
    [AuthLevel.privacy, undefined],
  ] as const) {
    assert.throws(() => fakeProtection({ authLevel, protection }), { code: 'RPCH_BAD_AUTH_LEVEL', fault: 'caller' });
  }
  assert.equal(fakeProtection({ authLevel: AuthLevel.call }).authLevel, AuthLevel.packet);
});

test('random bytes do no worse than a protocol error', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom(0, 2, 3, 18, 19),
      fc.constantFrom(...LEVELS),
      (body, ptype, authLevel) => {
        const bytes = Buffer.concat([hex('05000003 10000000 0000 0000 07000000'), body]);
        bytes[2] = ptype;
        bytes.writeUInt16LE(bytes.length, 8);
        bytes.writeUInt16LE(body.length === 0 ? 0 : (body[0] as number) % (body.length + 8), 10);
        try {
          open(fakeProtection({ authLevel }), bytes);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

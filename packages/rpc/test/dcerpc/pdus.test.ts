import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Bind, decodeBind, encodeBind } from '../../src/dcerpc/bind.ts';
import { type BindAck, decodeBindAck, encodeBindAck } from '../../src/dcerpc/bind-ack.ts';
import { decodeBindNak, describeRejectReason, encodeBindNak } from '../../src/dcerpc/bind-nak.ts';
import { decodeFault, encodeFault } from '../../src/dcerpc/fault.ts';
import { describeFaultStatus, FaultStatus, mayBeSent } from '../../src/dcerpc/fault-status.ts';
import type { PduRun } from '../../src/dcerpc/fragments.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import { decodeRequest, encodeRequest } from '../../src/dcerpc/request.ts';
import { decodeResponse, encodeResponse } from '../../src/dcerpc/response.ts';
import {
  bindTimeFeatureSyntax,
  bindTimeFeatures,
  ifVersion,
  NDR,
  NO_SYNTAX,
  serves,
} from '../../src/dcerpc/syntax-id.ts';
import { ProtocolError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { hex, valueOrProtocolError } from './support.ts';

const ECHO_LE = 'c55ea160 e84d d711 a637005056a20182 01000000';
const ECHO_BE = '60a15ec5 4de8 11d7 a637005056a20182 00000001';
const NDR_LE = '045d888a eb1c c911 9fe808002b104860 02000000';
const NDR_BE = '8a885d04 1ceb 11c9 9fe808002b104860 00000002';

const BIND_LE = hex(`05000b13 10000000 4800 0000 07000000 d016 b810 78563412 01000000 0300 01 00 ${ECHO_LE} ${NDR_LE}`);
const BIND_BE = hex(`05000b13 00000000 0048 0000 00000007 16d0 10b8 12345678 01000000 0003 01 00 ${ECHO_BE} ${NDR_BE}`);
const BIND: Bind = {
  ptype: PduType.bind,
  pfcFlags: 0x13,
  callId: 7,
  littleEndian: true,
  maxXmitFrag: 5840,
  maxRecvFrag: 4280,
  assocGroupId: 0x12345678,
  elements: [{ contextId: 3, abstractSyntax: ECHO, transferSyntaxes: [NDR] }],
};

const ACK_LE = hex(
  `05000c03 10000000 3c00 0000 07000000 d016 d016 21430000 0600 3439303031 00 01000000 0000 0000 ${NDR_LE}`,
);
const ACK_BE = hex(
  `05000c03 00000000 003c 0000 00000007 16d0 16d0 00004321 0006 3439303031 00 01000000 0000 0000 ${NDR_BE}`,
);
const ACK: BindAck = {
  ptype: PduType.bind_ack,
  pfcFlags: 3,
  callId: 7,
  littleEndian: true,
  maxXmitFrag: 5840,
  maxRecvFrag: 5840,
  assocGroupId: 0x4321,
  secondaryAddress: '49001',
  results: [{ result: 0, reason: 0, transferSyntax: NDR }],
};

/** Patches the length that a little-endian prefix of a PDU would have. */
function prefix(pdu: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(pdu.subarray(0, length));
  new DataView(bytes.buffer).setUint16(8, length, true);
  return bytes;
}

/** A run in memory of the plain kind, which deepEqual tells from Node's. */
const plainRun = ({ bytes, count }: PduRun) => ({ bytes: new Uint8Array(bytes), count });

test('bind, little- and big-endian', () => {
  assert.equal(BIND_LE.length, 72);
  assert.deepEqual(decodeBind(openPdu(BIND_LE)), BIND);
  assert.deepEqual(decodeBind(openPdu(BIND_BE)), { ...BIND, littleEndian: false });
  assert.deepEqual(encodeBind(BIND), BIND_LE);
  assert.deepEqual(encodeBind({ ...BIND, littleEndian: false }), BIND_BE);
});

test('bind_ack, little- and big-endian; alter_context_resp without an address', () => {
  // 26 + 6 bytes of address end on a multiple of 4: no padding
  assert.equal(ACK_LE.length, 60);
  assert.deepEqual(decodeBindAck(openPdu(ACK_LE)), ACK);
  assert.deepEqual(decodeBindAck(openPdu(ACK_BE)), { ...ACK, littleEndian: false });
  assert.deepEqual(encodeBindAck(ACK), ACK_LE);
  assert.deepEqual(encodeBindAck({ ...ACK, littleEndian: false }), ACK_BE);

  const resp = hex(`05000f03 10000000 3800 0000 07000000 d016 d016 21430000 0000 0000 01000000 0200 0100
    00000000 0000 0000 0000000000000000 00000000`);
  const rejected: BindAck = {
    ...ACK,
    ptype: PduType.alter_context_resp,
    secondaryAddress: '',
    results: [{ result: 2, reason: 1, transferSyntax: NO_SYNTAX }],
  };
  assert.deepEqual(encodeBindAck(rejected), resp);
  assert.deepEqual(decodeBindAck(openPdu(resp)), rejected);
});

test('bind_ack and alter_context_resp may end in a security trailer whose token is empty', () => {
  const bytes = Buffer.concat([ACK_LE, hex('0a060000 01000000')]);
  bytes.writeUInt16LE(bytes.length, 8);
  assert.deepEqual(decodeBindAck(openPdu(bytes)), ACK);
  const longer = Buffer.concat([bytes, hex('00000000')]);
  longer.writeUInt16LE(longer.length, 8);
  assert.throws(() => decodeBindAck(openPdu(longer)), { code: 'RPCH_TRAILING_BYTES' });
});

test('bind_nak as Samba sends it, and with extended error information', () => {
  const nak = hex('05000d03 10000000 1800 0000 07000000 0800 01 0500 000000');
  const value = { callId: 7, littleEndian: true, reason: 8, versions: [{ major: 5, minor: 0 }] };
  assert.deepEqual(decodeBindNak(openPdu(nak)), value);
  assert.deepEqual(encodeBindNak(value), nak);
  const extended = hex(
    '05000d03 10000000 2a00 0000 07000000 0800 01 0500 000000 20037490d0fad31182d7009027b130ab abcd',
  );
  assert.deepEqual(decodeBindNak(openPdu(extended)), { ...value, extendedError: hex('abcd') });
  assert.equal(describeRejectReason(8), 'authentication_type_not_recognized');
  assert.equal(describeRejectReason(77), 'reject reason 77');
});

test('request, with and without an object', () => {
  const plain = hex('05000003 10000000 1c00 0000 09000000 04000000 0300 0100 29000000');
  const call = { callId: 9, littleEndian: true, contextId: 3, opnum: 1, stub: hex('29000000') };
  assert.deepEqual(plainRun(encodeRequest(call, 5840)), { bytes: plain, count: 1 });
  assert.deepEqual(decodeRequest(openPdu(plain)), { ...call, pfcFlags: 3, allocHint: 4, object: undefined });

  const big = hex(`05000083 00000000 002c 0000 00000009 00000004 0003 0001
    60a15ec5 4de8 11d7 a637005056a20182 00000029`);
  const withObject = { ...call, littleEndian: false, object: ECHO.uuid, stub: hex('00000029') };
  assert.deepEqual(plainRun(encodeRequest(withObject, 5840)), { bytes: big, count: 1 });
  assert.deepEqual(decodeRequest(openPdu(big)), { ...withObject, pfcFlags: 0x83, allocHint: 4 });
});

test('response and fault', () => {
  const response = hex('05000203 10000000 1c00 0000 09000000 04000000 0300 01 00 2a000000');
  const call = { callId: 9, littleEndian: true, contextId: 3, cancelCount: 1, stub: hex('2a000000') };
  assert.deepEqual(plainRun(encodeResponse(call, 5840)), { bytes: response, count: 1 });
  assert.deepEqual(decodeResponse(openPdu(response)), { ...call, pfcFlags: 3, allocHint: 4 });

  const fault = hex('05000323 00000000 0020 0000 00000009 00000018 0003 00 00 1c010002 00000000');
  const value = { pfcFlags: 0x23, callId: 9, littleEndian: false, contextId: 3, cancelCount: 0, status: 0x1c010002 };
  assert.deepEqual(encodeFault(value), fault);
  assert.deepEqual(decodeFault(openPdu(fault)), value);
  const extended = hex('05000303 10000000 2200 0000 09000000 22000000 0300 00 01 05000000 00000000 abcd');
  const denied = { ...value, pfcFlags: 3, littleEndian: true, status: FaultStatus.access_denied };
  assert.deepEqual(decodeFault(openPdu(extended)), { ...denied, extendedError: hex('abcd') });
});

test('names of fault statuses', () => {
  assert.equal(describeFaultStatus(0x1c00001c), 'nca_s_invalid_pres_context_id');
  assert.equal(describeFaultStatus(0x80070005), '0x80070005');
  assert.ok(mayBeSent(FaultStatus.nca_s_proto_error));
  assert.ok(!mayBeSent(0));
  assert.ok(!mayBeSent(0xc0000005));
});

test('the security trailer is taken off the body, with its padding', () => {
  // 4 bytes of stub, 4 of padding, the trailer, 2 of token
  const pdu = hex(`05000003 10000000 2a00 0200 09000000 04000000 0000 0000 29000000 00000000
    0a 06 04 00 44332211 abcd`);
  const { body, secTrailer } = openPdu(pdu);
  assert.deepEqual(body, hex('04000000 0000 0000 29000000'));
  const expected = { authType: 10, authLevel: 6, authPadLength: 4, authContextId: 0x11223344, token: hex('abcd') };
  assert.deepEqual(secTrailer, expected);
  const broken = (at: number, value: number) => {
    const bytes = new Uint8Array(pdu);
    bytes[at] = value;
    return () => openPdu(bytes);
  };
  assert.throws(broken(10, 19), { code: 'RPCH_BAD_AUTH_LENGTH' });
  assert.throws(broken(11, 0xff), { code: 'RPCH_BAD_AUTH_LENGTH' });
  assert.throws(broken(34, 17), { code: 'RPCH_BAD_AUTH_PAD' });
  assert.throws(broken(4, 0x30), { code: 'RPCH_BAD_DREP' });
});

test('what no bind may look like', () => {
  const broken = (at: number, value: number) => {
    const bytes = new Uint8Array(BIND_LE);
    bytes[at] = value;
    return () => decodeBind(openPdu(bytes));
  };
  assert.throws(broken(3, 0x01), { code: 'RPCH_BAD_PFC_FLAGS' });
  assert.throws(broken(24, 0), { code: 'RPCH_EMPTY_BIND' });
  assert.throws(broken(24, 2), { code: 'RPCH_SHORT_FRAME' });
  assert.throws(broken(30, 0), { code: 'RPCH_EMPTY_BIND' });
  assert.throws(broken(30, 2), { code: 'RPCH_SHORT_FRAME' });
  assert.throws(() => decodeBind(openPdu(prefix(hex(`${Buffer.from(BIND_LE).toString('hex')}00`), 73))), {
    code: 'RPCH_TRAILING_BYTES',
  });
});

test('more contexts than a PDU holds are the caller’s fault', () => {
  const element = { contextId: 0, abstractSyntax: ECHO, transferSyntaxes: Array(255).fill(NDR) };
  assert.throws(() => encodeBind({ ...BIND, elements: Array(13).fill(element) }), { code: 'RPCH_PDU_TOO_LONG' });
});

test('bind-time features are a syntax of their own', () => {
  const syntax = { uuid: '6cb71c2c-9812-4540-0300-000000000000', version: 1 };
  assert.deepEqual(bindTimeFeatureSyntax(3), syntax);
  assert.equal(bindTimeFeatures(syntax), 3);
  assert.equal(bindTimeFeatures({ ...syntax, version: 2 }), undefined);
  assert.equal(bindTimeFeatures(NDR), undefined);
});

test('an interface serves its major version, up to its minor version', () => {
  const offered = { uuid: ECHO.uuid, version: ifVersion(2, 3) };
  const wanted = (major: number, minor: number) => ({ uuid: ECHO.uuid, version: ifVersion(major, minor) });
  assert.ok(serves(offered, wanted(2, 3)));
  assert.ok(serves(offered, wanted(2, 0)));
  assert.ok(!serves(offered, wanted(2, 4)));
  assert.ok(!serves(offered, wanted(1, 3)));
  assert.ok(!serves(offered, { ...wanted(2, 3), uuid: NDR.uuid }));
});

const DECODERS: readonly ((pdu: Pdu) => unknown)[] = [
  decodeBind,
  decodeBindAck,
  decodeBindNak,
  decodeRequest,
  decodeResponse,
  decodeFault,
];

test('a PDU of another type is refused by every decoder', () => {
  const orphaned = openPdu(hex('05001303 10000000 1000 0000 01000000'));
  for (const decode of DECODERS) assert.throws(() => decode(orphaned), { code: 'RPCH_UNEXPECTED_PDU' });
});

test('every prefix of a PDU is a ProtocolError or a shorter PDU', () => {
  const fault = { pfcFlags: 0, callId: 9, littleEndian: true, contextId: 3, cancelCount: 0, status: 5 };
  const call = { callId: 9, littleEndian: true, contextId: 3, stub: hex('') };
  const cases: readonly [Uint8Array, (pdu: Pdu) => unknown][] = [
    [BIND_LE, decodeBind],
    [encodeBindAck(ACK), decodeBindAck],
    [encodeFault(fault), decodeFault],
    [encodeRequest({ ...call, opnum: 0, object: ECHO.uuid }, 5840).bytes, decodeRequest],
    [encodeResponse({ ...call, cancelCount: 0 }, 5840).bytes, decodeResponse],
  ];
  for (const [pdu, decode] of cases) {
    for (let length = 0; length < 16; length++) {
      assert.throws(() => openPdu(pdu.subarray(0, length)), ProtocolError);
    }
    for (let length = 16; length < pdu.length; length++) {
      assert.throws(() => decode(openPdu(prefix(pdu, length))), ProtocolError, `${decode.name} of ${length}`);
    }
  }
});

test('random bodies never do worse than a ProtocolError', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.values(PduType)),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x00, 0x10),
      fc.integer({ min: 0, max: 3 }),
      fc.uint8Array({ maxLength: 200 }),
      (ptype, flags, drep, authLength, body) => {
        const length = 16 + body.length;
        const le = drep === 0x10;
        const bytes = new Uint8Array(length);
        bytes.set([5, 0, ptype, flags | PfcFlag.FIRST_FRAG | PfcFlag.LAST_FRAG, drep]);
        new DataView(bytes.buffer).setUint16(8, length, le);
        new DataView(bytes.buffer).setUint16(10, authLength, le);
        bytes.set(body, 16);
        for (const decode of DECODERS) valueOrProtocolError(() => decode(openPdu(bytes)));
      },
    ),
    { numRuns: 500 },
  );
});

const plain = { noNullPrototype: true } as const;
const syntaxes = fc.record({ uuid: fc.uuid(), version: fc.nat(0xffffffff) }, plain);
const u16 = fc.nat(0xffff);

test('bind and bind_ack come back as they went', () => {
  const elements = fc.array(
    fc.record(
      {
        contextId: u16,
        abstractSyntax: syntaxes,
        transferSyntaxes: fc.array(syntaxes, { minLength: 1, maxLength: 4 }),
      },
      plain,
    ),
    { minLength: 1, maxLength: 4 },
  );
  const common = {
    callId: fc.nat(0xffffffff),
    littleEndian: fc.boolean(),
    maxXmitFrag: u16,
    maxRecvFrag: u16,
    assocGroupId: fc.nat(0xffffffff),
  };
  fc.assert(
    fc.property(fc.record({ ...common, elements }), (fields) => {
      const bind: Bind = { ...fields, ptype: PduType.alter_context, pfcFlags: 0x13 };
      assert.deepEqual(decodeBind(openPdu(encodeBind(bind))), bind);
    }),
  );
  const results = fc.array(fc.record({ result: u16, reason: u16, transferSyntax: syntaxes }, plain), { maxLength: 4 });
  const secondaryAddress = fc.stringMatching(/^[ -~]{0,20}$/);
  fc.assert(
    fc.property(fc.record({ ...common, results, secondaryAddress }), (fields) => {
      const ack: BindAck = { ...fields, ptype: PduType.bind_ack, pfcFlags: 3 };
      assert.deepEqual(decodeBindAck(openPdu(encodeBindAck(ack))), ack);
    }),
  );
});

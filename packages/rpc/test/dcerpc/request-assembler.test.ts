import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeFault } from '../../src/dcerpc/fault.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { encodeRequest } from '../../src/dcerpc/request.ts';
import { MAX_REQUEST_STUB } from '../../src/dcerpc/request-assembler.ts';
import type { RpcCall, RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { bindPdu, cut, hex, Recorder, requestRun, serverAssociation } from './support.ts';

/** An interface that keeps what it is called with, and an association of it. */
function begin({ multiplexed = true } = {}) {
  const calls: { readonly opnum: number; readonly stub: Uint8Array; readonly call: RpcCall }[] = [];
  const served: RpcInterface = {
    name: 'kept',
    syntax: ECHO,
    handle(opnum, stub, _littleEndian, call) {
      calls.push({ opnum, stub, call });
      return new Uint8Array(0);
    },
  };
  const output = new Recorder();
  const association = serverAssociation(output, { interfaces: [served] });
  association.rpc(bindPdu({ pfcFlags: multiplexed ? PfcFlag.CONC_MPX : 0 }), 1);
  output.take();
  return { association, output, calls };
}

/** The fragments of a request whose stub is as long as that. */
function fragments(callId: number, length = 100, changes: { contextId?: number; littleEndian?: boolean } = {}) {
  return cut(requestRun(callId, 1, new Uint8Array(length), { maxFrag: 64, ...changes }));
}

function withFlags(pdu: Uint8Array, flags: number): Uint8Array {
  const changed = new Uint8Array(pdu);
  changed[3] = flags;
  return changed;
}

function withAllocHint(pdu: Uint8Array, hint: number): Uint8Array {
  const changed = new Uint8Array(pdu);
  new DataView(changed.buffer).setUint32(16, hint, true);
  return changed;
}

/** What the association answered: the call and the status of its one fault. */
function faultOf(output: Recorder): readonly [callId: number, status: number, flags: number] {
  const pdu = output.takeOne();
  assert.equal(pdu.ptype, PduType.fault);
  return [pdu.callId, decodeFault(pdu).status, pdu.pfcFlags];
}

const PROTO_ERROR = 0x1c01000b;

test('requests come back as they went, whatever the fragments', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 48, max: 400 }),
      fc.boolean(),
      fc.boolean(),
      (stub, maxFrag, littleEndian, hasObject) => {
        const { association, calls } = begin();
        const call = { callId: 7, littleEndian, contextId: 0, opnum: 3, stub, ...(hasObject && { object: ECHO.uuid }) };
        const pdus = cut(encodeRequest(call, maxFrag).bytes);
        for (const pdu of pdus) {
          assert.equal(calls.length, 0);
          association.rpc(pdu, 1);
          pdu.fill(0);
        }
        assert.deepEqual(calls[0]?.stub, stub);
        assert.equal(calls[0]?.call.object, hasObject ? ECHO.uuid : undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test('4 MiB are accepted, one byte more is access_denied and the end', () => {
  const { association, output, calls } = begin();
  const run = (length: number) => requestRun(2, 1, new Uint8Array(length));
  for (const pdu of cut(run(MAX_REQUEST_STUB))) association.rpc(pdu, 1);
  assert.equal(calls[0]?.stub.length, MAX_REQUEST_STUB);
  output.take();
  const more = cut(run(MAX_REQUEST_STUB + 1)).map((pdu) => withAllocHint(pdu, 0));
  for (const pdu of more) association.rpc(pdu, 1);
  assert.deepEqual(faultOf(output), [2, 5, 3]);
  assert.equal(output.ended?.code, 'RPCH_REQUEST_TOO_LONG');
});

test('an alloc_hint over 4 MiB is refused at once, unless the request is whole', () => {
  const whole = begin();
  whole.association.rpc(withAllocHint(requestRun(2, 1, hex('01020304')), 0xffffffff), 1);
  assert.deepEqual(whole.calls[0]?.stub, hex('01020304'));
  const { association, output } = begin();
  association.rpc(withAllocHint(fragments(2)[0] ?? hex(''), MAX_REQUEST_STUB + 1), 1);
  assert.deepEqual(faultOf(output), [2, 5, 3]);
  assert.equal(output.ended?.code, 'RPCH_REQUEST_TOO_LONG');
});

test('what follows of a call that was refused at its first fragment is ignored, and nothing else is', () => {
  const { association, output, calls } = begin();
  const [first, ...rest] = fragments(2, 100, { contextId: 9 });
  association.rpc(first ?? hex(''), 1);
  assert.deepEqual(faultOf(output), [2, 0x1c010003, 0x23]);
  for (const pdu of rest) association.rpc(pdu, 1);
  assert.equal(output.pdus.length, 0);
  association.rpc(requestRun(3, 1, hex('01')), 1);
  assert.equal(calls.length, 1);
  output.take();
  association.rpc(rest[0] ?? hex(''), 1);
  assert.deepEqual(faultOf(output), [2, 0x1c010003, 0x23]);
  association.rpc(fragments(4)[1] ?? hex(''), 1);
  assert.deepEqual(faultOf(output), [4, PROTO_ERROR, 3]);
  assert.equal(output.ended?.code, 'RPCH_NO_SUCH_CALL');
});

test('fragments out of order: the fault names the call that was begun, unless calls may overlap', () => {
  const cases: readonly [boolean, Uint8Array | undefined, number][] = [
    [false, fragments(3)[0], 2],
    [true, fragments(3)[0], 3],
    [false, fragments(3)[1], 2],
    [true, fragments(3)[1], 3],
    [false, fragments(2)[0], 2],
    [true, fragments(2)[0], 2],
  ];
  for (const [multiplexed, pdu, named] of cases) {
    const { association, output } = begin({ multiplexed });
    association.rpc(fragments(2)[0] ?? hex(''), 1);
    association.rpc(pdu ?? hex(''), 1);
    assert.deepEqual(faultOf(output), [named, PROTO_ERROR, 3]);
    assert.equal(output.ended?.code, 'RPCH_INTERLEAVED_FRAGMENTS');
  }
  const foreign = begin();
  foreign.association.rpc(fragments(2)[0] ?? hex(''), 1);
  foreign.association.rpc(fragments(2, 100, { littleEndian: false })[1] ?? hex(''), 1);
  assert.equal(foreign.output.ended?.code, 'RPCH_FOREIGN_FRAGMENT');
});

test('context and operation of later fragments do not count', () => {
  const { association, calls } = begin();
  const [first, ...rest] = fragments(2);
  association.rpc(first ?? hex(''), 1);
  for (const pdu of rest)
    association.rpc(new Uint8Array(pdu.map((byte, at) => (at >= 20 && at < 24 ? 0x6f : byte))), 1);
  assert.equal(calls[0]?.opnum, 1);
  assert.equal(calls[0]?.stub.length, 100);
});

test('a call that begins cancelled is no call, one that is cancelled later goes on', () => {
  const { association, output, calls } = begin();
  const [first, ...rest] = fragments(2);
  association.rpc(first ?? hex(''), 1);
  for (const pdu of rest) association.rpc(withFlags(pdu, (pdu[3] ?? 0) | PfcFlag.PENDING_CANCEL), 1);
  assert.equal(calls.length, 1);
  output.take();
  association.rpc(withFlags(requestRun(3, 1, hex('01')), 3 | PfcFlag.PENDING_CANCEL), 1);
  assert.deepEqual(faultOf(output), [3, 0x6bd, 0x23]);
});

test('fragments longer than what Windows receives end the association', () => {
  const { association, output, calls } = begin();
  association.rpc(requestRun(2, 1, new Uint8Array(5840 - 24), { maxFrag: 5848 }), 1);
  assert.equal(calls.length, 1);
  output.take();
  association.rpc(requestRun(3, 1, new Uint8Array(5840 - 23), { maxFrag: 5848 }), 1);
  assert.deepEqual(faultOf(output), [3, PROTO_ERROR, 3]);
  assert.equal(output.ended?.code, 'RPCH_FRAGMENT_TOO_LONG');
});

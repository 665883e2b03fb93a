import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import { decodeBindAck } from '../../src/dcerpc/bind-ack.ts';
import { decodeBindNak } from '../../src/dcerpc/bind-nak.ts';
import { decodeFault, RpcFaultError } from '../../src/dcerpc/fault.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import { decodeResponse } from '../../src/dcerpc/response.ts';
import type { RpcCall, RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import { MAX_PARKED } from '../../src/dcerpc/server-association.ts';
import { MAX_CONCURRENT_CALLS, MAX_CONCURRENT_STUB } from '../../src/dcerpc/server-calls.ts';
import { bindTimeFeatureSyntax, NDR, NDR64 } from '../../src/dcerpc/syntax-id.ts';
import { ProtocolError } from '../../src/errors.ts';
import { ECHO, EchoOpnum, echoInterface } from '../../src/interfaces/echo.ts';
import { bindPdu, ECHO_ELEMENT, hex, Recorder, requestRun, serverAssociation, sizedBytes, u32 } from './support.ts';

function begin(served: RpcInterface = echoInterface, groups = new AssociationGroups(), client = 'a') {
  const output = new Recorder();
  const association = serverAssociation(output, { interfaces: [served], groups, client });
  return { association, output, groups };
}

function bound(served?: RpcInterface, bind: Uint8Array = bindPdu()) {
  const begun = begin(served);
  begun.association.rpc(bind, 1);
  assert.equal(begun.output.takeOne().ptype, PduType.bind_ack);
  return begun;
}

/** An interface whose calls are answered when the test says so. */
function deferred() {
  const pending: PromiseWithResolvers<Uint8Array>[] = [];
  const calls: RpcCall[] = [];
  const served: RpcInterface = {
    name: 'deferred',
    syntax: ECHO,
    handle(_opnum, _stub, _littleEndian, call) {
      const answer = Promise.withResolvers<Uint8Array>();
      pending.push(answer);
      calls.push(call);
      return answer.promise;
    },
  };
  return { served, pending, calls };
}

/** A bare header, and a PDU with a security trailer of NTLM without a token's worth of sense. */
const bare = (ptype: number, callId: number) =>
  hex(`0500${ptype.toString(16).padStart(2, '0')}03 10000000 1000 0000
  ${callId.toString(16).padStart(2, '0')}000000`);

function authenticated(pdu: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([pdu, hex('0a060000 00000000 abcdabcd')]);
  bytes.writeUInt16LE(bytes.length, 8);
  bytes.writeUInt16LE(4, 10);
  return new Uint8Array(bytes);
}

const addOne = (callId: number, value = 41) => requestRun(callId, EchoOpnum.AddOne, u32(value));
const faultStatus = (pdu: Pdu) => decodeFault(pdu).status;

test('bind: contexts in order, sizes, group, address, CONC_MPX', () => {
  const { association, output } = begin();
  const elements = [
    ECHO_ELEMENT,
    { ...ECHO_ELEMENT, contextId: 1, transferSyntaxes: [NDR64] },
    { ...ECHO_ELEMENT, contextId: 2, transferSyntaxes: [bindTimeFeatureSyntax(3)] },
    { ...ECHO_ELEMENT, contextId: 3, abstractSyntax: { ...ECHO, version: 9 } },
  ];
  assert.ok(!association.bound);
  association.rpc(bindPdu({ callId: 5, maxRecvFrag: 4283, elements }), 1);
  assert.ok(association.bound);
  const ack = decodeBindAck(output.takeOne());
  assert.equal(ack.callId, 5);
  assert.equal(ack.maxXmitFrag, 4280);
  assert.equal(ack.maxRecvFrag, 4280);
  assert.notEqual(ack.assocGroupId, 0);
  assert.equal(ack.secondaryAddress, '49001');
  assert.equal(ack.pfcFlags, 3 | PfcFlag.CONC_MPX);
  assert.deepEqual(
    ack.results.map(({ result, reason }) => [result, reason]),
    [
      [0, 0],
      [2, 2],
      [3, 2],
      [2, 1],
    ],
  );
  const signing = begin();
  signing.association.rpc(bindPdu({ pfcFlags: PfcFlag.SUPPORT_HEADER_SIGN }), 1);
  assert.equal(signing.output.takeOne().pfcFlags, 3 | PfcFlag.SUPPORT_HEADER_SIGN);
});

test('a whole session in big-endian is answered in big-endian', () => {
  const { association, output } = begin();
  association.rpc(bindPdu({ littleEndian: false }), 1);
  const ack = decodeBindAck(output.takeOne());
  assert.ok(!ack.littleEndian);
  assert.deepEqual(ack.results, [{ result: 0, reason: 0, transferSyntax: NDR }]);
  association.rpc(requestRun(2, EchoOpnum.AddOne, u32(41, false), { littleEndian: false }), 1);
  const response = decodeResponse(output.takeOne());
  assert.ok(!response.littleEndian);
  assert.deepEqual(response.stub, u32(42, false));
  association.rpc(requestRun(3, 10, hex(''), { littleEndian: false }), 1);
  assert.equal(faultStatus(output.takeOne()), 0x1c010002);
});

test('alter_context adds a context, without an address', () => {
  const { association, output } = bound();
  const elements = [{ ...ECHO_ELEMENT, contextId: 9 }];
  association.rpc(bindPdu({ ptype: PduType.alter_context, callId: 2, elements }), 1);
  const ack = decodeBindAck(output.takeOne());
  assert.equal(ack.ptype, PduType.alter_context_resp);
  assert.equal(ack.secondaryAddress, '');
  association.rpc(requestRun(3, EchoOpnum.AddOne, u32(1), { contextId: 9 }), 1);
  assert.deepEqual(decodeResponse(output.takeOne()).stub, u32(2));
});

test('association groups: joined by the same client, refused to another', () => {
  const groups = new AssociationGroups();
  const first = begin(echoInterface, groups);
  first.association.rpc(bindPdu(), 1);
  const { assocGroupId } = decodeBindAck(first.output.takeOne());
  const second = begin(echoInterface, groups);
  second.association.rpc(bindPdu({ assocGroupId }), 1);
  assert.equal(decodeBindAck(second.output.takeOne()).assocGroupId, assocGroupId);
  const stranger = begin(echoInterface, groups, 'b');
  stranger.association.rpc(bindPdu({ assocGroupId }), 1);
  assert.equal(decodeBindNak(stranger.output.takeOne()).reason, 0);
  assert.equal(stranger.output.ended?.code, 'RPCH_NO_SUCH_GROUP');
  first.association.close();
  first.association.close();
  second.association.close();
  assert.equal(groups.size, 0);
});

test('a server without security providers recognises no auth_type', () => {
  const { association, output } = begin();
  association.rpc(authenticated(bindPdu()), 1);
  const nak = decodeBindNak(output.takeOne());
  assert.equal(nak.reason, 8);
  assert.deepEqual(nak.versions, [{ major: 5, minor: 0 }]);
  assert.equal(output.ended?.code, 'RPCH_NO_RPC_SECURITY');
  association.rpc(bindPdu(), 1);
  assert.equal(output.pdus.length, 0);

  const altered = bound();
  altered.association.rpc(authenticated(bindPdu({ ptype: PduType.alter_context })), 1);
  assert.equal(faultStatus(altered.output.takeOne()), 5);
  assert.equal(altered.output.ended?.code, 'RPCH_RPC_AUTH_REFUSED');

  const called = bound();
  called.association.rpc(authenticated(addOne(2)), 1);
  assert.equal(faultStatus(called.output.takeOne()), 5);
  assert.equal(called.output.ended?.code, 'RPCH_UNPROTECTED_CALL');
});

test('faults that leave the association as it was', () => {
  const { association, output } = bound();
  const elements = [{ ...ECHO_ELEMENT, contextId: 7, abstractSyntax: NDR64 }];
  association.rpc(bindPdu({ ptype: PduType.alter_context, elements }), 1);
  output.take();
  const cases: readonly [Uint8Array, number, number][] = [
    [requestRun(2, 10, hex('')), 0x1c010002, 0x23],
    [requestRun(3, EchoOpnum.AddOne, hex('0102')), 0x6f7, 3],
    [requestRun(4, EchoOpnum.AddOne, u32(1), { contextId: 8 }), 0x1c010003, 0x23],
    [requestRun(5, EchoOpnum.AddOne, u32(1), { contextId: 7 }), 0x1c010003, 0x23],
  ];
  for (const [request, status, flags] of cases) {
    association.rpc(request, 1);
    const pdu = output.takeOne();
    assert.equal(pdu.callId, openPdu(request).callId);
    assert.equal(faultStatus(pdu), status);
    assert.equal(pdu.pfcFlags, flags);
  }
  association.rpc(addOne(6), 1);
  assert.deepEqual(decodeResponse(output.takeOne()).stub, u32(42));
  assert.equal(output.ended, undefined);
});

test('an unknown context is told at the first fragment', () => {
  const { association, output } = bound();
  const run = requestRun(2, EchoOpnum.SinkData, new Uint8Array(3000), { contextId: 8, maxFrag: 1432 });
  association.rpc(run.subarray(0, 1432), 1);
  assert.equal(faultStatus(output.takeOne()), 0x1c010003);
  association.rpc(run.subarray(1432), 2);
  assert.equal(output.pdus.length, 0);
  assert.equal(output.ended, undefined);
});

test('what breaks the rules is answered and ends the association', () => {
  const alter = bindPdu({ ptype: PduType.alter_context });
  const unbound: readonly [Uint8Array, number | undefined][] = [
    [addOne(1), PduType.fault],
    [alter, PduType.fault],
    [bindPdu({ elements: [] }), PduType.bind_nak],
    [bare(PduType.auth3, 1), undefined],
    [bare(PduType.shutdown, 1), undefined],
    [bare(1, 1), undefined],
  ];
  for (const [pdu, answer] of unbound) {
    const { association, output } = begin();
    association.rpc(pdu, 1);
    assert.ok(output.ended instanceof ProtocolError);
    assert.deepEqual(
      output.take().map(({ ptype }) => ptype),
      answer === undefined ? [] : [answer],
    );
  }
  const { association, output } = bound();
  association.rpc(bindPdu(), 1);
  assert.equal(decodeBindNak(output.takeOne()).reason, 0);
  assert.equal(output.ended?.code, 'RPCH_SECOND_BIND');
  const rts = bound();
  rts.association.rts(bare(PduType.rts, 0));
  assert.equal(rts.output.ended?.code, 'RPCH_UNEXPECTED_PDU');
});

test('a response is cut to what was negotiated', () => {
  const { association, output } = bound(echoInterface, bindPdu({ maxRecvFrag: 1432 }));
  const data = Uint8Array.from({ length: 3000 }, (_, i) => i & 0xff);
  association.rpc(requestRun(2, EchoOpnum.EchoData, sizedBytes(data), { maxFrag: 1432 }), 3);
  const responses = output.take().map(decodeResponse);
  assert.deepEqual(
    responses.map(({ pfcFlags, allocHint }) => [pfcFlags, allocHint]),
    [
      [1, 3004],
      [0, 3004 - 1408],
      [2, 3004 - 2816],
    ],
  );
  assert.deepEqual(new Uint8Array(Buffer.concat(responses.map(({ stub }) => stub)).subarray(4)), data);
});

test('with CONC_MPX calls overlap, and answers come as they are ready', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served);
  association.rpc(addOne(2), 1);
  association.rpc(addOne(3), 1);
  pending[1]?.resolve(u32(3));
  await pending[1]?.promise;
  assert.equal(output.takeOne().callId, 3);
  pending[0]?.reject(new RpcFaultError(0x1c000024));
  await pending[0]?.promise.catch(() => {});
  const fault = output.takeOne();
  assert.equal(fault.callId, 2);
  assert.equal(faultStatus(fault), 0x1c000024);
  association.rpc(addOne(4), 1);
  association.rpc(addOne(4), 1);
  assert.equal(output.ended?.code, 'RPCH_CALL_IN_PROGRESS');
});

test('without CONC_MPX a second call has to wait for the first', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served, bindPdu({ pfcFlags: 0 }));
  association.rpc(addOne(2), 1);
  pending[0]?.resolve(u32(2));
  await pending[0]?.promise;
  association.rpc(addOne(3), 1);
  assert.equal(output.takeOne().callId, 2);
  association.rpc(addOne(4), 1);
  assert.equal(faultStatus(output.takeOne()), 0x1c01000b);
  assert.equal(output.ended?.code, 'RPCH_CALL_IN_PROGRESS');
  pending[1]?.resolve(u32(3));
  await pending[1]?.promise;
  assert.equal(output.pdus.length, 0);
});

test('concurrent calls are limited in number and in bytes', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served);
  for (let i = 0; i < MAX_CONCURRENT_CALLS; i++) association.rpc(addOne(i), 1);
  association.rpc(addOne(1000), 1);
  assert.equal(faultStatus(output.takeOne()), 0x1c010014);
  pending[0]?.resolve(u32(0));
  await pending[0]?.promise;
  output.take();
  association.rpc(addOne(1001), 1);
  assert.equal(pending.length, MAX_CONCURRENT_CALLS + 1);

  const large = deferred();
  const other = bound(large.served);
  const half = new Uint8Array(MAX_CONCURRENT_STUB / 2);
  const call = (callId: number, stub: Uint8Array) => {
    const run = requestRun(callId, 0, stub, { maxFrag: 5840 });
    other.association.rpc(run, 0);
  };
  call(1, half);
  call(2, half);
  call(3, hex('00'));
  assert.equal(faultStatus(other.output.takeOne()), 0x1c010014);
  assert.equal(large.pending.length, 2);
});

test('a handler that fails otherwise is reported, and its client learns no more than that', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served);
  association.rpc(addOne(2), 1);
  const cause = new TypeError('a defect');
  pending[0]?.reject(cause);
  await pending[0]?.promise.catch(() => {});
  assert.equal(faultStatus(output.takeOne()), 0x1c000012);
  assert.equal(output.failures[0]?.cause, cause);

  const forbidden: RpcInterface = {
    name: 'forbidden',
    syntax: ECHO,
    handle() {
      throw new RpcFaultError(0xc0000005);
    },
  };
  const other = bound(forbidden);
  other.association.rpc(addOne(2), 1);
  assert.equal(faultStatus(other.output.takeOne()), 0x1c000012);
  assert.equal(other.output.failures.length, 1);
});

test('co_cancel tells the handler, which answers all the same', async () => {
  const { served, pending, calls } = deferred();
  const { association, output } = bound(served);
  association.rpc(bare(PduType.co_cancel, 2), 1);
  association.rpc(addOne(2), 1);
  association.rpc(addOne(3), 1);
  const signal = calls[0]?.signal;
  association.rpc(bare(PduType.co_cancel, 2), 1);
  assert.ok(signal?.aborted);
  assert.ok(!calls[1]?.signal.aborted);
  pending[0]?.reject(signal.reason);
  await pending[0]?.promise.catch(() => {});
  assert.equal(faultStatus(output.takeOne()), 0x1c00000d);
  association.rpc(bare(PduType.co_cancel, 3), 1);
  // timers reject with an error of their own
  pending[1]?.reject(new DOMException('aborted', 'AbortError'));
  await pending[1]?.promise.catch(() => {});
  assert.equal(faultStatus(output.takeOne()), 0x1c00000d);
  assert.equal(output.failures.length, 0);
});

test('a signal that is asked for late is aborted already', () => {
  const { served, calls } = deferred();
  const { association } = bound(served);
  association.rpc(addOne(2), 1);
  association.rpc(bare(PduType.co_cancel, 2), 1);
  assert.ok(calls[0]?.signal.aborted);
});

test('an orphaned call is told to its handler and not answered, and the connection lives on', async () => {
  const { served, pending, calls } = deferred();
  const { association, output } = bound(served, bindPdu({ pfcFlags: 0 }));
  association.rpc(addOne(2), 1);
  association.rpc(bare(PduType.orphaned, 2), 1);
  assert.ok(calls[0]?.signal.aborted);
  association.rpc(addOne(3), 1);
  pending[0]?.resolve(u32(2));
  pending[1]?.resolve(u32(3));
  await Promise.all(pending.map(({ promise }) => promise));
  assert.equal(output.takeOne().callId, 3);
  // of a call whose fragments are still coming in nothing is dropped, as Samba's tests of Windows' conduct have it
  const run = requestRun(4, EchoOpnum.AddOne, new Uint8Array(3000), { maxFrag: 1432 });
  association.rpc(run.subarray(0, 1432), 1);
  association.rpc(bare(PduType.orphaned, 4), 1);
  association.rpc(run.subarray(1432), 2);
  assert.equal(pending.length, 3);
  assert.equal(output.ended, undefined);
});

test('handlers of a connection that has gone are told', () => {
  const { served, calls } = deferred();
  const { association } = bound(served);
  association.rpc(addOne(2), 1);
  assert.ok(!calls[0]?.signal.aborted);
  association.close();
  assert.ok(calls[0]?.signal.aborted);
});

test('what a handler learns of a call without security', () => {
  const { served, calls } = deferred();
  const { association } = bound(served);
  association.rpc(addOne(2), 1);
  const [call] = calls;
  assert.equal(call?.identity, undefined);
  assert.equal(call?.authType, 0);
  assert.equal(call?.authLevel, 1);
  assert.equal(call?.object, undefined);
  assert.equal(call?.associationGroup, 1);
  assert.equal(call?.peer.label, '127.0.0.1:1');
  assert.equal(call?.contextHandles.size, 0);
});

test('a drained association ends with its last call, and begins no other', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served);
  association.rpc(addOne(2), 1);
  const fragments = requestRun(3, EchoOpnum.AddOne, new Uint8Array(3000), { maxFrag: 1432 });
  association.rpc(fragments.subarray(0, 1432), 1);
  association.drain();
  association.rpc(fragments.subarray(1432), 2);
  assert.equal(pending.length, 2);
  association.rpc(addOne(4), 1);
  const refused = output.takeOne();
  assert.equal(faultStatus(refused), 0x1c010014);
  assert.equal(refused.pfcFlags, 0x23);
  pending[0]?.resolve(u32(2));
  await pending[0]?.promise;
  assert.ok(!output.over);
  pending[1]?.resolve(u32(3));
  await pending[1]?.promise;
  assert.ok(output.over);
  assert.equal(output.ended, undefined);
  const idle = bound();
  idle.association.drain();
  assert.ok(idle.output.over);
});

test('a full output stops the work, resume goes on with it', () => {
  const { association, output } = bound();
  output.hasRoom = false;
  const run = Buffer.concat([addOne(2), addOne(3), addOne(4)]);
  association.rpc(run, 3);
  run.fill(0);
  association.rpc(addOne(5), 1);
  assert.equal(output.takeOne().callId, 2);
  association.resume();
  assert.equal(output.takeOne().callId, 3);
  output.hasRoom = true;
  association.resume();
  assert.deepEqual(
    output.take().map(({ callId }) => callId),
    [4, 5],
  );
  association.rpc(addOne(6), 1);
  assert.equal(output.takeOne().callId, 6);
});

test('a transport that goes on reading while the output is full is told so', () => {
  const { association, output } = bound();
  output.hasRoom = false;
  association.rpc(addOne(2), 1);
  const run = requestRun(3, EchoOpnum.SinkData, new Uint8Array(MAX_PARKED), { maxFrag: 5840 });
  assert.throws(() => association.rpc(run, 0), { code: 'RPCH_OUTPUT_FULL', fault: 'caller' });
});

test('an answer that comes after the connection has gone goes nowhere', async () => {
  const { served, pending } = deferred();
  const { association, output } = bound(served);
  association.rpc(addOne(2), 1);
  association.close();
  pending[0]?.resolve(u32(2));
  await pending[0]?.promise;
  assert.equal(output.pdus.length, 0);
});

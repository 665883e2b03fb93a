import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBind } from '../../src/dcerpc/bind.ts';
import { encodeBindAck } from '../../src/dcerpc/bind-ack.ts';
import { encodeBindNak, RejectReason } from '../../src/dcerpc/bind-nak.ts';
import { ClientAssociation } from '../../src/dcerpc/client-association.ts';
import { encodeFault } from '../../src/dcerpc/fault.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import type { PduProtection } from '../../src/dcerpc/pdu-protection.ts';
import { encodeResponse } from '../../src/dcerpc/response.ts';
import { AuthLevel } from '../../src/dcerpc/security-context.ts';
import { bindTimeFeatureSyntax, NDR, NDR64, NO_SYNTAX } from '../../src/dcerpc/syntax-id.ts';
import { verifyTrailer } from '../../src/dcerpc/verification-trailer.ts';
import { ProtocolError, RpchError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { ClientRecorder, ECHO_IDENTITY, quietly, type Script, ScriptedServer, settle } from './client-support.ts';
import { FakeInitiator, FakeProtection, fakeProtection } from './fake-security.ts';
import { hex } from './support.ts';

const OTHER = { name: 'other', syntax: { uuid: '12345678-1234-abcd-ef00-0123456789ab', version: 1 } };
const ADD_ONE = { contextId: 0, opnum: 0, stub: hex('29000000') };

/** A client that authenticates in `legs` legs, and its server. */
function secured(legs: number, authLevel: number, script: Script = {}, negotiable = false) {
  const server = new ScriptedServer(
    { legs, ...script },
    { security: { initiator: new FakeInitiator(legs, new FakeProtection({ negotiable })), authLevel } },
  );
  return server;
}

test('bind proposes NDR and the bind-time features, and CONC_MPX; calls count from 1', async () => {
  const server = await new ScriptedServer(
    { features: 3 },
    { interfaces: [ECHO_IDENTITY, OTHER], assocGroupId: 77 },
  ).bind();
  const [leg, ...more] = server.legs;
  assert.equal(more.length, 0);
  assert.ok(leg !== undefined);
  const bind = decodeBind(leg);
  assert.equal(bind.callId, 1);
  assert.equal(bind.pfcFlags, PfcFlag.CONC_MPX | 3);
  assert.deepEqual([bind.maxXmitFrag, bind.maxRecvFrag, bind.assocGroupId], [5840, 5840, 77]);
  assert.deepEqual(bind.elements, [
    { contextId: 0, abstractSyntax: ECHO, transferSyntaxes: [NDR] },
    { contextId: 1, abstractSyntax: OTHER.syntax, transferSyntaxes: [NDR] },
    { contextId: 2, abstractSyntax: ECHO, transferSyntaxes: [bindTimeFeatureSyntax(3)] },
  ]);
  const { settled } = server.association;
  assert.deepEqual([settled?.assocGroupId, settled?.features, settled?.multiplexed], [77, 3, true]);
  assert.equal(server.association.contextOf(OTHER.syntax), 1);
  const answer = server.association.call({ ...ADD_ONE, contextId: 1, opnum: 4, object: ECHO.uuid });
  await server.serve();
  const [call] = server.calls;
  assert.deepEqual([call?.callId, call?.contextId, call?.opnum, call?.object], [2, 1, 4, ECHO.uuid]);
  server.answer(2, hex('2a000000'));
  assert.deepEqual(await answer, { stub: hex('2a000000'), littleEndian: true });
});

test('big-endian: the association’s PDUs and the calls, each as asked for', async () => {
  const server = await new ScriptedServer({}, { littleEndian: false }).bind();
  assert.equal(server.legs[0]?.littleEndian, false);
  const answer = server.association.call({ ...ADD_ONE, littleEndian: false });
  await server.serve();
  assert.equal(server.calls[0]?.littleEndian, false);
  server.answer(2, hex('0000002a'), { littleEndian: false });
  assert.deepEqual(await answer, { stub: hex('0000002a'), littleEndian: false });
});

test('an interface that is refused is named with its reason; the others can be called', async () => {
  const result = (i: number) =>
    i === 1 ? { result: 2, reason: 1, transferSyntax: NO_SYNTAX } : { result: 0, reason: 0, transferSyntax: NDR };
  const server = await new ScriptedServer({ result }, { interfaces: [ECHO_IDENTITY, OTHER] }).bind();
  assert.equal(server.association.contextOf(ECHO), 0);
  assert.ok(server.association.accepts(ECHO));
  assert.ok(!server.association.accepts(OTHER.syntax));
  assert.throws(() => server.association.contextOf(OTHER.syntax), {
    code: 'RPCH_CONTEXT_REFUSED',
    fault: 'peer',
    message: `other (${OTHER.syntax.uuid} 1.0): abstract_syntax_not_supported`,
  });
  assert.throws(() => server.association.contextOf(NDR), { code: 'RPCH_NO_CONTEXT', fault: 'caller' });
  await assert.rejects(server.association.call({ ...ADD_ONE, contextId: 1 }), { code: 'RPCH_NO_CONTEXT' });
  const none = new ScriptedServer({ result: () => ({ result: 2, reason: 2, transferSyntax: NO_SYNTAX }) });
  await assert.rejects(none.bind(), {
    code: 'RPCH_CONTEXT_REFUSED',
    message: /proposed_transfer_syntaxes_not_supported/,
  });
  assert.equal(none.output.ended?.code, 'RPCH_CONTEXT_REFUSED');
});

/** A bind_ack that accepts one interface and knows no features. */
function ackOf(callId: number): Uint8Array {
  const results = [
    { result: 0, reason: 0, transferSyntax: NDR },
    { result: 2, reason: 2, transferSyntax: NO_SYNTAX },
  ];
  const sizes = { maxXmitFrag: 5840, maxRecvFrag: 5840, assocGroupId: 1, secondaryAddress: '', results };
  return encodeBindAck({ ptype: PduType.bind_ack, pfcFlags: 0, callId, littleEndian: true, ...sizes });
}

test('answers to bind that are none', async () => {
  const bind = (script: Script) => new ScriptedServer(script).bind();
  await assert.rejects(bind({ result: () => ({ result: 0, reason: 0, transferSyntax: NDR64 }) }), {
    code: 'RPCH_FOREIGN_SYNTAX',
  });
  await assert.rejects(bind({ fragLength: 1431 }), { code: 'RPCH_BAD_FRAG_SIZE', fault: 'peer' });
  const foreign = new ScriptedServer();
  const waiting = quietly(foreign.association.bind());
  await settle();
  foreign.give(ackOf(2));
  await assert.rejects(waiting, { code: 'RPCH_UNEXPECTED_PDU' });
  const server = new ScriptedServer();
  const bound = server.association.bind();
  await settle();
  server.fault(1, 0x1c010003);
  await assert.rejects(bound, { code: 'RPCH_RPC_FAULT', status: 0x1c010003 });
  assert.equal(server.output.ended?.code, 'RPCH_RPC_FAULT');
});

test('bind_nak says what its reason means', async () => {
  for (const [reason, message] of [
    [RejectReason.invalid_checksum, /invalid_checksum .*wrong user name or password/],
    [RejectReason.authentication_type_not_recognized, /does not have this security provider/],
    [RejectReason.local_limit_exceeded, /local_limit_exceeded .*later/],
    [77, /^bind_nak: reject reason 77$/],
  ] as const) {
    const server = new ScriptedServer();
    const bound = server.association.bind();
    await settle();
    server.give(encodeBindNak({ callId: 1, littleEndian: true, reason, versions: [{ major: 5, minor: 0 }] }));
    await assert.rejects(bound, { code: 'RPCH_BIND_REFUSED', reason, message });
    assert.equal(server.output.ended?.code, 'RPCH_BIND_REFUSED');
  }
});

test('three legs: bind, bind_ack, auth3; four: bind, bind_ack, alter_context, alter_context_resp', async () => {
  const hops: string[] = [];
  const options = { security: { initiator: new FakeInitiator(3), authLevel: AuthLevel.connect } };
  const three = await new ScriptedServer({ legs: 3 }, { ...options, onHop: (hop) => hops.push(hop) }).bind();
  assert.deepEqual(hops, ['bind', 'RPC authentication']);
  assert.deepEqual(three.seen, [PduType.bind, PduType.auth3]);
  const [bind, auth3] = three.legs;
  assert.ok(bind !== undefined && auth3 !== undefined);
  assert.deepEqual(
    [bind.secTrailer?.authType, bind.secTrailer?.authLevel, bind.secTrailer?.authContextId],
    [10, AuthLevel.connect, 1],
  );
  assert.deepEqual(new Uint8Array(auth3.secTrailer?.token ?? []), hex('03'));
  assert.equal(auth3.callId, 2);

  const four = await secured(4, AuthLevel.privacy).bind();
  assert.deepEqual(four.seen, [PduType.bind, PduType.alter_context]);
  const [, alter] = four.legs;
  assert.ok(alter !== undefined);
  assert.deepEqual(decodeBind(alter).elements, [{ contextId: 0, abstractSyntax: ECHO, transferSyntaxes: [NDR] }]);
  assert.deepEqual(new Uint8Array(alter.secTrailer?.token ?? []), hex('03'));
  assert.equal(four.legs[0]?.pfcFlags, PfcFlag.CONC_MPX | PfcFlag.SUPPORT_HEADER_SIGN | 3);
  assert.equal(alter.pfcFlags, PfcFlag.CONC_MPX | 3);
  assert.equal(decodeBind(alter).assocGroupId, 0x1234);

  const two = await secured(2, AuthLevel.connect).bind();
  assert.deepEqual(two.seen, [PduType.bind]);
  assert.ok(two.association.bound);
});

test('authentication that fails on either side ends the association', async () => {
  await assert.rejects(secured(4, AuthLevel.privacy, { legs: 0 }).bind(), { code: 'RPCH_NO_TOKEN' });
  await assert.rejects(secured(4, AuthLevel.privacy, { legs: 2 }).bind(), { code: 'RPCH_NO_TOKEN' });
  const tooMany = secured(40, AuthLevel.privacy);
  await assert.rejects(tooMany.bind(), { code: 'RPCH_TOO_MANY_LEGS' });
  assert.equal(tooMany.output.ended?.code, 'RPCH_TOO_MANY_LEGS');
  class Broken extends FakeInitiator {
    override step(): Promise<never> {
      return Promise.reject(new TypeError('a defect'));
    }
  }
  const output = new ClientRecorder();
  const security = { initiator: new Broken(3), authLevel: AuthLevel.privacy };
  const association = new ClientAssociation({ output, interfaces: [ECHO_IDENTITY], security });
  await assert.rejects(association.bind(), { code: 'RPCH_SECURITY_FAILED', fault: 'caller' });
  assert.equal(output.pdus.length, 0);
});

test('wrong credentials come out as fault at alter_context, after auth3, or at the first call', async () => {
  const meaning = { code: 'RPCH_RPC_FAULT', status: 5, message: /access_denied .*wrong user name or password/ };
  const output = new ClientRecorder();
  const security = { initiator: new FakeInitiator(4), authLevel: AuthLevel.privacy };
  const association = new ClientAssociation({ output, interfaces: [ECHO_IDENTITY], security });
  const bound = association.bind();
  bound.catch(() => {});
  await settle();
  const helper = new ScriptedServer({ legs: 4 });
  helper.output.pdus.push(...output.pdus.splice(0));
  helper.give = (run) => association.rpc(new Uint8Array(run), 1);
  await helper.serve();
  const [alter] = output.take();
  assert.equal(alter?.ptype, PduType.alter_context);
  association.rpc(faultOf(alter?.callId ?? 0, 5), 1);
  await assert.rejects(bound, meaning);

  const late = await secured(3, AuthLevel.connect).bind();
  const refused = late.association.call(ADD_ONE);
  await late.serve();
  late.fault(3, 5);
  await assert.rejects(refused, meaning);
  const samba = quietly(late.association.call(ADD_ONE));
  await late.serve();
  late.fault(4, 0x1c01000b);
  await assert.rejects(samba, { status: 0x1c01000b, message: /wrong user name or password/ });
  const answered = late.association.call(ADD_ONE);
  await late.serve();
  late.answer(5, hex(''));
  await answered;
  const denied = late.association.call(ADD_ONE);
  await late.serve();
  late.fault(6, 5);
  await assert.rejects(denied, { status: 5, message: 'call 6, opnum 0: access_denied' });

  const auth3 = await secured(3, AuthLevel.connect).bind();
  const waiting = auth3.association.call(ADD_ONE);
  await auth3.serve();
  auth3.fault(2, 5);
  await assert.rejects(waiting, { message: /wrong user name or password/, mayHaveExecuted: true });
  assert.equal(auth3.output.ended?.code, 'RPCH_RPC_FAULT');
});

function faultOf(callId: number, status: number): Uint8Array {
  return encodeFault({ callId, status, pfcFlags: 0, littleEndian: true, contextId: 0, cancelCount: 0 });
}

test('header signing is asked for from integrity on, and used where it is granted', async () => {
  for (const [authLevel, granted, asked, covers] of [
    [AuthLevel.packet, true, false, false],
    [AuthLevel.integrity, true, true, true],
    [AuthLevel.privacy, false, true, false],
  ] as const) {
    const script = granted ? {} : { pfcFlags: PfcFlag.CONC_MPX };
    const server = await secured(3, authLevel, script, true).bind();
    assert.equal(((server.legs[0]?.pfcFlags ?? 0) & PfcFlag.SUPPORT_HEADER_SIGN) !== 0, asked);
    assert.equal(server.association.settled?.protection?.coversHeader, covers);
  }
});

/** Calls through a protected association, both sides of whose protection agree. */
async function protectedServer(authLevel: number, negotiable: boolean, grant = true) {
  const protection: PduProtection = fakeProtection({ authLevel, negotiable, headerSigning: grant && authLevel >= 5 });
  return secured(3, authLevel, { protection, ...(grant ? {} : { pfcFlags: PfcFlag.CONC_MPX }) }, negotiable).bind();
}

test('protected calls at every level, and their verification trailers', async () => {
  for (const authLevel of [AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy]) {
    for (const negotiable of [false, true]) {
      for (const grant of [false, true]) {
        const server = await protectedServer(authLevel, negotiable, grant);
        const expected = {
          littleEndian: true,
          contextId: 0,
          opnum: 1,
          headerSigning: authLevel >= AuthLevel.integrity,
          context: { abstractSyntax: ECHO, transferSyntax: NDR },
        };
        const stub = new Uint8Array(20_001).fill(7);
        const covered = server.association.settled?.protection?.coversHeader === true;
        for (let i = 0; i < 3; i++) {
          const answer = server.association.call({ contextId: 0, opnum: 1, stub });
          await server.serve();
          const call = server.calls[i];
          assert.ok(call !== undefined);
          const length = verifyTrailer(call.stub, { ...expected, callId: call.callId });
          // the stub is padded for a trailer, which the first request has, and every one whose header is not covered
          const hasTrailer = i === 0 || !covered;
          assert.equal(length, hasTrailer ? 20_004 : 20_001);
          assert.equal(call.stub.length > length, hasTrailer);
          assert.deepEqual(call.stub.subarray(0, stub.length), stub);
          server.answer(call.callId, stub, { maxFrag: 2000 });
          assert.deepEqual((await answer).stub, stub);
        }
      }
    }
  }
});

test('a response without protection ends a protected association', async () => {
  const server = await protectedServer(AuthLevel.integrity, false);
  const call = quietly(server.association.call(ADD_ONE));
  await server.serve();
  const response = { callId: 3, littleEndian: true, contextId: 0, cancelCount: 0, stub: hex('2a000000') };
  server.give(encodeResponse(response, 5840).bytes);
  await assert.rejects(call, { code: 'RPCH_UNPROTECTED_PDU' });
});

test('a response that was tampered with ends the association and every call', async () => {
  const server = await protectedServer(AuthLevel.privacy, false);
  const first = server.association.call(ADD_ONE);
  const second = server.association.call(ADD_ONE);
  await server.serve();
  const { bytes } = server.response(server.calls[0]?.callId ?? 0, hex('2a000000'));
  bytes[26] = (bytes[26] as number) ^ 1;
  server.give(bytes);
  await assert.rejects(first, { code: 'RPCH_BAD_SIGNATURE', mayHaveExecuted: true });
  await assert.rejects(second, { code: 'RPCH_BAD_SIGNATURE' });
  assert.ok(server.output.ended instanceof ProtocolError);
  await assert.rejects(server.association.call(ADD_ONE), { code: 'RPCH_BAD_SIGNATURE', mayHaveExecuted: false });
});

test('responses to calls that were given up are verified all the same, so that later ones are', async () => {
  const protection = fakeProtection({ authLevel: AuthLevel.privacy });
  const security = { initiator: new FakeInitiator(3), authLevel: AuthLevel.privacy };
  const server = await new ScriptedServer({ legs: 3, features: 2, protection }, { security }).bind();
  const given = server.association.call(ADD_ONE, { timeout: 10 });
  await server.serve();
  server.association.tick(0);
  server.association.tick(10);
  await assert.rejects(given, { code: 'RPCH_CALL_TIMED_OUT', mayHaveExecuted: true });
  const next = server.association.call(ADD_ONE);
  await server.serve();
  const [late, early] = server.calls;
  server.answer(late?.callId ?? 0, hex('01'));
  server.answer(early?.callId ?? 0, hex('02'));
  assert.deepEqual((await next).stub, hex('02'));
  assert.ok(server.seen.includes(PduType.orphaned));
});

test('interfaces are added by alter_context, when calls are through', async () => {
  const server = await new ScriptedServer().bind();
  const call = server.association.call(ADD_ONE);
  const added = server.association.addInterfaces([OTHER, ECHO_IDENTITY]);
  await settle();
  const behind = server.association.call(ADD_ONE);
  await server.serve();
  assert.deepEqual(server.seen, [PduType.bind, PduType.request]);
  server.answer(2, hex(''));
  await call;
  await server.serve();
  await added;
  assert.equal(server.association.contextOf(OTHER.syntax), 2);
  assert.deepEqual(server.seen, [PduType.bind, PduType.request, PduType.alter_context, PduType.request]);
  assert.equal(decodeBind(server.legs[1] as never).elements.length, 1);
  server.answer(server.calls[1]?.callId ?? 0, hex(''));
  await behind;
  await server.association.addInterfaces([OTHER]);
});

test('an interface that alter_context does not get', async () => {
  let refuse = false;
  const acceptance = { result: 0, reason: 0, transferSyntax: NDR };
  const refusal = { result: 2, reason: 1, transferSyntax: NO_SYNTAX };
  const server = await new ScriptedServer({ result: () => (refuse ? refusal : acceptance) }).bind();
  refuse = true;
  const added = server.association.addInterfaces([OTHER]);
  added.catch(() => {});
  await server.serve();
  await assert.rejects(added, { code: 'RPCH_CONTEXT_REFUSED' });
  const faulted = server.association.addInterfaces([OTHER]);
  await settle();
  const [alter] = server.output.take();
  server.fault(alter?.callId ?? 0, 5);
  await assert.rejects(faulted, { status: 5 });
  assert.ok(server.association.bound);
  const answer = server.association.call(ADD_ONE);
  await server.serve();
  server.answer(server.calls[0]?.callId ?? 0, hex(''));
  await answer;
});

test('what no server sends to a client ends the association', async () => {
  const bare = (ptype: number) => hex(`0500${ptype.toString(16).padStart(2, '0')}03 10000000 1000 0000 02000000`);
  for (const ptype of [PduType.bind, PduType.auth3, PduType.co_cancel, PduType.orphaned, 1, 10]) {
    const server = await new ScriptedServer().bind();
    server.give(bare(ptype));
    assert.equal(server.output.ended?.code, 'RPCH_UNEXPECTED_PDU');
  }
  const quiet = await new ScriptedServer().bind();
  quiet.give(bare(PduType.shutdown));
  assert.ok(quiet.association.bound);
  quiet.association.rts(bare(PduType.rts));
  assert.equal(quiet.output.ended?.code, 'RPCH_UNEXPECTED_PDU');
  const again = await new ScriptedServer().bind();
  again.give(encodeBindNak({ callId: 1, littleEndian: true, reason: 0, versions: [] }));
  assert.equal(again.output.ended?.code, 'RPCH_UNEXPECTED_PDU');
});

test('a bind that is not answered is given up; a connection that is lost ends it too', async () => {
  const slow = new ScriptedServer({}, { bindTimeout: 100 });
  const bound = slow.association.bind();
  await settle();
  slow.association.tick(1000);
  slow.association.tick(1099);
  assert.equal(slow.output.ended, undefined);
  slow.association.tick(1100);
  await assert.rejects(bound, { code: 'RPCH_BIND_TIMED_OUT', fault: 'network' });
  const lost = new ScriptedServer();
  const binding = lost.association.bind();
  await settle();
  lost.association.lost(new RpchError('RPCH_CONNECTION_LOST', 'network', 'gone'));
  await assert.rejects(binding, { code: 'RPCH_CONNECTION_LOST' });
  assert.equal(lost.output.ended, undefined);
});

test('lost while the security provider is at work', async () => {
  const server = secured(4, AuthLevel.privacy);
  const bound = server.association.bind();
  server.association.lost(new RpchError('RPCH_CONNECTION_LOST', 'network', 'gone'));
  await assert.rejects(bound, { code: 'RPCH_CONNECTION_LOST' });
  assert.equal(server.output.pdus.length, 0);
});

test('misuse is the caller’s fault', async () => {
  const server = await new ScriptedServer().bind();
  await assert.rejects(server.association.bind(), { code: 'RPCH_SECOND_BIND', fault: 'caller' });
  await assert.rejects(new ScriptedServer().association.call(ADD_ONE), {
    code: 'RPCH_NOT_BOUND',
    mayHaveExecuted: false,
  });
  await assert.rejects(new ScriptedServer().association.addInterfaces([OTHER]), { code: 'RPCH_NOT_BOUND' });
  await assert.rejects(new ScriptedServer({}, { interfaces: [] }).bind(), { code: 'RPCH_NO_INTERFACE' });
  assert.throws(() => new ScriptedServer({}, { maxFrag: 1400 }), { code: 'RPCH_BAD_FRAG_SIZE', fault: 'caller' });
  assert.throws(() => secured(3, AuthLevel.none), { code: 'RPCH_BAD_AUTH_LEVEL', fault: 'caller' });
  server.association.close();
  assert.ok(!server.association.accepts(ECHO));
  await assert.rejects(server.association.call(ADD_ONE), { code: 'RPCH_ASSOCIATION_CLOSED' });
});

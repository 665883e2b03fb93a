import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendWindow } from '../../src/rpch/flow-control.ts';
import {
  CONN_C1,
  IN_R1_A5,
  IN_R1_A6,
  IN_R1_B1,
  IN_R2_A2,
  IN_R2_A4,
  OUT_R1_A4,
  OUT_R1_A8,
  OUT_R1_A9,
  OUT_R1_A11,
  OUT_R2_A2,
  OUT_R2_A4,
  OUT_R2_A5,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_A8,
  OUT_R2_B1,
  OUT_R2_B2,
  OUT_R2_B3,
  OUT_R2_C1,
} from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { FIRST, openedClient, startClient } from './client-scene.ts';
import { inA1, openedInbound, serverAck } from './inbound-scene.ts';
import { openedOutbound, outA3, startOutbound } from './outbound-scene.ts';
import { clientAck, inR1A2, openedServer, outAck, outR1A4, SHORT_LIFETIME } from './server-scene.ts';
import { cookie, IN, NEXT_IN, NEXT_OUT, OUT, refused, rpc, run, said } from './support.ts';

/** Where [MS-RPCH] contradicts itself, or cannot be followed to the letter: what is done here, by section. */

const B1 = OUT_R2_B1.encode({});
const R2_C1 = OUT_R2_C1.encode({});

function serverInA4W() {
  const made = openedServer({ channelLifetime: SHORT_LIFETIME, outWindow: 262_144 });
  made.role.fromRuntime(run(60_000, 60_000), 2);
  made.journal.take();
  return made;
}

test('2.2.3.5.3 against 3.2.1.1.6.1: 120 s to 4 h on the wire, 30 s to 30 min in the model: 30 s to 4 h are taken', () => {
  const c1 = (connectionTimeout: number) =>
    CONN_C1.encode({ version: 1, receiveWindowSize: 65_536, connectionTimeout });
  for (const fine of [30_000, 120_000, 1_800_001, 14_400_000]) {
    assert.equal(CONN_C1.decode(parseRts(c1(fine))).connectionTimeout, fine);
  }
  for (const value of [29_999, 14_400_001]) refused(() => parseRts(c1(value)), 'RPCH_RTS_VALUE');
});

test('2.2.4.40 against 2.2.4.41: OUT_R2/A7 has a Version, A8 has none though it is A7 forwarded: both are taken', () => {
  const a7 = OUT_R2_A7.encode({ destination: 2, successorCookie: NEXT_OUT, version: 1 });
  const a8 = OUT_R2_A8.encode({ destination: 2, successorCookie: NEXT_OUT });
  assert.deepEqual([a7.length, a8.length], [56, 48]);
  const proxy = openedInbound();
  proxy.from.rts(a7);
  assert.deepEqual(proxy.journal.pdus.at(-1), a7, 'an inbound proxy passes it on as it is (3.2.1.5.2)');
  for (const answer of [a7, a8]) {
    const { journal, inLeg, outLeg } = serverInA4W();
    outLeg.from.rts(OUT_R2_A4.encode({ successorCookie: NEXT_OUT }));
    journal.take();
    inLeg.from.rts(answer);
    assert.deepEqual(journal.take(), [said('out', OUT_R2_B1)]);
  }
});

test('2.2.4.45: OUT_R2/C1 with Padding cannot have the size of OUT_R1/A11: it is sent with Empty, of the same 24 bytes', () => {
  assert.equal(OUT_R2_C1.encode({}).length, OUT_R1_A11.encode({}).length);
});

test('2.2.4.14, .15, .19, .22, .37: five PDUs of the same 40 bytes; role and state tell them apart', () => {
  const bytes = [IN_R1_A5, IN_R1_A6, IN_R2_A2, OUT_R2_A4].map((row) => row.encode({ successorCookie: NEXT_IN }));
  for (const other of bytes) assert.deepEqual(other, bytes[0]);
  const [pdu] = bytes as [Uint8Array];

  const r1 = openedInbound();
  r1.from.rts(pdu);
  assert.equal(r1.role.state, 'Finished', 'IN_R1/A5: the successor is not here');
  const r2 = openedInbound();
  const successor = r2.succeed();
  r2.from.rts(pdu);
  assert.deepEqual([r2.role.state, successor.over], ['Opened', false], 'IN_R2/A5: it is');

  const inR2 = openedServer();
  inR2.inLeg.from.rts(pdu);
  assert.equal(inR2.journal.take().length, 1, 'IN_R2/A2 draws A3');
  const inR1 = openedServer();
  inR1.attach('next', inR1A2());
  inR1.journal.take();
  inR1.inLeg.from.rts(pdu);
  assert.deepEqual(inR1.journal.take(), [], 'IN_R1/A6 draws nothing');
});

test('2.2.4.31, .32, .33, .42: four PDUs of the same 24 bytes; role and state tell them apart', () => {
  assert.deepEqual(OUT_R1_A9.encode({}), B1);
  assert.notDeepEqual(OUT_R2_B3.encode({}), B1, 'B3 has its own flag');
  const r1 = openedOutbound();
  r1.role.fromServer.rts(B1);
  assert.equal(r1.role.state, 'Finished', 'OUT_R1/A9: no successor is here');
  const r2 = openedOutbound();
  r2.succeed();
  r2.role.fromServer.rts(B1);
  assert.equal(r2.role.state, 'R2C1W', 'OUT_R2/B1: there is one');
});

test('2.2.4.21 against 2.2.4.35: IN_R2/A4 and OUT_Rx/A2 differ in their Flags only', () => {
  const [a4, a2] = [IN_R2_A4.encode({ destination: 0 }), OUT_R2_A2.encode({ destination: 0 })];
  const differing = [...a4.keys()].filter((at) => a4[at] !== a2[at]);
  assert.deepEqual(differing, [16]);
  const { out, journal } = openedClient();
  refused(() => out.from.rts(a4), 'RPCH_RTS_UNEXPECTED');
  out.from.rts(a2);
  assert.equal(journal.take().at(-1), 'out2 OUT_R1/A3');
});

test('3.2.1.3: the Receiver AvailableWindow begins at 0, and nothing could ever be sent: it begins with the window', () => {
  assert.equal(new SendWindow(65_536).available, 65_536);
  const { role, journal } = openedClient({ inWindow: 65_536 });
  role.fromRuntime(rpc(65_535), 1);
  assert.deepEqual(journal.take(), ['in rpc 1/65535']);
});

test('3.2.1.4.1.3: go while the window is greater, stop when it is less; equality is neither: it waits', () => {
  const window = new SendWindow(8192);
  window.sent(4096);
  assert.deepEqual([window.fits(4095), window.fits(4096)], [true, false]);
});

test('3.2.1.5.1.2 with 3.2.1.1.4: whether counts go on after R2 is not said: both are understood, under both cookies', () => {
  const acks: readonly (readonly [bytesReceived: number, name: Uint8Array])[] = [
    [7000, IN],
    [7000, NEXT_IN],
    [2000, NEXT_IN],
  ];
  for (const [bytesReceived, name] of acks) {
    const { role, from, journal, succeed } = openedInbound({}, 8192);
    from.rpc(rpc(5000), 1);
    role.fromServer.rts(serverAck(5000, 8192));
    succeed();
    from.rpc(run(2000, 8000), 2);
    journal.take();
    role.fromServer.rts(serverAck(bytesReceived, 8192, name));
    assert.deepEqual(journal.take(), ['server rpc 1/8000'], `${bytesReceived}`);
  }
});

test('3.2.1.5.2: during OUT_R1 two outbound proxies are there: an acknowledgement goes to the one whose channel it names', () => {
  const { journal, inLeg, attach } = serverInA4W();
  attach('next', outR1A4());
  inLeg.from.rts(OUT_R1_A8.encode({ destination: 2, successorCookie: NEXT_OUT }));
  journal.take();
  inLeg.from.rts(clientAck(1, 65_536, OUT));
  inLeg.from.rts(clientAck(0, 65_536, NEXT_OUT));
  assert.deepEqual(journal.take(), ['out FlowControlAckWithDestination', 'next FlowControlAckWithDestination']);
});

test('3.2.2.5.2 against 3.2.4.5.9 to .11: a 200 comes on successors as well, and changes no state', () => {
  const { role, out, outChannel, journal } = openedClient();
  out.from.rts(OUT_R2_A2.encode({ destination: 0 }));
  journal.take();
  outChannel(2).responded();
  assert.deepEqual([role.state, journal.take()], ['Opened', []]);
  const early = startClient();
  early.role.open();
  early.outChannel(1).responded();
  early.outChannel(1).responded();
  assert.equal(early.role.state, 'Wait_A3W', 'a second one counts for nothing');
});

test('3.2.2.5.5: IN_R2/A4 brings neither window nor time-out, though it is to be processed like IN_R1/A4: both stay', () => {
  const { role, out, journal } = openedClient({ channelLifetime: SHORT_LIFETIME, inWindow: 131_072 });
  role.fromRuntime(run(60_000, 60_000), 2);
  out.from.rts(IN_R2_A4.encode({ destination: 0 }));
  journal.take();
  role.fromRuntime(rpc(65_000), 1);
  assert.deepEqual(journal.take(), ['in2 rpc 1/65000']);
});

test('3.2.2.5.9: the successor of OUT_R2 may speak before B3 has come on the other connection: it is held', () => {
  const { out, outChannel, journal } = openedClient();
  out.from.rts(OUT_R2_A2.encode({ destination: 0 }));
  out.from.rts(OUT_R2_A6.encode({ destination: 0 }));
  journal.take();
  outChannel(2).from.rpc(rpc(16), 1);
  assert.deepEqual(journal.take(), []);
  out.from.rts(OUT_R2_B3.encode({}));
  assert.deepEqual(journal.take(), ['out close', 'runtime rpc 1/16']);
});

test('3.2.2.5.9 has A7 before C1, on different connections, where nobody can see it: C1 goes first, for gromox needs it by A8', () => {
  const { out, journal } = openedClient();
  out.from.rts(OUT_R2_A2.encode({ destination: 0 }));
  journal.take();
  out.from.rts(OUT_R2_A6.encode({ destination: 0 }));
  assert.deepEqual(journal.take(), [said('out2', OUT_R2_C1), said('in', OUT_R2_A7)]);
});

test('3.2.3.5.5.1 forgets IN_R2/A2, which 2.2.4.19 and 3.2.1.5.3.3 have: it is sent', () => {
  const { journal, succeed } = openedInbound();
  succeed();
  assert.deepEqual(journal.take(), [said('server', IN_R2_A2)]);
  assert.deepEqual(journal.last(IN_R2_A2), { successorCookie: NEXT_IN });
});

test('3.2.3.5.5.1 sets the default cookie before A5, 3.2.3.5.8 keeps the predecessor if A5 is another’s: it keeps its own', () => {
  const { from, succeed, role } = openedInbound();
  succeed();
  from.rts(IN_R1_A5.encode({ successorCookie: cookie(0x99) }));
  refused(() => succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) })), 'RPCH_COOKIE');
  assert.equal(role.client.over, false);
});

test('3.2.3.5.5.1, 3.2.3.5.6 demand opened state, but what opens it comes on another connection: it is waited for', () => {
  const { role, succeed, journal } = openedInbound();
  succeed();
  succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }), ' third');
  assert.deepEqual(journal.take(), [said('server', IN_R2_A2)]);
  refused(() => succeed(), 'RPCH_RECYCLING');
  assert.equal(role.state, 'Opened_A5W');
});

test('3.2.4.5.6.2 takes the cookies of OUT_R1/A4 from a virtual connection that this proxy never had: they are those of A3', () => {
  const { role, journal } = startOutbound({ first: outA3() });
  role.serverConnected();
  const { predecessorCookie, successorCookie } = journal.last(OUT_R1_A4);
  assert.deepEqual([predecessorCookie, successorCookie], [OUT, NEXT_OUT]);
});

test('3.2.4.5.9 unplugs before the head of the response is sent: the head comes first', () => {
  const { role, from, journal } = startOutbound({ first: outA3() });
  role.serverConnected();
  role.fromServer.rpc(rpc(16), 1);
  journal.take();
  from.rts(OUT_R1_A11.encode({}));
  assert.deepEqual(journal.take(), ['200', 'opened', 'client rpc 1/16']);
});

test('3.2.4.5.10 unplugs the successor at B1 in B1OrC1W, before C1 brings the head of its response: it waits for C1', () => {
  const { role, journal, succeed } = openedOutbound();
  const successor = succeed();
  role.fromServer.rts(B1);
  role.fromServer.rpc(rpc(16), 1);
  assert.ok(!journal.take().some((line) => line.startsWith('successor')));
  successor.from.rts(R2_C1);
  assert.deepEqual(journal.take(), ['successor 200', 'successor rpc 1/16']);
});

test('3.2.4.5.11 takes C1 in R2C1W or B1OrC1W only; while the predecessor still empties its queue, it may come as well', () => {
  const { role, succeed } = openedOutbound({ clientWindow: 8192 });
  const successor = succeed();
  role.fromServer.rpc(run(5000, 5000), 2);
  role.fromServer.rts(B1);
  successor.from.rts(R2_C1);
  role.fromServer.rts(clientAck(5000, 8192, OUT));
  assert.equal(role.state, 'Opened');
});

test('3.2.4.5.12 takes B2 in B1W only, but the server need not have waited for C1: it is taken in B1OrC1W too', () => {
  const { role, succeed } = openedOutbound();
  const successor = succeed();
  role.fromServer.rts(OUT_R2_B2.encode({}));
  assert.deepEqual([role.state, successor.over], ['Opened', true]);
});

test('3.2.5.5.5 knows one recycling at a time, but B1 of the one before comes on another connection: A2 waits for it', () => {
  const { attach, inLeg, journal } = openedServer();
  attach('next', inR1A2());
  inLeg.from.rts(IN_R1_A6.encode({ successorCookie: NEXT_IN }));
  journal.take();
  attach('third', inR1A2({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }));
  assert.deepEqual(journal.take(), []);
  inLeg.from.rts(IN_R1_B1.encode({}));
  assert.equal(journal.take().length, 3);
});

test('3.2.5.5.6 cancels the timer though B1 is still to come: there is a time-out for it', () => {
  const { role, attach, inLeg, journal } = openedServer();
  attach('next', inR1A2());
  inLeg.from.rts(IN_R1_A6.encode({ successorCookie: NEXT_IN }));
  role.tick(0);
  role.tick(60_000);
  assert.equal(journal.take().at(-1), 'ended recycling-timeout');
});

test('3.2.5.5.9 compares the predecessor’s cookie last, after A5 went out: here nothing goes out before', () => {
  const { journal, attach } = serverInA4W();
  refused(() => attach('next', outR1A4({ predecessorCookie: cookie(0x99) })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('3.2.5.5.10 goes to Opened before it compares the cookie of A8: a wrong one is an error all the same', () => {
  const { journal, attach, inLeg } = serverInA4W();
  attach('next', outR1A4());
  journal.take();
  refused(() => inLeg.from.rts(OUT_R1_A8.encode({ destination: 2, successorCookie: OUT })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('3.2.5.5.12: OUT_R2/A4 has no lifetime: the successor’s is the predecessor’s, from its beginning', () => {
  const { role, journal, inLeg, outLeg } = serverInA4W();
  outLeg.from.rts(OUT_R2_A4.encode({ successorCookie: NEXT_OUT }));
  inLeg.from.rts(OUT_R2_A8.encode({ destination: 2, successorCookie: NEXT_OUT }));
  outLeg.from.rts(outAck(120_000, 262_144, OUT));
  journal.take();
  role.fromRuntime(run(60_000, SHORT_LIFETIME * 0.75 - 60_001), 2);
  assert.deepEqual(journal.take(), [`out rpc 2/${SHORT_LIFETIME * 0.75 - 1}`]);
  role.fromRuntime(rpc(16), 1);
  assert.equal(journal.take().at(-1), said('out', OUT_R2_A2));
});

test('3.2.5.5.12: B2 and a protocol error at the server; the proxy, told to carry on by 3.2.4.5.12, is closed by it', () => {
  const { journal, inLeg, outLeg } = serverInA4W();
  outLeg.from.rts(OUT_R2_A4.encode({ successorCookie: NEXT_OUT }));
  journal.take();
  refused(() => inLeg.from.rts(OUT_R2_A8.encode({ destination: 2, successorCookie: FIRST })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), [said('out', OUT_R2_B2)]);
});

test('3.2.5.5.15 starts both variants with OUT_R2/A1: the server cannot know which proxy the client will reach', () => {
  assert.equal(said('', OUT_R2_A2), said('', { name: 'OUT_R1/A1' }));
  const r1 = serverInA4W();
  r1.attach('next', outR1A4());
  assert.deepEqual(r1.journal.take(), [said('out', { name: 'OUT_R1/A5' })]);
  const r2 = serverInA4W();
  r2.outLeg.from.rts(OUT_R2_A4.encode({ successorCookie: NEXT_OUT }));
  assert.deepEqual(r2.journal.take(), [said('out', OUT_R2_A5)]);
});

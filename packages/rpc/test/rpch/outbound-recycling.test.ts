import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  OUT_R1_A4,
  OUT_R1_A5,
  OUT_R1_A9,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A1,
  OUT_R2_A4,
  OUT_R2_A5,
  OUT_R2_B1,
  OUT_R2_B2,
  OUT_R2_B3,
  OUT_R2_C1,
  PING_TRAFFIC_SENT_NOTIFY,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { TICK } from '../../src/rpch/role.ts';
import { a1, clientAck, openedOutbound, outA3, RECYCLING_TIMEOUT, startOutbound } from './outbound-scene.ts';
import { cookie, encodeRow, IN, NEXT_OUT, OUT, refused, rpc, run, said, sampleOf, VC } from './support.ts';

const A9 = OUT_R1_A9.encode({});
const A11 = OUT_R1_A11.encode({});
const B1 = OUT_R2_B1.encode({});
const B2 = OUT_R2_B2.encode({});
const C1 = OUT_R2_C1.encode({});
const FOR_CLIENT = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
  destination: 0,
  ack: { bytesReceived: 1, availableWindow: 2, channelCookie: IN },
});

/** OUT_R1 at the successor as far as A4. */
function inA11W(options: Parameters<typeof startOutbound>[0] = {}) {
  const made = startOutbound({ first: outA3(), ...options });
  made.role.serverConnected();
  assert.equal(made.role.state, 'A11W');
  made.journal.take();
  return made;
}

/** OUT_R2 as far as A4. */
function inB1OrC1W(options: Parameters<typeof openedOutbound>[0] = {}) {
  const made = openedOutbound(options);
  const successor = made.succeed();
  assert.equal(made.role.state, 'B1OrC1W');
  made.journal.take();
  return { ...made, successor };
}

/** OUT_R2 with 5,000 bytes that wait for the predecessor's window, after B1. */
function inFlushingB3(options: Parameters<typeof openedOutbound>[0] = {}) {
  const made = inB1OrC1W({ clientWindow: 8192, ...options });
  made.role.fromServer.rpc(run(5000, 5000), 2);
  made.role.fromServer.rts(B1);
  assert.equal(made.role.state, 'Flushing_B3');
  made.journal.take();
  return made;
}

test('OUT_R1 at the successor: A3, the server connects, A4; A11 brings the 200, and then what waited', () => {
  const { role, from, journal } = startOutbound({ first: outA3() });
  assert.equal(role.state, 'Connecting');
  role.serverConnected();
  assert.deepEqual(journal.take(), ['server OUT_R1/A4']);
  assert.deepEqual(journal.last(OUT_R1_A4), {
    version: 1,
    virtualConnectionCookie: VC,
    predecessorCookie: OUT,
    successorCookie: NEXT_OUT,
    channelLifetime: 1024 ** 3,
    receiveWindowSize: 65_536,
    connectionTimeout: 120_000,
  });
  role.fromServer.rpc(run(100, 200), 2);
  role.fromServer.rts(FOR_CLIENT);
  assert.deepEqual(journal.take(), [], 'nothing may precede the head of the response');
  assert.equal(role.held, 300);
  from.rts(A11);
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['200', 'opened', 'client FlowControlAckWithDestination', 'client rpc 2/300']);
});

test('OUT_R1 at the successor: the client’s window is that of A3, and the server’s acks name the successor', () => {
  const { role, from, journal } = inA11W({ first: outA3({ receiveWindowSize: 8192 }), receiveWindow: 8192 });
  assert.equal(role.clientWindow, 8192);
  from.rts(A11);
  role.fromServer.rpc(run(5000), 1);
  assert.deepEqual(journal.take(), ['200', 'opened', 'client rpc 1/5000', 'server FlowControlAck']);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK).ack, {
    bytesReceived: 5000,
    availableWindow: 8192,
    channelCookie: NEXT_OUT,
  });
  role.fromServer.rpc(run(5000), 1);
  role.fromServer.rts(clientAck(5000, 8192, OUT));
  assert.equal(role.held, 5000, 'another channel');
  role.fromServer.rts(clientAck(5000, 8192, NEXT_OUT));
  assert.equal(role.held, 0);
});

test('OUT_R1 at the successor: a server that sends more than the window before A11 is refused', () => {
  const { role } = inA11W({ receiveWindow: 8192 });
  role.fromServer.rpc(run(4000, 4000), 2);
  refused(() => role.fromServer.rpc(run(4000), 1), 'RPCH_WINDOW_OVERRUN');
});

test('OUT_R1 at the predecessor: A1 and A5 are passed on; A9 arrives, what waits goes, A10, and the end', () => {
  const { role, journal } = openedOutbound({ clientWindow: 8192 });
  role.fromServer.rts(OUT_R2_A1.encode({ destination: 0 }));
  role.fromServer.rts(OUT_R1_A5.encode({ destination: 0, version: 1, connectionTimeout: 140_000 }));
  assert.deepEqual(journal.take(), [said('client', OUT_R2_A1), said('client', OUT_R1_A5)]);
  role.fromServer.rpc(run(5000, 5000), 2);
  assert.ok(journal.take().includes('client rpc 1/5000'));
  role.fromServer.rts(A9);
  assert.equal(role.state, 'Flushing_A10');
  assert.deepEqual(journal.take(), ['leaving']);
  role.fromServer.rts(clientAck(5000, 8192));
  assert.deepEqual(journal.take(), ['client rpc 1/5000', said('client', OUT_R1_A10), 'ended recycled']);
  assert.equal(role.state, 'Finished');
});

test('OUT_R1 at the predecessor: where nothing waits, A10 is the answer to A9; RPC PDUs after A9 are refused', () => {
  const { role, journal } = openedOutbound();
  role.fromServer.rts(A9);
  assert.deepEqual(journal.take(), ['leaving', said('client', OUT_R1_A10), 'ended recycled']);
  const waiting = openedOutbound({ clientWindow: 8192 });
  waiting.role.fromServer.rpc(run(5000, 5000), 2);
  waiting.role.fromServer.rts(A9);
  refused(() => waiting.role.fromServer.rpc(rpc(16), 1), 'RPCH_RPC_TOO_LATE');
});

test('OUT_R2: C1 before B1: B1 brings B3 on the predecessor and the 200 on the successor', () => {
  const { role, journal, succeed } = openedOutbound();
  const successor = succeed();
  assert.equal(role.state, 'B1OrC1W');
  assert.deepEqual(journal.take(), [said('server', OUT_R2_A4)]);
  assert.deepEqual(journal.last(OUT_R2_A4), { successorCookie: NEXT_OUT });
  role.fromServer.rts(OUT_R2_A5.encode({ destination: 0 }));
  role.fromServer.rpc(rpc(100), 1);
  assert.deepEqual(journal.take(), [said('client', OUT_R2_A5), 'client rpc 1/100']);
  successor.from.rts(C1);
  assert.equal(role.state, 'B1W');
  assert.deepEqual(journal.take(), []);
  assert.deepEqual([role.client.over, successor.over], [false, false]);
  role.fromServer.rts(B1);
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), [said('client', OUT_R2_B3), 'client close', 'successor 200']);
  assert.deepEqual([role.client.over, successor.over], [true, false]);
  role.fromServer.rpc(rpc(200), 1);
  assert.deepEqual(journal.take(), ['successor rpc 1/200']);
});

test('OUT_R2: B1 before C1: B3 goes at once, the 200 and what waits for it when C1 arrives', () => {
  const { role, journal, successor } = inB1OrC1W();
  role.fromServer.rts(B1);
  assert.equal(role.state, 'R2C1W');
  assert.deepEqual(journal.take(), [said('client', OUT_R2_B3), 'client close']);
  role.fromServer.rpc(rpc(200), 1);
  role.fromServer.rts(FOR_CLIENT);
  assert.deepEqual(journal.take(), [], 'no PDU before the head of the response');
  successor.from.rts(C1);
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['successor 200', 'successor FlowControlAckWithDestination', 'successor rpc 1/200']);
});

test('OUT_R2: what flow control held back goes on the predecessor before B3; what comes later waits for the successor', () => {
  const { role, journal, successor } = inFlushingB3();
  role.fromServer.rpc(rpc(300), 1);
  role.fromServer.rts(FOR_CLIENT);
  successor.from.rts(C1);
  assert.equal(role.state, 'Flushing_B3');
  assert.deepEqual(journal.take(), []);
  assert.equal(role.held, 5300);
  role.fromServer.rts(clientAck(5000, 8192, OUT));
  assert.deepEqual(journal.take(), [
    'client rpc 1/5000',
    said('client', OUT_R2_B3),
    'client close',
    'successor 200',
    'successor FlowControlAckWithDestination',
    'successor rpc 1/300',
  ]);
  assert.equal(role.held, 0);
});

test('OUT_R2/C1 counts on the successor only, and once', () => {
  refused(() => inB1OrC1W().from.rts(C1), 'RPCH_RTS_UNEXPECTED');
  refused(() => inFlushingB3().from.rts(C1), 'RPCH_RTS_UNEXPECTED');
  const { successor } = inB1OrC1W();
  successor.from.rts(C1);
  refused(() => successor.from.rts(C1), 'RPCH_RTS_UNEXPECTED');
});

test('OUT_R2/B2 closes the successor, before C1 and after it, and the predecessor carries on', () => {
  for (const confirmed of [false, true]) {
    const { role, journal, successor, succeed } = inB1OrC1W();
    if (confirmed) successor.from.rts(C1);
    role.fromServer.rts(B2);
    assert.deepEqual(journal.take(), ['successor close']);
    assert.deepEqual([role.state, role.client.over, successor.over], ['Opened', false, true]);
    successor.from.rts(C1);
    role.fromServer.rpc(rpc(100), 1);
    assert.deepEqual(journal.take(), ['client rpc 1/100']);
    succeed(outA3({ successorCookie: cookie(0x56) }), 'third');
    assert.deepEqual(journal.take(), [said('server', OUT_R2_A4)]);
  }
});

test('OUT_R2: the client’s window is that of the instance, the server’s goes on', () => {
  const { role, journal, succeed } = openedOutbound({ clientWindow: 8192, receiveWindow: 16_384 });
  role.fromServer.rpc(rpc(5000), 1);
  succeed(outA3({ receiveWindowSize: 9000 }), 'next').from.rts(C1);
  role.fromServer.rts(B1);
  assert.equal(role.clientWindow, 9000);
  assert.equal(role.room, 9000);
  journal.take();
  role.fromServer.rpc(run(5000, 3500), 2);
  assert.deepEqual(journal.take(), ['next rpc 2/8500', 'server FlowControlAck']);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK).ack, {
    bytesReceived: 13_500,
    availableWindow: 16_384,
    channelCookie: NEXT_OUT,
  });
  role.fromServer.rts(clientAck(5000, 8192, OUT));
  assert.equal(role.room, 500, 'an acknowledgement of the predecessor is dropped');
  role.fromServer.rts(clientAck(8500, 9000, NEXT_OUT));
  assert.equal(role.room, 9000);
});

test('OUT_R2/A3 is taken in state Opened only, and must name the default channel', () => {
  refused(() => startOutbound().succeed(), 'RPCH_RECYCLING');
  refused(() => inA11W().succeed(), 'RPCH_RECYCLING');
  refused(() => inB1OrC1W().succeed(), 'RPCH_RECYCLING');
  refused(() => inFlushingB3().succeed(), 'RPCH_RECYCLING');
  refused(() => openedOutbound().succeed(a1()), 'RPCH_RECYCLING');
  const { journal, succeed } = openedOutbound();
  refused(() => succeed(outA3({ predecessorCookie: cookie(0x99) })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('OUT_R2 again on the successor', () => {
  const { role, journal, successor, succeed } = inB1OrC1W();
  successor.from.rts(C1);
  role.fromServer.rts(B1);
  const third = succeed(outA3({ predecessorCookie: NEXT_OUT, successorCookie: cookie(0x56) }), 'third');
  third.from.rts(C1);
  journal.take();
  role.fromServer.rts(B1);
  assert.deepEqual(journal.take(), [said('successor', OUT_R2_B3), 'successor close', 'third 200']);
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const like = (row: { readonly name: string }) =>
    RTS_PDUS.map(({ name }) => name).filter((name) => said('', { name }) === said('', row));
  // The samples with a Destination are for the client: they are passed on.
  const relayed = RTS_PDUS.filter(({ fields }) => fields[0]?.[0] === 'Destination').map(({ name }) => name);
  const inB1W = () => {
    const made = inB1OrC1W();
    made.successor.from.rts(C1);
    return made;
  };
  const inR2C1W = () => {
    const made = inB1OrC1W();
    made.role.fromServer.rts(B1);
    return made;
  };
  const alone = (made: ReturnType<typeof startOutbound>) => ({ ...made, successor: made.role.client });
  const inFlushingA10 = () => {
    const made = openedOutbound({ clientWindow: 8192 });
    made.role.fromServer.rpc(run(5000, 5000), 2);
    made.role.fromServer.rts(A9);
    return alone(made);
  };
  const places = [
    [() => alone(inA11W()), 'A11W', relayed, like(OUT_R1_A11)],
    [inB1OrC1W, 'B1OrC1W', [...relayed, ...like(OUT_R2_B1), 'OUT_R2/B2'], ['OUT_R2/C1']],
    [inB1W, 'B1W', [...relayed, ...like(OUT_R2_B1), 'OUT_R2/B2'], []],
    [inR2C1W, 'R2C1W', relayed, ['OUT_R2/C1']],
    [inFlushingB3, 'Flushing_B3', relayed, ['OUT_R2/C1']],
    [inFlushingA10, 'Flushing_A10', relayed, []],
  ] as const;
  for (const [scene, state, fromServer, fromSuccessor] of places) {
    for (const row of RTS_PDUS) {
      for (const side of ['server', 'successor'] as const) {
        const { role, successor } = scene();
        assert.equal(role.state, state);
        const sink = side === 'server' ? role.fromServer : successor.from;
        const fine: readonly string[] = side === 'server' ? fromServer : fromSuccessor;
        const give = () => sink.rts(encodeRow(row, sampleOf(row)));
        if (fine.includes(row.name)) give();
        else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${state} ${side}`);
      }
    }
  }
});

test('RPC PDUs from the client are refused on either connection', () => {
  const { from, successor } = inB1OrC1W();
  refused(() => from.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
  refused(() => successor.from.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
});

test('RTS PDUs that wait for a successor’s response are bounded', () => {
  const { role } = inA11W();
  const flood = () => {
    for (let i = 0; i < 10_000; i++) role.fromServer.rts(FOR_CLIENT);
  };
  refused(flood, 'RPCH_RTS_FLOOD');
});

test('a client in doubt is not asked to recycle: a clean end is better; one that recycles is in doubt no more', () => {
  const { role, journal } = openedOutbound({ minor: 0 });
  role.fromServer.rts(OUT_R2_A1.encode({ destination: 0 }));
  assert.deepEqual(journal.take(), ['ended out-channel-used-up']);
  const known = openedOutbound({ minor: 0 });
  known.succeed();
  assert.equal(known.conduct.state, 'conforming');
  assert.equal(inA11W({ minor: 0 }).conduct.state, 'conforming');
});

test('A11, C1, B1 and the last of what waits have the recycling time-out to come', () => {
  const lapse = (made: { readonly clock: { advance(ms: number): void } }) =>
    made.clock.advance(RECYCLING_TIMEOUT + TICK);
  const waiting = inA11W();
  waiting.role.tick(0);
  waiting.role.tick(RECYCLING_TIMEOUT - 1);
  assert.deepEqual(waiting.journal.take(), []);
  waiting.role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(waiting.journal.take(), ['ended recycling-timeout']);

  const b1OrC1W = inB1OrC1W();
  const b1W = inB1OrC1W();
  b1W.successor.from.rts(C1);
  const r2C1W = inB1OrC1W();
  r2C1W.role.fromServer.rts(B1);
  const flushingB3 = inFlushingB3();
  const flushingA10 = openedOutbound({ clientWindow: 8192 });
  flushingA10.role.fromServer.rpc(run(5000, 5000), 2);
  flushingA10.role.fromServer.rts(A9);
  for (const made of [b1OrC1W, b1W, r2C1W, flushingB3, flushingA10]) {
    const { state } = made.role;
    made.journal.take();
    lapse(made);
    assert.equal(made.journal.take().at(-1), 'ended recycling-timeout', state);
    assert.equal(made.role.state, 'Finished');
    assert.equal(made.role.held, state.startsWith('Flushing') ? 5000 : 0);
  }
});

test('a predecessor that still sends is given time', () => {
  const { role, clock, journal } = openedOutbound({ clientWindow: 8192 });
  role.fromServer.rpc(run(5000, 5000, 5000), 3);
  role.fromServer.rts(A9);
  clock.advance(RECYCLING_TIMEOUT);
  role.fromServer.rts(clientAck(5000, 8192));
  clock.advance(RECYCLING_TIMEOUT);
  assert.equal(role.state, 'Flushing_A10');
  role.fromServer.rts(clientAck(10_000, 8192));
  assert.equal(journal.take().at(-1), 'ended recycled');
});

test('a channel that is used up in the middle of its recycling is the end', () => {
  const short = { channelLifetime: 131_072, receiveWindow: 262_144, clientWindow: 262_144 };
  for (const begin of [() => {}, (made: ReturnType<typeof inB1OrC1W>) => made.successor.from.rts(C1)]) {
    const made = inB1OrC1W(short);
    begin(made);
    made.role.fromServer.rpc(run(65_000, 65_000, 2000), 3);
    assert.deepEqual(made.journal.take(), ['ended out-channel-used-up']);
  }
  const flushingB3 = inB1OrC1W({ ...short, clientWindow: 65_536 });
  flushingB3.role.fromServer.rpc(run(65_000, 65_000, 2000), 3);
  flushingB3.role.fromServer.rts(B1);
  const flushingA10 = openedOutbound({ ...short, clientWindow: 65_536 });
  flushingA10.role.fromServer.rpc(run(65_000, 65_000, 2000), 3);
  flushingA10.role.fromServer.rts(A9);
  for (const { role, journal } of [flushingB3, flushingA10]) {
    assert.match(role.state, /^Flushing/);
    role.fromServer.rts(clientAck(65_000, 65_536));
    role.fromServer.rts(clientAck(130_000, 65_536));
    assert.equal(journal.take().at(-1), 'ended out-channel-used-up');
    assert.equal(role.held, 2000);
  }
});

test('blocked connections: the server is acknowledged when neither the predecessor nor the successor is', () => {
  const { role, journal, successor } = inB1OrC1W({ clientWindow: 65_536, receiveWindow: 16_384 });
  role.client.blocked(true);
  role.fromServer.rpc(rpc(10_000), 1);
  assert.deepEqual(journal.take(), ['client rpc 1/10000']);
  successor.from.rts(C1);
  successor.blocked(true);
  role.fromServer.rts(B1);
  assert.deepEqual(journal.take(), [said('client', OUT_R2_B3), 'client close', 'successor 200']);
  successor.blocked(false);
  assert.deepEqual(journal.take(), ['server FlowControlAck']);
});

test('room has no limit while a recycling goes on: its end may have to be read', () => {
  assert.equal(inB1OrC1W().role.room, Number.POSITIVE_INFINITY);
  assert.equal(inFlushingB3().role.room, Number.POSITIVE_INFINITY);
});

test('Pings go on the default channel, on a successor only after its response; its traffic counts anew', () => {
  const { role, clock, journal, successor } = inB1OrC1W();
  clock.advance(30 * TICK);
  role.fromServer.rts(B1);
  journal.take();
  clock.advance(29 * TICK);
  successor.from.rts(C1);
  journal.take();
  clock.advance(62 * TICK);
  assert.deepEqual(journal.take(), ['successor Ping']);
});

test('drain: the server is told of so much ping traffic that it recycles; the rest when nothing is under way', () => {
  const { role, clock, journal } = openedOutbound();
  role.fromServer.rpc(rpc(1000), 1);
  clock.advance(5 * TICK);
  journal.take();
  role.drain();
  assert.deepEqual(journal.take(), ['server Ping Traffic Sent Notify']);
  const first = journal.last(PING_TRAFFIC_SENT_NOTIFY).pingTrafficSent;
  // The server knows of CONN/C2 and of the 1,000 bytes, not of CONN/A3. A window may be under way.
  assert.equal(first, 1024 ** 3 - 44 - 1000 - 65_536 - 8192);
  clock.advance(2 * TICK);
  assert.deepEqual(journal.take(), ['server Ping Traffic Sent Notify']);
  assert.equal(journal.last(PING_TRAFFIC_SENT_NOTIFY).pingTrafficSent, 65_536);
  clock.advance(20 * TICK);
  assert.deepEqual(journal.take(), [], 'once');
  role.fromServer.rts(OUT_R2_A1.encode({ destination: 0 }));
  assert.deepEqual(journal.take(), [said('client', OUT_R2_A1)]);
});

test('drain: a client that takes no RTS PDUs is left alone', () => {
  const { role, clock, journal } = openedOutbound({ minor: 0 });
  role.drain();
  clock.advance(10 * TICK);
  assert.deepEqual(journal.take(), []);
});

/** Half a connection time-out of silence, as often as this. */
function pings(clock: { advance(ms: number): void }, count: number): void {
  for (let i = 0; i < count; i++) clock.advance(61 * TICK);
}

test('Pings of the predecessor are not reported for the successor', () => {
  const { role, clock, journal, succeed } = openedOutbound();
  pings(clock, 40);
  assert.equal(journal.take().filter((line) => line === 'client Ping').length, 40);
  succeed().from.rts(C1);
  role.fromServer.rts(B1);
  journal.take();
  pings(clock, 50);
  assert.ok(!journal.take().includes('server Ping Traffic Sent Notify'), '40 and 50 would be more than 1,031 bytes');
  pings(clock, 5);
  assert.ok(journal.take().includes('server Ping Traffic Sent Notify'));
  assert.deepEqual(
    journal.pdus.filter((pdu) => pdu.length === 28).at(-1),
    PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 }),
  );
});

test('drain on a successor: what the predecessor sent unreported does not count', () => {
  const { role, clock, journal, succeed } = openedOutbound();
  pings(clock, 10);
  succeed().from.rts(C1);
  role.fromServer.rts(B1);
  role.drain();
  assert.equal(journal.take().at(-1), 'server Ping Traffic Sent Notify');
  assert.equal(journal.last(PING_TRAFFIC_SENT_NOTIFY).pingTrafficSent, 1024 ** 3 - 65_536 - 8192);
});

test('drain goes on on a successor at this proxy: its client is to leave', () => {
  const { role, journal, succeed } = openedOutbound();
  role.drain();
  succeed().from.rts(C1);
  journal.take();
  role.fromServer.rts(B1);
  assert.equal(journal.take().at(-1), 'server Ping Traffic Sent Notify');
});

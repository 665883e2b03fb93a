import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/errors.ts';
import {
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  IN_R1_A2,
  IN_R1_A5,
  IN_R1_A6,
  IN_R1_B1,
  IN_R1_B2,
  IN_R2_A2,
  KEEP_ALIVE,
  OUT_R2_A7,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { TICK } from '../../src/rpch/role.ts';
import { B1, B3, inA1, openedInbound, RECYCLING_TIMEOUT, serverAck, startInbound } from './inbound-scene.ts';
import { cookie, encodeRow, IN, NEXT_IN, OUT, refused, rpc, run, said, sampleOf, VC } from './support.ts';

const A5 = IN_R1_A5.encode({ successorCookie: NEXT_IN });
const ACK = 'server FlowControlAckWithDestination';
const PING = PING_PDU.encode({});
const CLIENT_ACK = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
  destination: 3,
  ack: { bytesReceived: 0, availableWindow: 65_536, channelCookie: OUT },
});
const b2 = (receiveWindowSize = 65_536) => IN_R1_B2.encode({ receiveWindowSize });

/** IN_R1 at the successor as far as A2. */
function inWaitB2(options: Parameters<typeof startInbound>[0] = {}) {
  const made = startInbound({ ...options, first: inA1() });
  made.role.serverConnected();
  assert.equal(made.role.state, 'Wait_B2');
  made.journal.take();
  return made;
}

/** IN_R2 as far as A2. */
function inA5W(options: Parameters<typeof openedInbound>[0] = {}, serverWindow?: number) {
  const made = openedInbound(options, serverWindow);
  const successor = made.succeed();
  assert.equal(made.role.state, 'Opened_A5W');
  made.journal.take();
  return { ...made, successor };
}

test('IN_R1 at the successor: A1, the server connects, A2; PDUs wait for B2', () => {
  const { role, from, journal } = startInbound({ first: inA1() });
  assert.equal(role.state, 'Connecting');
  role.serverConnected();
  assert.deepEqual(journal.take(), ['server IN_R1/A2']);
  assert.deepEqual(journal.last(IN_R1_A2), {
    version: 1,
    virtualConnectionCookie: VC,
    predecessorCookie: IN,
    successorCookie: NEXT_IN,
    receiveWindowSize: 65_536,
    connectionTimeout: 120_000,
  });
  from.rpc(run(100, 200), 2);
  from.rts(CLIENT_ACK);
  assert.deepEqual(journal.take(), [ACK], 'RTS PDUs pass what is plugged');
  assert.equal(role.held, 300);
  role.fromServer.rts(b2());
  assert.equal(role.state, 'Opened');
  assert.deepEqual(
    journal.take(),
    ['opened', 'server rpc 2/300', ACK],
    'the client learns that its successor carries on',
  );
});

test('IN_R1 at the successor: the server’s window of B2 is heeded, and acks name the successor', () => {
  const { role, from, journal } = inWaitB2();
  role.fromServer.rts(b2(8192));
  from.rpc(run(5000, 5000), 2);
  assert.deepEqual(journal.take(), ['opened', ACK, 'server rpc 1/5000']);
  role.fromServer.rts(serverAck(5000, 8192, IN));
  assert.deepEqual(journal.take(), [], 'another channel');
  role.fromServer.rts(serverAck(5000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000']);
  from.rpc(rpc(30_000), 1);
  assert.deepEqual(journal.take(), [ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION), {
    destination: 0,
    ack: { bytesReceived: 40_000, availableWindow: 35_536, channelCookie: NEXT_IN },
  });
  role.fromServer.rts(serverAck(10_000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/30000'], 'larger than the window: it goes alone');
});

test('IN_R1 at the successor: a client that sends more than the window meanwhile is held by TCP', () => {
  const { role, from, journal } = inWaitB2({ receiveWindow: 8192 });
  from.rpc(run(5000, 5000), 2);
  assert.deepEqual(journal.take(), ['pause']);
  role.fromServer.rts(b2());
  assert.ok(journal.take().includes('resume'));
});

test('IN_R1 at the predecessor: A5 arrives, A6 goes out, what flow control held back, B1, and the end', () => {
  const { role, from, journal } = openedInbound({}, 8192);
  from.rpc(run(5000, 5000), 2);
  journal.take();
  from.rts(A5);
  assert.equal(role.state, 'Flushing');
  assert.deepEqual(journal.take(), [said('server', IN_R1_A6), 'leaving']);
  assert.deepEqual(journal.last(IN_R1_A6), { successorCookie: NEXT_IN });
  assert.equal(role.client.over, true, 'the client may close now');
  role.fromServer.rts(serverAck(5000, 8192));
  assert.deepEqual(journal.take(), ['server rpc 1/5000', said('server', IN_R1_B1), 'ended recycled']);
  assert.equal(role.state, 'Finished');
});

test('IN_R1 at the predecessor: where nothing waits, B1 follows A6 at once; nothing more is heard', () => {
  const { role, from, journal } = openedInbound();
  from.rts(A5);
  assert.deepEqual(journal.take(), [said('server', IN_R1_A6), 'leaving', said('server', IN_R1_B1), 'ended recycled']);
  from.rpc(rpc(16), 1);
  from.rts(PING);
  role.fromServer.rts(serverAck(0, 65_536));
  role.tick(10_000_000);
  assert.deepEqual(journal.take(), []);
});

test('IN_R1 at the predecessor: what the client says after A5 counts for nothing', () => {
  const { from, journal } = openedInbound({}, 8192);
  from.rpc(run(5000, 5000), 2);
  from.rts(A5);
  journal.take();
  from.rpc(rpc(16), 1);
  from.rts(A5);
  from.rts(PING);
  assert.deepEqual(journal.take(), []);
});

test('IN_R1/A5 before the server is connected is refused; before CONN/B3 or IN_R1/B2 it waits, as what came before it', () => {
  refused(() => startInbound().from.rts(A5), 'RPCH_RTS_UNEXPECTED');
  const opening = startInbound();
  opening.role.serverConnected();
  for (const [made, ready] of [
    [opening, B3],
    [inWaitB2(), b2()],
  ] as const) {
    made.from.rpc(rpc(100), 1);
    made.from.rts(A5);
    assert.equal(made.role.client.over, true);
    made.from.rpc(rpc(16), 1);
    made.journal.take();
    made.role.fromServer.rts(ready);
    assert.deepEqual(
      made.journal.take().filter((line) => line !== ACK),
      ['opened', 'server rpc 1/100', said('server', IN_R1_A6), 'leaving', said('server', IN_R1_B1), 'ended recycled'],
    );
  }
});

test('an early A5 is that of IN_R1, whatever waits here: its sender can have no A4 of a successor at this proxy', () => {
  const { role, from, journal, succeed } = startInbound();
  role.serverConnected();
  succeed();
  from.rts(IN_R1_A5.encode({ successorCookie: cookie(0x99) }));
  role.fromServer.rts(B3);
  assert.equal(journal.take().at(-1), 'ended recycled');
});

test('IN_R2: A1 arrives, A2 goes to the server; A5 on the predecessor makes the successor the default', () => {
  const { role, from, journal, succeed } = openedInbound();
  const successor = succeed();
  assert.deepEqual(journal.take(), [said('server', IN_R2_A2)]);
  assert.deepEqual(journal.last(IN_R2_A2), { successorCookie: NEXT_IN });
  from.rpc(rpc(100), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/100']);
  assert.deepEqual([role.client.over, successor.over], [false, false]);
  from.rts(A5);
  assert.deepEqual(journal.take(), ['close', ACK], 'the client learns that its successor carries on');
  assert.equal(role.state, 'Opened');
  assert.deepEqual([role.client.over, successor.over], [true, false]);
  successor.from.rpc(rpc(200), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/200']);
});

test('IN_R2: RPC PDUs on the successor wait for A5, in order, while RTS PDUs pass', () => {
  const { role, from, journal, successor } = inA5W();
  successor.from.rpc(run(16, 17), 2);
  successor.from.rts(CLIENT_ACK);
  successor.from.rts(KEEP_ALIVE.encode({ clientKeepalive: 60_000 }));
  successor.from.rts(OUT_R2_A7.encode({ destination: 2, successorCookie: OUT, version: 1 }));
  successor.from.rts(PING);
  successor.from.rpc(rpc(18), 1);
  assert.deepEqual(journal.take(), [ACK, 'keepAlive 60000', 'server OUT_R2/A7']);
  assert.equal(role.held, 51);
  from.rpc(rpc(19), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/19']);
  from.rts(A5);
  assert.deepEqual(journal.take(), ['close', 'server rpc 2/33', 'server rpc 1/18', ACK]);
  assert.equal(role.held, 0);
  assert.equal(role.bytesReceived, 70);
});

test('IN_R2: what flow control held back of the predecessor goes before the successor’s', () => {
  const { role, from, journal, successor } = inA5W({}, 8192);
  from.rpc(run(5000, 5001), 2);
  successor.from.rpc(rpc(300), 1);
  from.rts(A5);
  assert.deepEqual(journal.take(), ['server rpc 1/5000', 'close', ACK]);
  assert.equal(role.held, 5301);
  role.fromServer.rts(serverAck(5000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5001', 'server rpc 1/300']);
  assert.equal(role.held, 0);
});

test('IN_R2: the client’s window is that of the instance; only the successor is acknowledged', () => {
  const { role, from, journal, successor } = inA5W({ receiveWindow: 16_384 }, 8192);
  from.rpc(run(5000, 5000), 2);
  from.rts(A5);
  journal.take();
  role.fromServer.rts(serverAck(5000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000'], 'nobody waits for an acknowledgement of the predecessor');
  successor.from.rpc(run(4000, 4192), 2);
  role.fromServer.rts(serverAck(10_000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/4000', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION).ack, {
    bytesReceived: 8192,
    availableWindow: 16_384 - 4192,
    channelCookie: NEXT_IN,
  });
});

test('IN_R2: acknowledgements of the server may name the former cookie, or the new one with counts that go on', () => {
  const { role, from, journal, successor } = inA5W({}, 8192);
  from.rpc(run(5000, 5000, 5000, 5000), 4);
  from.rts(A5);
  assert.deepEqual(journal.take(), ['server rpc 1/5000', 'close', ACK]);
  role.fromServer.rts(serverAck(5000, 8192, IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000']);
  role.fromServer.rts(serverAck(10_000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000']);
  role.fromServer.rts(serverAck(15_000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000']);
  role.fromServer.rts(serverAck(20_000, 8192, cookie(0x99)));
  successor.from.rpc(rpc(5000), 1);
  assert.deepEqual(journal.take(), [], 'another channel');
  refused(() => role.fromServer.rts(serverAck(20_001, 8192, NEXT_IN)), 'RPCH_FLOW_CONTROL_ACK');
});

test('IN_R2: a server that begins its counts anew is understood', () => {
  const { role, from, journal, succeed } = openedInbound({}, 8192);
  from.rpc(rpc(5000), 1);
  role.fromServer.rts(serverAck(5000, 8192));
  const successor = succeed();
  from.rts(A5);
  journal.take();
  successor.from.rpc(run(3000, 4000, 6000), 3);
  assert.deepEqual(journal.take(), ['server rpc 2/7000']);
  role.fromServer.rts(serverAck(3000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), [], '4,192 are left');
  role.fromServer.rts(serverAck(7000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/6000']);
  refused(() => role.fromServer.rts(serverAck(13_001, 8192, NEXT_IN)), 'RPCH_FLOW_CONTROL_ACK');
});

test('IN_R2: an overrun of the successor is refused: TCP holds nothing that is being read', () => {
  const { successor } = inA5W({ receiveWindow: 8192 });
  successor.from.rpc(rpc(8000), 1);
  refused(() => successor.from.rpc(rpc(1000), 1), 'RPCH_WINDOW_OVERRUN');
});

test('IN_R2: a blocked server leg holds the successor’s acknowledgements back as well', () => {
  const { role, from, journal, successor } = inA5W();
  role.serverBlocked(true);
  from.rts(A5);
  journal.take();
  successor.from.rpc(rpc(40_000), 1);
  assert.ok(!journal.take().includes(ACK));
  role.serverBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('IN_R2/A5 that names another successor closes the successor, and the predecessor carries on', () => {
  const { role, from, journal, successor, succeed } = inA5W();
  successor.from.rpc(rpc(100), 1);
  from.rts(IN_R1_A5.encode({ successorCookie: cookie(0x99) }));
  assert.deepEqual(journal.take(), ['close successor']);
  assert.deepEqual([role.client.over, successor.over, role.state], [false, true, 'Opened']);
  from.rpc(rpc(200), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/200'], 'and what the successor brought is dropped');
  assert.equal(role.held, 0);
  successor.from.rpc(rpc(16), 1);
  successor.from.rts(A5);
  assert.deepEqual(journal.take(), []);
  succeed(inA1({ successorCookie: cookie(0x67) }));
  from.rts(IN_R1_A5.encode({ successorCookie: cookie(0x67) }));
  assert.equal(role.client.over, true);
});

test('IN_R2/A5 on the successor is refused', () => {
  refused(() => inA5W().successor.from.rts(A5), 'RPCH_RTS_UNEXPECTED');
});

test('IN_R2/A1 before there is a virtual IN channel, or after its end, is refused; so is one that names another one', () => {
  refused(() => startInbound().succeed(), 'RPCH_RECYCLING');
  const flushing = openedInbound({}, 8192);
  flushing.from.rpc(run(5000, 5000), 2);
  flushing.from.rts(A5);
  refused(() => flushing.succeed(), 'RPCH_RECYCLING');
  const { journal, succeed } = openedInbound();
  refused(() => succeed(inA1({ predecessorCookie: cookie(0x99) })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('IN_R2/A1 that overtakes B3, B2 or A5 waits for it; a second one is refused', () => {
  const opening = startInbound();
  opening.role.serverConnected();
  opening.succeed();
  refused(() => opening.succeed(), 'RPCH_RECYCLING');
  opening.journal.take();
  opening.role.fromServer.rts(B3);
  assert.deepEqual(opening.journal.take(), ['opened', said('server', IN_R2_A2)]);

  const successor = inWaitB2();
  successor.succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }));
  refused(() => successor.succeed(), 'RPCH_RECYCLING');
  successor.role.fromServer.rts(b2());
  assert.deepEqual(successor.journal.take(), ['opened', ACK, said('server', IN_R2_A2)]);

  const recycling = inA5W();
  recycling.succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }), ' third');
  refused(() => recycling.succeed(), 'RPCH_RECYCLING');
  recycling.from.rts(A5);
  assert.deepEqual(recycling.journal.take(), ['close', ACK, said('server', IN_R2_A2)]);
  recycling.successor.from.rts(IN_R1_A5.encode({ successorCookie: cookie(3) }));
  assert.deepEqual(recycling.journal.take(), ['close successor', ACK]);
});

test('IN_R2/A1 that waited and names another predecessor is refused then', () => {
  const { from, succeed } = inA5W();
  succeed(inA1({ predecessorCookie: cookie(0x99), successorCookie: cookie(3) }));
  refused(() => from.rts(A5), 'RPCH_COOKIE');
});

test('RPC PDUs on a successor whose turn has not come are refused', () => {
  const { succeed } = inA5W();
  const third = succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }), ' third');
  refused(() => third.from.rpc(rpc(100), 1), 'RPCH_RPC_TOO_EARLY');
});

test('IN_R2/A1 waits while what its predecessors brought waits for the server', () => {
  const { role, from, journal, successor, succeed } = inA5W({}, 8192);
  from.rpc(run(5000, 5000), 2);
  from.rts(A5);
  succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }), ' third');
  assert.ok(!journal.take().includes(said('server', IN_R2_A2)));
  successor.from.rpc(rpc(100), 1);
  role.fromServer.rts(serverAck(5000, 8192, NEXT_IN));
  assert.deepEqual(journal.take(), ['server rpc 1/5000', said('server', IN_R2_A2), 'server rpc 1/100']);

  const blocked = inA5W();
  blocked.role.serverBlocked(true);
  blocked.from.rts(A5);
  blocked.succeed(inA1({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }), ' third');
  assert.ok(!blocked.journal.take().includes(said('server', IN_R2_A2)));
  blocked.role.serverBlocked(false);
  assert.deepEqual(blocked.journal.take(), [said('server', IN_R2_A2)]);
});

test('CONN/B1 of a virtual connection that is there already is refused', () => {
  refused(() => openedInbound().succeed(B1), 'RPCH_RECYCLING');
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const a5 = RTS_PDUS.map(({ name }) => name).filter((name) => said('', { name }) === said('', IN_R1_A5));
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    'Wait_B2 client': [...a5, 'Keep-Alive', 'Ping'],
    'Wait_B2 server': ['IN_R1/B2'],
    'Opened_A5W client': [...a5, 'Keep-Alive', 'Ping'],
    'Opened_A5W successor': ['Keep-Alive', 'Ping'],
    'Opened_A5W server': ['FlowControlAck'],
    'Flushing server': ['FlowControlAck'],
  };
  for (const [place, names] of Object.entries(acceptable)) {
    for (const row of RTS_PDUS) {
      const flushing = () => {
        const made = openedInbound({}, 8192);
        made.from.rpc(run(5000, 5000), 2);
        made.from.rts(A5);
        return { ...made, successor: made.role.client };
      };
      const inB2 = () => {
        const made = inWaitB2();
        return { ...made, successor: made.role.client };
      };
      const { role, from, successor } = place.startsWith('Wait')
        ? inB2()
        : place.startsWith('F')
          ? flushing()
          : inA5W();
      assert.equal(role.state, place.split(' ')[0]);
      const side = place.split(' ')[1];
      const sink = side === 'server' ? role.fromServer : side === 'client' ? from : successor.from;
      const give = () => sink.rts(encodeRow(row, sampleOf(row)));
      if (names.includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${place}`);
    }
  }
});

test('RPC PDUs from the server are refused during recycling as well', () => {
  refused(() => inWaitB2().role.fromServer.rpc(rpc(16), 1), 'RPCH_RPC_ON_IN');
  refused(() => inA5W().role.fromServer.rpc(rpc(16), 1), 'RPCH_RPC_ON_IN');
});

test('B2, A5 and the last of what waits have the recycling time-out to come', () => {
  const waiting = inWaitB2();
  waiting.role.tick(0);
  waiting.role.tick(RECYCLING_TIMEOUT - 1);
  assert.deepEqual(waiting.journal.take(), []);
  waiting.role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(waiting.journal.take(), ['ended recycling-timeout']);

  const a5W = inA5W();
  a5W.clock.advance(RECYCLING_TIMEOUT);
  assert.deepEqual(a5W.journal.take(), []);
  a5W.clock.advance(TICK);
  assert.deepEqual(a5W.journal.take(), ['ended recycling-timeout']);

  const flushing = openedInbound({}, 8192);
  flushing.from.rpc(run(5000, 5000, 5000), 3);
  flushing.from.rts(A5);
  flushing.clock.advance(RECYCLING_TIMEOUT);
  flushing.role.fromServer.rts(serverAck(5000, 8192));
  flushing.clock.advance(RECYCLING_TIMEOUT);
  assert.equal(flushing.role.state, 'Flushing', 'something moved');
  flushing.journal.take();
  flushing.clock.advance(2 * TICK);
  assert.deepEqual(flushing.journal.take(), ['ended recycling-timeout']);
});

test('a client in doubt that recycles is in doubt no more', () => {
  const known = openedInbound({ minor: 0 });
  known.succeed();
  assert.equal(known.conduct.state, 'conforming');
  assert.equal(inWaitB2({ minor: 0 }).conduct.state, 'conforming');
});

test('B3 in place of B2 is refused, and the other way round', () => {
  refused(() => inWaitB2().role.fromServer.rts(B3), 'RPCH_RTS_UNEXPECTED');
  const { role } = startInbound();
  role.serverConnected();
  refused(() => role.fromServer.rts(b2()), 'RPCH_RTS_UNEXPECTED');
});

test('a client that recycles again and again while the server takes nothing is not given a window each time', () => {
  for (const hindrance of ['window', 'leg']) {
    const { role, from, journal, succeed } = openedInbound({}, hindrance === 'window' ? 8192 : 1024 ** 3);
    if (hindrance === 'leg') role.serverBlocked(true);
    const before = journal.rpcBytes;
    let channel = from;
    let cookieOfChannel = IN;
    try {
      for (let i = 1; i <= 50; i++) {
        channel.rpc(rpc(60_000), 1);
        const { from: next } = succeed(inA1({ predecessorCookie: cookieOfChannel, successorCookie: cookie(i) }));
        cookieOfChannel = cookie(i);
        channel.rts(IN_R1_A5.encode({ successorCookie: cookieOfChannel }));
        channel = next;
      }
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
    const piled = role.held + (hindrance === 'leg' ? journal.rpcBytes - before : 0);
    assert.ok(piled <= 4 * 65_536, `${piled} bytes are held (${hindrance})`);
  }
});

test('IN_R2/A5 that cannot come because TCP holds the predecessor is waited for', () => {
  const { role, from, clock, journal } = inA5W({ receiveWindow: 8192 }, 8192);
  from.rpc(run(5000, 5000, 5000), 3);
  assert.ok(journal.take().includes('pause'));
  clock.advance(3 * RECYCLING_TIMEOUT);
  assert.equal(role.state, 'Opened_A5W');
  role.fromServer.rts(serverAck(5000, 8192, NEXT_IN));
  role.fromServer.rts(serverAck(10_000, 8192, NEXT_IN));
  assert.ok(journal.take().includes('resume'));
  clock.advance(2 * RECYCLING_TIMEOUT);
  assert.equal(journal.take().at(-1), 'ended recycling-timeout');
});

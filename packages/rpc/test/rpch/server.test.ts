import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONN_A2,
  CONN_B2,
  CONN_B3,
  CONN_C1,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  OUT_R1_A7,
  PING_TRAFFIC_SENT_NOTIFY,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { A2, A2_VALUES, B2, B2_VALUES, openedServer, outAck, startServer } from './server-scene.ts';
import { cookie, encodeRow, IN, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const ACK = 'in FlowControlAck';

test('the halves may come in either order', () => {
  for (const order of ['A2 first', 'B2 first']) {
    const { role, journal, attach } = startServer();
    assert.equal(role.state, 'Open_Start');
    if (order === 'A2 first') {
      attach('out', A2);
      assert.equal(role.state, 'B2W');
      attach('in', B2);
    } else {
      attach('in', B2);
      assert.equal(role.state, 'A2W');
      attach('out', A2);
    }
    assert.equal(role.state, 'Opened');
    assert.deepEqual(journal.take(), ['out CONN/C1', 'in CONN/B3', 'opened'], order);
    assert.deepEqual(journal.last(CONN_B3), { receiveWindowSize: 65_536, version: 1 });
    journal.pdus.pop();
    assert.deepEqual(journal.last(CONN_C1), { version: 1, receiveWindowSize: 49_152, connectionTimeout: 150_000 });
  }
});

test('the version answered is the least of all', () => {
  const { journal, attach } = startServer();
  attach('out', CONN_A2.encode({ ...A2_VALUES, version: 0 }));
  attach('in', B2);
  assert.equal(journal.last(CONN_B3).version, 0);
});

test('halves of different virtual connections are refused', () => {
  const { attach } = startServer();
  attach('out', A2);
  refused(() => attach('in', CONN_B2.encode({ ...B2_VALUES, virtualConnectionCookie: cookie(9) })), 'RPCH_COOKIE');
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    'Open_Start new': ['CONN/A2', 'CONN/B2'],
    'A2W new': ['CONN/A2'],
    'A2W in': [],
    'B2W new': ['CONN/B2'],
    'B2W out': [],
    'Opened new': [],
    'Opened in': [
      // IN_R2/A2, which is the same PDU as the others.
      ...['IN_R1/A5', 'IN_R1/A6', 'IN_R2/A2', 'IN_R2/A5', 'OUT_R2/A4'],
      // The samples' Destination is the client: they are passed on.
      ...RTS_PDUS.filter(({ fields }) => fields[0]?.[0] === 'Destination').map(({ name }) => name),
    ],
    'Opened out': ['Ping Traffic Sent Notify'],
  };
  for (const [place, names] of Object.entries(acceptable)) {
    const [state, side] = place.split(' ');
    for (const row of RTS_PDUS) {
      const { role, attach } = startServer();
      const inLeg = state === 'A2W' || state === 'Opened' ? attach('in', B2) : undefined;
      const outLeg = state === 'B2W' || state === 'Opened' ? attach('out', A2) : undefined;
      assert.equal(role.state, state);
      const leg = side === 'in' ? inLeg : outLeg;
      const bytes = encodeRow(row, { ...sampleOf(row), virtualConnectionCookie: VC });
      const give = () => (side === 'new' ? attach('new', bytes) : leg?.from.rts(bytes));
      // The sample's acknowledgement exceeds what was sent, but names a channel that is ours: refused as such.
      if (place === 'Opened out' && row.name === 'FlowControlAck') refused(give, 'RPCH_FLOW_CONTROL_ACK');
      else if (names.includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${place}`);
    }
  }
});

test('RPC PDUs before the opening are refused, and from the outbound proxy always', () => {
  const empty = startServer();
  refused(() => empty.role.fromRuntime(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  const half = startServer();
  const leg = half.attach('in', B2);
  refused(() => leg.from.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  refused(() => half.role.fromRuntime(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  const other = startServer().attach('out', A2);
  refused(() => other.from.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
  refused(() => openedServer().outLeg.from.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
});

test('PDUs with a Destination are relayed as they are; one for its own sender, or that has another way, is refused', () => {
  const { inLeg, outLeg, journal } = openedServer();
  const [forClient, forIn, forServer, forOut] = ([0, 1, 2, 3] as const).map((destination) =>
    FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
      destination,
      ack: { bytesReceived: 1, availableWindow: 2, channelCookie: OUT },
    }),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  inLeg.from.rts(forClient);
  outLeg.from.rts(forIn);
  inLeg.from.rts(forOut);
  assert.deepEqual(journal.take(), [
    'out FlowControlAckWithDestination',
    'in FlowControlAckWithDestination',
    'out FlowControlAckWithDestination',
  ]);
  assert.deepEqual(journal.pdus.slice(-3), [forClient, forIn, forOut]);
  refused(() => inLeg.from.rts(forIn), 'RPCH_RTS_UNEXPECTED');
  refused(() => inLeg.from.rts(forServer), 'RPCH_RTS_UNEXPECTED');
  refused(() => outLeg.from.rts(forClient), 'RPCH_RTS_UNEXPECTED');
  refused(() => outLeg.from.rts(forOut), 'RPCH_RTS_UNEXPECTED');
  refused(() => inLeg.from.rts(OUT_R1_A7.encode({ destination: 2, successorCookie: OUT })), 'RPCH_RTS_UNEXPECTED');
});

test('calls go to the run-time; the inbound proxy is acknowledged at half the window', () => {
  const { journal, inLeg } = openedServer();
  inLeg.from.rpc(run(10_000, 20_000), 2);
  assert.deepEqual(journal.take(), ['runtime rpc 2/30000']);
  inLeg.from.rpc(rpc(2768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/2768', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK), {
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: IN },
  });
});

test('while the run-time is blocked nothing is acknowledged, and an overrun is refused', () => {
  const { role, journal, inLeg } = openedServer();
  role.runtimeBlocked(true);
  inLeg.from.rpc(run(40_000, 20_000), 2);
  assert.deepEqual(journal.take(), ['runtime rpc 2/60000']);
  refused(() => inLeg.from.rpc(rpc(6000), 1), 'RPCH_WINDOW_OVERRUN');
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('an inbound proxy whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { role, journal, inLeg } = openedServer();
  inLeg.from.rpc(rpc(30_000), 1);
  role.tick(1000);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  role.tick(2000);
  assert.deepEqual(journal.take(), [ACK]);
  role.tick(3000);
  assert.deepEqual(journal.take(), []);
});

test('the outbound proxy’s window holds the run-time; acknowledgements let it go on', () => {
  const { role, journal, outLeg } = openedServer({ outWindow: 8192 });
  role.fromRuntime(run(4096, 4096), 2);
  assert.deepEqual(journal.take(), ['out rpc 1/4096', 'pause']);
  assert.equal(role.queued, 4096);
  role.fromRuntime(rpc(4000), 1);
  assert.deepEqual(journal.take(), []);
  outLeg.from.rts(outAck(4096, 8192, cookie(0x99)));
  assert.deepEqual(journal.take(), [], 'another channel');
  outLeg.from.rts(outAck(4096, 8192));
  assert.deepEqual(journal.take(), ['out rpc 1/4096', 'out rpc 1/4000', 'resume']);
  refused(() => outLeg.from.rts(outAck(12_193, 8192)), 'RPCH_FLOW_CONTROL_ACK');
});

test('the report of Pings is taken note of', () => {
  const { journal, inLeg, outLeg } = openedServer();
  outLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 }));
  assert.deepEqual(journal.take(), []);
  refused(() => inLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 })));
});

test('half a virtual connection is given up when its time is over, and then hears nothing', () => {
  for (const first of [A2, B2]) {
    const { role, journal, attach } = startServer({ setupTimeout: 5000 });
    role.tick(1);
    const leg = attach('leg', first);
    role.tick(100);
    role.tick(5099);
    assert.deepEqual(journal.take(), []);
    role.tick(5100);
    assert.deepEqual(journal.take(), ['ended setup-timeout']);
    refused(() => attach('late', B2), 'RPCH_RTS_UNEXPECTED');
    refused(() => attach('late', A2), 'RPCH_RTS_UNEXPECTED');
    leg.from.rts(first);
    if (first === B2) leg.from.rpc(rpc(16), 1);
    leg.closed();
    role.fromRuntime(rpc(16), 1);
    role.runtimeBlocked(true);
    role.tick(100_000);
    assert.deepEqual(journal.take(), []);
  }
  const { role, journal } = openedServer();
  role.tick(10_000_000);
  assert.deepEqual(journal.take(), [], 'an open one stays');
});

test('a second half of the same kind is refused', () => {
  for (const first of [A2, B2]) {
    const { attach } = startServer();
    attach('leg', first);
    refused(() => attach('again', first), 'RPCH_RTS_UNEXPECTED');
  }
  refused(() => openedServer().attach('again', A2), 'RPCH_RTS_UNEXPECTED');
  refused(() => openedServer().attach('again', B2), 'RPCH_RTS_UNEXPECTED');
});

test('a run-time that is blocked before the opening is blocked after it', () => {
  const { role, attach, journal } = startServer();
  role.runtimeBlocked(true);
  attach('out', A2);
  const { from } = attach('in', B2);
  journal.take();
  from.rpc(rpc(40_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/40000']);
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

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
import { Server } from '../../src/rpch/server.ts';
import { cookie, encodeRow, GROUP, IN, Journal, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const A2_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  outChannelCookie: OUT,
  channelLifetime: 1024 ** 3,
  receiveWindowSize: 65_536,
};
const B2_VALUES = {
  version: 1,
  virtualConnectionCookie: VC,
  inChannelCookie: IN,
  receiveWindowSize: 49_152,
  connectionTimeout: 150_000,
  associationGroupId: GROUP,
  clientAddress: { family: 4 as const, address: Uint8Array.of(127, 0, 0, 1) },
};
const A2 = CONN_A2.encode(A2_VALUES);
const B2 = CONN_B2.encode(B2_VALUES);
const ACK = 'in FlowControlAck';

function start({ receiveWindow = 65_536, setupTimeout = 900_000 } = {}) {
  const journal = new Journal();
  const runtime = journal.sink('runtime');
  const port = {
    toInboundProxy: journal.sink('in'),
    toOutboundProxy: journal.sink('out'),
    toRuntime: runtime.rpc,
    opened: () => journal.note('opened'),
    pauseRuntime: (paused: boolean) => journal.note(paused ? 'pause' : 'resume'),
    ended: (end: string) => journal.note(`ended ${end}`),
  };
  return { role: new Server(port, { receiveWindow, setupTimeout }), journal };
}

function opened({ receiveWindow = 65_536, outWindow = 65_536 } = {}) {
  const made = start({ receiveWindow });
  made.role.fromOutboundProxy.rts(CONN_A2.encode({ ...A2_VALUES, receiveWindowSize: outWindow }));
  made.role.fromInboundProxy.rts(B2);
  assert.equal(made.role.state, 'Opened');
  made.journal.take();
  return made;
}

function outAck(bytesReceived: number, availableWindow: number, channelCookie = OUT): Uint8Array {
  return FLOW_CONTROL_ACK.encode({ ack: { bytesReceived, availableWindow, channelCookie } });
}

test('the halves may come in either order', () => {
  for (const order of ['A2 first', 'B2 first']) {
    const { role, journal } = start();
    assert.equal(role.state, 'Open_Start');
    if (order === 'A2 first') {
      role.fromOutboundProxy.rts(A2);
      assert.equal(role.state, 'B2W');
      role.fromInboundProxy.rts(B2);
    } else {
      role.fromInboundProxy.rts(B2);
      assert.equal(role.state, 'A2W');
      role.fromOutboundProxy.rts(A2);
    }
    assert.equal(role.state, 'Opened');
    assert.deepEqual(journal.take(), ['out CONN/C1', 'in CONN/B3', 'opened'], order);
    assert.deepEqual(journal.last(CONN_B3), { receiveWindowSize: 65_536, version: 1 });
    journal.pdus.pop();
    assert.deepEqual(journal.last(CONN_C1), { version: 1, receiveWindowSize: 49_152, connectionTimeout: 150_000 });
  }
});

test('the version answered is the least of all', () => {
  const { role, journal } = start();
  role.fromOutboundProxy.rts(CONN_A2.encode({ ...A2_VALUES, version: 0 }));
  role.fromInboundProxy.rts(B2);
  assert.equal(journal.last(CONN_B3).version, 0);
});

test('halves of different virtual connections are refused', () => {
  const { role } = start();
  role.fromOutboundProxy.rts(A2);
  refused(
    () => role.fromInboundProxy.rts(CONN_B2.encode({ ...B2_VALUES, virtualConnectionCookie: cookie(9) })),
    'RPCH_COOKIE',
  );
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    'Open_Start in': ['CONN/B2'],
    'Open_Start out': ['CONN/A2'],
    'A2W in': [],
    'A2W out': ['CONN/A2'],
    'B2W in': ['CONN/B2'],
    'B2W out': [],
  };
  const forwarded = RTS_PDUS.filter(({ fields }) => fields[0]?.[0] === 'Destination').map(({ name }) => name);
  const steps: Readonly<Record<string, (role: Server) => void>> = {
    Open_Start: () => {},
    A2W: (role) => role.fromInboundProxy.rts(B2),
    B2W: (role) => role.fromOutboundProxy.rts(A2),
    Opened: (role) => {
      role.fromOutboundProxy.rts(A2);
      role.fromInboundProxy.rts(B2);
    },
  };
  for (const [state, step] of Object.entries(steps)) {
    for (const row of RTS_PDUS) {
      for (const side of ['in', 'out'] as const) {
        const { role } = start();
        step(role);
        assert.equal(role.state, state);
        const sink = side === 'in' ? role.fromInboundProxy : role.fromOutboundProxy;
        const give = () => sink.rts(encodeRow(row, { ...sampleOf(row), virtualConnectionCookie: VC }));
        const fine =
          acceptable[`${state} ${side}`]?.includes(row.name) ??
          (forwarded.includes(row.name) ||
            (side === 'out' && ['FlowControlAck', 'Ping Traffic Sent Notify'].includes(row.name)));
        // The samples' acknowledgement exceeds what was sent, but names a channel that is ours: refused as such.
        if (state === 'Opened' && side === 'out' && row.name === 'FlowControlAck')
          refused(give, 'RPCH_FLOW_CONTROL_ACK');
        else if (fine) give();
        else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${state} ${side}`);
      }
    }
  }
});

test('RPC PDUs before the opening are refused, and from the outbound proxy always', () => {
  for (const step of [() => {}, (role: Server) => role.fromInboundProxy.rts(B2)]) {
    const { role } = start();
    step(role);
    refused(() => role.fromInboundProxy.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
    refused(() => role.fromRuntime(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
    refused(() => role.fromOutboundProxy.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
  }
  refused(() => opened().role.fromOutboundProxy.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
});

test('PDUs with a Destination are relayed as they are', () => {
  const ack = { bytesReceived: 1, availableWindow: 2, channelCookie: OUT };
  const { role, journal } = opened();
  const pdus = ([0, 1, 3] as const).map((destination) =>
    FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination, ack }),
  );
  for (const pdu of pdus) role.fromInboundProxy.rts(pdu);
  assert.deepEqual(journal.take(), [
    'out FlowControlAckWithDestination',
    'in FlowControlAckWithDestination',
    'out FlowControlAckWithDestination',
  ]);
  assert.deepEqual(journal.pdus.slice(-3), pdus);
  const forServer = OUT_R1_A7.encode({ destination: 2, successorCookie: OUT });
  refused(() => role.fromInboundProxy.rts(forServer), 'RPCH_RTS_UNEXPECTED');
});

test('calls go to the run-time; the inbound proxy is acknowledged at half the window', () => {
  const { role, journal } = opened();
  role.fromInboundProxy.rpc(run(10_000, 20_000), 2);
  assert.deepEqual(journal.take(), ['runtime rpc 2/30000']);
  role.fromInboundProxy.rpc(rpc(2768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/2768', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK), {
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: IN },
  });
});

test('while the run-time is blocked nothing is acknowledged, and an overrun is refused', () => {
  const { role, journal } = opened();
  role.runtimeBlocked(true);
  role.fromInboundProxy.rpc(run(40_000, 20_000), 2);
  assert.deepEqual(journal.take(), ['runtime rpc 2/60000']);
  refused(() => role.fromInboundProxy.rpc(rpc(6000), 1), 'RPCH_WINDOW_OVERRUN');
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('an inbound proxy whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { role, journal } = opened();
  role.fromInboundProxy.rpc(rpc(30_000), 1);
  role.tick(1000);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  role.tick(2000);
  assert.deepEqual(journal.take(), [ACK]);
  role.tick(3000);
  assert.deepEqual(journal.take(), []);
});

test('the outbound proxy’s window holds the run-time; acknowledgements let it go on', () => {
  const { role, journal } = opened({ outWindow: 8192 });
  role.fromRuntime(run(4096, 4096), 2);
  assert.deepEqual(journal.take(), ['out rpc 1/4096', 'pause']);
  assert.equal(role.queued, 4096);
  role.fromRuntime(rpc(4000), 1);
  assert.deepEqual(journal.take(), []);
  role.fromOutboundProxy.rts(outAck(4096, 8192, cookie(0x99)));
  assert.deepEqual(journal.take(), [], 'another channel');
  role.fromOutboundProxy.rts(outAck(4096, 8192));
  assert.deepEqual(journal.take(), ['out rpc 1/4096', 'out rpc 1/4000', 'resume']);
  refused(() => role.fromOutboundProxy.rts(outAck(12_193, 8192)), 'RPCH_FLOW_CONTROL_ACK');
});

test('the report of Pings is taken note of', () => {
  const { role, journal } = opened();
  role.fromOutboundProxy.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 }));
  assert.deepEqual(journal.take(), []);
  refused(() => role.fromInboundProxy.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 })));
});

test('half a virtual connection is given up when its time is over, and then hears nothing', () => {
  for (const step of [
    (role: Server) => role.fromInboundProxy.rts(B2),
    (role: Server) => role.fromOutboundProxy.rts(A2),
  ]) {
    const { role, journal } = start({ setupTimeout: 5000 });
    role.tick(1);
    step(role);
    role.tick(100);
    role.tick(5099);
    assert.deepEqual(journal.take(), []);
    role.tick(5100);
    assert.deepEqual(journal.take(), ['ended setup-timeout']);
    role.fromInboundProxy.rts(B2);
    role.fromOutboundProxy.rts(A2);
    role.fromInboundProxy.rpc(rpc(16), 1);
    role.fromRuntime(rpc(16), 1);
    role.tick(100_000);
    assert.deepEqual(journal.take(), []);
  }
  const { role, journal } = opened();
  role.tick(10_000_000);
  assert.deepEqual(journal.take(), [], 'an open one stays');
});

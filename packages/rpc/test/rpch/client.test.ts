import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../src/rpch/client.ts';
import {
  CONN_A1,
  CONN_A3,
  CONN_B1,
  CONN_C2,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  OUT_R1_A2,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { cookie, encodeRow, GROUP, IN, Journal, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const A3 = CONN_A3.encode({ connectionTimeout: 150_000 });
const PING = PING_PDU.encode({});
const ACK = 'in FlowControlAckWithDestination';

function c2(receiveWindowSize = 65_536): Uint8Array {
  return CONN_C2.encode({ version: 1, receiveWindowSize, connectionTimeout: 120_000 });
}

function start({ receiveWindow = 65_536, channelLifetime = 1024 ** 3 } = {}) {
  const journal = new Journal();
  const out = journal.sink('out');
  const runtime = journal.sink('runtime');
  const cookies = [VC, IN, OUT];
  const port = {
    toInboundProxy: journal.sink('in'),
    toOutboundProxy: out.rts,
    toRuntime: runtime.rpc,
    opened: () => journal.note('opened'),
    ended: (end: string) => journal.note(`ended ${end}`),
  };
  const role = new Client(port, {
    receiveWindow,
    channelLifetime,
    clientKeepalive: 300_000,
    associationGroupId: GROUP,
    random: (length) => (cookies.shift() ?? new Uint8Array(0)).slice(0, length),
  });
  return { role, journal };
}

function opened(options: { receiveWindow?: number; channelLifetime?: number; inWindow?: number } = {}) {
  const made = start(options);
  made.role.open();
  made.role.responded();
  made.role.fromOutboundProxy.rts(A3);
  made.role.fromOutboundProxy.rts(c2(options.inWindow));
  assert.equal(made.role.state, 'Opened');
  made.journal.take();
  return made;
}

function inAck(bytesReceived: number, availableWindow: number, channelCookie = IN, destination: 0 | 3 = 0): Uint8Array {
  return FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
    destination,
    ack: { bytesReceived, availableWindow, channelCookie },
  });
}

test('opening: CONN/A1 and CONN/B1, 200, CONN/A3, CONN/C2', () => {
  const { role, journal } = start();
  assert.equal(role.state, 'Start');
  role.open();
  assert.equal(role.state, 'OUT_Channel_Wait');
  assert.deepEqual(journal.take(), ['out CONN/A1', 'in CONN/B1']);
  const [a1, b1] = journal.pdus;
  assert.deepEqual(a1 && CONN_A1.decode(parseRts(a1)), {
    version: 1,
    virtualConnectionCookie: VC,
    outChannelCookie: OUT,
    receiveWindowSize: 65_536,
  });
  assert.deepEqual(b1 && CONN_B1.decode(parseRts(b1)), {
    version: 1,
    virtualConnectionCookie: VC,
    inChannelCookie: IN,
    channelLifetime: 1024 ** 3,
    clientKeepalive: 300_000,
    associationGroupId: GROUP,
  });
  role.responded();
  assert.equal(role.state, 'Wait_A3W');
  role.fromOutboundProxy.rts(A3);
  assert.equal(role.state, 'Wait_C2');
  role.fromOutboundProxy.rts(c2());
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['opened']);
});

test('Pings are taken in every state after the 200, and not before', () => {
  const { role, journal } = start();
  role.open();
  refused(() => role.fromOutboundProxy.rts(PING), 'RPCH_RTS_UNEXPECTED');
  role.responded();
  role.fromOutboundProxy.rts(PING);
  role.fromOutboundProxy.rts(A3);
  role.fromOutboundProxy.rts(PING);
  role.fromOutboundProxy.rts(c2());
  role.fromOutboundProxy.rts(PING);
  assert.deepEqual(journal.take(), ['out CONN/A1', 'in CONN/B1', 'opened']);
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    OUT_Channel_Wait: [],
    Wait_A3W: ['CONN/A3', 'Ping'],
    Wait_C2: ['CONN/C1', 'CONN/C2', 'Ping'],
    // The acknowledgement of the sample is for another channel instance: it is dropped.
    Opened: ['FlowControlAckWithDestination', 'Ping', 'OUT_R1/A1', 'OUT_R1/A2', 'OUT_R2/A1', 'OUT_R2/A2'],
  };
  const steps = [
    (role: Client) => role.open(),
    (role: Client) => role.responded(),
    (role: Client) => role.fromOutboundProxy.rts(A3),
    (role: Client) => role.fromOutboundProxy.rts(c2()),
  ];
  for (let depth = 1; depth <= steps.length; depth++) {
    for (const row of RTS_PDUS) {
      const { role } = start();
      for (const step of steps.slice(0, depth)) step(role);
      const give = () => role.fromOutboundProxy.rts(encodeRow(row, sampleOf(row)));
      if (acceptable[role.state]?.includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${role.state}`);
    }
  }
});

test('RPC PDUs before CONN/C2 are refused from outside and not sent from inside', () => {
  const { role, journal } = start();
  role.open();
  role.responded();
  role.fromOutboundProxy.rts(A3);
  journal.take();
  refused(() => role.fromOutboundProxy.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  role.fromRuntime(rpc(16), 1);
  role.fromOutboundProxy.rts(c2());
  assert.deepEqual(journal.take(), ['opened']);
});

test('the inbound proxy’s window is heeded; acknowledgements for others are dropped, absurd ones refused', () => {
  const { role, journal } = opened({ inWindow: 8192 });
  role.fromRuntime(run(4096, 4096), 2);
  assert.deepEqual(journal.take(), ['in rpc 1/4096']);
  assert.equal(role.queued, 4096);
  role.fromOutboundProxy.rts(inAck(4096, 8192, cookie(0x99)));
  role.fromOutboundProxy.rts(inAck(4096, 8192, IN, 3));
  assert.deepEqual(journal.take(), []);
  role.fromOutboundProxy.rts(inAck(4096, 8192));
  assert.deepEqual(journal.take(), ['in rpc 1/4096']);
  refused(() => role.fromOutboundProxy.rts(inAck(8193, 8192)), 'RPCH_FLOW_CONTROL_ACK');
});

test('the outbound proxy is acknowledged at half the window of what the run-time took', () => {
  const { role, journal } = opened();
  role.fromOutboundProxy.rpc(rpc(32_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/32000']);
  role.fromOutboundProxy.rpc(rpc(768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/768', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION), {
    destination: 3,
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: OUT },
  });
  role.runtimeBlocked(true);
  role.fromOutboundProxy.rpc(rpc(40_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/40000']);
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('an outbound proxy whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { role, journal } = opened();
  role.fromOutboundProxy.rpc(rpc(30_000), 1);
  role.tick(1000);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  role.tick(2000);
  assert.deepEqual(journal.take(), [ACK]);
});

test('Pings go after half the connection time-out of CONN/C2 in silence', () => {
  const { role, journal } = opened();
  role.tick(0);
  role.tick(59_999);
  assert.deepEqual(journal.take(), []);
  role.fromRuntime(rpc(16), 1);
  role.tick(60_000);
  role.tick(119_999);
  assert.deepEqual(journal.take(), ['in rpc 1/16']);
  role.tick(120_000);
  assert.deepEqual(journal.take(), ['in Ping']);
  role.tick(179_999);
  assert.deepEqual(journal.take(), []);
});

test('a request to recycle ends the session, and nothing is heard or sent afterwards', () => {
  const { role, journal } = opened();
  role.fromOutboundProxy.rts(OUT_R1_A2.encode({ destination: 0 }));
  role.fromOutboundProxy.rts(A3);
  role.fromOutboundProxy.rpc(rpc(16), 1);
  role.fromRuntime(rpc(16), 1);
  role.runtimeBlocked(false);
  role.tick(1_000_000);
  assert.deepEqual(journal.take(), ['ended recycling-unsupported']);
});

test('a channel whose Content-Length is used up ends; the PDU that does not fit is not begun', () => {
  const { role, journal } = opened({ channelLifetime: 131_072, inWindow: 262_144 });
  // CONN/B1 takes 104 bytes.
  role.fromRuntime(run(65_000, 65_900), 2);
  assert.deepEqual(journal.take(), ['in rpc 2/130900']);
  role.fromRuntime(rpc(69), 1);
  assert.deepEqual(journal.take(), ['ended in-channel-used-up']);
  assert.equal(role.state, 'Finished');
  assert.equal(role.queued, 0);
});

test('it ends also when what waited does not fit, and nothing is left to wait', () => {
  const { role, journal } = opened({ channelLifetime: 131_072, inWindow: 65_536 });
  role.fromRuntime(run(60_000, 60_000, 30_000, 100), 4);
  role.fromOutboundProxy.rts(inAck(60_000, 65_536));
  role.fromOutboundProxy.rts(inAck(120_000, 65_536));
  assert.deepEqual(journal.take(), ['in rpc 1/60000', 'in rpc 1/60000', 'ended in-channel-used-up']);
  assert.equal(role.queued, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutboundProxy } from '../../src/rpch/outbound-proxy.ts';
import {
  CONN_A2,
  CONN_A3,
  CONN_C2,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  PING_TRAFFIC_SENT_NOTIFY,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { readOutOpening } from '../../src/rpch/proxy-opening.ts';
import { TICK } from '../../src/rpch/role.ts';
import { C1, clientAck, openedOutbound, outA3, RECYCLING_TIMEOUT, startOutbound } from './outbound-scene.ts';
import { cookie, encodeRow, IN, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const ACK = 'server FlowControlAck';
const PING = 'client Ping';

test('opening: CONN/A1, the server connects, 200, CONN/A3, CONN/A2, CONN/C1, CONN/C2', () => {
  const { role, journal } = startOutbound();
  assert.equal(role.state, 'Connecting');
  assert.deepEqual(journal.take(), []);
  role.serverConnected();
  assert.equal(role.state, 'C1W');
  assert.deepEqual(journal.take(), ['200', 'client CONN/A3', 'server CONN/A2']);
  assert.deepEqual(journal.last(CONN_A2), {
    version: 1,
    virtualConnectionCookie: VC,
    outChannelCookie: OUT,
    channelLifetime: 1024 ** 3,
    receiveWindowSize: 65_536,
  });
  journal.pdus.pop();
  assert.deepEqual(journal.last(CONN_A3), { connectionTimeout: 120_000 });
  role.serverConnected();
  assert.deepEqual(journal.take(), [], 'once');
  role.fromServer.rts(C1);
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['client CONN/C1', 'opened']);
  assert.deepEqual(journal.last(CONN_C2), { version: 1, receiveWindowSize: 65_536, connectionTimeout: 150_000 });
});

test('the first PDU of an OUT channel is CONN/A1 or OUT_R1/A3, which is OUT_R2/A3 too; every other one is refused', () => {
  for (const row of RTS_PDUS) {
    const read = () => readOutOpening(encodeRow(row, sampleOf(row)));
    if (row.name === 'CONN/A1') assert.equal(read().kind, 'CONN/A1');
    else if (['OUT_R1/A3', 'OUT_R2/A3'].includes(row.name)) assert.equal(read().kind, 'OUT_R/A3');
    else assert.throws(read, { name: 'ProtocolError' }, row.name);
  }
});

test('RPC PDUs are refused from the client always, from the server before CONN/C1', () => {
  for (const { from } of [startOutbound(), openedOutbound()]) refused(() => from.rpc(rpc(16), 1), 'RPCH_RPC_ON_OUT');
  const { role } = startOutbound();
  refused(() => role.fromServer.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  role.serverConnected();
  refused(() => role.fromServer.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
});

test('every RTS PDU that must not come is refused, state by state', () => {
  // The samples with a Destination are for the client: they are passed on.
  const forClient = RTS_PDUS.filter(({ fields }) => fields[0]?.[0] === 'Destination').map(({ name }) => name);
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    'C1W server': ['CONN/C1', 'CONN/C2'],
    // OUT_R1/A9, which is the same PDU as the others.
    'Opened server': [...forClient, 'OUT_R1/A9', 'OUT_R1/A10', 'OUT_R1/A11', 'OUT_R2/B1'],
  };
  const steps = [
    () => {},
    (role: OutboundProxy) => role.serverConnected(),
    (role: OutboundProxy) => role.fromServer.rts(C1),
  ];
  for (let depth = 1; depth <= steps.length; depth++) {
    for (const row of RTS_PDUS) {
      for (const side of ['client', 'server'] as const) {
        const { role, from } = startOutbound();
        for (const step of steps.slice(0, depth)) step(role);
        const name = `${role.state} ${side}`;
        const sink = side === 'client' ? from : role.fromServer;
        const give = () => sink.rts(encodeRow(row, sampleOf(row)));
        if (acceptable[name]?.includes(row.name)) give();
        else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${name}`);
      }
    }
  }
});

test('nothing is heard or done after the end', () => {
  const { role, from, journal } = startOutbound({ first: outA3() });
  role.serverConnected();
  role.tick(0);
  role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['server OUT_R1/A4', 'ended recycling-timeout']);
  assert.equal(role.state, 'Finished');
  from.rts(outA3());
  role.fromServer.rts(C1);
  role.fromServer.rpc(rpc(16), 1);
  role.serverConnected();
  role.client.blocked(true);
  role.client.blocked(false);
  role.drain();
  role.tick(1_000_000);
  assert.deepEqual(journal.take(), []);
});

test('acknowledgements for the client are passed on, those for others refused', () => {
  const { role, journal } = openedOutbound();
  const pdu = (destination: 0 | 1 | 2) =>
    FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
      destination,
      ack: { bytesReceived: 1, availableWindow: 2, channelCookie: IN },
    });
  role.fromServer.rts(pdu(0));
  assert.deepEqual(journal.take(), ['client FlowControlAckWithDestination']);
  assert.deepEqual(journal.pdus.at(-1), pdu(0));
  refused(() => role.fromServer.rts(pdu(1)), 'RPCH_RTS_UNEXPECTED');
  refused(() => role.fromServer.rts(pdu(2)), 'RPCH_RTS_UNEXPECTED');
});

test('the client’s window is heeded; acknowledgements of another channel are dropped, absurd ones refused', () => {
  const { role, journal } = openedOutbound({ clientWindow: 8192 });
  role.fromServer.rpc(run(4096, 4096, 4096), 3);
  assert.deepEqual(journal.take(), ['client rpc 1/4096'], 'equality is not enough');
  assert.equal(role.held, 8192);
  role.fromServer.rts(clientAck(4096, 8192, cookie(0x99)));
  assert.deepEqual(journal.take(), []);
  role.fromServer.rts(clientAck(4096, 8192));
  assert.deepEqual(journal.take(), ['client rpc 1/4096']);
  refused(() => role.fromServer.rts(clientAck(8193, 8192)), 'RPCH_FLOW_CONTROL_ACK');
  refused(() => role.fromServer.rts(clientAck(8192, 8193)), 'RPCH_FLOW_CONTROL_ACK');
});

test('room is what the client’s window leaves, less what waits for it, and without limit while the client is undecided', () => {
  const { role } = openedOutbound({ clientWindow: 8192 });
  assert.equal(role.clientWindow, 8192);
  assert.equal(role.room, 8192);
  role.fromServer.rpc(rpc(3000), 1);
  assert.equal(role.room, 5192);
  role.fromServer.rpc(rpc(6000), 1);
  assert.equal(role.room, 5192 - 6000);
  role.fromServer.rts(clientAck(3000, 8192));
  assert.equal(role.room, 2192);
  assert.equal(openedOutbound({ minor: 0, clientWindow: 8192 }).role.room, Number.POSITIVE_INFINITY);
});

test('the server is acknowledged at half the window of what was sent on to the client', () => {
  const { role, journal } = openedOutbound({ clientWindow: 262_144 });
  for (let i = 0; i < 7; i++) role.fromServer.rpc(rpc(4096), 1);
  assert.ok(!journal.take().includes(ACK));
  role.fromServer.rpc(rpc(4096), 1);
  assert.deepEqual(journal.take(), ['client rpc 1/4096', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK), {
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: OUT },
  });
});

test('while the client’s socket is blocked the server is not acknowledged', () => {
  const { role, journal } = openedOutbound({ clientWindow: 262_144 });
  role.client.blocked(true);
  role.fromServer.rpc(rpc(40_000), 1);
  assert.deepEqual(journal.take(), ['client rpc 1/40000']);
  assert.equal(role.held, 40_000);
  role.client.blocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('a server whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { role, journal, clock } = openedOutbound({ clientWindow: 262_144 });
  role.fromServer.rpc(rpc(30_000), 1);
  clock.advance(2 * TICK);
  assert.deepEqual(journal.take(), ['client rpc 1/30000', ACK]);
});

test('a server that overruns the window is refused', () => {
  const { role } = openedOutbound({ clientWindow: 8192 });
  role.fromServer.rpc(run(40_000, 25_000), 2);
  refused(() => role.fromServer.rpc(rpc(41_000), 1), 'RPCH_WINDOW_OVERRUN');
});

test('a conforming client that does not acknowledge is waited for', () => {
  const { role, journal, clock } = openedOutbound({ clientWindow: 8192 });
  role.fromServer.rpc(run(5000, 5000), 2);
  clock.advance(50_000);
  assert.equal(journal.rpcBytes, 5000);
  assert.equal(role.held, 5000);
});

test('an undecided client that never acknowledges gets everything', () => {
  const { role, journal, clock, conduct } = openedOutbound({ minor: 0, clientWindow: 8192 });
  let sent = 0;
  for (let i = 0; i < 100; i++) {
    role.fromServer.rpc(rpc(5000, { ptype: 2 }), 1);
    sent += 5000;
    clock.advance(45);
  }
  assert.equal(journal.rpcBytes, sent);
  assert.equal(conduct.state, 'silent');
  clock.advance(600_000);
  assert.ok(!journal.take().includes(PING));
});

test('an undecided client is given 20 ms to acknowledge', () => {
  const { role, journal, clock, conduct } = openedOutbound({ minor: 0, clientWindow: 8192 });
  role.fromServer.rpc(run(5000, 5000), 2);
  clock.advance(39);
  assert.equal(journal.rpcBytes, 5000);
  assert.equal(conduct.state, 'undecided');
  clock.advance(1);
  assert.equal(journal.rpcBytes, 10_000);
  assert.equal(conduct.state, 'silent');
});

test('a client that the inbound proxy found out is not made to wait for the next tick', () => {
  const { role, journal, clock, conduct } = openedOutbound({ minor: 0, clientWindow: 8192 });
  conduct.showsNone();
  role.fromServer.rpc(run(5000, 5000), 2);
  clock.advance(40);
  assert.equal(journal.rpcBytes, 10_000);
});

test('a client that acknowledges late turns out to be conforming, and its window is heeded again', () => {
  const { role, journal, clock, conduct } = openedOutbound({ minor: 0, clientWindow: 8192 });
  role.fromServer.rpc(run(5000, 5000, 5000), 3);
  clock.advance(100);
  assert.equal(conduct.state, 'silent');
  assert.equal(journal.rpcBytes, 15_000);
  role.fromServer.rts(clientAck(5000, 8192));
  assert.equal(conduct.state, 'conforming');
  role.fromServer.rpc(rpc(5000), 1);
  clock.advance(10_000);
  assert.equal(journal.rpcBytes, 15_000);
  role.fromServer.rts(clientAck(15_000, 8192));
  assert.equal(journal.rpcBytes, 20_000);
});

test('a client that acknowledges in time is conforming at once', () => {
  const { role, conduct } = openedOutbound({ minor: 0, clientWindow: 8192 });
  role.fromServer.rpc(run(5000, 5000), 2);
  role.fromServer.rts(clientAck(5000, 8192));
  assert.equal(conduct.state, 'conforming');
  assert.equal(role.held, 0);
});

test('Pings go after half the connection time-out of silence, and not otherwise', () => {
  const { role, journal, clock } = openedOutbound();
  clock.advance(59_000);
  role.fromServer.rpc(rpc(16), 1);
  clock.advance(59_000);
  assert.deepEqual(journal.take(), ['client rpc 1/16', ACK]);
  clock.advance(2 * TICK);
  assert.deepEqual(
    journal.take().filter((line) => line === PING),
    [PING],
  );
  clock.advance(59_000);
  assert.deepEqual(journal.take(), []);
  clock.advance(2 * TICK);
  assert.deepEqual(journal.take(), [PING]);
});

test('clients that are undecided or take no RTS PDUs are not pinged', () => {
  const { journal, clock, conduct } = openedOutbound({ minor: 0 });
  clock.advance(600_000);
  conduct.showsNone();
  clock.advance(600_000);
  assert.deepEqual(journal.take(), []);
});

test('the server is told of the Pings when they have come to more than 1,031 bytes', () => {
  const { journal, clock } = openedOutbound();
  const perPing = 61_000;
  clock.advance(51 * perPing);
  assert.ok(!journal.take().includes('server Ping Traffic Sent Notify'));
  clock.advance(2 * perPing);
  assert.ok(journal.take().includes('server Ping Traffic Sent Notify'));
  const told = journal.pdus.filter((pdu) => pdu.length === 28).at(-1);
  assert.deepEqual(told, PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 }));
});

test('a channel whose Content-Length is used up ends; the PDU that does not fit is not begun', () => {
  const { role, journal } = openedOutbound({ channelLifetime: 131_072, receiveWindow: 262_144, clientWindow: 262_144 });
  // CONN/A3 and CONN/C2 take 72 bytes.
  role.fromServer.rpc(run(65_000, 66_000), 2);
  assert.deepEqual(journal.take(), ['client rpc 2/131000']);
  role.fromServer.rpc(rpc(16), 1);
  assert.deepEqual(journal.take(), ['ended out-channel-used-up']);
  assert.equal(role.state, 'Finished');
  role.fromServer.rpc(rpc(16), 1);
  role.fromServer.rts(clientAck(0, 0));
  role.tick(1_000_000);
  assert.deepEqual(journal.take(), []);
});

test('it ends also when what waited for an acknowledgement does not fit', () => {
  const { role, journal } = openedOutbound({ channelLifetime: 131_072, receiveWindow: 262_144, clientWindow: 65_536 });
  role.fromServer.rpc(run(60_000, 60_000, 30_000), 3);
  role.fromServer.rts(clientAck(60_000, 65_536));
  role.fromServer.rts(clientAck(120_000, 65_536));
  assert.deepEqual(
    journal.take().filter((line) => !line.startsWith('server')),
    ['client rpc 1/60000', 'client rpc 1/60000', 'ended out-channel-used-up'],
  );
});

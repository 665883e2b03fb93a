import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONN_A1,
  CONN_B1,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  KEEP_ALIVE,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { A3, c2, inAck, openedClient, RECYCLING_TIMEOUT, startClient } from './client-scene.ts';
import { cookie, encodeRow, GROUP, IN, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const PING = PING_PDU.encode({});
const ACK = 'in FlowControlAckWithDestination';

test('opening: CONN/A1 and CONN/B1, 200, CONN/A3, CONN/C2', () => {
  const { role, journal, outChannel } = startClient();
  assert.equal(role.state, 'Start');
  role.open();
  assert.equal(role.state, 'OUT_Channel_Wait');
  assert.deepEqual(journal.take(), ['open in', 'open out 76', 'out CONN/A1', 'in CONN/B1']);
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
  outChannel(1).responded();
  assert.equal(role.state, 'Wait_A3W');
  outChannel(1).from.rts(A3);
  assert.equal(role.state, 'Wait_C2');
  outChannel(1).from.rts(c2());
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['opened']);
});

test('Pings are taken in every state after the 200, and not before', () => {
  const { role, journal, outChannel } = startClient();
  role.open();
  refused(() => outChannel(1).from.rts(PING), 'RPCH_RTS_UNEXPECTED');
  outChannel(1).responded();
  outChannel(1).from.rts(PING);
  outChannel(1).from.rts(A3);
  outChannel(1).from.rts(PING);
  outChannel(1).from.rts(c2());
  outChannel(1).from.rts(PING);
  assert.deepEqual(journal.take(), ['open in', 'open out 76', 'out CONN/A1', 'in CONN/B1', 'opened']);
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    OUT_Channel_Wait: [],
    Wait_A3W: ['CONN/A3', 'Ping'],
    Wait_C2: ['CONN/C1', 'CONN/C2', 'Ping'],
    // The acknowledgement of the sample is for another channel instance: it is dropped.
    Opened: ['FlowControlAckWithDestination', 'Ping', 'OUT_R1/A1', 'OUT_R1/A2', 'OUT_R2/A1', 'OUT_R2/A2'],
  };
  type Made = ReturnType<typeof startClient>;
  const steps = [
    ({ role }: Made) => role.open(),
    ({ outChannel }: Made) => outChannel(1).responded(),
    ({ outChannel }: Made) => outChannel(1).from.rts(A3),
    ({ outChannel }: Made) => outChannel(1).from.rts(c2()),
  ];
  for (let depth = 1; depth <= steps.length; depth++) {
    for (const row of RTS_PDUS) {
      const made = startClient();
      for (const step of steps.slice(0, depth)) step(made);
      const { state } = made.role;
      const give = () => made.outChannel(1).from.rts(encodeRow(row, sampleOf(row)));
      if (acceptable[state]?.includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${state}`);
    }
  }
});

test('RPC PDUs before CONN/C2 are refused from outside and not sent from inside', () => {
  const { role, journal, outChannel } = startClient();
  role.open();
  outChannel(1).responded();
  outChannel(1).from.rts(A3);
  journal.take();
  refused(() => outChannel(1).from.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  role.fromRuntime(rpc(16), 1);
  outChannel(1).from.rts(c2());
  assert.deepEqual(journal.take(), ['opened']);
});

test('the inbound proxy’s window is heeded; acknowledgements of other channels are dropped, absurd ones refused', () => {
  const { role, journal, out } = openedClient({ inWindow: 8192 });
  role.fromRuntime(run(4096, 4096), 2);
  assert.deepEqual(journal.take(), ['in rpc 1/4096']);
  assert.equal(role.queued, 4096);
  out.from.rts(inAck(4096, 8192, cookie(0x99)));
  assert.deepEqual(journal.take(), []);
  out.from.rts(inAck(4096, 8192));
  assert.deepEqual(journal.take(), ['in rpc 1/4096']);
  refused(() => out.from.rts(inAck(8193, 8192)), 'RPCH_FLOW_CONTROL_ACK');
  for (const destination of [1, 2, 3] as const) {
    refused(() => out.from.rts(inAck(4096, 8192, IN, destination)), 'RPCH_RTS_UNEXPECTED');
  }
});

test('the outbound proxy is acknowledged at half the window of what the run-time took', () => {
  const { role, journal, out } = openedClient();
  out.from.rpc(rpc(32_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/32000']);
  out.from.rpc(rpc(768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/768', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION), {
    destination: 3,
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: OUT },
  });
  role.runtimeBlocked(true);
  out.from.rpc(rpc(40_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/40000']);
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('an outbound proxy whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { role, journal, out } = openedClient();
  out.from.rpc(rpc(30_000), 1);
  role.tick(1000);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  role.tick(2000);
  assert.deepEqual(journal.take(), [ACK]);
});

test('Pings go after half the connection time-out of CONN/C2 in silence', () => {
  const { role, journal } = openedClient();
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

test('a keep-alive interval is told to the inbound proxy, and Pings go after half of it', () => {
  const { role, journal } = openedClient();
  role.tick(0);
  role.keepAlive(60_000);
  assert.deepEqual(journal.take(), ['in Keep-Alive']);
  assert.deepEqual(journal.last(KEEP_ALIVE), { clientKeepalive: 60_000 });
  role.tick(1000);
  role.tick(30_999);
  assert.deepEqual(journal.take(), []);
  role.tick(31_000);
  assert.deepEqual(journal.take(), ['in Ping']);
});

test('a keep-alive interval longer than the connection time-out does not make Pings rarer than that demands', () => {
  const { role, journal } = openedClient();
  role.tick(0);
  role.keepAlive(600_000);
  assert.deepEqual(journal.take(), ['in Keep-Alive']);
  role.tick(1000);
  role.tick(60_999);
  assert.deepEqual(journal.take(), []);
  role.tick(61_000);
  assert.deepEqual(journal.take(), ['in Ping']);
});

test('a keep-alive interval of 0 switches the timer off: Pings go as the connection time-out demands', () => {
  const { role, journal } = openedClient();
  role.tick(0);
  role.keepAlive(0);
  journal.take();
  role.tick(1000);
  role.tick(2000);
  assert.deepEqual(journal.take(), []);
  role.tick(61_000);
  assert.deepEqual(journal.take(), ['in Ping']);
});

/** An opened client whose IN channel is all but used up, and that has long asked for a successor. */
function withoutSuccessor() {
  const made = openedClient({ channelLifetime: 131_072, inWindow: 262_144 });
  made.role.fromRuntime(run(60_000, 60_000), 2);
  assert.deepEqual(made.journal.take(), ['in rpc 2/120000', 'open in2', 'in2 IN_R1/A1']);
  return made;
}

test('a channel whose Content-Length is used up carries nothing that does not fit: the PDU is not begun', () => {
  const { role, journal } = withoutSuccessor();
  // CONN/B1 takes 104 bytes, and 8 KiB are kept back for RTS PDUs.
  role.fromRuntime(rpc(2776), 1);
  assert.deepEqual(journal.take(), ['in rpc 1/2776']);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), [], 'waits for the successor');
  assert.equal(role.queued, 16);
  // 292 PDUs of 28 bytes leave 16 of the 8,192.
  for (let i = 0; i < 292; i++) role.keepAlive(60_000);
  assert.deepEqual([...new Set(journal.take())], ['in Keep-Alive']);
  assert.equal(role.state, 'Opened');
  role.keepAlive(60_000);
  assert.deepEqual(journal.take(), ['ended in-channel-used-up']);
  assert.equal(role.state, 'Finished');
  assert.equal(role.queued, 0);
});

test('nothing is heard or sent after the end', () => {
  const { role, journal, out } = withoutSuccessor();
  role.tick(0);
  role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['ended recycling-timeout']);
  assert.equal(role.state, 'Finished');
  out.from.rts(A3);
  out.from.rpc(rpc(16), 1);
  role.fromRuntime(rpc(16), 1);
  role.runtimeBlocked(true);
  role.runtimeBlocked(false);
  role.keepAlive(60_000);
  role.tick(1_000_000);
  assert.deepEqual(journal.take(), []);
});

test('what waits at the end is dropped', () => {
  const { role, journal } = withoutSuccessor();
  role.fromRuntime(run(60_000, 100), 2);
  assert.equal(role.queued, 60_100);
  role.tick(0);
  role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['ended recycling-timeout']);
  assert.equal(role.queued, 0);
});

test('an outbound proxy that says nothing for twice the connection time-out of CONN/A3 is gone', () => {
  const { role, journal, out } = openedClient();
  role.tick(0);
  role.tick(299_999);
  out.from.rts(PING);
  role.tick(300_000);
  role.tick(599_999);
  assert.equal(role.state, 'Opened');
  role.runtimeBlocked(true);
  role.tick(700_000);
  role.runtimeBlocked(false);
  role.tick(999_999);
  assert.equal(role.state, 'Opened', 'while our own run-time is blocked nothing is read');
  journal.take();
  role.tick(1_000_000);
  assert.equal(journal.take().at(-1), 'ended out-silent');
  assert.equal(role.state, 'Finished');
});

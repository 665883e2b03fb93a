import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PfcFlag } from '../../src/dcerpc/header.ts';
import { ClientConduct } from '../../src/rpch/client-conduct.ts';
import type { InboundProxy } from '../../src/rpch/inbound-proxy.ts';
import {
  CONN_B1,
  CONN_B2,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  KEEP_ALIVE,
  OUT_R1_A7,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { readInOpening } from '../../src/rpch/proxy-opening.ts';
import { TICK } from '../../src/rpch/role.ts';
import {
  ADDRESS,
  B1_VALUES,
  B3,
  inA1,
  openedInbound,
  RECYCLING_TIMEOUT,
  serverAck,
  startInbound,
} from './inbound-scene.ts';
import { cookie, encodeRow, GROUP, IN, OUT, refused, rpc, run, sampleOf, VC } from './support.ts';

const PING = PING_PDU.encode({});
const ACK = 'server FlowControlAckWithDestination';

test('opening: CONN/B1, the server connects, CONN/B2, CONN/B3', () => {
  const { role, journal } = startInbound();
  assert.equal(role.state, 'Connecting');
  assert.deepEqual(journal.take(), ['keepAlive 300000']);
  role.serverConnected();
  assert.equal(role.state, 'B3W');
  assert.deepEqual(journal.take(), ['server CONN/B2']);
  assert.deepEqual(journal.last(CONN_B2), {
    version: 1,
    virtualConnectionCookie: VC,
    inChannelCookie: IN,
    receiveWindowSize: 65_536,
    connectionTimeout: 120_000,
    associationGroupId: GROUP,
    clientAddress: ADDRESS,
  });
  role.serverConnected();
  assert.deepEqual(journal.take(), [], 'once');
  role.fromServer.rts(B3);
  assert.equal(role.state, 'Opened');
  assert.deepEqual(journal.take(), ['opened']);
});

test('a version beyond 1 becomes 1', () => {
  const { role, journal } = startInbound({ first: CONN_B1.encode({ ...B1_VALUES, version: 7 }) });
  role.serverConnected();
  assert.equal(journal.last(CONN_B2).version, 1);
});

test('the first PDU of an IN channel is CONN/B1 or IN_R1/A1, which is IN_R2/A1 too; every other one is refused', () => {
  for (const row of RTS_PDUS) {
    const read = () => readInOpening(encodeRow(row, sampleOf(row)));
    if (row.name === 'CONN/B1') assert.equal(read().kind, 'CONN/B1');
    else if (['IN_R1/A1', 'IN_R2/A1'].includes(row.name)) assert.equal(read().kind, 'IN_R/A1');
    else assert.throws(read, { name: 'ProtocolError' }, row.name);
  }
});

test('keep-alive: 0 means 300,000 ms, what is below the minimum is raised, later PDUs change it', () => {
  for (const [sent, meant] of [
    [0, 300_000],
    [1, 60_000],
    [60_000, 60_000],
    [0xffff_ffff, 0xffff_ffff],
  ] as const) {
    const { role, from, journal } = startInbound({ first: CONN_B1.encode({ ...B1_VALUES, clientKeepalive: sent }) });
    assert.equal(journal.take()[0], `keepAlive ${meant}`);
    role.serverConnected();
    role.fromServer.rts(B3);
    journal.take();
    from.rts(KEEP_ALIVE.encode({ clientKeepalive: sent }));
    assert.deepEqual(journal.take(), [`keepAlive ${meant}`]);
  }
});

test('RPC PDUs before CONN/B3 wait; before CONN/B2 they are refused', () => {
  const { role, from, journal } = startInbound();
  refused(() => from.rpc(rpc(100), 1), 'RPCH_RPC_TOO_EARLY');
  role.serverConnected();
  journal.take();
  from.rpc(run(100, 200), 2);
  assert.deepEqual(journal.take(), []);
  assert.equal(role.held, 300);
  role.fromServer.rts(B3);
  assert.deepEqual(journal.take(), ['opened', 'server rpc 2/300']);
  assert.equal(role.held, 0);
});

test('RPC PDUs from the server are refused in every state', () => {
  for (const { role } of [startInbound(), openedInbound()])
    refused(() => role.fromServer.rpc(rpc(100), 1), 'RPCH_RPC_ON_IN');
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    'Connecting client': [],
    'Connecting server': [],
    // A5 waits for the server.
    'B3W client': ['IN_R1/A5', 'IN_R1/A6', 'IN_R2/A2', 'IN_R2/A5', 'OUT_R2/A4', 'Keep-Alive', 'Ping'],
    'B3W server': ['CONN/B3'],
    'Opened client': ['IN_R1/A5', 'IN_R1/A6', 'IN_R2/A2', 'IN_R2/A5', 'OUT_R2/A4', 'Keep-Alive', 'Ping'],
    // The sample names another channel instance: it is dropped.
    'Opened server': ['FlowControlAck'],
  };
  const steps = [
    () => {},
    (role: InboundProxy) => role.serverConnected(),
    (role: InboundProxy) => role.fromServer.rts(B3),
  ];
  for (let depth = 1; depth <= steps.length; depth++) {
    for (const row of RTS_PDUS) {
      for (const side of ['client', 'server'] as const) {
        const { role, from } = startInbound();
        for (const step of steps.slice(0, depth)) step(role);
        const name = `${role.state} ${side}`;
        const sink = side === 'client' ? from : role.fromServer;
        // The samples' Destination is the client, which is not reached this way.
        const give = () => sink.rts(encodeRow(row, sampleOf(row)));
        if (acceptable[name]?.includes(row.name)) give();
        else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${name}`);
      }
    }
  }
});

test('nothing is heard or done after the end', () => {
  const { role, from, journal } = startInbound({ first: inA1() });
  role.serverConnected();
  role.tick(0);
  role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['server IN_R1/A2', 'ended recycling-timeout']);
  assert.equal(role.state, 'Finished');
  from.rts(PING);
  from.rpc(rpc(100), 1);
  role.fromServer.rts(B3);
  role.serverConnected();
  role.tick(1_000_000);
  assert.deepEqual(journal.take(), []);
});

test('what is meant for the server or the outbound proxy is passed on as it is, once CONN/B2 is out', () => {
  const acknowledgement = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({
    destination: 3,
    ack: { bytesReceived: 0, availableWindow: 0, channelCookie: OUT },
  });
  const forServer = OUT_R1_A7.encode({ destination: 2, successorCookie: OUT });
  const { from, journal } = openedInbound();
  from.rts(acknowledgement);
  from.rts(forServer);
  assert.deepEqual(journal.pdus.slice(-2), [acknowledgement, forServer]);
  for (const destination of [0, 1] as const) {
    refused(() => from.rts(OUT_R1_A7.encode({ destination, successorCookie: OUT })), 'RPCH_RTS_UNEXPECTED');
  }
  const overtaken = startInbound();
  overtaken.role.serverConnected();
  overtaken.journal.take();
  overtaken.from.rts(acknowledgement);
  assert.deepEqual(overtaken.journal.take(), [ACK], 'CONN/C2 may overtake CONN/B3');
  const early = startInbound();
  refused(() => early.from.rts(acknowledgement), 'RPCH_RTS_UNEXPECTED');
});

test('the server’s window is heeded; acknowledgements of another channel are dropped, absurd ones refused', () => {
  const { role, from, journal } = openedInbound({}, 8192);
  from.rpc(run(4096, 4096, 4096), 3);
  assert.deepEqual(journal.take(), ['server rpc 1/4096'], 'equality is not enough');
  assert.equal(role.held, 8192);
  role.fromServer.rts(serverAck(4096, 8192, cookie(0x99)));
  assert.deepEqual(journal.take(), []);
  role.fromServer.rts(serverAck(4096, 8192));
  assert.deepEqual(journal.take(), ['server rpc 1/4096']);
  refused(() => role.fromServer.rts(serverAck(9000, 8192)), 'RPCH_FLOW_CONTROL_ACK');
  refused(() => role.fromServer.rts(serverAck(8192, 8193)), 'RPCH_FLOW_CONTROL_ACK');
});

test('an HTTP/1.1 client is acknowledged at half the window', () => {
  const { from, journal } = openedInbound();
  for (let i = 0; i < 7; i++) from.rpc(rpc(4096), 1);
  assert.ok(!journal.take().includes(ACK));
  from.rpc(rpc(4096), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/4096', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION), {
    destination: 0,
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: IN },
  });
});

test('an HTTP/1.1 client whose next PDU may be larger than what is left is acknowledged when it falls silent', () => {
  const { from, journal, clock } = openedInbound();
  from.rpc(rpc(30_000), 1);
  clock.advance(2 * TICK);
  assert.deepEqual(journal.take(), ['server rpc 1/30000', ACK]);
  clock.advance(20 * TICK);
  assert.deepEqual(journal.take(), [], 'once');
  const large = openedInbound({ receiveWindow: 262_144 });
  large.from.rpc(rpc(60_000), 1);
  large.clock.advance(20 * TICK);
  assert.deepEqual(large.journal.take(), ['server rpc 1/60000'], 'any PDU fits into what is left');
});

test('while the server is blocked nothing is acknowledged; a client that goes on is held by TCP', () => {
  const { role, from, journal, clock } = openedInbound({ receiveWindow: 16_384 });
  role.serverBlocked(true);
  for (let i = 0; i < 4; i++) from.rpc(rpc(4096), 1);
  clock.advance(10 * TICK);
  assert.ok(!journal.take().includes(ACK));
  from.rpc(rpc(16), 1);
  assert.deepEqual(journal.take(), ['server rpc 1/16', 'pause']);
  role.serverBlocked(false);
  assert.deepEqual(journal.take(), [ACK, 'resume']);
});

test('reading goes on when half the window is free again', () => {
  const { role, from, journal } = openedInbound({ receiveWindow: 16_384 }, 8192);
  for (let i = 0; i < 6; i++) from.rpc(rpc(4000), 1);
  assert.deepEqual(
    journal.take().filter((line) => line === 'pause'),
    [],
    '16,000 are held',
  );
  from.rpc(rpc(4000), 1);
  assert.deepEqual(journal.take(), ['pause']);
  role.fromServer.rts(serverAck(8000, 8192));
  assert.deepEqual(journal.take(), ['server rpc 1/4000', 'server rpc 1/4000', ACK], '12,000 are held');
  role.fromServer.rts(serverAck(16_000, 8192));
  assert.deepEqual(journal.take().at(-1), 'resume');
});

test('an undecided client that stops in mid-call is acknowledged within half a second', () => {
  const { from, journal, clock, conduct } = openedInbound({ minor: 0 });
  from.rpc(rpc(5840), 1);
  for (let i = 1; i < 11; i++) from.rpc(rpc(5840, { first: i === 1, last: false }), 1);
  assert.equal(conduct.state, 'undecided');
  journal.take();
  clock.advance(200);
  assert.deepEqual(journal.take(), [], 'a lost segment may come yet');
  clock.advance(300);
  assert.deepEqual(journal.take(), [ACK]);
  assert.equal(conduct.state, 'conforming');
});

test('an undecided client with window to spare is not acknowledged, however long it is silent', () => {
  const { from, journal, clock } = openedInbound({ minor: 0 });
  for (let i = 0; i < 10; i++) from.rpc(rpc(5840, { last: false }), 1);
  journal.take();
  clock.advance(60_000);
  assert.deepEqual(journal.take(), []);
});

test('a client in the middle of a PDU waits for nothing, however slowly it comes', () => {
  const { from, journal, clock, conduct, clientPort } = openedInbound({ minor: 0 });
  for (let i = 0; i < 11; i++) from.rpc(rpc(5840, { last: false }), 1);
  journal.take();
  clientPort.pending = 10;
  clock.advance(30_000);
  assert.deepEqual(journal.take(), []);
  clientPort.pending = 0;
  from.rpc(rpc(5840, { last: false }), 1);
  assert.equal(conduct.state, 'silent', 'it sent more than the window allows');
  clock.advance(30_000);
  assert.ok(!journal.take().includes(ACK));
});

test('an undecided client that is silent between calls is left alone until it pings', () => {
  const { from, journal, clock, conduct } = openedInbound({ minor: 0 });
  for (let i = 0; i < 11; i++) from.rpc(rpc(5840), 1);
  for (let i = 0; i < 11; i++) conduct.toClient(rpc(100, { ptype: 2 }));
  journal.take();
  clock.advance(600_000);
  assert.deepEqual(journal.take(), [], 'it may be one that hangs on an acknowledgement, and have nothing to say');
  from.rts(PING);
  assert.deepEqual(journal.take(), [ACK]);
});

test('who took most of its OUT window, goes on to the next call and acknowledged nothing never acknowledges', () => {
  const answers = (conduct: ClientConduct, bytes: number): void => {
    for (let sent = 0; sent < bytes; sent += 1000) conduct.toClient(rpc(1000, { ptype: 2 }));
  };
  const taken = new ClientConduct(0);
  taken.announces(16_000);
  taken.fromClient(rpc(100));
  answers(taken, 12_000);
  taken.fromClient(rpc(100));
  assert.equal(taken.state, 'undecided', 'three quarters');
  answers(taken, 1000);
  taken.fromClient(rpc(100));
  assert.equal(taken.state, 'silent');

  const waiting = new ClientConduct(0);
  waiting.announces(16_000);
  for (let i = 0; i < 20; i++) waiting.fromClient(rpc(100));
  answers(waiting, 13_000);
  waiting.fromClient(rpc(100));
  assert.equal(waiting.state, 'undecided', 'answers are outstanding, so what was sent need not have been taken');

  const maybe = rpc(100);
  maybe[3] = (maybe[3] ?? 0) | PfcFlag.MAYBE;
  const calling = new ClientConduct(0);
  calling.announces(16_000);
  answers(calling, 13_000);
  calling.fromClient(maybe);
  assert.equal(calling.state, 'silent', 'a call that draws no answer leaves none outstanding');
});

test('Samba’s client: more sent than promised; it is never acknowledged, and everything is delivered', () => {
  const { role, from, journal, clock, conduct } = openedInbound({ minor: 0 }, 65_536);
  let sent = 0;
  let acknowledged = 0;
  for (let call = 0; call < 40; call++) {
    for (let i = 0; i < 8; i++) {
      from.rpc(rpc(5840, { first: i === 0, last: i === 7 }), 1);
      sent += 5840;
      clock.advance(5);
      acknowledged = journal.rpcBytes;
      role.fromServer.rts(serverAck(acknowledged, 65_536));
    }
  }
  assert.equal(conduct.state, 'silent');
  clock.advance(600_000);
  assert.equal(journal.rpcBytes, sent);
  assert.ok(!journal.take().includes(ACK));
});

test('one large PDU that never could fit is no proof of a client that does not wait', () => {
  const { from, journal, conduct } = openedInbound({ minor: 0, receiveWindow: 8192 });
  from.rpc(rpc(20_000), 1);
  assert.equal(conduct.state, 'undecided');
  from.rpc(rpc(16), 1);
  assert.equal(conduct.state, 'silent');
  assert.deepEqual(journal.take(), ['server rpc 1/20000', 'server rpc 1/16']);
});

test('any RTS PDU after CONN/B1 shows a conforming client, which is then acknowledged as any other', () => {
  for (const pdu of [PING, KEEP_ALIVE.encode({ clientKeepalive: 0 })]) {
    const { from, journal, conduct } = openedInbound({ minor: 0 });
    for (let i = 0; i < 8; i++) from.rpc(rpc(5000), 1);
    assert.ok(!journal.take().includes(ACK));
    from.rts(pdu);
    assert.equal(conduct.state, 'conforming');
    assert.ok(journal.take().includes(ACK));
  }
});

test('the conduct that both proxies share takes the place of the own one', () => {
  const { role, from, conduct } = startInbound({ minor: 1 });
  const shared = new ClientConduct(0);
  role.serverConnected(shared);
  role.fromServer.rts(B3);
  from.rpc(rpc(100, { last: false }), 1);
  assert.ok(shared.insideCall);
  assert.ok(!conduct.insideCall);
});

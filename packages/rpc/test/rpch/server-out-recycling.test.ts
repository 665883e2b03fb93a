import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONN_A2,
  OUT_R1_A5,
  OUT_R1_A8,
  OUT_R1_A9,
  OUT_R2_A1,
  OUT_R2_A4,
  OUT_R2_A5,
  OUT_R2_A7,
  OUT_R2_A8,
  OUT_R2_B1,
  OUT_R2_B2,
  PING_TRAFFIC_SENT_NOTIFY,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import type { Server } from '../../src/rpch/server.ts';
import { readServerOpening } from '../../src/rpch/server-opening.ts';
import {
  A2_VALUES,
  B2,
  clientAck,
  openedServer,
  outAck,
  outR1A4,
  RECYCLING_TIMEOUT,
  SHORT_LIFETIME,
  startServer,
} from './server-scene.ts';
import { cookie, encodeRow, NEXT_OUT, OUT, refused, rpc, run, said, sampleOf, VC } from './support.ts';

const R1_A8 = OUT_R1_A8.encode({ destination: 2, successorCookie: NEXT_OUT });
const R2_A4 = OUT_R2_A4.encode({ successorCookie: NEXT_OUT });
const R2_A8 = OUT_R2_A8.encode({ destination: 2, successorCookie: NEXT_OUT });
/** The least that is left of SHORT_LIFETIME after CONN/C1 without a successor being due. */
const BEFORE_THE_MARGIN = SHORT_LIFETIME - SHORT_LIFETIME / 4 - 44;
/** PDUs that bring the channel so far that a successor is due, in one run. */
const ENOUGH = [60_000, BEFORE_THE_MARGIN - 60_000] as const;

/** A server with a short OUT channel and a wide window. */
function shortLived({ mayRecycle = true, outWindow = 262_144 } = {}) {
  return openedServer({ channelLifetime: SHORT_LIFETIME, outWindow, mayRecycle });
}

/** The same, after OUT_Rx/A1. */
function inA4W(options: Parameters<typeof shortLived>[0] = {}) {
  const made = shortLived(options);
  made.role.fromRuntime(run(...ENOUGH), ENOUGH.length);
  assert.equal(made.journal.take().at(-1), said('out', OUT_R2_A1));
  return made;
}

/** OUT_R1 as far as A5. */
function inA8W(options: Parameters<typeof shortLived>[0] = {}) {
  const made = inA4W(options);
  const next = made.attach('next', outR1A4());
  made.journal.take();
  return { ...made, next };
}

/** OUT_R2 as far as A5. */
function inR2A8W(options: Parameters<typeof shortLived>[0] = {}) {
  const made = inA4W(options);
  made.outLeg.from.rts(R2_A4);
  made.journal.take();
  return made;
}

test('a successor is asked for when a quarter of a short lifetime is left, not earlier', () => {
  const { role, journal } = shortLived();
  role.fromRuntime(rpc(60_000), 1);
  role.fromRuntime(rpc(BEFORE_THE_MARGIN - 60_001), 1);
  assert.deepEqual(journal.take(), ['out rpc 1/60000', `out rpc 1/${BEFORE_THE_MARGIN - 60_001}`]);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), ['out rpc 1/16', said('out', OUT_R2_A1)]);
  assert.deepEqual(journal.last(OUT_R2_A1), { destination: 0 });
});

test('RTS PDUs and the outbound proxy’s Pings use up the lifetime as well', () => {
  const told = shortLived();
  told.outLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: BEFORE_THE_MARGIN - 1 }));
  assert.deepEqual(told.journal.take(), []);
  told.outLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1 }));
  assert.deepEqual(told.journal.take(), [said('out', OUT_R2_A1)]);

  const relaying = shortLived();
  relaying.outLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: BEFORE_THE_MARGIN - 56 }));
  const ack = RTS_PDUS.find(({ name }) => name === 'FlowControlAckWithDestination');
  assert.ok(ack !== undefined);
  relaying.inLeg.from.rts(encodeRow(ack, sampleOf(ack)));
  assert.deepEqual(relaying.journal.take(), ['out FlowControlAckWithDestination', said('out', OUT_R2_A1)]);
});

test('at the end of the lifetime RPC PDUs wait for the successor, RTS PDUs still go', () => {
  const { role, journal, inLeg, outLeg } = inA4W();
  // 32,768 bytes are left, less the 28 of OUT_R2/A1; 8,192 of them are for RTS PDUs.
  role.fromRuntime(rpc(24_548), 1);
  assert.deepEqual(journal.take(), ['out rpc 1/24548']);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), ['pause']);
  assert.equal(role.queued, 16);
  inLeg.from.rts(clientAck(0, 65_536));
  outLeg.from.rts(R2_A4);
  assert.deepEqual(journal.take(), ['out FlowControlAckWithDestination', said('out', OUT_R2_A5)]);
  inLeg.from.rts(R2_A8);
  assert.deepEqual(journal.take(), [said('out', OUT_R2_B1), 'out rpc 1/16', 'resume']);
});

test('the reserve is no promise: where RTS PDUs use it up, that is the end', () => {
  const { role, journal, inLeg } = inA4W();
  const forClient = encodeRow(ackRow(), sampleOf(ackRow()));
  const fit = Math.floor((32_768 - 28) / forClient.length);
  for (let i = 0; i < fit; i++) inLeg.from.rts(forClient);
  assert.deepEqual([...new Set(journal.take())], ['out FlowControlAckWithDestination']);
  inLeg.from.rts(forClient);
  assert.deepEqual(journal.take(), ['ended out-channel-used-up']);
  assert.equal(role.state, 'Finished');
});

test('a client that may not be asked gets the channel to its last byte, and then the end', () => {
  const { role, journal } = shortLived({ mayRecycle: false });
  role.fromRuntime(run(60_000, 60_000), 2);
  // CONN/C1 took 44.
  role.fromRuntime(rpc(11_028), 1);
  assert.deepEqual(journal.take(), ['out rpc 2/120000', 'out rpc 1/11028']);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), ['ended out-channel-used-up']);
  assert.equal(role.queued, 0);
});

test('a client that may be asked after all is asked, and from then on PDUs wait at the end', () => {
  const { role, journal, port } = shortLived({ mayRecycle: false });
  role.fromRuntime(run(60_000, 60_000), 2);
  assert.deepEqual(journal.take(), ['out rpc 2/120000']);
  port.mayRecycle = true;
  role.fromRuntime(rpc(1000), 1);
  assert.deepEqual(journal.take(), ['out rpc 1/1000', said('out', OUT_R2_A1)]);
  role.fromRuntime(rpc(5000), 1);
  assert.deepEqual(journal.take(), ['pause']);
});

test('OUT_R1: A4 arrives, A5 goes on the predecessor; A8 arrives, A9 ends it, PDUs go on the successor', () => {
  const { role, journal, inLeg, outLeg, attach } = inA4W();
  const next = attach('next', outR1A4());
  assert.deepEqual(journal.take(), [said('out', OUT_R1_A5)]);
  assert.deepEqual(journal.last(OUT_R1_A5), { destination: 0, version: 1, connectionTimeout: 140_000 });
  role.fromRuntime(rpc(100), 1);
  assert.deepEqual(journal.take(), ['out rpc 1/100'], 'still on the predecessor');
  assert.equal(outLeg.over, false);
  inLeg.from.rts(R1_A8);
  assert.deepEqual(journal.take(), [said('out', OUT_R1_A9)]);
  assert.deepEqual([outLeg.over, next.over], [true, false]);
  role.fromRuntime(rpc(200), 1);
  assert.deepEqual(journal.take(), ['next rpc 1/200']);
});

test('OUT_R1: the successor has its own window and its own lifetime', () => {
  const { role, journal, inLeg, outLeg, attach } = inA4W({ outWindow: 131_072 });
  const next = attach('next', outR1A4({ receiveWindowSize: 8192, channelLifetime: SHORT_LIFETIME }));
  inLeg.from.rts(R1_A8);
  journal.take();
  role.fromRuntime(run(5000, 5000), 2);
  assert.deepEqual(journal.take(), ['next rpc 1/5000', 'pause']);
  outLeg.from.rts(outAck(ENOUGH[0] + ENOUGH[1], 131_072));
  assert.deepEqual(journal.take(), [], 'the predecessor has no say any more');
  next.from.rts(outAck(5000, 8192, NEXT_OUT));
  assert.deepEqual(journal.take(), ['next rpc 1/5000', 'resume']);
  refused(() => next.from.rts(outAck(10_001, 8192, NEXT_OUT)), 'RPCH_FLOW_CONTROL_ACK');
});

test('OUT_R1: the client’s acknowledgement goes to the outbound proxy whose channel it names', () => {
  const { journal, inLeg, outLeg } = inA8W();
  inLeg.from.rts(R1_A8);
  journal.take();
  inLeg.from.rts(clientAck(100, 65_536, OUT));
  assert.deepEqual(journal.take(), ['out FlowControlAckWithDestination'], 'the predecessor still empties its queue');
  inLeg.from.rts(clientAck(0, 65_536, NEXT_OUT));
  inLeg.from.rts(clientAck(0, 65_536, cookie(0x99)));
  assert.deepEqual(journal.take(), ['next FlowControlAckWithDestination', 'next FlowControlAckWithDestination']);
  outLeg.closed();
  inLeg.from.rts(clientAck(100, 65_536, OUT));
  assert.deepEqual(journal.take(), ['next FlowControlAckWithDestination'], 'which drops it');
});

test('OUT_R1: the predecessor is not heard any more', () => {
  const { journal, inLeg, outLeg } = inA8W();
  inLeg.from.rts(R1_A8);
  journal.take();
  outLeg.from.rts(R2_A4);
  outLeg.from.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 0xffff_ffff }));
  assert.deepEqual(journal.take(), []);
});

test('OUT_R1: the next recycling waits for the predecessor’s connection to close', () => {
  const { role, journal, inLeg, outLeg, attach } = inA4W();
  attach('next', outR1A4({ channelLifetime: SHORT_LIFETIME, receiveWindowSize: 262_144 }));
  inLeg.from.rts(R1_A8);
  journal.take();
  role.fromRuntime(run(60_000, 60_000), 2);
  assert.deepEqual(journal.take(), ['next rpc 2/120000']);
  outLeg.closed();
  assert.deepEqual(journal.take(), [said('next', OUT_R2_A1)]);
});

test('OUT_R1: a predecessor that the client still acknowledges is given time, one that shows no life is closed', () => {
  const { role, journal, inLeg, attach } = inA4W();
  attach('next', outR1A4({ channelLifetime: SHORT_LIFETIME, receiveWindowSize: 262_144 }));
  inLeg.from.rts(R1_A8);
  role.fromRuntime(run(60_000, 60_000), 2);
  for (let now = 0; now < 5 * RECYCLING_TIMEOUT; now += RECYCLING_TIMEOUT - 1) {
    inLeg.from.rts(clientAck(now, 65_536, OUT));
    role.tick(now);
  }
  assert.ok(!journal.take().includes('out close'));
  role.tick(6 * RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['out close', said('next', OUT_R2_A1)]);
});

test('OUT_R1: a predecessor that never closes does not hold the session for ever', () => {
  const { role, journal, inLeg, attach } = inA4W();
  attach('next', outR1A4({ channelLifetime: SHORT_LIFETIME, receiveWindowSize: 262_144 }));
  inLeg.from.rts(R1_A8);
  role.fromRuntime(run(60_000, 60_000, 16), 3);
  role.fromRuntime(rpc(60_000), 1);
  journal.take();
  for (let now = 0; now <= 10 * RECYCLING_TIMEOUT; now += RECYCLING_TIMEOUT / 2) role.tick(now);
  assert.notDeepEqual(journal.take(), [], 'neither recycled nor ended');
});

test('OUT_R1: a predecessor that closes while A9 is being sent is gone', () => {
  const made = startServer();
  const sink = made.journal.sink('out');
  const rts = (pdu: Uint8Array) => {
    sink.rts(pdu);
    if (pdu.length === OUT_R1_A9.encode({}).length) leg.closed();
  };
  const leg = made.role.attach(
    { ...sink, rts, close: () => {} },
    readServerOpening(CONN_A2.encode({ ...A2_VALUES, channelLifetime: SHORT_LIFETIME, receiveWindowSize: 262_144 })),
  );
  const inbound = made.attach('in', B2);
  made.role.fromRuntime(run(...ENOUGH), ENOUGH.length);
  made.attach('next', outR1A4({ channelLifetime: SHORT_LIFETIME, receiveWindowSize: 262_144 }));
  inbound.from.rts(R1_A8);
  made.journal.take();
  made.role.fromRuntime(run(60_000, 60_000), 2);
  assert.equal(made.journal.take().at(-1), said('next', OUT_R2_A1));
});

test('OUT_R1/A4 is refused in every state but Opened_A4W, and where it names another predecessor', () => {
  refused(() => openedServer().attach('next', outR1A4()), 'RPCH_RECYCLING');
  refused(() => inA8W().attach('third', outR1A4()), 'RPCH_RECYCLING');
  refused(() => inR2A8W().attach('third', outR1A4()), 'RPCH_RECYCLING');
  const { attach, journal } = inA4W();
  refused(() => attach('next', outR1A4({ predecessorCookie: cookie(0x99) })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('OUT_R1/A8 that names another successor is refused, and nothing is sent', () => {
  const { journal, inLeg } = inA8W();
  refused(() => inLeg.from.rts(OUT_R1_A8.encode({ destination: 2, successorCookie: OUT })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('OUT_R2: A4 arrives, A5 goes to the client; A8 arrives, B1 goes out, the leg goes on under the new cookie', () => {
  const { role, journal, inLeg, outLeg } = inA4W();
  outLeg.from.rts(R2_A4);
  assert.deepEqual(journal.take(), [said('out', OUT_R2_A5)]);
  assert.equal(journal.last(OUT_R2_A5).destination, 0);
  role.fromRuntime(rpc(100), 1);
  inLeg.from.rts(R2_A8);
  assert.deepEqual(journal.take(), ['out rpc 1/100', said('out', OUT_R2_B1)]);
  assert.equal(outLeg.over, false);
  role.fromRuntime(run(60_000, 30_000), 2);
  assert.deepEqual(journal.take(), ['out rpc 2/90000'], 'its lifetime begins anew');
  outLeg.closed();
});

test('OUT_R2: acknowledgements may name the former cookie, or the new one with counts that go on', () => {
  const { role, journal, inLeg, outLeg } = inR2A8W({ outWindow: 131_072 });
  inLeg.from.rts(R2_A8);
  const before = ENOUGH[0] + ENOUGH[1];
  role.fromRuntime(rpc(50_000), 1);
  journal.take();
  assert.equal(role.queued, 50_000, 'the window goes on');
  outLeg.from.rts(outAck(before, 131_072, OUT));
  assert.deepEqual(journal.take(), ['out rpc 1/50000', 'resume']);
  outLeg.from.rts(outAck(before + 50_000, 131_072, NEXT_OUT));
  role.fromRuntime(run(60_000, 10_000), 2);
  assert.deepEqual(journal.take(), ['out rpc 2/70000', said('out', OUT_R2_A1)]);
  refused(() => outLeg.from.rts(outAck(before + 120_001, 131_072, NEXT_OUT)), 'RPCH_FLOW_CONTROL_ACK');
});

test('OUT_R2: a peer that begins its counts anew is understood', () => {
  const { role, journal, inLeg, outLeg } = inR2A8W({ outWindow: 131_072 });
  outLeg.from.rts(outAck(ENOUGH[0] + ENOUGH[1], 131_072, OUT));
  inLeg.from.rts(R2_A8);
  role.fromRuntime(run(60_000, 60_000), 2);
  journal.take();
  outLeg.from.rts(outAck(60_000, 131_072, NEXT_OUT));
  role.fromRuntime(rpc(3000), 1);
  outLeg.from.rts(outAck(120_000, 131_072, NEXT_OUT));
  refused(() => outLeg.from.rts(outAck(123_001, 131_072, NEXT_OUT)), 'RPCH_FLOW_CONTROL_ACK');
});

test('OUT_R2/A8 that names another successor: B2 goes out, and it is the end', () => {
  const { journal, inLeg } = inR2A8W();
  refused(() => inLeg.from.rts(OUT_R2_A8.encode({ destination: 2, successorCookie: OUT })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), [said('out', OUT_R2_B2)]);
});

test('OUT_R2/A4 is refused in every state but Opened_A4W, and from another leg', () => {
  for (const { outLeg } of [openedServer(), inA8W(), inR2A8W()]) {
    refused(() => outLeg.from.rts(R2_A4), 'RPCH_RTS_UNEXPECTED');
  }
  refused(() => inA8W().next.from.rts(R2_A4), 'RPCH_RTS_UNEXPECTED');
});

test('OUT_R2/A7 as it stands, with its Version, is no answer in OUT_R1', () => {
  const a7 = OUT_R2_A7.encode({ destination: 2, successorCookie: NEXT_OUT, version: 1 });
  refused(() => inA8W().inLeg.from.rts(a7), 'RPCH_RTS_UNEXPECTED');
  inR2A8W().inLeg.from.rts(a7);
});

test('every RTS PDU from the outbound proxy that must not come is refused, state by state', () => {
  const scenes = { Opened_A4W: inA4W, Opened_A8W: inA8W, Opened_R2A8W: inR2A8W };
  const like = (row: { readonly name: string }) =>
    RTS_PDUS.map(({ name }) => name).filter((name) => said('', { name }) === said('', row));
  const acceptable = { Opened_A4W: like(OUT_R2_A4), Opened_A8W: [], Opened_R2A8W: [] };
  for (const state of ['Opened_A4W', 'Opened_A8W', 'Opened_R2A8W'] as const) {
    for (const row of RTS_PDUS) {
      const { outLeg } = scenes[state]();
      const bytes = encodeRow(row, { ...sampleOf(row), virtualConnectionCookie: VC, pingTrafficSent: 1 });
      const give = () => outLeg.from.rts(bytes);
      const fine = row.name === 'FlowControlAck' || row.name === 'Ping Traffic Sent Notify';
      if (fine || (acceptable[state] as readonly string[]).includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${state}`);
    }
  }
});

test('A4 may take its time: the predecessor carries on; A8 may not', () => {
  const waiting = inA4W();
  for (let now = 0; now < 100 * RECYCLING_TIMEOUT; now += RECYCLING_TIMEOUT) waiting.role.tick(now);
  assert.deepEqual(waiting.journal.take(), []);
  for (const scene of [inA8W, inR2A8W]) {
    const { role, journal } = scene();
    role.tick(1);
    role.tick(RECYCLING_TIMEOUT);
    assert.deepEqual(journal.take(), []);
    role.tick(RECYCLING_TIMEOUT + 1);
    assert.deepEqual(journal.take(), ['ended recycling-timeout']);
    assertDead(role);
  }
});

function assertDead(role: Server): void {
  assert.equal(role.state, 'Finished');
  assert.equal(role.queued, 0);
}

function ackRow() {
  const row = RTS_PDUS.find(({ name }) => name === 'FlowControlAckWithDestination');
  assert.ok(row !== undefined);
  return row;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  IN_R2_A4,
  OUT_R1_A2,
  OUT_R1_A3,
  OUT_R1_A6,
  OUT_R1_A7,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A2,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_B3,
  OUT_R2_C1,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { FIRST, inAck, openedClient, RECYCLING_TIMEOUT, SECOND } from './client-scene.ts';
import { encodeRow, OUT, refused, rpc, run, said, sampleOf, VC } from './support.ts';

const A2 = OUT_R2_A2.encode({ destination: 0 });
const R1_A6 = OUT_R1_A6.encode({ destination: 0, version: 1, connectionTimeout: 140_000 });
const R1_A10 = OUT_R1_A10.encode({});
const R2_A6 = OUT_R2_A6.encode({ destination: 0 });
const B3 = OUT_R2_B3.encode({});
const ACK = 'in FlowControlAckWithDestination';
const TOO_MANY = 5000;

/** As far as A3. */
function inA6W(options: Parameters<typeof openedClient>[0] = {}) {
  const made = openedClient(options);
  made.out.from.rts(A2);
  made.journal.take();
  return { ...made, out2: made.outChannel(2) };
}

/** OUT_R1 as far as A7. */
function inA10W(options: Parameters<typeof openedClient>[0] = {}) {
  const made = inA6W(options);
  made.out.from.rts(R1_A6);
  made.journal.take();
  return made;
}

/** OUT_R2 as far as A7 and C1. */
function inB3W(options: Parameters<typeof openedClient>[0] = {}) {
  const made = inA6W(options);
  made.out.from.rts(R2_A6);
  made.journal.take();
  return made;
}

test('OUT_R1: A2 arrives, A3 goes on a successor of 120 bytes; A6, A7 on IN; A10, A11 on the successor', () => {
  const { journal, out, outChannel } = openedClient();
  out.from.rts(OUT_R1_A2.encode({ destination: 0 }));
  assert.deepEqual(journal.take(), ['open out2 120', 'out2 OUT_R1/A3']);
  assert.deepEqual(journal.last(OUT_R1_A3), {
    version: 1,
    virtualConnectionCookie: VC,
    predecessorCookie: OUT,
    successorCookie: FIRST,
    receiveWindowSize: 65_536,
  });
  out.from.rts(R1_A6);
  assert.deepEqual(journal.take(), [said('in', OUT_R1_A7)]);
  assert.deepEqual(journal.last(OUT_R1_A7), { destination: 2, successorCookie: FIRST });
  out.from.rpc(rpc(100), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/100']);
  assert.deepEqual([out.over, outChannel(2).over], [false, false]);
  out.from.rts(R1_A10);
  assert.deepEqual(journal.take().slice(0, 2), [said('out2', OUT_R1_A11), 'out close']);
  assert.deepEqual([out.over, outChannel(2).over], [true, false]);
  const out2 = outChannel(2);
  out2.responded();
  out2.from.rpc(rpc(200), 1);
  assert.equal(journal.take().at(-1), 'runtime rpc 1/200');
});

test('OUT_R1: whoever moves OUT to another proxy is likely to be leaving: IN is recycled as well, once', () => {
  const { journal, out, outChannel } = inA10W();
  out.from.rts(R1_A10);
  assert.deepEqual(journal.take(), [said('out2', OUT_R1_A11), 'out close', 'open in2', 'in2 IN_R1/A1']);
  outChannel(2).from.rts(IN_R2_A4.encode({ destination: 0 }));
  outChannel(2).from.rts(inAck(0, 65_536, SECOND));
  assert.deepEqual(journal.take(), [said('in', { name: 'IN_R1/A5' }), 'in close']);
});

test('OUT_R2: A2 arrives, A3; A6 arrives, C1 on the successor and A7 on IN; B3 arrives, the predecessor is closed', () => {
  const { journal, out, out2 } = inA6W();
  out.from.rts(R2_A6);
  assert.deepEqual(journal.take(), [said('out2', OUT_R2_C1), 'in OUT_R2/A7']);
  assert.deepEqual(journal.last(OUT_R2_A7), { destination: 2, successorCookie: FIRST, version: 1 });
  out.from.rpc(rpc(100), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/100']);
  out.from.rts(B3);
  assert.deepEqual(journal.take(), ['out close'], 'IN stays where it is');
  assert.deepEqual([out.over, out2.over], [true, false]);
  out2.responded();
  out2.from.rpc(rpc(200), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/200']);
});

test('OUT_R2: what comes on the successor before B3 is held, in order, RTS PDUs too', () => {
  const { role, journal, out, out2 } = inB3W({ inWindow: 8192 });
  role.fromRuntime(run(5000, 5000), 2);
  journal.take();
  out2.responded();
  out2.from.rpc(run(300, 301), 2);
  out2.from.rts(PING_PDU.encode({}));
  out2.from.rts(inAck(5000, 8192));
  out2.from.rpc(rpc(302), 1);
  assert.deepEqual(journal.take(), []);
  assert.equal(role.held, 903);
  out.from.rpc(rpc(299), 1);
  out.from.rts(B3);
  assert.deepEqual(journal.take(), [
    'runtime rpc 1/299',
    'out close',
    'runtime rpc 2/601',
    'in rpc 1/5000',
    'runtime rpc 1/302',
  ]);
  assert.equal(role.held, 0);
});

test('what is held is a copy, also of a Buffer', () => {
  const { out, out2, journal } = inB3W();
  const lent = Buffer.from(rpc(100));
  out2.from.rpc(lent, 1);
  lent.fill(0xee);
  out.from.rts(B3);
  assert.deepEqual(journal.take(), ['out close', 'runtime rpc 1/100']);
});

test('what is held is bounded: RPC PDUs by the window, RTS PDUs by 64 KiB', () => {
  const rpcs = inB3W({ receiveWindow: 8192 });
  rpcs.out2.from.rpc(rpc(8000), 1);
  refused(() => rpcs.out2.from.rpc(rpc(1000), 1), 'RPCH_WINDOW_OVERRUN');
  const { out2 } = inB3W();
  refused(() => {
    for (let i = 0; i < TOO_MANY; i++) out2.from.rts(PING_PDU.encode({}));
  }, 'RPCH_WINDOW_OVERRUN');
});

test('PDUs on a successor before C1 or A11 is out are refused', () => {
  for (const scene of [inA6W, inA10W]) {
    refused(() => scene().out2.from.rpc(rpc(16), 1), 'RPCH_RECYCLING');
    refused(() => scene().out2.from.rts(PING_PDU.encode({})), 'RPCH_RECYCLING');
  }
});

test('nothing that follows A10 or B3 on the predecessor is heard', () => {
  for (const [scene, last] of [
    [inA10W, R1_A10],
    [inB3W, B3],
  ] as const) {
    const { journal, out } = scene();
    out.from.rts(last);
    journal.take();
    out.from.rpc(rpc(16), 1);
    out.from.rts(Uint8Array.of(1, 2, 3));
    out.responded();
    assert.deepEqual(journal.take(), []);
  }
});

test('the window is that of the instance: acknowledgements name the successor and count from its beginning', () => {
  const { journal, out, out2 } = inB3W();
  out.from.rpc(rpc(30_000), 1);
  out.from.rts(B3);
  journal.take();
  out2.from.rpc(rpc(30_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  out2.from.rpc(rpc(2768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/2768', ACK]);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK_WITH_DESTINATION), {
    destination: 3,
    ack: { bytesReceived: 32_768, availableWindow: 65_536, channelCookie: FIRST },
  });
});

test('what was held is acknowledged once it has been handed on', () => {
  const { journal, out, out2 } = inB3W();
  out2.from.rpc(rpc(40_000), 1);
  assert.deepEqual(journal.take(), []);
  out.from.rts(B3);
  assert.deepEqual(journal.take(), ['out close', 'runtime rpc 1/40000', ACK]);
});

test('a run-time that is blocked stays so for the successor', () => {
  const { role, journal, out, out2 } = inB3W();
  role.runtimeBlocked(true);
  out.from.rts(B3);
  out2.from.rpc(rpc(40_000), 1);
  assert.ok(!journal.take().includes(ACK));
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [ACK]);
});

test('a run-time that takes nothing is given one successor, and no other: the windows would add up', () => {
  const { role, out, journal, outChannel } = openedClient();
  role.runtimeBlocked(true);
  out.from.rts(A2);
  assert.deepEqual(journal.take(), ['open out2 120', 'out2 OUT_R1/A3']);
  out.from.rts(R2_A6);
  out.from.rts(B3);
  journal.take();
  outChannel(2).from.rts(A2);
  assert.deepEqual(journal.take(), []);
  assert.throws(() => outChannel(2).from.rts(A2), { code: 'RPCH_RTS_UNEXPECTED' });
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), ['open out3 120', 'out3 OUT_R1/A3']);
});

test('every RTS PDU that must not come is refused, state by state', () => {
  const always = ['FlowControlAckWithDestination', 'Ping'];
  const places = [
    [inA6W, [said('', OUT_R1_A6), said('', OUT_R2_A6)]],
    [inA10W, [said('', OUT_R1_A10)]],
    [inB3W, [said('', OUT_R2_B3)]],
  ] as const;
  for (const [scene, names] of places) {
    for (const row of RTS_PDUS) {
      const { out } = scene();
      const give = () => out.from.rts(encodeRow(row, sampleOf(row)));
      if (always.includes(row.name) || (names as readonly string[]).includes(said('', row))) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${scene.name}`);
    }
  }
});

test('each step has the recycling time-out to come, and longer while PDUs come or our own run-time is blocked', () => {
  for (const scene of [inA6W, inA10W, inB3W]) {
    const { role, journal, out } = scene();
    role.tick(0);
    role.tick(RECYCLING_TIMEOUT - 1);
    out.from.rpc(rpc(16), 1);
    role.tick(RECYCLING_TIMEOUT);
    role.runtimeBlocked(true);
    role.tick(3 * RECYCLING_TIMEOUT);
    role.runtimeBlocked(false);
    role.tick(4 * RECYCLING_TIMEOUT - 1);
    assert.equal(role.state, 'Opened');
    journal.take();
    role.tick(4 * RECYCLING_TIMEOUT);
    assert.equal(journal.take().at(-1), 'ended recycling-timeout', scene.name);
    assert.equal(role.state, 'Finished');
  }
});

test('IN and OUT are recycled at the same time', () => {
  const { role, journal, out, outChannel } = openedClient({ channelLifetime: 131_072, inWindow: 262_144 });
  role.fromRuntime(run(60_000, 60_000), 2);
  out.from.rts(A2);
  assert.deepEqual(journal.take().slice(1), ['open in2', 'in2 IN_R1/A1', 'open out2 120', 'out2 OUT_R1/A3']);
  out.from.rts(R2_A6);
  out.from.rts(IN_R2_A4.encode({ destination: 0 }));
  assert.deepEqual(journal.take(), [
    said('out2', OUT_R2_C1),
    'in OUT_R2/A7',
    said('in', { name: 'IN_R1/A5' }),
    'in close',
  ]);
  out.from.rts(B3);
  outChannel(2).from.rpc(rpc(16), 1);
  assert.deepEqual(journal.take(), ['out close', 'runtime rpc 1/16']);
});

test('OUT_R2/A2 that comes on the successor at once begins the next recycling', () => {
  const { journal, out, out2, outChannel } = inB3W();
  out2.from.rts(A2);
  out2.from.rpc(rpc(50), 1);
  out.from.rts(B3);
  assert.deepEqual(journal.take(), ['out close', 'open out3 120', 'out3 OUT_R1/A3', 'runtime rpc 1/50']);
  const a3 = journal.last(OUT_R1_A3);
  assert.deepEqual([a3.predecessorCookie, a3.successorCookie], [FIRST, SECOND]);
  assert.equal(outChannel(3).over, false);
});

test('OUT_R1/A6 says how often the successor will be heard of', () => {
  for (const connectionTimeout of [30_000, 1_000_000]) {
    const { role, journal, out, out2 } = inA6W();
    out.from.rts(OUT_R1_A6.encode({ destination: 0, version: 1, connectionTimeout }));
    out.from.rts(R1_A10);
    // The IN channel moves as well, and is not what is to be seen here.
    out2.from.rts(IN_R2_A4.encode({ destination: 0 }));
    role.tick(0);
    role.tick(2 * connectionTimeout - 1);
    assert.equal(role.state, 'Opened');
    role.tick(2 * connectionTimeout);
    assert.equal(journal.take().at(-1), 'ended out-silent');
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IN_R1_A1, IN_R1_A4, IN_R1_A5, IN_R2_A4, PING_PDU } from '../../src/rpch/pdus.ts';
import { FIRST, inAck, openedClient, RECYCLING_TIMEOUT, SECOND } from './client-scene.ts';
import { IN, refused, rpc, run, said, VC } from './support.ts';

const SHORT_LIFETIME = 128 * 1024;
/** What CONN/B1 leaves before a successor is due. */
const BEFORE_THE_MARGIN = SHORT_LIFETIME - SHORT_LIFETIME / 4 - 104;
const R1_A4 = IN_R1_A4.encode({
  destination: 0,
  version: 1,
  receiveWindowSize: 8192,
  connectionTimeout: 240_000,
});
const R2_A4 = IN_R2_A4.encode({ destination: 0 });
const A5 = said('in', IN_R1_A5);

/** A client with a short IN channel and a wide window. */
function shortLived({ inWindow = 262_144 } = {}) {
  return openedClient({ channelLifetime: SHORT_LIFETIME, inWindow });
}

/** The same, after IN_Rx/A1. */
function inA4W(options: Parameters<typeof shortLived>[0] = {}) {
  const made = shortLived(options);
  made.role.fromRuntime(run(60_000, BEFORE_THE_MARGIN - 60_000), 2);
  assert.equal(made.journal.take().at(-1), 'in2 IN_R1/A1');
  return made;
}

test('a successor is opened when a quarter of a short lifetime is left, not earlier', () => {
  const { role, journal } = shortLived();
  role.fromRuntime(run(60_000, BEFORE_THE_MARGIN - 60_001), 2);
  assert.deepEqual(journal.take(), [`in rpc 2/${BEFORE_THE_MARGIN - 1}`]);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), ['in rpc 1/16', 'open in2', 'in2 IN_R1/A1']);
  assert.deepEqual(journal.last(IN_R1_A1), {
    version: 1,
    virtualConnectionCookie: VC,
    predecessorCookie: IN,
    successorCookie: FIRST,
  });
});

test('IN_R1: A4 arrives, A5 goes on the predecessor, which is closed; the window is that of A4', () => {
  const { role, journal, out, inChannel } = inA4W();
  role.fromRuntime(rpc(100), 1);
  assert.deepEqual(journal.take(), ['in rpc 1/100'], 'still on the predecessor');
  out.from.rts(R1_A4);
  assert.deepEqual(journal.take(), [A5, 'in close']);
  assert.deepEqual(journal.last(IN_R1_A5), { successorCookie: FIRST });
  assert.deepEqual([inChannel(1).over, inChannel(2).over], [true, false]);
  role.fromRuntime(run(5000, 5000), 2);
  assert.deepEqual(journal.take(), ['in2 rpc 1/5000']);
  out.from.rts(inAck(5000, 8192, IN));
  assert.deepEqual(journal.take(), [], 'the predecessor has no say any more');
  out.from.rts(inAck(5000, 8192, FIRST));
  assert.deepEqual(journal.take(), ['in2 rpc 1/5000']);
  refused(() => out.from.rts(inAck(10_001, 8192, FIRST)), 'RPCH_FLOW_CONTROL_ACK');
});

test('IN_R1: the connection time-out is that of A4', () => {
  const { role, journal, out } = inA4W();
  out.from.rts(R1_A4);
  role.tick(0);
  role.tick(119_999);
  journal.take();
  role.tick(120_000);
  assert.deepEqual(journal.take(), ['in2 Ping']);
});

test('IN_R2: A4 arrives, A5 goes on the predecessor; window and time-out stay, the counts begin anew', () => {
  const { role, journal, out } = inA4W({ inWindow: 131_072 });
  out.from.rts(R2_A4);
  assert.deepEqual(journal.take(), [A5, 'in close']);
  role.fromRuntime(rpc(60_000), 1);
  assert.deepEqual(journal.take(), ['in2 rpc 1/60000']);
  out.from.rts(inAck(60_000, 131_072, FIRST));
  role.tick(0);
  role.tick(59_999);
  assert.deepEqual(journal.take(), []);
  role.tick(60_000);
  assert.deepEqual(journal.take(), ['in2 Ping']);
});

test('what waits for the window goes on the successor, in order', () => {
  const { role, journal, out } = shortLived({ inWindow: 65_536 });
  role.fromRuntime(rpc(60_000), 1);
  role.fromRuntime(rpc(50_000), 1);
  out.from.rts(inAck(60_000, 65_536));
  assert.deepEqual(journal.take(), ['in rpc 1/60000', 'in rpc 1/50000', 'open in2', 'in2 IN_R1/A1']);
  role.fromRuntime(run(30_000, 100), 2);
  assert.deepEqual(journal.take(), [], 'neither window nor lifetime is left');
  out.from.rts(R2_A4);
  assert.deepEqual(journal.take(), [A5, 'in close', 'in2 rpc 2/30100']);
  assert.equal(role.queued, 0);
});

test('a PDU that does not fit into what is left asks for a successor as well', () => {
  const { role, journal } = shortLived();
  role.fromRuntime(run(60_000, 30_000), 2);
  assert.deepEqual(journal.take(), ['in rpc 2/90000']);
  role.fromRuntime(rpc(40_000), 1);
  assert.deepEqual(journal.take(), ['open in2', 'in2 IN_R1/A1']);
});

test('at the end of the lifetime RPC PDUs wait and RTS PDUs still go, A5 among them', () => {
  const { role, journal, out } = inA4W();
  role.fromRuntime(rpc(32_768 - 8192), 1);
  role.fromRuntime(rpc(16), 1);
  assert.deepEqual(journal.take(), [`in rpc 1/${32_768 - 8192}`]);
  role.keepAlive(60_000);
  assert.deepEqual(journal.take(), ['in Keep-Alive']);
  out.from.rts(R2_A4);
  assert.deepEqual(journal.take(), [A5, 'in close', 'in2 rpc 1/16']);
});

test('A4 is refused where no successor was opened, and a second one', () => {
  for (const a4 of [R1_A4, R2_A4]) {
    refused(() => shortLived().out.from.rts(a4), 'RPCH_RTS_UNEXPECTED');
    const { out } = inA4W();
    out.from.rts(a4);
    refused(() => out.from.rts(a4), 'RPCH_RTS_UNEXPECTED');
  }
});

test('the next successor waits for the acknowledgement that says that this recycling is complete', () => {
  const { role, journal, out } = inA4W();
  out.from.rts(R2_A4);
  journal.take();
  role.fromRuntime(run(60_000, 60_000), 2);
  assert.deepEqual(journal.take(), ['in2 rpc 2/120000']);
  out.from.rts(inAck(0, 262_144, FIRST));
  assert.deepEqual(journal.take(), ['open in3', 'in3 IN_R1/A1']);
  const a1 = journal.last(IN_R1_A1);
  assert.deepEqual([a1.predecessorCookie, a1.successorCookie], [FIRST, SECOND]);
  out.from.rts(R2_A4);
  assert.deepEqual(journal.take(), [said('in2', IN_R1_A5), 'in2 close']);
});

test('and where no acknowledgement comes, it waits for five seconds', () => {
  const { role, journal, out } = inA4W();
  out.from.rts(R2_A4);
  role.fromRuntime(run(60_000, 60_000), 2);
  journal.take();
  role.tick(0);
  role.tick(4999);
  assert.deepEqual(journal.take(), []);
  role.tick(5000);
  assert.deepEqual(journal.take(), ['open in3', 'in3 IN_R1/A1']);
});

test('A4 that does not come ends the session when the recycling time-out is over', () => {
  const { role, journal } = inA4W();
  role.tick(0);
  role.tick(RECYCLING_TIMEOUT - 1);
  journal.take();
  role.tick(RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['ended recycling-timeout']);
  assert.equal(role.state, 'Finished');
});

test('a Ping in the middle of it is taken', () => {
  const { out, journal } = inA4W();
  out.from.rts(PING_PDU.encode({}));
  assert.deepEqual(journal.take(), []);
});

test('A1 counts for the successor’s lifetime: 88 bytes', () => {
  const { role, journal, out } = inA4W();
  out.from.rts(R2_A4);
  out.from.rts(inAck(0, 262_144, FIRST));
  journal.take();
  role.fromRuntime(run(60_000, SHORT_LIFETIME * 0.75 - 60_000 - 88), 2);
  assert.deepEqual(journal.take().slice(1), ['open in3', 'in3 IN_R1/A1']);
});

test('IN_R1: the connection time-out of A4 does not undo a shorter keep-alive interval', () => {
  const { role, journal, out } = inA4W();
  role.keepAlive(60_000);
  out.from.rts(R1_A4);
  role.tick(0);
  journal.take();
  role.tick(29_999);
  assert.deepEqual(journal.take(), []);
  role.tick(30_000);
  assert.deepEqual(journal.take(), ['in2 Ping']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/errors.ts';
import {
  FLOW_CONTROL_ACK,
  IN_R1_A3,
  IN_R1_A6,
  IN_R1_B1,
  IN_R1_B2,
  IN_R2_A2,
  IN_R2_A3,
  PING_PDU,
  RTS_PDUS,
} from '../../src/rpch/pdus.ts';
import { clientAck, inR1A2, openedServer, RECYCLING_TIMEOUT } from './server-scene.ts';
import { cookie, encodeRow, IN, NEXT_IN, refused, rpc, run, said, sampleOf, VC } from './support.ts';

const A6 = IN_R1_A6.encode({ successorCookie: NEXT_IN });
const B1 = IN_R1_B1.encode({});
const R2_A2 = IN_R2_A2.encode({ successorCookie: NEXT_IN });
const SETUP_TIMEOUT = 900_000;

/** IN_R1 as far as A3: the server waits for A6. */
function inA6W(options: Parameters<typeof openedServer>[0] = {}) {
  const made = openedServer(options);
  const next = made.attach('next', inR1A2());
  return { ...made, next };
}

test('IN_R1: A2 arrives, A3 goes to the client; A6 and B1 arrive, B2 goes to the successor, the predecessor is closed', () => {
  const { journal, inLeg, attach } = openedServer();
  const next = attach('next', inR1A2());
  assert.deepEqual(journal.take(), [said('out', IN_R1_A3)]);
  assert.deepEqual(journal.last(IN_R1_A3), {
    destination: 0,
    version: 1,
    receiveWindowSize: 32_768,
    connectionTimeout: 130_000,
  });
  inLeg.from.rts(A6);
  assert.deepEqual(journal.take(), []);
  inLeg.from.rpc(rpc(100), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/100'], 'what flow control held back at the predecessor');
  assert.deepEqual([inLeg.over, next.over], [false, false]);
  inLeg.from.rts(B1);
  assert.deepEqual(journal.take(), [said('next', IN_R1_B2), 'in close']);
  assert.deepEqual(journal.last(IN_R1_B2), { receiveWindowSize: 65_536 });
  assert.deepEqual([inLeg.over, next.over], [true, false]);
  next.from.rpc(rpc(200), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/200']);
});

test('IN_R1: nothing that the predecessor says after B1 is heard, and its close is no event', () => {
  const { journal, inLeg } = inA6W();
  inLeg.from.rts(A6);
  inLeg.from.rts(B1);
  journal.take();
  inLeg.from.rpc(rpc(16), 1);
  inLeg.from.rts(B1);
  inLeg.closed();
  assert.deepEqual(journal.take(), []);
});

test('IN_R1: the windows are those of the leg: the successor’s count begins anew, the predecessor’s is forgotten', () => {
  const { journal, inLeg, next } = inA6W();
  inLeg.from.rpc(rpc(30_000), 1);
  inLeg.from.rts(A6);
  inLeg.from.rts(B1);
  journal.take();
  next.from.rpc(rpc(30_000), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/30000']);
  next.from.rpc(rpc(2768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/2768', 'next FlowControlAck']);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK).ack, {
    bytesReceived: 32_768,
    availableWindow: 65_536,
    channelCookie: NEXT_IN,
  });
});

test('IN_R1: a run-time that is blocked stays so for the successor', () => {
  const { role, journal, inLeg, next } = inA6W();
  role.runtimeBlocked(true);
  inLeg.from.rts(A6);
  inLeg.from.rts(B1);
  next.from.rpc(rpc(40_000), 1);
  assert.ok(!journal.take().includes('next FlowControlAck'));
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), ['next FlowControlAck']);
});

test('IN_R1: RPC PDUs of the successor before B2 are refused, RTS PDUs for others pass', () => {
  const { journal, inLeg, next } = inA6W();
  journal.take();
  next.from.rts(clientAck(0, 65_536));
  assert.deepEqual(journal.take(), ['out FlowControlAckWithDestination']);
  refused(() => next.from.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  inLeg.from.rts(A6);
  refused(() => next.from.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
});

test('IN_R1/A2 that names another predecessor is refused before anything is sent', () => {
  const { journal, attach } = openedServer();
  refused(() => attach('next', inR1A2({ predecessorCookie: cookie(0x99) })), 'RPCH_COOKIE');
  assert.deepEqual(journal.take(), []);
});

test('IN_R1/A2 of the next successor may overtake B1: it waits for it; a third is refused', () => {
  const { attach, inLeg, next, journal } = inA6W();
  inLeg.from.rts(A6);
  const third = attach('third', inR1A2({ predecessorCookie: NEXT_IN, successorCookie: cookie(3) }));
  refused(() => attach('fourth', inR1A2()), 'RPCH_RECYCLING');
  refused(() => third.from.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
  journal.take();
  inLeg.from.rts(B1);
  assert.deepEqual(journal.take(), [said('next', IN_R1_B2), 'in close', said('out', IN_R1_A3)]);
  next.from.rts(IN_R1_A6.encode({ successorCookie: cookie(3) }));
  next.from.rts(B1);
  assert.deepEqual(journal.take(), [said('third', IN_R1_B2), 'next close']);
});

test('IN_R1/A2 waits while the run-time takes nothing: each successor would bring a window', () => {
  const { role, attach, journal } = openedServer();
  role.runtimeBlocked(true);
  attach('next', inR1A2());
  assert.deepEqual(journal.take(), []);
  role.runtimeBlocked(false);
  assert.deepEqual(journal.take(), [said('out', IN_R1_A3)]);
});

test('IN_R1/A2 that waited for B1 and names another predecessor is refused then', () => {
  const { attach, inLeg } = inA6W();
  inLeg.from.rts(A6);
  attach('third', inR1A2({ predecessorCookie: cookie(0x99), successorCookie: cookie(3) }));
  refused(() => inLeg.from.rts(B1), 'RPCH_COOKIE');
});

test('IN_R1/A6 that names another successor is refused', () => {
  const { inLeg } = inA6W();
  refused(() => inLeg.from.rts(IN_R1_A6.encode({ successorCookie: cookie(0x99) })), 'RPCH_COOKIE');
});

test('A6 and B1 are for the predecessor to say: from the successor they are refused', () => {
  const made = inA6W();
  refused(() => made.next.from.rts(A6), 'RPCH_RTS_UNEXPECTED');
  made.inLeg.from.rts(A6);
  refused(() => made.next.from.rts(B1), 'RPCH_RTS_UNEXPECTED');
});

test('IN_R1: every RTS PDU that must not come is refused, state by state', () => {
  const relayed = RTS_PDUS.filter(({ fields }) => fields[0]?.[0] === 'Destination').map(({ name }) => name);
  const like = (row: { readonly name: string }) =>
    RTS_PDUS.map(({ name }) => name).filter((name) => said('', { name }) === said('', row));
  const acceptable: Readonly<Record<string, readonly string[]>> = {
    A6W: [...relayed, ...like(IN_R1_A6)],
    Opened_B1W: [...relayed, ...like(IN_R1_B1)],
  };
  for (const [state, names] of Object.entries(acceptable)) {
    for (const row of RTS_PDUS) {
      const { inLeg } = inA6W();
      if (state === 'Opened_B1W') inLeg.from.rts(A6);
      const bytes = encodeRow(row, { ...sampleOf(row), virtualConnectionCookie: VC, successorCookie: NEXT_IN });
      const give = () => inLeg.from.rts(bytes);
      if (names.includes(row.name)) give();
      else assert.throws(give, { name: 'ProtocolError' }, `${row.name} in ${state}`);
    }
  }
});

test('IN_R1: A6 that does not come ends the virtual connection when the set-up time is over', () => {
  const { role, journal } = inA6W();
  role.tick(0);
  role.tick(SETUP_TIMEOUT - 1);
  journal.take();
  role.tick(SETUP_TIMEOUT);
  assert.deepEqual(journal.take(), ['ended recycling-timeout']);
  assert.equal(role.state, 'Finished');
});

test('IN_R1: B1 may take as long as the predecessor shows life, and no longer than the recycling time-out without', () => {
  const { role, journal, inLeg } = inA6W();
  inLeg.from.rts(A6);
  for (let now = 0; now < 10 * RECYCLING_TIMEOUT; now += RECYCLING_TIMEOUT - 1) {
    inLeg.from.rpc(rpc(16), 1);
    role.tick(now);
  }
  assert.equal(role.state, 'Opened');
  role.tick(20 * RECYCLING_TIMEOUT);
  assert.equal(journal.take().at(-1), 'ended recycling-timeout');
});

test('IN_R1: while our own run-time is blocked the predecessor is not blamed', () => {
  const { role, journal, inLeg } = inA6W();
  inLeg.from.rts(A6);
  role.runtimeBlocked(true);
  for (let now = 0; now < 10 * RECYCLING_TIMEOUT; now += RECYCLING_TIMEOUT) role.tick(now);
  assert.equal(role.state, 'Opened');
  role.runtimeBlocked(false);
  journal.take();
  role.tick(10 * RECYCLING_TIMEOUT - 1);
  assert.deepEqual(journal.take(), []);
  role.tick(10 * RECYCLING_TIMEOUT);
  assert.deepEqual(journal.take(), ['ended recycling-timeout']);
});

test('IN_R2: A2 arrives, A3 goes to the client, and the leg goes on under the new cookie with its counts', () => {
  const { journal, inLeg } = openedServer();
  inLeg.from.rpc(rpc(30_000), 1);
  journal.take();
  inLeg.from.rts(R2_A2);
  assert.deepEqual(journal.take(), [said('out', IN_R2_A3)]);
  assert.deepEqual(journal.last(IN_R2_A3), { destination: 0 });
  assert.equal(inLeg.over, false);
  inLeg.from.rpc(rpc(2768), 1);
  assert.deepEqual(journal.take(), ['runtime rpc 1/2768', 'in FlowControlAck']);
  assert.deepEqual(journal.last(FLOW_CONTROL_ACK).ack, {
    bytesReceived: 32_768,
    availableWindow: 65_536,
    channelCookie: NEXT_IN,
  });
});

test('IN_R2 again and again, and IN_R1 after it, which must name the latest cookie', () => {
  const { journal, inLeg, attach } = openedServer();
  for (const byte of [1, 2, 3]) inLeg.from.rts(IN_R2_A2.encode({ successorCookie: cookie(byte) }));
  journal.take();
  refused(() => attach('next', inR1A2({ predecessorCookie: IN })), 'RPCH_COOKIE');
  attach('next', inR1A2({ predecessorCookie: cookie(3) }));
  assert.deepEqual(journal.take(), [said('out', IN_R1_A3)]);
});

test('runs of the successor are taken whole when the last of the predecessor has come', () => {
  const { journal, inLeg, next } = inA6W();
  inLeg.from.rpc(run(16, 20), 2);
  inLeg.from.rts(A6);
  inLeg.from.rpc(run(30), 1);
  inLeg.from.rts(B1);
  next.from.rpc(run(40, 50), 2);
  assert.deepEqual(
    journal.take().filter((line) => line.startsWith('runtime')),
    ['runtime rpc 2/36', 'runtime rpc 1/30', 'runtime rpc 2/90'],
  );
});

test('a Ping is nothing that an inbound proxy says to a server', () => {
  refused(() => openedServer().inLeg.from.rts(PING_PDU.encode({})), 'RPCH_RTS_UNEXPECTED');
});

test('a client that recycles again and again while the run-time is blocked is not given a window each time', () => {
  const { role, journal, inLeg, attach } = openedServer();
  role.runtimeBlocked(true);
  let leg = inLeg;
  let cookieOfLeg = IN;
  try {
    for (let i = 1; i <= 50; i++) {
      leg.from.rpc(rpc(60_000), 1);
      const next = attach('next', inR1A2({ predecessorCookie: cookieOfLeg, successorCookie: cookie(i) }));
      leg.from.rts(IN_R1_A6.encode({ successorCookie: cookie(i) }));
      leg.from.rts(B1);
      leg = next;
      cookieOfLeg = cookie(i);
    }
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
  }
  assert.ok(journal.rpcBytes <= 4 * 65_536, `${journal.rpcBytes} bytes went to a run-time that takes none`);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RpcCallError } from '../../src/dcerpc/client-call.ts';
import { bindClient, type ClientOf, type InterfaceDeclaration } from '../../src/dcerpc/interface-declaration.ts';
import { RpchError } from '../../src/errors.ts';
import { echoDeclaration } from '../../src/interfaces/echo.ts';
import { mgmtDeclaration } from '../../src/interfaces/mgmt.ts';
import type { AssociationPool } from '../../src/net/association-pool.ts';
import { type PoolOptions, poolTo, SleepyServer } from './association-scene.ts';

const LOST = new RpchError('RPCH_CONNECTION_LOST', 'network', 'lost by the test');
const NOTHING = { name: 'nothing', syntax: { uuid: '00000000-1111-2222-3333-444444444444', version: 1 } };

const clientOf = <D extends InterfaceDeclaration>(pool: AssociationPool, declaration: D): ClientOf<D> =>
  bindClient(declaration, (opnum, stub, decode, options) => pool.call(declaration, { opnum, stub }, decode, options));

async function scene(t: TestContext, options: PoolOptions = {}) {
  const server = await SleepyServer.start(t);
  const { pool, lines } = poolTo(t, server.port, options);
  return { server, pool, lines, echo: clientOf(pool, echoDeclaration) };
}

/** The outcome of each: what it gave, or the code of its error. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as RpchError).code));
}

test('calls that overlap share one connection where the server takes concurrent calls', async (t) => {
  const { server, lines, echo } = await scene(t);
  const calls = Array.from({ length: 20 }, () => echo.testSleep({ seconds: 1 }));
  await server.asleep(20);
  server.wake();
  assert.deepEqual(await outcomes(calls), new Array(20).fill({ result: 1 }));
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
  assert.equal(lines.length, 1);
  assert.deepEqual([lines[0]?.assocGroupId, lines[0]?.connection?.calls], [0, 0]);
});

test('elsewhere there are as many connections as calls that overlap, up to a limit, all in one group', async (t) => {
  const { server, lines, echo } = await scene(t, { multiplexed: false, maxConnections: 3 });
  const calls = Array.from({ length: 7 }, () => echo.testSleep({ seconds: 1 }));
  await server.asleep(3);
  assert.equal(lines.length, 3);
  server.wake();
  await server.asleep(6);
  server.wake();
  await server.asleep(7);
  server.wake();
  assert.deepEqual(await outcomes(calls), new Array(7).fill({ result: 1 }));
  assert.equal(lines.length, 3);

  const [first, ...others] = lines;
  const group = first?.connection?.association.settled?.assocGroupId;
  assert.ok(first?.assocGroupId === 0 && group !== undefined && group !== 0);
  for (const line of others) {
    assert.equal(line.assocGroupId, group);
    assert.equal(line.connection?.association.settled?.assocGroupId, group);
  }
});

test('one call after the other needs one connection, whatever the server takes', async (t) => {
  const { lines, echo, pool } = await scene(t, { multiplexed: false });
  for (let i = 0; i < 5; i++) assert.deepEqual(await echo.addOne({ in_data: i }), { out_data: i + 1 });
  await clientOf(pool, mgmtDeclaration).isServerListening();
  assert.equal(lines.length, 1);
});

test('a second interface is added to the connection that is there; one that is refused harms no other', async (t) => {
  const { pool, lines, echo } = await scene(t);
  await echo.addOne({ in_data: 1 });
  const mgmt = clientOf(pool, mgmtDeclaration);
  const both = await Promise.all([mgmt.isServerListening(), pool.bind(mgmtDeclaration), echo.addOne({ in_data: 1 })]);
  assert.deepEqual(both, [{ status: 0, result: 1 }, undefined, { out_data: 2 }]);
  for (let i = 0; i < 2; i++) {
    await assert.rejects(pool.bind(NOTHING), { code: 'RPCH_CONTEXT_REFUSED', fault: 'peer' });
  }
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
  assert.deepEqual([lines.length, lines[0]?.connection?.calls], [1, 0]);
});

test('a connection that is lost takes its calls with it, and the next call opens another, in a new group', async (t) => {
  const { server, lines, echo } = await scene(t);
  await echo.addOne({ in_data: 1 });
  const sleeping = echo.testSleep({ seconds: 1 });
  await server.asleep(1);
  lines[0]?.lose(LOST);
  await assert.rejects(sleeping, { name: 'RpcCallError', code: LOST.code, fault: 'network', mayHaveExecuted: true });
  assert.deepEqual(await echo.addOne({ in_data: 2 }), { out_data: 3 });
  assert.deepEqual(
    lines.map(({ assocGroupId }) => assocGroupId),
    [0, 0],
  );
  assert.equal(server.begun.count, 1, 'what may have executed is not made again');
});

test('a connection that is lost before its first call is replaced, and the call made there', async (t) => {
  const opened: PoolOptions['opened'] = (line, number) => number === 1 && line.lose(LOST);
  const { lines, echo } = await scene(t, { opened });
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
  assert.deepEqual(await echo.addOne({ in_data: 2 }), { out_data: 3 });
  assert.equal(lines.length, 2);
});

test('a call is made anew, once, if its request had not been sent whole', async (t) => {
  const { lines, echo } = await scene(t, { opened: (line) => line.block() });
  const call = echo.echoData({ in_data: new Uint8Array(300_000) });
  for (let lost = 1; lost <= 2; lost++) {
    // The request waits for room that never comes.
    while (lines.length < lost || lines.at(-1)?.connection?.calls !== 1) await new Promise(setImmediate);
    lines.at(-1)?.lose(LOST);
  }
  await assert.rejects(call, { name: 'RpcCallError', code: LOST.code, mayHaveExecuted: false });
  assert.equal(lines.length, 2);
});

test('a call that was sent is not made anew', async (t) => {
  const { server, lines, echo } = await scene(t);
  const call = echo.testSleep({ seconds: 1 });
  await server.asleep(1);
  lines[0]?.lose(LOST);
  await assert.rejects(call, (error) => error instanceof RpcCallError && error.mayHaveExecuted);
  assert.deepEqual([lines.length, server.begun.count], [1, 1]);
});

test('where there is no server, all who wait for the connection are told so at once', async (t) => {
  const { server, pool, lines, echo } = await scene(t);
  await server.server.close();
  const calls = [...Array.from({ length: 5 }, () => echo.addOne({ in_data: 1 })), pool.bind(mgmtDeclaration)];
  assert.deepEqual(await outcomes(calls), new Array(6).fill('RPCH_CONNECT'));
  assert.equal(lines.length, 1);
  await SleepyServer.start(t, [], server.port);
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
});

test('an interface that the server refuses is no reason to refuse another one', async (t) => {
  const { pool, lines, echo } = await scene(t);
  const calls = [pool.bind(NOTHING), pool.bind(NOTHING), echo.addOne({ in_data: 1 })];
  assert.deepEqual(await outcomes(calls), ['RPCH_CONTEXT_REFUSED', 'RPCH_CONTEXT_REFUSED', { out_data: 2 }]);
  assert.equal(lines.length, 2);
});

test('closing ends the calls, and a connection that is being opened', async (t) => {
  const { server, pool, lines, echo } = await scene(t);
  const early = echo.addOne({ in_data: 1 });
  pool.close();
  await assert.rejects(early, { code: 'RPCH_CLIENT_CLOSED', fault: 'caller' });
  assert.equal(lines[0]?.connection?.association.bound, false);
  await assert.rejects(echo.addOne({ in_data: 1 }), { code: 'RPCH_CLIENT_CLOSED' });
  await assert.rejects(pool.bind(echoDeclaration), { code: 'RPCH_CLIENT_CLOSED' });

  const other = poolTo(t, server.port);
  const sleeping = clientOf(other.pool, echoDeclaration).testSleep({ seconds: 1 });
  await server.asleep(1);
  other.pool.close();
  await assert.rejects(sleeping, { code: 'RPCH_ASSOCIATION_CLOSED', fault: 'caller', mayHaveExecuted: true });
});

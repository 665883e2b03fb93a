import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RawConnection } from '../../src/raw-connection.ts';
import { ScriptedClient } from '../../src/scripted-client.ts';
import { GOOD, Scene, takeResponse } from './scene.ts';

const LATE = 1000;

test('over TLS: a session, and nothing is left of it', async () => {
  await using scene = await Scene.open({ flags: { listen: ['https://127.0.0.1:0'] } });
  const options = { port: scene.live.port, tls: true, server: scene.target, authorization: GOOD };
  const client = await ScriptedClient.open(options);
  const stub = Buffer.alloc(50_000, 'x');
  assert.deepEqual(await client.call(stub), stub);
  assert.deepEqual(scene.live.proxy.load, { connections: 2, sessions: 1 });
  client.cut('FIN');
  await scene.live.empty();
});

test('TLS that does not begin, or begins and stops, ends after headTimeout', async () => {
  await using scene = await Scene.open({ flags: { listen: ['https://127.0.0.1:0'] } });
  const at = performance.now();
  const silent = await scene.connect();
  const halfHello = await scene.connect();
  halfHello.send(Buffer.from('160301020001', 'hex'));
  const plain = await scene.connect();
  plain.send('GET / HTTP/1.1\r\n\r\n');
  await plain.ended;
  assert.ok(performance.now() - at < LATE, 'what is no TLS ends at once');
  for (const connection of [silent, halfHello]) {
    const took = (await connection.ended).at - at;
    assert.ok(took > 900 && took < 1000 + LATE, `${took} ms`);
  }
  await scene.live.empty();
});

test('a connection that sends nothing, or half a head, ends after headTimeout', async () => {
  await using scene = await Scene.open();
  const at = performance.now();
  const silent = await scene.connect();
  const first = await scene.connect();
  first.send('RPC');
  const half = await scene.connect();
  half.send('RPC_IN_DATA /rpc/rpcproxy.dll HTTP/1.1\r\nHost:');
  for (const connection of [silent, first, half]) {
    const took = (await connection.ended).at - at;
    assert.ok(took > 900 && took < 1000 + LATE, `${took} ms`);
  }
});

test('a second request has no more time for its head than the first', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  await takeResponse(connection);
  const at = performance.now();
  connection.send('RPC_IN_DATA');
  const took = (await connection.ended).at - at;
  assert.ok(took > 900 && took < 1000 + LATE, `${took} ms`);
});

test('an idle connection between two requests ends after keepAliveTimeout', async () => {
  await using scene = await Scene.open({ limits: { keepAliveTimeout: 1 } });
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  await takeResponse(connection);
  const at = performance.now();
  const took = (await connection.ended).at - at;
  assert.ok(took > 900 && took < 1000 + LATE, `${took} ms`);
});

test('connections of one address are limited; other addresses do not notice', async () => {
  await using scene = await Scene.open({ limits: { connectionsPerAddress: 3, headTimeout: 10 } });
  const open: RawConnection[] = [];
  for (let i = 0; i < 3; i++) open.push(await scene.connect({ localAddress: '127.0.0.2' }));
  await scene.live.untilLoad({ connections: 3, sessions: 0 });
  const tooMany = await scene.connect({ localAddress: '127.0.0.2' });
  assert.notEqual((await tooMany.ended).how, 'own');
  const line = await scene.live.line('connection.refused');
  assert.deepEqual(
    { address: line.fields.address, why: line.fields.why },
    { address: '127.0.0.2', why: 'too many connections from this address' },
  );
  const other = await scene.connect({ localAddress: '127.0.0.3' });
  other.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  assert.equal((await takeResponse(other)).status, 200);
  assert.ok(open.every(({ over }) => over === undefined));
  for (const connection of [...open, other]) connection.cut('FIN');
});

test('of too many connections that have not logged in, the one that was idle longest goes', async () => {
  const limits = { unauthenticatedPerAddress: 3, headTimeout: 10 };
  await using scene = await Scene.open({ limits });
  const loggedIn = await scene.connect();
  loggedIn.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  assert.equal((await takeResponse(loggedIn)).status, 200);
  const idle: RawConnection[] = [];
  for (let i = 0; i < 5; i++) {
    idle.push(await scene.connect());
    // One after the other, or the order of arrival is not the order of this loop.
    await scene.live.untilLoad({ connections: 1 + Math.min(i + 1, 3), sessions: 0 });
    if (i >= 3) await idle[i - 3]?.ended;
  }
  assert.deepEqual(
    idle.map(({ over }) => over !== undefined),
    [true, true, false, false, false],
  );
  assert.equal(loggedIn.over, undefined, 'who has logged in stays');
  for (const connection of [...idle, loggedIn]) connection.cut('FIN');
});

test('a client that sends thousands of requests at once keeps nobody waiting', async () => {
  await using scene = await Scene.open();
  const requests = 60_000;
  const greedy = await scene.connect();
  const answer = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n';
  greedy.send('RPC_ / HTTP/1.1\r\n\r\n'.repeat(requests));
  await greedy.take(answer.length);
  const other = await scene.connect();
  other.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
  assert.equal((await takeResponse(other)).status, 200);
  assert.ok(greedy.received.length < (requests / 2) * answer.length, 'half of the requests were served first');
  for (const connection of [greedy, other]) connection.cut('FIN');
});

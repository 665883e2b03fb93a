import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type HttpClientOptions, openOverHttp } from '../../src/net/http-client.ts';
import { TICK } from '../../src/rpch/role.ts';
import { rpc } from '../rpch/support.ts';
import { listen, open, Scene } from './client-scene.ts';

const SECOND = 1000;

/** A proxy that answers OUT requests, or IN requests, with what a test says, and says nothing to the others. */
async function answering(t: TestContext, method: 'RPC_IN_DATA' | 'RPC_OUT_DATA', answer: string): Promise<number> {
  return await listen(t, (socket) => {
    socket.once('data', (bytes) => {
      if (bytes.toString('latin1').startsWith(method)) socket.write(answer, 'latin1');
    });
  });
}

function rejected(port: number, options: Partial<HttpClientOptions> = {}) {
  return openOverHttp({
    proxy: { host: '127.0.0.1', port },
    server: { host: 'srv', port: 6001 },
    random: randomBytes,
    onPdus: () => assert.fail('a PDU of a connection that never opened'),
    onClosed: () => assert.fail('a connection that never opened was closed'),
    ...options,
  });
}

test('opening passes the hops in order, and calls go both ways', async (t) => {
  const scene = await Scene.start(t, 1);
  const hops: string[] = [];
  const { client, connection } = await open(t, scene.ports[0] ?? 0, { onHop: (hop) => hops.push(hop) });
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP', 'proxy', 'server']);
  const answered = new Promise<void>((resolve) => {
    client.onReceived = resolve;
  });
  assert.equal(connection.send(rpc(100, { fill: 7 })), true);
  await answered;
  assert.deepEqual(client.received, [rpc(100, { fill: 7 })]);
  assert.equal(connection.unsent, 0);
});

test('what is sent in one turn goes out in one write', async (t) => {
  const scene = await Scene.start(t, 1);
  const { client, connection } = await open(t, scene.ports[0] ?? 0);
  const chunks: number[] = [];
  const socket = scene.requests.find(({ head }) => head.method === 'RPC_IN_DATA')?.socket;
  scene.toRuntime = (_server, _run, count) => {
    chunks.push(count);
    if (chunks.reduce((sum, each) => sum + each) === 10) socket?.emit('test-done');
  };
  assert.ok(socket !== undefined);
  const done = once(socket, 'test-done');
  for (let i = 0; i < 10; i++) connection.send(rpc(30));
  await done;
  assert.deepEqual(chunks, [10]);
  assert.equal(client.closed, undefined);
});

for (const [method, answer, expected] of [
  [
    'RPC_OUT_DATA',
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n',
    { channel: 'OUT', message: 'the proxy answered 401 Unauthorized on the OUT channel', meaning: /password is wrong/ },
  ],
  [
    'RPC_OUT_DATA',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 503 RPC Error: 6ba\r\n\r\n',
    { channel: 'OUT', rpcError: 0x6ba, meaning: /RPC_S_SERVER_UNAVAILABLE/ },
  ],
  [
    'RPC_IN_DATA',
    'HTTP/1.0 503 RPC Error: 5, EEInfo: AAAA\r\n\r\nRPC EEInfo:AAAA\r\n',
    { channel: 'IN', rpcError: 5, meaning: /access denied/ },
  ],
  ['RPC_IN_DATA', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', { channel: 'IN', meaning: /only when it fails/ }],
  ['RPC_IN_DATA', 'HTTP/1.1 413 Too Large\r\n\r\n', { channel: 'IN', meaning: /limits the length of request bodies/ }],
  ['RPC_OUT_DATA', 'HTTP/1.1 299 Odd\r\n\r\n', { channel: 'OUT', meaning: /does not know/ }],
] as const) {
  test(`the answer ${JSON.stringify(answer.slice(0, 40))} to ${method} ends the opening`, async (t) => {
    const hops: string[] = [];
    const opening = rejected(await answering(t, method, answer), { onHop: (hop) => hops.push(hop) });
    await assert.rejects(opening, { code: 'RPCH_HTTP_STATUS', ...expected });
    assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP']);
  });
}

test('an answer that is no HTTP, or has no end, ends the opening', async (t) => {
  const code = 'RPCH_HTTP_HEAD';
  await assert.rejects(rejected(await answering(t, 'RPC_OUT_DATA', 'SSH-2.0-x\r\n\r\n')), { code });
  await assert.rejects(rejected(await answering(t, 'RPC_IN_DATA', 'x'.repeat(20_000))), { code });
});

test('a response in chunks is named as such', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1c\r\n';
  await assert.rejects(rejected(await answering(t, 'RPC_OUT_DATA', answer)), {
    code: 'RPCH_TRANSFER_CODING',
    message: /transfer coding "chunked"/,
  });
});

test('a status line in the middle of the response is told, not its bytes', async (t) => {
  const scene = await Scene.start(t, 1);
  const { client } = await open(t, scene.ports[0] ?? 0);
  const closed = new Promise<never>((_, reject) => {
    client.onClosed = reject;
  });
  const out = scene.requests.find(({ head }) => head.method === 'RPC_OUT_DATA');
  out?.socket.write('HTTP/1.0 503 RPC Error: 6be\r\n\r\n');
  await assert.rejects(closed, { code: 'RPCH_HTTP_STATUS', rpcError: 0x6be, channel: 'OUT' });
});

test('nobody listens', async () => {
  await assert.rejects(rejected(1), { code: 'RPCH_CONNECT', message: 'connect ECONNREFUSED 127.0.0.1:1' });
});

test('a proxy that is slow to speak TLS is not waited for longer than connectTimeout', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const accepted = Promise.withResolvers<void>();
  const port = await listen(t, () => accepted.resolve());
  const hops: string[] = [];
  const opening = rejected(port, { tls: {}, connectTimeout: 5 * SECOND, onHop: (hop) => hops.push(hop) });
  await accepted.promise;
  t.mock.timers.tick(5 * SECOND - 1);
  t.mock.timers.tick(1);
  await assert.rejects(opening, { code: 'RPCH_CONNECT', message: 'no answer within 5 s' });
});

test('a proxy that takes both requests and says nothing is not waited for longer than openTimeout', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  let heads = 0;
  const both = Promise.withResolvers<void>();
  const port = await listen(t, (socket) => {
    socket.once('data', () => {
      if (++heads === 2) both.resolve();
    });
  });
  const opening = rejected(port, { openTimeout: 30 * SECOND });
  await both.promise;
  t.mock.timers.tick(30 * SECOND);
  await assert.rejects(opening, { code: 'RPCH_TIMED_OUT' });
});

test('a signal ends the opening', async (t) => {
  const abort = new AbortController();
  const port = await listen(t, (socket) => socket.once('data', () => abort.abort()));
  await assert.rejects(rejected(port, { signal: abort.signal }), { code: 'RPCH_TIMED_OUT' });
  await assert.rejects(rejected(port, { signal: abort.signal }), { name: 'AbortError' });
});

/** An open connection whose time is the test's, and the proxy's end of both channels. */
async function withClock(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 0;
  const scene = await Scene.start(t, 1);
  scene.endsTogether = false;
  const { client, connection } = await open(t, scene.ports[0] ?? 0, { now: () => now });
  const closed = new Promise<Error>((resolve) => {
    client.onClosed = resolve;
  });
  const socketOf = (method: string): Socket => {
    const found = scene.requests.find(({ head }) => head.method === method);
    assert.ok(found !== undefined);
    return found.socket;
  };
  const pass = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      now += TICK;
      t.mock.timers.tick(TICK);
    }
  };
  return { scene, client, connection, closed, socketOf, pass, port: scene.ports[0] ?? 0 };
}

test('a channel that ends after a long silence: an idle time-out is named, with its bound and our pings', async (t) => {
  const { closed, socketOf, pass, port } = await withClock(t);
  pass(43);
  socketOf('RPC_IN_DATA').resetAndDestroy();
  const error = await closed;
  assert.equal(
    error.message,
    `the IN channel to 127.0.0.1:${port} was reset; nothing sent for 42 s, nothing received for 42 s: probably something ` +
      'between client and proxy (firewall, NAT, load balancer, reverse proxy) ends connections that are idle for less than ' +
      '42 s, while this client pings every 60 s',
  );
});

test("on OUT the silence is the proxy's", async (t) => {
  const { closed, socketOf, pass } = await withClock(t);
  pass(31);
  socketOf('RPC_OUT_DATA').end();
  const error = await closed;
  assert.match(error.message, /^the OUT channel to .* was closed by the other side; nothing sent for 30 s/);
  assert.match(error.message, /idle for less than 30 s, while the proxy may be silent for 120 s$/);
});

test('a channel that ends in the middle of traffic: no such guess', async (t) => {
  const { client, connection, closed, socketOf, pass } = await withClock(t);
  const answered = new Promise<void>((resolve) => {
    client.onReceived = resolve;
  });
  pass(40);
  connection.send(rpc(100));
  await answered;
  socketOf('RPC_OUT_DATA').resetAndDestroy();
  const error = await closed;
  assert.match(error.message, /was reset; nothing sent for \d+ s, nothing received for 0 s$/);
});

test('silence is broken by pings, which are counted', async (t) => {
  const { connection, pass } = await withClock(t);
  pass(60);
  assert.equal(connection.counters.pingsSent, 0);
  pass(2);
  assert.equal(connection.counters.pingsSent, 1);
  pass(60);
  assert.equal(connection.counters.pingsSent, 2);
});

test('who sends faster than the server takes is told to wait, and when to go on', async (t) => {
  const scene = await Scene.start(t, 1);
  const held: (() => void)[] = [];
  scene.toRuntime = (server) => {
    server.runtimeBlocked(true);
    held.push(() => {
      server.runtimeBlocked(false);
      scene.flush();
    });
  };
  const drained = Promise.withResolvers<void>();
  const { connection } = await open(t, scene.ports[0] ?? 0, {
    sendBuffer: 32 * 1024,
    onDrain: () => drained.resolve(),
  });
  let sent = 0;
  while (connection.send(rpc(5840))) sent += 5840;
  // No turn has passed: all of it is still here, and the buffer is full.
  assert.ok(sent <= 32 * 1024 && connection.unsent > 32 * 1024);
  await drained.promise;
  // Both hops' windows full, nothing more is taken; then the server takes what it holds.
  while (connection.send(rpc(5840))) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(connection.unsent > 32 * 1024);
  scene.toRuntime = () => {};
  for (const release of held) release();
  while (connection.unsent > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a caller that does not wait is stopped', async (t) => {
  const scene = await Scene.start(t, 1);
  scene.toRuntime = (server) => server.runtimeBlocked(true);
  const { client, connection } = await open(t, scene.ports[0] ?? 0);
  const run = Buffer.concat(Array.from({ length: 16 }, () => rpc(65_528)));
  assert.throws(
    () => {
      for (let i = 0; i < 17; i++) connection.send(run, 16);
    },
    { code: 'RPCH_SEND_OVERFLOW', fault: 'caller' },
  );
  assert.ok(connection.unsent <= 16 * 1024 * 1024);
  assert.equal(client.closed, undefined);
});

test('while paused the server sends a window, and the rest when the client goes on', async (t) => {
  const scene = await Scene.start(t, 1);
  const total = 40 * 5840;
  scene.toRuntime = (server) => {
    for (let sent = 0; sent < total; sent += 5840) server.fromRuntime(rpc(5840), 1);
  };
  const { client, connection } = await open(t, scene.ports[0] ?? 0);
  const window = Promise.withResolvers<void>();
  const all = Promise.withResolvers<void>();
  client.onReceived = () => {
    if (client.bytes > 65_536 - 5840) window.resolve();
    if (client.bytes === total) all.resolve();
  };
  connection.pause();
  connection.send(rpc(24));
  await window.promise;
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.bytes <= 65_536, `${client.bytes} bytes came in`);
  connection.resume();
  await all.promise;
});

test('a server that sends on beyond all windows is held by TCP while paused', async (t) => {
  const scene = await Scene.start(t, 1);
  const { client, connection } = await open(t, scene.ports[0] ?? 0);
  connection.pause();
  const out = scene.requests.find(({ head }) => head.method === 'RPC_OUT_DATA')?.socket;
  const flood = Buffer.concat(Array.from({ length: 400 }, () => rpc(65_528)));
  out?.write(flood);
  // Windows of two channels, the largest PDU, and what one read brings.
  const most = 2 * 65_536 + 65_536 + 2 * 65_536;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.bytes > 0 && client.bytes <= most, `${client.bytes} bytes came in`);
  connection.resume();
  while (client.bytes <= most && client.closed === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(client.bytes > most, `only ${client.bytes} bytes came in after that`);
});

test('after close nothing is sent and nothing reported', async (t) => {
  const scene = await Scene.start(t, 1);
  const { client, connection } = await open(t, scene.ports[0] ?? 0);
  const sockets = scene.requests.map(({ socket }) => once(socket, 'close'));
  connection.close();
  assert.equal(connection.send(rpc(24)), false);
  connection.pause();
  connection.resume();
  connection.keepAlive(60_000);
  await Promise.all(sockets);
  assert.equal(client.closed, undefined);
  assert.equal(client.bytes, 0);
});

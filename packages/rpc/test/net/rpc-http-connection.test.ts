import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { HttpHead } from '../../src/net/http-head.ts';
import type { Leg } from '../../src/net/leg.ts';
import { type HttpReply, RpcHttpConnection, type RpcHttpLimits } from '../../src/net/rpc-http-connection.ts';
import { serve, type TextClient } from './support.ts';

const LIMITS: RpcHttpLimits = { headBytes: 4096, headTimeout: 30_000, idleTimeout: 120_000 };
const REFUSED: HttpReply = { statusLine: 'HTTP/1.1 401 Unauthorized', fields: [['WWW-Authenticate', 'NTLM']] };

type OnRequest = (connection: RpcHttpConnection, head: HttpHead) => void;

/** A client connected to an RpcHttpConnection whose requests go to `onRequest`; by default they are answered 401. */
async function start(t: TestContext, onRequest: OnRequest = (connection) => connection.reply(REFUSED)) {
  const targets: string[] = [];
  const closed = Promise.withResolvers<string>();
  let closings = 0;
  const accepted = Promise.withResolvers<RpcHttpConnection>();
  const dial = await serve(t, (socket) => {
    const connection = new RpcHttpConnection(socket, Buffer.alloc(0), LIMITS, {
      request: (self, head) => {
        targets.push(head.target);
        onRequest(self, head);
      },
      closed: (_, why) => {
        closings++;
        closed.resolve(why);
      },
    });
    accepted.resolve(connection);
  });
  const client = await dial();
  await accepted.promise;
  return { client, targets, closed: closed.promise, closings: () => closings };
}

function request(target: string, ...fields: readonly string[]): string {
  return [`RPC_IN_DATA ${target} HTTP/1.1`, 'Host: a', ...fields, '', ''].join('\r\n');
}

test('one request after the other on one connection, as NTLM needs it', async (t) => {
  const { client, targets } = await start(t);
  for (const target of ['/1', '/2', '/3']) {
    await client.send(request(target, 'Content-Length: 0'));
    const reply = await client.reply();
    assert.match(
      reply,
      /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n$/,
    );
  }
  assert.deepEqual(targets, ['/1', '/2', '/3']);
});

test('a reply may come later and have a body', async (t) => {
  let pending: RpcHttpConnection | undefined;
  const arrived = Promise.withResolvers<void>();
  const { client } = await start(t, (connection) => {
    pending = connection;
    arrived.resolve();
  });
  await client.send(request('/'));
  await arrived.promise;
  pending?.reply({ statusLine: 'HTTP/1.1 200 Success', body: Buffer.from('twelve bytes') });
  pending?.reply(REFUSED);
  assert.match(await client.until(/bytes$/), /Content-Length: 12\r\nConnection: Keep-Alive\r\n\r\ntwelve bytes$/);
});

test('bodies up to 64 KiB are dropped, wherever they are cut', async (t) => {
  const { client, targets } = await start(t);
  const body = 'x'.repeat(65_536);
  await client.send(request('/1', `Content-Length: ${body.length}`) + body.slice(0, 10));
  await client.reply();
  await client.send(body.slice(10, 40_000));
  await client.send(body.slice(40_000) + request('/2').slice(0, 5));
  await client.send(`${request('/2').slice(5)}${request('/3', 'Content-Length: 2')}ab${request('/4')}`);
  for (let i = 0; i < 3; i++) await client.reply();
  assert.deepEqual(targets, ['/1', '/2', '/3', '/4']);
});

test('a larger body is refused with a close, and the reply can be read all the same', async (t) => {
  const { client, closed } = await start(t);
  const flood = Buffer.alloc(1024 * 1024, 'x');
  await client.send(request('/1', 'Content-Length: 1073741824'));
  client.socket.write(flood);
  assert.match(await client.reply(), /401 Unauthorized.*Connection: close\r\n\r\n$/s);
  client.socket.write(flood);
  assert.equal(await client.rest(), '');
  assert.equal(await closed, 'refused');
});

test('a client of HTTP/1.0 is kept only if it asks for it; Connection: close is obeyed', async (t) => {
  const kept = await start(t);
  await kept.client.send('RPC_IN_DATA /1 HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
  assert.match(await kept.client.reply(), /Connection: Keep-Alive/);
  await kept.client.send('RPC_IN_DATA /2 HTTP/1.0\r\n\r\n');
  assert.match(await kept.client.reply(), /Connection: close/);
  assert.equal(await kept.client.rest(), '');

  const closing = await start(t);
  await closing.client.send(request('/1', 'Connection: close') + request('/2'));
  assert.match(await closing.client.reply(), /Connection: close/);
  assert.equal(await closing.client.rest(), '');
  assert.deepEqual(closing.targets, ['/1']);
});

test('100 Continue: said once, to those who wait for it, and a refusal in its stead keeps the connection', async (t) => {
  const { client, targets } = await start(t, (connection, head) => {
    if (head.target !== '/refused') {
      connection.continue();
      connection.continue();
    }
    connection.reply(REFUSED);
  });
  await client.send(request('/refused', 'Expect: 100-continue', 'Content-Length: 1073741824'));
  assert.match(await client.reply(), /^HTTP\/1\.1 401.*Keep-Alive/s);
  await client.send(request('/small', 'Expect: 100-continue', 'Content-Length: 4'));
  assert.equal(await client.reply(), 'HTTP/1.1 100 Continue\r\n\r\n');
  assert.match(await client.reply(), /^HTTP\/1\.1 401.*Keep-Alive/s);
  await client.send(`body${request('/plain')}`);
  assert.match(await client.reply(), /^HTTP\/1\.1 401/);
  await client.send(
    'RPC_IN_DATA /old HTTP/1.0\r\nExpect: 100-continue\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody',
  );
  assert.match(await client.reply(), /^HTTP\/1\.1 401/);
  await client.send(request('/large', 'Expect: 100-continue', 'Content-Length: 1073741824'));
  assert.equal(await client.reply(), 'HTTP/1.1 100 Continue\r\n\r\n');
  assert.match(await client.reply(), /401.*Connection: close/s);
  assert.deepEqual(targets, ['/refused', '/small', '/plain', '/old', '/large']);
});

test('requests sent while one is handled wait their turn', async (t) => {
  const waiting: RpcHttpConnection[] = [];
  const first = Promise.withResolvers<void>();
  const { client, targets } = await start(t, (connection) => {
    waiting.push(connection);
    first.resolve();
  });
  await client.send(`${request('/1', 'Content-Length: 3')}abc${request('/2')}${request('/3')}`);
  await first.promise;
  for (const target of ['/1', '/2', '/3']) {
    assert.equal(targets.at(-1), target);
    waiting.shift()?.reply(REFUSED);
    await client.reply();
  }
});

test('thousands of small requests in one piece are answered one by one', async (t) => {
  const { client, targets } = await start(t);
  const small = 'RPC_ / HTTP/1.1\r\n\r\n';
  const most = Math.floor(65_536 / small.length);
  await client.send(small.repeat(most));
  for (let i = 0; i < most; i++) await client.reply();
  assert.equal(targets.length, most);
});

test('a client that reads no answers is given up', async (t) => {
  const { client, closed } = await start(t, (connection) =>
    connection.reply({ ...REFUSED, body: Buffer.alloc(16_384) }),
  );
  client.socket.pause();
  const requests = Buffer.from('RPC_ / HTTP/1.1\r\n\r\n'.repeat(3000));
  client.socket.write(requests);
  assert.equal(await closed, 'does not read its answers');
});

const BROKEN: readonly (readonly [what: string, head: string, status: string])[] = [
  ['malformed', 'RPC_IN_DATA\r\n\r\n', '400 Bad Request'],
  ['chunked', request('/', 'Transfer-Encoding: chunked'), '400 Bad Request'],
  ['over-long', request('/', `A: ${'a'.repeat(LIMITS.headBytes)}`), '431 Request Header Fields Too Large'],
  ['endless', 'a'.repeat(2 * LIMITS.headBytes), '431 Request Header Fields Too Large'],
];
for (const [what, bytes, status] of BROKEN) {
  test(`a head that is ${what} is answered ${status.slice(0, 3)} and closed`, async (t) => {
    const { client, targets, closings } = await start(t);
    await client.send(bytes);
    const reply = await client.reply();
    assert.ok(reply.startsWith(`HTTP/1.1 ${status}\r\n`), reply);
    assert.match(reply, /Connection: close/);
    assert.equal(await client.rest(), '');
    assert.deepEqual(targets, []);
    assert.equal(closings(), 1);
  });
}

test('a head may come byte by byte', async (t) => {
  const { client, targets } = await start(t);
  for (const byte of request('/slow', 'Content-Length: 0')) await client.send(byte);
  await client.reply();
  assert.deepEqual(targets, ['/slow']);
});

/** Lets the event loop turn until the server has seen what the client sent. */
async function seen(client: TextClient, connection: () => number, bytes: number): Promise<void> {
  while (connection() < bytes) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(client.ended, undefined);
}

async function timed(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let bytesRead = () => 0;
  const closed: string[] = [];
  const dial = await serve(t, (socket) => {
    bytesRead = () => socket.bytesRead;
    new RpcHttpConnection(socket, Buffer.alloc(0), LIMITS, {
      request: (connection) => connection.reply(REFUSED),
      closed: (_, why) => closed.push(why),
    });
  });
  const client = await dial();
  await client.send('R');
  await seen(client, () => bytesRead(), 1);
  return { client, closed, bytesRead: () => bytesRead() };
}

test('a head that takes too long ends the connection, however it trickles', async (t) => {
  const { client, closed, bytesRead } = await timed(t);
  t.mock.timers.tick(LIMITS.headTimeout - 1);
  await client.send('PC_IN');
  await seen(client, bytesRead, 6);
  assert.deepEqual(closed, []);
  t.mock.timers.tick(1);
  assert.deepEqual(closed, ['no whole request head in time']);
  assert.equal(await client.rest(), '');
});

test('between requests there is the idle time, and for the next head the time for a head', async (t) => {
  const { client, closed, bytesRead } = await timed(t);
  const rest = request('/1').slice(1);
  await client.send(rest);
  await client.reply();
  t.mock.timers.tick(LIMITS.idleTimeout - 1);
  await client.send('RPC_');
  await seen(client, bytesRead, rest.length + 5);
  t.mock.timers.tick(LIMITS.headTimeout - 1);
  assert.deepEqual(closed, []);
  t.mock.timers.tick(1);
  assert.deepEqual(closed, ['no whole request head in time']);
});

test('an idle connection is closed after its time', async (t) => {
  const { client, closed } = await timed(t);
  await client.send(request('/1').slice(1));
  await client.reply();
  t.mock.timers.tick(LIMITS.idleTimeout);
  assert.deepEqual(closed, ['idle between requests']);
});

test('a client that goes away is reported once', async (t) => {
  const { client, closed, closings } = await start(t);
  await client.send(request('/1'));
  await client.reply();
  client.socket.end();
  assert.equal(await closed, 'closed by the client');
  await client.rest();
  assert.equal(closings(), 1);
});

test('a connection becomes a channel with the bytes that came behind the head', async (t) => {
  const chunks: string[] = [];
  const ended = Promise.withResolvers<void>();
  let leg: Leg | undefined;
  const { client, closings } = await start(t, (connection) => {
    leg = connection.accept({
      data: (chunk) => chunks.push(Buffer.from(chunk).toString('latin1')),
      blocked: () => {},
      closed: () => ended.resolve(),
    });
    assert.ok(!connection.active);
    connection.reply(REFUSED);
    connection.end('not any more');
    leg.write(Buffer.from('HTTP/1.1 200 Success\r\n\r\n'));
    leg.flush();
    leg.start();
  });
  await client.send(`${request('/', 'Content-Length: 1000')}first `);
  assert.equal(await client.reply(), 'HTTP/1.1 200 Success\r\n\r\n');
  await client.send('second');
  client.socket.end();
  await ended.promise;
  assert.equal(chunks.join(''), 'first second');
  assert.equal(closings(), 0);
});

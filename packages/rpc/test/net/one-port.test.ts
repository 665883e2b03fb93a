import assert from 'node:assert/strict';
import { createServer as createWebServer } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { adoptWebServer, dispatchByMethod } from '../../src/net/one-port.ts';
import { serve } from './support.ts';

const HEAD_TIMEOUT = 30_000;

/** A port with a web server and an RPC front that says what it saw first. */
async function start(t: TestContext, options: Parameters<typeof createWebServer>[0] = {}) {
  const web = createWebServer(options, (request, response) => {
    response.end(`web ${request.method} ${request.url}`);
  });
  adoptWebServer(web);
  t.after(() => web.close());
  const closed: string[] = [];
  const end = Promise.withResolvers<void>();
  const rpc = (socket: Socket, first: Buffer) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => socket.write(`rpc ${chunk}`));
    socket.write(`first ${first}`);
  };
  const dial = await serve(t, (socket) => {
    dispatchByMethod(socket, web, HEAD_TIMEOUT, rpc, (why) => {
      closed.push(why);
      end.resolve();
    });
  });
  return { dial, closed, end: end.promise };
}

test('methods of RPC go to the RPC front with what was read, others to the web server', async (t) => {
  const { dial, closed } = await start(t);
  const rpc = await dial();
  await rpc.send('RPC_IN_DATA /');
  assert.equal(await rpc.until(/\/$/), 'first RPC_IN_DATA /');
  await rpc.send('more');
  assert.equal(await rpc.until(/more$/), 'rpc more');
  const web = await dial();
  await web.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await web.until(/web GET \/x/);
  await web.send('POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab');
  await web.until(/web POST \/y/);
  assert.deepEqual(closed, []);
});

test('it makes no difference when they come byte by byte', async (t) => {
  const { dial } = await start(t);
  const rpc = await dial();
  for (const byte of 'RPC_') await rpc.send(byte);
  assert.match(await rpc.until(/RPC_$/), /^first RPC_$/);
  for (const line of ['GET /z HTTP/1.1\r\nHost: a\r\n\r\n', 'REPORT /z HTTP/1.1\r\nHost: a\r\n\r\n']) {
    const web = await dial();
    for (const byte of line) await web.send(byte);
    await web.until(/web (?:GET|REPORT) \/z/);
  }
});

test('a method that only begins as those of RPC do is the web server’s, which refuses what it does not know', async (t) => {
  const { dial } = await start(t);
  const web = await dial();
  await web.send('RPCX / HTTP/1.1\r\n\r\n');
  assert.match(await web.rest(), /^HTTP\/1\.1 400/);
});

test('a connection that says nothing is closed after its time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const accepted = Promise.withResolvers<void>();
  const web = createWebServer();
  const closed: string[] = [];
  const dial = await serve(t, (socket) => {
    dispatchByMethod(
      socket,
      web,
      HEAD_TIMEOUT,
      () => assert.fail(),
      (why) => closed.push(why),
    );
    accepted.resolve();
  });
  const client = await dial();
  await accepted.promise;
  t.mock.timers.tick(HEAD_TIMEOUT - 1);
  assert.deepEqual(closed, []);
  t.mock.timers.tick(1);
  assert.deepEqual(closed, ['nothing was sent in time']);
  await client.rest();
});

test('a connection that ends before a request is reported, once', async (t) => {
  const { dial, closed, end } = await start(t);
  const client = await dial();
  await client.send('RPC');
  client.socket.end();
  await end;
  await client.rest();
  assert.deepEqual(closed, ['closed before a request']);
});

test('the web server’s own time for a head holds, though it never listens itself', { timeout: 10_000 }, async (t) => {
  const { dial } = await start(t, { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 });
  const client = await dial();
  await client.send('GET / HTTP/1.1\r\n');
  assert.match(await client.rest(), /^HTTP\/1\.1 408/);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PduType } from '../../src/dcerpc/header.ts';
import { openPdu } from '../../src/dcerpc/pdu.ts';
import { decodeResponse } from '../../src/dcerpc/response.ts';
import type { RpchError } from '../../src/errors.ts';
import { EchoOpnum, echoInterface } from '../../src/interfaces/echo.ts';
import { type HttpV1Options, openOverHttpV1 } from '../../src/net/http-client-v1.ts';
import { listen } from '../../src/net/listening.ts';
import { MixedSession, type MixedSessionEnd, type MixedSessionOptions } from '../../src/net/mixed-session.ts';
import { encodeReply, RpcHttpConnection } from '../../src/net/rpc-http-connection.ts';
import { serveTcp } from '../../src/net/tcp-server.ts';
import { connectRefusal, connectTargetOf } from '../../src/rpch/v1-client.ts';
import { bindPdu, cut, requestRun, sizedBytes, u32 } from '../dcerpc/support.ts';
import { rpc } from '../rpch/support.ts';
import { BANNER, empty, start } from './support.ts';

/** A listener on loopback that hands each connection to `accept`. */
async function listenOn(t: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const listening = await listen(
    { host: '127.0.0.1', port: 0 },
    { maxConnections: 100, log: () => {}, accepted: accept },
  );
  t.after(() => listening.close());
  return listening.port;
}

/** A proxy that serves RPC_CONNECT and nothing else. */
async function startProxy(t: TestContext, options: Partial<MixedSessionOptions> = {}) {
  const ends: MixedSessionEnd[] = [];
  const sessions = new Set<MixedSession>();
  const heads: string[] = [];
  const settings = { banner: true, setupTimeout: 5000, stallTimeout: 5000, ...options };
  const port = await listenOn(t, (socket) => {
    const limits = { headBytes: 16_384, headTimeout: 5000, idleTimeout: 5000 };
    new RpcHttpConnection(socket, Buffer.alloc(0), limits, {
      closed: () => {},
      request: (connection, head) => {
        heads.push(`${head.method} ${head.target}`);
        assert.equal(connectRefusal(head.field), undefined);
        const [host = '', to = ''] = (connectTargetOf(head.target) ?? '').split(':');
        const session: MixedSession = new MixedSession(connection, settings, {
          opened: () => {},
          ended: (end) => {
            ends.push(end);
            sessions.delete(session);
            if (!session.responded) session.refuse(encodeReply({ statusLine: 'HTTP/1.0 503 RPC Error: 6ba' }, true));
          },
        });
        sessions.add(session);
        session.start();
        const server = connect({ host, port: Number(to) });
        server.on('error', () => session.refuse(encodeReply({ statusLine: 'HTTP/1.0 503 RPC Error: 6ba' }, true)));
        server.once('connect', () => {
          server.removeAllListeners('error');
          server.pause();
          session.connected(server);
        });
      },
    });
    socket.resume();
  });
  const ticker = setInterval(() => {
    for (const session of sessions) session.tick(performance.now());
  }, 20);
  t.after(() => {
    clearInterval(ticker);
    for (const session of sessions) session.end();
  });
  return { proxy: { host: '127.0.0.1', port }, ends, heads, sessions };
}

/** Opens a connection and keeps what comes in. */
async function open(t: TestContext, options: Omit<HttpV1Options, 'onPdus' | 'onClosed'>) {
  const pdus: Uint8Array[] = [];
  let wake = (): void => {};
  const { promise: closed, resolve } = Promise.withResolvers<RpchError>();
  const connection = await openOverHttpV1({
    ...options,
    onPdus: (bytes, count) => {
      const whole = cut(bytes);
      assert.equal(whole.length, count);
      pdus.push(...whole);
      wake();
    },
    onClosed: resolve,
  });
  t.after(() => connection.close());
  const pdu = async (): Promise<Uint8Array> => {
    for (;;) {
      const next = pdus.shift();
      if (next !== undefined) return next;
      await new Promise<void>((again) => {
        wake = again;
      });
    }
  };
  const call = async (callId: number, opnum: number, stub: Uint8Array): Promise<Buffer> => {
    connection.send(requestRun(callId, opnum, stub));
    const parts: Uint8Array[] = [];
    for (;;) {
      const response = decodeResponse(openPdu(await pdu()));
      assert.equal(response.callId, callId);
      parts.push(response.stub);
      if ((response.pfcFlags & 2) !== 0) return Buffer.concat(parts);
    }
  };
  const bind = async (): Promise<void> => {
    connection.send(bindPdu());
    assert.equal((await pdu())[2], PduType.bind_ack);
  };
  return { connection, closed, call, bind };
}

const NOTHING = { onPdus: () => {}, onClosed: () => {} };

test('straight to a server’s port', async (t) => {
  const { server } = await start(t);
  const hops: string[] = [];
  const to = { host: '127.0.0.1', port: server.port };
  const { connection, call, bind } = await open(t, { server: to, onHop: (hop) => hops.push(hop) });
  assert.deepEqual(hops, ['DNS', 'TCP', 'server']);
  await bind();
  assert.deepEqual(new Uint8Array(await call(2, EchoOpnum.AddOne, u32(41))), u32(42));
  assert.equal((await call(3, EchoOpnum.SourceData, u32(2_000_000))).length, 2_000_004);
  connection.close();
  connection.send(rpc(50));
  await empty(server);
  assert.equal(server.counts.failed, 0);
});

test('through a mixed proxy, both ways in bulk', async (t) => {
  const { server } = await start(t);
  const { proxy, ends, heads } = await startProxy(t);
  const hops: string[] = [];
  const to = { host: '127.0.0.1', port: server.port };
  const { connection, call, bind } = await open(t, { proxy, server: to, onHop: (hop) => hops.push(hop) });
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP', 'proxy', 'server']);
  assert.deepEqual(heads, [`RPC_CONNECT /rpc/rpcproxy.dll?127.0.0.1:${server.port}`]);
  await bind();
  const data = new Uint8Array(1_000_000).map((_, i) => i * 7);
  assert.deepEqual(new Uint8Array((await call(2, EchoOpnum.EchoData, sizedBytes(data))).subarray(4)), data);
  assert.equal((await call(3, EchoOpnum.SourceData, u32(4_000_000))).length, 4_000_004);
  connection.close();
  await empty(server);
  while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ends, [{ kind: 'client-closed' }]);
});

test('through a mixed proxy to a server on plain TCP', async (t) => {
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [echoInterface] });
  t.after(() => server.close());
  const { proxy } = await startProxy(t, { banner: false });
  const { call, bind } = await open(t, { proxy, server: { host: '127.0.0.1', port: server.port } });
  await bind();
  assert.deepEqual(new Uint8Array(await call(2, EchoOpnum.AddOne, u32(1))), u32(2));
});

test('TLS and credentials are not given up for version 1: nothing is even sent', async (t) => {
  let connections = 0;
  const port = await listenOn(t, () => connections++);
  const to = { host: '127.0.0.1', port };
  for (const asked of [{ tls: {} }, { tls: { insecure: true } }, { authorization: 'Basic YTpi' }]) {
    for (const proxy of [to, undefined]) {
      const options = { server: to, ...(proxy === undefined ? {} : { proxy }), ...asked, ...NOTHING };
      await assert.rejects(openOverHttpV1(options), { code: 'RPCH_V1_REFUSED', fault: 'caller' });
    }
  }
  assert.equal(connections, 0);
});

test('a proxy that refuses is named with its status', async (t) => {
  const { proxy } = await startProxy(t);
  const unused = await listen({ host: '127.0.0.1', port: 0 }, { maxConnections: 1, log: () => {}, accepted: () => {} });
  await unused.close();
  const to = { host: '127.0.0.1', port: unused.port };
  await assert.rejects(openOverHttpV1({ proxy, server: to, ...NOTHING }), {
    code: 'RPCH_HTTP_STATUS',
    rpcError: 0x6ba,
  });
  await assert.rejects(openOverHttpV1({ server: to, ...NOTHING }), { code: 'RPCH_CONNECT', fault: 'network' });
});

test('a server that speaks something else is no ncacn_http server, seen directly and by a proxy', async (t) => {
  const port = await listenOn(t, (socket) => {
    socket.on('error', () => {});
    socket.write('220 mail.example.org ESMTP\r\n');
    socket.resume();
  });
  const { proxy, ends } = await startProxy(t);
  const to = { host: '127.0.0.1', port };
  await assert.rejects(openOverHttpV1({ server: to, ...NOTHING }), { code: 'RPCH_BANNER' });
  await assert.rejects(openOverHttpV1({ proxy, server: to, ...NOTHING }), { code: 'RPCH_HTTP_STATUS' });
  const [end] = ends;
  assert.ok(end?.kind === 'error' && end.error.code === 'RPCH_BANNER');
});

test('a silent server is not waited for for ever', { timeout: 20_000 }, async (t) => {
  const port = await listenOn(t, (socket) => socket.on('error', () => {}).resume());
  const to = { host: '127.0.0.1', port };
  const { proxy, ends } = await startProxy(t, { setupTimeout: 200 });
  await assert.rejects(openOverHttpV1({ server: to, openTimeout: 200, ...NOTHING }), { code: 'RPCH_TIMED_OUT' });
  await assert.rejects(openOverHttpV1({ proxy, server: to, ...NOTHING }), { code: 'RPCH_HTTP_STATUS' });
  assert.deepEqual(ends, [{ kind: 'setup-timeout' }]);
  const signal = AbortSignal.timeout(100);
  await assert.rejects(openOverHttpV1({ server: to, signal, ...NOTHING }), { code: 'RPCH_TIMED_OUT' });
  await assert.rejects(openOverHttpV1({ server: to, signal, ...NOTHING }), { name: 'TimeoutError' });
});

test('the response may come in pieces, after a 100, and with PDUs behind it', async (t) => {
  const stream = Buffer.concat([
    Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'latin1'),
    rpc(60, { ptype: PduType.response }),
  ]);
  for (const at of [1, 10, 24, 25, 26, 40, 44, 45, 60, stream.length]) {
    const port = await listenOn(t, (socket) => {
      socket.setNoDelay(true).on('error', () => {});
      socket.once('data', () => {
        socket.write(stream.subarray(0, at), () => setImmediate(() => socket.write(stream.subarray(at))));
      });
      socket.resume();
    });
    const got = Promise.withResolvers<number>();
    const connection = await openOverHttpV1({
      proxy: { host: '127.0.0.1', port },
      server: { host: 'server', port: 593 },
      onPdus: (bytes) => got.resolve(bytes.length),
      onClosed: got.reject,
    });
    assert.equal(await got.promise, 60);
    connection.close();
  }
});

test('a chunked response is of no use', async (t) => {
  const port = await listenOn(t, (socket) => {
    socket.on('error', () => {});
    socket.resume().once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'));
  });
  const proxy = { host: '127.0.0.1', port };
  await assert.rejects(openOverHttpV1({ proxy, server: { host: 's', port: 1 }, ...NOTHING }), {
    code: 'RPCH_TRANSFER_CODING',
  });
});

test('the end of a side is the end of the other, and what it said last arrives', async (t) => {
  const answer = Buffer.concat([Buffer.from(BANNER), rpc(60_000, { ptype: PduType.response }), rpc(300)]);
  const servers: Socket[] = [];
  const port = await listenOn(t, (socket) => {
    servers.push(socket);
    socket.on('error', () => {});
    socket.end(answer);
  });
  const { proxy, ends } = await startProxy(t);
  let received = 0;
  const lost = Promise.withResolvers<RpchError>();
  await openOverHttpV1({
    proxy,
    server: { host: '127.0.0.1', port },
    onPdus: (bytes) => {
      received += bytes.length;
    },
    onClosed: lost.resolve,
  });
  assert.equal((await lost.promise).code, 'RPCH_CHANNEL_LOST');
  assert.equal(received, 60_300);
  assert.deepEqual(ends, [{ kind: 'server-closed' }]);
});

test('a client that vanishes before the server is there leaves nothing behind', async (t) => {
  const accepted = Promise.withResolvers<Socket>();
  const port = await listenOn(t, (socket) => accepted.resolve(socket.on('error', () => {}).resume()));
  const { proxy, ends, sessions } = await startProxy(t);
  const client = connect(proxy.port, proxy.host);
  client.write(`RPC_CONNECT /?127.0.0.1:${port} HTTP/1.1\r\nPragma: No-cache\r\nUser-Agent: RPC\r\n\r\n`);
  const server = await accepted.promise;
  client.write(rpc(100));
  client.end();
  await once(server, 'close');
  assert.equal(server.bytesRead, 0);
  assert.deepEqual([ends, sessions.size], [[{ kind: 'client-closed' }], 0]);
});

test('a side that takes nothing is held, and then cut off', { timeout: 20_000 }, async (t) => {
  const port = await listenOn(t, (socket) => {
    socket.on('error', () => {});
    socket.write(BANNER);
  });
  const { proxy, ends, sessions } = await startProxy(t, { stallTimeout: 300 });
  const { connection, closed } = await open(t, { proxy, server: { host: '127.0.0.1', port }, sendBuffer: 100_000 });
  const pdu = rpc(60_000);
  let sent = 0;
  while (connection.send(pdu) || sent < 12 * 1024 * 1024) {
    sent += pdu.length;
    await new Promise((resolve) => setImmediate(resolve));
    if (connection.unsent > 8 * 1024 * 1024) break;
  }
  assert.ok(connection.unsent > 100_000, 'the proxy and its kernel took all of it');
  const [session] = sessions;
  assert.ok(session !== undefined && session.bytesIn < sent);
  await closed;
  assert.ok(ends[0]?.kind === 'server-stalled', JSON.stringify(ends));
});

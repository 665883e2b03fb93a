import assert from 'node:assert/strict';
import { test } from 'node:test';
import { echoInterface, openOverHttpV1, RpchError, serveHttp } from '@rpch/rpc/internal';
import { LiveProxy } from '../../src/live-proxy.ts';
import { CALL_HEADER_LENGTH, requestPdu } from '../../src/plain-pdus.ts';
import { RawConnection } from '../../src/raw-connection.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { takeResponse } from './scene.ts';

const ANY_PATH = '/any/path';

function connectRequest(server: string): string {
  return `RPC_CONNECT ${ANY_PATH}?${server} HTTP/1.1\r\nHost: proxy\r\nPragma: No-cache\r\nUser-Agent: RPC\r\n\r\n`;
}

/** Calls through a connection of version 1 and waits for the answer's stub. */
async function call(port: number, server: string, stub: Uint8Array): Promise<Buffer> {
  const answer = Promise.withResolvers<Buffer>();
  const [host = '', serverPort = ''] = server.split(':');
  const connection = await openOverHttpV1({
    proxy: { host: '127.0.0.1', port },
    server: { host, port: Number(serverPort) },
    onPdus: (run) => answer.resolve(Buffer.from(run).subarray(CALL_HEADER_LENGTH)),
    onClosed: (error) => answer.reject(error),
  });
  connection.send(requestPdu(1, stub), 1);
  const response = await answer.promise;
  connection.close();
  return response;
}

test('version 1 is off unless the listener allows it', async () => {
  const live = await LiveProxy.start({ flags: { allow: ['ncacn_ip_tcp:127.0.0.1[1]'] } });
  try {
    const connection = await RawConnection.connect({ port: live.port });
    connection.send(connectRequest('127.0.0.1:1'));
    assert.equal((await takeResponse(connection)).status, 404);
  } finally {
    await live.stop();
  }
});

test('a call by version 1 reaches a plain TCP server, and one that speaks ncacn_http', async () => {
  const plain = await RpcServerStub.listen();
  const native = await serveHttp({ host: '127.0.0.1', port: 0, interfaces: [echoInterface] });
  const live = await LiveProxy.start({
    flags: {
      allow: [`ncacn_ip_tcp:127.0.0.1[${plain.port}]`, `ncacn_http:127.0.0.1[${native.port}]`],
      allowV1: true,
    },
  });
  try {
    const stub = Buffer.from('by one connection');
    assert.deepEqual(await call(live.port, `127.0.0.1:${plain.port}`, stub), stub);
    // No bind went before: the server answers with a fault, whose status follows the header's eight reserved bytes.
    const fault = await call(live.port, `127.0.0.1:${native.port}`, stub);
    assert.ok(fault.length >= 8, 'a fault PDU');
    assert.equal(native.counts.version1, 1);
    const line = await live.line('session.ended', ({ version }) => version === 1);
    assert.equal(line.fields.reason, 'client-closed');
    assert.equal(line.fields.opened, true);
  } finally {
    await live.stop();
    await native.close();
    await plain.close();
  }
});

test('rules that name accounts are not for clients of version 1, and the refusal is the uniform one', async () => {
  const plain = await RpcServerStub.listen();
  const live = await LiveProxy.start({ flags: { allow: [`ncacn_ip_tcp:127.0.0.1[${plain.port}]`], allowV1: true } });
  try {
    for (const target of ['secret.example:135', `127.0.0.1:${plain.port === 1 ? 2 : 1}`]) {
      const begun = performance.now();
      const connection = await RawConnection.connect({ port: live.port });
      connection.send(connectRequest(target));
      const { status, field } = await takeResponse(connection);
      assert.equal(status, 503);
      const [incident] = field('rpch-incident');
      const { fields } = await live.line('channel.refused', (line) => line.incident === incident);
      assert.equal(fields.channel, 'v1');
      const waited = performance.now() - begun;
      assert.ok(waited > 900 && waited < 3000, `answered after ${waited} ms, connectTimeout is 1 s`);
    }
  } finally {
    await live.stop();
    await plain.close();
  }
});

test('a server that sends no banner is refused, and one whose banner is wrong', async () => {
  const silent = await RpcServerStub.listen();
  const live = await LiveProxy.start({ flags: { allow: [`ncacn_http:127.0.0.1[${silent.port}]`], allowV1: true } });
  try {
    const waiting = call(live.port, `127.0.0.1:${silent.port}`, Buffer.from('hello'));
    await assert.rejects(waiting, (error) => error instanceof RpchError && /503/.test(error.message));
    const wrong = call(live.port, `127.0.0.1:${silent.port}`, Buffer.from('hello'));
    (await silent.connection(1)).send(Buffer.from('SSH-2.0-nothing'));
    await assert.rejects(wrong, (error) => error instanceof RpchError && /503/.test(error.message));
    await live.line('channel.refused', ({ why }) => typeof why === 'string' && why.includes('RPCH_BANNER'));
  } finally {
    await live.stop();
    await silent.close();
  }
});

test('when the server goes, the client goes', async () => {
  const plain = await RpcServerStub.listen();
  const live = await LiveProxy.start({ flags: { allow: [`ncacn_ip_tcp:127.0.0.1[${plain.port}]`], allowV1: true } });
  try {
    const client = await RawConnection.connect({ port: live.port });
    client.send(connectRequest(`127.0.0.1:${plain.port}`));
    assert.match(await client.takeHead(), /^HTTP\/1\.1 200 OK\r\n/);
    (await plain.connection()).cut('FIN');
    await client.ended;
    await live.empty();
    assert.equal(live.logged('session.ended')[0]?.fields.reason, 'server-closed');
  } finally {
    await live.stop();
    await plain.close();
  }
});

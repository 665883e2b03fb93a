import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONN_A3, ECHO_PDU, parseRts } from '@rpch/rpc/internal';
import { ScriptedClient } from '../../src/scripted-client.ts';
import { GOOD, Scene, takeResponse, WRONG } from './scene.ts';

test('echo: Content-Length 0 to 16, on either method, with and without a query; the connection can be used again', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  for (const method of ['RPC_IN_DATA', 'RPC_OUT_DATA']) {
    for (const server of ['', scene.target]) {
      for (const contentLength of [0, 4, 16]) {
        connection.send(scene.head(method, { server, contentLength }));
        connection.send(Buffer.alloc(contentLength, 0xf8));
        const echo = await takeResponse(connection);
        assert.equal(echo.status, 200);
        assert.deepEqual(echo.field('content-type'), ['application/rpc']);
        assert.deepEqual(echo.field('connection'), ['Keep-Alive']);
        assert.deepEqual(echo.body, Buffer.from(ECHO_PDU.encode({})));
      }
    }
  }
  assert.equal(scene.server.connections.length, 0);
  connection.cut('FIN');
});

test('Content-Length 17 is no echo: without a query it is a bad request', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { server: '', contentLength: 17 }));
  assert.equal((await takeResponse(connection)).status, 400);
  assert.equal((await connection.ended).how, 'FIN');
});

test('Expect: 100-continue is answered once the client may send, and not before', async () => {
  await using scene = await Scene.open();
  const fields = ['Expect: 100-continue'];
  const refused = await scene.connect();
  refused.send(scene.head('RPC_IN_DATA', { authorization: WRONG, fields }));
  assert.equal((await takeResponse(refused)).status, 401);
  assert.equal(refused.received.length, 0);
  refused.send(scene.head('RPC_OUT_DATA', { fields }));
  assert.equal((await takeResponse(refused)).status, 100);
  const script = new ScriptedClient({ port: scene.live.port, server: scene.target });
  refused.send(script.connA1());
  script.adopt('out', refused);
  const inChannel = await scene.connect();
  inChannel.send(scene.head('RPC_IN_DATA', { fields }));
  assert.equal((await takeResponse(inChannel)).status, 100);
  inChannel.send(script.connB1());
  script.adopt('in', inChannel);
  await script.opened();
  await script.call();
  script.cut('FIN');
});

test('several Pragma lines: MinConnTimeout is found among them and announced in CONN/A3', async () => {
  await using scene = await Scene.open();
  const announced = async (...fields: string[]): Promise<number> => {
    const script = new ScriptedClient({ port: scene.live.port, server: scene.target, authorization: GOOD, fields });
    await script.openOut();
    await script.out.takeHead();
    const a3 = CONN_A3.decode(parseRts(await script.out.take(28)));
    script.cut('FIN');
    return a3.connectionTimeout;
  };
  const others = ['Pragma: SessionId=fbd9c34f-397d-471d-a109-1b08cc554624', 'Pragma: ResourceTypeUuid=44e265dd'];
  assert.equal(await announced(), 120_000);
  assert.equal(await announced(...others, 'Pragma: MinConnTimeout=600'), 600_000);
  assert.equal(await announced('Pragma: MinConnTimeout=14400', ...others), 14_400_000);
  assert.equal(await announced('pragma: no-cache, minconntimeout=300'), 300_000);
  for (const bad of ['119', '14401', '-600', '600s', '99999999999', '']) {
    assert.equal(await announced(`Pragma: MinConnTimeout=${bad}`), 120_000, bad);
  }
});

test('the path in any case, for clients with certificates, and in absolute form; no other path', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  const status = async (path: string): Promise<number> => {
    connection.send(scene.head('RPC_OUT_DATA', { path, contentLength: 0 }));
    return (await takeResponse(connection)).status;
  };
  for (const path of [
    '/rpc/rpcproxy.dll',
    '/RPC/RpcProxy.DLL',
    '/rpcwithcert/rpcproxy.dll',
    '/RpcWithCert/RPCPROXY.dll',
    'http://proxy.example/rpc/rpcproxy.dll',
    'HTTPS://proxy.example:443/Rpc/RpcProxy.dll',
  ]) {
    assert.equal(await status(path), 200, path);
  }
  for (const path of [
    '/',
    '*',
    '/rpc/',
    '/rpc/rpcproxy.dll/',
    '/rpc//rpcproxy.dll',
    '/rpc/../rpc/rpcproxy.dll',
    '/rpc/rpcproxy%2edll',
    '/x/rpc/rpcproxy.dll',
    'ftp://proxy.example/rpc/rpcproxy.dll',
  ]) {
    assert.equal(await status(path), 404, path);
  }
  connection.cut('FIN');
});

test('methods: GET and HEAD draw an empty 200 once authenticated, others 405, other paths 404', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  const ask = async (method: string, options: Parameters<Scene['head']>[1] = {}) => {
    connection.send(scene.head(method, { contentLength: 0, server: '', ...options }));
    return takeResponse(connection);
  };
  const anonymous = await ask('GET', { authorization: undefined });
  assert.equal(anonymous.status, 401);
  assert.deepEqual(anonymous.field('www-authenticate'), ['Basic realm="rpch", charset="UTF-8"', 'NTLM']);
  for (const method of ['GET', 'HEAD']) {
    const answer = await ask(method);
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
    assert.deepEqual(answer.field('content-length'), ['0']);
  }
  assert.equal((await ask('POST')).status, 405);
  assert.equal((await ask('GET', { path: '/' })).status, 404);
  connection.cut('FIN');
  const other = await scene.connect();
  other.send(scene.head('RPC_CONNECT', { contentLength: 0 }));
  const v1 = await takeResponse(other);
  assert.equal(v1.status, 405);
  assert.deepEqual(v1.field('allow'), ['GET, HEAD, RPC_IN_DATA, RPC_OUT_DATA']);
  other.cut('FIN');
});

test('either channel may come first, over HTTP/1.0 and 1.1, in pieces of any size', async () => {
  await using scene = await Scene.open();
  for (const version of ['1.0', '1.1'] as const) {
    for (const first of ['in', 'out'] as const) {
      const options = { port: scene.live.port, server: scene.target, authorization: GOOD, version };
      const client = await ScriptedClient.open(options, first);
      assert.equal((await client.call(Buffer.from(version))).toString(), version);
      client.cut('FIN');
    }
  }
  const script = new ScriptedClient({ port: scene.live.port, server: scene.target, authorization: GOOD });
  for (const channel of ['out', 'in'] as const) {
    const connection = await scene.connect();
    const bytes = channel === 'out' ? script.outBytes() : script.inBytes();
    await connection.sendInPieces(Array.from(bytes, (byte) => Uint8Array.of(byte)));
    script.adopt(channel, connection);
  }
  await script.opened();
  await script.call();
  script.cut('FIN');
});

test('methods that strangers make up do not grow the counters', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  for (let i = 0; i < 26; i++) {
    connection.send(scene.head(`RPC_${String.fromCharCode(65 + i)}`, { contentLength: 0 }));
    assert.equal((await takeResponse(connection)).status, 405);
  }
  const counted = Object.entries(scene.live.proxy.counters.snapshot()).filter(([name]) => name.startsWith('requests'));
  assert.deepEqual(counted, [['requests{reason="other"}', 26]]);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EchoOpnum } from '../../src/interfaces/echo.ts';
import { AllowedPeers, LOOPBACK } from '../../src/net/allowed-peers.ts';
import { u32 } from '../dcerpc/support.ts';
import { bind, call, empty, openSession, Peer, start } from './support.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'rpch-endpoint-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a Unix socket is its owner’s, serves like a port, and is gone afterwards', async (t) => {
  const path = join(folder(t), 'rpc.sock');
  const { server } = await start(t, { path } as { path: string });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(server.port, 0);
  const session = await openSession(() => Peer.dial(t, { path }));
  await bind(session);
  assert.deepEqual(new Uint8Array(await call(session, 2, EchoOpnum.AddOne, u32(1))), u32(2));
  session.in.socket.end();
  await session.out.closed();
  await empty(server);
  await server.close();
  assert.throws(() => statSync(path), { code: 'ENOENT' });
});

test('its mode may be another', async (t) => {
  const path = join(folder(t), 'rpc.sock');
  await start(t, { path, mode: 0o660 } as { path: string });
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

test('a socket file without a server is replaced; a server and any other file are not', async (t) => {
  const path = join(folder(t), 'rpc.sock');
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  assert.equal(spawnSync(process.execPath, ['-e', program]).signal, 'SIGKILL');
  assert.ok(statSync(path).isSocket());
  await start(t, { path } as { path: string });
  await assert.rejects(start(t, { path } as { path: string }), { code: 'RPCH_LISTEN_FAILED', fault: 'configuration' });
  const file = join(folder(t), 'file');
  writeFileSync(file, 'precious');
  await assert.rejects(start(t, { path: file } as { path: string }), { code: 'RPCH_LISTEN_FAILED' });
  assert.equal(statSync(file).size, 8);
});

test('a port that is taken is an error', async (t) => {
  const { server } = await start(t);
  await assert.rejects(start(t, { port: server.port }), { code: 'RPCH_LISTEN_FAILED', fault: 'configuration' });
});

test('proxies are listed by address and by network', () => {
  const peers = new AllowedPeers(['10.1.2.3', '192.168.0.0/16', 'fd00:1::/32', '::ffff:172.16.0.1']);
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '192.168.77.1', 'fd00:1:2::3', 'fd00:1::1%eth0']) {
    assert.ok(peers.has(address), address);
  }
  for (const address of ['10.1.2.4', '192.169.0.1', 'fd00:2::1', '', 'localhost', '::1', '127.0.0.1']) {
    assert.ok(!peers.has(address), address);
  }
  const loopback = new AllowedPeers(LOOPBACK);
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
    assert.ok(loopback.has(address), address);
  for (const address of ['128.0.0.1', '10.0.0.1', 'fe80::1', '::']) assert.ok(!loopback.has(address), address);
});

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { ClientScene } from './scene.ts';

test("the client's certificate is shown where one is given, at the path for it ([MS-RPCH] 2.2.2)", async (t) => {
  await using scene = await ClientScene.open('https');
  const folder = join(scene.live.settings.dataDir, 'tls');
  const [cert, key] = ['cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name), 'utf8'));
  assert.ok(cert !== undefined && key !== undefined);
  const seen: (string | undefined)[] = [];
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (socket: TLSSocket) => {
    socket.on('error', () => {});
    socket.once('data', (bytes: Buffer) => {
      seen.push(socket.getPeerX509Certificate()?.fingerprint256, bytes.toString('latin1').split('?')[0]?.split(' ')[1]);
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const proxy = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const tls = { ca: cert, certificate: { cert, key } };
  await assert.rejects(scene.session({ proxy, tls }), { code: 'RPCH_HTTP_STATUS' });
  assert.deepEqual(seen.slice(0, 2), [new X509Certificate(cert).fingerprint256, '/rpcwithcert/rpcproxy.dll']);
});

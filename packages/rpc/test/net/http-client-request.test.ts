import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tlsSetting } from '../../src/net/dial-proxy.ts';
import { channelRequestHead, connectHead } from '../../src/net/http-client-request.ts';

const SERVER = { host: 'srv', port: 6001 };
const REQUEST = { kind: 'OUT', contentLength: 76, authorization: 'Basic x', proxyAuthorization: undefined } as const;

test('a request straight to the proxy, byte by byte', () => {
  const head = channelRequestHead(REQUEST, { host: '::1', port: 443 }, { server: SERVER });
  assert.equal(
    Buffer.from(head).toString(),
    [
      'RPC_OUT_DATA /rpc/rpcproxy.dll?srv:6001 HTTP/1.1',
      'Accept: application/rpc',
      'Cache-Control: no-cache',
      'Connection: Keep-Alive',
      'Content-Length: 76',
      'Host: [::1]',
      'Pragma: No-cache',
      'User-Agent: MSRPC',
      'Authorization: Basic x',
      '',
      '',
    ].join('\r\n'),
  );
});

test('the path for client certificates ([MS-RPCH] 2.2.2)', () => {
  const options = { server: SERVER, tls: { certificate: { cert: '', key: '' } } };
  const head = Buffer.from(channelRequestHead(REQUEST, { host: 'p', port: 443 }, options)).toString();
  assert.match(head, /^RPC_OUT_DATA \/rpcwithcert\/rpcproxy\.dll\?srv:6001 /);
});

test('a zone stays on this machine', () => {
  const head = Buffer.from(connectHead({ host: 'fe80::1%eth0', port: 443 }, 'Basic y')).toString();
  assert.match(head, /^CONNECT \[fe80::1\]:443 HTTP\/1\.1\r\nHost: \[fe80::1\]:443\r\n/);
  assert.match(head, /\r\nProxy-Authorization: Basic y\r\n\r\n$/);
});

test('certificates that are none are named', () => {
  const code = 'RPCH_TLS';
  const ca = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
  assert.throws(() => tlsSetting({ ca }), { code, message: /certificate authority cannot be used/ });
  const certificate = { cert: 'x', key: 'y' };
  assert.throws(() => tlsSetting({ certificate }), { code, message: /client's certificate cannot be used/ });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBinding } from '../../src/dcerpc/binding.ts';
import { AuthLevel, AuthType } from '../../src/dcerpc/security-context.ts';

const UUID = 'A4F1DB00-CA47-1067-B31F-00DD010662DA';
const FLAGS = { ndr64: false, bigEndian: false };

/** The decision table of `parseBinding`. */
for (const [options, https, tls, host, port] of [
  ['HttpUseTls=true,RpcProxy=p:8443', undefined, true, 'p', 8443],
  ['HttpUseTls=TRUE,RpcProxy=p:80', undefined, true, 'p', 80],
  ['HttpUseTls=true,RpcProxy=p', undefined, true, 'p', 443],
  ['HttpUseTls=true', undefined, true, 's', 443],
  ['RpcProxy=p:8443', true, true, 'p', 8443],
  ['RpcProxy=p', true, true, 'p', 443],
  ['HttpUseTls=false,RpcProxy=p:443', undefined, false, 'p', 443],
  ['HttpUseTls=False,RpcProxy=p', undefined, false, 'p', 80],
  ['HttpUseTls=false', undefined, false, 's', 80],
  ['RpcProxy=p:443', undefined, true, 'p', 443],
  ['RpcProxy=p:80', undefined, false, 'p', 80],
  ['RpcProxy=127.0.0.1:8080', false, false, '127.0.0.1', 8080],
  ['RpcProxy=p', undefined, true, 'p', 443],
  ['RpcProxy=[::1]', undefined, true, '::1', 443],
  ['RpcProxy=[fe80::1%eth0]:8080', undefined, false, 'fe80::1%eth0', 8080],
  ['', undefined, true, 's', 443],
] as const) {
  test(`TLS and the port of the RPC Proxy: [6001,${options}]${https ? ' and https' : ''}`, () => {
    const binding = parseBinding(`ncacn_http:s[6001${options && ','}${options}]`, https === undefined ? {} : { https });
    assert.deepEqual(binding, {
      protocol: 'ncacn_http',
      networkAddress: 's',
      endpoint: 6001,
      rpcProxy: { host, port },
      tls,
      useHttpProxy: false,
      ...FLAGS,
    });
  });
}

test('everything at once', () => {
  const text =
    `${UUID}@NCACN_HTTP:srv[ rpcproxy=p:8443 , HTTPPROXY=cache:3128,HttpConnectionOption=usehttpproxy,HttpUseTls=true,` +
    'httpauthoption=NTLM,Seal,sign,KRB5,NDR64,BigEndian,target_hostname=full.name,target_principal=host/x,localaddress=10.0.0.1,6001]';
  assert.deepEqual(parseBinding(text), {
    protocol: 'ncacn_http',
    object: UUID.toLowerCase(),
    networkAddress: 'srv',
    endpoint: 6001,
    rpcProxy: { host: 'p', port: 8443 },
    tls: true,
    httpProxy: { host: 'cache', port: 3128 },
    useHttpProxy: true,
    httpAuth: 'ntlm',
    level: AuthLevel.privacy,
    rpcAuth: AuthType.kerberos,
    ndr64: true,
    bigEndian: true,
    targetHostname: 'full.name',
    targetPrincipal: 'host/x',
    localAddress: '10.0.0.1',
  });
});

test('TCP: no endpoint is the endpoint mapper, no address is this host, a flag may stand first', () => {
  const expected = { protocol: 'ncacn_ip_tcp', networkAddress: 'localhost', ...FLAGS };
  assert.deepEqual(parseBinding('ncacn_ip_tcp:'), expected);
  assert.deepEqual(parseBinding('ncacn_ip_tcp:[Connect]'), { ...expected, level: AuthLevel.connect });
  assert.deepEqual(parseBinding('ncacn_ip_tcp:\\[::1\\][135,packet,spnego]'), {
    ...expected,
    networkAddress: '::1',
    endpoint: 135,
    level: AuthLevel.packet,
    rpcAuth: AuthType.spnego,
  });
});

test('the default port of the HTTP proxy goes by TLS', () => {
  const port = (options: string) => {
    const binding = parseBinding(`ncacn_http:s[6001,HttpProxy=cache,${options}]`);
    return binding.protocol === 'ncacn_http' ? binding.httpProxy : undefined;
  };
  assert.deepEqual(port('RpcProxy=p'), { host: 'cache', port: 443 });
  assert.deepEqual(port('RpcProxy=p:80'), { host: 'cache', port: 80 });
});

for (const [text, why] of [
  ['ncacn_np:s', /ncacn_http or ncacn_ip_tcp, found "ncacn_np"/],
  ['x@ncacn_http:s[6001]', /object is to be a UUID/],
  ['ncacn_http:a b[6001]', /cannot be a server's name/],
  ['ncacn_http:a/b[6001]', /cannot be a server's name/],
  ['ncacn_http:s[6001x]', /a port is expected as endpoint, found "6001x"/],
  ['ncacn_http:s[0]', /a port is expected/],
  ['ncacn_http:s[endpoint=65536]', /a port is expected/],
  [
    'ncacn_http:s[6001,RcpProxy=p]',
    /option "rcpproxy" is not known; known are endpoint, RpcProxy, HttpProxy, .*seal.*localaddress/,
  ],
  ['ncacn_http:s[6001,RpcProxy]', /option RpcProxy takes host or host:port.*found ""/],
  ['ncacn_http:s[6001,RpcProxy=10.1.2\x03:80]', /option RpcProxy takes host or host:port/],
  ['ncacn_http:s[6001,RpcProxy=p:0]', /RpcProxy takes/],
  ['ncacn_http:s[6001,RpcProxy=p:65536]', /RpcProxy takes/],
  ['ncacn_http:s[6001,RpcProxy=http://p]', /RpcProxy takes/],
  ['ncacn_http:s[6001,RpcProxy=::1]', /RpcProxy takes/],
  ['ncacn_http:s[6001,HttpConnectOption=No]', /HttpConnectOption takes UseHttpProxy, found "No"/],
  ['ncacn_http:s[6001,HttpUseTls=yes]', /HttpUseTls takes true or false/],
  ['ncacn_http:s[6001,HttpAuthOption=digest]', /HttpAuthOption takes basic, ntlm or negotiate/],
  ['ncacn_http:s[6001,seal=true]', /seal takes no value/],
  ['ncacn_http:s[6001,ntlm,krb5]', /takes only one of/],
  ['ncacn_http:s[seal,seal]', /seal stands twice/],
  ['ncacn_ip_tcp:s[135,RpcProxy=p]', /RpcProxy belongs to ncacn_http/],
] as const) {
  test(`refused: ${text}`, () => {
    assert.throws(() => parseBinding(text), { code: 'RPCH_STRING_BINDING', fault: 'caller', message: why });
  });
}

test('HttpUseTls=false beside https is a contradiction', () => {
  assert.throws(() => parseBinding('ncacn_http:s[6001,HttpUseTls=false]', { https: true }), /https was asked for/);
});

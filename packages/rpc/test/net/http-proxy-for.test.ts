import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpProxyFor } from '../../src/net/http-proxy-for.ts';

const HTTPS = 'https://rpc.example.org/';
const HTTP = 'http://rpc.example.org:8080/';
const AT = (host: string, port = 80) => ({ host, port });

test('the variable of the scheme, then that of all; lower case first', () => {
  const env = { http_proxy: 'a:1', HTTPS_PROXY: 'http://b:2/', https_proxy: 'c:3', ALL_PROXY: 'd' };
  assert.deepEqual(httpProxyFor(HTTP, env), AT('a', 1));
  assert.deepEqual(httpProxyFor(HTTPS, env), AT('c', 3));
  assert.deepEqual(httpProxyFor(HTTPS, { HTTPS_PROXY: 'http://b:2/' }), AT('b', 2));
  assert.deepEqual(httpProxyFor(HTTPS, { HTTP_PROXY: 'x', all_proxy: '[::1]:3128' }), AT('::1', 3128));
  assert.deepEqual(httpProxyFor(HTTP, { HTTP_PROXY: 'x' }), AT('x'));
  assert.equal(httpProxyFor(HTTP, {}), undefined);
  assert.equal(httpProxyFor(HTTP, { http_proxy: '', ALL_PROXY: 'd' }), undefined, 'an empty one says: none');
});

test('in a CGI program HTTP_PROXY is what its caller sent', () => {
  assert.equal(httpProxyFor(HTTP, { HTTP_PROXY: 'x', REQUEST_METHOD: 'GET' }), undefined);
  assert.deepEqual(httpProxyFor(HTTP, { http_proxy: 'x', REQUEST_METHOD: 'GET' }), AT('x'));
});

test('credentials of the environment are sent as Basic', () => {
  assert.deepEqual(httpProxyFor(HTTPS, { https_proxy: 'http://us%40er:p%3Aw@b:2' }), {
    host: 'b',
    port: 2,
    credentials: { scheme: 'basic', basic: { user: 'us@er', password: 'p:w' }, allowInsecureBasic: true },
  });
});

for (const [value, why] of [
  ['socks5://x:1', /kind socks5:/],
  ['https://x:1', /kind https:/],
  ['http://', /malformed/],
  ['http://u%zz:secret@x', /user or password that is malformed/],
] as const) {
  test(`no HTTP proxy: ${value}`, () => {
    const expected = { code: 'RPCH_HTTP_PROXY', fault: 'configuration', message: why };
    assert.throws(() => httpProxyFor(HTTPS, { https_proxy: value }), expected);
  });
}

for (const [list, url, excepted] of [
  ['*', HTTPS, true],
  ['x,*', HTTPS, false],
  ['example.org', HTTPS, true],
  ['.Example.ORG', HTTPS, true],
  ['example.org.', HTTPS, true],
  ['a , rpc.example.org', HTTPS, true],
  ['a rpc.example.org', HTTPS, true],
  ['ample.org', HTTPS, false],
  ['x.rpc.example.org', HTTPS, false],
  ['.', HTTPS, false],
  ['example.org:443', HTTPS, true],
  ['example.org:8080', HTTP, true],
  ['example.org:80', HTTP, false],
  ['10.0.0.0/8', 'https://10.1.2.3/', true],
  ['10.0.0.0/8', 'https://11.1.2.3/', false],
  ['10.0.0.0/33', 'https://10.1.2.3/', false],
  ['10.0.0.0/x', 'https://10.1.2.3/', false],
  ['10.1.2.3', 'https://10.1.2.3/', true],
  ['10.1.2.3:443', 'https://10.1.2.3/', true],
  ['10.1.2.3:80', 'https://10.1.2.3/', false],
  ['1.2.3', 'https://10.1.2.3/', false],
  ['fe80::/10', 'https://[fe80::1]/', true],
  ['fe80::/10', 'https://[fd00::1]/', false],
  ['::1', 'https://[::1]/', true],
  ['[::1]:443', 'https://[::1]/', true],
  ['[::1]:80', 'https://[::1]/', false],
  ['0.0.0.0/0', 'https://rpc.example.org/', false],
] as const) {
  test(`no_proxy=${list} ${excepted ? 'excepts' : 'does not except'} ${url}`, () => {
    const env = { all_proxy: 'p:1', NO_PROXY: list };
    assert.deepEqual(httpProxyFor(url, env), excepted ? undefined : AT('p', 1));
  });
}

test('what the binding asks for', () => {
  const env = { all_proxy: 'p:1', no_proxy: 'example.org' };
  const httpProxy = AT('named', 3128);
  assert.deepEqual(httpProxyFor('http://elsewhere/', env, { httpProxy }), httpProxy);
  assert.equal(httpProxyFor(HTTPS, env, { httpProxy }), undefined);
  assert.deepEqual(httpProxyFor(HTTPS, env, { httpProxy, useHttpProxy: true }), httpProxy);
  assert.deepEqual(httpProxyFor(HTTPS, env, { useHttpProxy: true }), AT('p', 1));
  assert.throws(() => httpProxyFor(HTTPS, {}, { useHttpProxy: true }), { code: 'RPCH_HTTP_PROXY', message: /neither/ });
});

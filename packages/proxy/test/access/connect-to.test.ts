import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import {
  endpointKey,
  formatConnectTo,
  MAX_UNIX_PATH,
  parseConnectTo,
  parseHostPort,
} from '../../src/access/connect-to.ts';
import { isNumericHost } from '../../src/access/ip.ts';

/** The sentence that the administrator reads. */
function sentence(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof RpchError, String(error));
    assert.equal(error.code, 'RPCH_BAD_RULE');
    return error.message;
  }
  return assert.fail('was accepted');
}

test('a place is host:port or unix: and a path, and is written as it is read', () => {
  for (const text of ['10.0.0.2:7135', 'dc1.example.org:135', '[::1]:6101', 'unix:/run/rpch/a.sock', 'unix:/ä b']) {
    assert.equal(formatConnectTo(parseConnectTo(text)), text);
  }
  assert.deepEqual(parseConnectTo('[FE80::1]:1'), { host: 'fe80::1', port: 1 });
  assert.deepEqual(parseConnectTo('DC1.:1'), { host: 'dc1', port: 1 });
  assert.deepEqual(parseConnectTo('unix:/run/A.sock'), { path: '/run/A.sock' });
  const longest = `/${'x'.repeat(MAX_UNIX_PATH - 1)}`;
  assert.deepEqual(parseConnectTo(`unix:${longest}`), { path: longest });
});

test('a wrong place is answered with what was expected and what was found', () => {
  const path = 'expected unix: with an absolute path in its shortest form, such as unix:/run/rpch/a.sock, found ';
  const rows: [string, string][] = [
    ['foo', 'expected host:port with a port from 1 to 65535, found "foo"'],
    ['a:0', 'expected host:port with a port from 1 to 65535, found "a:0"'],
    ['::1:1', 'expected host:port, an IPv6 address in brackets, found "::1:1"'],
    ['127.1:1', 'expected an IPv4 address as four decimal numbers or a host name, found "127.1" in "127.1:1"'],
    ['unix:', `${path}"unix:"`],
    ['unix:135', `${path}"unix:135"`],
    ['unix:run/a.sock', `${path}"unix:run/a.sock"`],
    ['unix:/', `${path}"unix:/"`],
    ['unix:/run/', `${path}"unix:/run/"`],
    ['unix:/run//a', `${path}"unix:/run//a"`],
    ['unix:/run/../a', `${path}"unix:/run/../a"`],
    ['unix:/a\0b', `${path}"unix:/a\0b"`],
    ['UNIX:/a', 'expected host:port with a port from 1 to 65535, found "UNIX:/a"'],
  ];
  for (const [text, message] of rows)
    assert.equal(
      sentence(() => parseConnectTo(text)),
      message,
    );
  const long = `unix:/${'ä'.repeat(54)}`;
  assert.equal(
    sentence(() => parseConnectTo(long)),
    `expected a path of at most 107 bytes after unix:, found 109 in "${long}"`,
  );
  assert.match(
    sentence(() => parseHostPort('unix:/a')),
    /^expected host:port with a port/,
  );
});

test('one place has one key, however it is spelt', () => {
  const key = (text: string) => endpointKey(parseConnectTo(text));
  assert.equal(key('[::1]:1'), key('[0:0:0:0:0:0:0:1]:1'));
  assert.equal(key('[2001:DB8::A]:1'), key('[2001:db8:0::000a]:1'));
  assert.equal(key('[::ffff:10.0.0.1]:1'), key('10.0.0.1:1'));
  assert.equal(key('DC1.:1'), key('dc1:1'));
  const keys = ['[::1]:1', '[::1]:2', '[::2]:1', '10.0.0.1:1', 'dc1:1', 'unix:/dc1:1'].map(key);
  assert.equal(new Set(keys).size, keys.length);
});

test('numbers that resolvers take for addresses are told from names and canonical literals', () => {
  for (const host of [
    '2130706433',
    '0x7f.1',
    '127.1',
    '010.0.0.1',
    '1.2.3.04',
    '0X7F000001',
    '0x',
    'a.1',
    '127.1.',
    '256.1.1.1',
  ]) {
    assert.ok(isNumericHost(host), host);
  }
  for (const host of ['127.0.0.1', '::1', 'localhost', 'dc01', 'a1.b2', '1a', 'xn--4ca.test', 'cafe', '0x7g']) {
    assert.ok(!isNumericHost(host), host);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { type Endpoints, parseConnectTo } from '../../src/access/connect-to.ts';
import { parseCidr } from '../../src/access/ip.ts';
import { coversName, coversPort, makeRule, parseMap, parsePattern } from '../../src/access/rule.ts';

/** The sentence that the administrator reads. */
function sentence(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof RpchError, String(error));
    assert.equal(error.code, 'RPCH_BAD_RULE');
    assert.equal(error.fault, 'configuration');
    return error.message;
  }
  return assert.fail('was accepted');
}

test('a pattern names protocol, host and ports', () => {
  assert.deepEqual(parsePattern('ncacn_ip_tcp:127.0.0.1[135,49152-65535]'), {
    protocol: 'ncacn_ip_tcp',
    name: '127.0.0.1',
    wildcard: false,
    ports: [
      { low: 135, high: 135 },
      { low: 49152, high: 65535 },
    ],
  });
  assert.equal(parsePattern('ncacn_ip_tcp:DC01.Peer.Test.[1-65535]').name, 'dc01.peer.test');
  assert.equal(parsePattern('ncacn_ip_tcp:[FE80::1][135]').name, 'fe80::1');
  assert.equal(parsePattern('ncacn_ip_tcp:::1[135]').name, '::1');
  const data = parsePattern('ncacn_http:Data*[4000-8000]');
  assert.deepEqual([data.protocol, data.name, data.wildcard], ['ncacn_http', 'data', true]);
});

test('a wrong pattern is answered with what was expected and what was found', () => {
  const rows: [string, string][] = [
    ['127.0.0.1:135', 'expected a pattern such as ncacn_ip_tcp:127.0.0.1[135,49152-65535], found "127.0.0.1:135"'],
    ['ncacn_ip_tcp:a', 'expected a pattern such as ncacn_ip_tcp:127.0.0.1[135,49152-65535], found "ncacn_ip_tcp:a"'],
    ['ncacn_np:a[1]', 'expected ncacn_ip_tcp: or ncacn_http: before the name, found "ncacn_np:" in "ncacn_np:a[1]"'],
    [
      'ncacn_ip_tcp:a[]',
      'expected a port from 1 to 65535 or a range such as 49152-65535, found "" in "ncacn_ip_tcp:a[]"',
    ],
    [
      'ncacn_ip_tcp:a[0]',
      'expected a port from 1 to 65535 or a range such as 49152-65535, found "0" in "ncacn_ip_tcp:a[0]"',
    ],
    [
      'ncacn_ip_tcp:a[1-65536]',
      'expected a port from 1 to 65535 or a range such as 49152-65535, found "1-65536" in "ncacn_ip_tcp:a[1-65536]"',
    ],
    [
      'ncacn_ip_tcp:a[1, 2]',
      'expected a port from 1 to 65535 or a range such as 49152-65535, found " 2" in "ncacn_ip_tcp:a[1, 2]"',
    ],
    ['ncacn_ip_tcp:a[20-10]', 'expected a range from low to high, found "20-10" in "ncacn_ip_tcp:a[20-10]"'],
    [
      'ncacn_ip_tcp:[1]',
      'expected a host name or an address between the colon and the port list, found "" in "ncacn_ip_tcp:[1]"',
    ],
    [
      'ncacn_ip_tcp:a b[1]',
      'expected a host name or an address between the colon and the port list, found "a b" in "ncacn_ip_tcp:a b[1]"',
    ],
    [
      'ncacn_ip_tcp:a*b[1]',
      'expected a host name or an address between the colon and the port list, found "a*b" in "ncacn_ip_tcp:a*b[1]"',
    ],
    [
      'ncacn_ip_tcp:127.1[1]',
      'expected an IPv4 address as four decimal numbers or a host name, found "127.1" in "ncacn_ip_tcp:127.1[1]"',
    ],
  ];
  for (const [text, message] of rows)
    assert.equal(
      sentence(() => parsePattern(text)),
      message,
    );
  assert.match(
    sentence(() => parsePattern('ncacn_ip_tcp:10.0.*[1]')),
    /limit a range of addresses with addresses:/,
  );
  assert.match(
    sentence(() => parsePattern(`ncacn_ip_tcp:a[${'1,'.repeat(64)}1]`)),
    /at most 64 .* found 65/,
  );
});

/** Endpoints as an administrator writes them. */
function connect(first: string, ...others: string[]): Endpoints {
  return [parseConnectTo(first), ...others.map((other) => parseConnectTo(other))];
}

test('native back ends may be several, and Unix sockets', () => {
  const endpoints = connect('unix:/run/rpch/a.sock', '10.0.0.2:7135', '[::1]:7135');
  const rule = makeRule('ncacn_http:exchange01[593,6001-6002]', { connect: endpoints });
  assert.equal(rule.pattern.protocol, 'ncacn_http');
  assert.equal(rule.connect, endpoints);
  assert.equal(makeRule('ncacn_http:exchange01[593]').connect, undefined);
});

test('where to connect must suit the kind of back end', () => {
  const rows: [string, Endpoints, string][] = [
    ['ncacn_ip_tcp:a[1]', connect('unix:/s'), 'expected host:port in a rule for ncacn_ip_tcp, found unix:/s'],
    [
      'ncacn_ip_tcp:a[1]',
      connect('b:1', 'c:1'),
      'expected one host:port in a rule for ncacn_ip_tcp, found 2: only endpoints that play the server role, of a rule ' +
        'for ncacn_http, may be several',
    ],
    ['ncacn_http:a[1]', connect('b:1', 'B.:1'), 'expected each endpoint once, found b:1 again'],
    [
      'ncacn_http:a[1]',
      connect('[::1]:1', '[0:0:0:0:0:0:0:1]:1'),
      'expected each endpoint once, found [0:0:0:0:0:0:0:1]:1 again',
    ],
    ['ncacn_http:a[1]', connect('unix:/s', 'unix:/s'), 'expected each endpoint once, found unix:/s again'],
    [
      'ncacn_http:a[1]',
      connect('b:65', ...Array.from({ length: 64 }, (_, at) => `b:${at + 1}`)),
      'expected at most 64 endpoints, found 65',
    ],
  ];
  for (const [text, endpoints, message] of rows) {
    assert.equal(
      sentence(() => makeRule(text, { connect: endpoints })),
      message,
    );
  }
  const range = parseCidr('10.0.0.0/8');
  assert.ok(range !== undefined);
  assert.equal(
    sentence(() => makeRule('ncacn_http:a[1]', { addresses: [range], connect: connect('b:1', 'unix:/s') })),
    'expected host:port in a rule with addresses, found unix:/s, which has no address',
  );
});

test('without address limits an asterisk stops at the dot, so that no foreign zone is covered', () => {
  const rule = makeRule('ncacn_ip_tcp:dc*[135]');
  assert.ok(coversName(rule, 'dc') && coversName(rule, 'dc01'));
  for (const name of ['dc.attacker.example', 'dc01.peer.test', 'dc::1', 'xdc', 'd']) assert.ok(!coversName(rule, name));
  const range = parseCidr('10.0.0.0/8');
  assert.ok(range !== undefined);
  const limited = makeRule('ncacn_ip_tcp:dc*[135]', { addresses: [range] });
  assert.ok(coversName(limited, 'dc01.peer.test'));
  assert.match(
    sentence(() => makeRule('ncacn_ip_tcp:*[135]')),
    /expected addresses:/,
  );
  assert.ok(coversName(makeRule('ncacn_ip_tcp:*[135]', { addresses: [range] }), 'anything.example'));
});

test('ports are covered to both ends of a range', () => {
  const rule = makeRule('ncacn_ip_tcp:a[135,6001-6004]');
  const covered = [134, 135, 136, 6000, 6001, 6004, 6005].filter((port) => coversPort(rule, port));
  assert.deepEqual(covered, [135, 6001, 6004]);
});

test('--map allows one name and port and goes elsewhere', () => {
  const rule = parseMap('Exchange01:6001=[::1]:6101');
  assert.deepEqual(rule.pattern, {
    protocol: 'ncacn_ip_tcp',
    name: 'exchange01',
    wildcard: false,
    ports: [{ low: 6001, high: 6001 }],
  });
  assert.deepEqual(rule.connect, [{ host: '::1', port: 6101 }]);
  assert.equal(rule.text, 'Exchange01:6001=[::1]:6101');
  assert.deepEqual(parseMap('[FE80::2]:1=b:2').pattern.name, 'fe80::2');
  assert.equal(parseMap('ncacn_http:1=b:2').pattern.name, 'ncacn_http');
});

test('--map names endpoints of native back ends', () => {
  const text = 'ncacn_http:DC1:135=10.0.0.1:7135,unix:/run/b.sock,[::1]:7135';
  const rule = parseMap(text);
  assert.equal(rule.text, text);
  assert.deepEqual([rule.pattern.protocol, rule.pattern.name], ['ncacn_http', 'dc1']);
  assert.deepEqual(rule.connect, connect('10.0.0.1:7135', 'unix:/run/b.sock', '[::1]:7135'));
  assert.deepEqual(parseMap('ncacn_ip_tcp:[::2]:1=b:2').pattern, parsePattern('ncacn_ip_tcp:[::2][1]'));
});

test('a wrong --map is answered with what was expected and what was found', () => {
  const rows: [string, RegExp][] = [
    ['a:1', /^expected NAME:PORT=HOST:PORT, such as .*, found "a:1"$/],
    ['a:1=b:2=c:3', /^expected NAME:PORT=HOST:PORT/],
    ['a=b:2', /^expected host:port with a port from 1 to 65535, found "a" in "a=b:2"$/],
    ['a:1=b:0', /^expected host:port with a port from 1 to 65535, found "b:0" in "a:1=b:0"$/],
    ['a:1=::1:2', /^expected host:port, an IPv6 address in brackets, found "::1:2" in "a:1=::1:2"$/],
    ['a*:1=b:2', /^expected host:port, an IPv6 address in brackets, found "a\*:1"/],
    ['a:1=0x7f.1:2', /^expected an IPv4 address as four decimal numbers or a host name, found "0x7f.1"/],
    ['=', /^expected NAME:PORT=HOST:PORT/],
    ['=a:1', /^expected host:port with a port .*, found "" in "=a:1"$/],
    ['a:1=b:2,c:3', /^expected one host:port in a rule for ncacn_ip_tcp, found 2/],
    ['a:1=unix:/s', /^expected host:port in a rule for ncacn_ip_tcp, found unix:\/s$/],
    ['ncacn_http:a:1=b:2,', /^expected host:port with a port .*, found "" in/],
    ['ncacn_http:a:1=b:2,b:2', /^expected each endpoint once, found b:2 again$/],
    ['ncacn_http:a:1=unix:s', /^expected unix: with an absolute path/],
    ['ncacn_np:a:1=b:2', /^expected host:port, an IPv6 address in brackets, found "ncacn_np:a:1"/],
  ];
  for (const [text, message] of rows)
    assert.match(
      sentence(() => parseMap(text)),
      message,
    );
});

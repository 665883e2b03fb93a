import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { type ProxyFlags, settingsFromFlags } from '../../src/config/from-flags.ts';
import { parseListener } from '../../src/config/listener.ts';
import { parseSettings } from '../../src/config/load.ts';
import { ConfigError, suggest } from '../../src/config/problem.ts';
import { basicAllowedOn, type Settings, schemesOn } from '../../src/config/settings.ts';

function said(flags: ProxyFlags): readonly string[] {
  try {
    settingsFromFlags(flags);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  }
  return assert.fail('was accepted');
}

test('no flags are the defaults of an empty file', () => {
  assert.deepEqual(settingsFromFlags({}), parseSettings('', resolve('rpch.yaml')));
});

test('flags set what the file sets', () => {
  const settings = settingsFromFlags({
    listen: ['http://127.0.0.1:0', 'https://[::1]:8443'],
    tlsCert: 'c.pem',
    tlsKey: 'k.pem',
    tlsMin: '1.2',
    tlsMax: '1.2',
    allow: ['ncacn_ip_tcp:127.0.0.1[135]'],
    map: ['exchange01:6001=10.0.0.5:6101'],
    validPorts: 'a:6001-6002;b:593',
    allowV1: true,
    endpoint: ['unix:/run/rpch/a.sock=dc1:135', 'localhost:7135=[::1]:135'],
    user: ['Alice:p:w', 'bob:x'],
    auth: 'ntlm, basic',
    allowInsecureBasic: true,
    domain: 'PEER',
    dnsDomain: 'peer.test',
    computer: 'GATE',
    channelBinding: 'off',
    channelLifetime: '131072',
    connectionTimeout: '120',
    data: 'd',
  });
  const expected = parseSettings(
    `
listen: [{ url: "http://127.0.0.1:0", allowV1: true }, "https://[::1]:8443"]
endpoints: [{ listen: "unix:/run/rpch/a.sock", connect: "dc1:135" }, { listen: "127.0.0.1:7135", connect: "[::1]:135" }]
tls: { certFile: c.pem, keyFile: k.pem, min: 1.2, max: 1.2 }
auth: { schemes: [ntlm, basic], allowInsecureBasic: true, domain: PEER, dnsDomain: peer.test, computer: GATE, channelBinding: off }
channelLifetime: 131072
connectionTimeout: 120
dataDir: d
`,
    resolve('rpch.yaml'),
  );
  const users = [
    { name: 'alice', password: 'p:w' },
    { name: 'bob', password: 'x' },
  ];
  const plain = ({ endpoints, ...rest }: Settings) => ({ ...rest, allow: [], endpoints: JSON.stringify(endpoints) });
  assert.deepEqual(plain(settings), plain({ ...expected, auth: { ...expected.auth, users } }));
  assert.deepEqual(
    settings.allow.map(({ text, connect }) => [text, connect]),
    [
      ['ncacn_ip_tcp:127.0.0.1[135]', undefined],
      ['a:6001-6002', undefined],
      ['b:593', undefined],
      ['exchange01:6001=10.0.0.5:6101', [{ host: '10.0.0.5', port: 6101 }]],
    ],
  );
});

test('flags add rules and endpoints to those of a file, and open its http listeners to version 1', () => {
  const text = `
listen: ["http://127.0.0.1:80", "https://127.0.0.1:443", { url: "http://127.0.0.1:81", allowV1: true }]
allow: ["ncacn_ip_tcp:a[1]"]
validPorts: b:2
endpoints: [{ listen: "127.0.0.1:1", connect: "a:1" }]
`;
  const settings = parseSettings(text, 'rpch.yaml', {
    allow: ['ncacn_http:c[3]'],
    validPorts: 'd:4',
    map: ['e:5=f:5'],
    endpoint: ['127.0.0.1:2=b:1'],
    allowV1: true,
  });
  assert.deepEqual(
    settings.allow.map((rule) => rule.text),
    ['ncacn_ip_tcp:a[1]', 'b:2', 'ncacn_http:c[3]', 'd:4', 'e:5=f:5'],
  );
  assert.deepEqual(
    settings.endpoints.map(({ connect }) => connect.host),
    ['a', 'b'],
  );
  assert.deepEqual(
    settings.listen.map(({ allowV1 }) => allowV1),
    [true, false, true],
  );
  const without = parseSettings(text, 'rpch.yaml', { allowV1: false });
  assert.deepEqual(
    without.listen.map(({ allowV1 }) => allowV1),
    [false, false, true],
  );
});

test('the trusted proxies of the flags are those of all listeners', () => {
  const text = `
listen: ["http://127.0.0.1:80", { url: "http://127.0.0.1:81", clientAddress: proxy-protocol, trustedProxies: [10.0.0.5] }]
`;
  const trusted = (flags: ProxyFlags) =>
    parseSettings(text, 'rpch.yaml', flags).listen.map(
      ({ trusted }) => trusted && [trusted.says, ...trusted.peers.map(({ text }) => text)],
    );
  assert.deepEqual(trusted({}), [undefined, ['proxy-protocol', '10.0.0.5']]);
  const flags = { clientAddress: 'x-forwarded-for', trustedProxies: ['10.0.0.6', '10.1.0.0/24'] };
  assert.deepEqual(trusted(flags), Array(2).fill(['x-forwarded-for', '10.0.0.6', '10.1.0.0/24']));
});

test('a wrong flag is named, with what was expected and what was found', () => {
  const rows: [ProxyFlags, string][] = [
    [{ listen: ['foo'] }, '--listen: expected a URL such as http://127.0.0.1:8080 or https://0.0.0.0:443, found "foo"'],
    [{ allow: ['x'] }, '--allow: expected a pattern such as ncacn_ip_tcp:127.0.0.1[135,49152-65535], found "x"'],
    [{ map: ['a=b:1'] }, '--map: expected host:port with a port from 1 to 65535, found "a" in "a=b:1"'],
    [{ user: ['hunter2'] }, '--user: expected NAME:PASSWORD, found no colon'],
    [{ user: ['bob:'] }, '--user: expected NAME:PASSWORD, found that for bob the password is empty'],
    [
      { user: ['PEER\\bob:x'] },
      '--user: account name holds one of " / \\ [ ] : ; | = , + * ? < > @; expected a bare account name without domain',
    ],
    [{ auth: 'basic,kerberos' }, '--auth: expected one of basic, ntlm, found "kerberos"'],
    [{ auth: '' }, '--auth: expected one of basic, ntlm, found ""'],
    [{ tlsMin: '1.1' }, '--tls-min: expected a TLS version, 1.2 or 1.3, found "1.1"'],
    [{ tlsCert: 'c.pem' }, '--tls-cert: expected a private key file with the certificate file, found none'],
    [
      { channelLifetime: '1g' },
      '--channel-lifetime: expected a whole number of bytes from 131072 to 2147483648, found "1g"',
    ],
    [
      { connectionTimeout: '-1' },
      '--connection-timeout: expected a whole number of seconds from 120 to 14400, found "-1"',
    ],
    [{ channelBinding: 'maybe' }, '--channel-binding: expected one of off, when-offered, required, found "maybe"'],
    [{ dnsDomain: '-x' }, '--dns-domain: expected the DNS name of a domain, such as peer.test, found "-x"'],
    [{ data: '' }, '--data: expected the name of a directory, found ""'],
    [
      { validPorts: 'a:593;b:x' },
      '--valid-ports: expected a port from 1 to 65535 or a range such as 49152-65535, found "x" in "b:x"',
    ],
    [{ validPorts: '' }, '--valid-ports: expected entries such as exchange01:593;exchange01:6001-6002, found ""'],
    [
      { listen: ['https://127.0.0.1:443'], allowV1: true },
      '--allow-v1: expected an http listener, found https://127.0.0.1:443: version 1 has no TLS',
    ],
    [
      { clientAddress: 'forwarded', trustedProxies: ['::1'] },
      '--client-address: expected one of proxy-protocol, x-forwarded-for, found "forwarded"',
    ],
    [{ clientAddress: 'proxy-protocol' }, '--client-address: expected --trusted-proxies with it, found none'],
    [{ trustedProxies: ['10.0.0.5'] }, '--trusted-proxies: expected --client-address with it, found none'],
    [
      { clientAddress: 'proxy-protocol', trustedProxies: ['balancer'] },
      '--trusted-proxies: expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "balancer"',
    ],
    [
      { endpoint: ['127.0.0.1:7135'] },
      '--endpoint: expected LISTEN=SERVER:PORT, such as 127.0.0.1:7135=dc1.example.org:135, found "127.0.0.1:7135"',
    ],
    [
      { endpoint: ['10.0.0.1:7135=dc1:135'] },
      '--endpoint: expected from: with the addresses of the proxies, this one included, for 10.0.0.1:7135, found none; write it below endpoints: in the configuration file',
    ],
    [
      { endpoint: ['unix:/a=dc1'] },
      '--endpoint: expected host:port with a port from 1 to 65535, found "dc1" in "unix:/a=dc1"',
    ],
    [
      { endpoint: ['unix:/a=b:1', 'unix:/a=c:1'] },
      '--endpoint: expected each place to listen on once, found unix:/a again',
    ],
    [
      { listen: ['http://0.0.0.0:80'], auth: 'basic' },
      '--listen: expected a scheme that is safe on http://0.0.0.0:80, found only basic: passwords would cross the network readably; use https, add ntlm, or set allowInsecureBasic',
    ],
  ];
  for (const [flags, message] of rows) assert.deepEqual(said(flags), [message]);
  assert.equal(said({ allow: ['x', 'y'], user: ['z'] }).length, 3, 'all at once');
});

test('a listener is an address and a port', () => {
  const rows: [string, boolean, string, number][] = [
    ['http://127.0.0.1:8080', false, '127.0.0.1', 8080],
    ['https://0.0.0.0', true, '0.0.0.0', 443],
    ['http://[::1]', false, '::1', 80],
    ['HTTPS://[FE80::1]:8443/', true, 'fe80::1', 8443],
    ['http://localhost:0', false, '127.0.0.1', 0],
  ];
  for (const [url, tls, host, port] of rows)
    assert.deepEqual(parseListener(url), { url, tls, host, port, allowV1: false });
  const wrong: [string, RegExp][] = [
    ['', /expected a URL/],
    ['ftp://127.0.0.1:1', /expected a URL/],
    ['127.0.0.1:80', /expected a URL/],
    ['http://u:p@127.0.0.1:80', /without path, query and credentials/],
    ['http://127.0.0.1:80/rpc', /without path/],
    ['http://127.0.0.1:80?x', /without path/],
    ['http://*:80', /address to listen on/],
    ['http://0x7f.1:80', /address to listen on/],
    ['http://:80', /address to listen on/],
    ['http://::1:80', /port from 0|address to listen on/],
    ['http://[127.0.0.1]:80', /address to listen on/],
    ['http://127.0.0.1:65536', /port from 0/],
    ['http://127.0.0.1:080', /port from 0/],
    ['http://127.0.0.1:', /port from 0/],
  ];
  for (const [url, message] of wrong) assert.throws(() => parseListener(url), message, url);
});

test('Basic is offered over TLS, on loopback, and where insecurity was asked for', () => {
  const settings = (allowInsecureBasic: boolean): Pick<Settings, 'auth'> => ({
    auth: { schemes: ['basic', 'ntlm'], allowInsecureBasic, channelBinding: 'off', users: [] },
  });
  const rows: [string, boolean][] = [
    ['https://0.0.0.0:443', true],
    ['http://127.0.0.1:80', true],
    ['http://127.9.9.9:80', true],
    ['http://[::1]:80', true],
    ['http://localhost:80', true],
    ['http://0.0.0.0:80', false],
    ['http://[::]:80', false],
    ['http://192.168.0.1:80', false],
    ['http://[::2]:80', false],
  ];
  for (const [url, allowed] of rows) {
    const listener = parseListener(url);
    assert.equal(basicAllowedOn(listener, settings(false)), allowed, url);
    assert.equal(basicAllowedOn(listener, settings(true)), true, url);
    assert.deepEqual(schemesOn(listener, settings(false)), allowed ? ['basic', 'ntlm'] : ['ntlm']);
  }
});

test('a suggestion is near, or none', () => {
  const keys = ['listen', 'connectionTimeout', 'channelLifetime', 'dataDir'];
  assert.equal(suggest('conection_timeout', keys), 'connectionTimeout');
  assert.equal(suggest('Listen', keys), 'listen');
  assert.equal(suggest('datadirectory', keys), undefined);
  assert.equal(suggest('x', keys), undefined);
  assert.equal(suggest('x'.repeat(100_000), keys), undefined);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadSettings, parseSettings } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { FileSchema } from '../../src/config/schema.ts';

const FILE = '/etc/rpch/rpch.yaml';

/** What the administrator reads. */
function said(text: string, flags = {}): readonly string[] {
  try {
    parseSettings(text, 'rpch.yaml', flags);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    assert.equal(error.code, 'RPCH_BAD_CONFIG');
    assert.equal(error.message, error.problems.join('\n'));
    return error.problems;
  }
  return assert.fail(`accepted: ${text}`);
}

test('an empty file is all defaults, and they are safe', () => {
  for (const text of ['', '# nothing\n', '{}']) {
    const settings = parseSettings(text, FILE);
    assert.deepEqual(settings, {
      listen: [{ url: 'http://127.0.0.1:8080', tls: false, host: '127.0.0.1', port: 8080, allowV1: false }],
      tls: { min: 'TLSv1.2', max: 'TLSv1.3' },
      allow: [],
      endpoints: [],
      auth: { schemes: ['basic', 'ntlm'], allowInsecureBasic: false, channelBinding: 'when-offered', users: [] },
      dataDir: '/etc/rpch/data',
      channelLifetime: 1_073_741_824,
      connectionTimeout: 120,
      limits: {
        connections: 20_000,
        connectionsPerAddress: 20_000,
        unauthenticated: 4_000,
        unauthenticatedPerAddress: 2_000,
        virtualConnectionsPerAccount: 10_000,
        headTimeout: 10,
        headBytes: 16_384,
        pairTimeout: 30,
        connectTimeout: 3,
        stallTimeout: 120,
        keepAliveTimeout: 30,
        drainTimeout: 30,
        receiveWindow: 262_144,
      },
    });
  }
});

test('a file that says everything', () => {
  const settings = parseSettings(
    `
listen:
  - { url: "http://127.0.0.1:8080", allowV1: true }
  - "https://[::]:443"
  - { url: "http://127.0.0.1:81", clientAddress: x-forwarded-for, trustedProxies: [10.0.0.5, "2001:db8::/64"] }
tls: { certFile: cert.pem, keyFile: /keys/key.pem, min: 1.2, max: TLSv1.2 }
allow:
  - ncacn_ip_tcp:127.0.0.1[135,49152-65535]
  - pattern: ncacn_ip_tcp:dc*[135]
    addresses: [10.0.0.0/8, "2001:db8::/32"]
    accounts: [ 'PEER\\Alice', bob@peer.test, 'OTHER\\carol' ]
    groups: [Staff]
    connect: "[::1]:6101"
  - pattern: ncacn_http:dc1[135]
    connect: [ "unix:/run/rpch/a.sock", "10.0.0.2:7135" ]
  - pattern: ncacn_http:dc2[135]
    connect: unix:/run/rpch/c.sock
validPorts: exch01:593;exch01:6001-6002
endpoints:
  - listen: unix:/run/rpch/a.sock
    connect: dc1:135
    mode: "0660"
  - listen: "10.0.0.1:7135"
    connect: "[fe80::1]:135"
    from: [10.0.0.0/24]
  - { listen: "[::1]:0", connect: "dc2:135" }
auth:
  schemes: [ntlm]
  allowInsecureBasic: true
  domain: PEER
  dnsDomain: peer.test
  computer: GATE
  channelBinding: required
dataDir: ../lib
channelLifetime: 131072
connectionTimeout: 14400
limits: { connections: 10, connectionsPerAddress: 9, unauthenticated: 8, unauthenticatedPerAddress: 7, drainTimeout: 0 }
`,
    FILE,
  );
  assert.deepEqual(settings.listen[1], {
    url: 'https://[::]:443',
    tls: true,
    host: '::',
    port: 443,
    allowV1: false,
  });
  assert.deepEqual(
    settings.listen.map(({ port, allowV1 }) => [port, allowV1]),
    [
      [8080, true],
      [443, false],
      [81, false],
    ],
  );
  assert.deepEqual(
    settings.listen.map(({ trusted }) => trusted && [trusted.says, ...trusted.peers.map(({ text }) => text)]),
    [undefined, undefined, ['x-forwarded-for', '10.0.0.5', '2001:db8::/64']],
  );
  assert.deepEqual(settings.tls, {
    certFile: '/etc/rpch/cert.pem',
    keyFile: '/keys/key.pem',
    min: 'TLSv1.2',
    max: 'TLSv1.2',
  });
  const [, rule] = settings.allow;
  assert.deepEqual(rule?.accounts, ['alice', 'bob', 'other\\carol']);
  assert.deepEqual(rule?.groups, ['staff']);
  assert.deepEqual(rule?.connect, [{ host: '::1', port: 6101 }]);
  assert.deepEqual(
    settings.allow.slice(2).map(({ text, pattern, connect }) => [text, pattern.protocol, connect]),
    [
      ['ncacn_http:dc1[135]', 'ncacn_http', [{ path: '/run/rpch/a.sock' }, { host: '10.0.0.2', port: 7135 }]],
      ['ncacn_http:dc2[135]', 'ncacn_http', [{ path: '/run/rpch/c.sock' }]],
      ['exch01:593', 'ncacn_http', undefined],
      ['exch01:6001-6002', 'ncacn_http', undefined],
    ],
  );
  assert.deepEqual(
    settings.endpoints.map(({ from, ...endpoint }) => ({ ...endpoint, from: from.map(({ text }) => text) })),
    [
      { listen: { path: '/run/rpch/a.sock' }, connect: { host: 'dc1', port: 135 }, mode: 0o660, from: [] },
      {
        listen: { host: '10.0.0.1', port: 7135 },
        connect: { host: 'fe80::1', port: 135 },
        mode: 0o600,
        from: ['10.0.0.0/24'],
      },
      {
        listen: { host: '::1', port: 0 },
        connect: { host: 'dc2', port: 135 },
        mode: 0o600,
        from: ['127.0.0.0/8', '::1'],
      },
    ],
  );
  assert.deepEqual(
    rule?.addresses?.map(({ text }) => text),
    ['10.0.0.0/8', '2001:db8::/32'],
  );
  assert.equal(rule?.text, 'ncacn_ip_tcp:dc*[135]');
  assert.deepEqual(settings.auth, {
    schemes: ['ntlm'],
    allowInsecureBasic: true,
    channelBinding: 'required',
    users: [],
    domain: 'PEER',
    dnsDomain: 'peer.test',
    computer: 'GATE',
  });
  assert.equal(settings.dataDir, '/etc/lib');
  assert.equal(settings.limits.drainTimeout, 0);
  assert.equal(settings.limits.headTimeout, 10);
});

test('each wrong thing is told with its place, what was expected and what was found', () => {
  const rows: [string, string][] = [
    ['listen: http://x', 'rpch.yaml:1:9: listen: expected a list of URLs, found "http://x"'],
    ['listen: []', 'rpch.yaml:1:9: listen: expected at least one URL, found a list'],
    [
      'listen:\n  - http://proxy.example:80',
      'rpch.yaml:2:5: listen[0]: expected an address to listen on (0.0.0.0 or [::] for all, localhost for 127.0.0.1), found "http://proxy.example:80"',
    ],
    [
      'connectionTimeout: 119',
      'rpch.yaml:1:20: connectionTimeout: expected a whole number of seconds from 120 to 14400, found 119',
    ],
    [
      'channelLifetime: 131071',
      'rpch.yaml:1:18: channelLifetime: expected a whole number of bytes from 131072 to 2147483648, found 131071',
    ],
    [
      '\nlimits:\n  receiveWindow: 64k',
      'rpch.yaml:3:18: limits.receiveWindow: expected a whole number of bytes from 8192 to 262144, found "64k"',
    ],
    [
      'limits: { headTimeout: 1.5 }',
      'rpch.yaml:1:24: limits.headTimeout: expected a whole number of seconds from 1 to 600, found 1.5',
    ],
    [
      'conectionTimeout: 120',
      'rpch.yaml:1:1: conectionTimeout: unknown key, found "conectionTimeout"; did you mean connectionTimeout?',
    ],
    ['data-dir: x', 'rpch.yaml:1:1: data-dir: unknown key, found "data-dir"; did you mean dataDir?'],
    [
      'tls:\n  cipher: x',
      'rpch.yaml:2:3: tls.cipher: unknown key, found "cipher"; expected one of certFile, keyFile, min, max',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    adresses: [10.0.0.0/8]',
      'rpch.yaml:3:5: allow[0].adresses: unknown key, found "adresses"; did you mean addresses?',
    ],
    ['allow:\n  - accounts: [alice]', 'rpch.yaml:2:5: allow[0]: expected key pattern, found none'],
    [
      'allow: [7]',
      'rpch.yaml:1:9: allow[0]: expected a pattern, or keys pattern, addresses, accounts, groups, connect, found 7',
    ],
    [
      'allow:\n  - ncacn_ip_tcp:a[0]',
      'rpch.yaml:2:5: allow[0]: expected a port from 1 to 65535 or a range such as 49152-65535, found "0" in "ncacn_ip_tcp:a[0]"',
    ],
    [
      'allow:\n  - pattern: ncacn_np:a[593]',
      'rpch.yaml:2:14: allow[0].pattern: expected ncacn_ip_tcp: or ncacn_http: before the name, found "ncacn_np:" in "ncacn_np:a[593]"',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    connect: ["b:1", "c:1"]',
      'rpch.yaml:3:14: allow[0].connect: expected one host:port in a rule for ncacn_ip_tcp, found 2: only endpoints that play the server role, of a rule for ncacn_http, may be several',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    connect: unix:/s',
      'rpch.yaml:3:14: allow[0].connect: expected host:port in a rule for ncacn_ip_tcp, found unix:/s',
    ],
    [
      'allow:\n  - pattern: ncacn_http:a[1]\n    connect: ["b:1", "c"]',
      'rpch.yaml:3:22: allow[0].connect[1]: expected host:port with a port from 1 to 65535, found "c"',
    ],
    [
      'allow:\n  - pattern: ncacn_http:a[1]\n    connect: ["b:1", 7]',
      'rpch.yaml:3:22: allow[0].connect[1]: expected host:port or unix:/path, found 7',
    ],
    [
      'allow:\n  - pattern: ncacn_http:a[1]\n    connect: []',
      'rpch.yaml:3:14: allow[0].connect: expected at least one endpoint, found a list',
    ],
    [
      'allow:\n  - pattern: ncacn_http:a[1]\n    connect: { host: b }',
      'rpch.yaml:3:14: allow[0].connect: expected host:port, unix:/path or a list of them, found a mapping',
    ],
    [
      'validPorts: a:1-2;b:3,4',
      'rpch.yaml:1:13: validPorts: expected one port or range after each server, b:3;b:4, found "b:3,4"',
    ],
    ['validPorts: [a:1]', "rpch.yaml:1:13: validPorts: expected a value of Windows' ValidPorts, found a list"],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    allowV1: true',
      'rpch.yaml:3:14: listen[0].allowV1: expected allowV1 on http listeners only, found it on https://0.0.0.0:443: version 1 has no TLS',
    ],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    clientAddress: proxy-protocol',
      'rpch.yaml:3:20: listen[0].clientAddress: expected trustedProxies with clientAddress, found none',
    ],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    trustedProxies: [10.0.0.5]',
      'rpch.yaml:3:21: listen[0].trustedProxies: expected clientAddress with trustedProxies, found none',
    ],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    clientAddress: forwarded\n    trustedProxies: [10.0.0.5]',
      'rpch.yaml:3:20: listen[0].clientAddress: expected one of proxy-protocol, x-forwarded-for, found "forwarded"',
    ],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    clientAddress: proxy-protocol\n    trustedProxies: [balancer]',
      'rpch.yaml:4:22: listen[0].trustedProxies[0]: expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "balancer"',
    ],
    [
      'listen:\n  - url: https://0.0.0.0:443\n    clientAddress: proxy-protocol\n    trustedProxies: []',
      'rpch.yaml:4:21: listen[0].trustedProxies: expected at least one address range, found a list',
    ],
    ['listen: [{ allowV1: true }]', 'rpch.yaml:1:10: listen[0]: expected key url, found none'],
    [
      'listen: [{ url: "http://x:1" }]',
      'rpch.yaml:1:17: listen[0].url: expected an address to listen on (0.0.0.0 or [::] for all, localhost for 127.0.0.1), found "http://x:1"',
    ],
    [
      'listen: [{ url: "http://[::1]:1", allowv1: true }]',
      'rpch.yaml:1:35: listen[0].allowv1: unknown key, found "allowv1"; did you mean allowV1?',
    ],
    [
      'listen: [{ url: "http://[::1]:1", allowV1: 1 }]',
      'rpch.yaml:1:44: listen[0].allowV1: expected true or false, found 1',
    ],
    [
      'listen: [7]',
      'rpch.yaml:1:10: listen[0]: expected a URL, or keys url, allowV1, clientAddress, trustedProxies, found 7',
    ],
    ['endpoints: {}', 'rpch.yaml:1:12: endpoints: expected a list of endpoints, found a mapping'],
    ['endpoints: [a]', 'rpch.yaml:1:13: endpoints[0]: expected keys listen, connect, from, mode, found "a"'],
    ['endpoints:\n  - listen: unix:/a', 'rpch.yaml:2:5: endpoints[0]: expected key connect, found none'],
    [
      'endpoints:\n  - { listen: "dc1:1", connect: "dc1:135" }',
      'rpch.yaml:2:15: endpoints[0].listen: expected an address and a port to listen on, such as 10.0.0.1:7135, or unix:/path, found "dc1:1"',
    ],
    [
      'endpoints:\n  - { listen: "127.0.0.1:1", connect: unix:/s }',
      'rpch.yaml:2:39: endpoints[0].connect: expected host:port with a port from 1 to 65535, found "unix:/s"',
    ],
    [
      'endpoints:\n  - { listen: "10.0.0.1:1", connect: "a:1" }',
      'rpch.yaml:2:15: endpoints[0].listen: expected from: with the addresses of the proxies, this one included, for 10.0.0.1:1, found none',
    ],
    [
      'endpoints:\n  - { listen: unix:/a, connect: "a:1", from: [10.0.0.0/8] }',
      'rpch.yaml:2:46: endpoints[0].from: expected no addresses for unix:/a, found some: who may connect is decided by mode',
    ],
    [
      'endpoints:\n  - { listen: "[::1]:1", connect: "a:1", mode: "0600" }',
      'rpch.yaml:2:48: endpoints[0].mode: expected mode for a Unix socket only, found it for [::1]:1',
    ],
    [
      'endpoints:\n  - { listen: unix:/a, connect: "a:1", mode: 0660 }',
      'rpch.yaml:2:46: endpoints[0].mode: expected permission bits as three or four octal digits in quotes, such as "0660", found 660',
    ],
    [
      'endpoints:\n  - { listen: unix:/a, connect: "a:1", mode: "1777" }',
      'rpch.yaml:2:46: endpoints[0].mode: expected permission bits as three or four octal digits in quotes, such as "0660", found "1777"',
    ],
    [
      'endpoints:\n  - { listen: unix:/a, connect: "a:1", form: x }',
      'rpch.yaml:2:40: endpoints[0].form: unknown key, found "form"; expected one of listen, connect, from, mode',
    ],
    [
      'endpoints:\n  - { listen: "127.0.0.1:8080", connect: "a:1" }',
      'rpch.yaml:2:15: endpoints[0].listen: expected each place to listen on once, found 127.0.0.1:8080 again',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    addresses: [10.0.0.0/33]',
      'rpch.yaml:3:17: allow[0].addresses[0]: expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "10.0.0.0/33"',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    addresses: []',
      'rpch.yaml:3:16: allow[0].addresses: expected at least one address range, found a list',
    ],
    [
      'allow:\n  - pattern: ncacn_ip_tcp:a[1]\n    accounts: ["a:b"]',
      'rpch.yaml:3:16: allow[0].accounts[0]: expected a name, found "a:b": account name holds one of " / \\ [ ] : ; | = , + * ? < > @',
    ],
    ['auth: { schemes: [kerberos] }', 'rpch.yaml:1:19: auth.schemes[0]: expected one of basic, ntlm, found "kerberos"'],
    ['auth: { schemes: [ntlm, ntlm] }', 'rpch.yaml:1:18: auth.schemes: expected each scheme once, found ntlm, ntlm'],
    [
      'auth: { domain: PEER.TEST }',
      'rpch.yaml:1:17: auth.domain: expected the NetBIOS name of a domain as 1 to 15 letters, digits, - or _, found "PEER.TEST"',
    ],
    [
      'auth: { users: [x] }',
      'rpch.yaml:1:9: auth.users: expected no accounts in this file, found some; keep them with: rpch users add NAME',
    ],
    [
      'auth: { allowInsecureBasic: yes }',
      'rpch.yaml:1:29: auth.allowInsecureBasic: expected true or false, found "yes"',
    ],
    ['tls: { min: 1.1 }', 'rpch.yaml:1:13: tls.min: expected a TLS version, 1.2 or 1.3, found 1.1'],
    [
      'tls: { min: 1.3, max: 1.2 }',
      'rpch.yaml:1:13: tls.min: expected at most the highest TLS version TLSv1.2, found TLSv1.3',
    ],
    [
      'tls: { certFile: a.pem }',
      'rpch.yaml:1:18: tls.certFile: expected a private key file with the certificate file, found none',
    ],
    [
      'tls: { keyFile: a.pem }',
      'rpch.yaml:1:17: tls.keyFile: expected a certificate file with the private key file, found none',
    ],
    ['tls: [a]', 'rpch.yaml:1:6: tls: expected keys certFile, keyFile, min, max, found a list'],
    ['tls:', 'rpch.yaml:1:5: tls: expected keys certFile, keyFile, min, max, found nothing'],
    ['- listen', 'rpch.yaml:1:1: expected keys and values, found a list'],
    ['listen', 'rpch.yaml:1:1: expected keys and values, found "listen"'],
    [
      'listen: [http://0.0.0.0:80]\nauth: { schemes: [basic] }',
      'rpch.yaml:1:10: listen[0]: expected a scheme that is safe on http://0.0.0.0:80, found only basic: passwords would cross the network readably; use https, add ntlm, or set allowInsecureBasic',
    ],
    [
      'listen: [http://127.0.0.1:80, https://127.0.0.1:80]',
      'rpch.yaml:1:31: listen[1]: expected each address and port once, found https://127.0.0.1:80 again',
    ],
  ];
  for (const [text, message] of rows) assert.equal(said(text)[0], message);
});

test('a file that is no YAML is told with its place', () => {
  for (const [text, place] of [
    ['a: 1\na: 2', 'rpch.yaml:2:1: not YAML: '],
    ['listen: [a', 'rpch.yaml:1:11: not YAML: '],
    ['a: *b', 'rpch.yaml:1:1: not YAML: '],
    ['a:\n\t- b', 'rpch.yaml:2:1: not YAML: '],
    ['dataDir: !secret x', 'rpch.yaml:1:10: not YAML: '],
  ] as const) {
    assert.ok(said(text)[0]?.startsWith(place), said(text)[0]);
  }
  assert.match(said(' '.repeat(1_048_577))[0] ?? '', /more than 1048576 characters/);
});

test('everything wrong is told at once, in the order of the file', () => {
  const problems = said('limits:\n  headTimout: 4\n  headBytes: x\nfoo: 1\nlisten: [ftp://a]\n');
  assert.deepEqual(
    problems.map((problem) => problem.split(': ')[0]),
    ['rpch.yaml:2:3', 'rpch.yaml:3:14', 'rpch.yaml:4:1', 'rpch.yaml:5:10'],
  );
});

test('whatever stands in a file, it gives settings or the configuration error', () => {
  const key = fc.constantFrom(...Object.keys(FileSchema.entries), 'x');
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      'ncacn_ip_tcp:a[1]',
      'http://0.0.0.0:1',
      ['http://[::1]:1'],
      'a:1;b:2',
      [{ url: 'https://[::1]:1', allowV1: true }],
      [{ listen: 'unix:/a', connect: 'a:1' }],
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.dictionary(key, value).map((file) => JSON.stringify(file)),
        fc.string(),
      ),
      (text) => {
        try {
          parseSettings(text, FILE);
        } catch (error) {
          assert.ok(error instanceof ConfigError, `${text}: ${String(error)}`);
          for (const problem of error.problems) assert.match(problem, /^\/etc\/rpch\/rpch\.yaml:\d+:\d+: /);
        }
      },
    ),
  );
});

test('flags go on top of the file, and may make good what it lacks', () => {
  const text =
    'listen: [http://0.0.0.0:80]\nauth: { schemes: [basic] }\nallow: ["ncacn_ip_tcp:a[1]"]\nconnectionTimeout: 300';
  const settings = parseSettings(text, FILE, {
    allowInsecureBasic: true,
    allow: ['ncacn_ip_tcp:b[2]'],
    channelLifetime: '131072',
  });
  assert.deepEqual(
    settings.allow.map((rule) => rule.text),
    ['ncacn_ip_tcp:a[1]', 'ncacn_ip_tcp:b[2]'],
  );
  assert.deepEqual(settings.auth.schemes, ['basic']);
  assert.equal(settings.connectionTimeout, 300);
  assert.equal(settings.channelLifetime, 131_072);
  assert.equal(settings.dataDir, '/etc/rpch/data');
  assert.deepEqual(said('', { auth: 'kerberos' }), ['--auth: expected one of basic, ntlm, found "kerberos"']);
});

test('a file is read from the disk, and one that is not there is named', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rpch-config-'));
  try {
    const file = join(directory, 'rpch.yaml');
    await assert.rejects(
      loadSettings(file),
      (error) => error instanceof ConfigError && error.message.startsWith(`${file}: cannot be read: ENOENT`),
    );
    await writeFile(file, 'dataDir: kept\n');
    assert.equal((await loadSettings(file)).dataDir, join(directory, 'kept'));
  } finally {
    await rm(directory, { recursive: true });
  }
});

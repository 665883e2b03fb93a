import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { configurationFault } from '../../../src/peers/reverse-proxy.ts';
import { anonymousAfterNtlm } from './connection-sharing.ts';
import { type Coming, documentedTrust, LOGINS, REVERSE_PROXY, ReverseScene, SharedScene } from './scene.ts';

/** HTTP without TLS, where TLS is not what a test is about. */
const withoutTls = (config: string): string => config.replace('443 ssl;', '443;').replace(/^ *ssl_.*\n/gm, '');
const without = (directive: string) => (config: string) =>
  withoutTls(config).replace(new RegExp(`^ *${directive} .*\n`, 'm'), '');
/** Connections to the RPC Proxy are kept for whoever comes next. */
const keptAlive = (config: string): string =>
  withoutTls(config)
    .replace('http {', 'http {\n  upstream rpch { server 192.0.2.10:8080; keepalive 32; }')
    .replace('proxy_pass http://192.0.2.10:8080;', 'proxy_pass http://rpch;\n      proxy_set_header Connection "";');

const BASIC: Coming = { scheme: 'http', login: 'basic' };

const STREAMS: readonly (readonly [string, Coming['scheme'], string, ((config: string) => string)?])[] = [
  ['TLS passed through', 'https', 'nginx-pass-through'],
  ['no TLS', 'http', 'nginx-pass-through', (config) => config.replace('8443', '8080')],
  ['TLS ended at nginx', 'https', 'nginx-termination'],
  [
    'TLS ended and begun anew',
    'https',
    'nginx-termination',
    (config) => config.replace('8080;', '8443; proxy_ssl on;'),
  ],
];

describe('nginx stream as documented: 200 calls, 1 MiB, recyclings, 100 sessions', () => {
  const shared = new SharedScene();
  after(() => shared.close());
  for (const [what, scheme, name, change] of STREAMS) {
    test(what, async (t) => {
      if (!(await requirePeer(t, 'nginx'))) return;
      const scene = await shared.scene();
      await using front = await scene.start(name, change === undefined ? {} : { change });
      for (const login of LOGINS) {
        await scene.calls(front, { scheme, login });
        await scene.recyclings(front, { scheme, login });
      }
      await scene.crowd(front, { scheme, login: 'basic' });
    });
  }
});

for (const [what, scheme, change] of [
  ['TLS ended at nginx', 'https', (config: string) => config],
  ['no TLS', 'http', withoutTls],
  [
    'TLS ended and begun anew',
    'https',
    (config: string) => config.replace('http://192.0.2.10:8080', 'https://192.0.2.10:8443'),
  ],
  ['HTTP/1.0 to the RPC Proxy', 'http', without('proxy_http_version')],
] as const) {
  test(`nginx http, ${what}, Basic: 200 calls, 1 MiB, recyclings, 100 sessions; NTLM is refused`, async (t) => {
    if (!(await requirePeer(t, 'nginx'))) return;
    await using scene = await ReverseScene.open();
    await using front = await scene.start('nginx-http', { change });
    await scene.calls(front, { scheme, login: 'basic' });
    for (let i = 0; i < 10; i++) await scene.recyclings(front, { scheme, login: 'basic' });
    await scene.crowd(front, { scheme, login: 'basic' });
    const refused = { code: 'RPCH_HTTP_STATUS', message: /answered 401/ };
    await assert.rejects(scene.session(front, { scheme, login: 'ntlm' }), refused);
    // Another connection than that of the first message.
    await scene.live.line('login', ({ why }) => why === 'MessageType 3, expected NEGOTIATE');
  });
}

test("nginx stream with proxy_protocol: 200 calls, recyclings, and the clients' addresses", async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open({ flags: await documentedTrust('rpch-proxy-protocol') });
  const change = (config: string) =>
    config.replace('proxy_protocol on;', `proxy_protocol on;\n    proxy_bind ${REVERSE_PROXY};`);
  await using front = await scene.start('nginx-proxy-protocol', { change });
  for (const login of LOGINS) {
    await scene.calls(front, { scheme: 'https', login });
    await scene.recyclings(front, { scheme: 'https', login });
  }
  assert.deepEqual(scene.logins, new Set([`127.0.0.1 via ${REVERSE_PROXY}`]));
});

test("nginx http with X-Forwarded-For: 200 calls, recyclings, and the clients' addresses", async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open({ flags: await documentedTrust('rpch-forwarded-for') });
  const change = (config: string) =>
    withoutTls(config).replace('proxy_set_header Host', `proxy_bind ${REVERSE_PROXY};\n      proxy_set_header Host`);
  await using front = await scene.start('nginx-http', { change });
  await scene.calls(front, BASIC);
  await scene.recyclings(front, BASIC);
  assert.deepEqual(scene.logins, new Set([`127.0.0.1 via ${REVERSE_PROXY}`]));
});

test('nginx http without client_max_body_size: 413', async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open();
  await using front = await scene.start('nginx-http', { change: without('client_max_body_size') });
  const lifetime = { channelLifetime: 2 ** 30 };
  await assert.rejects(scene.session(front, BASIC, lifetime), {
    code: 'RPCH_HTTP_STATUS',
    message: /answered 413 .* IN channel/,
  });
  await front.logged(/client intended to send too large body: 1073741824 bytes/);
});

test('nginx http without proxy_request_buffering off: the IN channel never reaches the RPC Proxy', async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open({ limits: { pairTimeout: 1 } });
  await using front = await scene.start('nginx-http', { change: without('proxy_request_buffering') });
  await assert.rejects(scene.session(front, BASIC), { code: 'RPCH_CHANNEL_LOST', message: /OUT channel/ });
  const { fields } = await scene.live.line('session.ended');
  assert.deepEqual([fields.reason, fields.opened], ['setup-timeout', false]);
});

test('nginx http without proxy_buffering off: CONN/A3 never reaches the client', async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open();
  await using front = await scene.start('nginx-http', { change: without('proxy_buffering') });
  await assert.rejects(scene.session(front, BASIC, { openTimeout: 3000 }), { code: 'RPCH_TIMED_OUT' });
  // The RPC Proxy had sent all that a session begins with.
  assert.equal(scene.live.logged('session.opened').length, 1);
});

test('nginx http with keepalive: whoever comes after a login with NTLM is that account', async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open();
  await using front = await scene.start('nginx-http', { change: keptAlive });
  assert.equal(await anonymousAfterNtlm(front.port), 200);
  await using careful = await scene.start('nginx-pass-through', { change: (config) => config.replace('8443', '8080') });
  assert.equal(await anonymousAfterNtlm(careful.port), 401);
});

test('nginx has no ntlm directive', async (t) => {
  if (!(await requirePeer(t, 'nginx'))) return;
  await using scene = await ReverseScene.open();
  const change = (config: string) => keptAlive(config).replace('keepalive 32;', 'keepalive 32; ntlm;');
  const check = (changed: (config: string) => string) =>
    configurationFault('nginx', (site) => scene.configuration('nginx-http', { change: changed }, site));
  assert.match((await check(change)) ?? '', /unknown directive "ntlm"/);
  assert.equal(await check(keptAlive), undefined);
});

for (const [name, timeout, line] of [
  ['nginx-pass-through', 'proxy_timeout', /connection timed out .* while proxying connection/],
  ['nginx-http', 'proxy_read_timeout', /upstream timed out .* while reading upstream/],
  ['nginx-http', 'client_body_timeout', /RPC_IN_DATA [^"]*" 408 /],
] as const) {
  test(`${name}: a session that is silent for longer than ${timeout} ends`, async (t) => {
    if (!(await requirePeer(t, 'nginx'))) return;
    await using scene = await ReverseScene.open();
    const change = (config: string) =>
      withoutTls(config).replace('8443', '8080').replace(`${timeout} 5m`, `${timeout} 2s`);
    await using front = await scene.start(name, { change });
    const ended = await scene.silence(front, BASIC);
    assert.match(
      ended.message,
      /^(the (IN|OUT) channel .* was (closed|reset)|the proxy answered (408|504) .* on the IN channel)/,
    );
    await front.logged(line);
  });
}

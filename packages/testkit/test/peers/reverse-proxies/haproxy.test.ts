import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ALICE } from '../../../src/live-proxy.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { proxyHeader } from '../../../src/proxy-header.ts';
import { RawConnection } from '../../../src/raw-connection.ts';
import { basic, requestHead } from '../../../src/scripted-client.ts';
import { anonymousAfterNtlm } from './connection-sharing.ts';
import { type Coming, documentedTrust, LOGINS, REVERSE_PROXY, ReverseScene, SharedScene } from './scene.ts';

/** HTTP without TLS, where TLS is not what a test is about. */
const withoutTls = (config: string): string => config.replace(/ ssl crt .*/, '');
const withOption = (option: string) => (config: string) =>
  withoutTls(config).replace('mode http', `mode http\n  ${option}`);

const NTLM: Coming = { scheme: 'http', login: 'ntlm' };
const BASIC: Coming = { scheme: 'http', login: 'basic' };

const GOOD: readonly (readonly [string, Coming['scheme'], string, ((config: string) => string)?])[] = [
  ['TCP, TLS passed through', 'https', 'haproxy-pass-through'],
  ['TCP, no TLS', 'http', 'haproxy-pass-through', (config) => config.replace('8443', '8080')],
  ['TCP, TLS ended at HAProxy', 'https', 'haproxy-termination'],
  ['TCP, TLS ended and begun anew', 'https', 'haproxy-again'],
  ['HTTP, TLS ended at HAProxy', 'https', 'haproxy-http'],
  ['HTTP, no TLS', 'http', 'haproxy-http', withoutTls],
  [
    'HTTP, TLS ended and begun anew',
    'https',
    'haproxy-http',
    (config) => config.replace('8080', '8443 ssl verify none'),
  ],
  [
    'HTTP, connections shared',
    'http',
    'haproxy-http',
    (config) => withoutTls(config).replace('reuse never', 'reuse always'),
  ],
];

describe('HAProxy as documented: 200 calls, 1 MiB, recyclings, 100 sessions', () => {
  const shared = new SharedScene();
  after(() => shared.close());
  for (const [what, scheme, name, change] of GOOD) {
    test(what, async (t) => {
      if (!(await requirePeer(t, 'haproxy'))) return;
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

test('HAProxy without http-no-delay: every call waits for the kernel', async (t) => {
  if (!(await requirePeer(t, 'haproxy'))) return;
  await using scene = await ReverseScene.open();
  const change = (config: string) => withoutTls(config).replace('  option http-no-delay\n', '');
  await using front = await scene.start('haproxy-http', { change });
  const { call } = await scene.session(front, BASIC);
  await call(Buffer.alloc(100));
  const begun = performance.now();
  for (let i = 0; i < 5; i++) await call(Buffer.alloc(100));
  const each = (performance.now() - begun) / 5;
  assert.ok(each > 150, `${each} ms a call`);
});

for (const [option, refused] of [
  ['option http-server-close', { code: 'RPCH_HTTP_STATUS', message: /answered 401/ }],
  ['option httpclose', { code: 'RPCH_LOGIN_CLOSED' }],
] as const) {
  test(`HAProxy with ${option}: Basic works, NTLM loses its connection`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    await using scene = await ReverseScene.open();
    const change = (config: string) => withOption(option)(config.replace('  option http-keep-alive\n', ''));
    await using front = await scene.start('haproxy-http', { change });
    await scene.calls(front, BASIC);
    await scene.recyclings(front, BASIC);
    await assert.rejects(scene.session(front, NTLM), refused);
  });
}

test('HAProxy with http-buffer-request waits for the end of a body that has none', async (t) => {
  if (!(await requirePeer(t, 'haproxy'))) return;
  await using scene = await ReverseScene.open();
  const change = (config: string) =>
    withoutTls(config)
      .replace('no option http-buffer', 'option http-buffer')
      .replace('http-request 10s', 'http-request 1s');
  await using front = await scene.start('haproxy-http', { change });
  await assert.rejects(scene.session(front, BASIC), {
    code: 'RPCH_HTTP_STATUS',
    message: /answered 408 .* IN channel/,
  });
});

for (const option of ['send-proxy', 'send-proxy-v2']) {
  test(`HAProxy with ${option}, TLS passed through: 200 calls, recyclings, and the clients' addresses`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    await using scene = await ReverseScene.open({ flags: await documentedTrust('rpch-proxy-protocol') });
    const change = (config: string) => config.replace('send-proxy-v2', `${option} source ${REVERSE_PROXY}`);
    await using front = await scene.start('haproxy-send-proxy', { change });
    for (const login of LOGINS) {
      await scene.calls(front, { scheme: 'https', login });
      await scene.recyclings(front, { scheme: 'https', login });
    }
    assert.deepEqual(scene.logins, new Set([`127.0.0.1 via ${REVERSE_PROXY}`]));
  });

  test(`HAProxy with ${option}: a header that a client sends is no header`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    await using scene = await ReverseScene.open({ flags: await documentedTrust('rpch-proxy-protocol') });
    const change = (config: string) => config.replace('8443 send-proxy-v2', `8080 ${option} source ${REVERSE_PROXY}`);
    await using front = await scene.start('haproxy-send-proxy', { change });
    const liar = await RawConnection.connect({ port: front.port, localAddress: '127.0.0.7' });
    liar.send(Buffer.concat([proxyHeader('203.0.113.1'), Buffer.from(echoRequest())]));
    assert.match(await liar.takeHead(), /^HTTP\/1\.1 400 /);
    const honest = await RawConnection.connect({ port: front.port, localAddress: '127.0.0.7' });
    honest.send(echoRequest());
    assert.match(await honest.takeHead(), /^HTTP\/1\.1 200 /);
    assert.deepEqual(scene.logins, new Set([`127.0.0.7 via ${REVERSE_PROXY}`]));
    for (const connection of [liar, honest]) connection.cut('FIN');
  });

  test(`HAProxy with ${option} before a listener that does not know: 400`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    await using scene = await ReverseScene.open();
    await using front = await scene.start('haproxy-pass-through', {
      change: (config) => config.replace('8443', `8080 ${option}`),
    });
    await assert.rejects(scene.session(front, BASIC), { code: 'RPCH_HTTP_STATUS', message: /answered 400/ });
  });
}

for (const name of ['haproxy-pass-through', 'haproxy-http']) {
  test(`${name}: a session that is silent for longer than the time-outs ends, and both sides say so`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    await using scene = await ReverseScene.open();
    await using front = await scene.start(name, {
      change: (config) => withoutTls(config).replace('8443', '8080').replaceAll('5m', '2s'),
    });
    const ended = await scene.silence(front, BASIC);
    // HAProxy may say so on the IN channel before it closes it; the OUT channel has had its answer.
    assert.match(
      ended.message,
      /^(the (IN|OUT) channel .* was (closed|reset)|the proxy answered (408|504) .* on the IN channel)/,
    );
    await front.logged(/ [sc][DH](--)? /);
    const { fields } = await scene.live.line('session.ended');
    assert.match(String(fields.reason), /^(in|out)-(closed|reset)$/);
  });
}

test('HAProxy shares no connection that NTLM has logged in', async (t) => {
  if (!(await requirePeer(t, 'haproxy'))) return;
  await using scene = await ReverseScene.open();
  const change = (config: string) => withoutTls(config).replace('reuse never', 'reuse always');
  await using front = await scene.start('haproxy-http', { change });
  assert.equal(await anonymousAfterNtlm(front.port), 401);
});

test('HAProxy that begins TLS anew: channel bindings hold where it has the same certificate, and only there', async (t) => {
  if (!(await requirePeer(t, 'haproxy'))) return;
  await using scene = await ReverseScene.open({ flags: { channelBinding: 'required' } });
  await using other = await ReverseScene.open();
  const coming: Coming = { scheme: 'https', login: 'ntlm' };
  for (const name of ['haproxy-pass-through', 'haproxy-again']) {
    await using front = await scene.start(name);
    await scene.calls(front, coming);
  }
  await using stranger = await scene.start('haproxy-again', { certificate: other.certificate });
  await assert.rejects(scene.session(stranger, coming), { code: 'RPCH_HTTP_STATUS', message: /answered 401/ });
  // With plain http behind there is nothing to be bound to, and nothing is asked for.
  await using ended = await scene.start('haproxy-termination', { certificate: other.certificate });
  await scene.calls(ended, coming);
});

/** A request whose answer says whether the login was right. */
const echoRequest = (...fields: string[]): string =>
  requestHead('RPC_IN_DATA', {
    server: '127.0.0.1:1024',
    authorization: basic(ALICE.name, ALICE.password),
    contentLength: 0,
    fields,
  });

for (const [what, trust, seen] of [
  ['is the address where HAProxy is trusted', true, `127.0.0.7 via ${REVERSE_PROXY}`],
  ['says nothing where it is not', false, `${REVERSE_PROXY} via undefined`],
] as const) {
  test(`X-Forwarded-For of HAProxy ${what}, whatever clients write into it`, async (t) => {
    if (!(await requirePeer(t, 'haproxy'))) return;
    const flags = trust ? await documentedTrust('rpch-forwarded-for') : {};
    await using scene = await ReverseScene.open({ flags });
    const change = (config: string) => withoutTls(config).replace('8080', `8080 source ${REVERSE_PROXY}`);
    await using front = await scene.start('haproxy-http', { change });
    const forgeries = [
      [],
      ['X-Forwarded-For: 203.0.113.1'],
      [`X-Forwarded-For: ${REVERSE_PROXY}`],
      ['X-Forwarded-For: ,'],
    ];
    for (const fields of forgeries) {
      const connection = await RawConnection.connect({ port: front.port, localAddress: '127.0.0.7' });
      connection.send(echoRequest(...fields));
      assert.match(await connection.takeHead(), /^HTTP\/1\.1 200 /);
      connection.cut('FIN');
    }
    assert.deepEqual(scene.logins, new Set([seen]));
    for (const login of LOGINS) {
      await scene.calls(front, { scheme: 'http', login });
      await scene.recyclings(front, { scheme: 'http', login });
    }
  });
}

test('HAProxy before two RPC Proxies: both channels must reach the same one', async (t) => {
  if (!(await requirePeer(t, 'haproxy'))) return;
  const limits = { pairTimeout: 2 };
  await using scene = await ReverseScene.open({ limits });
  await using second = await ReverseScene.open({ limits });
  const balanced = (balance: string) => (config: string) =>
    `${withoutTls(config)}\n  balance ${balance}\n  server second 127.0.0.1:${second.http}\n`;
  await using front = await scene.start('haproxy-http', { change: balanced('source') });
  await scene.crowd(front, BASIC);
  await using scattered = await scene.start('haproxy-http', { change: balanced('roundrobin') });
  await assert.rejects(scene.session(scattered, BASIC));
  const { fields } = await Promise.any(
    [scene, second].map(({ live }) => live.line('session.ended', ({ opened }) => opened === false)),
  );
  assert.equal(fields.reason, 'setup-timeout');
});

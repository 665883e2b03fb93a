import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpCredentials } from '@rpch/rpc/internal';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { BASIC, ClientScene, ntlm } from './scene.ts';
import { BOB_AT_SQUID, Squid, type SquidLogin } from './squid.ts';

/** The least that a channel may live ([MS-RPCH] 2.2.3.5.5), bytes. */
const SHORT_LIFETIME = 128 * 1024;
const STUB = Buffer.alloc(2000, 7);

const AT_SQUID: Readonly<Record<SquidLogin, HttpCredentials | undefined>> = {
  none: undefined,
  basic: { scheme: 'auto', basic: { user: 'bob', password: 'x' } },
  ntlm: { ...ntlm(BOB_AT_SQUID), scheme: 'auto' },
};

for (const scheme of ['http', 'https'] as const) {
  for (const login of ['none', 'basic', 'ntlm'] as const) {
    for (const [name, credentials] of [
      ['Basic', BASIC],
      ['NTLM', ntlm()],
    ] as const) {
      test(`${scheme} through Squid, its login ${login}, ${name} at the RPC Proxy: calls and recyclings`, async (t) => {
        if (!(await requirePeer(t, 'squid'))) return;
        await using squid = await Squid.start(login);
        await using scene = await ClientScene.open(scheme, { flags: { channelLifetime: `${SHORT_LIFETIME}` } });
        const forSquid = AT_SQUID[login];
        const { call, connection, hops } = await scene.session({
          credentials,
          channelLifetime: SHORT_LIFETIME,
          httpProxy: {
            host: '127.0.0.1',
            port: squid.port,
            ...(forSquid === undefined ? {} : { credentials: forSquid }),
          },
        });
        for (let i = 0; i < 200; i++) assert.deepEqual(await call(STUB), STUB, `call ${i}`);
        const { recycledIn, recycledOut } = connection.counters;
        assert.ok(recycledIn.R2 >= 2 && recycledOut.R2 >= 2, JSON.stringify(connection.counters));
        const tls = scheme === 'https' ? ['TLS'] : [];
        assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP proxy', ...tls, 'HTTP', 'authentication', 'proxy', 'server']);
      });
    }
  }

  test(`${scheme}: Squid refuses, cannot reach the RPC Proxy, or wants a login, and each is told from the RPC Proxy's word`, async (t) => {
    if (!(await requirePeer(t, 'squid'))) return;
    await using scene = await ClientScene.open(scheme);
    await using squid = await Squid.start('none', scene.live.port);
    await using login = await Squid.start('ntlm');
    const via = (port: number) => ({ credentials: BASIC, httpProxy: { host: '127.0.0.1', port } });
    await assert.rejects(scene.session(via(squid.port)), { hop: 'HTTP proxy', meaning: /does not allow/ });
    const nobody = { host: '127.0.0.1', port: 1 };
    await assert.rejects(scene.session({ ...via(squid.port), proxy: nobody }), {
      hop: 'HTTP proxy',
      meaning: /cannot reach/,
    });
    const wanted = { hop: 'HTTP proxy', meaning: /wants a login/ };
    await assert.rejects(scene.session(via(login.port)), wanted);
    const wrong = { host: '127.0.0.1', port: login.port, credentials: ntlm({ user: 'bob', password: 'wrong' }) };
    await assert.rejects(scene.session({ credentials: BASIC, httpProxy: wrong }), wanted);
  });

  test(`${scheme} through Squid: the RPC Proxy refuses the server, or the password`, async (t) => {
    if (!(await requirePeer(t, 'squid'))) return;
    await using scene = await ClientScene.open(scheme);
    await using squid = await Squid.start('none');
    const httpProxy = { host: '127.0.0.1', port: squid.port };
    const server = { host: 'not-allowed', port: 6001 };
    // Squid puts a reason phrase of its own in the place of the RPC Proxy's: the code is lost.
    const refused = scheme === 'https' ? { rpcError: 0x6ba } : { rpcError: undefined };
    await assert.rejects(scene.session({ credentials: BASIC, httpProxy, server }), { hop: 'RPC Proxy', ...refused });
    await assert.rejects(scene.session({ credentials: ntlm({ password: 'wrong' }), httpProxy }), {
      hop: 'RPC Proxy',
      meaning: /password is wrong/,
    });
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpCredentials } from '@rpch/rpc/internal';
import { ALICE } from '../../../src/live-proxy.ts';
import { BASIC, ClientScene, ntlm } from './scene.ts';

/** The least that a channel may live ([MS-RPCH] 2.2.3.5.5), bytes. */
const SHORT_LIFETIME = 128 * 1024;
const STUB = Buffer.alloc(2000, 7);

const CREDENTIALS: readonly (readonly [string, HttpCredentials])[] = [
  ['Basic', BASIC],
  ['NTLM', ntlm()],
  ['auto with both', { ...ntlm(), ...BASIC, scheme: 'auto' }],
  ['auto with Basic alone', { ...BASIC, scheme: 'auto' }],
];

for (const scheme of ['http', 'https'] as const) {
  for (const [name, credentials] of CREDENTIALS) {
    test(`${scheme}, ${name}: a call`, async () => {
      await using scene = await ClientScene.open(scheme);
      const { call, hops } = await scene.session({ credentials });
      assert.deepEqual(await call(STUB), STUB);
      const tls = scheme === 'https' ? ['TLS'] : [];
      assert.deepEqual(hops, ['DNS', 'TCP', ...tls, 'HTTP', 'authentication', 'proxy', 'server']);
      const used = name === 'auto with both' || name === 'NTLM' ? 'ntlm' : 'basic';
      assert.deepEqual(new Set(scene.live.logged('login').map(({ fields }) => fields.scheme)), new Set([used]));
    });
  }

  test(`${scheme}, a wrong password: 401 of the RPC Proxy`, async () => {
    await using scene = await ClientScene.open(scheme);
    const basic = { user: ALICE.name, password: 'wrong' };
    for (const credentials of [{ scheme: 'basic' as const, basic }, ntlm({ password: 'wrong' })]) {
      const expected = { code: 'RPCH_HTTP_STATUS', hop: 'RPC Proxy', meaning: /password is wrong/ };
      await assert.rejects(scene.session({ credentials }), expected);
    }
  });

  test(`${scheme}, NTLM: every successor logs in`, async () => {
    await using scene = await ClientScene.open(scheme, { flags: { channelLifetime: `${SHORT_LIFETIME}` } });
    const { call, connection } = await scene.session({ credentials: ntlm(), channelLifetime: SHORT_LIFETIME });
    for (let i = 0; i < 200; i++) assert.deepEqual(await call(STUB), STUB);
    const { recycledIn, recycledOut } = connection.counters;
    assert.ok(recycledIn.R2 >= 2 && recycledOut.R2 >= 2, JSON.stringify(connection.counters));
  });
}

test('where the proxy requires channel bindings, ours are right, and none are refused', async () => {
  await using scene = await ClientScene.open('https', { flags: { channelBinding: 'required' } });
  const bindings: (Uint8Array | undefined)[] = [];
  const { call } = await scene.session({ credentials: ntlm(undefined, (each) => bindings.push(each)) });
  assert.deepEqual(await call(STUB), STUB);
  assert.deepEqual(
    bindings.map((each) =>
      Buffer.from(each ?? [])
        .toString('latin1')
        .slice(0, 21),
    ),
    ['tls-server-end-point:', 'tls-server-end-point:'],
  );
  const unbound = ntlm();
  const without: HttpCredentials = {
    scheme: 'ntlm',
    ntlm: () => (unbound.ntlm as NonNullable<typeof unbound.ntlm>)(undefined),
  };
  await assert.rejects(scene.session({ credentials: without }), { code: 'RPCH_HTTP_STATUS', hop: 'RPC Proxy' });
});

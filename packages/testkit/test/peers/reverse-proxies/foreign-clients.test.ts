import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { describeFailure } from '../../../src/peers/commands.ts';
import { runImpacket } from '../../../src/peers/impacket.ts';
import type { RunningProxy } from '../../../src/peers/proxy.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { PeerSession } from '../../../src/peers/session.ts';
import { smbtorture } from '../../../src/peers/smbtorture.ts';
import { type ReverseScene, SharedScene, type StartOptions } from './scene.ts';

// Samba's client hangs on the session tickets of TLS 1.3.
const haproxyTls = (config: string): string => config.replace('example.org.pem', 'example.org.pem ssl-max-ver TLSv1.2');
const nginxTls = (config: string): string => config.replace('443 ssl;', '443 ssl;\n    ssl_protocols TLSv1.2;');
/** As a client of HTTP/1.0 comes: by that the RPC Proxy knows whom it must not send acknowledgements. */
const http10 = (config: string): string => nginxTls(config).replace(/^ *proxy_http_version .*\n/m, '');

const FRONTS = [
  ['haproxy', 'haproxy-pass-through', (config: string) => config, ['basic', 'ntlm']],
  ['haproxy', 'haproxy-termination', haproxyTls, ['basic', 'ntlm']],
  ['haproxy', 'haproxy-http', haproxyTls, ['basic', 'ntlm']],
  ['nginx', 'nginx-termination', nginxTls, ['basic', 'ntlm']],
  ['nginx', 'nginx-http', http10, ['basic']],
] as const;

describe("Samba's and impacket's clients through reverse proxies, with https", { concurrency: 4 }, () => {
  const session = new PeerSession();
  const shared = new SharedScene();
  after(() => Promise.all([session.close(), shared.close()]));

  /** The documented configuration, in front of the proxy that is in front of Samba. */
  async function inFrontOf(proxy: RunningProxy, name: string, change: NonNullable<StartOptions['change']>) {
    const scene: ReverseScene = await shared.scene();
    return await scene.start(name, { change, before: { http: proxy.http.port, https: proxy.https.port } });
  }

  for (const [program, name, change, logins] of FRONTS) {
    for (const login of logins) {
      test(`${name}, ${login}: impacket's calls`, async (t) => {
        for (const peer of ['samba', 'impacket', program] as const) if (!(await requirePeer(t, peer))) return;
        const samba = await session.samba();
        await using front = await inFrontOf(await session.proxy(), name, change);
        const url = `https://127.0.0.1:${front.port}/rpc/rpcproxy.dll`;
        const result = await runImpacket(samba, url, { httpAuth: login, level: 'seal' });
        assert.equal(result.code, 0, describeFailure(['impacket-rpch.py'], result));
      });

      test(`${name}, ${login}: smbtorture rpc.echo`, async (t) => {
        for (const peer of ['samba', program] as const) if (!(await requirePeer(t, peer))) return;
        const samba = await session.samba();
        await using front = await inFrontOf(await session.proxy(), name, change);
        const http = `RpcProxy=127.0.0.1:${front.port},HttpUseTls=true,HttpAuthOption=${login}`;
        const binding = `ncacn_http:${samba.ip}[${samba.rpcPort},seal,${http}]`;
        const result = await smbtorture(samba, binding, 'rpc.echo', { as: samba.user });
        assert.deepEqual(result.failed, [], result.account);
        assert.ok(result.passed.length > 0, result.account);
      });
    }
  }

  test("nginx-http: Samba's client hangs, for its HTTP/1.0 has become HTTP/1.1", async (t) => {
    for (const peer of ['samba', 'nginx'] as const) if (!(await requirePeer(t, peer))) return;
    const samba = await session.samba();
    await using front = await inFrontOf(await session.proxy(), 'nginx-http', nginxTls);
    const http = `RpcProxy=127.0.0.1:${front.port},HttpUseTls=true,HttpAuthOption=basic`;
    const binding = `ncacn_http:${samba.ip}[${samba.rpcPort},seal,${http}]`;
    const result = await smbtorture(samba, binding, 'rpc.echo', { as: samba.user, timeoutMs: 10_000 });
    assert.match(result.failed.join(), /stopped after/, result.account);
    assert.deepEqual(result.passed, ['echo.addone'], result.account);
  });
});

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { describeFailure } from '../../src/peers/commands.ts';
import { type ImpacketOptions, runImpacket, runRpcmap } from '../../src/peers/impacket.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { PeerSession } from '../../src/peers/session.ts';

type Case = readonly ['http' | 'https', ImpacketOptions['httpAuth'], ImpacketOptions['level']];

/** Every listener with every kind of HTTP authentication, and every level; all combinations are in the soak. */
const cases: readonly Case[] = [
  ['http', 'auto', 'none'],
  ['http', 'basic', 'packet'],
  ['http', 'ntlm', 'sign'],
  ['https', 'auto', 'seal'],
  ['https', 'basic', 'sign'],
  ['https', 'ntlm', 'none'],
];

/** Lines of impacket-rpch.py after the list of interfaces: one for each call that returned what it should. */
const calls = ['AddOne', 'EchoData 1', 'EchoData 1000', 'EchoData 4000', 'SourceData 100000', 'SourceData 300000'];

describe('impacket calls rpcecho through the proxy', () => {
  const session = new PeerSession();
  after(() => session.close());
  for (const [scheme, httpAuth, level] of cases) {
    test(`${scheme}, HTTP ${httpAuth}, RPC ${level}`, async (t) => {
      if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'impacket')))) return;
      const samba = await session.samba();
      const result = await runImpacket(samba, (await session.proxy())[scheme].url, { httpAuth, level });
      const account = describeFailure(['impacket-rpch.py'], result);
      assert.equal(result.code, 0, account);
      const lines = result.stdout.trimEnd().split('\n');
      assert.deepEqual(
        lines.filter((line) => !line.startsWith('interface ')),
        calls.map((call) => `${call} ok`),
        account,
      );
      assert.ok(lines.length > calls.length, 'no interface was listed');
    });
  }
});

describe("impacket's rpcmap.py lists the interfaces through the proxy", () => {
  const session = new PeerSession({ httpPort: 80, httpsPort: 443 });
  after(() => session.close());
  for (const port of [80, 443] as const) {
    test(`port ${port}`, async (t) => {
      if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'impacket')))) return;
      const samba = await session.samba();
      await session.proxy();
      const result = await runRpcmap(samba, port);
      const account = describeFailure(['rpcmap.py'], result);
      assert.equal(result.code, 0, account);
      assert.match(result.stdout, /^UUID: 60A15EC5-4DE8-11D7-A637-005056A20182 v1\.0$/m, account);
    });
  }
});

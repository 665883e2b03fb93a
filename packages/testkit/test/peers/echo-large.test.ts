import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { proxyBinding, transports } from '../../src/peers/bindings.ts';
import { echoLarge } from '../../src/peers/echo-large.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { PeerSession } from '../../src/peers/session.ts';

const CALLS = 20;
const MIB = 1024 * 1024;

describe(`${CALLS} calls of EchoData with 1 MiB on one virtual connection come back byte for byte`, () => {
  const session = new PeerSession();
  after(() => session.close());
  for (const transport of transports) {
    test(transport.name, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const samba = await session.samba();
      const binding = proxyBinding(samba, await session.proxy(), transport, 'seal');
      const result = await echoLarge(samba, binding, { calls: CALLS, size: MIB, timeoutMs: 120_000 });
      t.diagnostic(`${transport.name}: ${result.seconds} s for ${result.bytes} bytes each way`);
      assert.equal(result.calls, CALLS);
      assert.equal(result.bytes, CALLS * MIB);
    });
  }
});

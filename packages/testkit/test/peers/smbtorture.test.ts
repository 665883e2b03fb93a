import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  type BindingOption,
  bindingOptions,
  directBinding,
  proxyBinding,
  transports,
} from '../../src/peers/bindings.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { PeerSession } from '../../src/peers/session.ts';
import { smbtorture, type TortureResult } from '../../src/peers/smbtorture.ts';

const session = new PeerSession();
const SUITE = 'rpc.echo';
const direct = new Map<BindingOption, Promise<TortureResult>>();

/** The suite straight over TCP, once for each option. */
async function directly(option: BindingOption): Promise<TortureResult> {
  const samba = await session.samba();
  const run = direct.get(option) ?? smbtorture(samba, directBinding(samba, option), SUITE, { as: samba.user });
  direct.set(option, run);
  return run;
}

// Each run of the suite is three seconds of sleep and a few milliseconds of work.
describe('smbtorture rpc.echo passes as many tests through the proxy as straight over TCP', { concurrency: 6 }, () => {
  after(() => session.close());
  for (const transport of transports) {
    for (const option of bindingOptions) {
      test(`${transport.name}, ${option}`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const samba = await session.samba();
        const proxy = await session.proxy();
        const expected = await directly(option);
        assert.deepEqual(expected.failed, [], expected.account);
        assert.ok(expected.passed.length > 0, expected.account);
        const binding = proxyBinding(samba, proxy, transport, option);
        const result = await smbtorture(samba, binding, SUITE, { as: samba.user });
        assert.deepEqual(result.failed, [], result.account);
        assert.deepEqual(result.passed, expected.passed, result.account);
      });
    }
    test(`${transport.name}, anonymous: Samba has no HTTP account without one for RPC, so it is not let in`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      const samba = await session.samba();
      const binding = proxyBinding(samba, await session.proxy(), transport, 'sign');
      const result = await smbtorture(samba, binding, SUITE, { as: 'anonymous' });
      assert.deepEqual(result.passed, [], result.account);
      assert.ok(result.failed.length > 0, result.account);
    });
  }
});

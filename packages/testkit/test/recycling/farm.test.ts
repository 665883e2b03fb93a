import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FARM_BACKENDS, type FarmBackend, FarmScene } from '../../soak/farm-scene.ts';
import { drainFaults, drainTrial, killTrial } from '../../soak/farm-trials.ts';

/** Channels of the smallest size, which such calls use up in a second or so. */
const PACE = { channelLifetime: 128 * 1024, pause: 1, drainTimeout: 20 };
/** So many that a killed proxy leaves some untouched: of three hosts on a session's way each may be the one. */
const SESSIONS = { native: 12, endpoints: 12, 'own-endpoints': 24 } as const;
/** Until recycling goes on everywhere, and how long it is watched what a killed proxy does, ms. */
const [WARM, WATCH] = [1500, 2500];

/** Without namespaces, so that it needs no root: the hosts are ports of 127.0.0.1. The soak has two hosts. */
async function withFarm(backend: FarmBackend, use: (scene: FarmScene) => Promise<void>): Promise<void> {
  const scene = await FarmScene.open({ backend, sessions: SESSIONS[backend], namespaces: false, ...PACE });
  try {
    await delay(WARM);
    await use(scene);
  } finally {
    await scene.close();
  }
}

for (const backend of FARM_BACKENDS) {
  test(`${backend}: a proxy is killed in mid-session: its sessions end, and no other notices`, async (t) => {
    await withFarm(backend, async (scene) => {
      const outcome = await killTrial(scene, 'A', WATCH);
      t.diagnostic(JSON.stringify(outcome.sessions));
      assert.deepEqual(outcome.faults, []);
      assert.deepEqual([...outcome.errors.keys()], ['RPCH_CHANNEL_LOST']);
    });
  });

  // What is served by a proxy's own endpoint cannot leave it.
  if (backend === 'own-endpoints') continue;
  test(`${backend}: a proxy drains: its sessions go over to the other one without a failed call`, async (t) => {
    await withFarm(backend, async (scene) => {
      const outcome = await drainTrial(scene, 'A');
      t.diagnostic(`${outcome.calls} calls in ${outcome.exitAfter.toFixed(0)} ms`);
      assert.deepEqual(outcome.faults, []);
      assert.equal(scene.channelsOn('A').length, 0);
    });
  });
}

test('a failed call, a session that ended, an exit by force: each is a fault of draining', () => {
  const good: Parameters<typeof drainFaults>[0] = {
    ...{ host: 'A', sessions: 2, channels: { in: 1, out: 1 }, exit: 0, exitAfter: 900, calls: 40, failed: 0, ended: 0 },
    stories: [],
    ...{ reasons: new Map(), recyclings: { in: { R1: 1, R2: 0 }, out: { R1: 1, R2: 0 } } },
  };
  assert.deepEqual(drainFaults(good, 1), []);
  const wrong = [
    { ...good, failed: 1 },
    { ...good, ended: 1 },
    { ...good, exit: 1 },
    { ...good, exit: 'SIGKILL' },
    { ...good, exitAfter: 1001 },
    { ...good, calls: 1 },
    { ...good, reasons: new Map([['proxy-stopped', 1]]) },
    { ...good, recyclings: { ...good.recyclings, out: { R1: 0, R2: 1 } } },
    { ...good, channels: { in: 0, out: 0 } },
  ];
  for (const outcome of wrong) assert.equal(drainFaults(outcome, 1).length, 1, JSON.stringify(outcome));
});

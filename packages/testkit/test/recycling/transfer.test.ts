import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inRecyclings, outRecyclings } from '../../src/transfer/checks.ts';
import { type Combination, runTransfer } from '../../src/transfer/run-transfer.ts';

const SIZES = { lifetime: 128 * 1024, window: 256 * 1024 } as const;
const BYTES = 3 * 1024 * 1024;
/** How often each channel is replaced on the way, at least. */
const RECYCLINGS = BYTES / SIZES.lifetime;
/** The short form of `npm run soak -- transfer`: too short to say anything about memory. */
const RUN = { sampleEvery: 200, growthLimits: undefined, stallTimeout: 30_000 } as const;

const BY_BYTES = (['http', 'https'] as const).flatMap((scheme) =>
  (['tcp', 'native'] as const).flatMap((backend) =>
    (['one', 'alternate'] as const).map((layout) => ({ scheme, backend, layout, goal: { bytes: BYTES } })),
  ),
);
const BY_RECYCLINGS = (['tcp', 'native'] as const).map((backend) => {
  return { scheme: 'http', backend, layout: 'split', goal: { recyclings: RECYCLINGS } } as const;
});

for (const part of [...BY_BYTES, ...BY_RECYCLINGS]) {
  const { scheme, backend, layout, goal } = part;
  test(`data both ways: ${scheme}, ${backend} back end, proxies: ${layout}, until ${Object.keys(goal)[0]}`, async () => {
    const combination: Combination = { ...part, ...SIZES };
    const { outcome, failures, memory } = await runTransfer(combination, RUN);
    assert.deepEqual(failures, []);
    assert.ok(outcome !== undefined);
    assert.ok(
      memory.length >= 3 && memory.every(({ marks }) => marks.length === 3 && marks.every(({ kept }) => kept > 0)),
    );
    assert.equal(outcome.server.receivedSha256, outcome.sentSha256);
    assert.equal(outcome.server.sentSha256, outcome.receivedSha256);
    assert.ok(Math.min(inRecyclings(outcome), outRecyclings(outcome)) >= RECYCLINGS);
  });
}

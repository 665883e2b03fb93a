import { test } from 'node:test';
import { NetworkNamespace } from '../../src/network-namespace.ts';
import { peersAreRequired } from '../../src/peers/requirePeer.ts';
import { check } from './row.ts';
import { VANISH_ROWS } from './vanish-rows.ts';

test('faults of machines that fall silent', { concurrency: true }, async (t) => {
  const obstacle = peersAreRequired() ? undefined : await NetworkNamespace.obstacle();
  const skip = obstacle === undefined ? false : `network namespace: ${obstacle}`;
  const tests = VANISH_ROWS.map((row) => t.test(row.name, { skip }, async () => check(row, await row.run())));
  await Promise.all(tests);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, runAll } from './arena.ts';
import * as front from './front-attacks.ts';
import * as protocol from './protocol-attacks.ts';
import * as stream from './stream-attacks.ts';

const MEGABYTE = 1024 * 1024;
/** How much larger heap and process may be after all attacks than after the first ones; a leak of each session is more. */
const HEAP_MARGIN = 8 * MEGABYTE;
const RSS_MARGIN = 96 * MEGABYTE;
const SEED = 20_260_101;

type Attack = readonly [name: string, jobs: (arena: Arena) => Iterable<() => Promise<void>>, atATime?: number];

const ATTACKS: readonly Attack[] = [
  ['every prefix of either channel, then FIN', (arena) => stream.prefixes(arena)],
  ['either channel cut in two at every byte: the session opens and a call is answered', (arena) => stream.cuts(arena)],
  [`mutations, seed ${SEED}`, (arena) => stream.mutations(arena, SEED, 600)],
  [`noise, seed ${SEED}`, (arena) => stream.noise(arena, SEED, 300)],
  [`open sessions that send mutated PDUs, seed ${SEED}`, (arena) => stream.corruptedSessions(arena, SEED, 300)],
  ['every RTS PDU in every wrong state', (arena) => protocol.rtsInWrongStates(arena), 100],
  ['PDUs out of place, and frag_length 65535 without the bytes', (arena) => protocol.pdusOutOfPlace(arena), 40],
  ['Content-Length that lies', (arena) => protocol.contentLengthLies(arena), 60],
  ['heads that break the grammar or the limits', (arena) => front.badHeads(arena)],
  ['heads that come byte by byte for ever', (arena) => front.slowHeads(arena, 100), 100],
  ['idle connections, more than one address may have', (arena) => front.idleConnections(arena, 600), 600],
  ['requests without end whose answers are not read', (arena) => front.unreadAnswers(arena)],
  ['refused sessions', (arena) => front.refusals(arena, 200), 200],
];

test('hostile input while a good session makes a call every 50 ms', async (t) => {
  await using arena = await Arena.open();
  // What is compiled, cached and pooled once is no leak.
  await runAll(stream.cuts(arena, 3));
  await runAll(stream.mutations(arena, SEED - 1, 200));
  const before = await arena.calm();

  for (const [name, jobs, atATime] of ATTACKS) {
    await t.test(name, async () => {
      assert.ok((await runAll(jobs(arena), atATime)) > 0);
      // Nothing but the good session is left, and it has not noticed.
      const { faults } = await arena.calm();
      assert.deepEqual(faults, [], 'the proxy logged faults of its own');
      arena.assertUnharmed();
    });
  }

  await t.test('afterwards the memory is what it was', async () => {
    const { heap, rss } = await arena.calm();
    const grown = { heap: heap - before.heap, rss: rss - before.rss };
    const { calls, longest } = arena.pulse;
    console.log(
      `${calls} calls of the good session, the longest ${Math.round(longest)} ms; ` +
        `heap ${(grown.heap / MEGABYTE).toFixed(1)} MB, process ${(grown.rss / MEGABYTE).toFixed(1)} MB more than before`,
    );
    assert.ok(grown.heap <= HEAP_MARGIN, `the heap has grown by ${grown.heap} bytes`);
    assert.ok(grown.rss <= RSS_MARGIN, `the process has grown by ${grown.rss} bytes`);
  });
});

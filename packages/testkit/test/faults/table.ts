/** Brings every fault about and prints the page docs/faults.md on stdout. Fails when an outcome is not the expected one. */
import { NetworkNamespace } from '../../src/network-namespace.ts';
import { page } from './markdown.ts';
import { check, type Outcome, type Row } from './row.ts';
import { ROWS } from './rows.ts';
import { VANISH_ROWS } from './vanish-rows.ts';

const obstacle = await NetworkNamespace.obstacle();
if (obstacle !== undefined) console.error(`without the rows about vanishing machines: ${obstacle}`);
const slow = obstacle === undefined ? VANISH_ROWS : [];
const vanishing = slow.map(play);
const outcomes = new Map<Row, Outcome>();
// One after the other, so that the milliseconds are those of the proxy and not of a busy machine.
for (const row of ROWS) keep(row, await play(row));
for (const [at, row] of slow.entries()) keep(row, await vanishing[at]);
process.stdout.write(page(outcomes));

/** A row that fails is told of, and the others are played all the same. */
async function play(row: Row): Promise<Outcome | undefined> {
  try {
    const outcome = await row.run();
    check(row, outcome);
    return outcome;
  } catch (error) {
    console.error(`${row.name}:`, error);
    process.exitCode = 1;
    return undefined;
  }
}

function keep(row: Row, outcome: Outcome | undefined): void {
  if (outcome !== undefined) outcomes.set(row, outcome);
}

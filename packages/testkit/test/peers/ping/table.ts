/** Makes every set-up, pings it, and prints the page docs/ping.md on stdout. Fails when a cause is not named. */
import { page } from './markdown.ts';
import { type PingRow, play, type Said } from './row.ts';
import { SECTIONS } from './rows.ts';

const said = new Map<PingRow, Said>();
for (const row of SECTIONS.flatMap(([, rows]) => rows)) {
  try {
    said.set(row, await play(row));
  } catch (error) {
    // The others are played all the same.
    console.error(`${row.name}:`, error);
    process.exitCode = 1;
  }
}
process.stdout.write(page(said));

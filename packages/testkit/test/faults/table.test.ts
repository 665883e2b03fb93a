import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../../src/live-proxy.ts';
import { expectedLine, table, withoutTimes } from './markdown.ts';
import { refusals } from './refusal-rows.ts';
import { check, type Outcome, type Row } from './row.ts';
import { ROWS } from './rows.ts';
import { VANISH_ROWS } from './vanish-rows.ts';

/** How far the times of refusals may lie apart, ms. */
const ALIKE = 100;

test('faults', async (t) => {
  const outcomes = new Map<Row, Outcome>();
  await t.test('each ends as the table says, in time, and leaves nothing', { concurrency: 4 }, async (t) => {
    const tests = ROWS.map((row) =>
      t.test(row.name, async () => {
        const outcome = await row.run();
        outcomes.set(row, outcome);
        check(row, outcome);
      }),
    );
    await Promise.all(tests);
  });
  console.log(table(outcomes));

  await t.test('a client cannot tell why it was refused', () => {
    assert.equal(refusals.size, 5);
    const heads = new Set(
      [...refusals.values()].map(({ head }) => head.replace(/(?<=Incident: )[a-z2-9]{12}(?=\r\n)/, '')),
    );
    assert.equal(heads.size, 1, `heads differ: ${JSON.stringify([...heads])}`);
    const times = [...refusals.values()].map(({ after }) => after);
    const spread = Math.max(...times) - Math.min(...times);
    assert.ok(spread <= ALIKE, `refusals came ${spread} ms apart: ${JSON.stringify([...refusals])}`);
  });

  await t.test('no socket of any party is left', async () => {
    const left = () => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
    // A listener that was closed is given back with the next turns.
    await eventually(
      () => left().length === 0,
      () => `sockets are left: ${left().join(', ')}`,
      1000,
    );
  });

  await t.test('docs/faults.md has every row', () => {
    const lines = withoutTimes(readFileSync(new URL('../../../../docs/faults.md', import.meta.url), 'utf8'));
    for (const row of [...ROWS, ...VANISH_ROWS]) assert.ok(lines.includes(expectedLine(row)), expectedLine(row));
  });
});

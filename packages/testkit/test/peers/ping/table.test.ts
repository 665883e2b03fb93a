import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { PeerSession } from '../../../src/peers/session.ts';
import { page, tableLine } from './markdown.ts';
import { type PingRow, play, type Said } from './row.ts';
import { SECTIONS } from './rows.ts';

const ROWS = SECTIONS.flatMap(([, rows]) => rows);

test('set-ups that are broken on purpose', async (t) => {
  const document = readFileSync(new URL('../../../../../docs/ping.md', import.meta.url), 'utf8');
  const lines = document.split('\n');
  const samba = new PeerSession();
  t.after(() => samba.close());
  const said = new Map<PingRow, Said>();

  await t.test('ping names the hop, and the cause, as docs/ping.md has it', { concurrency: 6 }, async (t) => {
    const tests = ROWS.map((row) =>
      t.test(row.name, async (t) => {
        if (row.peer !== undefined) {
          if (!(await requirePeer(t, row.peer))) return;
          // Kept up for all rows.
          await samba.samba();
        }
        const found = await play(row);
        said.set(row, found);
        assert.ok(lines.includes(tableLine(row, found)), `docs/ping.md lacks\n${tableLine(row, found)}`);
      }),
    );
    await Promise.all(tests);
  });

  await t.test('docs/ping.md has these rows and no others', (t) => {
    assert.ok(ROWS.length >= 25);
    assert.equal(new Set(ROWS.map(({ name }) => name)).size, ROWS.length, 'no name stands twice');
    if (said.size < ROWS.length) t.skip('not every row was played');
    else assert.equal(document, page(said));
  });
});

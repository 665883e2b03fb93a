import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedLines } from '../../src/net/bounded-lines.ts';

test('ten lines a second are written, and how many more there were', () => {
  const log: string[] = [];
  const scheduled: (() => void)[] = [];
  const lines = new BoundedLines(
    (line) => log.push(line),
    (work, ms) => {
      assert.equal(ms, 1000);
      scheduled.push(work);
    },
  );
  for (let i = 0; i < 1000; i++) lines.write(`line ${i}`);
  assert.deepEqual(
    log.splice(0),
    Array.from({ length: 10 }, (_, i) => `line ${i}`),
  );
  assert.equal(scheduled.length, 1);
  scheduled.pop()?.();
  assert.deepEqual(log.splice(0), ['990 more lines like those before']);
  assert.equal(scheduled.length, 0);

  lines.write('again');
  scheduled.pop()?.();
  assert.deepEqual(log, ['again']);
  assert.equal(scheduled.length, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BoundedLog, INTERVAL, MAX_DISTINCT, MAX_LINES, SUMMARY_AFTER } from '../../src/services/bounded-log.ts';
import { recordingLog } from './emsmdb/rop-client.ts';
import { ManualTime } from './emsmdb/store-client.ts';

const EVENT = 'store.access.refused';

function scene() {
  const time = new ManualTime();
  const { lines, log } = recordingLog();
  const bounded = new BoundedLog(log, time.after);
  const refuse = (folder: number, more: Readonly<Record<string, unknown>> = {}) =>
    bounded.warn({ event: EVENT, account: 'mallory', session: 1, folder, error: 'NotFound', ...more }, 'a folder');
  const taken = () => lines.splice(0, lines.length);
  /** What was left out of the lines so far. */
  const more = () =>
    taken().flatMap(({ fields }) => (fields.event === 'store.refused.more' ? [[fields.account, fields.more]] : []));
  return { time, bounded, refuse, taken, more };
}

test('the first lines are written whole, the rest is counted and told of', () => {
  const { time, refuse, taken, more } = scene();
  for (let i = 0; i < 1000; i += 1) refuse(7, { session: i });
  const written = taken();
  assert.equal(written.length, MAX_LINES);
  assert.deepEqual(written[3], {
    level: 'warn',
    fields: { event: EVENT, account: 'mallory', session: 3, folder: 7, error: 'NotFound' },
    message: 'a folder',
  });
  time.pass(SUMMARY_AFTER - 1);
  assert.deepEqual(taken(), []);
  time.pass(1);
  assert.deepEqual(more(), [['mallory', { [`${EVENT}: NotFound`]: 1000 - MAX_LINES }]]);
  // Told of once; then it begins again, and after the interval with whole lines.
  time.pass(SUMMARY_AFTER);
  refuse(7);
  refuse(7, { event: 'store.limit', error: 'MaxObjsExceeded', folder: 7 });
  assert.equal(taken().length, 1, 'one that says something new has its line');
  time.pass(INTERVAL);
  assert.deepEqual(more(), [['mallory', { [`${EVENT}: NotFound`]: 1 }]]);
  refuse(7);
  assert.equal(taken().length, 1);
});

test('each that says something new has its line, up to a number; other accounts are not concerned', () => {
  const { bounded, refuse, taken, more } = scene();
  for (let i = 0; i < MAX_LINES; i += 1) refuse(0);
  taken();
  const twice = 2 * MAX_DISTINCT;
  for (let i = 0; i < twice; i += 1) refuse(i);
  assert.deepEqual(
    taken().map(({ fields }) => fields.folder),
    Array.from({ length: MAX_DISTINCT - 1 }, (_, i) => i + 1),
  );
  bounded.warn({ event: EVENT, user: 'bob', error: 'NotFound' }, 'a folder');
  assert.equal(taken().length, 1);
  bounded.close();
  assert.deepEqual(more(), [['mallory', { [`${EVENT}: NotFound`]: twice - MAX_DISTINCT + 1 }]]);
});

test('what buffers are made of makes no line a new one; texts are cut; nothing is lost from the counts', () => {
  const { bounded, taken } = scene();
  const total = 3 * MAX_LINES;
  for (let i = 0; i < total; i += 1) {
    bounded.warn({ event: 'store.rop.malformed', account: 'mallory', size: i, bytes: `${i}`, why: `at ${i}` }, 'cut');
  }
  assert.equal(taken().length, MAX_LINES);
  bounded.warn({ event: 'store.logon.refused', account: 'mallory', dn: 'x'.repeat(100_000) }, 'no such user');
  const [line] = taken();
  assert.ok(String(line?.fields.dn).length < 1000);
  bounded.info({ event: 'store.session', account: 'mallory' }, 'session');
  bounded.close();
  const [session, rest, all] = taken();
  assert.equal(session?.fields.event, 'store.session');
  assert.deepEqual(rest?.fields.more, { 'store.rop.malformed': total - MAX_LINES });
  assert.deepEqual(all?.fields.counts, { 'store.rop.malformed': total, 'store.logon.refused': 1 });
});

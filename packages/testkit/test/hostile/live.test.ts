import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveFuzz } from '../../soak/fuzz-live.ts';

const SESSIONS = 60;

test(`${SESSIONS} damaged sessions over TCP and ncacn_http: a server goes on, good clients are answered, nothing is left`, async (t) => {
  const live = await LiveFuzz.start();
  t.after(() => live.stop());
  const { sessions, bound, calls, findings } = await live.run({ seed: 1, until: { sessions: SESSIONS } });
  assert.deepEqual(findings, []);
  assert.ok(sessions >= SESSIONS);
  assert.ok(bound > SESSIONS / 10, `${bound} sessions got past authentication`);
  assert.ok(calls > 2);
});

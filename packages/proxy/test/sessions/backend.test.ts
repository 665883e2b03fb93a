import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRule } from '../../src/access/rule.ts';
import { dial } from '../../src/sessions/backend.ts';
import { Deadline } from '../../src/sessions/deadline.ts';

const rule = makeRule('ncacn_ip_tcp:server.example[135]');
const target = { host: 'server.example', port: 135 };

test('a look-up that does not end is given up when time is up', async () => {
  const deadline = new Deadline(60_000);
  const dialled = dial(target, rule, () => new Promise(() => {}), deadline);
  deadline.pass();
  assert.deepEqual(await dialled, { kind: 'failed', why: 'no answer in time from server.example[135]' });
});

test('a look-up that fails says so', async () => {
  const lookup = () => Promise.reject(new Error('ENOTFOUND'));
  const deadline = new Deadline(60_000);
  const dialled = await dial(target, rule, lookup, deadline);
  deadline.lift();
  assert.deepEqual(dialled, { kind: 'failed', why: 'looking up server.example failed' });
});

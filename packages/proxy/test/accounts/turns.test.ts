import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Throttle } from '../../src/accounts/throttle.ts';
import { MAX_WAITING, MAX_WAITING_PER_ADDRESS, Turns } from '../../src/accounts/turns.ts';
import { settle, VirtualClock } from './support.ts';

function setUp() {
  const clock = new VirtualClock();
  const throttle = new Throttle();
  return { clock, throttle, turns: new Turns(throttle, clock.now, clock.wait) };
}

test('room for those who wait is bounded per address and in all, and given back', async () => {
  const { clock, throttle, turns } = setUp();
  const addresses = Array.from({ length: MAX_WAITING / MAX_WAITING_PER_ADDRESS }, (_, at) => `10.0.0.${at}`);
  const attempts = addresses.flatMap((address) => {
    for (let at = 0; at < 4; at++) throttle.failed(address, 'alice', clock.now());
    return Array.from({ length: MAX_WAITING_PER_ADDRESS }, () => turns.take(address, 'alice', () => 0));
  });
  assert.equal(turns.waiting, MAX_WAITING);
  throttle.failed('10.1.0.0', 'alice', clock.now());
  assert.equal((await turns.take('10.1.0.0', 'alice', () => 0)).kind, 'done', 'no need to wait');
  for (let at = 0; at < 4; at++) throttle.failed('10.1.0.0', 'alice', clock.now());
  assert.deepEqual(await turns.take('10.1.0.0', 'alice', () => 0), { kind: 'busy' });
  await clock.advance(60_000);
  assert.deepEqual(new Set((await Promise.all(attempts)).map(({ kind }) => kind)), new Set(['done']));
  assert.equal(turns.waiting, 0);
});

test('work that fails lets the next one have its turn', async () => {
  const { clock, turns } = setUp();
  let fail: (error: Error) => void = () => assert.fail();
  const broken = turns.take(
    '10.0.0.1',
    'alice',
    () =>
      new Promise((_, reject) => {
        fail = reject;
      }),
  );
  const next = turns.take('10.0.0.1', 'alice', () => 'next');
  await settle();
  assert.equal(turns.waiting, 1);
  fail(new Error('down'));
  await assert.rejects(broken, /down/);
  assert.deepEqual(await next, { kind: 'done', value: 'next', delayed: 0 });
  assert.equal(clock.waiting, 0);
  assert.equal(turns.waiting, 0);
});

test('accounts and addresses do not wait for each other', async () => {
  const { turns } = setUp();
  const never = () => new Promise<void>(() => {});
  void turns.take('10.0.0.1', 'alice', never);
  assert.equal((await turns.take('10.0.0.1', 'bob', () => 0)).kind, 'done');
  assert.equal((await turns.take('10.0.0.2', 'alice', () => 0)).kind, 'done');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '@rpch/testkit';

const SEEDS = 500;

test(`${SEEDS} schedules of the four roles: nothing lost, doubled, out of order, stuck or left behind`, () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const { plan, outcome } = simulate(seed);
    outcomes.add(`${plan.client} ${plan.arrangement} ${outcome}`);
  }
  assert.equal(outcomes.size, 12, 'every kind of client, arrangement and end must be among the seeds');
});

test('a schedule follows from its seed', () => {
  assert.deepEqual(simulate(7), simulate(7));
});

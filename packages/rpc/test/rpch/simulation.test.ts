import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, SimulationFailure, shrink, simulate, simulatePlan, TransitionCoverage } from '@rpch/testkit';

const SEEDS = 5000;

test(`${SEEDS} schedules of the four roles: nothing lost, doubled, out of order, stuck or left behind`, () => {
  const coverage = new TransitionCoverage();
  const outcomes = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const { plan, outcome } = simulate(seed, coverage);
    outcomes.add(`${plan.client} ${plan.arrangement} ${outcome}`);
  }
  assert.equal(outcomes.size, 12, 'every kind of client, arrangement and end must be among the seeds');
  assert.deepEqual(coverage.missing, [], 'every transition that is declared must be taken');
});

test('a schedule follows from its seed', () => {
  assert.deepEqual(simulate(7), simulate(7));
});

test('a plan is JSON, and a schedule follows from it', () => {
  const plan = planOf(11);
  assert.deepEqual(simulatePlan(JSON.parse(JSON.stringify(plan))), simulatePlan(plan));
});

test('a schedule that fails shrinks to a plan that fails in the same way, and tells what happened', () => {
  // Less than a lifetime may be ([MS-RPCH] 2.2.3.5.5): the server refuses it.
  const plan = { ...planOf(3), arrangement: 'native', lifetimes: { in: 131_072, out: 1000 } } as const;
  const failure = failureOf(() => simulatePlan(plan));
  assert.equal(failure.invariant, 'protocol-error');
  const shrunk = shrink(failure);
  assert.equal(shrunk.invariant, 'protocol-error');
  assert.equal(shrunk.plan.calls.length, 1);
  assert.equal(shrunk.plan.hosts.length, 1);
  assert.deepEqual(shrunk.plan.faults, []);
  assert.equal(failureOf(() => simulatePlan(shrunk.plan)).message, shrunk.message);
  assert.match(shrunk.message, /\d+ ms {2}host 0, OP>S of host 0 {2}an RTS PDU that cannot be: value 1000/);
});

function failureOf(work: () => unknown): SimulationFailure {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SimulationFailure);
    return error;
  }
  assert.fail('it did not fail');
}

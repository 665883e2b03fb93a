import { TransitionCoverage } from './coverage.ts';
import { SimulationFailure } from './failure.ts';
import { InvariantError } from './invariant.ts';
import type { Plan } from './plan.ts';
import { planOf } from './planner.ts';
import { runPlan, type SimulationResult } from './schedule.ts';

/**
 * Runs the four roles together once, in virtual time, with everything that the seed decides: clients, hosts, windows,
 * lifetimes, latencies, cuts, pauses, deaths, stalls, hostile parties.
 *
 * Invariants: no byte of an RPC PDU is lost, doubled or out of order; all is delivered in finite time, unless a fault ended
 * the session; the end of one party is the end of all; no session, connection, timer or byte is left behind; nobody holds
 * more than the named bounds; nobody sends into a window that is too small or a body that is full; nothing but protocol
 * errors comes out of a role, and among conforming parties not even these; every transition is a declared one. Throws
 * {@link SimulationFailure}.
 * @param coverage counts the transitions.
 */
export function simulate(seed: number, coverage = new TransitionCoverage()): SimulationResult {
  return simulatePlan(planOf(seed), coverage);
}

/** The same for a plan. */
export function simulatePlan(plan: Plan, coverage = new TransitionCoverage()): SimulationResult {
  try {
    return runPlan(plan, coverage);
  } catch (error) {
    if (!(error instanceof InvariantError)) throw error;
    throw failureOf(plan, error);
  }
}

/** Runs a plan that failed once more, to write down what happens. */
function failureOf(plan: Plan, first: InvariantError): SimulationFailure {
  const schedule: string[] = [];
  try {
    runPlan(plan, new TransitionCoverage(), (line) => schedule.push(line));
  } catch (error) {
    if (error instanceof InvariantError) return new SimulationFailure(plan, error, schedule);
    throw error;
  }
  const why = 'failed once and not again: it does not follow from the plan';
  return new SimulationFailure(plan, new InvariantError('repeatable', why, { cause: first }), schedule);
}

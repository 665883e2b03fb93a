import { TransitionCoverage } from './coverage.ts';
import { SimulationFailure } from './failure.ts';
import { InvariantError } from './invariant.ts';
import { LONG_LIFETIME, type Plan, type PlannedCall, type PlannedMessage } from './plan.ts';
import { runPlan } from './schedule.ts';
import { simulatePlan } from './simulation.ts';

/** What else may happen by chance is tried so often before a part of a plan is taken to be needed. */
const SEEDS = 6;
/** Runs after which what has been reached must do. */
const MOST_RUNS = 3000;

/**
 * Leaves out of a plan whatever its failure does not need: faults, calls, fragments, pauses, latencies, hosts, short
 * lifetimes. What is left breaks the same invariant. Returns its failure.
 */
export function shrink(failure: SimulationFailure): SimulationFailure {
  const { invariant } = failure;
  let { plan } = failure;
  let runs = 0;
  const fails = (candidate: Plan): boolean => {
    runs++;
    try {
      runPlan(candidate, new TransitionCoverage());
      return false;
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error;
      return error.invariant === invariant;
    }
  };
  for (let smaller: Plan | undefined = plan; smaller !== undefined && runs < MOST_RUNS; ) {
    smaller = undefined;
    for (const candidate of candidatesOf(plan)) {
      if (runs >= MOST_RUNS) break;
      smaller = withSomeSeed(candidate, fails);
      if (smaller !== undefined) break;
    }
    if (smaller !== undefined) plan = smaller;
  }
  return failureAgain(plan) ?? failure;
}

function failureAgain(plan: Plan): SimulationFailure | undefined {
  try {
    simulatePlan(plan);
  } catch (error) {
    if (error instanceof SimulationFailure) return error;
    throw error;
  }
  return undefined;
}

/** A part less changes what happens by chance: the failure may show itself with other chances only. */
function withSomeSeed(candidate: Plan, fails: (plan: Plan) => boolean): Plan | undefined {
  for (let i = 0; i < SEEDS; i++) {
    const plan = i === 0 ? candidate : { ...candidate, seed: (candidate.seed * 31 + i) % 1_000_000_007 };
    if (fails(plan)) return plan;
  }
  return undefined;
}

/** Plans that are a little simpler, the largest steps first. */
function* candidatesOf(plan: Plan): Generator<Plan> {
  for (let i = 0; i < plan.faults.length; i++) yield { ...plan, faults: plan.faults.filter((_, at) => at !== i) };
  const half = Math.ceil(plan.calls.length / 2);
  if (plan.calls.length > 1) {
    yield { ...plan, calls: plan.calls.slice(0, half) };
    yield { ...plan, calls: plan.calls.slice(half) };
    yield { ...plan, calls: plan.calls.slice(1) };
  }
  yield* simplerSettings(plan);
  for (let i = 0; i < plan.calls.length; i++) {
    for (const call of smallerCalls(plan.calls[i]))
      yield { ...plan, calls: plan.calls.map((c, at) => (at === i ? call : c)) };
  }
}

function* simplerSettings(plan: Plan): Generator<Plan> {
  if (plan.silence > 0) yield { ...plan, silence: 0 };
  if (plan.lingers > 0) yield { ...plan, lingers: 0 };
  if (plan.pauses > 0) yield { ...plan, pauses: 0 };
  if (plan.hiccups > 0) yield { ...plan, hiccups: 0 };
  if (plan.keepAlives > 0) yield { ...plan, keepAlives: plan.keepAlives >> 1 };
  if (!plan.greets) yield { ...plan, greets: true };
  if (plan.banner) yield { ...plan, banner: false };
  if (plan.lifetimes.in < LONG_LIFETIME) yield { ...plan, lifetimes: { ...plan.lifetimes, in: LONG_LIFETIME } };
  if (plan.lifetimes.out < LONG_LIFETIME) yield { ...plan, lifetimes: { ...plan.lifetimes, out: LONG_LIFETIME } };
  const last = plan.hosts.length - 1;
  if (last > 0) {
    const within = (route: readonly number[]) => route.map((host) => Math.min(host, last - 1));
    const routes = { in: within(plan.routes.in), out: within(plan.routes.out) };
    yield { ...plan, hosts: plan.hosts.slice(0, -1), routes };
  }
  for (const way of ['in', 'out'] as const) {
    if (plan.routes[way].length > 1)
      yield { ...plan, routes: { ...plan.routes, [way]: plan.routes[way].slice(0, -1) } };
  }
  if (plan.slowest > 1) yield { ...plan, slowest: plan.slowest >> 1 };
  if (plan.concurrency > 1) yield { ...plan, concurrency: 1 };
  if (plan.ends > 0) yield { ...plan, ends: 0 };
  const usual = 65_536;
  if (plan.windows.client !== usual) yield { ...plan, windows: { ...plan.windows, client: usual } };
  if (plan.windows.server !== usual) yield { ...plan, windows: { ...plan.windows, server: usual } };
  if (plan.hosts.some(({ inbound, outbound }) => inbound !== usual || outbound !== usual)) {
    yield { ...plan, hosts: plan.hosts.map(() => ({ inbound: usual, outbound: usual })) };
  }
}

function* smallerCalls(call: PlannedCall | undefined): Generator<PlannedCall> {
  if (call === undefined) return;
  for (const request of smallerMessages(call.request)) yield { ...call, request };
  for (const answer of smallerMessages(call.answer)) yield { ...call, answer };
}

function* smallerMessages({ fragments, shortest, longest }: PlannedMessage): Generator<PlannedMessage> {
  if (fragments > 1) yield { fragments: fragments >> 1, shortest, longest };
  if (fragments > 1) yield { fragments: fragments - 1, shortest, longest };
  if (longest > shortest) yield { fragments, shortest, longest: (shortest + longest) >> 1 };
  if (longest > shortest) yield { fragments, shortest: longest, longest };
}

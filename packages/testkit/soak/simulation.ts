import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Plan, planOf, SimulationFailure, simulatePlan } from '../src/simulation/mod.ts';
import { type Done, SoakState } from './simulation-state.ts';

const DEFAULT_SEEDS = 100_000;
/** Seeds that a worker takes at once. */
const PIECE = 500;
/** Seeds between two lines of progress. */
const REPORT_EVERY = 10_000;
/** Failures after which it makes no sense to go on. */
const MOST_FAILURES = 10;
/** Seeds among which every transition must be. */
const ENOUGH_FOR_COVERAGE = 5000;
const WORKER = fileURLToPath(new URL('./simulation-worker.ts', import.meta.url));

const USAGE = `usage: npm run soak -- simulation [OPTION…]
  --seeds N       how many schedules (${DEFAULT_SEEDS})
  --jobs N        how many processes run them (all processors)
  --state FILE    where progress is kept: the same command goes on from there (data/soak/simulation.json)
  --first SEED    seeds from here on; without --state nothing is kept
  --plan JSON     one plan, as a failure prints it, with everything that happens`;

/** Many schedules of the four roles. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  if (options.plan !== undefined) return replay(options.plan);
  const { first, seeds, jobs } = options;
  const state = new SoakState(options.state);
  const began = state.doneWithin(first, seeds);
  if (began > 0) console.log(`simulation: ${began} of ${seeds} seeds were done before`);
  await runJobs(state, first, seeds, jobs);
  return report(state, first, seeds);
}

interface Options {
  readonly seeds: number;
  readonly first: number;
  readonly jobs: number;
  readonly state: string | undefined;
  readonly plan: Plan | undefined;
}

function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { seeds: text, first: text, jobs: text, state: text, plan: text },
    });
    const state = values.first === undefined ? join('data', 'soak', 'simulation.json') : undefined;
    return {
      seeds: count(values.seeds, DEFAULT_SEEDS),
      first: count(values.first, 0),
      jobs: Math.max(1, count(values.jobs, availableParallelism())),
      state: values.state ?? state,
      plan: values.plan === undefined ? undefined : (JSON.parse(values.plan) as Plan),
    };
  } catch (error) {
    console.error(`simulation: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function count(value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (!/^\d{1,9}$/.test(value)) throw new Error(`${value} is no whole number`);
  return Number(value);
}

/** Shows a plan that failed once more, or says that it does not fail. */
function replay(plan: Plan): number {
  try {
    // A plan may lack what later versions added.
    const { outcome, steps, time } = simulatePlan({ ...planOf(plan.seed), ...plan });
    console.log(`simulation: the plan goes well: ${outcome} after ${time} ms of virtual time and ${steps} steps`);
    return 0;
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    console.log(error.message);
    return 1;
  }
}

/** Has workers run what is left, until it is done or enough has failed. */
async function runJobs(state: SoakState, first: number, seeds: number, jobs: number): Promise<void> {
  const pieces = state.jobs(first, seeds, PIECE);
  let reported = state.doneWithin(first, seeds);
  const tell = (done: Done): void => {
    state.add(done);
    for (const { message } of done.failures) console.log(message);
    const now = state.doneWithin(first, seeds);
    if (now - reported < REPORT_EVERY && now < seeds) return;
    reported = now;
    console.log(`simulation: ${now} of ${seeds} seeds, ${state.failures.length} failed`);
  };
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let child: ChildProcess | undefined;
      const next = (): void => {
        const piece = state.failures.length < MOST_FAILURES ? pieces.next() : undefined;
        if (piece === undefined || piece.done === true) {
          child?.disconnect();
          if (child === undefined) resolve();
          return;
        }
        child ??= start();
        child.send(piece.value);
      };
      const start = (): ChildProcess => {
        const started = fork(WORKER);
        started.on('message', (done: Done) => {
          tell(done);
          next();
        });
        started.on('error', reject);
        started.on('exit', (code, signal) => {
          if (code === 0) resolve();
          else reject(new Error(`a worker ended with ${signal ?? code}`));
        });
        return started;
      };
      next();
    });
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** Prints the table of transitions and what failed. Returns the exit code. */
function report(state: SoakState, first: number, seeds: number): number {
  const { failures, coverage, outcomes } = state;
  console.log('     taken  transition');
  for (const [name, taken] of coverage.entries()) console.log(`${String(taken).padStart(10)}  ${name}`);
  console.log('   went well  arrangement, client and outcome');
  for (const [kind, n] of Object.entries(outcomes).sort()) console.log(`${String(n).padStart(12)}  ${kind}`);
  const done = state.doneWithin(first, seeds);
  console.log(`simulation: seeds ${first} to ${first + seeds - 1}: ${done} run, ${failures.length} failed`);
  for (const { seed, invariant, plan } of failures) {
    console.log(`seed ${seed}, ${invariant}: npm run soak -- simulation --plan '${JSON.stringify(plan)}'`);
  }
  const missing = done >= ENOUGH_FOR_COVERAGE ? coverage.missing : [];
  for (const name of missing) console.log(`never taken: ${name}`);
  return failures.length > 0 || missing.length > 0 || done < seeds ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));

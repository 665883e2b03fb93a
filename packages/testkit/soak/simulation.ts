import { parseArgs } from 'node:util';
import { SimulationFailure, simulate } from '../src/simulation.ts';

const DEFAULT_SEEDS = 100_000;
/** Seeds between two lines of progress. */
const REPORT_EVERY = 5000;
/** Failures after which it makes no sense to go on. */
const MOST_FAILURES = 10;

/**
 * Many schedules of the four roles. `--seeds N` says how many, `--first SEED` where to begin: that is how a run is
 * resumed, and how a seed that failed is shown again. Returns the exit code.
 */
export function soakSimulation(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: { type: 'string' }, first: { type: 'string' } },
  });
  const seeds = count(values.seeds, DEFAULT_SEEDS);
  const first = count(values.first, 0);
  if (seeds === undefined || first === undefined) {
    console.error('simulation: --seeds and --first take whole numbers');
    return 2;
  }
  const failed: number[] = [];
  for (let seed = first; seed < first + seeds && failed.length < MOST_FAILURES; seed++) {
    try {
      simulate(seed);
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      failed.push(seed);
      console.log(error.message);
    }
    const done = seed - first + 1;
    if (done % REPORT_EVERY === 0) console.log(`simulation: ${done} of ${seeds} seeds, ${failed.length} failed`);
  }
  console.log(`simulation: seeds ${first} to ${first + seeds - 1}, ${failed.length} failed`);
  for (const seed of failed) console.log(`again: npm run soak -- simulation --first ${seed} --seeds 1`);
  return failed.length > 0 ? 1 : 0;
}

function count(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

if (import.meta.main) process.exitCode = soakSimulation(process.argv.slice(2));

import { SimulationFailure, simulate, TransitionCoverage } from '../src/simulation/mod.ts';

/**
 * Runs schedules from seed 0 on until one fails, or so many are through, and prints as one line of JSON what caught the fault
 * that is in the roles. Runs in a copy of the packages.
 */
const seeds = Number(process.argv[2]);
const coverage = new TransitionCoverage();

function firstFailure(): { readonly seed: number; readonly invariant: string; readonly message: string } | undefined {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      simulate(seed, coverage);
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      const [message = ''] = error.message.split('\n');
      return { seed, invariant: error.invariant, message };
    }
  }
  const [missing] = coverage.missing;
  return missing === undefined ? undefined : { seed: seeds, invariant: 'never taken', message: missing };
}

console.log(JSON.stringify(firstFailure() ?? null));

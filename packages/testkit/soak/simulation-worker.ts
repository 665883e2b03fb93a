import { SimulationFailure, shrink, simulate, TransitionCoverage } from '../src/simulation/mod.ts';
import type { Done, Job } from './simulation-state.ts';

/** Failures that are shrunk by one worker: it takes a while, and the others are likely to be of the same kind. */
const SHRUNK = 3;

/** Runs ranges of seeds, as they are asked for, in a process of its own. */
let shrunk = 0;

function run({ first, count }: Job): Done {
  const coverage = new TransitionCoverage();
  const outcomes: Record<string, number> = {};
  const failures: Done['failures'][number][] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      const { plan, outcome } = simulate(seed, coverage);
      const kind = `${plan.arrangement} ${plan.client} ${outcome}`;
      outcomes[kind] = (outcomes[kind] ?? 0) + 1;
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      const shown = shrunk++ < SHRUNK ? shrink(error) : error;
      failures.push({ seed, invariant: error.invariant, plan: shown.plan, message: shown.message });
    }
  }
  return { first, count, outcomes, transitions: coverage.entries(), failures };
}

process.on('message', (job: Job) => {
  process.send?.(run(job));
});

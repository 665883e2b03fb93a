/** The simulation of the four roles: what tests and soaks use of it. */
export { TransitionCoverage } from './coverage.ts';
export { SimulationFailure } from './failure.ts';
export { type Invariant, InvariantError } from './invariant.ts';
export type { Plan } from './plan.ts';
export { planOf } from './planner.ts';
export { SeededRandom } from './random.ts';
export type { SimulationResult } from './schedule.ts';
export { shrink } from './shrink.ts';
export { simulate, simulatePlan } from './simulation.ts';

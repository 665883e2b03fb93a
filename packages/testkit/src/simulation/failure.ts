import type { InvariantError } from './invariant.ts';
import type { Plan } from './plan.ts';

/** Lines of a failed schedule that are shown. */
const SHOWN = 80;

/** A schedule that broke an invariant. The message has the plan and the last of what happened. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  /** The plan that fails: that of the seed, or what is left of it after shrinking. */
  readonly plan: Plan;
  readonly invariant: InvariantError['invariant'];
  readonly schedule: readonly string[];

  constructor(plan: Plan, cause: InvariantError, schedule: readonly string[]) {
    const root = cause.cause instanceof Error ? (cause.cause.stack ?? cause.cause.message) : undefined;
    const shown = schedule.slice(-SHOWN);
    const left = schedule.length - shown.length;
    super(
      [
        `seed ${plan.seed}: ${cause.message}`,
        ...(root === undefined ? [] : [root]),
        JSON.stringify(plan),
        ...(left > 0 ? [`(${left} lines before)`] : []),
        ...shown,
      ].join('\n'),
      { cause },
    );
    this.plan = plan;
    this.invariant = cause.invariant;
    this.schedule = schedule;
  }
}

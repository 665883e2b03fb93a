import { TICK } from '../rpch/role.ts';

/** How often to look at the time, ms, so that none of these times, ms too, is overrun by much. */
export function tickInterval(timeouts: readonly number[]): number {
  return Math.max(5, Math.min(TICK, ...timeouts.map((timeout) => timeout / 4)));
}

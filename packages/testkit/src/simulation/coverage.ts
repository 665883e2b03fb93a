import { type Machine, TRANSITIONS } from '@rpch/rpc/internal';
import { InvariantError } from './invariant.ts';

function key(machine: string, from: string, event: string, to: string): string {
  return `${machine}: ${from} --${event}--> ${to}`;
}

const INDEX: ReadonlyMap<string, number> = new Map(
  TRANSITIONS.map(({ machine, from, event, to }, index) => [key(machine, from, event, to), index]),
);

/** How often each declared transition of each role was taken. */
export class TransitionCoverage {
  readonly #counts: number[] = TRANSITIONS.map(() => 0);

  /** Counts a transition; one that is not declared breaks an invariant. */
  count(machine: Machine, from: string, event: string, to: string): void {
    const name = key(machine, from, event, to);
    const index = INDEX.get(name);
    if (index === undefined) throw new InvariantError('transition', `${name} is not declared`);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** Declared transitions and how often they were taken, in their order. */
  entries(): (readonly [name: string, count: number])[] {
    return [...INDEX].map(([name, index]) => [name, this.#counts[index] ?? 0]);
  }

  /** Adds what was counted elsewhere; a transition that is declared no longer is passed over. */
  add(entries: Iterable<readonly [name: string, count: number]>): void {
    for (const [name, count] of entries) {
      const index = INDEX.get(name);
      if (index !== undefined) this.#counts[index] = (this.#counts[index] ?? 0) + count;
    }
  }

  /** Declared transitions that were never taken. */
  get missing(): readonly string[] {
    return this.entries()
      .filter(([, count]) => count === 0)
      .map(([name]) => name);
  }
}

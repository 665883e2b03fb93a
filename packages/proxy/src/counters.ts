/** Counts what happens, by name and, where there is one, by reason. Reasons are ours, never the wire's: the set is small. */
export class Counters {
  readonly #counts = new Map<string, number>();

  count(name: string, reason?: string): void {
    const key = reason === undefined ? name : `${name}{reason="${reason}"}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** All counts so far, by `name` or `name{reason="…"}`. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}

/** Counts what happens, by name and, where there is one, by reason. Reasons are ours, never the wire's: the set is small. */
export class Counters {
  readonly #counts = new Map<string, Map<string, number>>();

  count(name: string, reason = ''): void {
    let ofName = this.#counts.get(name);
    if (ofName === undefined) {
      ofName = new Map();
      this.#counts.set(name, ofName);
    }
    ofName.set(reason, (ofName.get(reason) ?? 0) + 1);
  }

  /** All counts so far, by `name` or `name{reason="…"}`. */
  snapshot(): Record<string, number> {
    return Object.fromEntries(
      [...this.#counts].flatMap(([name, ofName]) =>
        [...ofName].map(([reason, count]) => [reason === '' ? name : `${name}{reason="${reason}"}`, count] as const),
      ),
    );
  }
}

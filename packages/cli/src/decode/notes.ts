/** Different notes that are kept; what comes later is only counted. */
const MAX_NOTES = 200;

/** What is noteworthy, each once, in the order in which it was noticed. */
export class Notes {
  readonly #counts = new Map<string, number>();
  #left = 0;

  add(text: string): void {
    const count = this.#counts.get(text);
    if (count === undefined && this.#counts.size >= MAX_NOTES) this.#left++;
    else this.#counts.set(text, (count ?? 0) + 1);
  }

  /** The sentences. */
  list(): string[] {
    const said = [...this.#counts].map(([text, count]) => (count === 1 ? text : `${text} (${count} times)`));
    return this.#left === 0 ? said : [...said, `and ${this.#left} more`];
  }
}

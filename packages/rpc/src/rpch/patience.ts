/**
 * How long something may take that others have to do, told the time at ticks only: it begins to count at the first tick
 * after {@link begin}, and anew whenever the mark that it is shown has changed.
 */
export class Patience {
  #limit: number | undefined;
  #since: number | undefined;
  #mark = 0;

  /** @param limit ms without progress. */
  begin(limit: number): void {
    this.#limit = limit;
    this.#since = undefined;
  }

  end(): void {
    this.#limit = undefined;
  }

  /** Whether something is being waited for. */
  get active(): boolean {
    return this.#limit !== undefined;
  }

  /**
   * Whether the limit has passed.
   * @param mark changes with every progress.
   * @param excused it is we who keep them waiting.
   */
  exhausted(now: number, mark = 0, excused = false): boolean {
    if (this.#limit === undefined) return false;
    if (this.#since === undefined || mark !== this.#mark || excused) {
      this.#since = now;
      this.#mark = mark;
      return false;
    }
    return now - this.#since >= this.#limit;
  }
}

/** A point in time after which nobody waits any longer. One timer, told to few: an AbortSignal costs more than a connect. */
export class Deadline {
  readonly #waiting = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #passed = false;

  /** @param ms from now. */
  constructor(ms: number) {
    this.#timer = setTimeout(() => this.pass(), ms);
  }

  get passed(): boolean {
    return this.#passed;
  }

  /** Calls `then` when the time has come, unless it is told to forget it. */
  wait(then: () => void): void {
    this.#waiting.add(then);
  }

  forget(then: () => void): void {
    this.#waiting.delete(then);
  }

  /** The time has come, or what was waited for is no longer wanted. */
  pass(): void {
    clearTimeout(this.#timer);
    this.#passed = true;
    for (const then of this.#waiting) then();
    this.#waiting.clear();
  }

  /** What was waited for is there. */
  lift(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }
}

import { RpchError } from '@rpch/rpc';

/** Lets a bounded number of tasks run at a time and a bounded number wait, first come, first served. */
export class Gate {
  readonly #limit: number;
  readonly #longest: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  /**
   * @param limit tasks at a time.
   * @param longest tasks that may wait; one more is refused.
   */
  constructor(limit: number, longest: number) {
    this.#limit = limit;
    this.#longest = longest;
  }

  /** Tasks that wait for their turn. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Runs `task` when its turn comes. Rejects with `RPCH_ACCOUNTS_BUSY`, at once, when the line is full. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limit) {
      this.#running++;
    } else {
      if (this.#line.length >= this.#longest) {
        throw new RpchError('RPCH_ACCOUNTS_BUSY', 'peer', `${this.#longest} password checks are waiting already`);
      }
      // The one who leaves hands over its place, so #running does not change here.
      await new Promise<void>((resolve) => this.#line.push(resolve));
    }
    try {
      return await task();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

import { type Throttle, throttleKey } from './throttle.ts';

/** Attempts of one address that may wait for their turn or out a delay. */
export const MAX_WAITING_PER_ADDRESS = 64;
/** The same, of all addresses together. */
export const MAX_WAITING = 4096;

/** `busy`: too many wait already, the work was not done. */
export type Turn<T> =
  | { readonly kind: 'done'; readonly value: T; readonly delayed: number }
  | { readonly kind: 'busy' };

/**
 * Lets the attempts for one account from one address pass one after the other, each after the delay that the ones before
 * it have earned. Without that, attempts made at the same time would all find that nothing has failed yet. Those of
 * other accounts and addresses go ahead meanwhile. Who need not wait is never refused here.
 */
export class Turns {
  readonly #throttle: Throttle;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  /** The last attempt in line per pair, settled when it is over. */
  readonly #last = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, number>();
  #total = 0;

  constructor(throttle: Throttle, now: () => number, wait: (ms: number) => Promise<void>) {
    this.#throttle = throttle;
    this.#now = now;
    this.#wait = wait;
  }

  /** Attempts that wait. */
  get waiting(): number {
    return this.#total;
  }

  /** Does `work`, which must note its success or failure with the throttle, when its turn has come. */
  async take<T>(address: string, account: string, work: () => Promise<T> | T): Promise<Turn<T>> {
    const source = throttleKey(address);
    const pair = `${source} ${account}`;
    const before = this.#last.get(pair);
    const mustWait = before !== undefined || this.#throttle.delayFor(address, account, this.#now()) > 0;
    if (mustWait && !this.#enter(source)) return { kind: 'busy' };
    const { promise: over, resolve: leave } = Promise.withResolvers<void>();
    this.#last.set(pair, over);
    try {
      const delayed = mustWait ? await this.#waitFor(before, address, account, source) : 0;
      return { kind: 'done', value: await work(), delayed };
    } finally {
      if (this.#last.get(pair) === over) this.#last.delete(pair);
      leave();
    }
  }

  async #waitFor(before: Promise<void> | undefined, address: string, account: string, source: string): Promise<number> {
    try {
      await before;
      const delay = this.#throttle.delayFor(address, account, this.#now());
      if (delay > 0) await this.#wait(delay);
      return delay;
    } finally {
      this.#leave(source);
    }
  }

  #enter(source: string): boolean {
    const waiting = this.#waiting.get(source) ?? 0;
    if (waiting >= MAX_WAITING_PER_ADDRESS || this.#total >= MAX_WAITING) return false;
    this.#waiting.set(source, waiting + 1);
    this.#total++;
    return true;
  }

  #leave(source: string): void {
    const waiting = (this.#waiting.get(source) ?? 0) - 1;
    if (waiting > 0) this.#waiting.set(source, waiting);
    else this.#waiting.delete(source);
    this.#total--;
  }
}

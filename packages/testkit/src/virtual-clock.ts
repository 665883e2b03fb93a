interface Timer {
  readonly at: number;
  /** Timers of one moment run in the order in which they were set. */
  readonly order: number;
  readonly work: () => void;
}

/** Time that passes only when told to, in ms. */
export class VirtualClock {
  /** A binary heap: no timer is due before its parent. */
  readonly #timers: Timer[] = [];
  #now = 0;
  #order = 0;

  get now(): number {
    return this.#now;
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Does `work` once, `ms` from now. */
  after(ms: number, work: () => void): void {
    const timers = this.#timers;
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, work };
    let at = timers.length;
    timers.push(timer);
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = timers[up] as Timer;
      if (!isBefore(timer, parent)) break;
      timers[at] = parent;
      at = up;
    }
    timers[at] = timer;
  }

  /** Goes on by `ms`, and does what is due on the way. */
  advance(ms: number): void {
    const until = this.#now + ms;
    while (this.step(until));
    this.#now = until;
  }

  /** Goes to the next timer and does its work; false when there is none up to the time `until`. */
  step(until = Number.POSITIVE_INFINITY): boolean {
    const first = this.#timers[0];
    if (first === undefined || first.at > until) return false;
    this.#removeFirst();
    this.#now = first.at;
    first.work();
    return true;
  }

  #removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop() as Timer;
    const length = timers.length;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= length) break;
      if (down + 1 < length && isBefore(timers[down + 1] as Timer, timers[down] as Timer)) down++;
      const child = timers[down] as Timer;
      if (!isBefore(child, last)) break;
      timers[at] = child;
      at = down;
    }
    timers[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

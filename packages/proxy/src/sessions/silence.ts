/** For how long a count of bytes has not changed, as far as those see who look at it now and then. Times in ms. */
export class Silence {
  #mark = -1;
  #since: number | undefined;

  observe(mark: number, now: number): void {
    if (mark === this.#mark && this.#since !== undefined) return;
    this.#mark = mark;
    this.#since = now;
  }

  /** Whole seconds since the count last changed; 0 before anything was seen. */
  seconds(now: number): number {
    return this.#since === undefined ? 0 : Math.floor((now - this.#since) / 1000);
  }
}

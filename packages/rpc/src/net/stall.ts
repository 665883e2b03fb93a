/**
 * Notices that something which should move does not: fed with a mark that changes with every progress, it says for how
 * long there was none while something was waiting. Time comes from outside, in ms.
 */
export class Stall {
  #mark = -1;
  #since = 0;

  /** How long `mark` has stood still while `waiting`, ms; 0 when it moved or nothing waits. */
  observe(waiting: boolean, mark: number, now: number): number {
    if (!waiting || mark !== this.#mark) {
      this.#mark = waiting ? mark : -1;
      this.#since = now;
      return 0;
    }
    return now - this.#since;
  }
}

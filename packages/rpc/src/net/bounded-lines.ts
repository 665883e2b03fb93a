/** Lines of one kind that are written in a second. */
const MOST = 10;
const SECOND = 1000;

/**
 * Lines of a log that anybody outside can cause as often as they like: the first ten in a second are written, the others counted,
 * and their number is written when the second is over.
 */
export class BoundedLines {
  readonly #log: (line: string) => void;
  readonly #schedule: (work: () => void, ms: number) => void;
  #written = 0;
  #leftOut = 0;

  /** @param schedule does `work` after so many ms; it need not keep the process alive. */
  constructor(log: (line: string) => void, schedule: (work: () => void, ms: number) => void) {
    this.#log = log;
    this.#schedule = schedule;
  }

  write(line: string): void {
    if (this.#written === 0) this.#schedule(() => this.#turn(), SECOND);
    if (this.#written === MOST) {
      this.#leftOut++;
      return;
    }
    this.#written++;
    this.#log(line);
  }

  #turn(): void {
    if (this.#leftOut > 0) this.#log(`${this.#leftOut} more lines like those before`);
    this.#written = 0;
    this.#leftOut = 0;
  }
}

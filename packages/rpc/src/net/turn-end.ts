/** Bytes that are not kept to the end of a turn: the peer works on them while more are made. */
export const SEND_AT = 16 * 1024;

/** Does some work once at the end of the present turn of the event loop, however often it is asked for. */
export class TurnEnd {
  readonly #work: () => void;
  #scheduled = false;

  constructor(work: () => void) {
    this.#work = work;
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    this.#work();
  };
}

/** Messages that go to the other thread together at most: it is not to wait for more while it could work. */
const MAX_BATCH = 8;

/**
 * Sends messages to another thread several at a time, in their order: each time that it is woken costs more than the message does.
 * What was added goes when {@link flush} is called, when {@link later} was and this thread is done with the events of the moment, or when
 * there is as much as goes at once.
 */
export class Batch<T> {
  readonly #send: (messages: readonly T[], transfer: ArrayBuffer[]) => void;
  #messages: T[] = [];
  #transfer: ArrayBuffer[] = [];
  #scheduled = false;

  constructor(send: (messages: readonly T[], transfer: ArrayBuffer[]) => void) {
    this.#send = send;
  }

  add(message: T, transfer: readonly ArrayBuffer[]): void {
    this.#messages.push(message);
    this.#transfer.push(...transfer);
    if (this.#messages.length >= MAX_BATCH) this.flush();
  }

  later(): void {
    if (this.#scheduled || this.#messages.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Sends what there is at once. */
  flush(): void {
    if (this.#messages.length === 0) return;
    const [messages, transfer] = [this.#messages, this.#transfer];
    this.#messages = [];
    this.#transfer = [];
    this.#send(messages, transfer);
  }
}

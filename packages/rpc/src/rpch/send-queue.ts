import { fragLengthAt } from '../dcerpc/header.ts';
import type { SendWindow } from './flow-control.ts';
import type { Lifetime } from './lifetime.ts';

/**
 * RPC PDUs on their way to the next hop, in order. They pass straight through while the queue is empty, unplugged, within
 * the window and within what the channel's lifetime has left for them; otherwise they are copied and wait. What bounds it
 * is the receive window of the hop before. A PDU belongs to no channel instance until it is sent, so the queue survives
 * channel recycling.
 */
export class SendQueue {
  /** The peer's window; none until it is known. */
  window: SendWindow | undefined;
  /** Whether the window is heeded. It is counted all the same. */
  heedsWindow = true;
  /** What is left of the channel, where its end is to be heeded: RPC PDUs then wait for a successor. */
  lifetime: Lifetime | undefined;
  readonly #send: (run: Uint8Array, count: number) => void;
  readonly #runs: Uint8Array[] = [];
  #bytes = 0;
  #plugged = true;
  /** Sending may bring an acknowledgement at once, where the next hop is in this process. */
  #sending = false;

  /** @param send passes on one or more whole PDUs, which fill the view. Queues begin plugged ([MS-RPCH] 1.1). */
  constructor(send: (run: Uint8Array, count: number) => void) {
    this.#send = send;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the first PDU that waits does so for a successor of the channel. */
  get waitsForSuccessor(): boolean {
    const first = this.#runs[0];
    return first !== undefined && !this.#fitsLifetime(fragLengthAt(first, 0));
  }

  /** Plugged channel mode ([MS-RPCH] 1.1): nothing goes until {@link unplug}. */
  plug(): void {
    this.#plugged = true;
  }

  /** Sends the PDUs of `run`, or as many as may go; the rest waits. */
  offer(run: Uint8Array, count: number): void {
    const { window } = this;
    if (
      this.#bytes === 0 &&
      !this.#plugged &&
      (!this.heedsWindow || window === undefined || window.available > run.length) &&
      this.#fitsLifetime(run.length)
    ) {
      window?.sent(run.length);
      this.#send(run, count);
      return;
    }
    this.#keep(run);
    this.pump();
  }

  /** Plugged channel mode ends: what waits may go. */
  unplug(): void {
    this.#plugged = false;
    this.pump();
  }

  /** Sends what waits, as far as the window allows: after an acknowledgement. */
  pump(): void {
    if (this.#sending || this.#plugged) return;
    this.#sending = true;
    try {
      for (let run = this.#runs[0]; run !== undefined && !this.#plugged; run = this.#runs[0]) {
        const sent = this.#sendWhatFits(run);
        // Sending may also end the session, and with it what waits.
        if (sent === 0 || this.#runs[0] !== run) return;
        this.#bytes -= sent;
        if (sent === run.length) this.#runs.shift();
        else this.#runs[0] = run.subarray(sent);
      }
    } finally {
      this.#sending = false;
    }
  }

  /** Drops what waits. */
  clear(): void {
    this.#runs.length = 0;
    this.#bytes = 0;
  }

  #keep(run: Uint8Array): void {
    // Not slice(): that of a Buffer is a view, and the view is only lent.
    this.#runs.push(new Uint8Array(run));
    this.#bytes += run.length;
  }

  /** Sends the leading PDUs that fit, in one piece. Returns their bytes. */
  #sendWhatFits(run: Uint8Array): number {
    const { window } = this;
    let at = 0;
    let count = 0;
    while (at < run.length) {
      const length = fragLengthAt(run, at);
      if (!this.#fitsLifetime(at + length)) break;
      if (window !== undefined) {
        if (this.heedsWindow && !window.fits(length)) break;
        window.sent(length);
      }
      at += length;
      count++;
    }
    if (count > 0) this.#send(at === run.length ? run : run.subarray(0, at), count);
    return at;
  }

  /** `length` counts what this turn has already taken: it is booked when it is sent. */
  #fitsLifetime(length: number): boolean {
    return this.lifetime === undefined || length <= this.lifetime.leftForRpc;
  }
}

import type { VirtualClock } from './virtual-clock.ts';

export interface PipeOptions {
  readonly clock: VirtualClock;
  /** How long the next delivery takes, ms. Deliveries never overtake each other. */
  latency(): number;
  /** How many of `available` bytes the next delivery brings, at least 1. */
  cut(available: number): number;
  /** Bytes on the way at which the writer is asked to stop. */
  readonly capacity: number;
}

export interface PipeEvents {
  /** Bytes arrive; the view is valid until the call returns. */
  data(chunk: Uint8Array): void;
  /** Everything written has arrived, and the writer has ended. */
  ended(): void;
  /** For the writer: too many bytes are on the way, or few enough again. */
  blocked(blocked: boolean): void;
}

/**
 * One direction of a connection in virtual time: bytes arrive in order, late and cut anywhere, as TCP brings them. What a
 * reader that pauses does not take stays on the way and blocks the writer.
 */
export class Pipe {
  readonly #options: PipeOptions;
  readonly #events: PipeEvents;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #blocked = false;
  #paused = false;
  #scheduled = false;
  #writerEnded = false;
  #over = false;

  constructor(options: PipeOptions, events: PipeEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Bytes on the way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Sends a copy of the bytes. */
  write(bytes: Uint8Array): void {
    if (this.#writerEnded || bytes.length === 0) return;
    this.#pieces.push(new Uint8Array(bytes));
    this.#bytes += bytes.length;
    if (!this.#blocked && this.#bytes > this.#options.capacity) this.#setBlocked(true);
    this.#schedule();
  }

  /** The reader stops or goes on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#schedule();
  }

  /** The writer ends; what it wrote still arrives, unless the reader has paused for good. */
  end(): void {
    if (this.#writerEnded) return;
    this.#writerEnded = true;
    this.#schedule();
  }

  /** The connection is torn down: what is on the way is lost, and the reader learns of it even while it pauses. */
  reset(): void {
    this.#writerEnded = true;
    this.#pieces.length = 0;
    this.#bytes = 0;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#over || (this.#bytes > 0 ? this.#paused : !this.#writerEnded)) return;
    this.#scheduled = true;
    const { clock, latency } = this.#options;
    clock.after(latency(), () => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#over) return;
    if (this.#bytes === 0) {
      this.#over = true;
      this.#events.ended();
      return;
    }
    if (this.#paused) return;
    const chunk = this.#take(Math.min(this.#bytes, Math.max(1, this.#options.cut(this.#bytes))));
    this.#bytes -= chunk.length;
    this.#events.data(chunk);
    // Whoever keeps a view beyond the call must be caught at it.
    chunk.fill(0xdb);
    if (this.#blocked && this.#bytes <= this.#options.capacity / 2) this.#setBlocked(false);
    this.#schedule();
  }

  /** The next `length` bytes: a Buffer, as a socket's are. */
  #take(length: number): Buffer {
    const chunk = Buffer.allocUnsafe(length);
    let at = 0;
    while (at < length) {
      const piece = this.#pieces[0] as Uint8Array;
      const taken = Math.min(piece.length, length - at);
      chunk.set(piece.subarray(0, taken), at);
      at += taken;
      if (taken === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(taken);
    }
    return chunk;
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#events.blocked(blocked);
  }
}

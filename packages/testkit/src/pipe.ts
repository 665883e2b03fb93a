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

/** A store of bytes on the way; those of this size are used again and again, which costs less than to make new ones. */
const USUAL_STORE = 64 * 1024;
const SPARE_STORES = 64;
const spareStores: Buffer[] = [];

/**
 * One direction of a connection in virtual time: bytes arrive in order, late and cut anywhere, as TCP brings them. What a
 * reader that pauses does not take stays on the way and blocks the writer.
 */
export class Pipe {
  readonly #options: PipeOptions;
  readonly #events: PipeEvents;
  /** The bytes on the way are those from `#head` to `#tail`. */
  #store: Buffer | undefined;
  #head = 0;
  #tail = 0;
  /** The reader looks at the store: it must not be moved. */
  #delivering = false;
  #delivered = 0;
  #blocked = false;
  #paused = false;
  #stalled = false;
  #scheduled = false;
  #writerEnded = false;
  #over = false;

  constructor(options: PipeOptions, events: PipeEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Bytes on the way at which the writer is asked to stop. */
  get capacity(): number {
    return this.#options.capacity;
  }

  /** Bytes on the way. */
  get bytes(): number {
    return this.#tail - this.#head;
  }

  /** Bytes that have arrived, in all. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Sends a copy of the bytes. */
  write(bytes: Uint8Array): void {
    if (this.#writerEnded || this.#over || bytes.length === 0) return;
    this.#roomFor(bytes.length).set(bytes, this.#tail);
    this.#tail += bytes.length;
    if (!this.#blocked && this.bytes > this.#options.capacity) this.#setBlocked(true);
    this.#schedule();
  }

  /** The reader stops or goes on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#schedule();
  }

  /** Nothing arrives any more, or everything again: neither bytes nor the end of them. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
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
    this.#drop();
    this.#schedule();
  }

  /** The reader is gone: nothing is delivered or reported any more, and what is written goes nowhere. */
  discard(): void {
    this.#over = true;
    this.#drop();
  }

  #schedule(): void {
    if (this.#scheduled || this.#over || this.#stalled) return;
    if (this.bytes > 0 ? this.#paused : !this.#writerEnded) return;
    this.#scheduled = true;
    const { clock, latency } = this.#options;
    clock.after(latency(), this.#onTime);
  }

  readonly #onTime = (): void => {
    this.#scheduled = false;
    if (this.#over || this.#stalled) return;
    if (this.bytes > 0) this.#deliver();
    else if (this.#writerEnded) {
      this.#over = true;
      this.#events.ended();
    }
  };

  #deliver(): void {
    const store = this.#store;
    if (this.#paused || store === undefined) return;
    const { bytes } = this;
    const end = this.#head + Math.min(bytes, Math.max(1, this.#options.cut(bytes)));
    // A Buffer, as a socket's chunks are.
    const chunk = store.subarray(this.#head, end);
    this.#head = end;
    this.#delivered += chunk.length;
    this.#delivering = true;
    try {
      this.#events.data(chunk);
    } finally {
      this.#delivering = false;
    }
    // Whoever keeps a view beyond the call must be caught at it.
    chunk.fill(0xdb);
    if (this.#head === this.#tail) this.#drop();
    if (this.#blocked && this.bytes <= this.#options.capacity / 2) this.#setBlocked(false);
    this.#schedule();
  }

  /** The store, with room for so many bytes more. */
  #roomFor(length: number): Buffer {
    const store = this.#store;
    if (store !== undefined && this.#tail + length <= store.length) return store;
    const { bytes } = this;
    let size = USUAL_STORE;
    while (size < bytes + length) size *= 2;
    if (store !== undefined && !this.#delivering && size <= store.length) {
      store.copyWithin(0, this.#head, this.#tail);
    } else {
      const larger = (size === USUAL_STORE ? spareStores.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
      if (store !== undefined) {
        larger.set(store.subarray(this.#head, this.#tail));
        if (!this.#delivering) giveBack(store);
      }
      this.#store = larger;
    }
    this.#head = 0;
    this.#tail = bytes;
    return this.#store as Buffer;
  }

  #drop(): void {
    if (this.#store !== undefined && !this.#delivering) giveBack(this.#store);
    this.#store = undefined;
    this.#head = 0;
    this.#tail = 0;
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#events.blocked(blocked);
  }
}

function giveBack(store: Buffer): void {
  if (store.length === USUAL_STORE && spareStores.length < SPARE_STORES) spareStores.push(store);
}

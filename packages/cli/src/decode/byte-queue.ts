const FIRST_CAPACITY = 256;

/** Bytes that wait for the rest of what they are a part of. Whoever appends takes care that it stays small. */
export class ByteQueue {
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  append(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** A view of all that waits, valid until the next call of append. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Takes `length` bytes, at most what is there, off the head: a view, valid until the next call of append. */
  take(length: number): Uint8Array {
    const end = Math.min(this.#end, this.#start + length);
    const taken = this.#bytes.subarray(this.#start, end);
    this.#start = end;
    return taken;
  }

  /** A new buffer rather than a move within the old one: views that were handed out stay what they are. */
  #makeRoom(more: number): void {
    const length = this.length;
    const grown = new Uint8Array(Math.max(FIRST_CAPACITY, length + more, 2 * length));
    grown.set(this.peek());
    this.#bytes = grown;
    this.#start = 0;
    this.#end = length;
  }
}

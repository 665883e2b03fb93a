/** Builds one frame, little-endian. Grows as needed; for frames whose size is known, say so and nothing is copied. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  #room(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value, true);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  zeros(length: number): this {
    this.#room(length);
    return this;
  }

  /** Zero bytes up to the next multiple of `alignment`, counted from the start of the frame. */
  align(alignment: number): this {
    const over = this.#length % alignment;
    return over === 0 ? this : this.zeros(alignment - over);
  }

  /** Overwrites a byte written earlier. */
  patchU8(offset: number, value: number): this {
    this.#view.setUint8(offset, value);
    return this;
  }

  /** Overwrites two bytes written earlier: a length known only afterwards. */
  patchU16(offset: number, value: number): this {
    this.#view.setUint16(offset, value, true);
    return this;
  }

  patchU32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  /** Takes back everything behind the first `length` bytes. What {@link finish} gave before must no longer be in use. */
  truncate(length: number): this {
    // What is not written is zero: zeros() counts on that.
    this.#bytes.fill(0, length, this.#length);
    this.#length = length;
    return this;
  }

  /** The frame: a view of what was written so far. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

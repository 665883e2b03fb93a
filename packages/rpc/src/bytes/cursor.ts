import { ProtocolError } from '../errors.ts';

/**
 * Reads one frame, little-endian, and never past its end: a short read throws a {@link ProtocolError} with code
 * `RPCH_SHORT_FRAME`. `end()` asserts that nothing is left over.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at: number;
  readonly #end: number;

  /** @param what names the frame in errors, for instance `RTS PDU` or `[MS-NLMP] 2.2.1.3`. */
  constructor(bytes: Uint8Array, what: string, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#at = start;
    this.#end = end;
  }

  /** Offset of the next byte, counted from the start of the bytes given. */
  get offset(): number {
    return this.#at;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  #take(length: number): number {
    if (length < 0 || length > this.remaining) {
      throw new ProtocolError(
        'RPCH_SHORT_FRAME',
        `${this.#what}: ${length} bytes wanted at offset ${this.#at}, ${this.remaining} left`,
        this.#what,
      );
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** A view, not a copy, of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A view of all that is left, without moving past it: to look for a terminator. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** A cursor over the next `length` bytes that cannot leave them; this one moves past them. */
  sub(length: number, what = this.#what): Cursor {
    const at = this.#take(length);
    return new Cursor(this.#bytes, what, at, at + length);
  }

  /** Throws unless every byte was read. */
  end(): void {
    if (this.remaining !== 0) {
      throw new ProtocolError('RPCH_TRAILING_BYTES', `${this.#what}: ${this.remaining} bytes left over`, this.#what);
    }
  }
}

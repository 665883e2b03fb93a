import { RpchError } from '../errors.ts';

const MAX_KEY_LENGTH = 256;

/**
 * What is encrypted lies here meanwhile. The loop sees one kind of array only: where it meets a Buffer now and a Uint8Array
 * then, it takes twice as long, which is more than two copies.
 */
const scratch = new Uint8Array(8192);
/** Up to so many bytes are copied one by one, which is quicker than to ask for it. */
const FEW = 64;

/**
 * The RC4 key stream (RFC 6229 has its vectors), which [MS-NLMP] 3.4.3 and 3.4.5 still need and OpenSSL 3 no longer
 * offers. One object is one stream: each call of {@link Rc4.update} goes on where the last one ended.
 */
export class Rc4 {
  readonly #state = Int32Array.from({ length: 256 }, (_, i) => i);
  #i = 0;
  #j = 0;

  /** @param key 1 to 256 bytes; any other length is the caller's error `RPCH_RC4_KEY_LENGTH`. */
  constructor(key: Uint8Array) {
    if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
      throw new RpchError('RPCH_RC4_KEY_LENGTH', 'caller', `RC4 key of ${key.length} bytes`);
    }
    const state = this.#state;
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const at = state[i] as number;
      j = (j + at + (key[i % key.length] as number)) & 0xff;
      state[i] = state[j] as number;
      state[j] = at;
    }
  }

  /** Encrypts or decrypts `data` into `out`, which may be `data` itself; without it into a new array. */
  update(data: Uint8Array, out: Uint8Array = new Uint8Array(data.length)): Uint8Array {
    if (data.length <= FEW) {
      this.#few(data, out, 0, data.length);
      return out;
    }
    for (let at = 0; at < data.length; at += scratch.length) {
      const piece = at === 0 && data.length <= scratch.length ? data : data.subarray(at, at + scratch.length);
      scratch.set(piece);
      this.#encrypt(piece.length);
      out.set(scratch.subarray(0, piece.length), at);
    }
    return out;
  }

  /** Encrypts or decrypts a few bytes of `data` where they stand, at most {@link FEW}: a view of them would cost more. */
  updateWithin(data: Uint8Array, start: number, end: number): void {
    this.#few(data, data, start, end);
  }

  #few(data: Uint8Array, out: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) scratch[at - start] = data[at] as number;
    this.#encrypt(end - start);
    for (let at = start; at < end; at++) out[at] = scratch[at - start] as number;
  }

  /** Encrypts the first `length` bytes of the scratch. */
  #encrypt(length: number): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < length; at++) {
      i = (i + 1) & 0xff;
      const x = state[i] as number;
      j = (j + x) & 0xff;
      const y = state[j] as number;
      state[i] = y;
      state[j] = x;
      scratch[at] = (scratch[at] as number) ^ (state[(x + y) & 0xff] as number);
    }
    this.#i = i;
    this.#j = j;
  }
}

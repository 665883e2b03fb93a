import { RpchError } from '../errors.ts';

const MAX_KEY_LENGTH = 256;

/**
 * The RC4 key stream (RFC 6229 has its vectors), which [MS-NLMP] 3.4.3 and 3.4.5 still need and OpenSSL 3 no longer
 * offers. One object is one stream: each call of {@link Rc4.update} goes on where the last one ended.
 */
export class Rc4 {
  readonly #state = Uint8Array.from({ length: 256 }, (_, i) => i);
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
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < data.length; at++) {
      i = (i + 1) & 0xff;
      const x = state[i] as number;
      j = (j + x) & 0xff;
      const y = state[j] as number;
      state[i] = y;
      state[j] = x;
      out[at] = (data[at] as number) ^ (state[(x + y) & 0xff] as number);
    }
    this.#i = i;
    this.#j = j;
    return out;
  }
}

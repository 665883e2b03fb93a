import { ProtocolError } from '../errors.ts';
import { PfcFlag } from './header.ts';
import type { Response } from './response.ts';

const SECTION = '[MS-RPCE] 3.3.2.5.2';

/** What alloc_hint may make us allocate before the bytes are there. */
const MAX_FIRST_ALLOCATION = 256 * 1024;

/** Joins the fragments of one response that has more than one. */
export class ResponseAssembler {
  readonly #limit: number;
  readonly #littleEndian: boolean;
  #stub: Uint8Array;
  #length = 0;

  /**
   * Begins with the first fragment. Throws a {@link ProtocolError} where `first` is none.
   *
   * @param limit is how long the stub may become, in bytes.
   */
  constructor(first: Response, limit: number) {
    if ((first.pfcFlags & PfcFlag.FIRST_FRAG) === 0) {
      throw new ProtocolError(
        'RPCH_FOREIGN_FRAGMENT',
        `the response to call ${first.callId} has no beginning`,
        SECTION,
      );
    }
    this.#limit = limit;
    this.#littleEndian = first.littleEndian;
    const hint = Math.min(first.allocHint, MAX_FIRST_ALLOCATION, limit);
    this.#stub = new Uint8Array(Math.max(hint, Math.min(2 * first.stub.length, limit)));
    this.#append(first.stub);
  }

  /** Takes the next fragment; throws a {@link ProtocolError} where it does not continue what came before. */
  add(fragment: Response): void {
    if ((fragment.pfcFlags & PfcFlag.FIRST_FRAG) !== 0 || fragment.littleEndian !== this.#littleEndian) {
      throw new ProtocolError('RPCH_FOREIGN_FRAGMENT', `a second response to call ${fragment.callId}`, SECTION);
    }
    this.#append(fragment.stub);
  }

  /** The response has become longer than its limit; what came since was dropped. */
  get exceeded(): boolean {
    return this.#length > this.#limit;
  }

  /** What has come in so far: memory that nobody else has. */
  get stub(): Uint8Array {
    return this.#stub.subarray(0, this.#length);
  }

  #append(part: Uint8Array): void {
    const needed = this.#length + part.length;
    if (needed <= this.#limit) {
      if (needed > this.#stub.length) {
        const grown = new Uint8Array(Math.min(this.#limit, Math.max(needed, this.#stub.length * 2)));
        grown.set(this.#stub.subarray(0, this.#length));
        this.#stub = grown;
      }
      this.#stub.set(part, this.#length);
    }
    this.#length = needed;
  }
}

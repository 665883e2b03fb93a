import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { NO_HANDLE } from '../../mapi/rop-buffer.ts';

/**
 * The handles of one session that one worker gives: never the same twice, so that a handle that was released names nothing
 * else later. Those of several workers never meet.
 */
export class HandleNumbers {
  readonly #first: number;
  readonly #step: number;
  #next: number;

  /** @param index of the worker among `count`. */
  constructor(index: number, count: number) {
    this.#first = index + 1;
    this.#step = count;
    this.#next = this.#first;
  }

  /** Throws NotEnoughMemory after some thousand million. */
  take(): number {
    const handle = this.#next;
    if (handle >= NO_HANDLE) throw new StoreError(ErrorCode.NotEnoughMemory, 'all handles were used');
    this.#next += this.#step;
    return handle;
  }

  /** Whether a handle was given once. */
  wasGiven(handle: number): boolean {
    return handle >= this.#first && handle < this.#next && (handle - this.#first) % this.#step === 0;
  }
}

import { MAX_INPUT, type Watch } from './fuzzer.ts';

const RUNNING = 0;
const LENGTH = 1;
const HEAD = 8;

/** Memory in which a thread that fuzzes shows its current input to the thread that watches it. */
export class InputWindow implements Watch {
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(shared = new SharedArrayBuffer(HEAD + MAX_INPUT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared, 0, 2);
    this.#bytes = new Uint8Array(shared, HEAD);
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input.subarray(0, this.#bytes.length));
    Atomics.store(this.#words, LENGTH, Math.min(input.length, this.#bytes.length));
    Atomics.add(this.#words, RUNNING, 1);
  }

  end(): void {
    Atomics.add(this.#words, RUNNING, 1);
  }

  /** Number of the input that is being run, undefined between two. */
  get running(): number | undefined {
    const count = Atomics.load(this.#words, RUNNING);
    return count % 2 === 0 ? undefined : count;
  }

  /** The last input. */
  get input(): Uint8Array {
    return this.#bytes.slice(0, Atomics.load(this.#words, LENGTH));
  }
}

import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { type Allowance, MAX_STREAM } from '../limits.ts';
import type { PendingWrite } from './overlay-object.ts';

/** What a stream writes to. */
export interface StreamTarget {
  /** Gives the property its value. */
  write(bytes: Uint8Array): void;
  /** Has the stream asked for its bytes before anybody reads the object; the result ends that. */
  addWriter?(stream: PendingWrite): () => void;
}

/** What a stream is over. */
export interface StreamOptions {
  readonly allowance: Allowance;
  /** The bytes that the property has now; undefined where it is not there. */
  readonly load: () => Uint8Array | undefined;
  /** Left out where it is for reading alone. */
  readonly target?: StreamTarget;
}

const NOTHING = new Uint8Array(0);

/** The bytes of a stream, which those that are cloned from it have too ([MS-OXCPRPT] 3.2.5.24). What is written belongs to the object at once. */
export class StreamBytes {
  readonly #options: StreamOptions;
  readonly #forget: (() => void) | undefined;
  #bytes: Uint8Array = NOTHING;
  #length = 0;
  #dirty = false;
  #streams = 0;

  /** Throws NotEnoughMemory. */
  constructor(bytes: Uint8Array, options: StreamOptions) {
    this.#options = options;
    this.#become(bytes);
    this.#forget = options.target?.addWriter?.(this);
  }

  get length(): number {
    return this.#length;
  }

  get writable(): boolean {
    return this.#options.target !== undefined;
  }

  /** One more stream has them. */
  open(): this {
    this.#streams += 1;
    return this;
  }

  /** One stream less has them; the last one gives back their memory. */
  close(): void {
    this.#streams -= 1;
    try {
      this.flush();
    } finally {
      if (this.#streams === 0) {
        this.#forget?.();
        this.#become(NOTHING);
      }
    }
  }

  /** A view. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  /** Throws StreamAccessDenied, TooBig, NotEnoughMemory. */
  write(at: number, bytes: Uint8Array): void {
    const end = at + bytes.length;
    this.#grow(end);
    this.#bytes.set(bytes, at);
    this.#length = Math.max(this.#length, end);
    this.#dirty = true;
  }

  /** Cuts them, or fills them with zeros. Throws StreamAccessDenied, TooBig, NotEnoughMemory. */
  resize(length: number): void {
    this.#grow(length);
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
    this.#dirty = true;
  }

  /** Gives the object what was written since the last time. */
  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#options.target?.write(this.#bytes.subarray(0, this.#length));
  }

  /** Forgets what was written since the last time; where the property cannot be read again, there is nothing left. */
  discard(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    this.#become(NOTHING);
    try {
      this.#become(this.#options.load() ?? NOTHING);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
  }

  #become(bytes: Uint8Array): void {
    this.#options.allowance.use(bytes.length - this.#bytes.length);
    // The bytes are the value itself, perhaps: what is written must not change that.
    this.#bytes = this.writable ? bytes.slice() : bytes;
    this.#length = bytes.length;
  }

  /** Room for so many bytes, twice as many as before where that is not enough. */
  #grow(length: number): void {
    if (!this.writable) throw new StoreError(ErrorCode.StreamAccessDenied, 'the stream was opened to be read');
    if (length > MAX_STREAM) throw new StoreError(ErrorCode.TooBig, `a stream of ${length} bytes`);
    if (length <= this.#bytes.length) return;
    const capacity = Math.min(MAX_STREAM, Math.max(length, 2 * this.#bytes.length, 1024));
    this.#options.allowance.use(capacity - this.#bytes.length);
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

import { ErrorCode, StoreError } from '../../mapi/error-code.ts';

/** Objects that a session may have open, by kind; one more is refused. As large as Exchange's default limits, or larger. */
export const MAX_OBJECTS = {
  logon: 64,
  folder: 512,
  message: 256,
  attachment: 512,
  table: 512,
  stream: 256,
  subscription: 512,
} as const;

export type ObjectKind = keyof typeof MAX_OBJECTS;

/** Bytes that the open messages and streams of an account's sessions may have, and those of all sessions with one worker. */
export const MAX_ACCOUNT_MEMORY = 256 * 1024 * 1024;
export const MAX_WORKER_MEMORY = 1024 * 1024 * 1024;
/** The longest stream, and the largest value that it makes, in bytes. */
export const MAX_STREAM = 64 * 1024 * 1024;

/** Memory that several may use up to a bound. */
export class MemoryPool {
  readonly #limit: number;
  readonly #around: MemoryPool | undefined;
  #used = 0;

  /** @param around another that it is a part of. */
  constructor(limit: number, around?: MemoryPool) {
    this.#limit = limit;
    this.#around = around;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes are taken, or given back with a negative number. Throws NotEnoughMemory, and then nothing is taken. */
  use(bytes: number): void {
    if (bytes > 0 && this.#used + bytes > this.#limit) {
      throw new StoreError(ErrorCode.NotEnoughMemory, `${bytes} bytes beside ${this.#used}`);
    }
    this.#around?.use(bytes);
    this.#used += bytes;
  }
}

/** What one session uses, and may use. */
export class Allowance {
  readonly #objects = new Map<ObjectKind, number>();
  readonly #memory: MemoryPool;

  /** @param pool of the session's account. */
  constructor(pool: MemoryPool) {
    this.#memory = new MemoryPool(MAX_ACCOUNT_MEMORY, pool);
  }

  /** Bytes in use. */
  get memory(): number {
    return this.#memory.used;
  }

  /** An object is opened. Throws MaxObjsExceeded. */
  open(kind: ObjectKind): void {
    const count = this.#objects.get(kind) ?? 0;
    if (count >= MAX_OBJECTS[kind]) throw new StoreError(ErrorCode.MaxObjsExceeded, `${count} objects: ${kind}`);
    this.#objects.set(kind, count + 1);
  }

  /** An object that was opened is closed. */
  close(kind: ObjectKind): void {
    this.#objects.set(kind, Math.max(0, (this.#objects.get(kind) ?? 0) - 1));
  }

  /** Memory is taken, or given back with a negative number. Throws NotEnoughMemory, and then nothing is taken. */
  use(bytes: number): void {
    this.#memory.use(bytes);
  }
}

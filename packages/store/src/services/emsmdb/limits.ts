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

/** Bytes that a session may hold in messages with changes that are not saved, and in streams. */
export const MAX_SESSION_MEMORY = 192 * 1024 * 1024;
/** The longest stream, and the largest value that it makes, in bytes. */
export const MAX_STREAM = 64 * 1024 * 1024;

/** What one session uses, and may use. */
export class Allowance {
  readonly #objects = new Map<ObjectKind, number>();
  #memory = 0;

  /** Bytes in use. */
  get memory(): number {
    return this.#memory;
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
    if (bytes > 0 && this.#memory + bytes > MAX_SESSION_MEMORY) {
      throw new StoreError(ErrorCode.NotEnoughMemory, `a session of ${this.#memory} bytes`);
    }
    this.#memory = Math.max(0, this.#memory + bytes);
  }
}

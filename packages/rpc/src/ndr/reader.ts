import { decodeUtf16 } from '../bytes/utf16.ts';
import { ProtocolError } from '../errors.ts';
import { MAX_EMPTY_ELEMENTS, MAX_POINTER_DEPTH, MAX_STUB_PADDING } from './limits.ts';
import type { Scope } from './scope.ts';
import { reverseFrom } from './stack.ts';

/** Where a decoded value goes: an object or an array. */
export type Target = Record<string | number, unknown>;

/** What a deferred referent is decoded with. */
export interface ReferentDecoder {
  /** The same for all codecs of one type. */
  readonly identity: object;
  decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void;
}

interface Pending {
  readonly referent: ReferentDecoder;
  readonly scope: Scope;
  readonly target: Target;
  readonly key: string | number;
  readonly depth: number;
  /** Of a full pointer; 0 of others. */
  readonly identifier: number;
}

/** Bytes that are copied one by one. */
const SHORT = 128;

/** The section of strings. */
const TEXT = 'C706 14.3.4';

/**
 * Reads one stub in NDR 2.0, in the byte order given: integers and floats aligned to their size, counted from the start of
 * the stub (C706 14.2.2). Never reads past the end: that throws a {@link ProtocolError} with code `RPCH_SHORT_FRAME`.
 */
export class NdrReader {
  readonly littleEndian: boolean;
  readonly #ieeeFloats: boolean;
  readonly #views: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;
  #pending: Pending[] | undefined;
  #depth = 0;
  #emptyElements = 0;
  #referents: Map<number, Pending> | undefined;
  #checks: (() => void)[] | undefined;

  /**
   * @param what names the stub in errors.
   * @param ieeeFloats is false where the data representation announces VAX, Cray or IBM floats (C706 14.1): a stub that
   * holds a float is refused then.
   * @param views makes arrays of bytes views of `bytes`, which must not change any more, and not copies.
   */
  constructor(bytes: Uint8Array, littleEndian: boolean, what: string, ieeeFloats = true, views = false) {
    this.littleEndian = littleEndian;
    this.#ieeeFloats = ieeeFloats;
    this.#views = views;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  align(alignment: number): void {
    this.#take(alignment, 0);
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1, 1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2, 2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4, 4), this.littleEndian);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8, 8), this.littleEndian);
  }

  f32(): number {
    this.#checkFloats();
    return this.#view.getFloat32(this.#take(4, 4), this.littleEndian);
  }

  f64(): number {
    this.#checkFloats();
    return this.#view.getFloat64(this.#take(8, 8), this.littleEndian);
  }

  /** A maximum count, an offset or an actual count (C706 14.3.3). */
  count(): number {
    return this.u32();
  }

  /** A referent identifier; 0 is the null pointer (C706 14.3.10). */
  referent(): number {
    return this.u32();
  }

  /** The next `length` bytes: a copy, or a view where those were asked for. */
  bytes(length: number): Uint8Array {
    const at = this.#take(1, length);
    if (!this.#views && length <= SHORT) return this.#copy(at, length);
    const view = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
    return this.#views ? view : new Uint8Array(view);
  }

  /** `length` UTF-16 code units, aligned to 2. */
  wideChars(length: number): string {
    const at = this.#take(2, length * 2);
    if (this.littleEndian) return decodeUtf16(this.#bytes.subarray(at, at + length * 2), TEXT);
    return decodeUtf16(Buffer.from(this.#bytes.subarray(at, at + length * 2)).swap16(), TEXT);
  }

  /** `length` bytes, each the character of its number. */
  chars(length: number): string {
    const at = this.#take(1, length);
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('latin1');
  }

  /** Refuses a number of elements that what remains cannot hold, before anything is made of it. */
  boundElements(count: number, leastSize: number): void {
    if (leastSize === 0) {
      this.#emptyElements += count;
      if (this.#emptyElements > MAX_EMPTY_ELEMENTS) {
        throw this.error(
          'RPCH_TOO_MANY_ELEMENTS',
          `more than ${MAX_EMPTY_ELEMENTS} elements of no size`,
          'C706 14.3.3',
        );
      }
    } else if (count * leastSize > this.remaining) {
      throw this.#short(count * leastSize);
    }
  }

  /** Notes a referent that follows the construct being read (C706 14.3.12.3). `identifier` is that of a full pointer, else 0. */
  defer(referent: ReferentDecoder, scope: Scope, target: Target, key: string | number, identifier: number): void {
    if (this.#depth >= MAX_POINTER_DEPTH) {
      throw this.error('RPCH_TOO_DEEP', `a chain of more than ${MAX_POINTER_DEPTH} pointers`, 'C706 14.3.12.3');
    }
    this.#pending ??= [];
    this.#pending.push({ referent, scope, target, key, depth: this.#depth + 1, identifier });
  }

  /** Reads the deferred referents in the order of C706 14.3.12.3: to be called after each parameter. */
  drain(): void {
    const pending = this.#pending;
    if (pending === undefined || pending.length === 0) return;
    reverseFrom(pending, 0);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (next.identifier !== 0 && this.#readBefore(next)) continue;
      this.#depth = next.depth;
      const top = pending.length;
      next.referent.decodeInto(this, next.scope, next.target, next.key);
      reverseFrom(pending, top);
    }
    this.#depth = 0;
  }

  /** A check that can be made only when the whole stub was read: of an array that comes before its count. */
  checkLater(check: () => void): void {
    this.#checks ??= [];
    this.#checks.push(check);
  }

  /** Throws unless the stub was read to its end, but for padding (C706 14.2.2), or if a check made later fails. */
  end(): void {
    if (this.#checks !== undefined) for (const check of this.#checks) check();
    if (this.remaining > MAX_STUB_PADDING) {
      throw this.error('RPCH_TRAILING_BYTES', `${this.remaining} bytes left over`, 'C706 14.2.2');
    }
  }

  error(code: string, message: string, section: string): ProtocolError {
    return new ProtocolError(code, `${this.#what}: ${message}`, section);
  }

  /** A full pointer whose identifier was seen before points to the same referent, which is not there again (C706 14.3.11). */
  #readBefore(pointer: Pending): boolean {
    this.#referents ??= new Map();
    const first = this.#referents.get(pointer.identifier);
    if (first === undefined) {
      this.#referents.set(pointer.identifier, pointer);
      return false;
    }
    if (first.referent.identity !== pointer.referent.identity) {
      throw this.error('RPCH_BAD_REFERENT', 'one referent identifier for two types', 'C706 14.3.11');
    }
    pointer.target[pointer.key] = first.target[first.key];
    return true;
  }

  /** A short copy is made byte by byte: a view to copy from would take longer. */
  #copy(at: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = this.#bytes[at + i] ?? 0;
    return copy;
  }

  #checkFloats(): void {
    if (!this.#ieeeFloats) throw this.error('RPCH_FLOAT_FORMAT', 'floats are not in IEEE format', 'C706 14.1');
  }

  #take(alignment: number, length: number): number {
    const at = (this.#at + alignment - 1) & -alignment;
    if (at + length > this.#bytes.length) throw this.#short(length);
    this.#at = at + length;
    return at;
  }

  #short(length: number): ProtocolError {
    const message = `${length} bytes wanted at offset ${this.#at}, ${this.remaining} left`;
    return this.error('RPCH_SHORT_FRAME', message, 'C706 14.2.2');
  }
}

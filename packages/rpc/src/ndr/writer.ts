import { badValue } from './errors.ts';
import { MAX_POINTER_DEPTH } from './limits.ts';
import type { Scope } from './scope.ts';
import { reverseFrom } from './stack.ts';

/** What a deferred referent is encoded with. */
export interface ReferentEncoder {
  encode(writer: NdrWriter, value: unknown, scope: Scope): void;
}

interface Pending {
  readonly referent: ReferentEncoder;
  readonly value: unknown;
  readonly scope: Scope;
  readonly depth: number;
}

/** Referent identifiers count up from here in steps of four, as Windows and Samba do it. */
const FIRST_REFERENT = 0x0002_0000;
const REFERENT_STEP = 4;

/** Bytes of room behind what did not fit. */
const SPARE = 32;

const floatScratch = new DataView(new ArrayBuffer(8));

/**
 * Builds one stub in NDR 2.0, in the byte order given. Integers and floats are aligned to their size, counted from the
 * start of the stub (C706 14.2.2); the gaps are zeros. Grows as needed.
 *
 * Bytes are stored one by one rather than through a DataView: V8 keeps small typed arrays without an ArrayBuffer, and making
 * one costs more than encoding a short stub.
 */
export class NdrWriter {
  readonly littleEndian: boolean;
  #bytes: Uint8Array;
  #length = 0;
  readonly #firstReferent: number;
  #referents = 0;
  #fullReferents = 0;
  #pending: Pending[] | undefined;
  #depth = 0;

  /**
   * @param capacity is how many bytes there is room for before the first growth.
   * @param firstReferent is the identifier of the first referent.
   */
  constructor(littleEndian: boolean, capacity = 64, firstReferent = FIRST_REFERENT) {
    this.littleEndian = littleEndian;
    this.#bytes = new Uint8Array(capacity);
    this.#firstReferent = firstReferent;
  }

  get length(): number {
    return this.#length;
  }

  /** How many identifiers {@link freshReferent} has given out. */
  get referents(): number {
    return this.#referents;
  }

  /** Zeros up to the next multiple of `alignment`, which is a power of two. */
  align(alignment: number): void {
    this.#room(alignment, 0);
  }

  u8(value: number): void {
    const at = this.#room(1, 1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#room(2, 2);
    const bytes = this.#bytes;
    if (this.littleEndian) {
      bytes[at] = value;
      bytes[at + 1] = value >>> 8;
    } else {
      bytes[at] = value >>> 8;
      bytes[at + 1] = value;
    }
  }

  u32(value: number): void {
    this.#store32(this.#room(4, 4), value);
  }

  /** 64 bits; a negative value is written as its two's complement. */
  u64(value: bigint): void {
    const at = this.#room(8, 8);
    const low = Number(BigInt.asUintN(32, value));
    const high = Number(BigInt.asUintN(32, value >> 32n));
    this.#store32(at, this.littleEndian ? low : high);
    this.#store32(at + 4, this.littleEndian ? high : low);
  }

  f32(value: number): void {
    floatScratch.setFloat32(0, value);
    this.u32(floatScratch.getUint32(0));
  }

  f64(value: number): void {
    floatScratch.setFloat64(0, value);
    this.u64(floatScratch.getBigUint64(0));
  }

  /** A maximum count, an offset or an actual count (C706 14.3.3). */
  count(value: number): void {
    this.u32(value);
  }

  /** The identifier of a referent that was not written before (C706 14.3.10). */
  freshReferent(): void {
    this.u32(this.#firstReferent + REFERENT_STEP * this.#referents++);
  }

  /** The same for a full pointer; these count from 1, as Windows and Samba do it. */
  freshFullReferent(): void {
    this.u32(++this.#fullReferents);
  }

  /** The null pointer (C706 14.3.10). */
  nullReferent(): void {
    this.u32(0);
  }

  bytes(value: Uint8Array): void {
    const at = this.#room(1, value.length);
    this.#bytes.set(value, at);
  }

  /** UTF-16 code units, aligned to 2, with `zeros` units of zero after them. */
  wideChars(text: string, zeros: number): void {
    const length = text.length;
    let at = this.#room(2, (length + zeros) * 2);
    const bytes = this.#bytes;
    const low = this.littleEndian ? 0 : 1;
    for (let i = 0; i < length; i++, at += 2) {
      const unit = text.charCodeAt(i);
      bytes[at + low] = unit;
      bytes[at + 1 - low] = unit >>> 8;
    }
  }

  /** One byte for each character, which must not be above U+00FF, with `zeros` bytes of zero after them. */
  chars(text: string, zeros: number): void {
    const length = text.length;
    const at = this.#room(1, length + zeros);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0xff) throw badValue('a string of 8-bit characters holds one above U+00FF');
      bytes[at + i] = unit;
    }
  }

  /** Notes a referent that follows the construct being written (C706 14.3.12.3). */
  defer(referent: ReferentEncoder, value: unknown, scope: Scope): void {
    if (this.#depth >= MAX_POINTER_DEPTH) throw badValue(`a chain of more than ${MAX_POINTER_DEPTH} pointers`);
    this.#pending ??= [];
    this.#pending.push({ referent, value, scope, depth: this.#depth + 1 });
  }

  /**
   * Writes the deferred referents, each followed by those that it points to (C706 14.3.12.3): to be called after each
   * parameter. A referent's own referents go on top of the stack, the first one uppermost.
   */
  drain(): void {
    const pending = this.#pending;
    if (pending === undefined || pending.length === 0) return;
    reverseFrom(pending, 0);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      this.#depth = next.depth;
      const top = pending.length;
      next.referent.encode(this, next.value, next.scope);
      reverseFrom(pending, top);
    }
    this.#depth = 0;
  }

  /** A view of what was written so far. */
  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  #store32(at: number, value: number): void {
    const bytes = this.#bytes;
    if (this.littleEndian) {
      bytes[at] = value;
      bytes[at + 1] = value >>> 8;
      bytes[at + 2] = value >>> 16;
      bytes[at + 3] = value >>> 24;
    } else {
      bytes[at] = value >>> 24;
      bytes[at + 1] = value >>> 16;
      bytes[at + 2] = value >>> 8;
      bytes[at + 3] = value;
    }
  }

  /** Makes room for `length` bytes at the next multiple of `alignment`, and returns where. */
  #room(alignment: number, length: number): number {
    const at = (this.#length + alignment - 1) & -alignment;
    const needed = at + length;
    if (needed > this.#bytes.length) {
      // What is large is mostly last but for a few numbers, which are not to cost a second copy.
      const grown = new Uint8Array(Math.max(needed + SPARE, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}

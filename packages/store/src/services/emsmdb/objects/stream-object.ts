import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { type PropertyTag, PropertyType, type PropertyValue, typeOf, withType } from '../../../mapi/property.ts';
import { StreamOrigin } from '../../../mapi/rops/stream.ts';
import {
  decodeString8,
  decodeUnicode,
  encodeString8,
  encodeUnicode,
  type TextCoding,
} from '../../../mapi/text-coding.ts';
import { MAX_STREAM } from '../limits.ts';
import type { Region, StreamLocks } from './region-locks.ts';
import type { StreamBytes } from './stream-bytes.ts';

/** Types of which there are streams ([MS-OXCPRPT] 3.2.5.9). */
const STREAMABLE: readonly number[] = [
  PropertyType.Binary,
  PropertyType.Object,
  PropertyType.String,
  PropertyType.String8,
];

/** Whether there are streams over properties of this type. */
export function isStreamable(tag: PropertyTag): boolean {
  return STREAMABLE.includes(typeOf(tag));
}

/** The tag under which a stream's value is kept. */
export function streamTag(tag: PropertyTag): PropertyTag {
  return typeOf(tag) === PropertyType.String8 ? withType(tag, PropertyType.String) : tag;
}

/** The bytes that a stream over a property has: text without its terminator. */
export function streamBytes(tag: PropertyTag, value: PropertyValue, coding: TextCoding): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const text = typeof value === 'string' ? value : '';
  return typeOf(tag) === PropertyType.String8 ? encodeString8(text, coding.codePage) : encodeUnicode(text);
}

/** The value that bytes make of a property, which is kept as {@link streamTag}. */
export function streamValue(tag: PropertyTag, bytes: Uint8Array, coding: TextCoding): PropertyValue {
  if (typeOf(tag) === PropertyType.String8) return decodeString8(bytes, coding.codePage);
  return typeOf(tag) === PropertyType.String ? decodeUnicode(bytes) : bytes.slice();
}

/** All of a stream, and what it may yet become. */
export const WHOLE: Region = { from: 0n, to: 1n << 64n };

/** A stream over a property ([MS-OXCPRPT] 3.2.5.9 ff.): bytes and a position. */
export class StreamObject {
  readonly kind = 'stream';
  readonly #bytes: StreamBytes;
  readonly #locks: StreamLocks;
  #position: number;

  constructor(bytes: StreamBytes, locks: StreamLocks, position = 0) {
    this.#bytes = bytes.open();
    this.#locks = locks;
    this.#position = position;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get writable(): boolean {
    return this.#bytes.writable;
  }

  /** A view of at most so many bytes; the position moves. Throws AccessDenied and NetworkError for what is locked. */
  read(count: number): Uint8Array {
    const from = Math.min(this.#position, this.size);
    const to = Math.min(from + count, this.size);
    this.#locks.check(regionOf(from, to), 'read');
    this.#position = Math.max(this.#position, to);
    return this.#bytes.slice(from, to);
  }

  /** Throws StreamAccessDenied, TooBig, NotEnoughMemory; NetworkError for what was locked. */
  write(bytes: Uint8Array): void {
    const end = this.#position + bytes.length;
    // Between the end of the stream and what is written beyond it come zeros.
    this.#locks.check(regionOf(Math.min(this.#position, this.size), end), 'write');
    this.#bytes.write(this.#position, bytes);
    this.#position = end;
  }

  /** Cuts it, or fills it with zeros. Throws StreamAccessDenied, TooBig, NotEnoughMemory; NetworkError for what was locked. */
  setSize(size: bigint): void {
    if (size > BigInt(MAX_STREAM)) throw new StoreError(ErrorCode.TooBig, `a stream of ${size} bytes`);
    const length = Number(size);
    this.#locks.check(regionOf(Math.min(length, this.size), Math.max(length, this.size)), 'write');
    this.#bytes.resize(length);
    this.#position = Math.min(this.#position, length);
  }

  /** Moves; what is written past the end later leaves zeros before it. Throws StreamInvalidParam, StreamSeekError. */
  seek(origin: number, offset: bigint): number {
    let from: number;
    if (origin === StreamOrigin.Beginning) from = 0;
    else if (origin === StreamOrigin.Current) from = this.#position;
    else if (origin === StreamOrigin.End) from = this.size;
    else throw new StoreError(ErrorCode.StreamInvalidParam, `origin ${origin}`);
    const position = BigInt(from) + offset;
    if (position < 0n || position > BigInt(MAX_STREAM)) {
      throw new StoreError(ErrorCode.StreamSeekError, `position ${position}`);
    }
    this.#position = Number(position);
    return this.#position;
  }

  /** Another stream over the same bytes, with a position of its own ([MS-OXCPRPT] 3.2.5.24). */
  clone(): StreamObject {
    return new StreamObject(this.#bytes, this.#locks.another(), this.#position);
  }

  /** Gives the object what was written since the last time. It is given all bytes anew, so that none may be locked by others. */
  commit(): void {
    this.#locks.check(WHOLE, 'write');
    this.#bytes.flush();
  }

  /** See {@link StreamLocks.lock}. */
  lock(region: Region, flags: number, now: number): void {
    this.#locks.lock(region, flags, now, () => this.#bytes.discard());
  }

  unlock(region: Region): void {
    this.#locks.unlock(region);
  }

  close(): void {
    try {
      this.#bytes.close();
    } finally {
      this.#locks.close();
    }
  }
}

function regionOf(from: number, to: number): Region {
  return { from: BigInt(from), to: BigInt(to) };
}

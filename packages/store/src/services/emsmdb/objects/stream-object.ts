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
import { type Allowance, MAX_STREAM } from '../limits.ts';

/** What a stream writes to. */
export interface StreamTarget {
  /** Gives the property its value. */
  write(value: PropertyValue): void;
  /** Has the stream asked for its bytes before anybody reads the object; the result ends that. */
  addWriter?(stream: StreamObject): () => void;
}

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

/** The bytes that a stream over a property has: text without its terminator. */
export function streamBytes(tag: PropertyTag, value: PropertyValue, coding: TextCoding): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const text = typeof value === 'string' ? value : '';
  return typeOf(tag) === PropertyType.String8 ? encodeString8(text, coding.codePage) : encodeUnicode(text);
}

/** The value that bytes make of a property, which is kept as {@link streamTag}. */
function streamValue(tag: PropertyTag, bytes: Uint8Array, coding: TextCoding): PropertyValue {
  if (typeOf(tag) === PropertyType.String8) return decodeString8(bytes, coding.codePage);
  return typeOf(tag) === PropertyType.String ? decodeUnicode(bytes) : bytes.slice();
}

/** What a stream is over. */
export interface StreamOptions {
  readonly tag: PropertyTag;
  readonly coding: TextCoding;
  readonly allowance: Allowance;
  /** Left out where it is for reading alone. */
  readonly target?: StreamTarget;
}

/** A stream over a property ([MS-OXCPRPT] 3.2.5.9 ff.): bytes and a position. What is written belongs to the object at once. */
export class StreamObject {
  readonly kind = 'stream';
  readonly #options: StreamOptions;
  readonly #forget: (() => void) | undefined;
  #bytes: Uint8Array;
  #length: number;
  #position = 0;
  #dirty = false;

  /** Throws NotEnoughMemory. */
  constructor(bytes: Uint8Array, options: StreamOptions) {
    options.allowance.use(bytes.length);
    this.#options = options;
    // The bytes are the value itself, perhaps: what is written must not change that.
    this.#bytes = options.target === undefined ? bytes : bytes.slice();
    this.#length = bytes.length;
    this.#forget = options.target?.addWriter?.(this);
  }

  get size(): number {
    return this.#length;
  }

  get writable(): boolean {
    return this.#options.target !== undefined;
  }

  get position(): number {
    return this.#position;
  }

  /** A view of at most so many bytes; the position moves. */
  read(count: number): Uint8Array {
    const from = Math.min(this.#position, this.#length);
    const to = Math.min(from + count, this.#length);
    this.#position = Math.max(this.#position, to);
    return this.#bytes.subarray(from, to);
  }

  /** Bytes from the position to the end. */
  get remaining(): number {
    return Math.max(0, this.#length - this.#position);
  }

  /** Throws StreamAccessDenied, TooBig, NotEnoughMemory. */
  write(bytes: Uint8Array): void {
    this.#requireWritable();
    const end = this.#position + bytes.length;
    if (end > MAX_STREAM) throw new StoreError(ErrorCode.TooBig, `a stream of ${end} bytes`);
    this.#grow(end);
    this.#bytes.set(bytes, this.#position);
    this.#position = end;
    this.#length = Math.max(this.#length, end);
    this.#dirty = true;
  }

  /** Cuts it, or fills it with zeros. Throws StreamAccessDenied, TooBig, NotEnoughMemory. */
  setSize(size: bigint): void {
    this.#requireWritable();
    if (size > BigInt(MAX_STREAM)) throw new StoreError(ErrorCode.TooBig, `a stream of ${size} bytes`);
    const length = Number(size);
    this.#grow(length);
    if (length < this.#length) this.#bytes.fill(0, length, this.#length);
    this.#length = length;
    this.#position = Math.min(this.#position, length);
    this.#dirty = true;
  }

  /** Moves; what is written past the end later leaves zeros before it. Throws StreamInvalidParam, StreamSeekError. */
  seek(origin: number, offset: bigint): number {
    let from: number;
    if (origin === StreamOrigin.Beginning) from = 0;
    else if (origin === StreamOrigin.Current) from = this.#position;
    else if (origin === StreamOrigin.End) from = this.#length;
    else throw new StoreError(ErrorCode.StreamInvalidParam, `origin ${origin}`);
    const position = BigInt(from) + offset;
    if (position < 0n || position > BigInt(MAX_STREAM)) {
      throw new StoreError(ErrorCode.StreamSeekError, `position ${position}`);
    }
    this.#position = Number(position);
    return this.#position;
  }

  /** Another stream over the same bytes as they are now; it is for reading alone. */
  clone(): StreamObject {
    const { tag, coding, allowance } = this.#options;
    const bytes = this.#bytes.slice(0, this.#length);
    const clone = new StreamObject(bytes, { tag, coding, allowance });
    clone.#position = this.#position;
    return clone;
  }

  /** Gives the object what was written since the last time. */
  flush(): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const { tag, coding, target } = this.#options;
    target?.write(streamValue(tag, this.#bytes.subarray(0, this.#length), coding));
  }

  close(): void {
    try {
      this.flush();
    } finally {
      this.#forget?.();
      this.#options.allowance.use(-this.#bytes.length);
      this.#bytes = this.#bytes.subarray(0, 0);
      this.#length = 0;
    }
  }

  #requireWritable(): void {
    if (!this.writable) throw new StoreError(ErrorCode.StreamAccessDenied, 'the stream was opened to be read');
  }

  /** Room for so many bytes, twice as many as before where that is not enough. */
  #grow(length: number): void {
    if (length <= this.#bytes.length) return;
    const capacity = Math.min(MAX_STREAM, Math.max(length, 2 * this.#bytes.length, 1024));
    this.#options.allowance.use(capacity - this.#bytes.length);
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** The tag under which a stream's value is kept. */
export function streamTag(tag: PropertyTag): PropertyTag {
  return typeOf(tag) === PropertyType.String8 ? withType(tag, PropertyType.String) : tag;
}

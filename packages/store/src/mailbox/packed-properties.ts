import { Cursor, Writer } from '@rpch/rpc/internal';
import {
  type MutableProperties,
  type Properties,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../mapi/property.ts';
import { readValue, unicodeTag, writeValue } from '../mapi/property-codec.ts';
import { decodeUnicode } from '../mapi/text-coding.ts';
import { encodeValue, UNICODE, valueLength } from './value-codec.ts';

/** Values of more bytes than this are large for those who read objects: they ask for each of them apart (see StoredProperties). */
export const LARGE_VALUE = 8 * 1024;

/**
 * Bytes of a string or binary that are packed: what a cell of a table shows ([MS-OXCTABL] 3.2.5.1). The rest of what is longer
 * lies apart, so that reading rows does not read bodies.
 */
export const INLINE_VALUE = 510;
/** Bytes of a property of many values that are packed; of one that is longer, none are. */
const INLINE_MULTIPLE = 4096;

const HEADER = 4;
const ENTRY = 8;
/** In an entry's offset: the value lies apart. */
const APART = 0x8000_0000;
const EMPTY = new Uint8Array(HEADER);

/** What {@link packProperties} made: the packed bytes, and the values that belong beside them, as {@link encodeValue} has them. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly apart: ReadonlyMap<PropertyTag, Uint8Array>;
}

/** The properties to begin from: those that are neither set anew nor removed are copied, and what lies apart stays there. */
export interface PackedBase {
  readonly packed: PackedProperties;
  readonly remove?: Iterable<PropertyTag>;
}

/**
 * Packs properties, sorted by their ids: u32 count, then for each u32 tag and u32 offset of its value, then the values as ROPs
 * have them ([MS-OXCDATA] 2.11.1; strings as PtypString). Of a value that lies apart there is its length (u32), then its beginning in
 * the same form; of many values, nothing more. A property that is set replaces one of the same id, whatever its type. Throws StoreError
 * UnexpectedType for a value that is not of its tag's type.
 */
export function packProperties(set: Properties, base?: PackedBase): Packed {
  const apart = new Map<PropertyTag, Uint8Array>();
  const entries = new Map<number, { tag: PropertyTag; value?: PropertyValue }>();
  if (base !== undefined) {
    for (const tag of base.packed.tags()) entries.set(tag >>> 16, { tag });
    for (const tag of base.remove ?? []) entries.delete(tag >>> 16);
  }
  for (const [tag, value] of set) {
    const stored = unicodeTag(tag);
    entries.set(stored >>> 16, { tag: stored, value });
  }
  const sorted = [...entries.values()].sort((a, b) => a.tag - b.tag);
  const writer = new Writer(HEADER + sorted.length * (ENTRY + 32));
  writer.u32(sorted.length).zeros(sorted.length * ENTRY);
  let at = HEADER;
  for (const { tag, value } of sorted) {
    let offset = writer.length;
    if (value === undefined) {
      if (base?.packed.isApart(tag)) offset += APART;
      base?.packed.copyStored(writer, tag);
    } else if (valueLength(tag, value) > (Array.isArray(value) ? INLINE_MULTIPLE : INLINE_VALUE)) {
      const bytes = encodeValue(tag, value);
      apart.set(tag, bytes);
      offset += APART;
      writer.u32(bytes.length);
      writeBeginning(writer, typeOf(tag), bytes);
    } else {
      writeValue(writer, typeOf(tag), value, UNICODE);
    }
    writer.patchU32(at, tag).patchU32(at + 4, offset);
    at += ENTRY;
  }
  return { bytes: writer.finish(), apart };
}

function writeBeginning(writer: Writer, type: number, bytes: Uint8Array): void {
  if (type === PropertyType.String) {
    // A stream may have put U+0000 into a text; in a ROP it ends there.
    let length = cutText(bytes, 0, INLINE_VALUE);
    for (let at = 0; at < length; at += 2) if (bytes[at] === 0 && bytes[at + 1] === 0) length = at;
    writer.bytes(bytes.subarray(0, length)).u16(0);
  } else if (hasBeginning(type)) {
    writer.u16(INLINE_VALUE).bytes(bytes.subarray(0, INLINE_VALUE));
  }
}

/** Of these the beginning is packed where the value lies apart; half of any other would mean nothing. */
function hasBeginning(type: number): boolean {
  return type === PropertyType.String || type === PropertyType.Binary || type === PropertyType.Object;
}

/** As many of the UTF-16 bytes at `start` as fit `limit` and do not end within a surrogate pair. */
function cutText(bytes: Uint8Array, start: number, limit: number): number {
  const length = limit & ~1;
  const last = bytes[start + length - 1] ?? 0;
  return length >= 2 && (last & 0xfc) === 0xd8 ? length - 2 : length;
}

/**
 * Packed properties, read where they lie: finding one takes a few comparisons and decodes nothing. The bytes are our own
 * ({@link packProperties}) and are not checked.
 */
export class PackedProperties {
  /** Of an object without properties. */
  static readonly empty = new PackedProperties(EMPTY);

  readonly bytes: Uint8Array;
  readonly count: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.count = this.#u32(0);
  }

  #u32(at: number): number {
    const bytes = this.bytes;
    return (
      ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>>
      0
    );
  }

  #tagAt(index: number): PropertyTag {
    return this.#u32(HEADER + index * ENTRY);
  }

  #start(index: number): number {
    return this.#u32(HEADER + index * ENTRY + 4) & ~APART;
  }

  #end(index: number): number {
    return index + 1 < this.count ? this.#start(index + 1) : this.bytes.length;
  }

  /** The index of the property with an id, or -1. */
  #indexOfId(id: number): number {
    const bytes = this.bytes;
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = HEADER + middle * ENTRY + 2;
      const found = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      if (found === id) return middle;
      if (found < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #indexOf(tag: PropertyTag): number {
    const index = this.#indexOfId(tag >>> 16);
    return index >= 0 && this.#tagAt(index) === tag ? index : -1;
  }

  #apartAt(index: number): boolean {
    return this.#u32(HEADER + index * ENTRY + 4) >= APART;
  }

  /** Whether the value, or of one that lies apart the beginning, is here. */
  #isShown(index: number, type: number): boolean {
    return !this.#apartAt(index) || hasBeginning(type);
  }

  has(tag: PropertyTag): boolean {
    return this.#indexOf(tag) >= 0;
  }

  /** The stored tag of a property id, whatever type a caller names; undefined where there is none. */
  tagOf(id: number): PropertyTag | undefined {
    const index = this.#indexOfId(id);
    return index < 0 ? undefined : this.#tagAt(index);
  }

  /** All tags, in order. */
  tags(): PropertyTag[] {
    return Array.from({ length: this.count }, (_, index) => this.#tagAt(index));
  }

  /** Whether the value lies apart, and at most its beginning is here. */
  isApart(tag: PropertyTag): boolean {
    const index = this.#indexOf(tag);
    return index >= 0 && this.#apartAt(index);
  }

  /** Bytes of a value as a stream has it, in full even where it lies apart; undefined where there is none. */
  lengthOf(tag: PropertyTag): number | undefined {
    const index = this.#indexOf(tag);
    if (index < 0) return undefined;
    const start = this.#start(index);
    if (this.#apartAt(index)) return this.#u32(start);
    const type = typeOf(tag);
    return this.#end(index) - start - (hasBeginning(type) || type === PropertyType.ServerId ? 2 : 0);
  }

  /** Where the value in ROP form begins in `bytes`, or -1. Of a value that lies apart: its beginning. */
  offsetOf(tag: PropertyTag): number {
    const index = this.#indexOf(tag);
    if (index < 0 || !this.#isShown(index, typeOf(tag))) return -1;
    return this.#start(index) + (this.#apartAt(index) ? 4 : 0);
  }

  /** The value; of text or a binary that lies apart its beginning. Undefined where there is none, and where only its length is here. */
  value(tag: PropertyTag): PropertyValue | undefined {
    const index = this.#indexOf(tag);
    return index < 0 || !this.#isShown(index, typeOf(tag)) ? undefined : this.#valueAt(index, typeOf(tag));
  }

  #valueAt(index: number, type: number): PropertyValue {
    const start = this.#start(index) + (this.#apartAt(index) ? 4 : 0);
    const end = this.#end(index);
    // Text is by far the most frequent; what ends it need not be searched for.
    if (type === PropertyType.String) return decodeUnicode(this.bytes.subarray(start, end - 2));
    if (type === PropertyType.Restriction || type === PropertyType.RuleAction) return this.bytes.subarray(start, end);
    return readValue(new Cursor(this.bytes, 'packed properties', start, end), type, UNICODE);
  }

  /**
   * Copies a value in ROP form, text and binaries cut to `limit` bytes (never within a surrogate pair); those that lie apart are cut
   * to {@link INLINE_VALUE} in any case. False, with nothing written, where there is none and where only its length is here.
   */
  copyTo(writer: Writer, tag: PropertyTag, limit = INLINE_VALUE): boolean {
    const index = this.#indexOf(tag);
    const type = typeOf(tag);
    if (index < 0 || !this.#isShown(index, type)) return false;
    const start = this.#start(index) + (this.#apartAt(index) ? 4 : 0);
    const end = this.#end(index);
    const bytes = this.bytes;
    if (!hasBeginning(type) || end - start - 2 <= limit) {
      writer.bytes(bytes.subarray(start, end));
    } else if (type === PropertyType.String) {
      writer.bytes(bytes.subarray(start, start + cutText(bytes, start, limit))).u16(0);
    } else {
      writer.u16(limit).bytes(bytes.subarray(start + 2, start + 2 + limit));
    }
    return true;
  }

  /** Copies what is stored for a property, as {@link packProperties} wants it. */
  copyStored(writer: Writer, tag: PropertyTag): void {
    const index = this.#indexOf(tag);
    if (index >= 0) writer.bytes(this.bytes.subarray(this.#start(index), this.#end(index)));
  }

  /** All properties that are here in full. */
  toProperties(): MutableProperties {
    const properties: MutableProperties = new Map();
    for (let index = 0; index < this.count; index += 1) {
      if (this.#apartAt(index)) continue;
      const tag = this.#tagAt(index);
      properties.set(tag, this.#valueAt(index, typeOf(tag)));
    }
    return properties;
  }

  /** The lengths of those that are not, as {@link lengthOf} has them. */
  apart(): Map<PropertyTag, number> {
    const lengths = new Map<PropertyTag, number>();
    for (let index = 0; index < this.count; index += 1) {
      if (this.#apartAt(index)) lengths.set(this.#tagAt(index), this.#u32(this.#start(index)));
    }
    return lengths;
  }
}

import { Writer } from '@rpch/rpc/internal';
import {
  MULTIPLE,
  type PropertyScalar,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../../mapi/property.ts';
import { writeValue } from '../../mapi/property-codec.ts';
import { encodeString8, type TextCoding } from '../../mapi/text-coding.ts';
import type { PackedProperties } from '../packed-properties.ts';

/** Bytes that a value in a row may have ([MS-OXCTABL] 2.2.2.5.2); of text without its terminator. */
export const MAX_CELL = 510;
/** What one value adds to a row at most: a list's count, a terminator. */
const CELL_ROOM = MAX_CELL + 16;
const CAPACITY = 64 * 1024;
/** Up to here a loop is faster than a view and a call. */
const SHORT = 96;

/**
 * Rows under construction. A writer of its own, because a row is taken back where it turns out to be a flagged one or to have no
 * room, and because the values of 50 rows are 500 and more, so that each must cost next to nothing.
 */
export class RowBuffer {
  #bytes = new Uint8Array(CAPACITY);
  length = 0;

  /** Begins anew; what a row of uncommonly many columns took is given back. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length > 16 * CAPACITY) this.#bytes = new Uint8Array(CAPACITY);
  }

  view(start = 0, end = this.length): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  u8(value: number): void {
    this.#room(1)[this.length++] = value;
  }

  u16(value: number): void {
    const bytes = this.#room(2);
    bytes[this.length] = value;
    bytes[this.length + 1] = value >>> 8;
    this.length += 2;
  }

  u32(value: number): void {
    const bytes = this.#room(4);
    const at = this.length;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.length = at + 4;
  }

  /** The wire form of an id: REPLID u16, then the counter, most significant byte first ([MS-OXCDATA] 2.2.1.1). */
  objectId(replid: number, counter: number): void {
    const bytes = this.#room(8);
    const at = this.length;
    bytes[at] = replid;
    bytes[at + 1] = replid >>> 8;
    let rest = counter;
    for (let index = 7; index >= 2; index -= 1) {
      bytes[at + index] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.length = at + 8;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start;
    const bytes = this.#room(length);
    if (length > SHORT) {
      bytes.set(source.subarray(start, end), this.length);
    } else {
      const shift = this.length - start;
      for (let at = start; at < end; at += 1) bytes[at + shift] = source[at] ?? 0;
    }
    this.length += length;
  }

  /** A value in ROP form, cut to {@link MAX_CELL} bytes. Its type is that of the column, which may be String8 for text. */
  value(type: number, value: PropertyValue, coding: TextCoding): void {
    if (typeof value === 'number' && type === PropertyType.Integer32) {
      this.u32(value);
    } else if (typeof value === 'boolean') {
      this.u8(value ? 1 : 0);
    } else if (typeof value === 'bigint') {
      this.u32(Number(BigInt.asUintN(32, value)));
      this.u32(Number(BigInt.asUintN(32, value >> 32n)));
    } else if (typeof value === 'string' && type !== PropertyType.Guid) {
      this.#text(type, value, coding);
    } else if (value instanceof Uint8Array && (type === PropertyType.Binary || type === PropertyType.Object)) {
      this.u16(Math.min(value.length, MAX_CELL));
      this.bytes(value, 0, Math.min(value.length, MAX_CELL));
    } else if (Array.isArray(value)) {
      this.#many(type, value, coding);
    } else {
      this.bytes(encode(type, value, coding));
    }
  }

  /** A stored property whose column has the stored type; false, with nothing written, where there is none. */
  packed(packed: PackedProperties, tag: PropertyTag, coding: TextCoding): boolean {
    const start = packed.offsetOf(tag);
    if (start < 0) return false;
    const type = typeOf(tag);
    const source = packed.bytes;
    switch (type) {
      case PropertyType.String:
        this.#packedText(source, start);
        return true;
      case PropertyType.Binary: {
        const length = Math.min((source[start] ?? 0) | ((source[start + 1] ?? 0) << 8), MAX_CELL);
        this.u16(length);
        this.bytes(source, start + 2, start + 2 + length);
        return true;
      }
      case PropertyType.Boolean:
        this.u8(source[start] ?? 0);
        return true;
      case PropertyType.Integer32:
        this.bytes(source, start, start + 4);
        return true;
      case PropertyType.Time:
      case PropertyType.Integer64:
        this.bytes(source, start, start + 8);
        return true;
      default: {
        const value = packed.value(tag);
        if (value === undefined) return false;
        this.value(type, value, coding);
        return true;
      }
    }
  }

  /** Stored text in a column of type String8; false, with nothing written, where there is none. */
  packedString8(packed: PackedProperties, tag: PropertyTag, coding: TextCoding): boolean {
    const start = packed.offsetOf(tag);
    if (start < 0) return false;
    const source = packed.bytes;
    const bytes = this.#room(CELL_ROOM);
    let to = this.length;
    // ASCII is the same in every code page that there is.
    for (let at = start; to - this.length <= MAX_CELL; at += 2) {
      const low = source[at] ?? 0;
      if (low >= 0x80 || (source[at + 1] ?? 0) !== 0) {
        const value = packed.value(tag);
        if (value === undefined) return false;
        this.value(PropertyType.String8, value, coding);
        return true;
      }
      if (low === 0 || to - this.length === MAX_CELL) break;
      bytes[to++] = low;
    }
    bytes[to++] = 0;
    this.length = to;
    return true;
  }

  #packedText(source: Uint8Array, start: number): void {
    const bytes = this.#room(CELL_ROOM);
    const end = this.length + MAX_CELL;
    let to = this.length;
    for (let at = start; to < end; at += 2) {
      const low = source[at] ?? 0;
      const high = source[at + 1] ?? 0;
      if (low === 0 && high === 0) break;
      bytes[to] = low;
      bytes[to + 1] = high;
      to += 2;
    }
    // A pair of surrogates is not cut in two.
    if (to === end && ((bytes[to - 1] ?? 0) & 0xfc) === 0xd8) to -= 2;
    bytes[to] = 0;
    bytes[to + 1] = 0;
    this.length = to + 2;
  }

  #text(type: number, given: string, coding: TextCoding): void {
    const end = given.indexOf('\0');
    const text = end < 0 ? given : given.slice(0, end);
    const isString8 = type === PropertyType.String8;
    let cut = text.slice(0, isString8 ? MAX_CELL : MAX_CELL / 2);
    let bytes = isString8 ? encodeString8(cut, coding.codePage) : Buffer.from(cut, 'utf16le');
    while (bytes.length > MAX_CELL) {
      cut = cut.slice(0, Math.floor((cut.length * MAX_CELL) / bytes.length));
      bytes = encodeString8(cut, coding.codePage);
    }
    if (cut.length < text.length && cut !== '' && /[\ud800-\udbff]$/.test(cut)) {
      cut = cut.slice(0, -1);
      bytes = isString8 ? encodeString8(cut, coding.codePage) : Buffer.from(cut, 'utf16le');
    }
    this.bytes(bytes);
    if (isString8) this.u8(0);
    else this.u16(0);
  }

  /** As many whole values as fit. */
  #many(type: number, values: readonly PropertyScalar[], coding: TextCoding): void {
    const start = this.length;
    this.u32(0);
    let count = 0;
    for (const value of values) {
      const before = this.length;
      this.value(type & ~MULTIPLE, value, coding);
      if (this.length - start > MAX_CELL && count > 0) {
        this.length = before;
        break;
      }
      count += 1;
    }
    const end = this.length;
    this.length = start;
    this.u32(count);
    this.length = end;
  }

  #room(length: number): Uint8Array {
    if (this.length + length > this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length + length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

function encode(type: number, value: PropertyValue, coding: TextCoding): Uint8Array {
  const writer = new Writer(32);
  writeValue(writer, type, value, coding);
  return writer.finish();
}

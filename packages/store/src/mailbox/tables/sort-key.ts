import type { Counter } from '../../mapi/object-id.ts';
import { PropertyType, type PropertyValue } from '../../mapi/property.ts';
import { MAX_TEXT_KEY, writeTextKey, writeTextPrefix } from '../../mapi/text-order.ts';

/** Bytes of binaries that count in comparing them; what tables show is cut to about as much ([MS-OXCTABL] 3.2.5.1). */
const MAX_BINARY = 256;
/** Bytes at the end of each key: the row's id, and then, where rows are instances, which one it is. */
export const ID_BYTES = 6;
export const INSTANCE_BYTES = 2;

const ABSENT = 0;
const PRESENT = 1;

/** Bytes of the values of a type in a key; 0 for text and binaries, which end as endOfValue has it; undefined where it cannot be sorted. */
function sizeOf(type: number): number | undefined {
  switch (type) {
    case PropertyType.Boolean:
      return 1;
    case PropertyType.Integer16:
    case PropertyType.Integer32:
    case PropertyType.ErrorCode:
      return 4;
    case PropertyType.Floating32:
    case PropertyType.Floating64:
    case PropertyType.FloatingTime:
    case PropertyType.Currency:
    case PropertyType.Integer64:
    case PropertyType.Time:
      return 8;
    case PropertyType.Guid:
      return 16;
    case PropertyType.String:
    case PropertyType.Binary:
    case PropertyType.ServerId:
      return 0;
    default:
      return undefined;
  }
}

/** Whether values of a type have an order. */
export function isSortable(type: number): boolean {
  return sizeOf(type) !== undefined;
}

/**
 * Builds keys that compare as bytes the way rows compare by their values: of each value one byte whether there is one (rows without
 * it come first), then the value, most significant byte first, complemented where the order descends: as compareValues has it.
 */
export class KeyWriter {
  #bytes = Buffer.alloc(1024);
  #length = 0;

  clear(): this {
    this.#length = 0;
    return this;
  }

  value(type: number, value: PropertyValue | undefined, isDescending: boolean): this {
    const start = this.#length;
    if (value === undefined || value === null || !isSortable(type)) {
      this.#u8(ABSENT);
    } else {
      this.#u8(PRESENT);
      this.#value(type, value);
    }
    if (isDescending) this.#complement(start);
    return this;
  }

  /** In an order that ascends, the keys of all texts that begin with one, in any case, begin with this (which is no key itself). */
  textPrefix(text: string): this {
    this.#u8(PRESENT);
    const bytes = this.#room(MAX_TEXT_KEY);
    this.#length = writeTextPrefix(text, bytes, this.#length);
    return this;
  }

  row(id: Counter, instance: number | undefined): this {
    this.#room(ID_BYTES + INSTANCE_BYTES);
    this.#length = this.#bytes.writeUIntBE(id, this.#length, ID_BYTES);
    if (instance !== undefined) this.#length = this.#bytes.writeUInt16BE(instance, this.#length);
    return this;
  }

  /** What was written, as a view that holds until the next {@link clear}. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return new Uint8Array(this.view());
  }

  #value(type: number, value: NonNullable<PropertyValue>): void {
    const bytes = this.#room(16);
    const at = this.#length;
    switch (type) {
      case PropertyType.Boolean:
        this.#u8(value === true ? 1 : 0);
        return;
      case PropertyType.Integer16:
      case PropertyType.Integer32:
        this.#length = bytes.writeUInt32BE(((Number(value) | 0) ^ 0x8000_0000) >>> 0, at);
        return;
      case PropertyType.ErrorCode:
        this.#length = bytes.writeUInt32BE(Number(value) >>> 0, at);
        return;
      case PropertyType.Time:
        this.#length = bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value as bigint)), at);
        return;
      case PropertyType.Currency:
      case PropertyType.Integer64:
        this.#length = bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value as bigint) ^ (1n << 63n)), at);
        return;
      case PropertyType.Floating32:
      case PropertyType.Floating64:
      case PropertyType.FloatingTime:
        this.#float(Number(value));
        return;
      case PropertyType.Guid:
        // As its text is compared, which is not as its bytes are.
        this.#length += bytes.write(String(value).replaceAll('-', ''), at, 16, 'hex');
        return;
      case PropertyType.String:
        this.#length = writeTextKey(String(value), this.#room(MAX_TEXT_KEY), at);
        return;
      default:
        this.#binary(value as Uint8Array);
    }
  }

  #float(value: number): void {
    const at = this.#length;
    const bytes = this.#room(8);
    // NaN comes before all numbers, and 0 is -0.
    if (Number.isNaN(value)) bytes.fill(0, at, at + 8);
    else bytes.writeDoubleBE(value + 0, at);
    this.#length += 8;
    if (Number.isNaN(value)) return;
    // Negative numbers are complemented, and of the others the sign: they then compare as their bytes do.
    if (((bytes[at] ?? 0) & 0x80) !== 0) this.#complement(at);
    else bytes[at] = (bytes[at] ?? 0) | 0x80;
  }

  /** 0 is followed by 255, and the end by two of it. */
  #binary(value: Uint8Array): void {
    const bytes = this.#room(2 * MAX_BINARY + 2);
    const end = Math.min(value.length, MAX_BINARY);
    for (let at = 0; at < end; at += 1) {
      const byte = value[at] ?? 0;
      bytes[this.#length++] = byte;
      if (byte === 0) bytes[this.#length++] = 0xff;
    }
    bytes[this.#length++] = 0;
    bytes[this.#length++] = 0;
  }

  #u8(value: number): void {
    this.#room(1)[this.#length] = value;
    this.#length += 1;
  }

  #complement(start: number): void {
    const bytes = this.#bytes;
    for (let at = start; at < this.#length; at += 1) bytes[at] = ~(bytes[at] ?? 0);
  }

  #room(length: number): Buffer {
    if (this.#length + length > this.#bytes.length) {
      const grown = Buffer.alloc(2 * (this.#length + length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

/** Where the value that begins at `at` in a key ends. */
export function endOfValue(key: Uint8Array, at: number, type: number, isDescending: boolean): number {
  const mask = isDescending ? 0xff : 0;
  if (((key[at] ?? 0) ^ mask) === ABSENT) return at + 1;
  const size = sizeOf(type) ?? 0;
  if (size > 0) return at + 1 + size;
  let end = at + 1;
  if (type === PropertyType.String) {
    for (let zeros = 0; zeros < 2 && end < key.length; end += 1) if (((key[end] ?? 0) ^ mask) === 0) zeros += 1;
    return end;
  }
  while (end < key.length && (((key[end] ?? 0) ^ mask) !== 0 || ((key[end + 1] ?? 0) ^ mask) !== 0)) end += 1;
  return end + 2;
}

/** The least key that is greater than all that begin with `prefix`; undefined where there is none. */
export function afterPrefix(prefix: Uint8Array): Uint8Array | undefined {
  for (let end = prefix.length; end > 0; end -= 1) {
    const last = prefix[end - 1] ?? 0;
    if (last === 0xff) continue;
    const after = prefix.slice(0, end);
    after[end - 1] = last + 1;
    return after;
  }
  return undefined;
}

/** The id in a key. */
export function idOfKey(bytes: Uint8Array, end: number, isInstance: boolean): Counter {
  let id = 0;
  const from = end - (isInstance ? ID_BYTES + INSTANCE_BYTES : ID_BYTES);
  for (let at = from; at < from + ID_BYTES; at += 1) id = id * 256 + (bytes[at] ?? 0);
  return id;
}

/** Which instance of its message a key is of. */
export function instanceOfKey(bytes: Uint8Array, end: number): number {
  return ((bytes[end - 2] ?? 0) << 8) | (bytes[end - 1] ?? 0);
}

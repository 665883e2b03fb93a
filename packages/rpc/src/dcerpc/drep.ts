import { Cursor } from '../bytes/cursor.ts';
import { formatGuid, parseGuid } from '../bytes/guid.ts';
import { Writer } from '../bytes/writer.ts';
import { ProtocolError } from '../errors.ts';

/** Bytes of packed_drep (C706 14.1). */
export const DREP_LENGTH = 4;

/** Integer format in the high nibble of packed_drep's first byte (C706 14.1); every other value is unassigned. */
const INTEGER_BIG_ENDIAN = 0;
const INTEGER_LITTLE_ENDIAN = 1;
const BIG_ENDIAN_DREP = Uint8Array.of(INTEGER_BIG_ENDIAN << 4, 0, 0, 0);
const LITTLE_ENDIAN_DREP = Uint8Array.of(INTEGER_LITTLE_ENDIAN << 4, 0, 0, 0);

/**
 * Whether packed_drep announces little-endian integers (C706 14.1). Its character and floating-point formats do not
 * concern PDUs; a stub that holds such values has to look for itself. An unassigned integer format throws a
 * {@link ProtocolError}.
 */
export function littleEndianOf(packedDrep: Uint8Array): boolean {
  const format = (packedDrep[0] ?? 0) >> 4;
  if (format !== INTEGER_LITTLE_ENDIAN && format !== INTEGER_BIG_ENDIAN) {
    throw new ProtocolError('RPCH_BAD_DREP', `integer format ${format} does not exist`, 'C706 14.1');
  }
  return format === INTEGER_LITTLE_ENDIAN;
}

/** packed_drep of a sender with the byte order given, ASCII characters and IEEE floats (C706 14.1); shared, not to be changed. */
export function packedDrep(littleEndian: boolean): Uint8Array {
  return littleEndian ? LITTLE_ENDIAN_DREP : BIG_ENDIAN_DREP;
}

/**
 * Reads integers in the byte order that packed_drep names. Bounds are those of {@link Cursor}: a short read throws a
 * ProtocolError with code `RPCH_SHORT_FRAME`.
 */
export class DrepReader {
  readonly littleEndian: boolean;
  readonly #cursor: Cursor;
  readonly #start: number;

  /** @param what names the bytes in errors; @param start is the offset from which {@link align} counts. */
  constructor(bytes: Uint8Array, littleEndian: boolean, what: string, start = 0) {
    this.#cursor = new Cursor(bytes, what, start);
    this.#start = start;
    this.littleEndian = littleEndian;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#cursor.remaining;
  }

  u8(): number {
    return this.#cursor.u8();
  }

  u16(): number {
    const value = this.#cursor.u16();
    return this.littleEndian ? value : swap16(value);
  }

  u32(): number {
    const value = this.#cursor.u32();
    return this.littleEndian ? value : swap32(value);
  }

  /** A UUID in text form. Its first three fields are integers and follow the byte order (C706 appendix A). */
  uuid(): string {
    const bytes = this.#cursor.bytes(16);
    return formatGuid(this.littleEndian ? bytes : swapUuid(bytes));
  }

  /** A view, not a copy, of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    return this.#cursor.bytes(length);
  }

  skip(length: number): void {
    this.#cursor.skip(length);
  }

  /** Skips to the next multiple of `alignment`, counted from where this reader began. */
  align(alignment: number): void {
    const over = (this.#cursor.offset - this.#start) % alignment;
    if (over !== 0) this.#cursor.skip(alignment - over);
  }

  /** Throws a ProtocolError unless every byte was read. */
  end(): void {
    this.#cursor.end();
  }
}

/** Writes integers in the byte order given; otherwise a {@link Writer}. */
export class DrepWriter {
  readonly littleEndian: boolean;
  readonly #writer: Writer;

  /** @param capacity is how many bytes will be written. */
  constructor(littleEndian: boolean, capacity: number) {
    this.littleEndian = littleEndian;
    this.#writer = new Writer(capacity);
  }

  get length(): number {
    return this.#writer.length;
  }

  u8(value: number): this {
    this.#writer.u8(value);
    return this;
  }

  u16(value: number): this {
    this.#writer.u16(this.littleEndian ? value : swap16(value));
    return this;
  }

  u32(value: number): this {
    this.#writer.u32(this.littleEndian ? value : swap32(value));
    return this;
  }

  /** A UUID given in text form; other text throws a ProtocolError. */
  uuid(text: string): this {
    const bytes = parseGuid(text);
    this.#writer.bytes(this.littleEndian ? bytes : swapUuid(bytes));
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#writer.bytes(value);
    return this;
  }

  zeros(length: number): this {
    this.#writer.zeros(length);
    return this;
  }

  patchU16(offset: number, value: number): this {
    this.#writer.patchU16(offset, this.littleEndian ? value : swap16(value));
    return this;
  }

  /** A view of what was written so far. */
  finish(): Uint8Array {
    return this.#writer.finish();
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

function swap32(value: number): number {
  return ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0;
}

/** The other byte order of a UUID's time_low, time_mid and time_hi_and_version. */
function swapUuid(bytes: Uint8Array): Uint8Array {
  const swapped = new Uint8Array(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

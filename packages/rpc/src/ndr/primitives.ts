import { Codec } from './codec.ts';
import { badValue } from './errors.ts';
import type { NdrReader } from './reader.ts';
import { NO_SCOPE } from './scope.ts';
import { type DerivedSource, NdrType } from './type.ts';
import type { NdrWriter } from './writer.ts';

/** The type of a scalar; its codec needs no scope, and is shared. */
export class ScalarType<T> extends NdrType<T> {
  readonly sources: readonly DerivedSource[] = [];
  readonly #codec: Codec;

  constructor(codec: Codec) {
    super();
    this.#codec = codec;
  }

  compile(): Codec {
    return this.#codec;
  }
}

class ScalarCodec extends Codec {
  readonly alignment: number;
  readonly leastSize: number;
  readonly encode: (writer: NdrWriter, value: unknown) => void;
  readonly decode: (reader: NdrReader) => unknown;

  constructor(
    size: number,
    encode: (writer: NdrWriter, value: unknown) => void,
    decode: (reader: NdrReader) => unknown,
  ) {
    super();
    this.alignment = size;
    this.leastSize = size;
    this.encode = encode;
    this.decode = decode;
  }
}

function integer(
  size: number,
  least: number,
  most: number,
  put: (writer: NdrWriter, value: number) => void,
  get: (reader: NdrReader) => number,
): ScalarType<number> {
  const encode = (writer: NdrWriter, value: unknown) => {
    if (typeof value !== 'number' || !(value >= least && value <= most) || !Number.isInteger(value)) {
      throw badValue(`${String(value)} is not an integer from ${least} to ${most}`);
    }
    put(writer, value);
  };
  return new ScalarType(new ScalarCodec(size, encode, get));
}

function hugeInteger(least: bigint, most: bigint, get: (reader: NdrReader) => bigint): ScalarType<bigint> {
  const encode = (writer: NdrWriter, value: unknown) => {
    if (typeof value !== 'bigint' || value < least || value > most) {
      throw badValue(`${String(value)} is not a bigint from ${least} to ${most}`);
    }
    writer.u64(value);
  };
  return new ScalarType(new ScalarCodec(8, encode, get));
}

function float(
  size: number,
  put: (writer: NdrWriter, value: number) => void,
  get: (reader: NdrReader) => number,
): ScalarType<number> {
  const encode = (writer: NdrWriter, value: unknown) => {
    if (typeof value !== 'number') throw badValue(`${String(value)} is not a number`);
    put(writer, value);
  };
  return new ScalarType(new ScalarCodec(size, encode, get));
}

/** The type of {@link uint8}; arrays of it are a Uint8Array, copied in one piece. */
export class Uint8Type extends ScalarType<number> {
  declare readonly byte: true;
}

const u8 = (writer: NdrWriter, value: number) => writer.u8(value);
const u16 = (writer: NdrWriter, value: number) => writer.u16(value);
const u32 = (writer: NdrWriter, value: number) => writer.u32(value);
const readU16 = (reader: NdrReader) => reader.u16();
const readU32 = (reader: NdrReader) => reader.u32();

/** unsigned small, byte (C706 14.2.5, 14.2.9). */
export const uint8 = new Uint8Type(integer(1, 0, 0xff, u8, (reader) => reader.u8()).compile());
/** small (C706 14.2.5). */
export const int8 = integer(1, -0x80, 0x7f, u8, (reader) => (reader.u8() << 24) >> 24);
/** unsigned short (C706 14.2.5). */
export const uint16 = integer(2, 0, 0xffff, u16, readU16);
/** short (C706 14.2.5). */
export const int16 = integer(2, -0x8000, 0x7fff, u16, (reader) => (reader.u16() << 16) >> 16);
/** unsigned long (C706 14.2.5). */
export const uint32 = integer(4, 0, 0xffff_ffff, u32, readU32);
/** long (C706 14.2.5). */
export const int32 = integer(4, -0x8000_0000, 0x7fff_ffff, u32, (reader) => reader.u32() | 0);
/** unsigned hyper (C706 14.2.5). */
export const uint64 = hugeInteger(0n, 2n ** 64n - 1n, (reader) => reader.u64());
/** hyper (C706 14.2.5). */
export const int64 = hugeInteger(-(2n ** 63n), 2n ** 63n - 1n, (reader) => BigInt.asIntN(64, reader.u64()));
/** float, IEEE only (C706 14.2.6). */
export const float32 = float(
  4,
  (writer, value) => writer.f32(value),
  (reader) => reader.f32(),
);
/** double, IEEE only (C706 14.2.6). */
export const float64 = float(
  8,
  (writer, value) => writer.f64(value),
  (reader) => reader.f64(),
);

/** boolean: one byte, in which everything but zero is true (C706 14.2.3). */
export const boolean = new ScalarType<boolean>(
  new ScalarCodec(
    1,
    (writer, value) => {
      if (typeof value !== 'boolean') throw badValue(`${String(value)} is not a boolean`);
      writer.u8(value ? 1 : 0);
    },
    (reader) => reader.u8() !== 0,
  ),
);

/** The numbers of an enumeration by name. */
export type EnumNames = Readonly<Record<string, number>>;
/** The values of an enumeration: those with names, for the editor, and every other number. */
export type EnumValue<E extends EnumNames> = E[keyof E] | (number & Record<never, never>);

/** enum: 16 bits, signed (C706 14.2.7). Values stay numbers, those without a name too; the names are for the static type. */
export function enum16<const E extends EnumNames>(_names: E): NdrType<EnumValue<E>> {
  return new ScalarType<EnumValue<E>>(int16.compile());
}

/** An enum with [v1_enum]: 32 bits, signed ([MS-RPCE] 2.2.4.6). Otherwise as {@link enum16}. */
export function enum32<const E extends EnumNames>(_names: E): NdrType<EnumValue<E>> {
  return new ScalarType<EnumValue<E>>(int32.compile());
}

/** [range(least, most)] on an integer ([MS-RPCE] 2.2.4.14.1): what lies outside is a ProtocolError `RPCH_OUT_OF_RANGE`. */
export function range<T extends number>(type: ScalarType<T>, least: number, most: number): ScalarType<T> {
  const inner = type.compile();
  const encode = (writer: NdrWriter, value: unknown) => {
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw badValue(`${String(value)} is not in the range ${least} to ${most}`);
    }
    inner.encode(writer, value, NO_SCOPE);
  };
  const decode = (reader: NdrReader) => {
    const value = inner.decode(reader, NO_SCOPE);
    if (typeof value !== 'number' || value < least || value > most) {
      const message = `${String(value)} is not in the range ${least} to ${most}`;
      throw reader.error('RPCH_OUT_OF_RANGE', message, '[MS-RPCE] 3.1.1.5.3.2.2.4');
    }
    return value;
  };
  return new ScalarType(new ScalarCodec(inner.leastSize, encode, decode));
}

import type { Codec } from './codec.ts';
import { badValue } from './errors.ts';
import { Uint8Type } from './primitives.ts';
import type { NdrReader, Target } from './reader.ts';
import type { Scope } from './scope.ts';
import type { AnyType, ValueOf } from './type.ts';
import type { NdrWriter } from './writer.ts';

/** Characters: what an array of them is, is a string. */
export interface CharacterType {
  /** Bytes of a character. */
  readonly size: 1 | 2;
}

/** char: 8 bits (C706 14.2.4). Each byte is the character U+0000 to U+00FF of its number, whatever code page it was meant in. */
export const char: CharacterType = { size: 1 };
/** wchar_t: 16 bits, UTF-16 ([MS-RPCE] 2.2.4.1.1). Text that is not well-formed is refused. */
export const wchar: CharacterType = { size: 2 };

/** What arrays can be made of. */
export type ElementType = AnyType | CharacterType;

/** An element's type; for types that hold arrays of themselves behind a pointer, a function that returns it. */
export type LateElementType = ElementType | (() => AnyType);

/** The type that an array has in TypeScript: bytes are a Uint8Array, characters a string. */
export type ArrayOf<E> = E extends CharacterType
  ? string
  : E extends Uint8Type
    ? Uint8Array
    : E extends () => infer N
      ? readonly ValueOf<N>[]
      : readonly ValueOf<E>[];

/** How the elements of an array are encoded and decoded, given how many there are. */
export interface Elements {
  readonly alignment: number;
  /** The fewest bytes of one element. */
  readonly leastSize: number;
  /** The number of elements on the wire; a value of another type throws. */
  count(value: unknown): number;
  encode(writer: NdrWriter, value: unknown, scope: Scope): void;
  decode(reader: NdrReader, count: number, scope: Scope): unknown;
}

export const byteElements: Elements = {
  alignment: 1,
  leastSize: 1,
  count(value) {
    if (!(value instanceof Uint8Array)) throw badValue('an array of bytes is given as a Uint8Array');
    return value.length;
  },
  encode(writer, value) {
    writer.bytes(value as Uint8Array);
  },
  decode(reader, count) {
    return reader.bytes(count);
  },
};

/** Characters; with `terminator` 1 those of a [string], which end with the first NUL (C706 14.3.4). */
export class CharacterElements implements Elements {
  readonly alignment: number;
  readonly leastSize: number;
  readonly #terminator: 0 | 1;

  constructor(type: CharacterType, terminator: 0 | 1) {
    this.alignment = type.size;
    this.leastSize = type.size;
    this.#terminator = terminator;
  }

  count(value: unknown): number {
    if (typeof value !== 'string') throw badValue('an array of characters is given as a string');
    return value.length + this.#terminator;
  }

  encode(writer: NdrWriter, value: unknown): void {
    const text = value as string;
    if (this.#terminator === 1 && text.includes('\0')) throw badValue('a [string] holds a NUL');
    if (this.leastSize === 1) {
      writer.chars(text, this.#terminator);
    } else {
      if (!text.isWellFormed()) throw badValue('a string is not well-formed UTF-16');
      writer.wideChars(text, this.#terminator);
    }
  }

  decode(reader: NdrReader, count: number): string {
    const text = this.leastSize === 1 ? reader.chars(count) : reader.wideChars(count);
    if (this.#terminator === 0) return text;
    if (count === 0 || text.indexOf('\0') !== count - 1) {
      throw reader.error('RPCH_BAD_STRING', 'a [string] does not end with its first NUL', 'C706 14.3.4');
    }
    return text.slice(0, -1);
  }
}

/** Elements of a declared type, which is compiled when it is first needed: it may be one that is being declared still. */
export class TypedElements implements Elements {
  readonly #compile: () => Codec;
  #compiled: Codec | undefined;

  constructor(compile: () => Codec) {
    this.#compile = compile;
  }

  get alignment(): number {
    return this.codec.alignment;
  }

  get leastSize(): number {
    return this.codec.leastSize;
  }

  get codec(): Codec {
    this.#compiled ??= this.#compile();
    return this.#compiled;
  }

  count(value: unknown): number {
    if (!Array.isArray(value)) throw badValue('an array is wanted');
    return value.length;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    const codec = this.codec;
    for (const element of value as readonly unknown[]) codec.encode(writer, element, scope);
  }

  decode(reader: NdrReader, count: number, scope: Scope): unknown {
    const values: unknown[] = [];
    const codec = this.codec;
    if (codec.pointer) {
      for (let i = 0; i < count; i++) codec.decodeInto(reader, scope, values as unknown as Target, i);
    } else {
      for (let i = 0; i < count; i++) values.push(codec.decode(reader, scope));
    }
    return values;
  }
}

export function isCharacterType(type: LateElementType): type is CharacterType {
  return type === char || type === wchar;
}

export function isByteType(type: LateElementType): type is Uint8Type {
  return type instanceof Uint8Type;
}

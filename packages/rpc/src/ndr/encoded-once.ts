import { Codec } from './codec.ts';
import type { NdrReader, Target } from './reader.ts';
import type { Scope } from './scope.ts';
import { type AnyType, type Compilation, type DerivedBy, type DerivedSource, NdrType, type ValueOf } from './type.ts';
import { NdrWriter } from './writer.ts';

/**
 * What a pointer points to where the same values are sent again and again: a value that is frozen (Object.freeze) is encoded when it
 * is first sent, and its bytes are copied from then on, for as long as the value is kept. Little-endian stubs only; others
 * are encoded anew. On the wire it is what `type` is.
 *
 * @param alignment is the largest alignment of anything in `type` or behind its pointers, at most 8.
 */
export function encodedOnce<N extends AnyType>(type: N, alignment: number): NdrType<ValueOf<N>, DerivedBy<N>> {
  return new EncodedOnceType<ValueOf<N>, DerivedBy<N>>(type, alignment);
}

class EncodedOnceType<T, D extends string> extends NdrType<T, D> {
  readonly sources: readonly DerivedSource[];
  readonly #type: AnyType;
  readonly #alignment: number;

  constructor(type: AnyType, alignment: number) {
    super();
    this.#type = type;
    this.#alignment = alignment;
    this.sources = type.sources;
  }

  compile(compilation: Compilation): Codec {
    return new EncodedOnceCodec(this.#type.compile(compilation), this.#alignment);
  }
}

/**
 * Where the referent identifiers of what is kept begin. Each encoding has its own, so that those of a stub that is put together of
 * several differ, though nobody may mind if those of unique pointers do not (C706 14.3.10).
 */
const FIRST_KEPT = 0x0100_0000;
const LAST_KEPT = 0xf000_0000;
const REFERENT_STEP = 4;

class EncodedOnceCodec extends Codec {
  readonly alignment: number;
  readonly leastSize: number;
  readonly #codec: Codec;
  readonly #kept = new WeakMap<object, Uint8Array>();
  #nextReferent = FIRST_KEPT;

  constructor(codec: Codec, alignment: number) {
    super();
    this.#codec = codec;
    this.alignment = alignment;
    this.leastSize = codec.leastSize;
  }

  override get identity(): object {
    return this.#codec.identity;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    if (!writer.littleEndian || typeof value !== 'object' || value === null || !Object.isFrozen(value)) {
      this.#codec.encode(writer, value, scope);
      return;
    }
    let bytes = this.#kept.get(value);
    if (bytes === undefined) {
      bytes = this.#encode(value, scope);
      this.#kept.set(value, bytes);
    }
    writer.align(this.alignment);
    writer.bytes(bytes);
  }

  decode(reader: NdrReader, scope: Scope): unknown {
    return this.#codec.decode(reader, scope);
  }

  override decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void {
    this.#codec.decodeInto(reader, scope, target, key);
  }

  #encode(value: object, scope: Scope): Uint8Array {
    const apart = new NdrWriter(true, 256, this.#nextReferent);
    this.#codec.encode(apart, value, scope);
    apart.drain();
    this.#nextReferent += REFERENT_STEP * apart.referents;
    if (this.#nextReferent > LAST_KEPT) this.#nextReferent = FIRST_KEPT;
    return apart.finish().slice();
  }
}

import { Codec } from './codec.ts';
import { badDeclaration, badValue } from './errors.ts';
import type { NdrReader, ReferentDecoder, Target } from './reader.ts';
import type { Scope } from './scope.ts';
import {
  type AnyType,
  type Compilation,
  compileAlone,
  type DerivedBy,
  type DerivedSource,
  NdrType,
  type ValueOf,
} from './type.ts';
import type { NdrWriter, ReferentEncoder } from './writer.ts';

/** What a pointer points to: a type, or, for types that point to themselves, a function that returns it. */
export type Pointee<N extends AnyType> = N | (() => N);

/**
 * A reference pointer (C706 14.3.11): never null, so that its type is that of what it points to. At the top of a parameter it
 * is not on the wire at all. NDR has no place for reference pointers in arrays; they are refused there.
 */
export function ref<N extends AnyType>(pointee: Pointee<N>): NdrType<ValueOf<N>, DerivedBy<N>> {
  return new PointerType<ValueOf<N>, DerivedBy<N>>(pointee, 'ref');
}

/** A [unique] pointer (C706 14.3.10); a null pointer at any level of a pointer to a pointer is null. */
export function unique<N extends AnyType>(pointee: Pointee<N>): NdrType<ValueOf<N> | null, DerivedBy<N>> {
  return new PointerType<ValueOf<N> | null, DerivedBy<N>>(pointee, 'unique');
}

/**
 * A full pointer, [ptr] (C706 14.3.10): when decoding, pointers with one referent identifier give the same object, even in a
 * circle. When encoding each has a referent of its own, and a circle throws.
 */
export function full<N extends AnyType>(pointee: Pointee<N>): NdrType<ValueOf<N> | null, DerivedBy<N>> {
  return new PointerType<ValueOf<N> | null, DerivedBy<N>>(pointee, 'full');
}

/** @internal what {@link ref}, {@link unique} and {@link full} return. */
export class PointerType<T, D extends string> extends NdrType<T, D> {
  readonly kind: 'ref' | 'unique' | 'full';
  readonly sources: readonly DerivedSource[];
  readonly #pointee: Pointee<AnyType>;

  constructor(pointee: Pointee<AnyType>, kind: 'ref' | 'unique' | 'full') {
    super();
    this.kind = kind;
    this.#pointee = pointee;
    const sources = typeof pointee === 'function' ? [] : pointee.sources;
    if (kind !== 'ref' && sources.some((source) => source.kind === 'discriminant')) {
      throw badDeclaration('the discriminant of a union behind a pointer that may be null must be stated');
    }
    this.sources = sources.map(({ name, kind: what, of }) => {
      return { name, kind: what, of: (value) => (value === null ? 0 : of(value)) };
    });
  }

  /** What is pointed to. */
  get pointee(): AnyType {
    return typeof this.#pointee === 'function' ? this.#pointee() : this.#pointee;
  }

  compile(compilation: Compilation): Codec {
    const pointee = this.#pointee;
    const { syntax } = compilation;
    const referent =
      typeof pointee === 'function'
        ? new LateCodec(() => compileAlone(pointee(), syntax))
        : pointee.compile(compilation);
    if (this.kind === 'ref') return new ReferenceCodec(referent, syntax.pointerSize);
    const counts = this.sources.map(({ name }) => ({ name, slot: compilation.slotOf(name) }));
    return new NullableCodec(referent, syntax.pointerSize, this.kind === 'full', counts);
  }
}

type Referent = ReferentEncoder & ReferentDecoder;

/** A referent whose type is asked for at its first use, because it is being declared still. */
class LateCodec implements Referent {
  readonly #compile: () => Codec;
  #codec: Codec | undefined;

  constructor(compile: () => Codec) {
    this.#compile = compile;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    this.#compiled().encode(writer, value, scope);
  }

  decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void {
    this.#compiled().decodeInto(reader, scope, target, key);
  }

  get identity(): object {
    return this.#compiled();
  }

  #compiled(): Codec {
    this.#codec ??= this.#compile();
    return this.#codec;
  }
}

abstract class PointerCodec extends Codec {
  override readonly pointer = true;
  readonly alignment: number;
  readonly leastSize: number;
  protected readonly referent: Referent;

  constructor(referent: Referent, pointerSize: number) {
    super();
    this.alignment = pointerSize;
    this.leastSize = pointerSize;
    this.referent = referent;
  }

  decode(): never {
    throw badDeclaration('a pointer is decoded where its value is needed at once');
  }
}

class ReferenceCodec extends PointerCodec {
  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    writer.freshReferent();
    writer.defer(this.referent, value, scope);
  }

  // C706 14.3.12.2: the four octets in place say nothing
  override decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void {
    reader.referent();
    target[key] = undefined;
    reader.defer(this.referent, scope, target, key, 0);
  }
}

/** A count that follows from the array pointed to. */
interface DerivedCount {
  readonly name: string;
  readonly slot: number;
}

class NullableCodec extends PointerCodec {
  readonly #isFull: boolean;
  readonly #counts: readonly DerivedCount[];

  constructor(referent: Referent, pointerSize: number, isFull: boolean, counts: readonly DerivedCount[]) {
    super(referent, pointerSize);
    this.#isFull = isFull;
    this.#counts = counts;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    if (value === undefined) throw badValue('a null pointer is null, not undefined');
    if (value === null) {
      writer.nullReferent();
    } else {
      if (this.#isFull) writer.freshFullReferent();
      else writer.freshReferent();
      writer.defer(this.referent, value, scope);
    }
  }

  override decodeInto(reader: NdrReader, scope: Scope, target: Target, key: string | number): void {
    const identifier = reader.referent();
    target[key] = null;
    if (identifier !== 0) {
      reader.defer(this.referent, scope, target, key, this.#isFull ? identifier : 0);
      return;
    }
    for (const { name, slot } of this.#counts) {
      if (scope[slot] === undefined) reader.checkLater(() => requireZero(reader, name, scope[slot]));
      else requireZero(reader, name, scope[slot]);
    }
  }
}

/** A derived count has no other place than the array; where that is a null pointer it must be 0. */
function requireZero(reader: NdrReader, name: string, count: number | undefined): void {
  if (count !== undefined && count !== 0) {
    const message = `${name} says ${count} where the pointer is null`;
    throw reader.error('RPCH_BAD_CONFORMANCE', message, '[MS-RPCE] 3.1.1.5.3.3.1.2');
  }
}

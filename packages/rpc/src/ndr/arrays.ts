import { BoundedArrayCodec, ConformantArrayCodec, type Dimension } from './array-codec.ts';
import type { Codec } from './codec.ts';
import {
  type ArrayOf,
  byteElements,
  CharacterElements,
  type CharacterType,
  type Elements,
  type ElementType,
  isByteType,
  isCharacterType,
  type LateElementType,
  TypedElements,
} from './elements.ts';
import { badDeclaration, badValue } from './errors.ts';
import { PointerType } from './pointers.ts';
import {
  BoundReference,
  type DerivedName,
  type Reference,
  type ReferenceTo,
  referenceTo,
  sourcesOf,
} from './references.ts';
import { type AnyType, type Compilation, compileAlone, type DerivedSource, NdrType } from './type.ts';

/** What an array's size may be derived from: see {@link ReferenceTo}. */
export interface SizeIs<S extends ReferenceTo> {
  readonly size_is?: S;
}

/** What the number of elements that are there may be derived from: see {@link ReferenceTo}. */
export interface LengthIs<L extends ReferenceTo> {
  readonly length_is?: L;
}

interface Shape {
  /** Undefined of a conformant array. */
  readonly bound: number | undefined;
  readonly varying: boolean;
  /** 1 of a [string], which has a NUL that its value does not have. */
  readonly terminator: 0 | 1;
}

class ArrayType<T, D extends string> extends NdrType<T, D> {
  readonly sources: readonly DerivedSource[];
  readonly #element: LateElementType;
  readonly #shape: Shape;
  readonly #size: Reference<string> | undefined;
  readonly #length: Reference<string> | undefined;

  constructor(
    element: LateElementType,
    shape: Shape,
    { size_is, length_is }: SizeIs<ReferenceTo> & LengthIs<ReferenceTo>,
  ) {
    super();
    if (element instanceof NdrType && element.sources.length > 0) {
      throw badDeclaration('what an element of an array refers to beside the array must be stated');
    }
    if (element instanceof PointerType && element.kind === 'ref') {
      throw badDeclaration('reference pointers in arrays are not supported');
    }
    this.#element = element;
    this.#shape = shape;
    this.#size = referenceTo(size_is);
    this.#length = referenceTo(length_is);
    const count = (value: unknown) => lengthOf(value) + shape.terminator;
    // of size_is(n + 1), length_is(n) the field n follows from the length alone
    const size = this.#size?.name === this.#length?.name ? undefined : this.#size;
    this.sources = [...sourcesOf(size, 'count', count), ...sourcesOf(this.#length, 'count', count)];
  }

  compile(compilation: Compilation): Codec {
    const dimension: Dimension = {
      varying: this.#shape.varying,
      size: this.#size && new BoundReference(this.#size, compilation),
      length: this.#length && new BoundReference(this.#length, compilation),
      countSize: compilation.syntax.countSize,
    };
    const elements = this.#elements(compilation);
    const bound = this.#shape.bound;
    return bound === undefined
      ? new ConformantArrayCodec(elements, dimension)
      : new BoundedArrayCodec(elements, dimension, bound);
  }

  #elements(compilation: Compilation): Elements {
    const element = this.#element;
    if (isCharacterType(element)) return new CharacterElements(element, this.#shape.terminator);
    if (isByteType(element)) return byteElements;
    if (typeof element === 'function') {
      return new TypedElements(() => inPlace(element(), compileAlone(element(), compilation.syntax)));
    }
    const codec = inPlace(element, element.compile(compilation));
    return new TypedElements(() => codec);
  }
}

class StringType<D extends string> extends ArrayType<string, D> {}

/** The codec, unless it is that of a conformant type. Strings are the one exception, each with its own counts ([MS-RPCE] 2.2.4.4). */
function inPlace(element: AnyType, codec: Codec): Codec {
  if (codec.conformant && !(element instanceof StringType)) {
    throw badDeclaration('elements of an array cannot be conformant');
  }
  return codec;
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array || Array.isArray(value)) return value.length;
  throw badValue('an array is wanted');
}

/** `element name[length]` (C706 14.3.3.1). */
export function fixedArray<E extends ElementType>(element: E, length: number): NdrType<ArrayOf<E>> {
  return new ArrayType(element, { bound: length, varying: false, terminator: 0 }, {});
}

/** `[length_is(…)] element name[bound]` (C706 14.3.3.3). */
export function varyingArray<E extends ElementType, const L extends ReferenceTo = never>(
  element: E,
  bound: number,
  attributes: LengthIs<L> = {},
): NdrType<ArrayOf<E>, NoInfer<DerivedName<L>>> {
  return new ArrayType(element, { bound, varying: true, terminator: 0 }, attributes);
}

/** `[size_is(…)] element name[]` (C706 14.3.3.2). A type that points to arrays of itself gives the element as a function. */
export function conformantArray<E extends LateElementType, const S extends ReferenceTo = never>(
  element: E,
  attributes: SizeIs<S> = {},
): NdrType<ArrayOf<E>, NoInfer<DerivedName<S>>> {
  return new ArrayType(element, { bound: undefined, varying: false, terminator: 0 }, attributes);
}

/**
 * `[size_is(…), length_is(…)] element name[]` (C706 14.3.3.4). Without size_is the maximum count is the array's length. Of
 * {@link wchar} this is text that is counted rather than terminated, as in RPC_UNICODE_STRING.
 */
export function conformantVaryingArray<
  E extends LateElementType,
  const S extends ReferenceTo = never,
  const L extends ReferenceTo = never,
>(element: E, attributes: SizeIs<S> & LengthIs<L> = {}): NdrType<ArrayOf<E>, NoInfer<DerivedName<S> | DerivedName<L>>> {
  return new ArrayType(element, { bound: undefined, varying: true, terminator: 0 }, attributes);
}

/** `[string] character *name` (C706 14.3.4): ends with a NUL, which the value does not have. */
export function string<const S extends ReferenceTo = never>(
  character: CharacterType,
  attributes: SizeIs<S> = {},
): NdrType<string, NoInfer<DerivedName<S>>> {
  return new StringType(character, { bound: undefined, varying: true, terminator: 1 }, attributes);
}

/** `[string] character name[bound]` (C706 14.3.4): at most `bound - 1` characters and a NUL. */
export function varyingString(character: CharacterType, bound: number): NdrType<string> {
  return new StringType(character, { bound, varying: true, terminator: 1 }, {});
}

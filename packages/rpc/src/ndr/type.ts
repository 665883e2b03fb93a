import type { Codec } from './codec.ts';
import { badDeclaration } from './errors.ts';
import type { TransferSyntax } from './transfer-syntax.ts';

declare const VALUE: unique symbol;
declare const DERIVED: unique symbol;

/** What a type is compiled in. */
export interface Compilation {
  readonly syntax: TransferSyntax;
  /** The slot of a field or parameter that is referred to; one that does not exist is a declaration error. */
  slotOf(name: string): number;
}

/** Where the value of a derived count or discriminant comes from. */
export interface DerivedSource {
  /** The field or parameter that is derived. */
  readonly name: string;
  /** A count is 0 beside a null pointer; a discriminant would be lost there. */
  readonly kind: 'count' | 'discriminant';
  /** What it is for a value of the type that has this source. */
  of(value: unknown): number;
}

/**
 * A declared NDR type. `T` is the type of its values in TypeScript; `D` are the names of the fields or parameters beside it
 * that follow from its values (counts, discriminants), and that the user therefore never writes.
 */
export abstract class NdrType<out T, out D extends string = never> {
  declare readonly [VALUE]: () => T;
  declare readonly [DERIVED]: () => D;

  /** What follows from values of this type. */
  abstract readonly sources: readonly DerivedSource[];

  /** Encoder and decoder of this type; for the library. */
  abstract compile(compilation: Compilation): Codec;
}

/** Any declared type. */
export type AnyType = NdrType<unknown, string>;

/** The type that values of a declared type have in TypeScript. */
export type ValueOf<N> = N extends NdrType<infer T, string> ? T : never;

/** The names of the counts and discriminants that follow from values of a declared type. */
export type DerivedBy<N> = N extends NdrType<unknown, infer D> ? D : never;

/** The types of a structure's fields, or of parameters, without the derived ones. */
export type FieldValues<F> = {
  readonly [K in keyof F as K extends { [J in keyof F]: DerivedBy<F[J]> }[keyof F] ? never : K]: ValueOf<F[K]>;
};

/** Compiles a type that must not refer to anything beside it, because nothing is. */
export function compileAlone(type: AnyType, syntax: TransferSyntax): Codec {
  return type.compile({
    syntax,
    slotOf(name) {
      throw badDeclaration(`${name} is referred to where no field or parameter can be`);
    },
  });
}

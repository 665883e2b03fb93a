import { badValue } from './errors.ts';
import type { NdrReader } from './reader.ts';
import type { Scope } from './scope.ts';
import type { Compilation, DerivedSource } from './type.ts';

declare const NAME: unique symbol;

/**
 * A reference to another field or parameter: the argument of size_is, length_is or switch_is. `D` is its name if the field
 * is derived from what refers to it, and never if its value is stated by the user.
 */
export interface Reference<D extends string> {
  readonly [NAME]?: D;
  /** Undefined of a constant. */
  readonly name: string | undefined;
  /** What the attribute's expression gives for the field's value: a number of elements, or a discriminant. */
  readonly evaluate: (field: number) => number;
  /** The field's value for a number of elements or a discriminant; undefined if the user states it. */
  readonly solve: ((result: number) => number) | undefined;
}

/** A name alone: the field is derived, and its value is the number itself. A number: a constant of the IDL. */
export type ReferenceTo = string | number | Reference<string>;

/** The name of the field that a reference makes a derived one. */
export type DerivedName<R> = R extends string ? R : R extends Reference<infer D> ? D : never;

const same = (value: number) => value;

/** An expression over one field: `evaluate` as the IDL writes it, `solve` its inverse. */
export function expression<const D extends string>(
  name: D,
  evaluate: (field: number) => number,
  solve: (result: number) => number,
): Reference<D> {
  return { name, evaluate, solve };
}

/** `name / 2`, rounded down: a count of bytes that sizes an array of 16-bit characters, as in RPC_UNICODE_STRING. */
export function half<const D extends string>(name: D): Reference<D> {
  return expression(
    name,
    (field) => Math.floor(field / 2),
    (result) => result * 2,
  );
}

/** `name + constant`. */
export function plus<const D extends string>(name: D, constant: number): Reference<D> {
  return expression(
    name,
    (field) => field + constant,
    (result) => result - constant,
  );
}

/**
 * The field is not derived: it stays in the static type, its value is encoded as given, and what refers to it is checked
 * against it. For sizes that say more than the array's length, and for discriminants computed from something else.
 */
export function stated(name: string, evaluate: (field: number) => number = same): Reference<never> {
  return { name, evaluate, solve: undefined };
}

/** A reference in the scope of the structure or parameter list that it was compiled in. */
export class BoundReference {
  /** -1 of a constant. */
  readonly #slot: number;
  readonly #name: string;
  readonly #evaluate: (field: number) => number;

  constructor(reference: Reference<string>, compilation: Compilation) {
    this.#slot = reference.name === undefined ? -1 : compilation.slotOf(reference.name);
    this.#name = reference.name ?? 'a constant';
    this.#evaluate = reference.evaluate;
  }

  /** The value of the expression, when encoding. */
  value(scope: Scope): number {
    return this.#evaluate(scope[this.#slot] ?? 0);
  }

  /** Throws unless the expression gives `actual`, when encoding. */
  require(scope: Scope, actual: number): void {
    const stated = this.value(scope);
    if (stated !== actual) throw badValue(`${this.#name} says ${stated} where there is ${actual}`);
  }

  /** Throws a ProtocolError unless the expression gives `actual`; later, if the field comes later. */
  verify(reader: NdrReader, scope: Scope, actual: number, code: string, section: string): void {
    if (this.#slot >= 0 && scope[this.#slot] === undefined) {
      reader.checkLater(() => this.#verify(reader, scope, actual, code, section));
    } else {
      this.#verify(reader, scope, actual, code, section);
    }
  }

  #verify(reader: NdrReader, scope: Scope, actual: number, code: string, section: string): void {
    const announced = this.value(scope);
    if (announced !== actual) {
      throw reader.error(code, `${this.#name} says ${announced} where there is ${actual}`, section);
    }
  }
}

/** The full form of a reference; undefined of none. */
export function referenceTo(reference: ReferenceTo | undefined): Reference<string> | undefined {
  if (typeof reference === 'string') return { name: reference, evaluate: same, solve: same };
  if (typeof reference === 'number') return { name: undefined, evaluate: () => reference, solve: undefined };
  return reference;
}

/** The sources that a reference makes, given what it is evaluated to for a value. */
export function sourcesOf(
  reference: Reference<string> | undefined,
  kind: DerivedSource['kind'],
  result: (value: unknown) => number,
): readonly DerivedSource[] {
  const solve = reference?.solve;
  const name = reference?.name;
  if (name === undefined || solve === undefined) return [];
  return [{ name, kind, of: (value) => solve(result(value)) }];
}

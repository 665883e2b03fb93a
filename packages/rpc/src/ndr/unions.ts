import { Codec } from './codec.ts';
import { badDeclaration, badValue } from './errors.ts';
import type { NdrReader, Target } from './reader.ts';
import {
  BoundReference,
  type DerivedName,
  type Reference,
  type ReferenceTo,
  referenceTo,
  sourcesOf,
} from './references.ts';
import { NO_SCOPE, type Scope } from './scope.ts';
import { type AnyType, type Compilation, compileAlone, type DerivedSource, NdrType, type ValueOf } from './type.ts';
import type { NdrWriter } from './writer.ts';

/** What a union declares for a case: the arm's type, or null of an empty arm. */
export type Arm = AnyType | null;
export type Arms = Readonly<Record<number, Arm>>;

type Case<K, A> = A extends AnyType ? { readonly case: K; readonly value: ValueOf<A> } : { readonly case: K };

/** A union's value: the discriminant, and the value of the arm that it chooses, unless the arm is empty. */
export type UnionValue<A extends Arms, D extends Arm | undefined> =
  | { [K in keyof A]: Case<K, A[K]> }[keyof A]
  | (D extends Arm ? Case<number, D> : never);

export interface UnionDeclaration<A extends Arms, D extends Arm | undefined, S extends ReferenceTo> {
  /** switch_type: the type of the discriminant, an integer or an enumeration. */
  readonly switch_type: NdrType<number>;
  /** switch_is of a union that is not encapsulated: the field or parameter that holds the discriminant too. */
  readonly switch_is?: S;
  /** ms_union: the arm is aligned to the largest alignment of all arms ([MS-RPCE] 2.2.4.5). */
  readonly ms_union?: boolean;
  /** Arms by the value of their case. */
  readonly arms: A;
  /** The arm of all other values; without one they are an error. */
  readonly default?: D;
}

/**
 * A union (C706 14.3.8): the discriminant, then the arm that it chooses. Encapsulated ones and others look the same on the
 * wire; the latter have the discriminant a second time, in the field or parameter that switch_is names, which is derived from
 * the union's value unless it is stated.
 */
export function union<const A extends Arms, const D extends Arm | undefined = undefined, S extends ReferenceTo = never>(
  declaration: UnionDeclaration<A, D, S>,
): NdrType<UnionValue<A, D>, NoInfer<DerivedName<S>>> {
  return new UnionType<UnionValue<A, D>, DerivedName<S>>(declaration);
}

class UnionType<T, D extends string> extends NdrType<T, D> {
  readonly sources: readonly DerivedSource[];
  readonly #declaration: UnionDeclaration<Arms, Arm | undefined, ReferenceTo>;
  readonly #switchIs: Reference<string> | undefined;

  constructor(declaration: UnionDeclaration<Arms, Arm | undefined, ReferenceTo>) {
    super();
    this.#declaration = declaration;
    this.#switchIs = referenceTo(declaration.switch_is);
    this.sources = sourcesOf(this.#switchIs, 'discriminant', (value) => unionOf(value).case);
  }

  compile(compilation: Compilation): Codec {
    const { switch_type, arms, default: otherwise, ms_union } = this.#declaration;
    const compiled = new Map<number, Codec | null>();
    for (const [value, arm] of Object.entries(arms)) compiled.set(Number(value), compileArm(arm, compilation));
    return new UnionCodec(
      compileAlone(switch_type, compilation.syntax),
      this.#switchIs && new BoundReference(this.#switchIs, compilation),
      compiled,
      otherwise === undefined ? undefined : compileArm(otherwise, compilation),
      ms_union === true,
    );
  }
}

function compileArm(arm: Arm, compilation: Compilation): Codec | null {
  if (arm === null) return null;
  const codec = compileAlone(arm, compilation.syntax);
  if (codec.conformant) throw badDeclaration('the arm of a union cannot be conformant');
  return codec;
}

function unionOf(value: unknown): { readonly case: number; readonly value?: unknown } {
  if (typeof value === 'object' && value !== null && 'case' in value && typeof value.case === 'number') {
    return value as { readonly case: number; readonly value?: unknown };
  }
  throw badValue('a union is given as an object with its case');
}

class UnionCodec extends Codec {
  readonly alignment: number;
  readonly leastSize: number;
  readonly #discriminant: Codec;
  readonly #switchIs: BoundReference | undefined;
  readonly #arms: ReadonlyMap<number, Codec | null>;
  readonly #default: Codec | null | undefined;
  /** 1 unless the union is an ms_union. */
  readonly #armAlignment: number;

  constructor(
    discriminant: Codec,
    switchIs: BoundReference | undefined,
    arms: ReadonlyMap<number, Codec | null>,
    otherwise: Codec | null | undefined,
    isMsUnion: boolean,
  ) {
    super();
    const all = [...arms.values(), ...(otherwise === undefined ? [] : [otherwise])];
    const armAlignment = Math.max(1, ...all.map((arm) => arm?.alignment ?? 1));
    this.alignment = Math.max(discriminant.alignment, armAlignment);
    this.leastSize = discriminant.leastSize + Math.min(...all.map((arm) => arm?.leastSize ?? 0));
    this.#discriminant = discriminant;
    this.#switchIs = switchIs;
    this.#arms = arms;
    this.#default = otherwise;
    this.#armAlignment = isMsUnion ? armAlignment : 1;
  }

  encode(writer: NdrWriter, value: unknown, scope: Scope): void {
    const chosen = unionOf(value);
    const arm = this.#armOf(chosen.case);
    if (arm === undefined) throw badValue(`a union has no case ${chosen.case}`);
    this.#switchIs?.require(scope, chosen.case);
    this.#discriminant.encode(writer, chosen.case, NO_SCOPE);
    writer.align(this.#armAlignment);
    arm?.encode(writer, chosen.value, NO_SCOPE);
  }

  decode(reader: NdrReader, scope: Scope): unknown {
    const discriminant = this.#discriminant.decode(reader, NO_SCOPE);
    const arm = typeof discriminant === 'number' ? this.#armOf(discriminant) : undefined;
    if (typeof discriminant !== 'number' || arm === undefined) {
      throw reader.error('RPCH_BAD_DISCRIMINANT', `a union has no case ${String(discriminant)}`, 'C706 14.3.8');
    }
    this.#switchIs?.verify(reader, scope, discriminant, 'RPCH_BAD_DISCRIMINANT', '[MS-RPCE] 3.1.1.5.3.2.1.11');
    reader.align(this.#armAlignment);
    if (arm === null) return { case: discriminant };
    if (!arm.pointer) return { case: discriminant, value: arm.decode(reader, NO_SCOPE) };
    const target: Target = { case: discriminant, value: null };
    arm.decodeInto(reader, NO_SCOPE, target, 'value');
    return target;
  }

  #armOf(discriminant: number): Codec | null | undefined {
    const arm = this.#arms.get(discriminant);
    return arm === undefined ? this.#default : arm;
  }
}

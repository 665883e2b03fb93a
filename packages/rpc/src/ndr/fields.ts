import type { Codec } from './codec.ts';
import { badDeclaration, badValue } from './errors.ts';
import { NO_SCOPE, type Scope } from './scope.ts';
import type { TransferSyntax } from './transfer-syntax.ts';
import type { AnyType } from './type.ts';

/** The values of a structure's fields or of parameters, by name. */
export type Values = Readonly<Record<string, unknown>>;

export interface Field {
  readonly name: string;
  readonly codec: Codec;
  /** Where its value is kept in the scope; -1 of a field that nothing refers to. */
  readonly slot: number;
  /** Whether the user never sees it: its value follows from others. */
  readonly derived: boolean;
}

interface Derivation {
  readonly slot: number;
  readonly name: string;
  /** The field that it follows from. */
  readonly from: string;
  readonly of: (value: unknown) => number;
}

/** The fields of a structure, or the parameters of one direction, compiled, with the scope that they make. */
export class Fields {
  readonly list: readonly Field[];
  /** Names that are referred to and are no fields here; of parameters only. */
  readonly outside: readonly { readonly name: string; readonly slot: number }[];
  readonly #derivations: readonly Derivation[];
  readonly #stated: readonly { readonly slot: number; readonly name: string }[];
  readonly #slots = new Map<string, number>();

  /**
   * @param isOutside tells which names may be referred to that are no fields here; all others are declaration errors.
   * @param referred are fields whose values others want besides.
   */
  constructor(
    types: readonly (readonly [string, AnyType])[],
    syntax: TransferSyntax,
    isOutside: (name: string) => boolean = () => false,
    referred: readonly string[] = [],
  ) {
    const names = new Set(types.map(([name]) => name));
    const derived = new Map<string, number>();
    const slotOf = (name: string) => {
      if (!names.has(name) && !isOutside(name)) throw badDeclaration(`${name} is referred to, and does not exist`);
      const slot = this.#slots.get(name) ?? this.#slots.size;
      this.#slots.set(name, slot);
      return slot;
    };
    for (const name of referred) slotOf(name);
    const codecs = types.map(([name, type]) => ({ name, type, codec: type.compile({ syntax, slotOf }) }));
    const derivations: Derivation[] = [];
    for (const { name: from, type } of codecs) {
      for (const { name, of } of type.sources) {
        if (!names.has(name)) continue;
        derived.set(name, slotOf(name));
        derivations.push({ slot: slotOf(name), name, from, of });
      }
    }
    this.#derivations = derivations;
    this.list = codecs.map(({ name, codec }) => {
      return { name, codec, slot: this.#slots.get(name) ?? -1, derived: derived.has(name) };
    });
    this.#stated = this.list.filter((field) => field.slot >= 0 && !field.derived);
    this.outside = [...this.#slots].filter(([name]) => !names.has(name)).map(([name, slot]) => ({ name, slot }));
  }

  /** The slot of a name that was said to be referred to. */
  slotOf(name: string): number {
    return this.#slots.get(name) ?? -1;
  }

  /** An empty scope, for decoding. */
  newScope(): Scope {
    // Most have one or two: filling an array takes longer than all else there is to do for a small structure.
    switch (this.#slots.size) {
      case 0:
        return NO_SCOPE;
      case 1:
        return [undefined];
      case 2:
        return [undefined, undefined];
      default:
        return new Array<number | undefined>(this.#slots.size).fill(undefined);
    }
  }

  /** The scope of values to be encoded, but for what is outside. Arrays that disagree about a count throw. */
  scopeOf(values: Values): Scope {
    if (this.#slots.size === 0) return NO_SCOPE;
    const scope = this.newScope();
    for (const { slot, name, from, of } of this.#derivations) {
      const value = of(values[from]);
      const known = scope[slot];
      if (known !== undefined && value !== known) throw badValue(`${name} would have to be ${known} and ${value}`);
      scope[slot] = value;
    }
    for (const { slot, name } of this.#stated) scope[slot] = numberOf(values[name]);
    return scope;
  }
}

/** What a field that is referred to says: its value, or 0 of a pointer that is null. */
export function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

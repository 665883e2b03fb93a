import { badDeclaration } from './errors.ts';
import { Fields, numberOf, type Values } from './fields.ts';
import { PointerType } from './pointers.ts';
import { NdrReader, type Target } from './reader.ts';
import type { Scope } from './scope.ts';
import { NDR20 } from './transfer-syntax.ts';
import type { AnyType, FieldValues } from './type.ts';
import { NdrWriter } from './writer.ts';

declare const INPUT: unique symbol;
declare const OUTPUT: unique symbol;

export type Direction = 'in' | 'out' | 'in, out';

export interface Parameter<D extends Direction, N extends AnyType> {
  readonly direction: D;
  readonly type: N;
}

export type Parameters = Readonly<Record<string, Parameter<Direction, AnyType>>>;

/** An [in] parameter. A reference pointer at its top is not on the wire and need not be declared. */
export function input<N extends AnyType>(type: N): Parameter<'in', N> {
  return { direction: 'in', type };
}

/** An [out] parameter, of the type that its reference pointer points to. */
export function output<N extends AnyType>(type: N): Parameter<'out', N> {
  return { direction: 'out', type };
}

/** An [in, out] parameter, of the type that its reference pointer points to. */
export function inputOutput<N extends AnyType>(type: N): Parameter<'in, out', N> {
  return { direction: 'in, out', type };
}

type TypesOf<P extends Parameters, D extends Direction> = {
  readonly [K in keyof P as P[K]['direction'] extends D ? K : never]: P[K]['type'];
};
type ResultType<R extends AnyType | undefined> = R extends AnyType ? { readonly result: R } : unknown;

/** What a caller gives: the [in] and [in, out] parameters, without those that follow from others of them. */
export type InputOf<P extends Parameters> = FieldValues<TypesOf<P, 'in' | 'in, out'>>;

/** What a call returns: the [out] and [in, out] parameters, likewise, and the return value as `result`. */
export type OutputOf<P extends Parameters, R extends AnyType | undefined> = FieldValues<
  TypesOf<P, 'out' | 'in, out'> & ResultType<R>
>;

export interface ProcedureDeclaration<P extends Parameters, R extends AnyType | undefined> {
  /** The operation's name in its IDL. */
  readonly name: string;
  /** Operation number, 0 to 65535. */
  readonly opnum: number;
  /** In the order of the IDL. */
  readonly parameters: P;
  /** The type of the return value; undefined of void. */
  readonly returns?: R;
}

/**
 * Declares an operation (C706 14.3, 14.4). What it refers to (`size_is` and its like) is looked for among the parameters of
 * the same direction first; an [out] array may also refer to an [in] parameter.
 */
export function procedure<const P extends Parameters, R extends AnyType | undefined = undefined>(
  declaration: ProcedureDeclaration<P, R>,
): Procedure<InputOf<P>, OutputOf<P, R>> {
  return new Procedure<InputOf<P>, OutputOf<P, R>>(declaration);
}

/** The name under which the return value stands among the outputs; no parameter may have it. */
const RESULT = 'result';

/**
 * The codec of one operation. Encoders throw an RpchError with code `RPCH_NDR_VALUE` for values that the declaration does not
 * allow, decoders a ProtocolError for bytes that it does not allow; up to seven bytes of padding at the end are tolerated.
 * `littleEndian` is the byte order of the stub; `ieeeFloats` is false if its data representation has other floats (C706 14.1).
 */
export class Procedure<out I, out O> {
  declare readonly [INPUT]: () => I;
  declare readonly [OUTPUT]: () => O;
  readonly name: string;
  readonly opnum: number;
  readonly #inputs: Fields;
  readonly #outputs: Fields;
  /** [in] parameters that [out] parameters refer to, by their slots here and there. */
  readonly #carried: readonly { readonly from: number; readonly to: number }[];
  readonly #requestCapacity: number;
  readonly #responseCapacity: number;

  constructor({ name, opnum, parameters, returns }: ProcedureDeclaration<Parameters, AnyType | undefined>) {
    if (!Number.isInteger(opnum) || opnum < 0 || opnum > 0xffff) throw badDeclaration(`${name}: opnum ${opnum}`);
    if (RESULT in parameters) throw badDeclaration(`${name}: a parameter cannot be called ${RESULT}`);
    this.name = name;
    this.opnum = opnum;
    const inputs = typesOf(parameters, 'out');
    const outputs = typesOf(parameters, 'in');
    if (returns !== undefined) outputs.push([RESULT, returns]);
    const isInput = (parameter: string) => inputs.some(([other]) => other === parameter);
    this.#outputs = new Fields(outputs, NDR20, isInput);
    const carried = this.#outputs.outside;
    this.#inputs = new Fields(
      inputs,
      NDR20,
      undefined,
      carried.map((parameter) => parameter.name),
    );
    this.#carried = carried.map((parameter) => ({ from: this.#inputs.slotOf(parameter.name), to: parameter.slot }));
    this.#requestCapacity = capacityOf(this.#inputs);
    this.#responseCapacity = capacityOf(this.#outputs);
  }

  encodeRequest(inputs: I, littleEndian = true): Uint8Array {
    const values = inputs as Values;
    return encodeParameters(this.#inputs, values, this.#inputs.scopeOf(values), littleEndian, this.#requestCapacity);
  }

  /** @param views makes arrays of bytes views of `stub`, which must not change any more, and not copies. */
  decodeRequest(stub: Uint8Array, littleEndian: boolean, ieeeFloats = true, views = false): I {
    const reader = new NdrReader(stub, littleEndian, this.name, ieeeFloats, views);
    return decodeParameters(reader, this.#inputs, this.#inputs.newScope()) as I;
  }

  /** @param inputs are those of the request, for what [out] parameters refer to. */
  encodeResponse(outputs: O, inputs: I, littleEndian = true): Uint8Array {
    const values = outputs as Values;
    const scope = this.#carry(inputs as Values, this.#outputs.scopeOf(values));
    return encodeParameters(this.#outputs, values, scope, littleEndian, this.#responseCapacity);
  }

  /** @param inputs are those of the request, which [out] parameters are checked against. */
  decodeResponse(stub: Uint8Array, littleEndian: boolean, inputs: I, ieeeFloats = true): O {
    const reader = new NdrReader(stub, littleEndian, this.name, ieeeFloats);
    const scope = this.#carry(inputs as Values, this.#outputs.newScope());
    return decodeParameters(reader, this.#outputs, scope) as O;
  }

  #carry(inputs: Values, scope: Scope): Scope {
    if (this.#carried.length > 0) {
      const known = this.#inputs.scopeOf(inputs);
      for (const { from, to } of this.#carried) scope[to] = known[from];
    }
    return scope;
  }
}

function typesOf(parameters: Parameters, without: Direction): [string, AnyType][] {
  const types: [string, AnyType][] = [];
  for (const [name, { direction, type }] of Object.entries(parameters)) {
    if (direction !== without) types.push([name, withoutReference(type)]);
  }
  return types;
}

/** A reference pointer at the top of a parameter has no representation (C706 14.3.12.1). */
function withoutReference(type: AnyType): AnyType {
  let bare = type;
  while (bare instanceof PointerType && bare.kind === 'ref') bare = bare.pointee;
  return bare;
}

/** Room for most stubs: exact where all sizes are fixed and need no padding. */
function capacityOf(fields: Fields): number {
  let least = 0;
  let isFixed = true;
  for (const { codec } of fields.list) {
    least += codec.leastSize;
    isFixed &&= !codec.pointer && !codec.conformant;
  }
  return isFixed ? least : least + 64;
}

function encodeParameters(
  fields: Fields,
  values: Values,
  scope: Scope,
  littleEndian: boolean,
  capacity: number,
): Uint8Array {
  const writer = new NdrWriter(littleEndian, capacity);
  for (const { name, codec, slot, derived } of fields.list) {
    codec.encode(writer, derived ? scope[slot] : values[name], scope);
    writer.drain();
  }
  return writer.finish();
}

function decodeParameters(reader: NdrReader, fields: Fields, scope: Scope): Target {
  const target: Target = {};
  for (const { name, codec, slot, derived } of fields.list) {
    const into = derived ? {} : target;
    codec.decodeInto(reader, scope, into, name);
    reader.drain();
    if (slot >= 0) scope[slot] = numberOf(into[name]);
  }
  reader.end();
  return target;
}

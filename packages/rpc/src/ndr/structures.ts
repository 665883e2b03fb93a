import { Codec, ConformantCodec } from './codec.ts';
import { badDeclaration, badValue } from './errors.ts';
import { type Field, Fields, type Values } from './fields.ts';
import type { NdrReader, Target } from './reader.ts';
import type { Scope } from './scope.ts';
import type { TransferSyntax } from './transfer-syntax.ts';
import { type AnyType, type Compilation, type DerivedSource, type FieldValues, NdrType } from './type.ts';
import type { NdrWriter } from './writer.ts';

/** The fields of a structure, in order. */
export type FieldTypes = Readonly<Record<string, AnyType>>;

/**
 * A structure (C706 14.3.6): its fields in order, aligned to the largest alignment among them, in which the counts of arrays
 * have no part (as MIDL and Samba have it). Only the last field may be conformant; the maximum count then moves to the front of the outermost structure (C706 14.3.7.2). Fields that others
 * refer to (size_is, length_is, switch_is) are not in the static type, unless the reference is a stated one.
 */
export function struct<const F extends FieldTypes>(fields: F): NdrType<FieldValues<F>> {
  return new StructType<FieldValues<F>>(fields);
}

class StructType<T> extends NdrType<T> {
  readonly sources: readonly DerivedSource[] = [];
  readonly #fields: FieldTypes;
  readonly #compiled = new Map<TransferSyntax, Codec>();
  #isCompiling = false;

  constructor(fields: FieldTypes) {
    super();
    this.#fields = fields;
  }

  compile({ syntax }: Compilation): Codec {
    const known = this.#compiled.get(syntax);
    if (known !== undefined) return known;
    if (this.#isCompiling) throw badDeclaration('a structure holds itself in place');
    this.#isCompiling = true;
    try {
      const codec = this.#compile(syntax);
      this.#compiled.set(syntax, codec);
      return codec;
    } finally {
      this.#isCompiling = false;
    }
  }

  #compile(syntax: TransferSyntax): Codec {
    const fields = new Fields(Object.entries(this.#fields), syntax);
    for (const { name, codec, slot } of fields.list) {
      if (codec.pointer && slot >= 0) throw badDeclaration(`${name} is a pointer, and cannot be referred to`);
      if (codec.conformant && codec !== fields.list.at(-1)?.codec) {
        throw badDeclaration(`${name} is conformant, and not the last field`);
      }
    }
    const last = fields.list.at(-1);
    return last?.codec instanceof ConformantCodec
      ? new ConformantStructCodec(fields, last, last.codec, syntax)
      : new StructCodec(fields);
  }
}

class StructCodec extends Codec {
  readonly alignment: number;
  readonly leastSize: number;
  readonly #fields: Fields;

  constructor(fields: Fields) {
    super();
    this.alignment = largestAlignment(fields.list);
    this.leastSize = leastSizeOf(fields.list);
    this.#fields = fields;
  }

  encode(writer: NdrWriter, value: unknown): void {
    const values = valuesOf(value);
    writer.align(this.alignment);
    encodeFields(writer, this.#fields.list, values, this.#fields.scopeOf(values));
  }

  decode(reader: NdrReader): unknown {
    reader.align(this.alignment);
    const target: Target = {};
    decodeFields(reader, this.#fields.list, target, this.#fields.newScope());
    return target;
  }
}

/** A structure whose last field is a conformant array, or another such structure. */
class ConformantStructCodec extends ConformantCodec {
  override readonly conformant = true;
  readonly alignment: number;
  readonly leastSize: number;
  readonly #fields: Fields;
  readonly #others: readonly Field[];
  readonly #last: Field;
  readonly #lastCodec: ConformantCodec;

  constructor(fields: Fields, last: Field, lastCodec: ConformantCodec, syntax: TransferSyntax) {
    super();
    this.alignment = largestAlignment(fields.list);
    this.#fields = fields;
    this.#others = fields.list.slice(0, -1);
    this.leastSize = syntax.countSize + leastSizeOf(this.#others);
    this.#last = last;
    this.#lastCodec = lastCodec;
  }

  maximumCount(value: unknown): number {
    const values = valuesOf(value);
    return this.#lastCodec.maximumCount(values[this.#last.name], this.#fields.scopeOf(values));
  }

  encode(writer: NdrWriter, value: unknown): void {
    writer.count(this.maximumCount(value));
    this.encodeBody(writer, value);
  }

  decode(reader: NdrReader, scope: Scope): unknown {
    return this.decodeBody(reader, scope, reader.count());
  }

  encodeBody(writer: NdrWriter, value: unknown): void {
    const values = valuesOf(value);
    const scope = this.#fields.scopeOf(values);
    writer.align(this.alignment);
    encodeFields(writer, this.#others, values, scope);
    this.#lastCodec.encodeBody(writer, values[this.#last.name], scope);
  }

  decodeBody(reader: NdrReader, _scope: Scope, maximumCount: number): unknown {
    reader.align(this.alignment);
    const target: Target = {};
    const scope = this.#fields.newScope();
    decodeFields(reader, this.#others, target, scope);
    target[this.#last.name] = this.#lastCodec.decodeBody(reader, scope, maximumCount);
    return target;
  }
}

function valuesOf(value: unknown): Values {
  if (typeof value !== 'object' || value === null) throw badValue('a structure is given as an object');
  return value as Values;
}

function encodeFields(writer: NdrWriter, fields: readonly Field[], values: Values, scope: Scope): void {
  for (const { name, codec, slot, derived } of fields) {
    codec.encode(writer, derived ? scope[slot] : values[name], scope);
  }
}

function decodeFields(reader: NdrReader, fields: readonly Field[], target: Target, scope: Scope): void {
  for (const { name, codec, slot, derived } of fields) {
    if (slot < 0) {
      codec.decodeInto(reader, scope, target, name);
    } else {
      const value = codec.decode(reader, scope);
      if (typeof value === 'number') scope[slot] = value;
      if (!derived) target[name] = value;
    }
  }
}

function largestAlignment(fields: readonly Field[]): number {
  return fields.reduce((largest, { codec }) => Math.max(largest, codec.alignment), 1);
}

function leastSizeOf(fields: readonly Field[]): number {
  return fields.reduce((sum, { codec }) => sum + codec.leastSize, 0);
}

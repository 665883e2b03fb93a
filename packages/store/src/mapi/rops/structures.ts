import type { Cursor, Writer } from '@rpch/rpc/internal';
import {
  type Earlier,
  type Field,
  type Fields,
  notWritable,
  type OptionalField,
  readFields,
  type Scope,
  type ValuesOf,
  writeFields,
} from './field.ts';
import type { UnsignedField } from './primitives.ts';

/** A structure within another. */
export class Structure<F extends Fields> implements Field<ValuesOf<F>> {
  readonly fields: F;

  constructor(fields: F) {
    this.fields = fields;
  }

  read(cursor: Cursor, scope: Scope): ValuesOf<F> {
    return readFields(this.fields, cursor, scope) as ValuesOf<F>;
  }

  write(writer: Writer, value: ValuesOf<F>, scope: Scope): void {
    writeFields(this.fields, writer, value as Earlier, scope);
  }
}

/** Fields one after the other, as one field. */
export function structure<F extends Fields>(fields: F): Structure<F> {
  return new Structure(fields);
}

/** Elements behind their number, or as many as there always are. */
export class ArrayField<T> implements Field<readonly T[]> {
  readonly count: UnsignedField | number;
  readonly element: Field<T>;

  constructor(count: UnsignedField | number, element: Field<T>) {
    this.count = count;
    this.element = element;
  }

  read(cursor: Cursor, scope: Scope): readonly T[] {
    const count = typeof this.count === 'number' ? this.count : this.count.read(cursor, scope);
    // Every element takes a byte at least, so that the bytes bound what a hostile count can cause.
    const elements: T[] = [];
    for (let i = 0; i < count; i += 1) elements.push(this.element.read(cursor, scope));
    return elements;
  }

  write(writer: Writer, value: readonly T[], scope: Scope): void {
    if (typeof this.count !== 'number') this.count.write(writer, value.length, scope);
    else if (value.length !== this.count) throw notWritable(`${value.length} elements where ${this.count} belong`);
    for (const element of value) this.element.write(writer, element, scope);
  }
}

export function arrayOf<T>(count: UnsignedField | number, element: Field<T>): ArrayField<T> {
  return new ArrayField(count, element);
}

/** Elements behind the number of their bytes. */
export class SizedList<T> implements Field<readonly T[]> {
  readonly size: UnsignedField;
  readonly element: Field<T>;

  constructor(size: UnsignedField, element: Field<T>) {
    this.size = size;
    this.element = element;
  }

  read(cursor: Cursor, scope: Scope): readonly T[] {
    const inner = cursor.sub(this.size.read(cursor, scope));
    const elements: T[] = [];
    while (inner.remaining > 0) elements.push(this.element.read(inner, scope));
    return elements;
  }

  write(writer: Writer, value: readonly T[], scope: Scope): void {
    writeSized(writer, this.size, scope, () => {
      for (const element of value) this.element.write(writer, element, scope);
    });
  }
}

/** A field behind the number of its bytes. The number is what counts: bytes that the field leaves over are passed by. */
export class Sized<T> implements Field<T> {
  readonly size: UnsignedField;
  readonly field: Field<T>;

  constructor(size: UnsignedField, field: Field<T>) {
    this.size = size;
    this.field = field;
  }

  read(cursor: Cursor, scope: Scope): T {
    return this.field.read(cursor.sub(this.size.read(cursor, scope)), scope);
  }

  write(writer: Writer, value: T, scope: Scope): void {
    writeSized(writer, this.size, scope, () => this.field.write(writer, value, scope));
  }
}

export function sized<T>(size: UnsignedField, field: Field<T>): Sized<T> {
  return new Sized(size, field);
}

/** A field behind the number of its bytes that is not there where the number is 0. */
export class SizedOptional<T> implements OptionalField<T> {
  readonly optional = true;
  readonly size: UnsignedField;
  readonly field: Field<T>;

  constructor(size: UnsignedField, field: Field<T>) {
    this.size = size;
    this.field = field;
  }

  read(cursor: Cursor, scope: Scope): T | undefined {
    const inner = cursor.sub(this.size.read(cursor, scope));
    return inner.remaining === 0 ? undefined : this.field.read(inner, scope);
  }

  write(writer: Writer, value: T | undefined, scope: Scope): void {
    if (value === undefined) this.size.write(writer, 0, scope);
    else writeSized(writer, this.size, scope, () => this.field.write(writer, value, scope));
  }
}

export function sizedOptional<T>(size: UnsignedField, field: Field<T>): SizedOptional<T> {
  return new SizedOptional(size, field);
}

function writeSized(writer: Writer, size: UnsignedField, scope: Scope, write: () => void): void {
  const at = writer.length;
  size.write(writer, 0, scope);
  const start = writer.length;
  write();
  size.patch(writer, at, writer.length - start);
}

/** Whether a field is there: the name of a flag or count before it that must not be zero, or a question about what stands before it. */
export type Condition = string | ((earlier: Earlier, scope: Scope) => boolean);

/** A field that is there under a condition only. */
export class Conditional<T> implements OptionalField<T> {
  readonly optional = true;
  readonly condition: Condition;
  readonly field: Field<T>;

  constructor(condition: Condition, field: Field<T>) {
    this.condition = condition;
    this.field = field;
  }

  isThere(scope: Scope): boolean {
    if (typeof this.condition === 'function') return this.condition(scope.values, scope);
    const value = scope.values[this.condition];
    return value !== undefined && value !== false && value !== 0;
  }

  read(cursor: Cursor, scope: Scope): T | undefined {
    return this.isThere(scope) ? this.field.read(cursor, scope) : undefined;
  }

  write(writer: Writer, value: T | undefined, scope: Scope): void {
    if (!this.isThere(scope)) return;
    if (value === undefined) throw notWritable('a field is missing that what stands before it demands');
    this.field.write(writer, value, scope);
  }
}

export function when<T>(condition: Condition, field: Field<T>): Conditional<T> {
  return new Conditional(condition, field);
}

/** A condition: a field before this one, whichever it is, has one of these bits. */
export function hasBits(name: string, mask: number): (earlier: Earlier) => boolean {
  return (earlier) => (Number(earlier[name]) & mask) !== 0;
}

/** A condition: the request is one of a logon to the public folders. */
export function isPublicLogon(earlier: Earlier, scope: Scope): boolean {
  return scope.coding.isPublicLogon?.(Number(earlier.logonId)) ?? false;
}

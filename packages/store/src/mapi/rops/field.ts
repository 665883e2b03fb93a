import { type Cursor, ProtocolError, RpchError, type Writer } from '@rpch/rpc/internal';
import type { PropertyTag } from '../property.ts';
import type { TextCoding } from '../property-codec.ts';

/** What the fields of a ROP cannot tell by themselves. */
export interface RopCoding extends TextCoding {
  /**
   * Whether a logon is one to the public folders: two requests have a field more or less then (RopSetMessageReadFlag,
   * RopWritePerUserInformation). Left out, every logon is one to a mailbox.
   */
  readonly isPublicLogon?: (logonId: number) => boolean;
  /**
   * The columns of the rows in a response, which the response does not name. Left out, rows that are read take all bytes that are left.
   */
  readonly columns?: readonly PropertyTag[] | undefined;
}

/** Fields of a structure that were read already, or are all to be written, by name. */
export type Earlier = Readonly<Record<string, unknown>>;

/** Where a field stands. */
export interface Scope {
  readonly coding: RopCoding;
  /** The structure that the field belongs to: what stands before it when it is read, all of it when it is written. */
  readonly values: Earlier;
  /** The structure around that one. */
  readonly outer?: Scope;
}

/** One field of a ROP or of a structure in one: how its bytes are read and written. Methods, so that fields of all types have one supertype. */
export interface Field<T> {
  /** Set where the field need not be there: its value may be left out, and is where the bytes do not have it. */
  readonly optional?: boolean;
  read(cursor: Cursor, scope: Scope): T;
  write(writer: Writer, value: T, scope: Scope): void;
}

/** A field that may be absent. */
export interface OptionalField<T> extends Field<T | undefined> {
  readonly optional: true;
}

/** The fields of a structure, in the order of their bytes. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The type of a field's value. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

type Optional = { readonly optional: true };

/** The type of a structure with these fields. */
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends Optional ? never : K]: ValueOf<F[K]>;
} & {
  readonly [K in keyof F as F[K] extends Optional ? K : never]?: ValueOf<F[K]>;
};

/** Reads the fields of a structure; what `before` has counts as read before them. */
export function readFields(fields: Fields, cursor: Cursor, outer: Scope, before: Earlier = {}): Earlier {
  const values: Record<string, unknown> = { ...before };
  const scope = { coding: outer.coding, values, outer };
  for (const name in fields) {
    const value = fields[name]?.read(cursor, scope);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** Writes the fields of a structure, in their order. */
export function writeFields(fields: Fields, writer: Writer, values: Earlier, outer: Scope): void {
  const scope = { coding: outer.coding, values, outer };
  for (const name in fields) {
    const field = fields[name];
    const value = values[name];
    if (value === undefined && field?.optional !== true) throw notWritable(`${name} is missing`);
    field?.write(writer, value, scope);
  }
}

/** The caller's mistake in what is to be written: a field that is missing, or that its bytes cannot hold. */
export function notWritable(what: string): RpchError {
  return new RpchError('RPCH_ROP_NOT_WRITABLE', 'caller', `ROP: ${what}`);
}

/** What does not follow the layout of a ROP. */
export function malformed(what: string, options?: { cause?: unknown }): ProtocolError {
  return new ProtocolError('RPCH_ROP_MALFORMED', what, '[MS-OXCROPS] 2.2', options);
}

import { ErrorCode } from '../../../mapi/error-code.ts';
import {
  type Properties,
  type PropertyScalar,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
  withType,
} from '../../../mapi/property.ts';
import type { PropertyProblem } from '../../../mapi/property-problem.ts';
import type { Cell } from '../../../mapi/property-row.ts';

/** What an object says of one property: its value, or the bytes of one that is too large to be held (as a stream has them). */
export type Found =
  | { readonly tag: PropertyTag; readonly value: PropertyValue }
  | { readonly tag: PropertyTag; readonly size: number };

/**
 * An object with properties ([MS-OXCPRPT]): a logon, a folder, a message, an attachment. Tags are those under which properties are
 * kept; String8 is String here.
 */
export interface PropertyObject {
  /** All tags, those of large values among them. */
  tags(): readonly PropertyTag[];
  /** What tags ask for: their own types, text in either coding, or whatever there is where the type is Unspecified. */
  find(tags: readonly PropertyTag[]): readonly (Found | undefined)[];
  /** A value of any size. */
  load(tag: PropertyTag): PropertyValue | undefined;
  /** Sets properties, and says which of them it could not, by their places. Throws AccessDenied for an object opened to be read. */
  set(properties: Properties): readonly PropertyProblem[];
  remove(tags: readonly PropertyTag[]): readonly PropertyProblem[];
}

/** The cell that answers a tag: NotFound where there is none, NotEnoughMemory where it is for RopOpenStream ([MS-OXCPRPT] 3.2.5.1). */
export function cellOf(found: Found | undefined, tag: PropertyTag, wantUnicode: boolean, limit: number): Cell {
  if (found === undefined) return { error: ErrorCode.NotFound };
  if ('size' in found) return { error: ErrorCode.NotEnoughMemory };
  const { value } = found;
  if (limit > 0 && approximateSize(value) > limit) return { error: ErrorCode.NotEnoughMemory };
  if (typeOf(tag) !== PropertyType.Unspecified) return { value };
  return { value, type: typeOf(spoken(found.tag, wantUnicode)) };
}

/** The tag by which a kept property is told: text in the coding that is wanted. */
export function spoken(tag: PropertyTag, wantUnicode: boolean): PropertyTag {
  if (wantUnicode) return tag;
  if (typeOf(tag) === PropertyType.String) return withType(tag, PropertyType.String8);
  return typeOf(tag) === PropertyType.MultipleString ? withType(tag, PropertyType.MultipleString8) : tag;
}

/** Bytes of a value in a row, text counted as UTF-16. */
export function approximateSize(value: PropertyValue): number {
  if (typeof value === 'string') return 2 * value.length + 2;
  if (value instanceof Uint8Array) return value.length + 2;
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, scalar: PropertyScalar) => sum + approximateSize(scalar), 4);
  }
  return 8;
}

/** A copy of a value that keeps no larger buffer alive: what was read from a request is a view of it. */
export function detached(value: PropertyValue): PropertyValue {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value))
    return value.map((scalar: PropertyScalar) => (scalar instanceof Uint8Array ? scalar.slice() : scalar));
  return value;
}

/** Places of properties by which problems are told. */
export function problem(index: number, tag: PropertyTag, errorCode: number): PropertyProblem {
  return { index, tag, errorCode };
}

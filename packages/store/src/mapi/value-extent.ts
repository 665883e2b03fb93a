import { type Cursor, ProtocolError } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import { MULTIPLE, MULTIVALUE_INSTANCE, PropertyType } from './property.ts';
import { string8Length, stringLength } from './text-coding.ts';

/** How deep restrictions may be nested; deeper ones are TooComplex. */
export const MAX_RESTRICTION_DEPTH = 32;
/** How many restrictions one may consist of, itself included. */
export const MAX_RESTRICTION_NODES = 4096;

/** RestrictType ([MS-OXCDATA] 2.12). */
export const RestrictType = {
  And: 0x00,
  Or: 0x01,
  Not: 0x02,
  Content: 0x03,
  Property: 0x04,
  CompareProperties: 0x05,
  BitMask: 0x06,
  Size: 0x07,
  Exist: 0x08,
  SubObject: 0x09,
  Comment: 0x0a,
  Count: 0x0b,
} as const;

/** Bytes of the types of one size ([MS-OXCDATA] 2.11.1; Boolean is one byte inside ROPs). */
const FIXED_SIZE: ReadonlyMap<number, number> = new Map([
  [PropertyType.Null, 0],
  [PropertyType.Integer16, 2],
  [PropertyType.Integer32, 4],
  [PropertyType.Floating32, 4],
  [PropertyType.Floating64, 8],
  [PropertyType.Currency, 8],
  [PropertyType.FloatingTime, 8],
  [PropertyType.ErrorCode, 4],
  [PropertyType.Boolean, 1],
  [PropertyType.Integer64, 8],
  [PropertyType.Time, 8],
  [PropertyType.Guid, 16],
]);
const MULTIPLE_TYPES: ReadonlySet<number> = new Set(
  Object.values(PropertyType).filter((type) => (type & MULTIPLE) !== 0),
);
/** The least that a value of a type of no fixed size takes: a terminator, or a count. */
const LEAST_SIZE: ReadonlyMap<number, number> = new Map([
  [PropertyType.String8, 1],
  [PropertyType.String, 2],
  [PropertyType.Binary, 2],
]);

/** The type of the value in a column or restriction: of a multivalue instance it is that of one value. */
export function valueType(type: number): number {
  return (type & MULTIVALUE_INSTANCE) === 0 ? type : type & ~(MULTIVALUE_INSTANCE | MULTIPLE);
}

/** The type of one value of a type of many, or undefined where the type is not one of many values. */
export function elementType(type: number): number | undefined {
  return MULTIPLE_TYPES.has(type) ? type & ~MULTIPLE : undefined;
}

/** The count of a type of many values, held against what is left: so many values must at least fit. */
export function readValueCount(cursor: Cursor, element: number): number {
  const count = cursor.u32();
  const least = FIXED_SIZE.get(element) ?? LEAST_SIZE.get(element) ?? 1;
  if (count * least > cursor.remaining) {
    throw new ProtocolError('RPCH_BAD_COUNT', `${count} values in ${cursor.remaining} bytes`, '[MS-OXCDATA] 2.11.1');
  }
  return count;
}

/** The error for a property type that there is not. */
export function unknownType(type: number): ProtocolError {
  return new ProtocolError(
    'RPCH_BAD_PROPERTY_TYPE',
    `property type 0x${type.toString(16).padStart(4, '0')}`,
    '[MS-OXCDATA] 2.11.1',
  );
}

/**
 * Moves past a value without decoding it: to copy values, and to find where a restriction inside one ends. Unspecified is a value
 * with its type before it. Throws ProtocolError, and StoreError TooComplex for a restriction that is too deep.
 */
export function skipValue(cursor: Cursor, type: number): void {
  skipValueAt(cursor, type, { nodes: 0 }, 0);
}

function skipValueAt(cursor: Cursor, given: number, budget: { nodes: number }, depth: number): void {
  const type = valueType(given);
  const size = FIXED_SIZE.get(type);
  const element = elementType(type);
  if (size !== undefined) {
    cursor.skip(size);
  } else if (element !== undefined) {
    skipMany(cursor, element);
  } else if (type === PropertyType.Unspecified) {
    const actual = cursor.u16();
    if (actual === PropertyType.Unspecified) throw unknownType(actual);
    skipValueAt(cursor, actual, budget, depth);
  } else if (type === PropertyType.Restriction) {
    skipRestriction(cursor, budget, depth + 1);
  } else {
    skipSized(cursor, type);
  }
}

function skipMany(cursor: Cursor, element: number): void {
  const count = readValueCount(cursor, element);
  const each = FIXED_SIZE.get(element);
  if (each !== undefined) cursor.skip(count * each);
  else for (let at = 0; at < count; at += 1) skipSized(cursor, element);
}

/** Values with a terminator or a count. */
function skipSized(cursor: Cursor, type: number): void {
  switch (type) {
    case PropertyType.String8:
      cursor.skip(string8Length(cursor) + 1);
      return;
    case PropertyType.String:
      cursor.skip(stringLength(cursor) + 2);
      return;
    case PropertyType.Binary:
    case PropertyType.Object:
    case PropertyType.ServerId:
      cursor.skip(cursor.u16());
      return;
    case PropertyType.RuleAction: {
      // [MS-OXORULE] 2.2.5: NoOfActions, then each action behind its length.
      const count = cursor.u16();
      for (let at = 0; at < count; at += 1) cursor.skip(cursor.u16());
      return;
    }
    default:
      throw unknownType(type);
  }
}

/** [MS-OXCDATA] 2.12: the same walk as readRestriction in restriction.ts, which builds on the value codec and cannot serve it. */
function skipRestriction(cursor: Cursor, budget: { nodes: number }, depth: number): void {
  budget.nodes += 1;
  checkRestrictionSize(budget.nodes, depth);
  const type = cursor.u8();
  switch (type) {
    case RestrictType.And:
    case RestrictType.Or: {
      const count = cursor.u16();
      for (let at = 0; at < count; at += 1) skipRestriction(cursor, budget, depth + 1);
      return;
    }
    case RestrictType.Not:
      skipRestriction(cursor, budget, depth + 1);
      return;
    case RestrictType.Content:
      cursor.skip(8);
      skipTagged(cursor, budget, depth);
      return;
    case RestrictType.Property:
      cursor.skip(5);
      skipTagged(cursor, budget, depth);
      return;
    case RestrictType.CompareProperties:
    case RestrictType.BitMask:
    case RestrictType.Size:
      cursor.skip(9);
      return;
    case RestrictType.Exist:
      cursor.skip(4);
      return;
    case RestrictType.SubObject:
    case RestrictType.Count:
      cursor.skip(4);
      skipRestriction(cursor, budget, depth + 1);
      return;
    case RestrictType.Comment: {
      const count = cursor.u8();
      for (let at = 0; at < count; at += 1) skipTagged(cursor, budget, depth);
      if (cursor.u8() !== 0) skipRestriction(cursor, budget, depth + 1);
      return;
    }
    default:
      throw new StoreError(ErrorCode.TooComplex, `restriction of the unknown kind ${type}`);
  }
}

function skipTagged(cursor: Cursor, budget: { nodes: number }, depth: number): void {
  const type = cursor.u16();
  cursor.skip(2);
  skipValueAt(cursor, type, budget, depth);
}

/** Throws StoreError TooComplex for a restriction that nests too deep or has too many parts; the outermost has the depth 1. */
export function checkRestrictionSize(nodes: number, depth: number): void {
  if (depth > MAX_RESTRICTION_DEPTH || nodes > MAX_RESTRICTION_NODES) {
    throw new StoreError(ErrorCode.TooComplex, 'a restriction that is too deep or has too many parts');
  }
}

import { compareValues, isMany } from './compare.ts';
import { ErrorCode, StoreError } from './error-code.ts';
import {
  MULTIPLE,
  MULTIVALUE_INSTANCE,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
  withType,
} from './property.ts';
import { BitmapRelOp, FuzzyHigh, FuzzyLow, RelOp, type Restriction } from './restriction.ts';
import { foldCase, foldNonSpace } from './text-order.ts';
import { checkRestrictionSize } from './value-extent.ts';

/**
 * Gives the value of a property of a row, or undefined where it has none. Tags of strings are always Unicode. A multivalue instance
 * (0x3000) is asked for first, then the property with all its values.
 */
export type GetValue = (tag: PropertyTag) => PropertyValue | undefined;

/** The recipients or attachments of a row (PidTagMessageRecipients, PidTagMessageAttachments). Without it a row has none. */
export type GetSubobjects = (subobject: PropertyTag) => Iterable<GetValue>;

/** Whether a row satisfies a restriction. */
export type RowMatcher = (get: GetValue, subobjects?: GetSubobjects) => boolean;

/**
 * Makes a function of a restriction that is to be held against many rows ([MS-OXCDATA] 2.12). Throws StoreError TooComplex for what
 * cannot be evaluated: types that do not match, regular expressions, membership in lists, and too many parts.
 *
 * What is left open there is as Exchange has it: a property that a row has not is less than every value and equal to another
 * one that it has not, its bits and its size are 0, and no text is found in it. Of many values one that satisfies is enough, for
 * NotEqual none may be equal. A count outside of a subobject limits results and says nothing about a row, unless it is 0.
 */
export function compileRestriction(restriction: Restriction): RowMatcher {
  return compile(restriction, { nodes: 0 }, 1);
}

function compile(restriction: Restriction, budget: { nodes: number }, depth: number): RowMatcher {
  budget.nodes += 1;
  checkRestrictionSize(budget.nodes, depth);
  const inner = (part: Restriction): RowMatcher => compile(part, budget, depth + 1);
  switch (restriction.kind) {
    case 'and': {
      const parts = restriction.restrictions.map(inner);
      return (get, subobjects) => parts.every((matches) => matches(get, subobjects));
    }
    case 'or': {
      const parts = restriction.restrictions.map(inner);
      return (get, subobjects) => parts.some((matches) => matches(get, subobjects));
    }
    case 'not': {
      const matches = inner(restriction.restriction);
      return (get, subobjects) => !matches(get, subobjects);
    }
    case 'content':
      return contentMatcher(restriction);
    case 'property':
      return propertyMatcher(restriction);
    case 'compare':
      return compareMatcher(restriction);
    case 'bitmask':
      return bitmaskMatcher(restriction);
    case 'size': {
      const { tag, size } = restriction;
      const holds = relation(restriction.relOp);
      return (get) => holds(sizeOf(tag, propertyOf(get, tag)) - size);
    }
    case 'exist':
      return (get) => propertyOf(get, restriction.tag) !== undefined;
    case 'comment':
      return restriction.restriction === undefined ? () => true : inner(restriction.restriction);
    case 'count': {
      const matches = inner(restriction.restriction);
      return (get, subobjects) => restriction.count > 0 && matches(get, subobjects);
    }
    case 'subobject': {
      const { subobject, restriction: part } = restriction;
      // [MS-OXCDATA] 2.12.12: directly below a subobject, so many of its rows must satisfy what is counted.
      if (part.kind === 'count') {
        budget.nodes += 1;
        const matches = compile(part.restriction, budget, depth + 2);
        return (_, subobjects) => matching(subobjects?.(subobject), matches) === part.count;
      }
      const matches = inner(part);
      return (_, subobjects) => {
        for (const get of subobjects?.(subobject) ?? []) if (matches(get)) return true;
        return false;
      };
    }
  }
}

function matching(rows: Iterable<GetValue> | undefined, matches: RowMatcher): number {
  let count = 0;
  for (const get of rows ?? []) if (matches(get)) count += 1;
  return count;
}

/** [MS-OXCDATA] 2.12.5. */
function propertyMatcher({ relOp, tag, valueTag, value }: Restriction & { kind: 'property' }): RowMatcher {
  const holds = relation(relOp);
  checkComparable(tag, valueTag);
  const type = typeOf(valueTag);
  return (get) => {
    const actual = propertyOf(get, tag);
    if (actual === undefined) return holds(-1);
    if (!isMany(actual) || isMany(value))
      return isComparable(actual, value) && holds(compareValues(type, actual, value));
    if (relOp === RelOp.NotEqual) return actual.every((one) => compareValues(type, one, value) !== 0);
    return actual.some((one) => isComparable(one, value) && holds(compareValues(type, one, value)));
  };
}

/** [MS-OXCDATA] 2.12.6. */
function compareMatcher({ relOp, tag1, tag2 }: Restriction & { kind: 'compare' }): RowMatcher {
  const holds = relation(relOp);
  if (comparedType(typeOf(tag1)) !== comparedType(typeOf(tag2))) throw tooComplex('properties of different types');
  return (get) => {
    const a = propertyOf(get, tag1);
    const b = propertyOf(get, tag2);
    if (a === undefined || b === undefined) return holds(Number(a !== undefined) - Number(b !== undefined));
    return isComparable(a, b) && holds(compareValues(typeOf(tag1), a, b));
  };
}

/** [MS-OXCDATA] 2.12.7. */
function bitmaskMatcher({ relOp, tag, mask }: Restriction & { kind: 'bitmask' }): RowMatcher {
  if (typeOf(tag) !== PropertyType.Integer32) throw tooComplex('bits of what is no integer');
  if (relOp !== BitmapRelOp.Zero && relOp !== BitmapRelOp.NotZero) throw tooComplex(`bitmap operator ${relOp}`);
  return (get) => {
    const value = propertyOf(get, tag) ?? 0;
    return typeof value === 'number' && ((value & mask) !== 0) === (relOp === BitmapRelOp.NotZero);
  };
}

/** [MS-OXCDATA] 2.12.4. */
function contentMatcher({ fuzzyLow, fuzzyHigh, tag, valueTag, value }: Restriction & { kind: 'content' }): RowMatcher {
  checkComparable(tag, valueTag);
  const isFound = typeof value === 'string' ? textFinder(value, fuzzyLow, fuzzyHigh) : binaryFinder(value, fuzzyLow);
  return (get) => {
    const actual = propertyOf(get, tag);
    if (actual === undefined) return false;
    return isMany(actual) ? actual.some(isFound) : isFound(actual);
  };
}

type Finder = (actual: PropertyValue) => boolean;

function textFinder(value: string, fuzzyLow: number, fuzzyHigh: number): Finder {
  const isLoose = (fuzzyHigh & FuzzyHigh.Loose) !== 0;
  const ignoresNonSpace = isLoose || (fuzzyHigh & FuzzyHigh.IgnoreNonSpace) !== 0;
  const ignoresCase = isLoose || (fuzzyHigh & FuzzyHigh.IgnoreCase) !== 0;
  const fold = (text: string): string => {
    const spaced = ignoresNonSpace ? foldNonSpace(text) : text;
    return ignoresCase ? foldCase(spaced) : spaced;
  };
  const wanted = fold(value);
  const finds = textMethod(fuzzyLow);
  return (actual) => typeof actual === 'string' && finds(fold(actual), wanted);
}

function textMethod(fuzzyLow: number): (text: string, wanted: string) => boolean {
  switch (fuzzyLow) {
    case FuzzyLow.FullString:
      return (text, wanted) => text === wanted;
    case FuzzyLow.Substring:
      return (text, wanted) => text.includes(wanted);
    case FuzzyLow.Prefix:
      return (text, wanted) => text.startsWith(wanted);
    default:
      throw tooComplex(`fuzzy level ${fuzzyLow}`);
  }
}

function binaryFinder(value: PropertyValue, fuzzyLow: number): Finder {
  if (!(value instanceof Uint8Array)) throw tooComplex('content of what is neither text nor binary');
  const wanted = Buffer.from(value);
  switch (fuzzyLow) {
    case FuzzyLow.FullString:
      return (actual) => actual instanceof Uint8Array && wanted.equals(actual);
    case FuzzyLow.Substring:
      return (actual) => actual instanceof Uint8Array && bufferOf(actual).includes(wanted);
    case FuzzyLow.Prefix:
      return (actual) => actual instanceof Uint8Array && wanted.equals(actual.subarray(0, wanted.length));
    default:
      throw tooComplex(`fuzzy level ${fuzzyLow}`);
  }
}

/** What a RelOp asks of the order of two values. */
function relation(relOp: number): (order: number) => boolean {
  switch (relOp) {
    case RelOp.LessThan:
      return (order) => order < 0;
    case RelOp.LessThanOrEqual:
      return (order) => order <= 0;
    case RelOp.GreaterThan:
      return (order) => order > 0;
    case RelOp.GreaterThanOrEqual:
      return (order) => order >= 0;
    case RelOp.Equal:
      return (order) => order === 0;
    case RelOp.NotEqual:
      return (order) => order !== 0;
    default:
      throw tooComplex(`relational operator ${relOp}`);
  }
}

/** A property of many values can be held against one value; all else only against its own type. */
function checkComparable(tag: PropertyTag, valueTag: PropertyTag): void {
  const type = comparedType(typeOf(tag));
  const value = comparedType(typeOf(valueTag));
  if (type === PropertyType.Unspecified || type === value || type === (value | MULTIPLE)) return;
  throw tooComplex('a value that is not of its property’s type');
}

/** A type as it is compared: String8 as String, a multivalue instance as the one value that it is. */
function comparedType(type: number): number {
  const actual = (type & MULTIVALUE_INSTANCE) === 0 ? type : type & ~(MULTIVALUE_INSTANCE | MULTIPLE);
  return (actual & ~MULTIPLE) === PropertyType.String8 ? actual | PropertyType.String : actual;
}

function isComparable(a: PropertyValue, b: PropertyValue): boolean {
  return typeof a === typeof b && isMany(a) === isMany(b) && a instanceof Uint8Array === b instanceof Uint8Array;
}

function propertyOf(get: GetValue, tag: PropertyTag): PropertyValue | undefined {
  const type = typeOf(tag);
  const isString8 = (type & ~(MULTIPLE | MULTIVALUE_INSTANCE)) === PropertyType.String8;
  const asked = isString8 ? withType(tag, type | PropertyType.String) : tag;
  const value = get(asked);
  if (value !== undefined || (type & MULTIVALUE_INSTANCE) === 0) return value;
  return get(withType(asked, typeOf(asked) & ~MULTIVALUE_INSTANCE));
}

/** Bytes of a value, text without its terminator ([MS-OXCDATA] 2.12.8). */
function sizeOf(tag: PropertyTag, value: PropertyValue | undefined): number {
  if (value === undefined || value === null) return 0;
  if (isMany(value)) return value.reduce<number>((sum, one) => sum + sizeOf(tag, one), 0);
  if (typeof value === 'bigint') return 8;
  if (value instanceof Uint8Array) return value.length;
  const type = typeOf(tag) & ~(MULTIPLE | MULTIVALUE_INSTANCE);
  if (typeof value === 'string') {
    if (type === PropertyType.Guid) return 16;
    return type === PropertyType.String8 ? value.length : value.length * 2;
  }
  switch (type) {
    case PropertyType.Boolean:
      return 1;
    case PropertyType.Integer16:
      return 2;
    case PropertyType.Floating64:
    case PropertyType.FloatingTime:
      return 8;
    default:
      return 4;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooComplex(what: string): StoreError {
  return new StoreError(ErrorCode.TooComplex, what);
}

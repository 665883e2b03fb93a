import type { RestrictionR } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { idOf, type PropertyTag, PropertyType, propertyTag, typeOf } from '../../mapi/property.ts';
import { unicodeTag } from '../../mapi/property-codec.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { RelOp, type Restriction } from '../../mapi/restriction.ts';
import { compileRestriction } from '../../mapi/restriction-match.ts';
import { checkRestrictionSize } from '../../mapi/value-extent.ts';
import type { AddressBook } from './address-book.ts';
import type { AddressBookObject } from './address-book-object.ts';
import { type Admits, patience } from './anr-index.ts';
import { readWireValue } from './wire-values.ts';

/** The most names that one filter may have resolved. */
const MAX_NAMES = 16;
/** The most parts of a filter, times the rows that they are held against: a fraction of a second. */
const MAX_WORK = 5_000_000;

/**
 * Makes a function of the filter of NspiGetMatches, that says whether an object satisfies it. PidTagAnr, which no object has, is what
 * clients check names by: it is equal to what ambiguous name resolution finds ([MS-OXNSPI] 3.1.4.1.10, [MS-OXOABK] 2.2.3.24). Throws
 * StoreError TooComplex for what cannot be evaluated, or would take too long for so many rows.
 */
export function compileFilter(
  filter: RestrictionR,
  codePage: number,
  { book, admits, rows }: { readonly book: AddressBook; readonly admits: Admits; readonly rows: number },
): Admits {
  const names: ReadonlySet<AddressBookObject>[] = [];
  const [left, budget] = [patience(), { nodes: 0 }];
  const resolve = (text: string): Restriction => {
    if (names.length >= MAX_NAMES) throw new StoreError(ErrorCode.TooComplex, `more than ${MAX_NAMES} names`);
    const found = book.anr.matches(text, admits, Number.POSITIVE_INFINITY, left);
    names.push(new Set(found));
    return { kind: 'exist', tag: foundTag(names.length - 1) };
  };
  const matches = compileRestriction(convert(filter, codePage, resolve, budget, 1));
  if (budget.nodes * rows > MAX_WORK) {
    throw new StoreError(ErrorCode.TooComplex, `${budget.nodes} conditions for ${rows} rows`);
  }
  return (object) =>
    matches((tag) => {
      const property = object.properties.get(idOf(tag));
      if (property !== undefined) return typeOf(property.tag) === typeOf(tag) ? property.value : undefined;
      return names.some((found, at) => tag === foundTag(at) && found.has(object)) ? true : undefined;
    });
}

/** Stands for a resolved name in the restriction: a property that nothing else has. */
function foundTag(at: number): PropertyTag {
  return propertyTag(at + 1, PropertyType.Boolean);
}

function convert(
  { res }: RestrictionR,
  codePage: number,
  resolve: (text: string) => Restriction,
  budget: { nodes: number },
  depth: number,
): Restriction {
  budget.nodes += 1;
  checkRestrictionSize(budget.nodes, depth);
  const inner = (part: RestrictionR | null): Restriction => {
    if (part === null) throw new StoreError(ErrorCode.InvalidParam, 'a part of the restriction is missing');
    return convert(part, codePage, resolve, budget, depth + 1);
  };
  switch (res.case) {
    case 0:
    case 1:
      return { kind: res.case === 0 ? 'and' : 'or', restrictions: (res.value.lpRes ?? []).map(inner) };
    case 2:
      return { kind: 'not', restriction: inner(res.value.lpRes) };
    case 3: {
      const { ulFuzzyLevel, ulPropTag, lpProp } = res.value;
      if (lpProp === null) throw new StoreError(ErrorCode.InvalidParam, 'a content restriction without a value');
      return {
        kind: 'content',
        fuzzyLow: ulFuzzyLevel & 0xffff,
        fuzzyHigh: ulFuzzyLevel >>> 16,
        tag: unicodeTag(ulPropTag),
        valueTag: unicodeTag(lpProp.ulPropTag),
        value: readWireValue(lpProp, codePage),
      };
    }
    case 4: {
      const { relop, ulPropTag, lpProp } = res.value;
      if (lpProp === null) throw new StoreError(ErrorCode.InvalidParam, 'a property restriction without a value');
      const value = readWireValue(lpProp, codePage);
      if (idOf(ulPropTag) === idOf(PidTag.Anr)) {
        if (relop !== RelOp.Equal || typeof value !== 'string') {
          throw new StoreError(ErrorCode.TooComplex, 'a name can only be equal to a text');
        }
        return resolve(value);
      }
      return {
        kind: 'property',
        relOp: relop,
        tag: unicodeTag(ulPropTag),
        valueTag: unicodeTag(lpProp.ulPropTag),
        value,
      };
    }
    case 5: {
      const { relop, ulPropTag1, ulPropTag2 } = res.value;
      return { kind: 'compare', relOp: relop, tag1: unicodeTag(ulPropTag1), tag2: unicodeTag(ulPropTag2) };
    }
    case 6:
      return { kind: 'bitmask', relOp: res.value.relBMR, tag: res.value.ulPropTag, mask: res.value.ulMask };
    case 7:
      return { kind: 'size', relOp: res.value.relop, tag: unicodeTag(res.value.ulPropTag), size: res.value.cb };
    case 8:
      return { kind: 'exist', tag: unicodeTag(res.value.ulPropTag) };
    default:
      throw new StoreError(ErrorCode.TooComplex, 'objects of the address book have no subobjects');
  }
}

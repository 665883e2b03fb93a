import type { Cursor, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from './error-code.ts';
import type { PropertyTag, PropertyValue } from './property.ts';
import { readTagged, type TextCoding, writeTagged } from './property-codec.ts';
import { checkRestrictionSize, RestrictType } from './value-extent.ts';

/** RelOp ([MS-OXCDATA] 2.12.5.1). */
export const RelOp = {
  LessThan: 0x00,
  LessThanOrEqual: 0x01,
  GreaterThan: 0x02,
  GreaterThanOrEqual: 0x03,
  Equal: 0x04,
  NotEqual: 0x05,
  /** A regular expression; no server evaluates it. */
  Regex: 0x06,
  MemberOfDL: 0x64,
} as const;

/** FuzzyLevelLow: how the value must lie in the property ([MS-OXCDATA] 2.12.4.1). */
export const FuzzyLow = { FullString: 0x0000, Substring: 0x0001, Prefix: 0x0002 } as const;
/** FuzzyLevelHigh: what does not count in comparing strings. */
export const FuzzyHigh = { IgnoreCase: 0x0001, IgnoreNonSpace: 0x0002, Loose: 0x0004 } as const;
/** BitmapRelOp ([MS-OXCDATA] 2.12.7.1): whether the masked bits are all zero, or not. */
export const BitmapRelOp = { Zero: 0x00, NotZero: 0x01 } as const;

/** What rows of a table, or messages of a search, must satisfy ([MS-OXCDATA] 2.12). Field names are the specification's. */
export type Restriction =
  | { readonly kind: 'and' | 'or'; readonly restrictions: readonly Restriction[] }
  | { readonly kind: 'not'; readonly restriction: Restriction }
  | {
      readonly kind: 'content';
      readonly fuzzyLow: number;
      readonly fuzzyHigh: number;
      readonly tag: PropertyTag;
      /** The tag of the value; of its id nothing is asked. */
      readonly valueTag: PropertyTag;
      readonly value: PropertyValue;
    }
  | {
      readonly kind: 'property';
      readonly relOp: number;
      readonly tag: PropertyTag;
      readonly valueTag: PropertyTag;
      readonly value: PropertyValue;
    }
  | { readonly kind: 'compare'; readonly relOp: number; readonly tag1: PropertyTag; readonly tag2: PropertyTag }
  | { readonly kind: 'bitmask'; readonly relOp: number; readonly tag: PropertyTag; readonly mask: number }
  | { readonly kind: 'size'; readonly relOp: number; readonly tag: PropertyTag; readonly size: number }
  | { readonly kind: 'exist'; readonly tag: PropertyTag }
  | { readonly kind: 'subobject'; readonly subobject: PropertyTag; readonly restriction: Restriction }
  | {
      readonly kind: 'comment';
      readonly values: readonly (readonly [PropertyTag, PropertyValue])[];
      readonly restriction?: Restriction;
    }
  | { readonly kind: 'count'; readonly count: number; readonly restriction: Restriction };

/**
 * Reads a restriction. Throws ProtocolError for what is cut short or no restriction; StoreError TooComplex for one that is
 * too deep, has too many parts or an unknown kind, UnknownCodePage.
 */
export function readRestriction(cursor: Cursor, coding: TextCoding): Restriction {
  return read(cursor, coding, { nodes: 0 }, 1);
}

function read(cursor: Cursor, coding: TextCoding, budget: { nodes: number }, depth: number): Restriction {
  budget.nodes += 1;
  checkRestrictionSize(budget.nodes, depth);
  const inner = (): Restriction => read(cursor, coding, budget, depth + 1);
  const type = cursor.u8();
  switch (type) {
    case RestrictType.And:
    case RestrictType.Or: {
      const count = cursor.u16();
      const restrictions: Restriction[] = [];
      for (let at = 0; at < count; at += 1) restrictions.push(inner());
      return { kind: type === RestrictType.And ? 'and' : 'or', restrictions };
    }
    case RestrictType.Not:
      return { kind: 'not', restriction: inner() };
    case RestrictType.Content: {
      const fuzzyLow = cursor.u16();
      const fuzzyHigh = cursor.u16();
      const tag = cursor.u32();
      const [valueTag, value] = readTagged(cursor, coding);
      return { kind: 'content', fuzzyLow, fuzzyHigh, tag, valueTag, value };
    }
    case RestrictType.Property: {
      const relOp = cursor.u8();
      const tag = cursor.u32();
      const [valueTag, value] = readTagged(cursor, coding);
      return { kind: 'property', relOp, tag, valueTag, value };
    }
    case RestrictType.CompareProperties:
      return { kind: 'compare', relOp: cursor.u8(), tag1: cursor.u32(), tag2: cursor.u32() };
    case RestrictType.BitMask:
      return { kind: 'bitmask', relOp: cursor.u8(), tag: cursor.u32(), mask: cursor.u32() };
    case RestrictType.Size:
      return { kind: 'size', relOp: cursor.u8(), tag: cursor.u32(), size: cursor.u32() };
    case RestrictType.Exist:
      return { kind: 'exist', tag: cursor.u32() };
    case RestrictType.SubObject:
      return { kind: 'subobject', subobject: cursor.u32(), restriction: inner() };
    case RestrictType.Comment: {
      const count = cursor.u8();
      const values: [PropertyTag, PropertyValue][] = [];
      for (let at = 0; at < count; at += 1) values.push(readTagged(cursor, coding));
      return cursor.u8() === 0 ? { kind: 'comment', values } : { kind: 'comment', values, restriction: inner() };
    }
    case RestrictType.Count:
      return { kind: 'count', count: cursor.u32(), restriction: inner() };
    default:
      throw new StoreError(ErrorCode.TooComplex, `restriction of the unknown kind ${type}`);
  }
}

/** Writes a restriction. Throws StoreError as writeValue does, and TooBig for lists that their counts cannot hold. */
export function writeRestriction(writer: Writer, restriction: Restriction, coding: TextCoding): void {
  switch (restriction.kind) {
    case 'and':
    case 'or': {
      const { kind, restrictions } = restriction;
      checkLength(restrictions, 0xffff);
      writer.u8(kind === 'and' ? RestrictType.And : RestrictType.Or).u16(restrictions.length);
      for (const each of restrictions) writeRestriction(writer, each, coding);
      return;
    }
    case 'not':
      writeRestriction(writer.u8(RestrictType.Not), restriction.restriction, coding);
      return;
    case 'content': {
      const { fuzzyLow, fuzzyHigh, tag, valueTag, value } = restriction;
      writer.u8(RestrictType.Content).u16(fuzzyLow).u16(fuzzyHigh).u32(tag);
      writeTagged(writer, valueTag, value, coding);
      return;
    }
    case 'property': {
      const { relOp, tag, valueTag, value } = restriction;
      writer.u8(RestrictType.Property).u8(relOp).u32(tag);
      writeTagged(writer, valueTag, value, coding);
      return;
    }
    case 'compare':
      writer.u8(RestrictType.CompareProperties).u8(restriction.relOp).u32(restriction.tag1).u32(restriction.tag2);
      return;
    case 'bitmask':
      writer.u8(RestrictType.BitMask).u8(restriction.relOp).u32(restriction.tag).u32(restriction.mask);
      return;
    case 'size':
      writer.u8(RestrictType.Size).u8(restriction.relOp).u32(restriction.tag).u32(restriction.size);
      return;
    case 'exist':
      writer.u8(RestrictType.Exist).u32(restriction.tag);
      return;
    case 'subobject':
      writer.u8(RestrictType.SubObject).u32(restriction.subobject);
      writeRestriction(writer, restriction.restriction, coding);
      return;
    case 'comment': {
      checkLength(restriction.values, 0xff);
      writer.u8(RestrictType.Comment).u8(restriction.values.length);
      for (const [tag, value] of restriction.values) writeTagged(writer, tag, value, coding);
      writer.u8(restriction.restriction === undefined ? 0 : 1);
      if (restriction.restriction !== undefined) writeRestriction(writer, restriction.restriction, coding);
      return;
    }
    case 'count':
      writer.u8(RestrictType.Count).u32(restriction.count);
      writeRestriction(writer, restriction.restriction, coding);
      return;
  }
}

/** How many restrictions one is made of, itself included. */
export function partsOf(restriction: Restriction): number {
  if (restriction.kind === 'and' || restriction.kind === 'or') {
    return restriction.restrictions.reduce((sum, each) => sum + partsOf(each), 1);
  }
  const inner = 'restriction' in restriction ? restriction.restriction : undefined;
  return 1 + (inner === undefined ? 0 : partsOf(inner));
}

function checkLength(list: readonly unknown[], most: number): void {
  if (list.length > most) throw new StoreError(ErrorCode.TooBig, `${list.length} parts in one restriction`);
}

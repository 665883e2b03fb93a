import { type Cursor, formatGuid, ProtocolError, parseGuid, type Writer } from '@rpch/rpc/internal';
import { isMany } from './compare.ts';
import { ErrorCode, StoreError } from './error-code.ts';
import {
  type Properties,
  type PropertyScalar,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
  withType,
} from './property.ts';
import { readString, readString8, type TextCoding, writeString, writeString8 } from './text-coding.ts';
import { elementType, readValueCount, skipValue, unknownType, valueType } from './value-extent.ts';

export type { TextCoding } from './text-coding.ts';

/** What a u16 can count. */
const MAX_COUNT = 0xffff;
const SECTION = '[MS-OXCDATA] 2.11.1';

/**
 * Reads a value of a type as ROPs have it ([MS-OXCDATA] 2.11.1): Boolean is one byte, Binary counts its bytes with a u16. The bytes
 * of Binary and such are a view. A multivalue instance is one value. Unspecified has no value of its own: see readTagged
 * and property-row.ts. Throws ProtocolError; StoreError UnknownCodePage.
 */
export function readValue(cursor: Cursor, type: number, coding: TextCoding): PropertyValue {
  const actual = valueType(type);
  if (actual === PropertyType.Null) return null;
  if (actual === PropertyType.Boolean) return cursor.u8() !== 0;
  const element = elementType(actual);
  if (element === undefined) return readScalar(cursor, actual, coding);
  const count = readValueCount(cursor, element);
  const values: PropertyScalar[] = [];
  for (let at = 0; at < count; at += 1) values.push(readScalar(cursor, element, coding));
  return values;
}

function readScalar(cursor: Cursor, type: number, coding: TextCoding): PropertyScalar {
  switch (type) {
    case PropertyType.Integer16:
      return (cursor.u16() << 16) >> 16;
    case PropertyType.Integer32:
      return cursor.u32() | 0;
    case PropertyType.ErrorCode:
      return cursor.u32();
    case PropertyType.Floating32:
      return viewOf(cursor.bytes(4)).getFloat32(0, true);
    case PropertyType.Floating64:
    case PropertyType.FloatingTime:
      return viewOf(cursor.bytes(8)).getFloat64(0, true);
    case PropertyType.Currency:
    case PropertyType.Integer64:
      return BigInt.asIntN(64, cursor.u64());
    case PropertyType.Time:
      return cursor.u64();
    case PropertyType.Guid:
      return formatGuid(cursor.bytes(16));
    case PropertyType.String8:
      return readString8(cursor, coding);
    case PropertyType.String:
      return readString(cursor);
    case PropertyType.Binary:
    case PropertyType.Object:
    case PropertyType.ServerId:
      return cursor.bytes(cursor.u16());
    case PropertyType.Restriction:
    case PropertyType.RuleAction:
      return readSpan(cursor, type);
    default:
      throw unknownType(type);
  }
}

/** Restrictions and rule actions have no count in bytes: they end where their parts do, and are kept as they are. */
function readSpan(cursor: Cursor, type: number): Uint8Array {
  const rest = cursor.rest();
  const start = cursor.offset;
  skipValue(cursor, type);
  return rest.subarray(0, cursor.offset - start);
}

/**
 * Writes a value of a type; text ends at its first U+0000. Throws StoreError: UnexpectedType for a value that is not of the type,
 * TooBig for one that a u16 cannot count, UnknownCodePage.
 */
export function writeValue(writer: Writer, type: number, value: PropertyValue, coding: TextCoding): void {
  const actual = valueType(type);
  if (actual === PropertyType.Null) return;
  if (actual === PropertyType.Boolean) {
    if (typeof value !== 'boolean') throw notOfType(actual);
    writer.u8(value ? 1 : 0);
    return;
  }
  const element = elementType(actual);
  if (element === undefined) {
    if (!isScalar(value)) throw notOfType(actual);
    writeScalar(writer, actual, value, coding);
    return;
  }
  if (!isMany(value)) throw notOfType(actual);
  writer.u32(value.length);
  for (const each of value) writeScalar(writer, element, each, coding);
}

function writeScalar(writer: Writer, type: number, value: PropertyScalar, coding: TextCoding): void {
  if (typeof value === 'number') writeNumber(writer, type, value);
  else if (typeof value === 'bigint') writeBigInt(writer, type, value);
  else if (typeof value === 'string') writeText(writer, type, value, coding);
  else writeBytes(writer, type, value);
}

function writeNumber(writer: Writer, type: number, value: number): void {
  const bytes = new Uint8Array(8);
  switch (type) {
    case PropertyType.Integer16:
      writer.u16(value);
      return;
    case PropertyType.Integer32:
    case PropertyType.ErrorCode:
      writer.u32(value);
      return;
    case PropertyType.Floating32:
      viewOf(bytes).setFloat32(0, value, true);
      writer.bytes(bytes.subarray(0, 4));
      return;
    case PropertyType.Floating64:
    case PropertyType.FloatingTime:
      viewOf(bytes).setFloat64(0, value, true);
      writer.bytes(bytes);
      return;
    default:
      throw notOfType(type);
  }
}

function writeBigInt(writer: Writer, type: number, value: bigint): void {
  switch (type) {
    case PropertyType.Currency:
    case PropertyType.Integer64:
    case PropertyType.Time:
      writer.u64(BigInt.asUintN(64, value));
      return;
    default:
      throw notOfType(type);
  }
}

function writeText(writer: Writer, type: number, value: string, coding: TextCoding): void {
  switch (type) {
    case PropertyType.String8:
      writeString8(writer, value, coding);
      return;
    case PropertyType.String:
      writeString(writer, value);
      return;
    case PropertyType.Guid:
      writer.bytes(parseGuid(value));
      return;
    default:
      throw notOfType(type);
  }
}

function writeBytes(writer: Writer, type: number, value: Uint8Array): void {
  switch (type) {
    case PropertyType.Binary:
    case PropertyType.Object:
    case PropertyType.ServerId:
      if (value.length > MAX_COUNT) throw new StoreError(ErrorCode.TooBig, `${value.length} bytes in one value`);
      writer.u16(value.length).bytes(value);
      return;
    case PropertyType.Restriction:
    case PropertyType.RuleAction:
      writer.bytes(value);
      return;
    default:
      throw notOfType(type);
  }
}

/**
 * TaggedPropertyValue ([MS-OXCDATA] 2.11.4). Where the tag's type is Unspecified the type stands before the value: it becomes
 * that of the tag that is returned. Throws as readValue.
 */
export function readTagged(cursor: Cursor, coding: TextCoding): [PropertyTag, PropertyValue] {
  const tag = cursor.u32();
  const actual = typeOf(tag) === PropertyType.Unspecified ? withType(tag, cursor.u16()) : tag;
  return [actual, readValue(cursor, typeOf(actual), coding)];
}

/** Writes a TaggedPropertyValue. Throws as writeValue. */
export function writeTagged(writer: Writer, tag: PropertyTag, value: PropertyValue, coding: TextCoding): void {
  writer.u32(tag);
  writeValue(writer, typeOf(tag), value, coding);
}

/** A u16 count and so many TaggedPropertyValues, by their tags as they came; of one tag twice the last one counts. */
export function readTaggedValues(cursor: Cursor, coding: TextCoding): Properties {
  const count = cursor.u16();
  checkCount(cursor, count, 4);
  const properties = new Map<PropertyTag, PropertyValue>();
  for (let at = 0; at < count; at += 1) {
    const [tag, value] = readTagged(cursor, coding);
    properties.set(tag, value);
  }
  return properties;
}

/** Writes what readTaggedValues reads. Throws as writeValue. */
export function writeTaggedValues(writer: Writer, properties: Properties, coding: TextCoding): void {
  writeCount(writer, properties.size);
  for (const [tag, value] of properties) writeTagged(writer, tag, value, coding);
}

/** A u16 count and so many tags. */
export function readTags(cursor: Cursor): PropertyTag[] {
  const count = cursor.u16();
  checkCount(cursor, count, 4);
  return Array.from({ length: count }, () => cursor.u32());
}

export function writeTags(writer: Writer, tags: readonly PropertyTag[]): void {
  writeCount(writer, tags.length);
  for (const tag of tags) writer.u32(tag);
}

/** The tag under which a property is kept: with String for String8, since each property is kept once. */
export function unicodeTag(tag: PropertyTag): PropertyTag {
  switch (typeOf(tag)) {
    case PropertyType.String8:
      return withType(tag, PropertyType.String);
    case PropertyType.MultipleString8:
      return withType(tag, PropertyType.MultipleString);
    default:
      return tag;
  }
}

function checkCount(cursor: Cursor, count: number, least: number): void {
  if (count * least > cursor.remaining) {
    throw new ProtocolError('RPCH_BAD_COUNT', `${count} entries in ${cursor.remaining} bytes`, SECTION);
  }
}

function writeCount(writer: Writer, count: number): void {
  if (count > MAX_COUNT) throw new StoreError(ErrorCode.TooBig, `${count} entries in one list`);
  writer.u16(count);
}

function isScalar(value: PropertyValue): value is PropertyScalar {
  return value !== null && typeof value !== 'boolean' && !isMany(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function notOfType(type: number): StoreError {
  return new StoreError(ErrorCode.UnexpectedType, `a value that is not of the type 0x${type.toString(16)}`);
}

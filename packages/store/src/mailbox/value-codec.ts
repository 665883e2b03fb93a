import { Cursor, Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import { MULTIPLE, type PropertyTag, PropertyType, type PropertyValue, typeOf } from '../mapi/property.ts';
import { readValue, writeValue } from '../mapi/property-codec.ts';
import { decodeUnicode, encodeUnicode } from '../mapi/text-coding.ts';

/** Text is stored as PtypString only, so that this never codes any. */
export const UNICODE = { codePage: 1200 };

/** Bytes of a value as a stream has it ([MS-OXCPRPT] 2.2.14), without count or terminator; of many values, all together. */
export function valueLength(tag: PropertyTag, value: PropertyValue): number {
  if (typeof value === 'string') return value.length * 2;
  if (value instanceof Uint8Array) return value.length;
  if (value !== null && typeof value === 'object') {
    let length = 0;
    for (const one of value) length += valueLength(tag, one);
    return length;
  }
  switch (typeOf(tag) & ~MULTIPLE) {
    case PropertyType.Null:
      return 0;
    case PropertyType.Boolean:
      return 1;
    case PropertyType.Integer16:
      return 2;
    case PropertyType.Integer32:
    case PropertyType.Floating32:
    case PropertyType.ErrorCode:
      return 4;
    default:
      return 8;
  }
}

/**
 * A value of any size as it is stored outside of packed properties: text and binaries as a stream has them, others in ROP form,
 * the binaries of many with u32 counts. Throws StoreError UnexpectedType for a value that is not of its tag's type.
 */
export function encodeValue(tag: PropertyTag, value: PropertyValue): Uint8Array {
  const type = typeOf(tag);
  if (typeof value === 'string' && type === PropertyType.String) return encodeUnicode(value);
  if (value instanceof Uint8Array && isBytes(type)) return value;
  const writer = new Writer(valueLength(tag, value) + 64);
  if (type === PropertyType.MultipleBinary && isBinaries(value)) {
    writer.u32(value.length);
    for (const one of value) writer.u32(one.length).bytes(one);
  } else {
    writeValue(writer, type, value, UNICODE);
  }
  return writer.finish();
}

/** The value that {@link encodeValue} made bytes of; binaries are views of them. */
export function decodeValue(tag: PropertyTag, bytes: Uint8Array): PropertyValue {
  const type = typeOf(tag);
  if (type === PropertyType.String) return decodeUnicode(bytes);
  if (isBytes(type)) return bytes;
  const cursor = new Cursor(bytes, 'stored value');
  if (type !== PropertyType.MultipleBinary) return readValue(cursor, type, UNICODE);
  const values: Uint8Array[] = [];
  for (let left = cursor.u32(); left > 0; left -= 1) values.push(cursor.bytes(cursor.u32()));
  return values;
}

function isBytes(type: number): boolean {
  return (
    type === PropertyType.Binary ||
    type === PropertyType.Object ||
    type === PropertyType.ServerId ||
    type === PropertyType.Restriction ||
    type === PropertyType.RuleAction
  );
}

function isBinaries(value: PropertyValue): value is readonly Uint8Array[] {
  if (!Array.isArray(value)) return false;
  if (value.every((one) => one instanceof Uint8Array)) return true;
  throw new StoreError(ErrorCode.UnexpectedType, 'a binary that is none');
}

/**
 * A property tag: u32, the type in its low and the id in its high 16 bits ([MS-OXCDATA] 2.9). Always unsigned: `>>> 0` after
 * bit operations.
 */
export type PropertyTag = number;

/** Property types ([MS-OXCDATA] 2.11.1), named as the specification does without their `Ptyp`. */
export const PropertyType = {
  Unspecified: 0x0000,
  Null: 0x0001,
  Integer16: 0x0002,
  Integer32: 0x0003,
  Floating32: 0x0004,
  Floating64: 0x0005,
  Currency: 0x0006,
  FloatingTime: 0x0007,
  ErrorCode: 0x000a,
  Boolean: 0x000b,
  Object: 0x000d,
  Integer64: 0x0014,
  String8: 0x001e,
  String: 0x001f,
  Time: 0x0040,
  Guid: 0x0048,
  ServerId: 0x00fb,
  Restriction: 0x00fd,
  RuleAction: 0x00fe,
  Binary: 0x0102,
  MultipleInteger16: 0x1002,
  MultipleInteger32: 0x1003,
  MultipleFloating32: 0x1004,
  MultipleFloating64: 0x1005,
  MultipleCurrency: 0x1006,
  MultipleFloatingTime: 0x1007,
  MultipleInteger64: 0x1014,
  MultipleString8: 0x101e,
  MultipleString: 0x101f,
  MultipleTime: 0x1040,
  MultipleGuid: 0x1048,
  MultipleBinary: 0x1102,
} as const;

/** Set in the type of a column that shows one value of a multi-valued property in each row ([MS-OXCTABL] 2.2.1.2). */
export const MULTIVALUE_INSTANCE = 0x2000;
/** Set in every type of many values. */
export const MULTIPLE = 0x1000;

/** The tag of an id and a type. */
export function propertyTag(id: number, type: number): PropertyTag {
  return ((id << 16) | type) >>> 0;
}

/** The property type in a tag. */
export function typeOf(tag: PropertyTag): number {
  return tag & 0xffff;
}

/** The property id in a tag. */
export function idOf(tag: PropertyTag): number {
  return tag >>> 16;
}

/** The same property with another type. */
export function withType(tag: PropertyTag, type: number): PropertyTag {
  return ((tag & 0xffff0000) | type) >>> 0;
}

/**
 * A property's value. By its type: Integer16, Integer32 (signed or unsigned as it was given; read as signed), ErrorCode
 * (unsigned), Floating32, Floating64, FloatingTime: number; Currency, Integer64 (both signed; ids of objects: see object-id.ts)
 * and Time (FILETIME, 100 ns since 1601 UTC): bigint; Boolean: boolean; String8 and String: string, without its terminator;
 * Guid: text form, lower case; Binary, ServerId and Object: the bytes without their count; Restriction and RuleAction, which have
 * no count of their bytes: the bytes as they are in ROPs; Null: null. Of many values: an array of those.
 */
export type PropertyValue = number | bigint | boolean | string | Uint8Array | null | readonly PropertyScalar[];
/** One of the values of a property that has many. */
export type PropertyScalar = number | bigint | string | Uint8Array;

/**
 * Properties of an object, by their full tags. Strings are kept as PtypString, never as String8, so that an id occurs once; whoever
 * asks for String8 gets the value in the code page of the session.
 */
export type Properties = ReadonlyMap<PropertyTag, PropertyValue>;
/** Properties that are being put together. */
export type MutableProperties = Map<PropertyTag, PropertyValue>;

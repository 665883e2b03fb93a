import {
  char,
  conformantArray,
  conformantVaryingArray,
  encodedOnce,
  fixedArray,
  int16,
  int32,
  type NdrType,
  plus,
  range,
  stated,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  union,
  unique,
  type ValueOf,
  wchar,
} from '../ndr/mod.ts';

/** The most values, rows or restrictions in one array ([MS-OXNSPI] 2.2.3 and others). */
export const MAX_NSPI_VALUES = 100_000;
/** The most tags or minimal entry ids in one array ([MS-OXNSPI] 2.2.4.1). */
const MAX_TAGS = MAX_NSPI_VALUES + 1;
/** The most bytes of a Binary_r ([MS-OXNSPI] 2.2.4.2). */
export const MAX_NSPI_BINARY = 2_097_152;

const valueCount = range(uint32, 0, MAX_NSPI_VALUES);

/** FlatUID_r ([MS-OXNSPI] 2.2.2.1): 16 bytes, the same in either byte order. */
export const flatUid = struct({ ab: fixedArray(uint8, 16) });

/** PropertyTagArray_r ([MS-OXNSPI] 2.2.4.1): tags, and, throughout this interface, lists of minimal entry ids. */
export const propertyTagArray = struct({
  cValues: range(uint32, 0, MAX_TAGS),
  aulPropTag: conformantVaryingArray(uint32, { size_is: plus('cValues', 1), length_is: 'cValues' }),
});

/** Binary_r ([MS-OXNSPI] 2.2.4.2). */
const binary = struct({
  cb: range(uint32, 0, MAX_NSPI_BINARY),
  lpb: unique(conformantArray(uint8, { size_is: 'cb' })),
});

/** BinaryArray_r ([MS-OXNSPI] 2.2.4.6). */
export const binaryArray = struct({
  cValues: valueCount,
  lpbin: unique(conformantArray(binary, { size_is: 'cValues' })),
});

/** FILETIME in halves, so that nothing here is aligned to more than four bytes ([MS-DTYP] 2.3.3). */
const fileTime = struct({ dwLowDateTime: uint32, dwHighDateTime: uint32 });

/** PROP_VAL_UNION ([MS-OXNSPI] 2.2.4.10), by the property type of the tag beside it. 64-bit and floating types have no arm. */
const propertyValueUnion = union({
  switch_type: uint32,
  switch_is: stated('ulPropTag', (tag) => tag & 0xffff),
  arms: {
    1: uint32,
    2: int16,
    3: int32,
    10: uint32,
    11: uint16,
    13: uint32,
    30: unique(string(char)),
    31: unique(string(wchar)),
    64: fileTime,
    72: unique(flatUid),
    258: binary,
    4098: struct({ cValues: valueCount, lpi: unique(conformantArray(int16, { size_is: 'cValues' })) }),
    4099: struct({ cValues: valueCount, lpl: unique(conformantArray(int32, { size_is: 'cValues' })) }),
    4126: struct({
      cValues: valueCount,
      lppszA: unique(conformantArray(unique(string(char)), { size_is: 'cValues' })),
    }),
    4127: struct({
      cValues: valueCount,
      lppszW: unique(conformantArray(unique(string(wchar)), { size_is: 'cValues' })),
    }),
    4160: struct({ cValues: valueCount, lpft: unique(conformantArray(fileTime, { size_is: 'cValues' })) }),
    4168: struct({ cValues: valueCount, lpguid: unique(conformantArray(unique(flatUid), { size_is: 'cValues' })) }),
    4354: binaryArray,
  },
});

/** PropertyValue_r ([MS-OXNSPI] 2.2.4.11). Text of `char` is in the code page of the call, each byte a character. */
export const propertyValue = struct({ ulPropTag: uint32, ulReserved: uint32, Value: propertyValueUnion });
export type PropertyValueR = ValueOf<typeof propertyValue>;

/** PropertyRow_r ([MS-OXNSPI] 2.2.5). Values that are frozen are encoded once: rows of the address book are sent again and again. */
export const propertyRow = struct({
  Reserved: uint32,
  cValues: valueCount,
  lpProps: unique(encodedOnce(conformantArray(propertyValue, { size_is: 'cValues' }), 4)),
});
export type PropertyRowR = ValueOf<typeof propertyRow>;

/** PropertyRowSet_r ([MS-OXNSPI] 2.2.6). One that is frozen is encoded once: a page of the address book. */
export const propertyRowSet = encodedOnce(
  struct({ cRows: valueCount, aRow: conformantArray(propertyRow, { size_is: 'cRows' }) }),
  4,
);
export type PropertyRowSetR = ValueOf<typeof propertyRowSet>;

/** The arms of RestrictionUnion_r ([MS-OXNSPI] 2.2.7). */
export type RestrictionUnionR =
  | { readonly case: 0 | 1; readonly value: { readonly lpRes: readonly RestrictionR[] | null } }
  | { readonly case: 2; readonly value: { readonly lpRes: RestrictionR | null } }
  | {
      readonly case: 3;
      readonly value: {
        readonly ulFuzzyLevel: number;
        readonly ulPropTag: number;
        readonly lpProp: PropertyValueR | null;
      };
    }
  | {
      readonly case: 4;
      readonly value: { readonly relop: number; readonly ulPropTag: number; readonly lpProp: PropertyValueR | null };
    }
  | {
      readonly case: 5;
      readonly value: { readonly relop: number; readonly ulPropTag1: number; readonly ulPropTag2: number };
    }
  | {
      readonly case: 6;
      readonly value: { readonly relBMR: number; readonly ulPropTag: number; readonly ulMask: number };
    }
  | { readonly case: 7; readonly value: { readonly relop: number; readonly ulPropTag: number; readonly cb: number } }
  | {
      readonly case: 8;
      readonly value: { readonly ulReserved1: number; readonly ulPropTag: number; readonly ulReserved2: number };
    }
  | { readonly case: 9; readonly value: { readonly ulSubObject: number; readonly lpRes: RestrictionR | null } };

/** Restriction_r ([MS-OXNSPI] 2.2.7.11). As deep as NDR's limits on chains of pointers allow: whoever walks it sets his own. */
export interface RestrictionR {
  readonly res: RestrictionUnionR;
}

const restrictions = struct({
  cRes: valueCount,
  lpRes: unique(conformantArray((): NdrType<RestrictionR> => restriction, { size_is: 'cRes' })),
});

export const restriction: NdrType<RestrictionR> = struct({
  rt: uint32,
  res: union({
    switch_type: uint32,
    switch_is: 'rt',
    arms: {
      0: restrictions,
      1: restrictions,
      2: struct({ lpRes: unique((): NdrType<RestrictionR> => restriction) }),
      3: struct({ ulFuzzyLevel: uint32, ulPropTag: uint32, lpProp: unique(propertyValue) }),
      4: struct({ relop: uint32, ulPropTag: uint32, lpProp: unique(propertyValue) }),
      5: struct({ relop: uint32, ulPropTag1: uint32, ulPropTag2: uint32 }),
      6: struct({ relBMR: uint32, ulPropTag: uint32, ulMask: uint32 }),
      7: struct({ relop: uint32, ulPropTag: uint32, cb: uint32 }),
      8: struct({ ulReserved1: uint32, ulPropTag: uint32, ulReserved2: uint32 }),
      9: struct({ ulSubObject: uint32, lpRes: unique((): NdrType<RestrictionR> => restriction) }),
    },
  }),
});

/** PropertyName_r ([MS-OXNSPI] 2.2.8.1). */
export const nspiPropertyName = struct({ lpguid: unique(flatUid), ulReserved: uint32, lID: int32 });

/** PropertyNameSet_r ([MS-NSPI] 2.3.5.2). */
export const nspiPropertyNameSet = struct({
  cNames: valueCount,
  aNames: conformantArray(nspiPropertyName, { size_is: 'cNames' }),
});

/** StringsArray_r ([MS-OXNSPI] 2.2.8.2). */
export const stringsArray = struct({
  Count: valueCount,
  Strings: conformantArray(unique(string(char)), { size_is: 'Count' }),
});

/** WStringsArray_r ([MS-OXNSPI] 2.2.8.3). */
export const wideStringsArray = struct({
  Count: valueCount,
  Strings: conformantArray(unique(string(wchar)), { size_is: 'Count' }),
});

/** STAT ([MS-OXNSPI] 2.2.9): a position in a table. */
export const stat = struct({
  SortType: uint32,
  ContainerID: uint32,
  CurrentRec: uint32,
  Delta: int32,
  NumPos: uint32,
  TotalRecs: uint32,
  CodePage: uint32,
  TemplateLocale: uint32,
  SortLocale: uint32,
});
export type Stat = ValueOf<typeof stat>;

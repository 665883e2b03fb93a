import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { PropertyTag, PropertyValue } from '../../../src/mapi/property.ts';
import { type Cell, writeRow } from '../../../src/mapi/property-row.ts';
import type { Restriction } from '../../../src/mapi/restriction.ts';
import type { Earlier, Field, Fields, RopCoding } from '../../../src/mapi/rops/field.ts';
import * as primitives from '../../../src/mapi/rops/primitives.ts';
import { RowData } from '../../../src/mapi/rops/row-data.ts';
import {
  ArrayField,
  Conditional,
  Sized,
  SizedList,
  SizedOptional,
  Structure,
} from '../../../src/mapi/rops/structures.ts';
import * as values from '../../../src/mapi/rops/values.ts';
import { asciiText, binary, counter, guid, tagged, unicodeText, WESTERN, written } from '../support.ts';

/** Columns of every row in these tests, of rows of recipients too. */
export const COLUMNS: readonly PropertyTag[] = [0x3001_001f, 0x0e08_0003, 0x0fff_0102, 0x3a40_000b, 0x3002_0000];

export const CODING: RopCoding = { ...WESTERN, columns: COLUMNS };

/** Objects like those that decoders make: with a prototype. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const tags = fc.array(u32, { maxLength: 4 });

const cell = (value: fc.Arbitrary<PropertyValue>, type?: number): fc.Arbitrary<Cell> =>
  fc.oneof(
    { weight: 3, arbitrary: value.map((each) => (type === undefined ? { value: each } : { value: each, type })) },
    u32.map((error) => ({ error })),
  );
/** Cells of {@link COLUMNS}. */
const cells: fc.Arbitrary<readonly Cell[]> = fc.tuple(
  cell(unicodeText),
  cell(fc.integer()),
  cell(binary),
  cell(fc.boolean()),
  cell(fc.integer(), 0x0003),
);
const receiveFolderCells = fc.tuple(
  cell(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  cell(asciiText),
  cell(u64),
);

const restriction: fc.Arbitrary<Restriction> = fc.oneof(
  u32.map((tag) => ({ kind: 'exist' as const, tag })),
  record({ kind: fc.constant('bitmask' as const), relOp: fc.constantFrom(0, 1), tag: u32, mask: u32 }),
  fc
    .tuple(tagged, u8)
    .map(([[tag, value], relOp]) => ({ kind: 'property' as const, relOp, tag, valueTag: tag, value })),
  fc
    .array(
      u32.map((tag) => ({ kind: 'exist' as const, tag })),
      { maxLength: 3 },
    )
    .map((restrictions) => ({ kind: 'and' as const, restrictions })),
);

const name = fc.string({ unit: fc.integer({ min: 1, max: 0xd7ff }).map((unit) => String.fromCharCode(unit)) });
const propertyName = fc.oneof(
  record({ guid, lid: u32 }),
  record({ guid, name: name.filter(({ length }) => length <= 126) }),
);
const globalId = record({ guid, counter });

/** Rows of recipients in some of the forms that their flags can ask for. */
const recipientRow = fc.oneof(
  record({ flags: fc.constant(0x021b), emailAddress: unicodeText, displayName: unicodeText, cells }),
  record({
    flags: fc.constant(0x0431),
    addressPrefixUsed: u8,
    displayType: u8,
    x500Dn: asciiText,
    displayName: asciiText,
    simpleDisplayName: asciiText,
    transmittableDisplayName: asciiText,
    cells,
  }),
  record({ flags: fc.constant(0x0006), entryId: binary, searchKey: binary, cells }),
  record({ flags: fc.constant(0x8000), addressType: asciiText, cells }),
);

/** Of fields that are one of a kind. */
const single = new Map<unknown, fc.Arbitrary<unknown>>([
  [primitives.u8, u8],
  [primitives.u16, u16],
  [primitives.u32, u32],
  [primitives.i32, fc.integer()],
  [primitives.u64, u64],
  [primitives.i64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [primitives.bool, fc.boolean()],
  [primitives.bool16, fc.boolean()],
  [primitives.guid, guid],
  [primitives.rest, binary],
  [values.text8, asciiText],
  [values.text16, unicodeText],
  [values.typedString, fc.option(unicodeText, { nil: undefined })],
  [values.propertyTags, tags],
  [values.propertyValues, fc.array(tagged, { maxLength: 4 }).map((entries) => new Map(entries))],
  [values.propertyProblems, fc.array(record({ index: u16, tag: u32, errorCode: u32 }), { maxLength: 3 })],
  [values.propertyName, fc.option(propertyName, { nil: undefined })],
  [values.longTermId, globalId],
  [values.globalId, globalId],
  [values.globalCounter, counter],
  [
    values.sortOrderSet,
    record({
      orders: fc.array(record({ tag: u32, order: u8 }), { maxLength: 3 }),
      categories: u16,
      expanded: u16,
    }),
  ],
  [values.recipientRow, recipientRow],
  [values.serverList, record({ cheapServerCount: u16, servers: fc.array(asciiText, { maxLength: 3 }) })],
]);

/** Of fields that need the values that make a difference more often than chance gives them, or that are of no kind. */
const named: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  byteCount: fc.oneof(u16, fc.constant(0xbabe)),
  bufferSize: fc.oneof(u16, fc.constant(0xbabe)),
  dataOffset: fc.oneof(u32, fc.constant(0)),
  recipientColumns: fc.nat(COLUMNS.length).map((length) => COLUMNS.slice(0, length)),
  notificationTypes: fc.oneof(u16, fc.constantFrom(0x0400, 0x0100)),
  notificationFlags: fc.oneof(
    u16,
    fc
      .tuple(fc.constantFrom(2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x100, 0x200, 0x400), fc.nat(0xf))
      .map(([type, flags]) => type | (flags << 12)),
  ),
  tableEventType: fc.constantFrom(1, 3, 4, 5, 7),
  addressTypes: fc.array(asciiText, { maxLength: 3 }),
  properties: fc.array(record({ id: u16, name: fc.option(propertyName, { nil: undefined }) }), { maxLength: 3 }),
  tags: fc.oneof(tags, fc.constant('unspecified')),
};

/** Whatever the declaration of a field allows. */
function anyOf(field: Field<unknown>, fieldName = ''): fc.Arbitrary<unknown> {
  if (field instanceof Conditional) return anyOf(field.field, fieldName);
  // ByteCount of RopCopyToStream is not that of RopReadStream.
  const known = (field === primitives.u64 ? undefined : named[fieldName]) ?? single.get(field);
  if (known !== undefined) return known;
  if (field instanceof primitives.FixedBytes)
    return fc.uint8Array({ minLength: field.length, maxLength: field.length });
  if (field instanceof primitives.CountedBytes) return binary;
  if (field instanceof primitives.CountedAscii) return asciiText.map((text) => text.replaceAll(/[^ -~]/g, '.'));
  if (field instanceof primitives.Reserved) return fc.constant(undefined);
  if (field instanceof Structure) return rawValuesOf(field.fields);
  if (field instanceof ArrayField) return arrayOf(field.element, field.count);
  if (field instanceof SizedList) return arrayOf(field.element, field.size);
  if (field instanceof Sized) return anyOf(field.field);
  if (field instanceof SizedOptional) {
    const inner = single.has(field.field) ? anyOf(field.field) : restriction;
    return fc.option(inner, { nil: undefined });
  }
  if (field instanceof values.FlaggedText) return asciiText;
  if (field instanceof values.PropertyRow) return receiveFolderCells;
  if (field instanceof RowData) {
    return field.count === 1 ? cells.map((row) => [row]) : fc.array(cells, { maxLength: 3 });
  }
  throw new assert.AssertionError({ message: `no values for the field ${fieldName}` });
}

function arrayOf(element: Field<unknown>, count: unknown): fc.Arbitrary<unknown> {
  const length = typeof count === 'number' ? { minLength: count, maxLength: count } : { maxLength: 3 };
  return fc.array(anyOf(element), length);
}

function rawValuesOf(fields: Fields): fc.Arbitrary<Earlier> {
  return record(Object.fromEntries(Object.entries(fields).map(([at, field]) => [at, anyOf(field, at)])));
}

/** Values of a structure as reading gives them: only those fields that are there with the values before them. */
export function valuesOf(fields: Fields, before: Earlier = {}): fc.Arbitrary<Earlier> {
  return rawValuesOf(fields).map((raw) => prune(fields, { ...before, ...raw }, before));
}

function prune(fields: Fields, raw: Earlier, before: Earlier, outer: Earlier = {}): Earlier {
  const result: Record<string, unknown> = { ...before };
  for (const [at, field] of Object.entries(fields)) {
    if (field instanceof Conditional && !field.isThere({ coding: CODING, values: result })) continue;
    const inner = field instanceof Conditional ? field.field : field;
    const value = settle(inner, raw[at], { ...outer, ...result });
    if (value === undefined) continue;
    if (inner instanceof RowData) {
      const rows = raw[at] as readonly (readonly Cell[])[];
      if (typeof inner.count === 'string') result[inner.count] = rows.length;
    }
    result[at] = value;
  }
  return result;
}

/** Makes a value agree with what stands around it. */
function settle(field: Field<unknown>, value: unknown, around: Earlier): unknown {
  if (value === undefined) return undefined;
  if (field instanceof RowData) {
    const rows = value as readonly (readonly Cell[])[];
    return written((writer) => {
      for (const row of rows) writeRow(writer, COLUMNS, row, CODING);
    });
  }
  if (field instanceof Structure) return prune(field.fields, value as Earlier, {}, around);
  if (field instanceof Sized || field instanceof SizedOptional) return settle(field.field, value, around);
  if (field instanceof ArrayField || field instanceof SizedList) {
    return (value as readonly unknown[]).map((element) => settle(field.element, element, around));
  }
  if (field === values.recipientRow) {
    const row = value as { readonly cells: readonly Cell[] };
    const { length } = (around.recipientColumns ?? COLUMNS) as readonly PropertyTag[];
    return { ...row, cells: row.cells.slice(0, length) };
  }
  return value;
}

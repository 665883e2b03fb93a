import assert from 'node:assert/strict';
import { Cursor, ProtocolError, Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { StoreError } from '../../src/mapi/error-code.ts';
import {
  type PropertyScalar,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  propertyTag,
} from '../../src/mapi/property.ts';

export const WESTERN = { codePage: 1252 };

/** Bytes of hexadecimal text, in which white space does not count. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return Uint8Array.from(writer.finish());
}

/** What a decoder makes of bytes, all of which it must read. */
export function read<T>(bytes: Uint8Array, decode: (cursor: Cursor) => T): T {
  const cursor = new Cursor(bytes, 'test');
  const value = decode(cursor);
  cursor.end();
  return value;
}

/** A decoder must refuse everything that is cut off before its end. */
export function refusesEveryPrefix(bytes: Uint8Array, decode: (cursor: Cursor) => unknown): void {
  for (let length = 0; length < bytes.length; length += 1) {
    assert.throws(
      () => decode(new Cursor(bytes.slice(0, length), 'test')),
      (error) => error instanceof ProtocolError,
      `${length} of ${bytes.length} bytes`,
    );
  }
}

/** The worst that bytes of any kind may do to a decoder are its typed errors. */
export function survives(decode: (cursor: Cursor) => unknown): void {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 96 }), (bytes) => {
      try {
        decode(new Cursor(bytes, 'test'));
      } catch (error) {
        if (!(error instanceof ProtocolError) && !(error instanceof StoreError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
}

/** Text as JavaScript may have it, unpaired surrogates and all, but for the terminator. */
export const unicodeText = fc
  .array(fc.integer({ min: 1, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
/** Text that every code page has. */
export const asciiText = fc.string({
  unit: fc.integer({ min: 1, max: 0x7f }).map((code) => String.fromCharCode(code)),
});
export const binary = fc.uint8Array({ maxLength: 20 });
export const guid = fc.uuid().map((text) => text.toLowerCase());
export const counter = fc.integer({ min: 0, max: 2 ** 48 - 1 });

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const float32 = fc.float();
const float64 = fc.double();

/** Values of each type of one value, and of which there may be many. */
export const scalars: ReadonlyMap<number, fc.Arbitrary<PropertyScalar>> = new Map<number, fc.Arbitrary<PropertyScalar>>(
  [
    [PropertyType.Integer16, fc.integer({ min: -0x8000, max: 0x7fff })],
    [PropertyType.Integer32, fc.integer()],
    [PropertyType.Floating32, float32],
    [PropertyType.Floating64, float64],
    [PropertyType.Currency, int64],
    [PropertyType.FloatingTime, float64],
    [PropertyType.Integer64, int64],
    [PropertyType.String8, asciiText],
    [PropertyType.String, unicodeText],
    [PropertyType.Time, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
    [PropertyType.Guid, guid],
    [PropertyType.Binary, binary],
  ],
);

/** Values of every type that a value in a ROP can have. */
export const values: ReadonlyMap<number, fc.Arbitrary<PropertyValue>> = new Map<number, fc.Arbitrary<PropertyValue>>([
  ...scalars,
  ...[...scalars].map(([type, scalar]): [number, fc.Arbitrary<PropertyValue>] => [
    type | 0x1000,
    fc.array(scalar, { maxLength: 5 }),
  ]),
  [PropertyType.Null, fc.constant(null)],
  [PropertyType.Boolean, fc.boolean()],
  [PropertyType.ErrorCode, fc.nat(0xffffffff)],
  [PropertyType.Object, binary],
  [PropertyType.ServerId, binary],
  // A NotRestriction of an ExistRestriction.
  [PropertyType.Restriction, fc.nat(0xff).map((id) => Uint8Array.of(2, 8, 0x1f, 0, id, 0))],
  // Actions of any bytes.
  [
    PropertyType.RuleAction,
    fc.array(binary, { maxLength: 3 }).map((actions) =>
      written((writer) => {
        writer.u16(actions.length);
        for (const action of actions) writer.u16(action.length).bytes(action);
      }),
    ),
  ],
]);

/** A tag and a value of its type. */
export const tagged: fc.Arbitrary<[PropertyTag, PropertyValue]> = fc
  .tuple(fc.nat(0xffff), fc.constantFrom(...values.keys()))
  .chain(([id, type]) => {
    const value = values.get(type);
    assert.ok(value !== undefined);
    return fc.tuple(fc.constant(propertyTag(id, type)), value);
  });

import fc from 'fast-check';
import { type PropertyTag, PropertyType, type PropertyValue, propertyTag } from '../../src/mapi/property.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const string = fc.string({ unit: 'grapheme', maxLength: 400 }).map((value) => value.replaceAll('\0', ''));
const bytes = fc.uint8Array({ maxLength: 700 });
const guid = fc.uuid();

/** Values of every type that is stored, with a tag that has it. */
const typed: fc.Arbitrary<[number, PropertyValue]> = fc.oneof(
  fc.tuple(fc.constant(PropertyType.Integer16), fc.integer({ min: -0x8000, max: 0x7fff })),
  fc.tuple(fc.constant(PropertyType.Integer32), fc.integer()),
  fc.tuple(fc.constant(PropertyType.Floating64), fc.double({ noNaN: true })),
  fc.tuple(fc.constant(PropertyType.Currency), int64),
  fc.tuple(fc.constant(PropertyType.Boolean), fc.boolean()),
  fc.tuple(fc.constant(PropertyType.Integer64), int64),
  fc.tuple(fc.constant(PropertyType.String), string),
  fc.tuple(fc.constant(PropertyType.Time), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  fc.tuple(fc.constant(PropertyType.Guid), guid),
  fc.tuple(fc.constant(PropertyType.Binary), bytes),
  fc.tuple(fc.constant(PropertyType.Object), bytes),
  fc.tuple(fc.constant(PropertyType.MultipleInteger32), fc.array(fc.integer(), { maxLength: 20 })),
  fc.tuple(fc.constant(PropertyType.MultipleString), fc.array(string, { maxLength: 12 })),
  fc.tuple(fc.constant(PropertyType.MultipleBinary), fc.array(bytes, { maxLength: 12 })),
  fc.tuple(fc.constant(PropertyType.MultipleTime), fc.array(fc.bigInt({ min: 0n, max: 2n ** 63n }), { maxLength: 9 })),
  fc.tuple(fc.constant(PropertyType.MultipleGuid), fc.array(guid, { maxLength: 9 })),
);

/** Properties of any types, each id once. */
export const anyProperties = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 0xfffe }), typed), { maxLength: 40 })
  .map((list) => {
    const byId = new Map(list.map(([id, value]) => [id, value]));
    return new Map([...byId].map(([id, [type, value]]) => [propertyTag(id, type), value]));
  });

/** As deepEqual compares it: whatever the order of the properties and the class of the bytes. */
export function plain(map: ReadonlyMap<PropertyTag, PropertyValue>): unknown {
  const bare = (value: unknown): unknown =>
    value instanceof Uint8Array ? [...value] : Array.isArray(value) ? value.map(bare) : value;
  return [...map].sort(([a], [b]) => a - b).map(([tag, value]) => [tag, bare(value)]);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import {
  MULTIVALUE_INSTANCE,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  propertyTag,
} from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { BitmapRelOp, FuzzyHigh, FuzzyLow, RelOp, type Restriction } from '../../src/mapi/restriction.ts';
import { compileRestriction, type GetValue } from '../../src/mapi/restriction-match.ts';
import { MAX_RESTRICTION_DEPTH } from '../../src/mapi/value-extent.ts';
import { hex, scalars } from './support.ts';

const KEYWORDS = propertyTag(0x8001, PropertyType.MultipleString);

const row = new Map<PropertyTag, PropertyValue>([
  [PidTag.Subject, 'Grüße aus Köln'],
  [PidTag.Importance, 2],
  [PidTag.MessageFlags, 0x11],
  [PidTag.MessageSizeExtended, 5000n],
  [PidTag.HasAttachments, true],
  [PidTag.SearchKey, hex('010203')],
  [PidTag.CreationTime, 100n],
  [PidTag.LastModificationTime, 200n],
  [KEYWORDS, ['Blue', 'Red']],
]);
const get: GetValue = (tag) => row.get(tag);
const recipients = [
  new Map<PropertyTag, PropertyValue>([
    [PidTag.DisplayName, 'Ann'],
    [PidTag.RecipientType, 1],
  ]),
  new Map<PropertyTag, PropertyValue>([
    [PidTag.DisplayName, 'Bob'],
    [PidTag.RecipientType, 2],
  ]),
];
const subobjects = (tag: PropertyTag): readonly GetValue[] =>
  tag === PidTag.MessageRecipients ? recipients.map((each) => (wanted: PropertyTag) => each.get(wanted)) : [];
const matches = (restriction: Restriction): boolean => compileRestriction(restriction)(get, subobjects);

const property = (relOp: number, tag: PropertyTag, value: PropertyValue, valueTag = tag): Restriction => ({
  kind: 'property',
  relOp,
  tag,
  valueTag,
  value,
});
const content = (
  fuzzyLow: number,
  fuzzyHigh: number,
  tag: PropertyTag,
  value: PropertyValue,
  valueTag = tag,
): Restriction => ({ kind: 'content', fuzzyLow, fuzzyHigh, tag, valueTag, value });
const isTooComplex = (error: unknown): boolean =>
  error instanceof StoreError && error.errorCode === ErrorCode.TooComplex;

const YES: Restriction = { kind: 'exist', tag: PidTag.Subject };
const NO: Restriction = { kind: 'exist', tag: PidTag.Body };

test('[MS-OXCDATA] 2.12.1 to 2.12.3, 2.12.9: and, or, not, exist', () => {
  const table: readonly (readonly [Restriction, boolean])[] = [
    [YES, true],
    [NO, false],
    [{ kind: 'and', restrictions: [] }, true],
    [{ kind: 'and', restrictions: [YES, YES] }, true],
    [{ kind: 'and', restrictions: [YES, NO] }, false],
    [{ kind: 'or', restrictions: [] }, false],
    [{ kind: 'or', restrictions: [NO, YES] }, true],
    [{ kind: 'or', restrictions: [NO, NO] }, false],
    [{ kind: 'not', restriction: NO }, true],
    [{ kind: 'not', restriction: YES }, false],
    [{ kind: 'exist', tag: 0x0037001e }, true],
  ];
  for (const [restriction, wanted] of table) assert.equal(matches(restriction), wanted, JSON.stringify(restriction));
});

test('[MS-OXCDATA] 2.12.5: every relation on every type that has an order', () => {
  const relations = [
    (order: number) => order < 0,
    (order: number) => order <= 0,
    (order: number) => order > 0,
    (order: number) => order >= 0,
    (order: number) => order === 0,
    (order: number) => order !== 0,
  ];
  const ordered: readonly (readonly [number, PropertyValue, PropertyValue])[] = [
    [PropertyType.Integer16, -1, 1],
    [PropertyType.Integer32, -1, 1],
    [PropertyType.Floating32, -1.5, 1],
    [PropertyType.Floating64, Number.NaN, Number.NEGATIVE_INFINITY],
    [PropertyType.Currency, -1n, 1n],
    [PropertyType.FloatingTime, 1, 1.5],
    [PropertyType.ErrorCode, 1, 0x80000000],
    [PropertyType.Boolean, false, true],
    [PropertyType.Integer64, -1n, 1n],
    [PropertyType.String8, 'a', 'B'],
    [PropertyType.String, 'a', 'B'],
    [PropertyType.Time, 1n, 2n ** 63n],
    [PropertyType.Binary, hex('01ff'), hex('02')],
    [PropertyType.Binary, hex('01'), hex('0100')],
    [PropertyType.MultipleInteger32, [9], [1, 1]],
    [PropertyType.MultipleString, ['a', 'b'], ['a', 'C']],
  ];
  for (const [type, small, large] of ordered) {
    const tag = propertyTag(0x6001, type);
    for (const [relOp, holds] of relations.entries()) {
      for (const [actual, value, order] of [
        [small, large, -1],
        [large, small, 1],
        [small, small, 0],
      ] as const) {
        const matcher = compileRestriction(property(relOp, tag, value));
        assert.equal(
          matcher(() => actual),
          holds(order),
          `type ${type}, RelOp ${relOp}, order ${order}`,
        );
      }
    }
  }
});

test('a value is equal to itself and its matcher never throws, whatever the types', () => {
  for (const [type, arbitrary] of scalars) {
    const tag = propertyTag(0x6001, type);
    fc.assert(
      fc.property(arbitrary, fc.oneof(...scalars.values()), (value, other) => {
        const matcher = compileRestriction(property(RelOp.Equal, tag, value));
        assert.equal(
          matcher(() => value),
          true,
        );
        assert.equal(typeof matcher(() => other), 'boolean');
        assert.equal(
          compileRestriction(property(RelOp.NotEqual, tag, value))(() => value),
          false,
        );
      }),
      { numRuns: 30 },
    );
  }
});

test('strings are compared without regard to case, String8 as String', () => {
  assert.equal(matches(property(RelOp.Equal, PidTag.Subject, 'GRÜSSE aus köln')), true);
  assert.equal(matches(property(RelOp.Equal, 0x0037001e, 'grüße aus köln')), true);
  assert.equal(matches(property(RelOp.Equal, PidTag.Subject, 'grüße aus köln', 0x0037001e)), true);
  assert.equal(matches(property(RelOp.Equal, PidTag.Subject, 'grüße')), false);
});

test('integers may be signed or unsigned', () => {
  const matcher = compileRestriction(property(RelOp.Equal, PidTag.Importance, -1));
  assert.equal(
    matcher(() => 0xffffffff),
    true,
  );
});

test('a property that is not there is less than every value', () => {
  assert.equal(matches(property(RelOp.LessThan, PidTag.Body, '')), true);
  assert.equal(matches(property(RelOp.NotEqual, PidTag.Body, '')), true);
  assert.equal(matches(property(RelOp.Equal, PidTag.Body, '')), false);
  assert.equal(matches(property(RelOp.GreaterThan, PidTag.Body, '')), false);
});

test('of many values one is enough, and for NotEqual none may be equal', () => {
  const value = propertyTag(0x8001, PropertyType.String);
  assert.equal(matches(property(RelOp.Equal, KEYWORDS, 'red', value)), true);
  assert.equal(matches(property(RelOp.Equal, KEYWORDS, 'green', value)), false);
  assert.equal(matches(property(RelOp.GreaterThan, KEYWORDS, 'c', value)), true);
  assert.equal(matches(property(RelOp.NotEqual, KEYWORDS, 'red', value)), false);
  assert.equal(matches(property(RelOp.NotEqual, KEYWORDS, 'green', value)), true);
  assert.equal(matches(property(RelOp.Equal, KEYWORDS, ['blue', 'red'])), true);
  assert.equal(matches(property(RelOp.Equal, KEYWORDS, ['blue'])), false);
});

test('a multivalue instance is asked for before the property with all its values', () => {
  const instance = (KEYWORDS | MULTIVALUE_INSTANCE) >>> 0;
  const restriction = property(RelOp.Equal, instance, 'red', propertyTag(0x8001, PropertyType.String));
  assert.equal(matches(restriction), true);
  assert.equal(
    compileRestriction(restriction)((tag) => (tag === instance ? 'Blue' : row.get(tag))),
    false,
  );
  const narrow = property(RelOp.Equal, propertyTag(0x8001, 0x301e), 'red', propertyTag(0x8001, PropertyType.String8));
  assert.equal(matches(narrow), true);
});

test('[MS-OXCDATA] 2.12.4: content of text', () => {
  const { FullString, Substring, Prefix } = FuzzyLow;
  const { IgnoreCase, IgnoreNonSpace, Loose } = FuzzyHigh;
  const table: readonly (readonly [number, number, string, boolean])[] = [
    [FullString, 0, 'Grüße aus Köln', true],
    [FullString, 0, 'grüße aus köln', false],
    [FullString, IgnoreCase, 'grüße aus köln', true],
    [FullString, IgnoreCase, 'grusse aus koln', false],
    [FullString, IgnoreNonSpace, 'Gruße aus Koln', true],
    [FullString, IgnoreNonSpace, 'gruße aus koln', false],
    [FullString, Loose, 'gruße AUS kolN', true],
    [FullString, IgnoreCase | IgnoreNonSpace, 'gruße AUS kolN', true],
    [FullString, Loose, 'gruße', false],
    [Prefix, 0, 'Grüße', true],
    [Prefix, 0, 'aus', false],
    [Prefix, IgnoreCase, 'gRÜ', true],
    [Substring, 0, 'aus', true],
    [Substring, 0, 'Aus', false],
    [Substring, Loose, 'KOLN', true],
    [Substring, 0, '', true],
    // The same letter, composed and not.
    [Substring, IgnoreNonSpace, 'Ko\u0308ln', true],
  ];
  for (const [low, high, value, wanted] of table) {
    assert.equal(matches(content(low, high, PidTag.Subject, value)), wanted, `${low} ${high} ${value}`);
    assert.equal(matches(content(low, high, 0x0037001e, value)), wanted, `${low} ${high} ${value} as String8`);
  }
  assert.equal(matches(content(Substring, Loose, PidTag.Body, '')), false, 'nothing is found in what is not there');
  assert.equal(matches(content(Prefix, IgnoreCase, KEYWORDS, 'r', propertyTag(0x8001, PropertyType.String))), true);
});

test('[MS-OXCDATA] 2.12.4: content of binaries', () => {
  const table: readonly (readonly [number, string, boolean])[] = [
    [FuzzyLow.FullString, '010203', true],
    [FuzzyLow.FullString, '0102', false],
    [FuzzyLow.Prefix, '0102', true],
    [FuzzyLow.Prefix, '01020304', false],
    [FuzzyLow.Prefix, '02', false],
    [FuzzyLow.Substring, '0203', true],
    [FuzzyLow.Substring, '', true],
    [FuzzyLow.Substring, '0301', false],
  ];
  for (const [low, value, wanted] of table) {
    assert.equal(matches(content(low, 0, PidTag.SearchKey, hex(value))), wanted, `${low} ${value}`);
  }
});

test('[MS-OXCDATA] 2.12.6: one property against another', () => {
  const compare = (relOp: number, tag1: PropertyTag, tag2: PropertyTag): boolean =>
    matches({ kind: 'compare', relOp, tag1, tag2 });
  assert.equal(compare(RelOp.LessThan, PidTag.CreationTime, PidTag.LastModificationTime), true);
  assert.equal(compare(RelOp.Equal, PidTag.CreationTime, PidTag.LastModificationTime), false);
  assert.equal(compare(RelOp.Equal, PidTag.Subject, 0x0037001e), true);
  assert.equal(compare(RelOp.LessThan, PidTag.Body, PidTag.Subject), true);
  assert.equal(compare(RelOp.GreaterThan, PidTag.Subject, PidTag.Body), true);
  assert.equal(compare(RelOp.Equal, PidTag.Body, PidTag.DisplayTo), true);
});

test('[MS-OXCDATA] 2.12.7: bits', () => {
  const bits = (relOp: number, mask: number, tag: PropertyTag = PidTag.MessageFlags): boolean =>
    matches({ kind: 'bitmask', relOp, tag, mask });
  assert.equal(bits(BitmapRelOp.NotZero, 0x10), true);
  assert.equal(bits(BitmapRelOp.Zero, 0x10), false);
  assert.equal(bits(BitmapRelOp.Zero, 0x02), true);
  assert.equal(bits(BitmapRelOp.NotZero, 0x80000001), true);
  assert.equal(bits(BitmapRelOp.Zero, 1, PidTag.IconIndex), true);
  assert.equal(bits(BitmapRelOp.NotZero, 1, PidTag.IconIndex), false);
});

test('[MS-OXCDATA] 2.12.8: sizes', () => {
  const sizes: readonly (readonly [PropertyTag, PropertyValue | undefined, number])[] = [
    [PidTag.Subject, 'abc', 6],
    [0x0037001e, 'abc', 3],
    [PidTag.SearchKey, hex('010203'), 3],
    [PidTag.Importance, 1, 4],
    [propertyTag(1, PropertyType.Integer16), 1, 2],
    [propertyTag(1, PropertyType.Floating64), 1, 8],
    [PidTag.HasAttachments, true, 1],
    [PidTag.MessageSizeExtended, 1n, 8],
    [propertyTag(1, PropertyType.Guid), '00000000-0000-0000-0000-000000000000', 16],
    [KEYWORDS, ['a', 'bc'], 6],
    [propertyTag(1, PropertyType.Null), null, 0],
    [PidTag.Body, undefined, 0],
  ];
  for (const [tag, value, size] of sizes) {
    const is = (relOp: number, than: number): boolean =>
      compileRestriction({ kind: 'size', relOp, tag, size: than })(() => value);
    assert.equal(is(RelOp.Equal, size), true, `${value}`);
    assert.equal(is(RelOp.GreaterThan, size), false);
    assert.equal(is(RelOp.LessThan, size + 1), true);
  }
});

test('[MS-OXCDATA] 2.12.10, 2.12.12: subobjects, and how many of them', () => {
  const named = (value: string): Restriction => property(RelOp.Equal, PidTag.DisplayName, value);
  const below = (restriction: Restriction, subobject: PropertyTag = PidTag.MessageRecipients): boolean =>
    matches({ kind: 'subobject', subobject, restriction });
  const isTo = property(RelOp.Equal, PidTag.RecipientType, 1);
  assert.equal(below(named('bob')), true);
  assert.equal(below(named('cid')), false);
  assert.equal(below(named('bob'), PidTag.MessageAttachments), false);
  // One and the same recipient must satisfy all.
  assert.equal(below({ kind: 'and', restrictions: [named('ann'), isTo] }), true);
  assert.equal(below({ kind: 'and', restrictions: [named('bob'), isTo] }), false);
  assert.equal(below({ kind: 'not', restriction: named('bob') }), true, 'there is one who is not Bob');
  const all: Restriction = { kind: 'exist', tag: PidTag.DisplayName };
  assert.equal(below({ kind: 'count', count: 2, restriction: all }), true);
  assert.equal(below({ kind: 'count', count: 1, restriction: all }), false);
  assert.equal(below({ kind: 'count', count: 1, restriction: isTo }), true);
  assert.equal(below({ kind: 'count', count: 0, restriction: all }, PidTag.MessageAttachments), true);
  const bob = compileRestriction({ kind: 'subobject', subobject: PidTag.MessageRecipients, restriction: named('bob') });
  assert.equal(bob(get), false, 'a row that is not asked for subobjects has none');
});

test('[MS-OXCDATA] 2.12.11, 2.12.12: comments and counts say nothing about a row', () => {
  assert.equal(matches({ kind: 'comment', values: [] }), true);
  assert.equal(matches({ kind: 'comment', values: [], restriction: NO }), false);
  assert.equal(matches({ kind: 'count', count: 5, restriction: YES }), true);
  assert.equal(matches({ kind: 'count', count: 5, restriction: NO }), false);
  assert.equal(matches({ kind: 'count', count: 0, restriction: YES }), false);
});

test('what cannot be evaluated is TooComplex before any row is looked at', () => {
  let deep: Restriction = YES;
  for (let depth = 1; depth <= MAX_RESTRICTION_DEPTH; depth += 1) deep = { kind: 'not', restriction: deep };
  const subobject = (restriction: Restriction): Restriction => ({
    kind: 'subobject',
    subobject: PidTag.MessageRecipients,
    restriction,
  });
  const broken: readonly Restriction[] = [
    deep,
    property(RelOp.Regex, PidTag.Subject, 'a'),
    property(RelOp.MemberOfDL, PidTag.Subject, 'a'),
    property(7, PidTag.Subject, 'a'),
    property(RelOp.Equal, PidTag.Subject, 1, PidTag.Importance),
    property(RelOp.Equal, PidTag.Subject, ['a'], KEYWORDS),
    { kind: 'compare', relOp: RelOp.Equal, tag1: PidTag.Subject, tag2: PidTag.Importance },
    { kind: 'compare', relOp: 9, tag1: PidTag.Subject, tag2: PidTag.Subject },
    { kind: 'bitmask', relOp: 2, tag: PidTag.MessageFlags, mask: 1 },
    { kind: 'bitmask', relOp: 0, tag: PidTag.Subject, mask: 1 },
    { kind: 'size', relOp: 6, tag: PidTag.Subject, size: 1 },
    content(3, 0, PidTag.Subject, 'a'),
    content(3, 0, PidTag.SearchKey, hex('01')),
    content(0, 0, PidTag.Importance, 1),
    content(0, 0, PidTag.Subject, hex('01'), PidTag.SearchKey),
    subobject(content(0, 0, PidTag.Importance, 1)),
    subobject({ kind: 'count', count: 1, restriction: content(0, 0, PidTag.Importance, 1) }),
  ];
  for (const restriction of broken) {
    assert.throws(() => compileRestriction(restriction), isTooComplex, JSON.stringify(restriction));
  }
});

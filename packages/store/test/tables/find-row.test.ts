import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { ContentsTable } from '../../src/mailbox/tables/contents-table.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FuzzyHigh, FuzzyLow, type Restriction } from '../../src/mapi/restriction.ts';
import { compileRestriction } from '../../src/mapi/restriction-match.ts';
import { CODING, firstColumn, properties, TestStore } from './support.ts';

const SUBJECTS = ['', 'alpha', 'Alpha', 'alphabet', 'beta', 'Bä', 'bÄr', 'x'.repeat(255), 'x'.repeat(300)];
const TIMES = [0n, 10n, 20n, 2n ** 40n];

const property = (tag: PropertyTag, values: readonly PropertyValue[]): Restriction[] =>
  values.flatMap((value) =>
    [0, 1, 2, 3, 4, 5].map((relOp) => ({ kind: 'property' as const, relOp, tag, valueTag: tag, value })),
  );
const content = (values: readonly string[]): Restriction[] =>
  values.flatMap((value) =>
    [FuzzyLow.Prefix, FuzzyLow.FullString, FuzzyLow.Substring].flatMap((fuzzyLow) =>
      [0, FuzzyHigh.IgnoreCase, FuzzyHigh.Loose].map((fuzzyHigh) => ({
        kind: 'content' as const,
        fuzzyLow,
        fuzzyHigh,
        tag: PidTag.Subject,
        valueTag: PidTag.Subject,
        value,
      })),
    ),
  );
const single = [
  ...property(PidTag.Subject, SUBJECTS),
  ...property(PidTag.MessageDeliveryTime, TIMES),
  ...content(['', 'al', 'AL', 'bä', 'x'.repeat(280)]),
];
/** Every one of them alone, and within what narrows it or does not. */
const RESTRICTIONS: Restriction[] = [
  ...single,
  ...single.map((one): Restriction => ({ kind: 'and', restrictions: [{ kind: 'exist', tag: PidTag.Subject }, one] })),
  ...single.map((one): Restriction => ({ kind: 'comment', values: [], restriction: one })),
  ...single.map((one): Restriction => ({ kind: 'not', restriction: one })),
];

const message = fc.record({
  subject: fc.option(fc.constantFrom(...SUBJECTS), { nil: undefined, freq: 5 }),
  time: fc.option(fc.constantFrom(...TIMES), { nil: undefined, freq: 5 }),
});
const orders = fc.uniqueArray(
  fc.record({
    tag: fc.constantFrom(PidTag.Subject, PidTag.MessageDeliveryTime, PidTag.Importance),
    order: fc.constantFrom(0, 1),
  }),
  { minLength: 1, maxLength: 2, selector: ({ tag }) => tag },
);

test('in whatever order, the row that is found is the first that going through the table finds', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), orders, (messages, sorted) => {
      const store = TestStore.create();
      const rows = messages.map(({ subject, time }, index) => {
        const set = properties(
          [PidTag.Subject, subject],
          [PidTag.MessageDeliveryTime, time],
          [PidTag.Importance, index],
        );
        store.add(1, set);
        return set;
      });
      const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
      table.setColumns([PidTag.Importance]);
      table.sort({ orders: sorted, categories: 0, expanded: 0 });
      const sequence = firstColumn(table).map((value) => rows[Number(value)]);
      for (const restriction of RESTRICTIONS) {
        const matcher = compileRestriction(restriction);
        const matches = sequence.map((set) => matcher((tag) => set?.get(tag)));
        for (let from = 0; from <= rows.length; from += 1) {
          for (const backward of [false, true]) {
            const found =
              backward && from === 0
                ? -1
                : backward
                  ? matches.lastIndexOf(true, from - 1)
                  : matches.indexOf(true, from);
            table.seek(0, from);
            const answer = table.findRow(new Writer(), {
              restriction,
              backward,
              origin: 1,
              bookmark: new Uint8Array(0),
            });
            assert.equal(answer.found, found >= 0);
            if (found >= 0) assert.equal(table.position().numerator, found);
          }
        }
      }
      store.close();
    }),
    { numRuns: 12 },
  );
});

test('a restricted table has the rows that match, narrowed or not', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) => {
      const store = TestStore.create();
      const rows = messages.map(({ subject, time }, index) => {
        const set = properties(
          [PidTag.Subject, subject],
          [PidTag.MessageDeliveryTime, time],
          [PidTag.Importance, index],
        );
        store.add(1, set);
        return set;
      });
      const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
      table.setColumns([PidTag.Importance]);
      table.sort({ orders: [{ tag: PidTag.Importance, order: 0 }], categories: 0, expanded: 0 });
      for (const restriction of RESTRICTIONS) {
        const matcher = compileRestriction(restriction);
        const expected = rows.flatMap((set, index) => (matcher((tag) => set.get(tag)) ? [index] : []));
        table.restrict(restriction);
        assert.deepEqual(firstColumn(table), expected);
      }
      store.close();
    }),
    { numRuns: 20 },
  );
});

test('text is found whatever its case, its marks and its length', () => {
  const subjects = [
    ...[...SUBJECTS, 'a', 'B', 'b', 'bar', 'ba\u0308r', 'Bàr', 'Zebra', 'zebra', 'Äpfel', 'apfel', 'Apfelmus', '[b] 1'],
    // What lies behind the characters that count would decide before what lies within them.
    ...[`é${'x'.repeat(299)}a`, `e${'x'.repeat(299)}b`, `É${'x'.repeat(252)}`, `x${'\u0301'.repeat(300)}yz`, 'xya'],
    ...['ß'.repeat(200), 's'.repeat(400), 'ﬁ'.repeat(120), 'ᾳ', 'αι', 'Αι', 'и', 'и\u0306', 'йод', 'Æ', 'aE'],
    ...['😀', '😀b', '\ud83d', '𝐀', 'A\u200db', 'き', 'キ', '각', '가', '\u1100\u1161'],
  ];
  const store = TestStore.create();
  for (const [index, subject] of subjects.entries()) {
    store.add(1, properties([PidTag.Subject, subject], [PidTag.Importance, index]));
  }
  const table = new ContentsTable({ index: store.index, folder: 1, associated: false, coding: CODING });
  table.setColumns([PidTag.Importance]);
  table.sort({ orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 });
  const sequence = firstColumn(table);
  const values = [
    ...subjects,
    'X'.repeat(280),
    'S'.repeat(260),
    'ß'.repeat(150),
    'F'.repeat(200),
    'AP',
    'äp',
    'BÀ',
    'α',
    '\ud835',
    'A',
  ];
  for (const restriction of [...property(PidTag.Subject, values), ...content(values)]) {
    const matcher = compileRestriction(restriction);
    const expected = sequence.filter((index) =>
      matcher((tag) => (tag === PidTag.Subject ? subjects[Number(index)] : undefined)),
    );
    for (const backward of [false, true]) {
      table.seek(backward ? 2 : 0, 0);
      const find = { restriction, backward, origin: 1, bookmark: new Uint8Array(0) };
      const found = table.findRow(new Writer(), find).found ? sequence[table.position().numerator] : undefined;
      assert.equal(found, expected.at(backward ? -1 : 0), JSON.stringify(restriction));
    }
    table.restrict(restriction);
    assert.deepEqual(firstColumn(table), expected, JSON.stringify(restriction));
    table.restrict(undefined);
  }
  store.close();
});

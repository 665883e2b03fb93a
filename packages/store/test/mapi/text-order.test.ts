import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareText, MAX_TEXT_KEY, writeTextKey } from '../../src/mapi/text-order.ts';

function key(text: string): Buffer {
  // What lies before and after is not touched, and no room for more is needed.
  const bytes = new Uint8Array(MAX_TEXT_KEY + 2).fill(0xaa);
  const end = writeTextKey(text, bytes, 1);
  assert.ok(end <= MAX_TEXT_KEY + 1);
  assert.equal(bytes[0], 0xaa);
  assert.ok(bytes.subarray(end).every((byte) => byte === 0xaa));
  return Buffer.from(bytes.subarray(1, end));
}

const sorted = (texts: readonly string[]): string[] => texts.toSorted((a, b) => Buffer.compare(key(a), key(b)));

test('text is sorted as people look for it', () => {
  for (const texts of [
    ['', ' ', '“Q”', '"R"', '[list] b', '_x', '€ 5', '🎉 party', '1 one', '10', '2', 'a', 'Z', 'Ω', 'Я', 'א', '中'],
    ['Apfel', 'Äpfel', 'Apfelmus', 'Äpfelmus', 'apple', 'Zebra'],
    // The first difference in marks decides, and only where letters do not.
    ['cote', 'coté', 'côte', 'côté', 'coter'],
    ['lul', 'Łul', 'lum', 'ore', 'Øre', 'orf', 'Straße', 'Strassf'],
    ['aet', 'Æt', 'aeu', 'Thor', 'Þor', 'thos'],
    ['е', 'ё', 'ёж', 'жук', 'ива', 'иод', 'йод', 'к'],
    ['はし', 'ばし', 'ハシ', 'はす'],
    ['가', '가가', '각', '나'],
  ]) {
    assert.deepEqual(sorted(texts.toReversed()), texts);
  }
});

/** Characters, the letters that they are sorted as, and their place among the characters with these. */
const CHARACTERS: readonly (readonly [string, string, number])[] = [
  [' ', ' ', 0],
  ['-', '-', 0],
  ['–', '-', 1],
  ['[', '[', 0],
  ['~', '~', 0],
  ['€', '€', 0],
  ['☃', '☃', 0],
  ['1', '1', 0],
  ['9', '9', 0],
  ['a', 'A', 0],
  ['A', 'A', 0],
  ['à', 'A', 1],
  ['Ä', 'A', 2],
  ['ä', 'A', 2],
  ['ａ', 'A', 3],
  ['b', 'B', 0],
  ['Z', 'Z', 0],
  ['ž', 'Z', 1],
  ['α', 'Α', 0],
  ['Ά', 'Α', 1],
  ['и', 'И', 0],
  ['й', 'Й', 1],
  ['К', 'К', 0],
  ['か', 'か', 0],
  ['が', 'か', 1],
  ['カ', 'か', 2],
  ['中', '中', 0],
  ['𠀀', '𠀀', 0],
];
const LETTERS = [...new Set(CHARACTERS.map(([, letter]) => letter))];
const PLACES = new Map(CHARACTERS.map(([character, letter, place]) => [character, { letter, place }]));

/** The same by lists: the letters, then the place of each. */
function reference(a: string, b: string): number {
  const lists = [a, b].map((text) => Array.from(text, (character) => PLACES.get(character)));
  const [left = [], right = []] = lists;
  for (const by of ['letter', 'place'] as const) {
    for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
      const [one, other] = [left[at], right[at]];
      if (one === undefined || other === undefined) return left.length - right.length;
      const difference =
        by === 'letter' ? LETTERS.indexOf(one.letter) - LETTERS.indexOf(other.letter) : one.place - other.place;
      if (difference !== 0) return difference;
    }
  }
  return 0;
}

test('the order is that of a comparison letter by letter, then mark by mark', () => {
  const text = fc
    .array(fc.constantFrom(...CHARACTERS.map(([character]) => character)), { maxLength: 5 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const expected = Math.sign(reference(a, b));
      assert.equal(Buffer.compare(key(a), key(b)), expected);
      assert.equal(Math.sign(compareText(a, b)), expected);
    }),
    { numRuns: 3000 },
  );
});

const any = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc
    .tuple(
      fc.constantFrom('x', 'é', 'e\u0301', 'ß', '가', '\u0301', '😀', 'ﷺ'),
      fc.constantFrom(100, 254, 255, 256, 400),
      fc.string({ unit: fc.constantFrom(...'aAäbé\0\ud83d'), maxLength: 3 }),
      fc.string({ unit: fc.constantFrom(...'aAäbé'), maxLength: 3 }),
    )
    .map(([one, times, before, after]) => before + one.repeat(times) + after),
);

test('texts have one order, which their keys have as far as they go', () => {
  fc.assert(
    fc.property(any, any, any, (a, b, c) => {
      const [first = '', second = '', third = ''] = [a, b, c].sort(compareText);
      for (const [one, other] of [
        [first, second],
        [second, third],
        [first, third],
      ] as const) {
        assert.ok(compareText(one, other) <= 0);
        assert.equal(Math.sign(compareText(one, other)), -Math.sign(compareText(other, one)) + 0);
        assert.ok(Buffer.compare(key(one), key(other)) <= 0);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a text is stored as far as it counts: more of it has the same key', () => {
  fc.assert(
    fc.property(any, (text) => {
      const end = text.slice(0, 255);
      const stored = /[\ud800-\udbff]$/u.test(end) && text.length > 255 ? end.slice(0, -1) : end;
      assert.deepEqual(key(stored), key(text));
      assert.deepEqual(key(`${stored}\0more`), key(stored));
    }),
  );
});

test('equal are texts that differ in case, or in how marks are written', () => {
  const same = (a: string, b: string): boolean => compareText(a, b) === 0 && key(a).equals(key(b));
  for (const [a, b] of [
    ['Hello', 'hELLO'],
    ['Straße', 'STRASSE'],
    ['é', 'E\u0301'],
    ['Việt', 'Viê\u0323t'],
    ['\u212b', 'å'],
    ['\u2126', 'ω'],
  ] as const) {
    assert.ok(same(a, b), `${a} ${b}`);
  }
  for (const [a, b] of [
    ['Hello', 'Héllo'],
    ['и', 'й'],
    ['и', 'и\u0306'],
    ['ａ', 'a'],
    ['“', '"'],
    ['a\u200d', 'a'],
    ['カ', 'か'],
    ['𐐀', '\ud801'],
    ['', '\u0301'],
  ] as const) {
    assert.ok(!same(a, b), `${a} ${b}`);
    assert.ok(!key(a).equals(key(b)), `${a} ${b}`);
  }
});

test('the key of a text does not depend on which others came before', () => {
  // More different characters than are remembered, halves of surrogate pairs among them.
  const texts: string[] = [];
  for (let point = 0x80; point < 0x2_1000; point += 7) texts.push(`${String.fromCodePoint(point)}x`);
  const last = texts.toReversed();
  const before = last.map(key);
  for (const text of texts) key(text);
  for (const [at, text] of last.entries()) assert.deepEqual(key(text), before[at], text);
});

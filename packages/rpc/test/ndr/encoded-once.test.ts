import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  conformantArray,
  decodeValue,
  encodedOnce,
  encodeValue,
  string,
  struct,
  uint16,
  uint32,
  unique,
  wchar,
} from '../../src/ndr/mod.ts';

const items = (alignment: number) =>
  struct({
    before: uint16,
    count: uint32,
    items: unique(
      encodedOnce(conformantArray(struct({ n: uint16, text: unique(string(wchar)) }), { size_is: 'count' }), alignment),
    ),
    after: unique(string(wchar)),
  });
const kept = items(4);
const plain = struct({
  before: uint16,
  count: uint32,
  items: unique(conformantArray(struct({ n: uint16, text: unique(string(wchar)) }), { size_is: 'count' })),
  after: unique(string(wchar)),
});

const list = () => [
  { n: 1, text: 'one' },
  { n: 2, text: null },
  { n: 3, text: 'three' },
];

/** All 32-bit words but those that are referent identifiers. */
function withoutReferents(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .match(/.{1,8}/g)
    ?.map((word) => (/^....(?:02|00)0[01]$/.test(word) && word !== '00000000' && word.length === 8 ? 'referent' : word))
    .join(' ') as string;
}

test('what is frozen is on the wire what it is otherwise, every time', () => {
  const value = { before: 7, items: list(), after: 'end' };
  const frozen = { ...value, items: Object.freeze(list()) };
  const expected = encodeValue(plain, value);
  for (let i = 0; i < 3; i++) {
    const bytes = encodeValue(kept, frozen);
    assert.equal(bytes.length, expected.length);
    assert.equal(withoutReferents(bytes), withoutReferents(expected));
    assert.deepEqual(decodeValue(kept, bytes, true), value);
    assert.deepEqual(decodeValue(plain, bytes, true), value);
  }
  assert.deepEqual(encodeValue(kept, value), expected);
  assert.deepEqual(encodeValue(kept, frozen, false), encodeValue(plain, value, false));
});

test('a frozen value is encoded once: what changes inside of it is not seen any more', () => {
  const changing = { n: 1, text: 'before' as string | null };
  const frozen = { before: 0, items: Object.freeze([changing]), after: null };
  const thawed = { before: 0, items: [changing], after: null };
  encodeValue(kept, frozen);
  changing.text = 'behind';
  const text = (bytes: Uint8Array) => decodeValue(kept, bytes, true).items?.[0]?.text;
  assert.equal(text(encodeValue(kept, frozen)), 'before');
  assert.equal(text(encodeValue(kept, thawed)), 'behind');
});

test('referent identifiers of what is put together differ', () => {
  const array = conformantArray(unique(encodedOnce(string(wchar), 4)), {});
  const row = struct({ n: uint32, items: unique(encodedOnce(conformantArray(unique(string(wchar)), {}), 4)) });
  const rows = conformantArray(row, {});
  const bytes = encodeValue(rows, [
    { n: 0, items: Object.freeze(['a', 'b']) },
    { n: 0, items: Object.freeze(['c']) },
  ]);
  const words = new Uint32Array(bytes.slice(0, bytes.length & ~3).buffer);
  const referents = words.filter((word) => word >= 0x20000 && (word & 3) === 0 && word < 0x0200_0000);
  assert.equal(new Set(referents).size, referents.length);
  assert.equal(referents.length, 5);
  // Text cannot be frozen: nothing is kept of it.
  assert.deepEqual(decodeValue(array, encodeValue(array, ['x', null]), true), ['x', null]);
});

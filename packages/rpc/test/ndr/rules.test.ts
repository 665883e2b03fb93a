import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  boolean,
  char,
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  decodeValue,
  encodeValue,
  enum16,
  enum32,
  fixedArray,
  float32,
  float64,
  full,
  input,
  int8,
  int16,
  int32,
  int64,
  type NdrType,
  output,
  plus,
  procedure,
  ref,
  stated,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  union,
  unique,
  uuid,
  varyingArray,
  varyingString,
  wchar,
} from '../../src/ndr/mod.ts';
import { bytes, hex } from './support.ts';

/** Asserts that a value is these bytes, little-endian and, where they are given, big-endian, both ways. */
function same<T>(type: NdrType<T>, value: T, little: string, big?: string): void {
  for (const [stub, littleEndian] of [[little, true] as const, [big, false] as const]) {
    if (stub === undefined) continue;
    assert.equal(hex(encodeValue(type, value, littleEndian)), stub.replaceAll(' ', ''));
    assert.deepEqual(decodeValue(type, bytes(stub), littleEndian), value);
  }
}

test('integers of all sizes, signed and unsigned (C706 14.2.5)', () => {
  same(uint8, 0xfe, 'fe', 'fe');
  same(int8, -2, 'fe', 'fe');
  same(uint16, 0x0102, '0201', '0102');
  same(int16, -2, 'feff', 'fffe');
  same(uint32, 0xf1020304, '040302f1', 'f1020304');
  same(int32, -2, 'feffffff', 'fffffffe');
  same(uint64, 0xf102030405060708n, '08070605040302f1', 'f102030405060708');
  same(int64, -2n, 'feffffffffffffff', 'fffffffffffffffe');
});

test('booleans, enumerations, UUIDs and context handles', () => {
  same(boolean, true, '01', '01');
  assert.equal(decodeValue(boolean, bytes('80'), true), true);
  same(enum16({ A: 1 }), 0x0102, '0201', '0102');
  same(enum32({ A: 1 }), -1, 'ffffffff', 'ffffffff');
  const text = '00010203-0405-0607-0809-0a0b0c0d0e0f';
  same(uuid, text, '03020100 0504 0706 08090a0b0c0d0e0f', '000102030405060708090a0b0c0d0e0f');
  same(contextHandle, { attributes: 1, uuid: text }, '01000000 030201000504070608090a0b0c0d0e0f');
});

test('floats are IEEE, and refused where they are said to be others (C706 14.1, 14.2.6)', () => {
  same(float32, -1.5, '0000c0bf', 'bfc00000');
  same(float64, -1.5, '000000000000f8bf', 'bff8000000000000');
  for (const type of [float32, float64]) {
    assert.throws(() => decodeValue(type, new Uint8Array(8), true, false), { code: 'RPCH_FLOAT_FORMAT' });
  }
  assert.equal(decodeValue(uint32, bytes('01000000'), true, false), 1);
});

test('everything is aligned to its size, from the start of the stub (C706 14.2.2)', () => {
  const type = struct({ a: uint8, b: uint16, c: uint8, d: uint32, e: uint8, f: uint64 });
  const value = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6n };
  same(type, value, '01 00 0200 03 000000 04000000 05 000000 0600000000000000');
});

test('a structure is aligned to its largest field (C706 14.3.6)', () => {
  const inner = struct({ v1: uint8, v2: uint32 });
  same(struct({ a: uint8, inner }), { a: 1, inner: { v1: 2, v2: 3 } }, '01 000000 02 000000 03000000');
});

test('arrays: fixed, varying, conformant, conformant and varying (C706 14.3.3)', () => {
  same(fixedArray(uint16, 3), [1, 2, 3], '010002000300', '000100020003');
  same(fixedArray(uint8, 3), Uint8Array.of(1, 2, 3), '010203');
  same(varyingArray(uint16, 5), [1, 2], '00000000 02000000 0100 0200', '00000000 00000002 0001 0002');
  same(conformantArray(uint16), [1, 2], '02000000 0100 0200', '00000002 0001 0002');
  same(conformantVaryingArray(uint16), [1, 2], '02000000 00000000 02000000 0100 0200');
  same(conformantVaryingArray(uint16, { size_is: 7 }), [1], '07000000 00000000 01000000 0100');
  same(
    conformantArray(string(char)),
    ['a', 'bc'],
    '02000000 02000000 00000000 02000000 6100 0000 03000000 00000000 03000000 626300',
  );
});

test('strings (C706 14.3.4)', () => {
  same(string(char), 'aé', '03000000 00000000 03000000 61e900');
  same(string(wchar), 'a€', '03000000 00000000 03000000 6100 ac20 0000', '00000003 00000000 00000003 0061 20ac 0000');
  same(string(wchar), '', '01000000 00000000 01000000 0000');
  same(varyingString(char, 4), 'abc', '00000000 04000000 61626300');
  same(fixedArray(wchar, 2), '\0a', '0000 6100');
  const bad = { code: 'RPCH_BAD_STRING' };
  assert.throws(() => decodeValue(string(char), bytes('02000000 00000000 02000000 6161'), true), bad);
  assert.throws(() => decodeValue(string(char), bytes('03000000 00000000 03000000 610000'), true), bad);
  assert.throws(() => decodeValue(string(char), bytes('00000000 00000000 00000000'), true), bad);
  const lone = bytes('02000000 00000000 02000000 00d8 0000');
  assert.throws(() => decodeValue(string(wchar), lone, true), { code: 'RPCH_BAD_UTF16' });
  for (const [type, text] of [
    [string(char), '€'],
    [string(char), 'a\0'],
    [string(wchar), '\ud800'],
    [varyingString(char, 4), 'abcd'],
  ] as const) {
    assert.throws(() => encodeValue(type, text), { code: 'RPCH_NDR_VALUE' });
  }
});

test('the maximum count of an array that ends a structure moves to the front of the outermost one (C706 14.3.7.2)', () => {
  const inner = struct({ n: uint16, data: conformantArray(uint8, { size_is: 'n' }) });
  const outer = struct({ a: uint8, inner });
  same(outer, { a: 7, inner: { data: Uint8Array.of(1, 2, 3) } }, '03000000 07 00 0300 010203');
  same(struct({ outer }), { outer: { a: 7, inner: { data: Uint8Array.of(1) } } }, '01000000 07 00 0100 01');
  const hyper = struct({ n: uint32, data: conformantArray(uint64, { size_is: 'n' }) });
  same(hyper, { data: [5n] }, '01000000 00000000 01000000 00000000 0500000000000000');
  const varying = struct({ n: uint32, data: conformantVaryingArray(uint8, { size_is: 9, length_is: 'n' }) });
  same(varying, { data: Uint8Array.of(5) }, '09000000 01000000 00000000 01000000 05');
});

test('referents follow the outermost construct, depth first (C706 14.3.12.3)', () => {
  const pair = struct({ x: unique(uint32), y: unique(uint32) });
  const type = struct({ p: unique(pair), inside: pair, q: unique(uint16) });
  same(
    type,
    { p: { x: 1, y: 2 }, inside: { x: null, y: 3 }, q: 4 },
    // in place: p, inside.x, inside.y, q
    '00000200 00000000 04000200 08000200' +
      // the referent of p in place, and its referents
      ' 0c000200 10000200 01000000 02000000' +
      // inside.y, q
      ' 03000000 0400',
  );
  same(
    conformantArray(unique(pair)),
    [{ x: 1, y: null }, null, { x: null, y: 2 }],
    '03000000 00000200 00000000 04000200  08000200 00000000 01000000  00000000 0c000200 02000000',
  );
});

test('a pointer at the top of a parameter is followed by its referent at once, a reference pointer is not there', () => {
  const two = procedure({
    name: 'two',
    opnum: 0,
    parameters: { a: input(unique(uint32)), b: input(ref(uint32)), c: input(ref(ref(unique(uint32)))) },
  });
  const stub = two.encodeRequest({ a: 1, b: 2, c: 3 });
  assert.equal(hex(stub), '00000200 01000000 02000000 04000200 03000000'.replaceAll(' ', ''));
  assert.deepEqual(two.decodeRequest(stub, true), { a: 1, b: 2, c: 3 });
});

test('an embedded reference pointer has four octets that say nothing (C706 14.3.12.2)', () => {
  const type = struct({ p: ref(uint16), n: uint16 });
  same(type, { p: 1, n: 2 }, '00000200 0200 0100');
  assert.deepEqual(decodeValue(type, bytes('00000000 0200 0100'), true), { p: 1, n: 2 });
  same(struct({ p: ref(unique(uint8)) }), { p: null }, '00000200 00000000');
  assert.throws(() => encodeValue(type, { p: null as unknown as number, n: 2 }), { code: 'RPCH_NDR_VALUE' });
});

interface Node {
  readonly value: number;
  readonly next: Node | null;
}
const node: NdrType<Node> = struct({ value: uint32, next: full(() => node) });

test('full pointers with one identifier are one object (C706 14.3.11)', () => {
  const pair = struct({ a: full(() => node), b: full(node), c: full(uint32), d: full(uint32) });
  const stub = '01000000 01000000 02000000 02000000  05000000 00000000  07000000';
  const { a, b, c, d } = decodeValue(pair, bytes(stub), true);
  assert.deepEqual(a, { value: 5, next: null });
  assert.equal(a, b);
  assert.deepEqual([c, d], [7, 7]);
  const circle = decodeValue(full(node), bytes('01000000 05000000 01000000'), true);
  assert.equal(circle, circle?.next);
  assert.throws(() => encodeValue(node, circle as Node), { code: 'RPCH_NDR_VALUE' });
  const twoTypes = bytes('01000000 00000000 01000000 00000000  05000000 00000000');
  assert.throws(() => decodeValue(pair, twoTypes, true), { code: 'RPCH_BAD_REFERENT' });
});

interface Tree {
  readonly children: readonly Tree[] | null;
}
const tree: NdrType<Tree> = struct({
  n: uint32,
  children: unique(conformantArray(() => tree, { size_is: 'n' })),
});

test('a type may point to arrays of itself', () => {
  const leaf = { children: null };
  same(
    tree,
    { children: [{ children: [leaf] }, leaf] },
    '02000000 00000200  02000000 01000000 04000200 00000000 00000000  01000000 00000000 00000000',
  );
});

test('unions (C706 14.3.8) and ms_union ([MS-RPCE] 2.2.4.5)', () => {
  const arms = { 1: uint8, 2: uint64, 3: null } as const;
  const plain = union({ switch_type: uint16, arms });
  same(plain, { case: 1, value: 5 }, '0100 05');
  same(plain, { case: 2, value: 5n }, '0200 000000000000 0500000000000000');
  same(plain, { case: 3 }, '0300', '0003');
  assert.throws(() => decodeValue(plain, bytes('0400'), true), { code: 'RPCH_BAD_DISCRIMINANT' });
  const micro = union({ switch_type: uint16, arms, ms_union: true, default: unique(uint8) });
  same(micro, { case: 1, value: 5 }, '0100 000000000000 05');
  same(micro, { case: 9, value: 5 }, '0900 000000000000 00000200 05');
  same(union({ switch_type: int32, arms: { [-1]: uint8 } as const }), { case: -1, value: 1 }, 'ffffffff 01');
});

test('a discriminant beside its union is derived, or stated and checked', () => {
  const arms = { 1: uint8, 2: uint32 } as const;
  const derived = struct({ level: uint16, info: union({ switch_type: uint16, switch_is: 'level', arms }) });
  same(derived, { info: { case: 2, value: 5 } }, '0200 0200 05000000');
  const differs = { code: 'RPCH_BAD_DISCRIMINANT' };
  assert.throws(() => decodeValue(derived, bytes('0100 0200 05000000'), true), differs);
  const tag = struct({
    tag: uint32,
    value: union({ switch_type: uint32, switch_is: stated('tag', (value) => value & 0xffff), arms }),
  });
  same(tag, { tag: 0x10001, value: { case: 1, value: 5 } }, '01000100 01000000 05');
  assert.throws(() => encodeValue(tag, { tag: 2, value: { case: 1, value: 5 } }), { code: 'RPCH_NDR_VALUE' });
  assert.throws(() => decodeValue(tag, bytes('02000100 01000000 05'), true), differs);
});

test('counts are computed, or stated and checked', () => {
  const tags = struct({ c: uint32, tags: conformantVaryingArray(uint32, { size_is: plus('c', 1), length_is: 'c' }) });
  same(tags, { tags: [5] }, '02000000 01000000 00000000 01000000 05000000');
  const kept = struct({ n: uint32, data: unique(conformantArray(uint8, { size_is: stated('n') })) });
  same(kept, { n: 9, data: null }, '09000000 00000000');
  assert.throws(() => encodeValue(kept, { n: 9, data: Uint8Array.of(1) }), { code: 'RPCH_NDR_VALUE' });
  const shared = struct({
    n: uint8,
    a: unique(conformantArray(uint8, { size_is: 'n' })),
    b: unique(conformantArray(uint8, { size_is: 'n' })),
  });
  const one = Uint8Array.of(1);
  same(shared, { a: null, b: null }, '00 000000 00000000 00000000');
  same(shared, { a: one, b: one }, '01 000000 00000200 04000200 01000000 01 000000 01000000 01');
  assert.throws(() => encodeValue(shared, { a: one, b: null }), { code: 'RPCH_NDR_VALUE' });
  assert.throws(() => encodeValue(shared, { a: one, b: new Uint8Array(2) }), { code: 'RPCH_NDR_VALUE' });
});

test('an array may come before its count, and depend on an input', () => {
  const call = procedure({
    name: 'call',
    opnum: 1,
    parameters: {
      data: output(conformantVaryingArray(uint8, { size_is: 'max', length_is: 'n' })),
      max: input(uint32),
      n: output(unique(uint32)),
    },
  });
  const stub = call.encodeResponse({ data: Uint8Array.of(5, 6) }, { max: 4 });
  assert.equal(hex(stub), '04000000 00000000 02000000 0506 0000 00000200 02000000'.replaceAll(' ', ''));
  assert.deepEqual(call.decodeResponse(stub, true, { max: 4 }), { data: Uint8Array.of(5, 6) });
  assert.throws(() => call.decodeResponse(stub, true, { max: 3 }), { code: 'RPCH_BAD_CONFORMANCE' });
  assert.throws(() => call.encodeResponse({ data: new Uint8Array(5) }, { max: 4 }), { code: 'RPCH_NDR_VALUE' });
  stub[20] = 3;
  assert.throws(() => call.decodeResponse(stub, true, { max: 4 }), { code: 'RPCH_BAD_VARIANCE' });
});

test('a decoded byte array is a copy', () => {
  const stub = bytes('02000000 0102');
  const data = decodeValue(conformantArray(uint8), stub, true);
  stub.fill(0xff);
  assert.deepEqual(data, Uint8Array.of(1, 2));
  assert.equal(Object.getPrototypeOf(decodeValue(fixedArray(uint8, 1), Buffer.from('a'), true)), Uint8Array.prototype);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../src/errors.ts';
import { MAX_EMPTY_ELEMENTS, MAX_POINTER_DEPTH } from '../../src/ndr/limits.ts';
import {
  conformantArray,
  conformantVaryingArray,
  decodeValue,
  encodeValue,
  fixedArray,
  half,
  type NdrType,
  procedure,
  range,
  ref,
  string,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  union,
  unique,
  varyingArray,
  wchar,
} from '../../src/ndr/mod.ts';
import { bytes } from './support.ts';

function refused(type: NdrType<unknown>, stub: string, code: string): void {
  assert.throws(
    () => decodeValue(type, bytes(stub), true),
    (error) => error instanceof ProtocolError && error.code === code,
  );
}

test('a count beyond what is there makes nothing', () => {
  for (const element of [uint8, uint16, uint64, struct({ a: uint32, b: unique(uint32) }), string(wchar)]) {
    refused(conformantArray(element), 'ffffffff 00000000', 'RPCH_SHORT_FRAME');
  }
  refused(string(wchar), 'ffffffff 00000000 ffffffff', 'RPCH_SHORT_FRAME');
  refused(conformantArray(unique(uint8)), '03000000 00000200 00000200', 'RPCH_SHORT_FRAME');
});

test('elements that take no byte are bounded by a limit', () => {
  const nothing = conformantArray(struct({}));
  assert.equal(encodeValue(nothing, new Array<object>(MAX_EMPTY_ELEMENTS).fill({})).length, 4);
  assert.equal(decodeValue(nothing, bytes('00040000'), true).length, MAX_EMPTY_ELEMENTS);
  refused(nothing, '01040000', 'RPCH_TOO_MANY_ELEMENTS');
  refused(
    struct({ a: unique(nothing), b: unique(nothing) }),
    '01000000 01000000 00040000 01000000',
    'RPCH_TOO_MANY_ELEMENTS',
  );
});

test('variance lies within conformance, and begins at 0', () => {
  refused(conformantVaryingArray(uint8), '01000000 00000000 02000000 0102', 'RPCH_BAD_VARIANCE');
  refused(conformantVaryingArray(uint8), '02000000 01000000 01000000 0102', 'RPCH_BAD_VARIANCE');
  refused(varyingArray(uint8, 1), '00000000 02000000 0102', 'RPCH_BAD_VARIANCE');
});

test('counts that disagree with arrays', () => {
  const counted = struct({ n: uint32, data: unique(conformantArray(uint8, { size_is: 'n' })) });
  refused(counted, '02000000 00000200 01000000 01', 'RPCH_BAD_CONFORMANCE');
  refused(counted, '01000000 00000000', 'RPCH_BAD_CONFORMANCE');
  const inline = struct({ n: uint32, data: conformantArray(uint8, { size_is: 'n' }) });
  refused(inline, '01000000 02000000 01', 'RPCH_BAD_CONFORMANCE');
  const text = struct({
    length: uint16,
    size: uint16,
    text: unique(conformantVaryingArray(wchar, { size_is: half('size'), length_is: half('length') })),
  });
  refused(text, '0200 0400 00000200 03000000 00000000 01000000 6100', 'RPCH_BAD_CONFORMANCE');
  refused(text, '0400 0400 00000200 02000000 00000000 01000000 6100', 'RPCH_BAD_VARIANCE');
  refused(text, '0000 0400 00000000', 'RPCH_BAD_CONFORMANCE');
  refused(conformantArray(uint8, { size_is: 3 }), '02000000 0102', 'RPCH_BAD_CONFORMANCE');
});

test('range', () => {
  const type = range(uint32, 1, 3);
  refused(type, '00000000', 'RPCH_OUT_OF_RANGE');
  refused(type, '04000000', 'RPCH_OUT_OF_RANGE');
  assert.equal(decodeValue(type, bytes('03000000'), true), 3);
  assert.throws(() => encodeValue(type, 4), { code: 'RPCH_NDR_VALUE' });
});

interface Node {
  readonly next: Node | null;
}
const list: NdrType<Node> = struct({ next: unique(() => list) });

test('linked lists are read without recursion, up to a limit', () => {
  const stub = (length: number) => {
    const words = new Uint32Array(length + 1).fill(1);
    words[length] = 0;
    return new Uint8Array(words.buffer);
  };
  let decoded: Node | null = decodeValue(list, stub(MAX_POINTER_DEPTH), true);
  assert.equal(encodeValue(list, decoded).length, 4 * (MAX_POINTER_DEPTH + 1));
  let length = -1;
  for (; decoded !== null; decoded = decoded.next) length++;
  assert.equal(length, MAX_POINTER_DEPTH);
  assert.throws(() => decodeValue(list, stub(MAX_POINTER_DEPTH + 1), true), { code: 'RPCH_TOO_DEEP' });
  assert.throws(() => decodeValue(list, stub(1_000_000), true), { code: 'RPCH_TOO_DEEP' });
});

test('pointers side by side are read, however many they are', () => {
  const count = 300_000;
  const words = new Uint32Array(count + 1).fill(1);
  words[0] = count;
  const values = decodeValue(conformantArray(unique(struct({}))), new Uint8Array(words.buffer), true);
  assert.equal(values.length, count);
  assert.deepEqual(values.at(-1), {});
});

test('seven bytes of padding at the end, and no more', () => {
  assert.equal(decodeValue(uint8, new Uint8Array(8), true), 0);
  assert.throws(() => decodeValue(uint8, new Uint8Array(9), true), { code: 'RPCH_TRAILING_BYTES' });
});

test('values that a declaration does not allow are the fault of the caller', () => {
  const wrong: readonly (readonly [NdrType<unknown>, unknown])[] = [
    [uint8, 256],
    [uint8, -1],
    [uint16, 1.5],
    [uint32, Number.NaN],
    [uint32, '1'],
    [uint64, 2n ** 64n],
    [uint64, 1],
    [struct({ a: uint8 }), null],
    [struct({ a: uint8 }), {}],
    [struct({ a: ref(uint8) }), { a: null }],
    [struct({ a: unique(uint8) }), {}],
    [fixedArray(uint16, 2), [1]],
    [fixedArray(uint8, 2), new Uint8Array(3)],
    [conformantArray(uint8), [1]],
    [conformantArray(uint16), 1],
    [string(wchar), 1],
    [union({ switch_type: uint16, arms: { 1: uint8 } }), { case: 2 }],
    [union({ switch_type: uint16, arms: { 1: uint8 } }), 1],
  ];
  for (const [type, value] of wrong) {
    assert.throws(() => encodeValue(type, value), { code: 'RPCH_NDR_VALUE', fault: 'caller' });
  }
});

test('declarations that NDR has nothing for', () => {
  const conformant = conformantArray(uint8);
  const declarations: readonly (() => unknown)[] = [
    () => encodeValue(struct({ a: conformant, b: uint8 }), { a: new Uint8Array(0), b: 1 }),
    () => encodeValue(conformantArray(conformant), []),
    () => encodeValue(union({ switch_type: uint8, arms: { 1: conformant } }), { case: 1, value: new Uint8Array(0) }),
    () => encodeValue(struct({ a: conformantArray(uint8, { size_is: 'b' }) }), { a: new Uint8Array(0) }),
    () => encodeValue(conformantArray(uint8, { size_is: 'b' }) as NdrType<Uint8Array>, new Uint8Array(0)),
    () =>
      encodeValue(struct({ n: unique(uint8), a: conformantArray(uint8, { size_is: 'n' }) }), { a: new Uint8Array(0) }),
    () => conformantArray(unique(conformantArray(uint8, { size_is: 'n' }))),
    () => conformantArray(ref(uint8)),
    () => unique(union({ switch_type: uint8, switch_is: 'n', arms: { 1: uint8 } })),
    () => procedure({ name: 'p', opnum: 0x10000, parameters: {} }),
    () => procedure({ name: 'p', opnum: 0, parameters: { result: { direction: 'in', type: uint8 } } }),
  ];
  const itself: NdrType<unknown> = struct({ n: uint32, inner: conformantArray(() => itself, { size_is: 'n' }) });
  assert.throws(() => encodeValue(itself, { inner: [] }), { code: 'RPCH_NDR_DECLARATION' });
  for (const declare of declarations) assert.throws(declare, { code: 'RPCH_NDR_DECLARATION', fault: 'caller' });
});

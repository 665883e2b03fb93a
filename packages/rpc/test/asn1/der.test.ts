import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { contextTag, DerTag } from '../../src/asn1/der.ts';
import { DerReader } from '../../src/asn1/der-reader.ts';
import { der, derEnumerated, derOctets, derOid } from '../../src/asn1/der-writer.ts';
import { decodeOid, encodeOid } from '../../src/asn1/oid.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const reader = (text: string) => new DerReader(Buffer.from(text, 'hex'), 'a test');
const wrong = { name: 'ProtocolError', code: 'RPCH_DER' };

test('lengths take the fewest bytes (X.690 8.1.3, 10.1)', () => {
  for (const [length, head] of [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_536, '0483010000'],
  ] as const) {
    const element = derOctets(new Uint8Array(length));
    assert.equal(hex(element.subarray(0, element.length - length)), head);
    assert.equal(new DerReader(element, 'a test').octets().length, length);
  }
});

test('object identifiers: X.690 8.19.5, and those of SPNEGO', () => {
  for (const [text, bytes] of [
    ['2.999.3', '0603883703'],
    ['1.3.6.1.5.5.2', '06062b0601050502'],
    ['1.3.6.1.4.1.311.2.2.10', '060a2b06010401823702020a'],
    ['1.2.840.48018.1.2.2', '06092a864882f712010202'],
    ['0.0', '060100'],
  ] as const) {
    assert.equal(hex(derOid(text)), bytes);
    assert.equal(reader(bytes).oid(), text);
  }
});

test('malformed object identifiers', () => {
  for (const bytes of ['', '80', '2b80', '2b8001', '2bffffffffffffffffff7f', '2b'.repeat(65)]) {
    assert.throws(() => decodeOid(Buffer.from(bytes, 'hex')), { name: 'ProtocolError', code: 'RPCH_DER_OID' }, bytes);
  }
  for (const text of ['', '1', '3.1', '1.40', '1.2.x', '1..2', '1.2.-3', '1.2.1e3']) {
    assert.throws(() => encodeOid(text), { code: 'RPCH_OID_TEXT', fault: 'caller' }, text);
  }
});

test('any object identifier comes back', () => {
  const part = fc.nat(2 ** 31 - 1);
  const oid = fc
    .oneof(fc.tuple(fc.nat(1), fc.nat(39)), fc.tuple(fc.constant(2), part))
    .chain(([first, second]) => fc.array(part, { maxLength: 8 }).map((rest) => [first, second, ...rest].join('.')));
  fc.assert(fc.property(oid, (text) => assert.equal(decodeOid(encodeOid(text)), text)));
});

test('elements in elements, optional ones, and the end', () => {
  const element = der(
    DerTag.SEQUENCE,
    der(contextTag(0), derEnumerated(3)),
    der(contextTag(2), derOctets(Buffer.from('ab'))),
  );
  assert.equal(hex(element), '300b' + 'a0030a0103' + 'a20404026162');
  const outer = new DerReader(element, 'a test');
  const inner = outer.sub(DerTag.SEQUENCE);
  outer.end();
  assert.equal(inner.optional(contextTag(0))?.enumerated(), 3);
  assert.equal(inner.optional(contextTag(1)), undefined);
  assert.throws(() => inner.end(), wrong);
  assert.equal(hex(inner.element()), 'a20404026162');
  inner.end();
  assert.throws(() => inner.element(), wrong);
});

test('lengths of a fixed size are read, indefinite ones and those beyond the end are not', () => {
  assert.equal(hex(reader('04840000000161').octets()), '61');
  for (const bytes of [
    '0480610000',
    '0485000000000161',
    '0402',
    '04026',
    '0402',
    '048461',
    '1f0100',
    '04ff',
    '0484ffffffff',
  ]) {
    assert.throws(() => reader(bytes).element(), wrong, bytes);
  }
  assert.throws(() => reader('0a020001').enumerated(), wrong);
  assert.throws(() => reader('0a0180').enumerated(), wrong);
  assert.throws(() => reader('0401aa').oid(), wrong);
});

test('nothing lies deeper than sixteen elements', () => {
  const nested = (depth: number) => {
    let element: Uint8Array = derOctets(new Uint8Array());
    for (let i = 0; i < depth; i++) element = der(DerTag.SEQUENCE, element);
    let at = new DerReader(element, 'a test');
    for (let i = 0; i < depth; i++) at = at.sub(DerTag.SEQUENCE);
    return at.octets();
  };
  assert.equal(nested(16).length, 0);
  assert.throws(() => nested(17), wrong);
});

test('random bytes are read, or are the typed error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const at = new DerReader(bytes, 'a test');
      try {
        while (at.tag !== undefined) at.element();
      } catch (error) {
        assert.equal((error as Error).name, 'ProtocolError');
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatGuid, parseGuid } from '../../src/bytes/guid.ts';
import { decodeUtf16, encodeUtf16 } from '../../src/bytes/utf16.ts';

test('a GUID on the wire has three little-endian fields, then eight bytes', () => {
  const wire = parseGuid('00112233-4455-6677-8899-AABBCCDDEEFF');
  assert.equal(Buffer.from(wire).toString('hex'), '33221100554477668899aabbccddeeff');
  assert.equal(formatGuid(wire), '00112233-4455-6677-8899-aabbccddeeff');
});

test('GUIDs survive the round trip', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.deepEqual(parseGuid(formatGuid(bytes)), bytes);
    }),
  );
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      assert.equal(formatGuid(parseGuid(text)), text);
    }),
  );
});

test('text that is no GUID is refused', () => {
  const wrong = [
    '',
    '00112233445566778899aabbccddeeff',
    '{00112233-4455-6677-8899-aabbccddeeff}',
    '00112233-4455-6677-8899-aabbccddeef',
    '00112233-4455-6677-8899-aabbccddeeffa',
    '00112233-4455-6677-8899-aabbccddeefg',
    '00112233-4455-6677-8899-aabbccddeeff\n',
  ];
  for (const text of wrong) assert.throws(() => parseGuid(text), { code: 'RPCH_BAD_GUID' }, JSON.stringify(text));
});

test('UTF-16LE survives the round trip, surrogate pairs and a leading mark included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.equal(decodeUtf16(encodeUtf16(text), 'here'), text);
    }),
  );
  assert.equal(decodeUtf16(Uint8Array.of(0xff, 0xfe, 0x41, 0x00), 'here'), '\ufeffA');
});

test('an odd length and unpaired surrogates are refused with the section of whoever asked', () => {
  for (const bytes of [
    [0x41],
    [0x00, 0xd8],
    [0x00, 0xdc],
    [0x00, 0xd8, 0x41, 0x00],
    [0x00, 0xdc, 0x00, 0xd8],
    [0x41, 0x00, 0x42],
  ]) {
    assert.throws(() => decodeUtf16(Uint8Array.from(bytes), '[MS-NLMP] 2.2.2.1'), {
      code: 'RPCH_BAD_UTF16',
      section: '[MS-NLMP] 2.2.2.1',
    });
  }
});

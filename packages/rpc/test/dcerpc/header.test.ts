import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  describePduType,
  fragLengthAt,
  LENGTH_KNOWN_AT,
  PduType,
  pduTypeAt,
  pfcFlagsAt,
} from '../../src/dcerpc/header.ts';

/** The first ten bytes of a PDU, all that is needed to find its end. */
function head(fields: {
  version?: number;
  minor?: number;
  ptype?: number;
  flags?: number;
  drep?: number;
  length: number;
}) {
  const { version = 5, minor = 0, ptype = 0, flags = 3, drep = 0x10, length } = fields;
  const [low, high] = [length & 0xff, length >> 8];
  return Uint8Array.of(version, minor, ptype, flags, drep, 0, 0, 0, ...(drep & 0x10 ? [low, high] : [high, low]));
}

test('frag_length is read in the byte order that packed_drep names, anywhere in a buffer', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 0xffff }),
      fc.constantFrom(0x10, 0x00, 0x11, 0x01),
      fc.nat(40),
      (length, drep, at) => {
        const bytes = new Uint8Array(at + LENGTH_KNOWN_AT).fill(0xee);
        bytes.set(head({ drep, length, ptype: 2, flags: 0x83 }), at);
        assert.equal(fragLengthAt(bytes, at), length);
        assert.equal(pduTypeAt(bytes, at), PduType.response);
        assert.equal(pfcFlagsAt(bytes, at), 0x83);
      },
    ),
  );
});

test('versions other than 5.0 and 5.1 are refused', () => {
  assert.equal(fragLengthAt(head({ minor: 1, length: 16 }), 0), 16);
  for (const wrong of [
    head({ version: 4, length: 16 }),
    head({ version: 6, length: 16 }),
    head({ minor: 2, length: 16 }),
  ]) {
    assert.throws(() => fragLengthAt(wrong, 0), { code: 'RPCH_BAD_VERSION', fault: 'peer' });
  }
});

test('a frag_length that holds no header is refused in both byte orders', () => {
  for (const drep of [0x10, 0x00]) {
    for (let length = 0; length < 16; length++) {
      assert.throws(() => fragLengthAt(head({ drep, length }), 0), { code: 'RPCH_BAD_FRAG_LENGTH' });
    }
  }
});

test('PDU types have names, unknown ones a number', () => {
  assert.equal(describePduType(PduType.rts), 'rts');
  assert.equal(describePduType(PduType.alter_context_resp), 'alter_context_resp');
  assert.equal(describePduType(99), 'PTYPE 99');
});

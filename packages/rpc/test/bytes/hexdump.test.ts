import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexDump } from '../../src/bytes/hexdump.ts';

test('a dump shows offset, bytes and text, and of hidden bytes their number only', () => {
  const bytes = Buffer.from('secret: \x00\x7f\xffabcdefgh', 'latin1');
  assert.deepEqual(hexDump(bytes, [{ start: 8, end: 17 }], 0x100), [
    '00000100  73 65 63 72 65 74 3a 20  ** ** ** ** ** ** ** **  secret: ********',
    '00000110  ** 67 68                                          *gh',
  ]);
  assert.deepEqual(hexDump(bytes.subarray(8, 11)), ['00000000  00 7f ff                                          ...']);
  assert.deepEqual(hexDump(new Uint8Array()), []);
});

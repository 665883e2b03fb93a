import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAG_LENGTH, MIN_FRAG_LENGTH, negotiateFragLength } from '../../src/dcerpc/frag-length.ts';
import { openPdu } from '../../src/dcerpc/pdu.ts';
import { decodeResponse, encodeResponse } from '../../src/dcerpc/response.ts';
import { cut } from './support.ts';

test('the fragment length is the smaller of both directions, within bounds, in eights', () => {
  assert.equal(negotiateFragLength(5840, 5840), 5840);
  assert.equal(negotiateFragLength(0xffff, 0xffff), FRAG_LENGTH);
  assert.equal(negotiateFragLength(4280, 5840), 4280);
  assert.equal(negotiateFragLength(5840, 4088), 4088);
  assert.equal(negotiateFragLength(5840, 4087), 4080);
  // what C706 does not allow: Windows' answer
  assert.equal(negotiateFragLength(0, 0), 2048);
  assert.equal(negotiateFragLength(1431, 5840), 2048);
  assert.equal(negotiateFragLength(5840, 1433), MIN_FRAG_LENGTH);
});

test('a stub is cut in eights, alloc_hint says what is left', () => {
  const stub = Uint8Array.from({ length: 21 }, (_, i) => i);
  const call = { callId: 5, littleEndian: true, contextId: 2, cancelCount: 0, stub };
  const { bytes, count } = encodeResponse(call, 24 + 15);
  const fragments = cut(bytes).map((pdu) => decodeResponse(openPdu(pdu)));
  assert.equal(count, 3);
  assert.deepEqual(
    fragments.map(({ pfcFlags, allocHint, stub }) => [pfcFlags, allocHint, stub.length]),
    [
      [1, 21, 8],
      [0, 13, 8],
      [2, 5, 5],
    ],
  );
  assert.equal(encodeResponse({ ...call, stub: stub.subarray(0, 16) }, 24 + 8).count, 2);
  assert.throws(() => encodeResponse(call, 24 + 7), { code: 'RPCH_FRAGMENT_TOO_SMALL', fault: 'caller' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAG_LENGTH, MIN_FRAG_LENGTH, negotiateFragLength } from '../../src/dcerpc/frag-length.ts';
import { openPdu } from '../../src/dcerpc/pdu.ts';
import { decodeRequest, encodeRequest, type Request } from '../../src/dcerpc/request.ts';
import { MAX_REQUEST_STUB, RequestAssembler } from '../../src/dcerpc/request-assembler.ts';
import { decodeResponse, encodeResponse } from '../../src/dcerpc/response.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { cut, hex, requestRun } from './support.ts';

const accept = () => {};

function request(changes: Partial<Request>): Request {
  const base = { pfcFlags: 0, callId: 1, littleEndian: true, allocHint: 0, contextId: 0, opnum: 1, object: undefined };
  return { ...base, stub: hex('0102030405060708'), ...changes };
}

test('the fragment length is the smaller of both directions, within bounds, in eights', () => {
  assert.equal(negotiateFragLength(5840, 5840), 5840);
  assert.equal(negotiateFragLength(0xffff, 0xffff), FRAG_LENGTH);
  assert.equal(negotiateFragLength(4280, 5840), 4280);
  assert.equal(negotiateFragLength(5840, 4088), 4088);
  assert.equal(negotiateFragLength(5840, 4087), 4080);
  assert.equal(negotiateFragLength(0, 0), MIN_FRAG_LENGTH);
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

test('requests come back as they went, whatever the fragments', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 48, max: 400 }),
      fc.boolean(),
      fc.boolean(),
      (stub, maxFrag, littleEndian, hasObject) => {
        const call = { callId: 7, littleEndian, contextId: 1, opnum: 3, stub, ...(hasObject && { object: ECHO.uuid }) };
        const pdus = cut(encodeRequest(call, maxFrag).bytes);
        const assembler = new RequestAssembler();
        const whole = pdus.map((pdu) => {
          assert.ok(pdu.length <= maxFrag);
          return assembler.add(decodeRequest(openPdu(pdu)), accept);
        });
        const last = whole.pop();
        assert.ok(whole.every((result) => result === undefined));
        assert.deepEqual(last?.stub, stub);
        assert.equal(last?.object, hasObject ? ECHO.uuid : undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test('the assembled stub is a copy', () => {
  const pdu = requestRun(1, 0, hex('01020304'));
  const whole = new RequestAssembler().add(decodeRequest(openPdu(pdu)), accept);
  pdu.fill(0);
  assert.deepEqual(whole?.stub, hex('01020304'));
});

test('4 MiB are accepted, one byte more is access_denied, and its remaining fragments are ignored', () => {
  const stub = new Uint8Array(MAX_REQUEST_STUB / 64);
  const assembler = new RequestAssembler();
  const fill = (callId: number) => {
    for (let i = 0; i < 64; i++) assembler.add(request({ callId, stub, pfcFlags: i === 0 ? 1 : 0 }), accept);
  };
  fill(1);
  const whole = assembler.add(request({ pfcFlags: 2, stub: hex('') }), accept);
  assert.equal(whole?.stub.length, MAX_REQUEST_STUB);
  fill(2);
  const oneMore = request({ callId: 2, stub: hex('00') });
  assert.throws(() => assembler.add(oneMore, accept), { status: 5 });
  assert.equal(assembler.add({ ...oneMore, pfcFlags: 2 }, accept), undefined);
  assert.equal(assembler.add(request({ callId: 3, pfcFlags: 3 }), accept)?.callId, 3);
});

test('an alloc_hint that promised more than came is a fault', () => {
  const assembler = new RequestAssembler();
  assert.throws(() => assembler.add(request({ pfcFlags: 3, allocHint: 9 }), accept), { status: 0x1c01000b });
  assert.ok(assembler.add(request({ callId: 2, pfcFlags: 3, allocHint: 8 }), accept));
  assert.ok(assembler.add(request({ callId: 3, pfcFlags: 3, allocHint: 1 }), accept));
  // impacket repeats the whole length in every fragment
  assembler.add(request({ callId: 4, pfcFlags: 1, allocHint: 16 }), accept);
  assert.ok(assembler.add(request({ callId: 4, pfcFlags: 2, allocHint: 16 }), accept));
});

test('a request that is refused at its first fragment is ignored to its end', () => {
  const assembler = new RequestAssembler();
  const refuse = () => {
    throw new RangeError('refused');
  };
  assert.throws(() => assembler.add(request({ callId: 200, pfcFlags: 1 }), refuse), RangeError);
  assert.equal(assembler.add(request({ callId: 200 }), accept), undefined);
  assert.equal(assembler.add(request({ callId: 51 }), accept), undefined);
  assert.throws(() => assembler.add(request({ callId: 50 }), accept), { code: 'RPCH_NO_SUCH_CALL' });
  assert.throws(() => assembler.add(request({ callId: 201 }), accept), { code: 'RPCH_NO_SUCH_CALL' });
});

test('call_id counts around at 32 bits', () => {
  const assembler = new RequestAssembler();
  assembler.add(request({ callId: 0xffffffff, pfcFlags: 3 }), accept);
  assembler.add(request({ callId: 5, pfcFlags: 3 }), accept);
  assert.equal(assembler.add(request({ callId: 0xfffffffe }), accept), undefined);
  assert.throws(() => assembler.add(request({ callId: 6 }), accept), { code: 'RPCH_NO_SUCH_CALL' });
});

test('fragments that are not of one request', () => {
  const begun = () => {
    const assembler = new RequestAssembler();
    assembler.add(request({ pfcFlags: 1 }), accept);
    return assembler;
  };
  const foreign = { code: 'RPCH_FOREIGN_FRAGMENT' };
  assert.throws(() => begun().add(request({ callId: 2 }), accept), foreign);
  assert.throws(() => begun().add(request({ contextId: 1 }), accept), foreign);
  assert.throws(() => begun().add(request({ opnum: 0 }), accept), foreign);
  assert.throws(() => begun().add(request({ littleEndian: false }), accept), foreign);
  assert.throws(() => begun().add(request({ callId: 2, pfcFlags: 1 }), accept), { code: 'RPCH_INTERLEAVED_FRAGMENTS' });
  assert.throws(() => new RequestAssembler().add(request({}), accept), { code: 'RPCH_NO_SUCH_CALL' });
});

test('a dropped request makes room for another', () => {
  const assembler = new RequestAssembler();
  assembler.add(request({ pfcFlags: 1 }), accept);
  assembler.drop(9);
  assert.throws(() => assembler.add(request({ callId: 2, pfcFlags: 1 }), accept), {
    code: 'RPCH_INTERLEAVED_FRAGMENTS',
  });
  assembler.drop(1);
  assert.ok(assembler.add(request({ callId: 2, pfcFlags: 3 }), accept));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClientAssociationOptions } from '../../src/dcerpc/client-association.ts';
import { FaultStatus } from '../../src/dcerpc/fault-status.ts';
import { FragmentSource } from '../../src/dcerpc/fragments.ts';
import { fragLengthAt, PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { requestHead } from '../../src/dcerpc/request.ts';
import { encodeResponse } from '../../src/dcerpc/response.ts';
import { ResponseAssembler } from '../../src/dcerpc/response-assembler.ts';
import { ProtocolError, RpchError } from '../../src/errors.ts';
import { quietly, type Script, ScriptedServer, settle } from './client-support.ts';
import { hex } from './support.ts';

const CALL = { contextId: 0, opnum: 1, stub: hex('29000000') };
const KEEPS = { features: 2 };
const NO_MPX = { pfcFlags: 0 };
const LOST = new RpchError('RPCH_CONNECTION_LOST', 'network', 'the connection was reset');

function bound(script: Script = {}, options: Partial<ClientAssociationOptions> = {}): Promise<ScriptedServer> {
  return new ScriptedServer(script, options).bind();
}

/** The call_id of the n-th request that came. */
const idOf = (server: ScriptedServer, n: number) => server.calls[n]?.callId ?? assert.fail(`no request ${n}`);

test('calls overlap where CONC_MPX was granted, and are answered in any order', async () => {
  const server = await bound();
  const calls = [1, 2, 3].map((opnum) => server.association.call({ ...CALL, opnum }));
  await server.serve();
  assert.deepEqual(
    server.calls.map(({ callId, opnum }) => [callId, opnum]),
    [
      [2, 1],
      [3, 2],
      [4, 3],
    ],
  );
  for (const callId of [4, 2, 3]) server.answer(callId, Uint8Array.of(callId));
  assert.deepEqual(
    (await Promise.all(calls)).map(({ stub }) => stub[0]),
    [2, 3, 4],
  );
});

test('calls wait for each other where it was not granted, or not asked for', async () => {
  for (const server of [await bound(NO_MPX), await bound({}, { multiplexed: false })]) {
    assert.equal(server.association.settled?.multiplexed, false);
    const calls = [1, 2].map((opnum) => server.association.call({ ...CALL, opnum }));
    await server.serve();
    assert.equal(server.calls.length, 1);
    server.answer(2, hex('01'));
    await server.serve();
    assert.equal(server.calls.length, 2);
    server.fault(3, 0x1c010002);
    assert.deepEqual((await calls[0])?.stub, hex('01'));
    await assert.rejects(calls[1] ?? assert.fail(), { status: 0x1c010002 });
  }
});

test('no more calls are in flight than is asked for', async () => {
  const server = await bound({}, { maxCalls: 2 });
  const calls = [0, 1, 2, 3].map((opnum) => server.association.call({ ...CALL, opnum }));
  await server.serve();
  assert.equal(server.calls.length, 2);
  for (const n of [0, 1, 2, 3]) {
    server.answer(idOf(server, n), hex(''));
    await server.serve();
  }
  await Promise.all(calls);
});

test('a large request is made as the output takes it, and no other comes in between', async () => {
  const server = await bound();
  const stub = Uint8Array.from({ length: 4 * 1024 * 1024 }, (_, i) => (i * 7) & 0xff);
  server.output.hasRoom = false;
  const before = server.output.sent;
  const large = server.association.call({ ...CALL, stub });
  const small = server.association.call(CALL);
  for (let turn = 1; server.calls.length === 0; turn++) {
    assert.ok(turn < 100);
    assert.ok(server.output.sent - before <= turn * 64 * 1024, 'more than asked for piles up');
    await server.serve();
    server.drained();
  }
  await server.serve();
  assert.deepEqual(server.calls[0]?.stub, stub);
  server.drained();
  await server.serve();
  assert.equal(server.calls.length, 2);
  server.answer(2, hex('01'));
  server.answer(3, hex('02'));
  assert.deepEqual([(await large).stub, (await small).stub], [hex('01'), hex('02')]);
});

test('responses come back as they went, whatever their fragments, and interleaved', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 600 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 32, max: 300 }),
      fc.infiniteStream(fc.nat()),
      async (stubs, maxFrag, choices) => {
        const server = await bound();
        const calls = stubs.map(() => server.association.call(CALL));
        await server.serve();
        const pending = stubs.map((stub, n) => {
          const head = { callId: idOf(server, n), littleEndian: true, contextId: 0, cancelCount: 0 };
          const { bytes, count } = encodeResponse({ ...head, stub }, maxFrag);
          const pdus: Uint8Array[] = [];
          for (let at = 0; pdus.length < count; ) {
            const length = (bytes[at + 8] as number) | ((bytes[at + 9] as number) << 8);
            pdus.push(bytes.subarray(at, at + length));
            at += length;
          }
          return pdus;
        });
        while (pending.some((pdus) => pdus.length > 0)) {
          const left = pending.filter((pdus) => pdus.length > 0);
          const pdu = left[(choices.next().value ?? 0) % left.length]?.shift();
          if (pdu !== undefined) server.give(pdu);
        }
        assert.equal(server.output.ended, undefined);
        assert.deepEqual(
          (await Promise.all(calls)).map(({ stub }) => stub),
          stubs,
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('fragments of requests, with a tail, join to what they were cut from', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 500 }),
      fc.uint8Array({ maxLength: 90 }),
      fc.integer({ min: 48, max: 400 }),
      fc.integer({ min: 0, max: 1000 }),
      (stub, tail, maxFrag, limit) => {
        const head = requestHead({ callId: 1, littleEndian: true, contextId: 0, opnum: 0 });
        const source = new FragmentSource(head, stub, maxFrag, undefined, tail);
        const parts: Uint8Array[] = [];
        while (!source.done) {
          const { bytes, count } = source.next(limit);
          assert.ok(count === 1 || bytes.length <= limit);
          for (let at = 0; at < bytes.length; ) {
            const length = fragLengthAt(bytes, at);
            assert.ok(length <= maxFrag);
            parts.push(bytes.subarray(at + 24, at + length));
            at += length;
          }
        }
        const whole = Buffer.concat(parts);
        assert.deepEqual(new Uint8Array(whole), new Uint8Array(Buffer.concat([stub, tail])));
        // the tail is not torn apart where it fits into a fragment with what cannot be cut off before it
        const last = parts.at(-1) ?? assert.fail();
        if (maxFrag - 24 - 8 >= tail.length + 16) assert.ok(last.length >= tail.length);
        assert.ok(parts.slice(0, -1).every((part) => part.length % 8 === 0));
      },
    ),
  );
});

test('a tail that would be torn apart goes into a fragment of its own', () => {
  const head = requestHead({ callId: 1, littleEndian: true, contextId: 0, opnum: 0 });
  // room for 96 bytes: 90 of stub and 40 of tail make 80 and 50
  const source = new FragmentSource(head, new Uint8Array(90), 24 + 96, undefined, new Uint8Array(40));
  const { bytes, count } = source.next(Number.POSITIVE_INFINITY);
  assert.equal(count, 2);
  assert.equal(fragLengthAt(bytes, 0), 24 + 80);
  assert.equal(fragLengthAt(bytes, 24 + 80), 24 + 50);
});

test('alloc_hint makes nobody allocate what is not there', () => {
  const first = { callId: 1, littleEndian: true, contextId: 0, cancelCount: 0, stub: hex('0102030405060708') };
  for (const limit of [1000, 1 << 30]) {
    const assembler = new ResponseAssembler({ ...first, pfcFlags: 1, allocHint: 0xffffffff }, limit);
    assert.ok(assembler.stub.buffer.byteLength <= Math.min(limit, 256 * 1024));
  }
});

test('an answer is decoded where it stands, or copied', async () => {
  const server = await bound();
  const decoded = server.association.callAndDecode(CALL, (stub, littleEndian) => [stub.length, stub[0], littleEndian]);
  const failing = quietly(
    server.association.callAndDecode(CALL, () => {
      throw new ProtocolError('RPCH_BAD_STUB', 'test', 'test');
    }),
  );
  const copied = server.association.call(CALL);
  await server.serve();
  const { bytes } = server.response(4, hex('0102'));
  server.answer(2, hex('0a0b0c'));
  server.answer(3, hex('0a'));
  const run = new Uint8Array(bytes);
  server.association.rpc(run, 1);
  run.fill(0);
  assert.deepEqual(await decoded, [3, 10, true]);
  await assert.rejects(failing, { code: 'RPCH_BAD_STUB' });
  assert.deepEqual((await copied).stub, hex('0102'));
  assert.ok(server.association.bound);
});

test('a call that is made while an answer is decoded', async () => {
  const server = await bound(NO_MPX);
  let second: Promise<unknown> | undefined;
  const first = server.association.callAndDecode(CALL, () => {
    second = server.association.call(CALL);
  });
  await server.serve();
  server.answer(2, hex(''));
  await first;
  await server.serve();
  server.answer(3, hex(''));
  await second;
});

test('a fault is an RpcFaultError that says whether the call did not execute', async () => {
  const server = await bound();
  const calls = [0, 1, 2].map(() => quietly(server.association.call(CALL)));
  await server.serve();
  server.fault(2, 0x1c010014, PfcFlag.DID_NOT_EXECUTE);
  server.fault(3, 0x12345678);
  server.fault(4, 0xc0000005);
  await assert.rejects(calls[0] ?? assert.fail(), {
    name: 'RpcFaultError',
    status: 0x1c010014,
    didNotExecute: true,
    message: 'call 2, opnum 1: nca_s_server_too_busy',
  });
  await assert.rejects(calls[1] ?? assert.fail(), { status: 0x12345678, didNotExecute: false, message: /0x12345678/ });
  // [MS-RPCE] 3.3.2.5.1
  await assert.rejects(calls[2] ?? assert.fail(), { code: 'RPCH_BAD_FAULT' });
  assert.ok(server.association.bound);
});

test('a fault amid a large request ends its sending', async () => {
  const server = await bound();
  server.output.hasRoom = false;
  const large = quietly(server.association.call({ ...CALL, stub: new Uint8Array(1_000_000) }));
  const next = server.association.call(CALL);
  await server.serve();
  server.fault(2, 0x1c010003, PfcFlag.DID_NOT_EXECUTE);
  await assert.rejects(large, { status: 0x1c010003, didNotExecute: true });
  server.forgetRequest();
  server.drained();
  await server.serve();
  assert.equal(server.calls.length, 1);
  server.answer(3, hex(''));
  await next;
});

test('aborting sends co_cancel once; the server’s answer decides', async () => {
  const server = await bound(KEEPS);
  const controllers = [0, 1, 2].map(() => new AbortController());
  const calls = controllers.map(({ signal }) => quietly(server.association.call(CALL, { signal })));
  await server.serve();
  for (const controller of controllers) {
    controller.abort(new Error('enough'));
    controller.abort();
  }
  await server.serve();
  assert.equal(server.seen.filter((ptype) => ptype === PduType.co_cancel).length, 3);
  server.answer(2, hex('aa'));
  assert.deepEqual((await calls[0])?.stub, hex('aa'));
  server.fault(3, FaultStatus.nca_s_fault_cancel);
  await assert.rejects(calls[1] ?? assert.fail(), {
    code: 'RPCH_CALL_CANCELLED',
    fault: 'caller',
    mayHaveExecuted: true,
  });
  server.fault(4, 5);
  await assert.rejects(calls[2] ?? assert.fail(), { status: 5 });
});

test('a cancelled call that is not answered is orphaned, its late answer dropped', async () => {
  const server = await bound(KEEPS, { cancelTimeout: 100 });
  const controller = new AbortController();
  const call = quietly(server.association.call(CALL, { signal: controller.signal }));
  await server.serve();
  controller.abort('why');
  server.association.tick(1000);
  server.association.tick(1099);
  await server.serve();
  assert.ok(!server.seen.includes(PduType.orphaned));
  server.association.tick(1100);
  await assert.rejects(call, { code: 'RPCH_CALL_CANCELLED', cause: 'why', mayHaveExecuted: true });
  await server.serve();
  assert.deepEqual(server.seen.slice(-2), [PduType.co_cancel, PduType.orphaned]);
  server.answer(2, new Uint8Array(100), { maxFrag: 64 });
  assert.ok(server.association.bound);
  server.answer(2, hex(''));
  assert.equal(server.output.ended?.code, 'RPCH_NO_SUCH_CALL');
});

test('where orphaned would cost the connection it is not sent, and the answer is dropped when it comes', async () => {
  const server = await bound(NO_MPX, { callTimeout: 50 });
  const late = quietly(server.association.call(CALL));
  const waiting = quietly(server.association.call(CALL, { timeout: 1000 }));
  await server.serve();
  server.association.tick(0);
  server.association.tick(50);
  await assert.rejects(late, { code: 'RPCH_CALL_TIMED_OUT', fault: 'network', mayHaveExecuted: true });
  await server.serve();
  assert.deepEqual(server.seen, [PduType.bind, PduType.request]);
  server.answer(2, new Uint8Array(100), { maxFrag: 64 });
  await server.serve();
  assert.equal(server.calls.length, 2);
  server.answer(3, hex('01'));
  assert.deepEqual((await waiting).stub, hex('01'));
});

test('a call that has not begun ends at once, and its server never hears of it', async () => {
  const server = await bound(NO_MPX);
  const first = server.association.call(CALL);
  const controller = new AbortController();
  const second = quietly(server.association.call({ ...CALL, opnum: 2 }, { signal: controller.signal }));
  const third = quietly(server.association.call({ ...CALL, opnum: 3 }, { timeout: 10 }));
  controller.abort();
  await assert.rejects(second, { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: false });
  server.association.tick(0);
  server.association.tick(10);
  await assert.rejects(third, { code: 'RPCH_CALL_TIMED_OUT', mayHaveExecuted: false });
  await server.serve();
  server.answer(2, hex(''));
  await first;
  await server.serve();
  assert.deepEqual(server.seen, [PduType.bind, PduType.request]);
  const before = quietly(server.association.call(CALL, { signal: AbortSignal.abort() }));
  await assert.rejects(before, { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: false });
});

test('aborting amid a large request: orphaned where the connection is kept, else co_cancel behind it', async () => {
  const stub = new Uint8Array(500_000);
  const kept = await bound(KEEPS);
  const one = new AbortController();
  kept.output.hasRoom = false;
  const call = quietly(kept.association.call({ ...CALL, stub }, { signal: one.signal }));
  const next = kept.association.call(CALL);
  await kept.serve();
  one.abort();
  await assert.rejects(call, { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: false });
  kept.forgetRequest();
  kept.output.hasRoom = true;
  kept.drained();
  await kept.serve();
  assert.deepEqual(kept.seen.slice(-2), [PduType.orphaned, PduType.request]);
  kept.answer(3, hex(''));
  await next;

  const other = await bound({});
  const two = new AbortController();
  other.output.hasRoom = false;
  const late = quietly(other.association.call({ ...CALL, stub }, { signal: two.signal }));
  await other.serve();
  two.abort();
  other.output.hasRoom = true;
  other.drained();
  await other.serve();
  assert.deepEqual(other.seen.slice(-2), [PduType.request, PduType.co_cancel]);
  assert.equal(other.calls[0]?.stub.length, stub.length);
  other.fault(2, FaultStatus.nca_s_fault_cancel, PfcFlag.DID_NOT_EXECUTE);
  await assert.rejects(late, { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: false });
});

test('a lost connection rejects every call, and says which may have executed', async () => {
  const server = await bound({}, { maxCalls: 2 });
  const sent = quietly(server.association.call(CALL));
  await server.serve();
  server.output.hasRoom = false;
  const half = quietly(server.association.call({ ...CALL, stub: new Uint8Array(200_000) }));
  const queued = quietly(server.association.call(CALL));
  server.association.lost(LOST);
  const lost = { name: 'RpcCallError', code: 'RPCH_CONNECTION_LOST', fault: 'network', cause: LOST };
  await assert.rejects(sent, { ...lost, mayHaveExecuted: true });
  await assert.rejects(half, { ...lost, mayHaveExecuted: false });
  await assert.rejects(queued, { ...lost, mayHaveExecuted: false });
  assert.equal(server.output.ended, undefined);
  server.drained();
  server.association.tick(1e9);
  server.answer(2, hex(''));
});

test('a response that becomes too long rejects its call only', async () => {
  for (const script of [{}, KEEPS]) {
    const server = await bound(script, { maxResponse: 1000 });
    const call = quietly(server.association.call(CALL));
    const next = server.association.call(CALL);
    await server.serve();
    server.answer(2, new Uint8Array(1001), { maxFrag: 200 });
    await assert.rejects(call, { code: 'RPCH_RESPONSE_TOO_LONG', mayHaveExecuted: true });
    server.answer(3, new Uint8Array(1000), { maxFrag: 200 });
    assert.equal((await next).stub.length, 1000);
  }
  const alone = await bound({ features: 2, pfcFlags: 0 }, { maxResponse: 1000 });
  const call = quietly(alone.association.call(CALL));
  const next = alone.association.call(CALL);
  await alone.serve();
  alone.answer(2, new Uint8Array(3000), { maxFrag: 200 });
  await assert.rejects(call, { code: 'RPCH_RESPONSE_TOO_LONG' });
  await alone.serve();
  alone.answer(3, hex(''));
  await next;
});

test('a large response is assembled with its true length, whatever alloc_hint says', async () => {
  const server = await bound();
  const stub = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 3) & 0xff);
  for (const hint of [0, 1, 0xffffffff]) {
    const call = server.association.call(CALL);
    await server.serve();
    const run = server.response(server.calls.at(-1)?.callId ?? 0, stub);
    const bytes = new Uint8Array(run.bytes);
    new DataView(bytes.buffer).setUint32(16, hint, true);
    server.association.rpc(bytes, run.count);
    assert.deepEqual((await call).stub, stub);
  }
});

test('fragments that are not those of one response', async () => {
  const part = (pfcFlags: number, callId = 2, littleEndian = true) => {
    const bytes = new Uint8Array(
      encodeResponse({ callId, littleEndian, contextId: 0, cancelCount: 0, stub: hex('0102030405060708') }, 5840).bytes,
    );
    bytes[3] = pfcFlags;
    return bytes;
  };
  for (const [code, ...parts] of [
    ['RPCH_FOREIGN_FRAGMENT', part(0)],
    ['RPCH_FOREIGN_FRAGMENT', part(2)],
    ['RPCH_FOREIGN_FRAGMENT', part(1), part(1)],
    ['RPCH_FOREIGN_FRAGMENT', part(1), part(3)],
    ['RPCH_FOREIGN_FRAGMENT', part(1), part(2, 2, false)],
    ['RPCH_NO_SUCH_CALL', part(3, 3)],
    ['RPCH_NO_SUCH_CALL', part(3), part(3)],
  ] as const) {
    const server = await bound();
    const call = quietly(server.association.call(CALL));
    await server.serve();
    for (const bytes of parts) server.give(bytes);
    assert.equal(server.output.ended?.code, code);
    await call.catch(() => {});
  }
  const early = await bound();
  early.output.hasRoom = false;
  const call = quietly(early.association.call({ ...CALL, stub: new Uint8Array(200_000) }));
  early.give(part(3));
  assert.equal(early.output.ended?.code, 'RPCH_EARLY_RESPONSE');
  await assert.rejects(call, { code: 'RPCH_EARLY_RESPONSE' });
});

test('an object that is no UUID rejects its call only', async () => {
  const server = await bound();
  await assert.rejects(server.association.call({ ...CALL, object: 'nonsense' }), { code: 'RPCH_BAD_GUID' });
  const next = server.association.call(CALL);
  await server.serve();
  server.answer(idOf(server, 0), hex(''));
  await next;
});

test('nothing is sent while the output is full, cancels neither', async () => {
  const server = await bound(KEEPS);
  const controller = new AbortController();
  const call = quietly(server.association.call(CALL, { signal: controller.signal }));
  server.output.hasRoom = false;
  const next = server.association.call(CALL);
  controller.abort();
  server.association.tick(0);
  server.association.tick(1e6);
  await assert.rejects(call, { code: 'RPCH_CALL_CANCELLED' });
  await server.serve();
  assert.deepEqual(server.seen, [PduType.bind, PduType.request, PduType.request]);
  server.output.hasRoom = true;
  server.drained();
  await server.serve();
  assert.deepEqual(server.seen.slice(3), [PduType.co_cancel, PduType.orphaned]);
  server.answer(3, hex(''));
  await next;
});

test('listeners are taken off signals when calls are over', async () => {
  const server = await bound();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const calls = [0, 1, 2].map(() => quietly(server.association.call(CALL, { signal })));
  await server.serve();
  assert.equal(listeners, 3);
  server.answer(2, hex(''));
  server.fault(3, 5);
  server.association.lost(LOST);
  await Promise.allSettled(calls);
  assert.equal(listeners, 0);
  await settle();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpcFaultError } from '../../src/dcerpc/fault.ts';
import { defineInterface } from '../../src/dcerpc/interface-declaration.ts';
import type { RpcCall } from '../../src/dcerpc/rpc-interface.ts';
import { serverInterface } from '../../src/dcerpc/server-interface.ts';
import { conformantArray, input, output, procedure, uint8, uint32 } from '../../src/ndr/mod.ts';
import { rpcCall } from '../interfaces/support.ts';
import { hex, u32 } from './support.ts';

const declaration = defineInterface({
  name: 'counter',
  uuid: '6A07E9B5-0000-4000-8000-000000000001',
  version: [1, 2],
  procedures: {
    add: procedure({ name: 'Add', opnum: 0, parameters: { a: input(uint32), sum: output(uint32) } }),
    later: procedure({ name: 'Later', opnum: 2, parameters: { a: input(uint32) }, returns: uint32 }),
    nothing: procedure({ name: 'Nothing', opnum: 3, parameters: {}, returns: uint8 }),
  },
});

function begin() {
  const seen: RpcCall[] = [];
  const served = serverInterface(
    declaration,
    {
      add: ({ a }, call) => {
        seen.push(call);
        if (a === 0) throw new RpcFaultError(0x1c000024);
        return { sum: a + 1 };
      },
      later: async ({ a }) => {
        if (a === 0) throw new RpcFaultError(0x1c000024);
        return { result: a };
      },
      nothing: () => ({ result: 256 }),
    },
    { minimumLevel: 6 },
  );
  return { served, seen };
}

test('requests are decoded, answers encoded, in the byte order of the request, at once where the handler answers at once', () => {
  const { served, seen } = begin();
  const call = rpcCall();
  assert.deepEqual(served.handle(0, u32(41), true, call), u32(42));
  assert.deepEqual(served.handle(0, u32(41, false), false, call), u32(42, false));
  assert.equal(seen[0], call);
  assert.equal(served.name, 'counter');
  assert.deepEqual(served.syntax, { uuid: '6a07e9b5-0000-4000-8000-000000000001', version: 0x20001 });
  assert.equal(served.minimumLevel, 6);
});

test('bytes of a request are not copied for the handler, and those of other stubs are', () => {
  const bytes = { len: input(uint32), data: input(conformantArray(uint8, { size_is: 'len' })) };
  const put = procedure({ name: 'Put', opnum: 0, parameters: bytes });
  const uuid = '6a07e9b5-0000-4000-8000-000000000002';
  const sink = defineInterface({ name: 'sink', uuid, version: [1, 0], procedures: { put } });
  const given: Uint8Array[] = [];
  const served = serverInterface(sink, {
    put: ({ data }) => {
      given.push(data);
      return {};
    },
  });
  const stub = hex('03000000 03000000 010203');
  served.handle(0, stub, true, rpcCall());
  const copied = put.decodeRequest(stub, true).data;
  stub.fill(9, 8);
  assert.deepEqual(given, [hex('090909')]);
  assert.deepEqual(copied, hex('010203'));
});

test('a handler may take its time', async () => {
  const answer = begin().served.handle(2, u32(7), true, rpcCall());
  assert.ok(answer instanceof Promise);
  assert.deepEqual(await answer, u32(7));
});

test('faults of handlers come through, and operations that are not declared do not exist', async () => {
  const { served } = begin();
  assert.throws(() => served.handle(0, u32(0), true, rpcCall()), { status: 0x1c000024 });
  await assert.rejects(async () => served.handle(2, u32(0), true, rpcCall()), { status: 0x1c000024 });
  for (const opnum of [1, 4, 0xffff]) {
    assert.throws(() => served.handle(opnum, hex(''), true, rpcCall()), { status: 0x1c010002 });
  }
});

test("a stub that does not decode is the client's fault, a result that does not encode the handler's", () => {
  const { served } = begin();
  assert.throws(() => served.handle(0, hex('010203'), true, rpcCall()), { name: 'ProtocolError' });
  assert.throws(() => served.handle(3, hex(''), true, rpcCall()), { code: 'RPCH_NDR_VALUE', fault: 'caller' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bindClient,
  type Call,
  type CallOptions,
  type ClientOf,
  defineInterface,
  type HandlersOf,
} from '../../src/dcerpc/interface-declaration.ts';
import { conformantArray, input, output, procedure, uint8, uint32 } from '../../src/ndr/mod.ts';
import { hex, sameType } from '../ndr/support.ts';

const declaration = defineInterface({
  name: 'demo',
  uuid: '60A15EC5-4de8-11d7-a637-005056a20182',
  version: [3, 1],
  procedures: {
    addOne: procedure({ name: 'AddOne', opnum: 0, parameters: { in_data: input(uint32), out_data: output(uint32) } }),
    source: procedure({
      name: 'Source',
      opnum: 5,
      parameters: { len: input(uint32), data: output(conformantArray(uint8, { size_is: 'len' })) },
      returns: uint32,
    }),
    stop: procedure({ name: 'Stop', opnum: 2, parameters: {}, returns: uint32 }),
  },
});

test('a declaration has its syntax identifier, and its operations by number', () => {
  assert.deepEqual(declaration.syntax, { uuid: '60a15ec5-4de8-11d7-a637-005056a20182', version: 0x0001_0003 });
  assert.equal(declaration.operation(5)?.method, 'source');
  assert.equal(declaration.operation(5)?.procedure, declaration.procedures.source);
  for (const opnum of [1, 6, -1, 0.5]) assert.equal(declaration.operation(opnum), undefined);
});

test('one opnum cannot be two operations', () => {
  const one = procedure({ name: 'One', opnum: 1, parameters: {} });
  assert.throws(() => defineInterface({ name: 'x', uuid: 'x', version: [1, 0], procedures: { a: one, b: one } }), {
    code: 'RPCH_NDR_DECLARATION',
  });
});

test('the methods of clients and servers have the types of the declaration', () => {
  type Client = ClientOf<typeof declaration>;
  sameType<
    Client['addOne'],
    (input: { readonly in_data: number }, options?: CallOptions) => Promise<{ readonly out_data: number }>
  >(true);
  sameType<ReturnType<Client['source']>, Promise<{ readonly data: Uint8Array; readonly result: number }>>(true);
  sameType<Parameters<Client['stop']>[1], CallOptions | undefined>(true);
  sameType<undefined extends Parameters<Client['stop']>[0] ? true : false, true>(true);
  sameType<keyof Client, 'addOne' | 'source' | 'stop'>(true);

  const handlers: HandlersOf<typeof declaration, { readonly user: string }> = {
    addOne: ({ in_data }) => ({ out_data: in_data + 1 }),
    source: async ({ len }, { user }) => ({ data: new Uint8Array(len), result: user.length }),
    stop: () => ({ result: 0 }),
  };
  assert.deepEqual(handlers.addOne({ in_data: 1 }, { user: '' }), { out_data: 2 });
});

/** Answers each call with what `answer` says, and notes the calls. */
function recorder(answer: string, littleEndian = true): { readonly call: Call; readonly calls: unknown[] } {
  const calls: unknown[] = [];
  const call: Call = async (opnum, stub, decode, options) => {
    calls.push([opnum, hex(stub), options]);
    return decode(new Uint8Array(Buffer.from(answer, 'hex')), littleEndian);
  };
  return { call, calls };
}

test('a client encodes its input, passes its options on, and decodes the answer in the byte order that it has', async () => {
  const { call, calls } = recorder('0000002a', false);
  const client = bindClient(declaration, call);
  const options = { timeout: 5, object: '00000000-0000-0000-0000-000000000001' };
  assert.deepEqual(await client.addOne({ in_data: 41 }, options), { out_data: 42 });
  assert.deepEqual(await client.stop(), { result: 42 });
  assert.deepEqual(calls, [
    [0, '29000000', options],
    [2, '', undefined],
  ]);
});

test('what is wrong with a call rejects it', async () => {
  const { call, calls } = recorder('03000000010203ff00000000');
  const client = bindClient(declaration, call);
  assert.deepEqual(await client.source({ len: 3 }), { data: Uint8Array.of(1, 2, 3), result: 0 });
  await assert.rejects(client.source({ len: 4 }), { name: 'ProtocolError', code: 'RPCH_BAD_CONFORMANCE' });
  await assert.rejects(client.addOne({ in_data: -1 }), { code: 'RPCH_NDR_VALUE' });
  assert.equal(calls.length, 2);
  const failing = bindClient(declaration, () => Promise.reject(new Error('lost')));
  await assert.rejects(failing.stop(), { message: 'lost' });
});

test('clients of one declaration share their methods, and not their calls', async () => {
  const one = bindClient(declaration, recorder('01000000').call);
  const two = bindClient(declaration, recorder('02000000').call);
  assert.equal(one.stop, two.stop);
  assert.deepEqual(await one.stop(), { result: 1 });
  assert.deepEqual(await two.stop(), { result: 2 });
  const other = defineInterface({ name: 'y', uuid: 'y', version: [1, 0], procedures: declaration.procedures });
  assert.notEqual(bindClient(other, recorder('').call).stop, one.stop);
});

test('requests are encoded in the byte order asked for', async () => {
  const { call, calls } = recorder('2a000000');
  assert.deepEqual(await bindClient(declaration, call, false).addOne({ in_data: 41 }), { out_data: 42 });
  assert.deepEqual(calls, [[0, '00000029', undefined]]);
});

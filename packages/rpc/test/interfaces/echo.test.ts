import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RpcFaultError } from '../../src/dcerpc/fault.ts';
import { ProtocolError } from '../../src/errors.ts';
import {
  EchoOpnum,
  echoDeclaration,
  echoInterface,
  echoServer,
  MAX_SLEEP,
  MAX_SOURCE_DATA,
} from '../../src/interfaces/echo.ts';
import { clientOf, rpcCall } from './support.ts';

const { AddOne, EchoData, SinkData, SourceData } = EchoOpnum;

function call(opnum: number, stub: string | Uint8Array, littleEndian = true): Uint8Array {
  const bytes = typeof stub === 'string' ? new Uint8Array(Buffer.from(stub.replaceAll(' ', ''), 'hex')) : stub;
  const answer = echoInterface.handle(opnum, bytes, littleEndian, rpcCall());
  assert.ok(answer instanceof Uint8Array);
  return answer;
}

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('AddOne counts in 32 bits, in the byte order of the request', () => {
  assert.equal(toHex(call(AddOne, '29000000')), '2a000000');
  assert.equal(toHex(call(AddOne, '00000029', false)), '0000002a');
  assert.equal(toHex(call(AddOne, 'ffffffff')), '00000000');
  assert.equal(toHex(call(AddOne, 'ffffff7f')), '00000080');
});

test('EchoData returns a conformant array', () => {
  assert.equal(toHex(call(EchoData, '03000000 03000000 616263')), '03000000616263');
  assert.equal(toHex(call(EchoData, '00000003 00000003 616263', false)), '00000003616263');
  assert.equal(toHex(call(EchoData, '00000000 00000000')), '00000000');
});

test('a stub may be padded, but not filled', () => {
  assert.equal(toHex(call(EchoData, '03000000 03000000 616263 00')), '03000000616263');
  assert.equal(toHex(call(AddOne, '29000000 00000000 000000')), '2a000000');
  assert.throws(() => call(AddOne, '29000000 00000000 00000000'), { code: 'RPCH_TRAILING_BYTES' });
});

test('array counts are checked against len and against what is there', () => {
  for (const opnum of [EchoData, SinkData]) {
    assert.throws(() => call(opnum, '03000000 04000000 61626364'), { code: 'RPCH_BAD_CONFORMANCE' });
    assert.throws(() => call(opnum, '04000000 04000000 616263'), { code: 'RPCH_SHORT_FRAME' });
    assert.throws(() => call(opnum, 'ffffffff ffffffff 616263'), { code: 'RPCH_SHORT_FRAME' });
  }
});

test('SinkData answers nothing', () => {
  assert.equal(call(SinkData, '03000000 03000000 616263').length, 0);
});

test('SourceData counts through the bytes, up to its limit', () => {
  assert.equal(toHex(call(SourceData, '03000000')), '03000000000102');
  assert.equal(toHex(call(SourceData, '00000000')), '00000000');
  for (const length of [255, 256, 257, 1000, MAX_SOURCE_DATA]) {
    const stub = new Uint8Array(4);
    new DataView(stub.buffer).setUint32(0, length);
    const data = call(SourceData, stub, false).subarray(4);
    assert.equal(data.length, length);
    assert.ok(data.every((byte, i) => byte === (i & 0xff)));
  }
  const tooMuch = new Uint8Array(4);
  new DataView(tooMuch.buffer).setUint32(0, MAX_SOURCE_DATA + 1, true);
  assert.throws(() => call(SourceData, tooMuch), { status: 0x1c010013 });
});

test('operations that do not exist', () => {
  for (const opnum of [10, 11, 0xffff]) assert.throws(() => call(opnum, ''), { status: 0x1c010002 });
});

test('strings, unions, enumerations, structures and pointers, as Samba answers them', async () => {
  const echo = clientOf(echoDeclaration, echoInterface);
  assert.deepEqual(await echo.testCall({ s1: 'input string' }), { s2: 'input string' });
  const infos: readonly [number, unknown][] = [
    [1, { v: 10 }],
    [2, { v: 20 }],
    [3, { v: 30 }],
    [4, { v: 40n }],
    [5, { v1: 50, v2: 60n }],
    [6, { v1: 70, info1: { v: 80 } }],
    [7, { v1: 80, info4: { v: 90n } }],
  ];
  for (const [level, value] of infos) {
    assert.deepEqual(await echo.testCall2({ level }), { info: { case: level, value }, result: 0 });
  }
  await assert.rejects(echo.testCall2({ level: 8 }), { status: 0x1c000006 });
  const foo3 = { case: 1, value: 2 } as const;
  assert.deepEqual(await echo.testEnum({ foo2: { e1: 1, e2: 2 }, foo3 }), { foo2: { e1: 2, e2: 2 }, foo3 });
  const surrounding = await echo.testSurrounding({ data: { surrounding: [1, 2, 3] } });
  assert.deepEqual(surrounding.data.surrounding, [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(await echo.testDoublePointer({ data: 12 }), { result: 12 });
  assert.deepEqual(await echo.testDoublePointer({ data: null }), { result: 0 });
});

test('the wire form of TestDoublePointer with a null pointer inside, and of TestEnum', () => {
  assert.equal(toHex(call(EchoOpnum.TestDoublePointer, '01000200 00000000')), '0000');
  assert.equal(toHex(call(EchoOpnum.TestDoublePointer, '01000200 02000200 0c00')), '0c00');
  // foo1 u16, foo2 {e1 u16, pad 2, e2 u32}, foo3 {discriminant u16, e1 u16}
  const stub = '0100 0000 0100 0000 02000000 0100 0200';
  assert.equal(toHex(call(EchoOpnum.TestEnum, stub)), '01000000020000000200000001000200');
});

test('TestSleep waits as long as it is told, gives up with its call, and needs somebody who can wait', async () => {
  const slept: [number, AbortSignal][] = [];
  const served = echoServer({
    sleep: async (milliseconds, signal) => {
      slept.push([milliseconds, signal]);
      signal.throwIfAborted();
    },
  });
  const context = rpcCall();
  assert.deepEqual(await clientOf(echoDeclaration, served, context).testSleep({ seconds: 2 }), { result: 2 });
  assert.deepEqual(slept, [[2000, context.signal]]);
  const signal = AbortSignal.abort(new RpcFaultError(0x1c00000d));
  await assert.rejects(clientOf(echoDeclaration, served, rpcCall({ signal })).testSleep({ seconds: 2 }), {
    status: 0x1c00000d,
  });
  await assert.rejects(clientOf(echoDeclaration, served).testSleep({ seconds: MAX_SLEEP + 1 }), { status: 5 });
  await assert.rejects(clientOf(echoDeclaration, echoInterface).testSleep({ seconds: 1 }), { status: 0x6d8 });
});

test('every prefix of a stub is a ProtocolError', () => {
  const stub = new Uint8Array(Buffer.from('0300000003000000616263', 'hex'));
  for (let length = 0; length < stub.length; length++) {
    assert.throws(() => call(EchoData, stub.subarray(0, length)), ProtocolError);
    assert.throws(() => call(SinkData, stub.subarray(0, length)), ProtocolError);
    if (length < 4) assert.throws(() => call(AddOne, stub.subarray(0, length)), ProtocolError);
    if (length < 4) assert.throws(() => call(SourceData, stub.subarray(0, length)), ProtocolError);
  }
});

test('random stubs give an answer, a ProtocolError or a fault', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 10),
      fc.uint8Array({ maxLength: 40 }),
      fc.boolean(),
      (opnum, stub, le) => {
        try {
          call(opnum, stub, le);
        } catch (error) {
          assert.ok(error instanceof ProtocolError || error instanceof RpcFaultError);
        }
      },
    ),
  );
});

test('EchoData gives back what it gets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (data, le) => {
      const stub = new Uint8Array(8 + data.length);
      const view = new DataView(stub.buffer);
      view.setUint32(0, data.length, le);
      view.setUint32(4, data.length, le);
      stub.set(data, 8);
      assert.deepEqual(call(EchoData, stub, le), stub.slice(4));
    }),
  );
});

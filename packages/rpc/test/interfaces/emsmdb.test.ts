import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '../../src/bytes/writer.ts';
import { ProtocolError } from '../../src/errors.ts';
import { asyncEmsmdbDeclaration } from '../../src/interfaces/asyncemsmdb.ts';
import { emsmdbDeclaration, MAX_AUX_BUFFER, MAX_ROP_BUFFER } from '../../src/interfaces/emsmdb.ts';

const { procedures } = emsmdbDeclaration;
const CXH = { attributes: 0, uuid: '03020100-0504-0706-0809-0a0b0c0d0e0f' };
const CXH_BYTES = Uint8Array.from([0, 0, 0, 0, ...Array.from({ length: 16 }, (_, i) => i)]);

test('[MS-OXCRPC] 1.9: identities; the version is a major and a minor half', () => {
  assert.deepEqual(emsmdbDeclaration.syntax, { uuid: 'a4f1db00-ca47-1067-b31f-00dd010662da', version: 0x00510000 });
  assert.deepEqual(asyncEmsmdbDeclaration.syntax, {
    uuid: '5261574a-4572-206e-b268-6b199213b4e4',
    version: 0x00010000,
  });
});

const CONNECT = {
  szUserDN: '/o=X/cn=a',
  ulFlags: 1,
  ulConMod: 2,
  cbLimit: 3,
  ulCpid: 1252,
  ulLcidString: 0x409,
  ulLcidSort: 0x407,
  ulIcxrLink: 0xffffffff,
  usFCanConvertCodePages: 1,
  rgwClientVersion: [0x000c, 0x183e, 0x03e8],
  pulTimeStamp: 7,
  rgbAuxIn: Uint8Array.of(1, 2, 3),
  pcbAuxOut: 0x1008,
};

/** [MS-OXCRPC] 3.1.4.1, field by field. */
function connectStub(): Uint8Array {
  const writer = new Writer().u32(10).u32(0).u32(10).bytes(Buffer.from('/o=X/cn=a\0')).align(4);
  for (const value of [1, 2, 3, 1252, 0x409, 0x407, 0xffffffff]) writer.u32(value);
  writer.u16(1).u16(0x000c).u16(0x183e).u16(0x03e8).align(4).u32(7);
  return writer
    .u32(3)
    .bytes(Uint8Array.of(1, 2, 3))
    .align(4)
    .u32(3)
    .u32(0x1008)
    .finish();
}

test('[MS-OXCRPC] 3.1.4.1: EcDoConnectEx, both ways', () => {
  assert.deepEqual(procedures.ecDoConnectEx.encodeRequest(CONNECT), connectStub());
  assert.deepEqual(procedures.ecDoConnectEx.decodeRequest(connectStub(), true), CONNECT);
  const response = {
    pcxh: CXH,
    pcmsPollsMax: 60000,
    pcRetry: 6,
    pcmsRetryDelay: 10000,
    piCxr: 5,
    szDNPrefix: '',
    szDisplayName: 'abc',
    rgwServerVersion: [0x0800, 0x82b4, 3],
    rgwBestVersion: [0x000c, 0x183e, 0x03e8],
    pulTimeStamp: 9,
    rgbAuxOut: Uint8Array.of(8, 9),
    result: 0,
  };
  const stub = procedures.ecDoConnectEx.encodeResponse(response, CONNECT);
  const writer = new Writer().bytes(CXH_BYTES).u32(60000).u32(6).u32(10000).u16(5).align(4);
  writer.u32(0x00020000).u32(1).u32(0).u32(1).u8(0).align(4);
  writer.u32(0x00020004).u32(4).u32(0).u32(4).bytes(Buffer.from('abc\0'));
  for (const word of [0x0800, 0x82b4, 3, 0x000c, 0x183e, 0x03e8]) writer.u16(word);
  writer.u32(9).u32(2).u32(0).u32(2).u8(8).u8(9).align(4).u32(2).u32(0);
  assert.deepEqual(stub, writer.finish());
  assert.deepEqual(procedures.ecDoConnectEx.decodeResponse(stub, true, CONNECT), response);
});

test('[MS-OXCRPC] 3.1.4.2: EcDoRpcExt2, both ways', () => {
  const request = {
    pcxh: CXH,
    pulFlags: 3,
    rgbIn: Uint8Array.of(1, 2, 3, 4, 5),
    pcbOut: 0x8007,
    rgbAuxIn: new Uint8Array(0),
    pcbAuxOut: 0x1008,
  };
  const writer = new Writer().bytes(CXH_BYTES).u32(3).u32(5).bytes(request.rgbIn).align(4).u32(5).u32(0x8007);
  const stub = writer.u32(0).u32(0).u32(0x1008).finish();
  assert.deepEqual(procedures.ecDoRpcExt2.encodeRequest(request), stub);
  assert.deepEqual(procedures.ecDoRpcExt2.decodeRequest(stub, true), request);
  const response = {
    pcxh: CXH,
    pulFlags: 0,
    rgbOut: Uint8Array.of(1, 2, 3),
    rgbAuxOut: new Uint8Array(0),
    pulTransTime: 4,
    result: 0,
  };
  const answer = new Writer().bytes(CXH_BYTES).u32(0).u32(3).u32(0).u32(3).bytes(response.rgbOut).align(4).u32(3);
  answer.u32(0).u32(0).u32(0).u32(0).u32(4).u32(0);
  assert.deepEqual(procedures.ecDoRpcExt2.encodeResponse(response, request), answer.finish());
});

test('[MS-OXCRPC] 2.2.2: sizes out of range, and counts that disagree, do not decode', () => {
  const request = {
    pcxh: CXH,
    pulFlags: 0,
    rgbIn: new Uint8Array(8),
    pcbOut: MAX_ROP_BUFFER,
    rgbAuxIn: new Uint8Array(0),
    pcbAuxOut: MAX_AUX_BUFFER,
  };
  const stub = procedures.ecDoRpcExt2.encodeRequest(request);
  procedures.ecDoRpcExt2.decodeRequest(stub, true);
  const changed = (offset: number, value: number) => {
    const bytes = stub.slice();
    new DataView(bytes.buffer).setUint32(offset, value, true);
    return bytes;
  };
  // cbIn, pcbOut, cbAuxIn, pcbAuxOut
  for (const [offset, value] of [
    [36, 9],
    [40, MAX_ROP_BUFFER + 1],
    [48, 1],
    [52, MAX_AUX_BUFFER + 1],
  ] as const) {
    assert.throws(() => procedures.ecDoRpcExt2.decodeRequest(changed(offset, value), true), ProtocolError);
  }
});

test('the asynchronous pair: a second handle, and a wait on it', () => {
  const { ecDoAsyncWaitEx } = asyncEmsmdbDeclaration.procedures;
  const stub = new Writer().bytes(CXH_BYTES).u32(0).finish();
  assert.deepEqual(ecDoAsyncWaitEx.encodeRequest({ acxh: CXH, ulFlagsIn: 0 }), stub);
  const answer = ecDoAsyncWaitEx.encodeResponse({ pulFlagsOut: 1, result: 0 }, { acxh: CXH, ulFlagsIn: 0 });
  assert.deepEqual(answer, new Writer().u32(1).u32(0).finish());
  const connected = procedures.ecDoAsyncConnectEx.encodeResponse({ pacxh: CXH, result: 0x7ee }, { cxh: CXH });
  assert.deepEqual(connected, new Writer().bytes(CXH_BYTES).u32(0x7ee).finish());
});

import { defineInterface } from '../dcerpc/interface-declaration.ts';
import {
  char,
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  fixedArray,
  input,
  inputOutput,
  output,
  procedure,
  range,
  string,
  uint8,
  uint16,
  uint32,
  unique,
} from '../ndr/mod.ts';

/** Operation numbers of EMSMDB that are in use; all others are reserved ([MS-OXCRPC] 3.1.4). */
export const EmsmdbOpnum = {
  EcDoDisconnect: 1,
  EcRRegisterPushNotification: 4,
  EcDummyRpc: 6,
  EcDoConnectEx: 10,
  EcDoRpcExt2: 11,
  EcDoAsyncConnectEx: 14,
} as const;

/** The largest rgbIn and rgbOut, in bytes: BIG_RANGE_ULONG ([MS-OXCRPC] 2.2.2). More is a fault rpc_x_bad_stub_data. */
export const MAX_ROP_BUFFER = 0x40000;
/** The largest rgbAuxIn and rgbAuxOut, in bytes: SMALL_RANGE_ULONG ([MS-OXCRPC] 2.2.2). More is the same fault. */
export const MAX_AUX_BUFFER = 0x1008;

const bigRange = range(uint32, 0, MAX_ROP_BUFFER);
const smallRange = range(uint32, 0, MAX_AUX_BUFFER);
/** Three words that stand for four numbers ([MS-OXCRPC] 3.1.4.1.3). */
const version = fixedArray(uint16, 3);
const auxOut = conformantVaryingArray(uint8, { size_is: 'pcbAuxOut', length_is: 'pcbAuxOut' });

/**
 * EMSMDB, version 0.81 ([MS-OXCRPC] 3.1.4): sessions with an information store, and the ROPs that are done in them. Strings are 8-bit,
 * in the code page `ulCpid` of their call.
 */
export const emsmdbDeclaration = defineInterface({
  name: 'emsmdb',
  uuid: 'a4f1db00-ca47-1067-b31f-00dd010662da',
  version: [0, 81],
  procedures: {
    ecDoDisconnect: procedure({
      name: 'EcDoDisconnect',
      opnum: EmsmdbOpnum.EcDoDisconnect,
      parameters: { pcxh: inputOutput(contextHandle) },
      returns: uint32,
    }),
    ecRRegisterPushNotification: procedure({
      name: 'EcRRegisterPushNotification',
      opnum: EmsmdbOpnum.EcRRegisterPushNotification,
      parameters: {
        pcxh: inputOutput(contextHandle),
        iRpc: input(uint32),
        rgbContext: input(conformantArray(uint8, { size_is: 'cbContext' })),
        cbContext: input(uint16),
        grbitAdviseBits: input(uint32),
        rgbCallbackAddress: input(conformantArray(uint8, { size_is: 'cbCallbackAddress' })),
        cbCallbackAddress: input(uint16),
        hNotification: output(uint32),
      },
      returns: uint32,
    }),
    ecDummyRpc: procedure({
      name: 'EcDummyRpc',
      opnum: EmsmdbOpnum.EcDummyRpc,
      parameters: {},
      returns: uint32,
    }),
    ecDoConnectEx: procedure({
      name: 'EcDoConnectEx',
      opnum: EmsmdbOpnum.EcDoConnectEx,
      parameters: {
        pcxh: output(contextHandle),
        szUserDN: input(string(char)),
        ulFlags: input(uint32),
        ulConMod: input(uint32),
        cbLimit: input(uint32),
        ulCpid: input(uint32),
        ulLcidString: input(uint32),
        ulLcidSort: input(uint32),
        ulIcxrLink: input(uint32),
        usFCanConvertCodePages: input(uint16),
        pcmsPollsMax: output(uint32),
        pcRetry: output(uint32),
        pcmsRetryDelay: output(uint32),
        piCxr: output(uint16),
        szDNPrefix: output(unique(string(char))),
        szDisplayName: output(unique(string(char))),
        rgwClientVersion: input(version),
        rgwServerVersion: output(version),
        rgwBestVersion: output(version),
        pulTimeStamp: inputOutput(uint32),
        rgbAuxIn: input(conformantArray(uint8, { size_is: 'cbAuxIn' })),
        cbAuxIn: input(smallRange),
        rgbAuxOut: output(auxOut),
        pcbAuxOut: inputOutput(smallRange),
      },
      returns: uint32,
    }),
    ecDoRpcExt2: procedure({
      name: 'EcDoRpcExt2',
      opnum: EmsmdbOpnum.EcDoRpcExt2,
      parameters: {
        pcxh: inputOutput(contextHandle),
        pulFlags: inputOutput(uint32),
        rgbIn: input(conformantArray(uint8, { size_is: 'cbIn' })),
        cbIn: input(bigRange),
        rgbOut: output(conformantVaryingArray(uint8, { size_is: 'pcbOut', length_is: 'pcbOut' })),
        pcbOut: inputOutput(bigRange),
        rgbAuxIn: input(conformantArray(uint8, { size_is: 'cbAuxIn' })),
        cbAuxIn: input(smallRange),
        rgbAuxOut: output(auxOut),
        pcbAuxOut: inputOutput(smallRange),
        pulTransTime: output(uint32),
      },
      returns: uint32,
    }),
    ecDoAsyncConnectEx: procedure({
      name: 'EcDoAsyncConnectEx',
      opnum: EmsmdbOpnum.EcDoAsyncConnectEx,
      parameters: { cxh: input(contextHandle), pacxh: output(contextHandle) },
      returns: uint32,
    }),
  },
});

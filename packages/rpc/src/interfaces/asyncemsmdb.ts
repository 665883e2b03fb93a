import { defineInterface } from '../dcerpc/interface-declaration.ts';
import { contextHandle, input, output, procedure, uint32 } from '../ndr/mod.ts';

/** pulFlagsOut of EcDoAsyncWaitEx: EcDoRpcExt2 will bring events ([MS-OXCRPC] 3.3.4.1). */
export const NOTIFICATION_PENDING = 0x00000001;

/** AsyncEMSMDB, version 0.01 ([MS-OXCRPC] 3.3.4): a call that is answered when there are events for a session. */
export const asyncEmsmdbDeclaration = defineInterface({
  name: 'asyncemsmdb',
  uuid: '5261574a-4572-206e-b268-6b199213b4e4',
  version: [0, 1],
  procedures: {
    ecDoAsyncWaitEx: procedure({
      name: 'EcDoAsyncWaitEx',
      opnum: 0,
      parameters: { acxh: input(contextHandle), ulFlagsIn: input(uint32), pulFlagsOut: output(uint32) },
      returns: uint32,
    }),
  },
});

import { ErrorCode } from '../error-code.ts';
import type { Earlier } from './field.ts';
import { bin16, objectId, reserved, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { SIZE_FOLLOWS } from './stream.ts';
import { arrayOf, when } from './structures.ts';
import { propertyTags } from './values.ts';

/** TransferStatus ([MS-OXCFXICS] 2.2.3.1.1.5.2). */
const TransferStatus = { Error: 0, Partial: 1, NoRoom: 2, Done: 3 } as const;

/** [MS-OXCROPS] 2.2.12.1 */
export const FastTransferDestinationConfigure = defineRop({
  id: 0x53,
  name: 'FastTransferDestinationConfigure',
  header: 'in+out',
  request: { sourceOperation: u8, copyFlags: u8 },
  response: {},
});

const putBuffer = {
  transferStatus: u16,
  inProgressCount: u16,
  totalStepCount: u16,
  reserved: reserved(u8, 0),
  bufferUsedSize: u16,
};

const nothingPut = {
  transferStatus: TransferStatus.Error,
  inProgressCount: 0,
  totalStepCount: 0,
  bufferUsedSize: 0,
};

/** [MS-OXCROPS] 2.2.12.2 */
export const FastTransferDestinationPutBuffer = defineRop({
  id: 0x54,
  name: 'FastTransferDestinationPutBuffer',
  header: 'in',
  request: { transferData: bin16 },
  response: putBuffer,
  failure: { fields: putBuffer, nothingDone: () => nothingPut },
});

const putBufferExtended = { ...putBuffer, inProgressCount: u32, totalStepCount: u32 };

/** [MS-OXCROPS] 2.2.12.3 */
export const FastTransferDestinationPutBufferExtended = defineRop({
  id: 0x9d,
  name: 'FastTransferDestinationPutBufferExtended',
  header: 'in',
  request: { transferData: bin16 },
  response: putBufferExtended,
  failure: { fields: putBufferExtended, nothingDone: () => nothingPut },
});

const gotBuffer = {
  transferStatus: u16,
  inProgressCount: u16,
  totalStepCount: u16,
  reserved: reserved(u8, 0),
  transferBuffer: bin16,
};

/** [MS-OXCROPS] 2.2.12.4 */
export const FastTransferSourceGetBuffer = defineRop({
  id: 0x4e,
  name: 'FastTransferSourceGetBuffer',
  header: 'in',
  request: { bufferSize: u16, maximumBufferSize: when(({ bufferSize }) => bufferSize === SIZE_FOLLOWS, u16) },
  response: gotBuffer,
  failure: {
    fields: {
      ...gotBuffer,
      backoffTime: when((earlier: Earlier) => earlier.returnValue === ErrorCode.ServerBusy, u32),
    },
    nothingDone: () => ({
      transferStatus: TransferStatus.Error,
      inProgressCount: 0,
      totalStepCount: 0,
      transferBuffer: new Uint8Array(),
      backoffTime: 0,
    }),
  },
});

/** [MS-OXCROPS] 2.2.12.5 */
export const FastTransferSourceCopyFolder = defineRop({
  id: 0x4c,
  name: 'FastTransferSourceCopyFolder',
  header: 'in+out',
  request: { copyFlags: u8, sendOptions: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.12.6 */
export const FastTransferSourceCopyMessages = defineRop({
  id: 0x4b,
  name: 'FastTransferSourceCopyMessages',
  header: 'in+out',
  request: { messageIds: arrayOf(u16, objectId), copyFlags: u8, sendOptions: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.12.7: all properties but those of the tags. */
export const FastTransferSourceCopyTo = defineRop({
  id: 0x4d,
  name: 'FastTransferSourceCopyTo',
  header: 'in+out',
  request: { level: u8, copyFlags: u32, sendOptions: u8, propertyTags },
  response: {},
});

/** [MS-OXCROPS] 2.2.12.8: the properties of the tags. */
export const FastTransferSourceCopyProperties = defineRop({
  id: 0x69,
  name: 'FastTransferSourceCopyProperties',
  header: 'in+out',
  request: { level: u8, copyFlags: u8, sendOptions: u8, propertyTags },
  response: {},
});

/** [MS-OXCROPS] 2.2.12.9 */
export const TellVersion = defineRop({
  id: 0x86,
  name: 'TellVersion',
  header: 'in',
  request: { version: arrayOf(3, u16) },
  response: {},
});

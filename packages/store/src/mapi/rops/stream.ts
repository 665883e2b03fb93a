import { ErrorCode } from '../error-code.ts';
import type { Earlier } from './field.ts';
import { bin16, i64, propertyTag, u8, u16, u32, u64 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { when } from './structures.ts';

/** OpenModeFlags of RopOpenStream ([MS-OXCPRPT] 2.2.14.1). */
export const OpenStreamFlags = { ReadOnly: 0, ReadWrite: 1, Create: 2, BestAccess: 3 } as const;

/** Origin of RopSeekStream ([MS-OXCPRPT] 2.2.17.1). */
export const StreamOrigin = { Beginning: 0, Current: 1, End: 2 } as const;

/** The ByteCount, or BufferSize, that says that a larger number follows ([MS-OXCROPS] 2.2.9.2.1, 2.2.12.4.1). */
export const SIZE_FOLLOWS = 0xbabe;

const nothingRead = { data: new Uint8Array() };
const nothingWritten = { writtenSize: 0 };

/** [MS-OXCROPS] 2.2.9.1 */
export const OpenStream = defineRop({
  id: 0x2b,
  name: 'OpenStream',
  header: 'in+out',
  request: { propertyTag, openModeFlags: u8 },
  response: { streamSize: u32 },
});

/** [MS-OXCROPS] 2.2.9.2 */
export const ReadStream = defineRop({
  id: 0x2c,
  name: 'ReadStream',
  header: 'in',
  request: { byteCount: u16, maximumByteCount: when(({ byteCount }) => byteCount === SIZE_FOLLOWS, u32) },
  response: { data: bin16 },
  failure: { fields: { data: bin16 }, nothingDone: () => nothingRead, mayBeAbsent: {} },
});

/** [MS-OXCROPS] 2.2.9.3 */
export const WriteStream = defineRop({
  id: 0x2d,
  name: 'WriteStream',
  header: 'in',
  request: { data: bin16 },
  response: { writtenSize: u16 },
  failure: { fields: { writtenSize: u16 }, nothingDone: () => nothingWritten, mayBeAbsent: {} },
});

/** [MS-OXCROPS] 2.2.9.4 */
export const WriteStreamExtended = defineRop({
  id: 0xa3,
  name: 'WriteStreamExtended',
  header: 'in',
  request: { data: bin16 },
  response: { writtenSize: u32 },
  failure: { fields: { writtenSize: u32 }, nothingDone: () => nothingWritten, mayBeAbsent: {} },
});

/** [MS-OXCROPS] 2.2.9.5 */
export const CommitStream = defineRop({ id: 0x5d, name: 'CommitStream', header: 'in', request: {}, response: {} });

/** [MS-OXCROPS] 2.2.9.6 */
export const GetStreamSize = defineRop({
  id: 0x5e,
  name: 'GetStreamSize',
  header: 'in',
  request: {},
  response: { streamSize: u32 },
});

/** [MS-OXCROPS] 2.2.9.7 */
export const SetStreamSize = defineRop({
  id: 0x2f,
  name: 'SetStreamSize',
  header: 'in',
  request: { streamSize: u64 },
  response: {},
});

/** [MS-OXCROPS] 2.2.9.8 */
export const SeekStream = defineRop({
  id: 0x2e,
  name: 'SeekStream',
  header: 'in',
  request: { origin: u8, offset: i64 },
  response: { newPosition: u64 },
});

/** [MS-OXCROPS] 2.2.9.9 */
export const CopyToStream = defineRop({
  id: 0x3a,
  name: 'CopyToStream',
  header: 'source+dest',
  request: { byteCount: u64 },
  response: { readByteCount: u64, writtenByteCount: u64 },
  failure: {
    fields: {
      destHandleIndex: when((earlier: Earlier) => earlier.returnValue === ErrorCode.DstNullObject, u32),
      readByteCount: u64,
      writtenByteCount: u64,
    },
    nothingDone: ({ destHandleIndex }) => ({ destHandleIndex, readByteCount: 0n, writtenByteCount: 0n }),
    mayBeAbsent: { except: ErrorCode.DstNullObject },
  },
});

/** [MS-OXCROPS] 2.2.9.10 */
export const LockRegionStream = defineRop({
  id: 0x5b,
  name: 'LockRegionStream',
  header: 'in',
  request: { regionOffset: u64, regionSize: u64, lockFlags: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.9.11 */
export const UnlockRegionStream = defineRop({
  id: 0x5c,
  name: 'UnlockRegionStream',
  header: 'in',
  request: { regionOffset: u64, regionSize: u64, lockFlags: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.9.12 */
export const WriteAndCommitStream = defineRop({
  id: 0x90,
  name: 'WriteAndCommitStream',
  header: 'in',
  request: { data: bin16 },
  response: { writtenSize: u16 },
  failure: { fields: { writtenSize: u16 }, nothingDone: () => nothingWritten, mayBeAbsent: {} },
});

/** [MS-OXCROPS] 2.2.9.13 */
export const CloneStream = defineRop({ id: 0x3b, name: 'CloneStream', header: 'in+out', request: {}, response: {} });

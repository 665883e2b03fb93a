import { Right } from '../../../mailbox/permissions.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import { idOf, type PropertyTag, PropertyType, typeOf } from '../../../mapi/property.ts';
import {
  CloneStream,
  CommitStream,
  CopyToStream,
  GetStreamSize,
  LockRegionStream,
  OpenStream,
  OpenStreamFlags,
  ReadStream,
  SeekStream,
  SetStreamSize,
  SIZE_FOLLOWS,
  UnlockRegionStream,
  WriteAndCommitStream,
  WriteStream,
  WriteStreamExtended,
} from '../../../mapi/rops/stream.ts';
import { MAX_STREAM } from '../limits.ts';
import { propertiesOf, streamOf } from '../narrow.ts';
import { FolderObject } from '../objects/folder-object.ts';
import { OverlayObject } from '../objects/overlay-object.ts';
import { LockedProperty, type Region, StreamLocks } from '../objects/region-locks.ts';
import { StreamBytes, type StreamTarget } from '../objects/stream-bytes.ts';
import { isStreamable, StreamObject, streamBytes, streamTag, streamValue, WHOLE } from '../objects/stream-object.ts';
import { has } from '../rights.ts';
import { CallFailedError, on, type RopContext } from '../rop-context.ts';

/** The largest MaximumByteCount ([MS-OXCPRPT] 2.2.15.1). */
const MAX_BYTE_COUNT = 0x80000000;
/** Bytes of the response beside the data. */
const READ_HEAD = 8;
const MAX_DATA = 0xffff;
const NOTHING = new Uint8Array(0);

/** [MS-OXCPRPT] 3.2.5.9. */
const openStream = on(OpenStream, (context, { propertyTag: tag, openModeFlags: mode }) => {
  const { object, coding } = context;
  if (!(object instanceof FolderObject || object instanceof OverlayObject)) {
    throw new StoreError(ErrorCode.NotSupported, `a stream of one of kind ${object.kind}`);
  }
  propertiesOf(object);
  if (mode > OpenStreamFlags.BestAccess) throw new StoreError(ErrorCode.InvalidParam, `mode ${mode}`);
  if (!isStreamable(tag) || (object instanceof FolderObject && typeOf(tag) !== PropertyType.Binary)) {
    throw new StoreError(ErrorCode.NotSupported, `a stream of type ${typeOf(tag)}`);
  }
  const { session, logon } = context;
  const locks = new StreamLocks(logon.locks, session, new LockedProperty(object.lockName, idOf(tag)));
  const target = mode === OpenStreamFlags.ReadOnly ? undefined : targetOf(context, object, tag, mode, locks);
  const load = () => {
    const value = object.load(streamTag(tag));
    return value === undefined ? undefined : streamBytes(tag, value, coding);
  };
  const bytes = mode === OpenStreamFlags.Create ? NOTHING : load();
  if (bytes === undefined) throw new StoreError(ErrorCode.NotFound, `property ${tag.toString(16)}`);
  const { allowance } = session;
  const stream = new StreamObject(
    new StreamBytes(bytes, { allowance, load, ...(target !== undefined && { target }) }),
    locks,
  );
  if (mode === OpenStreamFlags.Create) stream.setSize(0n);
  context.open(stream);
  return { streamSize: stream.size };
});

/** Where a stream writes; undefined where the best that there is, is to read. Throws AccessDenied. */
function targetOf(
  { coding }: RopContext,
  object: FolderObject | OverlayObject,
  tag: PropertyTag,
  mode: number,
  locks: StreamLocks,
): StreamTarget | undefined {
  const kept = streamTag(tag);
  if (object instanceof FolderObject) {
    const { logon, id } = object;
    if (mode === OpenStreamFlags.BestAccess && !has(logon.rights(id), Right.FolderOwner)) return undefined;
    logon.require(id, Right.FolderOwner);
    return {
      write: (bytes) => {
        // It is stored at once, by a release of the stream too, whatever others have locked of it.
        locks.check(WHOLE, 'write');
        const [failed] = object.set(new Map([[kept, streamValue(tag, bytes, coding)]]));
        if (failed !== undefined) throw new StoreError(failed.errorCode, 'the property cannot be set');
      },
    };
  }
  const refusal = object.refusal(kept);
  if (!object.writable || refusal !== undefined) {
    if (mode === OpenStreamFlags.BestAccess) return undefined;
    throw new StoreError(ErrorCode.AccessDenied, 'the property cannot be written');
  }
  return {
    write: (bytes) => {
      object.requireWritable();
      object.put(kept, streamValue(tag, bytes, coding));
    },
    addWriter: (stream) => object.addWriter(stream),
  };
}

/** [MS-OXCPRPT] 3.2.5.10: as much as the response has room for. */
const readStream = on(ReadStream, ({ object, room }, { byteCount, maximumByteCount }) => {
  const wanted = byteCount === SIZE_FOLLOWS ? (maximumByteCount ?? 0) : byteCount;
  if (wanted > MAX_BYTE_COUNT) throw new CallFailedError(ErrorCode.RpcFormat, `${wanted} bytes to be read`);
  return { data: streamOf(object).read(Math.min(wanted, room - READ_HEAD, MAX_DATA)) };
});

function write({ object }: RopContext, { data }: { readonly data: Uint8Array }) {
  streamOf(object).write(data);
  return { writtenSize: data.length };
}

const writeAndCommitStream = on(WriteAndCommitStream, (context, request) => {
  const written = write(context, request);
  streamOf(context.object).commit();
  return written;
});

const commitStream = on(CommitStream, ({ object }) => {
  streamOf(object).commit();
  return {};
});

const getStreamSize = on(GetStreamSize, ({ object }) => ({ streamSize: streamOf(object).size }));

const setStreamSize = on(SetStreamSize, ({ object }, { streamSize }) => {
  streamOf(object).setSize(streamSize);
  return {};
});

const seekStream = on(SeekStream, ({ object }, { origin, offset }) => {
  return { newPosition: BigInt(streamOf(object).seek(origin, offset)) };
});

/** [MS-OXCPRPT] 3.2.5.16. */
const copyToStream = on(CopyToStream, (context, { destHandleIndex, byteCount }) => {
  const source = streamOf(context.object);
  const destination = streamOf(context.other(destHandleIndex, ErrorCode.DstNullObject));
  const count = Number(byteCount > BigInt(MAX_STREAM) ? BigInt(MAX_STREAM) : byteCount);
  // A stream that is copied into itself must not grow under its own reading.
  const data = source === destination ? source.read(count).slice() : source.read(count);
  destination.write(data);
  return { readByteCount: BigInt(data.length), writtenByteCount: BigInt(data.length) };
});

const cloneStream = on(CloneStream, (context) => {
  context.open(streamOf(context.object).clone());
  return {};
});

/** [MS-OXCPRPT] 3.2.5.21. Who may only read cannot keep those who may do more from it. */
const lockRegionStream = on(LockRegionStream, ({ object, logon, services }, request) => {
  const stream = streamOf(object);
  if (!stream.writable && !logon.isOwner) throw logon.deny('what may only be read cannot be locked', {});
  stream.lock(regionOf(request), request.lockFlags, services.now());
  return {};
});

/** [MS-OXCPRPT] 3.2.5.22. */
const unlockRegionStream = on(UnlockRegionStream, ({ object }, request) => {
  streamOf(object).unlock(regionOf(request));
  return {};
});

function regionOf(request: { readonly regionOffset: bigint; readonly regionSize: bigint }): Region {
  return { from: request.regionOffset, to: request.regionOffset + request.regionSize };
}

export const STREAM_HANDLERS = [
  openStream,
  readStream,
  on(WriteStream, write),
  on(WriteStreamExtended, write),
  writeAndCommitStream,
  commitStream,
  getStreamSize,
  setStreamSize,
  seekStream,
  copyToStream,
  cloneStream,
  lockRegionStream,
  unlockRegionStream,
];

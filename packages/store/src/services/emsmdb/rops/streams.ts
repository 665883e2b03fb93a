import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import type { PropertyTag } from '../../../mapi/property.ts';
import { PropertyType, typeOf } from '../../../mapi/property.ts';
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
import { isStreamable, StreamObject, type StreamTarget, streamBytes, streamTag } from '../objects/stream-object.ts';
import { CallFailedError, on, type RopContext, refuse } from '../rop-context.ts';

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
  const target = mode === OpenStreamFlags.ReadOnly ? undefined : targetOf(object, tag, mode);
  const value = mode === OpenStreamFlags.Create ? NOTHING : object.load(streamTag(tag));
  if (value === undefined) throw new StoreError(ErrorCode.NotFound, `property ${tag.toString(16)}`);
  const bytes = streamBytes(tag, value, coding);
  const { allowance } = context.session;
  const stream = new StreamObject(bytes, { tag, coding, allowance, ...(target !== undefined && { target }) });
  if (mode === OpenStreamFlags.Create) stream.setSize(0n);
  context.open(stream);
  return { streamSize: stream.size };
});

/** Where a stream writes; undefined where the best that there is, is to read. Throws AccessDenied. */
function targetOf(object: FolderObject | OverlayObject, tag: PropertyTag, mode: number): StreamTarget | undefined {
  const kept = streamTag(tag);
  if (object instanceof FolderObject) {
    return {
      write: (value) => {
        const [failed] = object.set(new Map([[kept, value]]));
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
    write: (value) => {
      object.requireWritable();
      object.put(kept, value);
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
  streamOf(context.object).flush();
  return written;
});

const commitStream = on(CommitStream, ({ object }) => {
  streamOf(object).flush();
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
  // Nobody else can have the stream open: there is nothing to lock.
  refuse(LockRegionStream),
  refuse(UnlockRegionStream),
];

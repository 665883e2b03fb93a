import { ProtocolError, RpchError } from '@rpch/rpc';
import { ErrorCode } from '../mapi/error-code.ts';
import type { PropertyTag } from '../mapi/property.ts';
import { OpenStream, OpenStreamFlags, ReadStream, SIZE_FOLLOWS } from '../mapi/rops/stream.ts';
import { MapiError } from './mapi-error.ts';
import { RopBatch } from './rop-batch.ts';
import type { MapiSession } from './session.ts';

/** Bytes that are asked for at once, in chained payloads of up to 32 KiB. */
const BLOCK = 0x30000;
/** The largest stream there is ([MS-OXCPRPT] 3.2.5.12). */
const MAX_STREAM = 2 ** 31;

/** An object on the server that has properties. */
export interface RemoteObject {
  readonly session: MapiSession;
  readonly logonId: number;
  readonly handle: number;
}

/** How a property is read. */
export interface StreamOptions {
  readonly signal?: AbortSignal;
  /** More bytes than that are an error `RPCH_TOO_LARGE` (caller). Default 2 GiB, the most there can be. */
  readonly limit?: number;
}

/**
 * Reads a property of any length, in blocks. Rejects with MapiError: `NotFound` where there is none.
 */
export async function* readProperty(
  object: RemoteObject,
  tag: PropertyTag,
  { signal, limit = MAX_STREAM }: StreamOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { session, logonId, handle } = object;
  const options = { chain: true, ...(signal === undefined ? {} : { signal }) };
  const batch = new RopBatch(session);
  const stream = batch.newHandle();
  const opened = batch.add(OpenStream, {
    logonId,
    inputHandleIndex: batch.handle(handle),
    outputHandleIndex: stream,
    propertyTag: tag,
    openModeFlags: OpenStreamFlags.ReadOnly,
  });
  let read = batch.add(ReadStream, {
    logonId,
    inputHandleIndex: stream,
    byteCount: SIZE_FOLLOWS,
    maximumByteCount: BLOCK,
  });
  await batch.run(options);
  const streamHandle = batch.handleAt(stream);
  try {
    const { streamSize } = opened.value;
    if (streamSize > limit) throw tooLarge(streamSize, limit);
    let total = 0;
    for (;;) {
      const blocks = read.values.map(({ data }) => data).filter(({ length }) => length > 0);
      for (const block of blocks) {
        total += block.length;
        if (total > limit) throw tooLarge(total, limit);
        // A view of a buffer that others have too.
        yield block.slice();
      }
      if (blocks.length === 0 || total >= streamSize) break;
      const more = new RopBatch(session);
      read = more.add(ReadStream, {
        logonId,
        inputHandleIndex: more.handle(streamHandle ?? 0),
        byteCount: SIZE_FOLLOWS,
        maximumByteCount: Math.min(BLOCK, streamSize - total),
      });
      await more.run(options);
    }
    if (total < streamSize) {
      throw new ProtocolError(
        'RPCH_STREAM_CUT',
        `a stream of ${streamSize} bytes ended after ${total}`,
        '[MS-OXCPRPT] 2.2.16',
      );
    }
  } finally {
    session.discard(logonId, streamHandle);
  }
}

/** The whole of a property's stream; undefined where the object does not have it. */
export async function readWhole(
  object: RemoteObject,
  tag: PropertyTag,
  options: StreamOptions & { readonly limit: number },
): Promise<Uint8Array | undefined> {
  const blocks: Uint8Array[] = [];
  try {
    for await (const block of readProperty(object, tag, options)) blocks.push(block);
  } catch (error) {
    if (error instanceof MapiError && error.errorCode === ErrorCode.NotFound) return undefined;
    throw error;
  }
  return Buffer.concat(blocks);
}

function tooLarge(size: number, limit: number): RpchError {
  return new RpchError('RPCH_TOO_LARGE', 'caller', `a value of ${size} bytes, where at most ${limit} are wanted`);
}

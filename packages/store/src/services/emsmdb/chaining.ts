import { Cursor, Writer } from '@rpch/rpc/internal';
import { Origin } from '../../mailbox/table.ts';
import { ErrorCode } from '../../mapi/error-code.ts';
import { EXTENDED_HEADER_SIZE, MAX_PAYLOAD, MAX_PAYLOADS } from '../../mapi/extended-buffer.ts';
import { ropBufferSize } from '../../mapi/rop-buffer.ts';
import type { ParsedRop } from '../../mapi/rops/read-rops.ts';
import type { AnyRequest } from '../../mapi/rops/rop.ts';
import { ReadStream, SIZE_FOLLOWS } from '../../mapi/rops/stream.ts';
import { QueryRows, QueryRowsFlags } from '../../mapi/rops/table.ts';
import type { Executor } from './executor.ts';

/** Room that must be left for one more payload ([MS-OXCRPC] 3.1.4.2.1.2). */
const ROOM_FOR_ROWS = 0x8000;
const ROOM_FOR_STREAM = 0x2000;
/** What is left of a ROP that was done in part; undefined where nothing is. */
type Remainder = (request: AnyRequest, response: Uint8Array) => AnyRequest | undefined;

interface Chainable {
  readonly room: number;
  readonly rest: Remainder;
}

const CHAINABLE: ReadonlyMap<number, Chainable> = new Map([
  [QueryRows.id, { room: ROOM_FOR_ROWS, rest: restOfRows }],
  [ReadStream.id, { room: ROOM_FOR_STREAM, rest: restOfStream }],
]);

/**
 * Does the last ROP of a buffer again and again while there is more of what it asks for and room in the answer, each time in a
 * payload of its own ([MS-OXCRPC] 3.1.4.2.1.2). Returns those payloads.
 * @param first its response so far.
 * @param room bytes of the answer that are left.
 */
export function chained(
  last: ParsedRop,
  first: Uint8Array,
  room: number,
  executor: Executor,
  payload: (responses: Uint8Array) => Uint8Array,
): readonly Uint8Array[] {
  const chainable = CHAINABLE.get(last.rop.id);
  if (chainable === undefined) return [];
  const payloads: Uint8Array[] = [];
  let left = room;
  let response = first;
  let request: AnyRequest | undefined = last.request;
  while (payloads.length < MAX_PAYLOADS - 1 && left >= chainable.room + EXTENDED_HEADER_SIZE) {
    request = request && chainable.rest(request, response);
    if (request === undefined) break;
    const writer = new Writer(MAX_PAYLOAD);
    const size = Math.min(MAX_PAYLOAD, left - EXTENDED_HEADER_SIZE) - ropBufferSize(0, executor.handles.length);
    const end = executor.run({ ...last, request }, writer, size);
    if (end.kind !== 'done' || end.returnValue !== ErrorCode.Success) break;
    response = writer.finish();
    const made = payload(response);
    payloads.push(made);
    left -= EXTENDED_HEADER_SIZE + made.length;
  }
  return payloads;
}

function restOfRows(request: AnyRequest, response: Uint8Array): AnyRequest | undefined {
  const flags = Number(request.queryRowsFlags);
  if ((flags & (QueryRowsFlags.NoAdvance | QueryRowsFlags.EnablePackedBuffers)) !== 0) return undefined;
  const cursor = new Cursor(response, 'RopQueryRows');
  cursor.skip(6);
  const origin = cursor.u8();
  const rowCount = Number(request.rowCount) - cursor.u16();
  return origin === Origin.Current && rowCount > 0 ? { ...request, rowCount } : undefined;
}

function restOfStream(request: AnyRequest, response: Uint8Array): AnyRequest | undefined {
  const cursor = new Cursor(response, 'RopReadStream');
  cursor.skip(6);
  const read = cursor.u16();
  const wanted =
    Number(request.byteCount) === SIZE_FOLLOWS ? Number(request.maximumByteCount) : Number(request.byteCount);
  const maximumByteCount = wanted - read;
  return read > 0 && maximumByteCount > 0 ? { ...request, byteCount: SIZE_FOLLOWS, maximumByteCount } : undefined;
}

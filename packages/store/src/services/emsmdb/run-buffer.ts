import { ProtocolError, Writer } from '@rpch/rpc/internal';
import { ErrorCode } from '../../mapi/error-code.ts';
import {
  EXTENDED_HEADER_SIZE,
  MAX_PAYLOAD,
  readExtendedBuffers,
  writeExtendedBuffers,
  writePlainHeader,
} from '../../mapi/extended-buffer.ts';
import { appendRopBuffer, readRopBuffer, ropBufferSize, writeRopBuffer } from '../../mapi/rop-buffer.ts';
import { BufferTooSmall } from '../../mapi/rops/extra-responses.ts';
import { type ParsedRop, readRops, UnknownRopError } from '../../mapi/rops/read-rops.ts';
import { chained } from './chaining.ts';
import { Executor } from './executor.ts';
import type { RopAnswer, RopCall, RopContinuation } from './messages.ts';
import type { RopServices } from './rop-context.ts';
import type { RopSession } from './rop-session.ts';

/** pulFlags of EcDoRpcExt2, about its answer ([MS-OXCRPC] 3.1.4.2). */
const AnswerFlags = { NoCompression: 0x01, NoXorMagic: 0x02, Chain: 0x04 } as const;

/** Bytes of a payload from which compressing it is worth the while. */
const WORTH_COMPRESSING = 1024;
/** RopId and SizeNeeded of RopBufferTooSmall. */
const TOO_SMALL_SIZE = 3;
/** Bytes of a buffer that cannot be read which are logged. */
const LOGGED_BYTES = 256;

/** Where the other logons of a session are, and which workers have notifications for it. */
export interface Elsewhere {
  readonly logons: ReadonlyMap<number, number>;
  readonly visit: readonly number[];
}

/** How a buffer ended: with its answer, or with what another worker is to go on with. */
export type RunEnd =
  | ({ readonly kind: 'done' } & RopAnswer)
  | { readonly kind: 'elsewhere'; readonly worker: number; readonly rest: RopContinuation };

/** Where responses are collected: one buffer is done after another, and memory of its own for each costs more than most ROPs do. */
const collected = new Writer(MAX_PAYLOAD);

interface Work {
  readonly ropsList: Uint8Array;
  readonly handles: readonly number[];
  readonly responses: Uint8Array;
}

/**
 * Does one ROP input buffer: its ROPs, as far as the answer has room for them, then those repetitions of the last one that chaining
 * asks for, then notifications ([MS-OXCRPC] 3.1.4.2, [MS-OXCROPS] 3.2.5). What cannot be read is RpcFormat. What it throws is a
 * defect, after which nothing is known of the session.
 */
export function runBuffer(
  session: RopSession,
  services: RopServices,
  input: RopCall | RopContinuation,
  elsewhere: Elsewhere,
): RunEnd {
  const { room: rgbOut, flags } = input;
  session.lastActivity = services.now();
  let work: Work;
  let rops: readonly ParsedRop[];
  try {
    work = input.kind === 'call' ? readCall(input.rgbIn) : { ...input, ropsList: input.requests };
    rops = readRops(work.ropsList, session.coding);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    tellMalformed(session, services, input, error);
    return failed(ErrorCode.RpcFormat);
  }
  const executor = new Executor(session, services, work.handles);
  const payloadRoom = Math.min(MAX_PAYLOAD, rgbOut - EXTENDED_HEADER_SIZE);
  // What the responses may have: the payload without RopSize and the handle table.
  const room = payloadRoom - ropBufferSize(0, work.handles.length);
  const writer = collected.truncate(0).bytes(work.responses);
  const rest = (from: number): Uint8Array => work.ropsList.subarray(from);
  const continued = (from: number): RopContinuation => {
    const responses = writer.finish();
    const { handles } = executor;
    const requests = rest(from).slice();
    return { kind: 'continuation', requests, responses: responses.slice(), handles, flags, room: rgbOut };
  };

  let last: ParsedRop | undefined;
  let begin = 0;
  let complete = true;
  for (const rop of rops) {
    const other = elsewhere.logons.get(rop.request.logonId);
    if (other !== undefined && rop.rop.header !== 'logon') {
      return { kind: 'elsewhere', worker: other, rest: continued(rop.start) };
    }
    // What does not fit is sent back whole, for which there must be room in turn.
    const back = TOO_SMALL_SIZE + work.ropsList.length - rop.start;
    const left = room - writer.length;
    begin = writer.length;
    const end = executor.run(rop, writer, left - back >= LEAST_ROOM ? left - back : left);
    if (end.kind === 'elsewhere') return { kind: 'elsewhere', worker: end.worker, rest: continued(rop.start) };
    if (end.kind === 'failed') return failed(end.result);
    if (end.kind === 'too-small') {
      const isAlone = writer.length === 0;
      if ((isAlone && payloadRoom >= MOST_ROOM) || back > left) return failed(ErrorCode.BufferTooSmall);
      const whole = end.needed + back + ropBufferSize(0, work.handles.length) + EXTENDED_HEADER_SIZE;
      const sizeNeeded = Math.min(0xffff, Math.max(whole, payloadRoom + 1));
      BufferTooSmall.write(writer, { sizeNeeded, requestBuffers: rest(rop.start) }, session.coding);
      complete = false;
      break;
    }
    last = end.returnValue === ErrorCode.Success ? rop : undefined;
  }
  const visit = complete ? elsewhere.visit[0] : undefined;
  if (visit !== undefined) {
    session.notifications.write(writer, room - writer.length, session.info.index, session.coding);
    return { kind: 'elsewhere', worker: visit, rest: continued(work.ropsList.length) };
  }
  const chain = complete && last !== undefined && last === rops.at(-1) && (flags & AnswerFlags.Chain) !== 0;
  const payload = (responses: Uint8Array): Uint8Array =>
    writeRopBuffer({ ropsList: responses, handles: executor.handles });
  if (chain && last !== undefined) {
    const first = payload(writer.finish());
    const left = rgbOut - EXTENDED_HEADER_SIZE - first.length;
    const repeated = chained(last, writer.finish().subarray(begin), left, executor, payload);
    if (repeated.length > 0) return answer([first, ...repeated], flags);
  }
  if (complete) session.notifications.write(writer, room - writer.length, session.info.index, session.coding);
  return (flags & AnswerFlags.NoCompression) !== 0
    ? plainAnswer(writer.finish(), executor.handles)
    : answer([payload(writer.finish())], flags);
}

/** Room that a ROP has even where what does not fit could not be sent back: most responses need no more. */
const LEAST_ROOM = 512;
/** A payload that is as large as one can be: a client's buffer for one has 0x8007 bytes, header included. */
const MOST_ROOM = 0x7fff;

function readCall(rgbIn: Uint8Array): Work {
  const [payload = new Uint8Array(0)] = readExtendedBuffers(rgbIn, { payloads: 1 });
  const { ropsList, handles } = readRopBuffer(payload);
  return { ropsList, handles, responses: new Uint8Array(0) };
}

function answer(payloads: readonly Uint8Array[], flags: number): RunEnd {
  const compress =
    (flags & AnswerFlags.NoCompression) === 0 && payloads.some(({ length }) => length >= WORTH_COMPRESSING);
  return { kind: 'done', result: ErrorCode.Success, rgbOut: writeExtendedBuffers(payloads, { compress }) };
}

/** The only payload, made where it is sent from. */
function plainAnswer(ropsList: Uint8Array, handles: readonly number[]): RunEnd {
  const size = ropBufferSize(ropsList.length, handles.length);
  const writer = new Writer(EXTENDED_HEADER_SIZE + size);
  appendRopBuffer(writePlainHeader(writer, size), { ropsList, handles });
  return { kind: 'done', result: ErrorCode.Success, rgbOut: writer.finish() };
}

function failed(result: number): RunEnd {
  return { kind: 'done', result, rgbOut: new Uint8Array(0) };
}

function tellMalformed(
  session: RopSession,
  services: RopServices,
  input: RopCall | RopContinuation,
  error: ProtocolError,
): void {
  const bytes = input.kind === 'call' ? input.rgbIn : input.requests;
  const { account, id } = session.info;
  const fields = {
    event: error instanceof UnknownRopError ? 'store.rop.unknown' : 'store.rop.malformed',
    account,
    session: id,
    ...(error instanceof UnknownRopError && { rop: error.ropId }),
    why: error.message,
    size: bytes.length,
    bytes: Buffer.from(unknownPart(input, error).subarray(0, LOGGED_BYTES)).toString('hex'),
  };
  services.log.warn(fields, 'a buffer that cannot be read');
}

/** What follows an unknown RopId, the id included; of anything else that cannot be read, all. */
function unknownPart(input: RopCall | RopContinuation, error: ProtocolError): Uint8Array {
  if (input.kind !== 'call') return input.requests;
  if (!(error instanceof UnknownRopError)) return input.rgbIn;
  const { ropsList } = readCall(input.rgbIn);
  return ropsList.subarray(ropsList.length - error.rest);
}

import { ProtocolError } from '../errors.ts';
import { u16At, u32At } from './fields.ts';
import { FragmentSource, type PduRun } from './fragments.ts';
import { PduType } from './header.ts';
import type { Pdu } from './pdu.ts';
import type { PduProtection } from './pdu-protection.ts';

const SECTION = 'C706 12.6.4.10';
const FIXED_LENGTH = 8;

/** A response, or one fragment of it (C706 12.6.4.10). */
export interface Response {
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  /** Stub bytes of this and all following fragments; 0 says nothing ([MS-RPCE] 2.2.2.6). */
  readonly allocHint: number;
  readonly contextId: number;
  /** Cancels that the server has received for this call. */
  readonly cancelCount: number;
  /** A view of this fragment's stub data. */
  readonly stub: Uint8Array;
}

/** Reads a response. Throws a {@link ProtocolError} where its fixed part is not there. */
export function decodeResponse(pdu: Pdu): Response {
  if (pdu.ptype !== PduType.response) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no response`, SECTION);
  }
  // 16 alloc_hint u32, 20 p_cont_id u16, 22 cancel_count u8, 23 reserved u8, 24 stub data
  const { pfcFlags, callId, littleEndian, body } = pdu;
  if (body.length < FIXED_LENGTH) {
    throw new ProtocolError('RPCH_SHORT_FRAME', `a response of ${body.length} bytes after its header`, SECTION);
  }
  const allocHint = u32At(body, 0, littleEndian);
  const contextId = u16At(body, 4, littleEndian);
  const cancelCount = body[6] as number;
  const stub = body.subarray(FIXED_LENGTH);
  return { pfcFlags, callId, littleEndian, allocHint, contextId, cancelCount, stub };
}

/** What a response is made from; alloc_hint and the fragment flags follow from the stub. */
export type ResponseCall = Omit<Response, 'pfcFlags' | 'allocHint'>;

/** The response, cut into PDUs of at most `maxFrag` bytes, protected where `protection` is given. */
export function responseSource(call: ResponseCall, maxFrag: number, protection?: PduProtection): FragmentSource {
  const { callId, littleEndian, contextId, cancelCount } = call;
  const afterContextId = littleEndian ? cancelCount : cancelCount << 8;
  const ptype = PduType.response;
  const head = { ptype, pfcFlags: 0, callId, littleEndian, contextId, afterContextId, object: undefined };
  return new FragmentSource(head, call.stub, maxFrag, protection);
}

/** All of {@link responseSource}. */
export function encodeResponse(call: ResponseCall, maxFrag: number, protection?: PduProtection): PduRun {
  return responseSource(call, maxFrag, protection).next(Number.POSITIVE_INFINITY);
}

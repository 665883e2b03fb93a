import { ProtocolError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { encodeFragments, type PduRun } from './fragments.ts';
import { PduType } from './header.ts';
import type { Pdu } from './pdu.ts';

const SECTION = 'C706 12.6.4.10';

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
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const { pfcFlags, callId, littleEndian } = pdu;
  const allocHint = reader.u32();
  const contextId = reader.u16();
  const cancelCount = reader.u8();
  reader.skip(1);
  const stub = reader.bytes(reader.remaining);
  return { pfcFlags, callId, littleEndian, allocHint, contextId, cancelCount, stub };
}

/** The response in as many PDUs of at most `maxFrag` bytes as its stub needs. */
export function encodeResponse(call: Omit<Response, 'pfcFlags' | 'allocHint'>, maxFrag: number): PduRun {
  const { callId, littleEndian, contextId, cancelCount } = call;
  return encodeFragments(
    {
      ptype: PduType.response,
      pfcFlags: 0,
      callId,
      littleEndian,
      fieldsLength: 4,
      fields: (writer) => writer.u16(contextId).u8(cancelCount).u8(0),
    },
    call.stub,
    maxFrag,
  );
}

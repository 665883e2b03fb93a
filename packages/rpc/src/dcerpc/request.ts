import { ProtocolError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { encodeFragments, type PduRun } from './fragments.ts';
import { PduType, PfcFlag } from './header.ts';
import type { Pdu } from './pdu.ts';

const SECTION = 'C706 12.6.4.9';

/** A request, or one fragment of it (C706 12.6.4.9). */
export interface Request {
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  /** Stub bytes of this and all following fragments; 0 says nothing ([MS-RPCE] 2.2.2.6). */
  readonly allocHint: number;
  readonly contextId: number;
  readonly opnum: number;
  /** The object UUID; present when PFC_OBJECT_UUID is set. */
  readonly object: string | undefined;
  /** A view of this fragment's stub data. */
  readonly stub: Uint8Array;
}

/** Reads a request. Throws a {@link ProtocolError} where its fixed part is not there. */
export function decodeRequest(pdu: Pdu): Request {
  if (pdu.ptype !== PduType.request) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no request`, SECTION);
  }
  // 16 alloc_hint u32, 20 p_cont_id u16, 22 opnum u16, [24 object UUID], stub data
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const { pfcFlags, callId, littleEndian } = pdu;
  const allocHint = reader.u32();
  const contextId = reader.u16();
  const opnum = reader.u16();
  const object = (pfcFlags & PfcFlag.OBJECT_UUID) !== 0 ? reader.uuid() : undefined;
  const stub = reader.bytes(reader.remaining);
  return { pfcFlags, callId, littleEndian, allocHint, contextId, opnum, object, stub };
}

/** What {@link encodeRequest} needs; alloc_hint and the fragment flags follow from the stub. */
export type RequestCall = Omit<Request, 'pfcFlags' | 'allocHint' | 'object'> & { readonly object?: string };

/** The request in as many PDUs of at most `maxFrag` bytes as its stub needs. */
export function encodeRequest(call: RequestCall, maxFrag: number): PduRun {
  const { callId, littleEndian, contextId, opnum, object } = call;
  return encodeFragments(
    {
      ptype: PduType.request,
      pfcFlags: object === undefined ? 0 : PfcFlag.OBJECT_UUID,
      callId,
      littleEndian,
      fieldsLength: object === undefined ? 4 : 20,
      fields: (writer) => {
        writer.u16(contextId).u16(opnum);
        if (object !== undefined) writer.uuid(object);
      },
    },
    call.stub,
    maxFrag,
  );
}

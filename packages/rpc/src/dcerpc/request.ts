import { ProtocolError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { u16At, u32At } from './fields.ts';
import { type FragmentHead, FragmentSource, objectBytes, type PduRun } from './fragments.ts';
import { PduType, PfcFlag } from './header.ts';
import type { Pdu } from './pdu.ts';
import type { PduProtection } from './pdu-protection.ts';

const SECTION = 'C706 12.6.4.9';
const FIXED_LENGTH = 8;
const OBJECT_LENGTH = 16;

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
  const { pfcFlags, callId, littleEndian, body } = pdu;
  const hasObject = (pfcFlags & PfcFlag.OBJECT_UUID) !== 0;
  const stubAt = hasObject ? FIXED_LENGTH + OBJECT_LENGTH : FIXED_LENGTH;
  if (body.length < stubAt) {
    throw new ProtocolError('RPCH_SHORT_FRAME', `a request of ${body.length} bytes after its header`, SECTION);
  }
  const allocHint = u32At(body, 0, littleEndian);
  const contextId = u16At(body, 4, littleEndian);
  const opnum = u16At(body, 6, littleEndian);
  const object = hasObject ? new DrepReader(body, littleEndian, SECTION, FIXED_LENGTH).uuid() : undefined;
  const stub = body.subarray(stubAt);
  return { pfcFlags, callId, littleEndian, allocHint, contextId, opnum, object, stub };
}

/** What a request needs besides its stub; alloc_hint and the fragment flags follow from that. */
export type RequestHead = Omit<Request, 'pfcFlags' | 'allocHint' | 'object' | 'stub'> & {
  readonly object?: string | undefined;
};

/** What {@link encodeRequest} needs. */
export type RequestCall = RequestHead & { readonly stub: Uint8Array };

/** The head of a request's fragments. An object that is no UUID throws a {@link ProtocolError}. */
export function requestHead({ callId, littleEndian, contextId, opnum, object }: RequestHead): FragmentHead {
  return {
    ptype: PduType.request,
    pfcFlags: object === undefined ? 0 : PfcFlag.OBJECT_UUID,
    callId,
    littleEndian,
    contextId,
    afterContextId: opnum,
    object: object === undefined ? undefined : objectBytes(object, littleEndian),
  };
}

/** The request in as many PDUs of at most `maxFrag` bytes as its stub needs, protected where `protection` is given. */
export function encodeRequest(call: RequestCall, maxFrag: number, protection?: PduProtection): PduRun {
  return new FragmentSource(requestHead(call), call.stub, maxFrag, protection).next(Number.POSITIVE_INFINITY);
}

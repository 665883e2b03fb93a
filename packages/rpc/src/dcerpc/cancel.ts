import { PduType } from './header.ts';
import { encodePdu, WHOLE } from './pdu.ts';

/**
 * co_cancel: the client asks the server to end a call early (C706 12.6.4.6). It is a header and nothing more: the
 * server may answer as if it had not come.
 */
export function encodeCoCancel(callId: number, littleEndian: boolean): Uint8Array {
  return encodePdu({ ptype: PduType.co_cancel, pfcFlags: WHOLE, callId, littleEndian }, 0, () => {});
}

/** orphaned: the client no longer waits for a call, which may not have come in whole (C706 12.6.4.8). A header only. */
export function encodeOrphaned(callId: number, littleEndian: boolean): Uint8Array {
  return encodePdu({ ptype: PduType.orphaned, pfcFlags: WHOLE, callId, littleEndian }, 0, () => {});
}

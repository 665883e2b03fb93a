import { PduType, PfcFlag } from '@rpch/rpc/internal';

/** Length of a request's or response's header: common header, alloc_hint, p_cont_id and opnum (C706 12.6.4.9). */
export const CALL_HEADER_LENGTH = 24;

/** A request in one fragment, opnum 0, without authentication (C706 12.6.4.9). */
export function requestPdu(callId: number, stub: Uint8Array, flags: number = WHOLE): Buffer {
  return callPdu(PduType.request, callId, stub, flags);
}

/** A response in one fragment (C706 12.6.4.10). */
export function responsePdu(callId: number, stub: Uint8Array, flags: number = WHOLE): Buffer {
  return callPdu(PduType.response, callId, stub, flags);
}

/** The length of the PDU at the start of `bytes`, little-endian; undefined while that cannot be told. */
export function pduLength(bytes: Uint8Array): number | undefined {
  const [low, high] = [bytes[8], bytes[9]];
  return low === undefined || high === undefined ? undefined : low | (high << 8);
}

/** call_id of a PDU. */
export function callIdOf(pdu: Uint8Array): number {
  return new DataView(pdu.buffer, pdu.byteOffset).getUint32(12, true);
}

const WHOLE = PfcFlag.FIRST_FRAG | PfcFlag.LAST_FRAG;

function callPdu(type: number, callId: number, stub: Uint8Array, flags: number): Buffer {
  const pdu = Buffer.alloc(CALL_HEADER_LENGTH + stub.length);
  pdu.set([5, 0, type, flags, 0x10, 0, 0, 0]);
  pdu.writeUInt16LE(pdu.length, 8);
  pdu.writeUInt32LE(callId, 12);
  pdu.writeUInt32LE(stub.length, 16);
  pdu.set(stub, CALL_HEADER_LENGTH);
  return pdu;
}

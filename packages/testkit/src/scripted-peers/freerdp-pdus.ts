import { randomBytes } from 'node:crypto';
import { CONN_A1, CONN_B1, encodeBind, NDR, OUT_R2_A3, PduType, type SyntaxId } from '@rpch/rpc/internal';
import { requestPdu } from '../plain-pdus.ts';

/** TsProxy, [MS-TSGU] 1.9, version 1.3. */
export const TSPROXY: SyntaxId = { uuid: '44e265dd-7daf-42cd-8560-3cdb6e7a2729', version: 0x0003_0001 };
/** Operation numbers of TsProxy that carry a session's data ([MS-TSGU] 3.2.6). */
export const TsProxyOpnum = { SetupReceivePipe: 8, SendToServer: 9 } as const;

/** FreeRDP's constants: windows and lengths in bytes, the interval in ms. */
export const RECEIVE_WINDOW = 0x1_0000;
export const CHANNEL_LIFETIME = 0x4000_0000;
const KEEP_ALIVE = 300_000;
const MAX_FRAGMENT = 0xff8;
/** call_id of the bind and of the first request. */
export const FIRST_CALL_ID = 2;
/** Offset of opnum in a request (C706 12.6.4.9). */
const OPNUM_AT = 22;

export function connA1(virtualConnectionCookie: Uint8Array, outChannelCookie: Uint8Array): Uint8Array {
  return CONN_A1.encode({ version: 1, virtualConnectionCookie, outChannelCookie, receiveWindowSize: RECEIVE_WINDOW });
}

export function connB1(virtualConnectionCookie: Uint8Array, inChannelCookie: Uint8Array): Uint8Array {
  return CONN_B1.encode({
    version: 1,
    virtualConnectionCookie,
    inChannelCookie,
    channelLifetime: CHANNEL_LIFETIME,
    clientKeepalive: KEEP_ALIVE,
    associationGroupId: randomBytes(16),
  });
}

/** FreeRDP calls it OUT_R1/A3; it is the same PDU. */
export function outR2A3(
  virtualConnectionCookie: Uint8Array,
  predecessorCookie: Uint8Array,
  successorCookie: Uint8Array,
): Uint8Array {
  return OUT_R2_A3.encode({
    version: 1,
    virtualConnectionCookie,
    predecessorCookie,
    successorCookie,
    receiveWindowSize: RECEIVE_WINDOW,
  });
}

/** Without authentication, and so without the auth3 that would follow. */
export function bindPdu(): Uint8Array {
  return encodeBind({
    ptype: PduType.bind,
    pfcFlags: 0,
    callId: FIRST_CALL_ID,
    littleEndian: true,
    maxXmitFrag: MAX_FRAGMENT,
    maxRecvFrag: MAX_FRAGMENT,
    assocGroupId: 0,
    elements: [{ contextId: 0, abstractSyntax: TSPROXY, transferSyntaxes: [NDR] }],
  });
}

export function callPdu(callId: number, opnum: number, stub: Uint8Array): Uint8Array {
  const request = requestPdu(callId, stub);
  request.writeUInt16LE(opnum, OPNUM_AT);
  return request;
}

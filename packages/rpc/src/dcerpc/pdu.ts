import { ProtocolError, RpchError } from '../errors.ts';
import { DrepWriter, littleEndianOf, packedDrep } from './drep.ts';
import { u16At, u32At } from './fields.ts';
import { COMMON_HEADER_LENGTH, fragLengthAt, MAX_FRAG_LENGTH, PfcFlag, pduTypeAt, pfcFlagsAt } from './header.ts';
import {
  type AuthVerifier,
  decodeSecTrailer,
  SEC_TRAILER_LENGTH,
  type SecTrailer,
  writeSecTrailer,
} from './sec-trailer.ts';

const SECTION = 'C706 12.6.3.1';
const DREP_AT = 4;
const LITTLE_ENDIAN_ASCII = 0x10;
const FRAG_LENGTH_AT = 8;
const AUTH_LENGTH_AT = 10;
const CALL_ID_AT = 12;

/** A PDU that is neither continued nor a continuation. */
export const WHOLE = PfcFlag.FIRST_FRAG | PfcFlag.LAST_FRAG;

/** What the common header says of a whole PDU, and its body. */
export interface Pdu {
  readonly ptype: number;
  readonly pfcFlags: number;
  readonly littleEndian: boolean;
  readonly callId: number;
  /** Present when auth_length is not 0. */
  readonly secTrailer: SecTrailer | undefined;
  /** A view of what stands between the common header and the security trailer, without authentication padding. */
  readonly body: Uint8Array;
}

/**
 * Reads the common header of one whole PDU and takes the security trailer off (C706 12.6.3.1, [MS-RPCE] 2.2.2.11).
 * Throws a {@link ProtocolError} where `bytes` are not one PDU of exactly frag_length bytes.
 */
export function openPdu(bytes: Uint8Array): Pdu {
  // rpc_vers u8, rpc_vers_minor u8, PTYPE u8, pfc_flags u8, packed_drep 4, frag_length u16, auth_length u16, call_id
  // u32
  if (bytes.length < COMMON_HEADER_LENGTH || fragLengthAt(bytes, 0) !== bytes.length) {
    throw new ProtocolError('RPCH_BAD_FRAG_LENGTH', `${bytes.length} bytes are not one PDU`, SECTION);
  }
  // a view only where it is not what nearly everybody sends
  const littleEndian = bytes[DREP_AT] === LITTLE_ENDIAN_ASCII || littleEndianOf(bytes.subarray(DREP_AT));
  const authLength = u16At(bytes, AUTH_LENGTH_AT, littleEndian);
  const callId = u32At(bytes, CALL_ID_AT, littleEndian);
  let secTrailer: SecTrailer | undefined;
  let bodyEnd = bytes.length;
  if (authLength > 0) {
    secTrailer = decodeSecTrailer(bytes, authLength, littleEndian);
    bodyEnd -= authLength + SEC_TRAILER_LENGTH + secTrailer.authPadLength;
  }
  const body = bytes.subarray(COMMON_HEADER_LENGTH, bodyEnd);
  return { ptype: pduTypeAt(bytes, 0), pfcFlags: pfcFlagsAt(bytes, 0), littleEndian, callId, secTrailer, body };
}

/** Throws a {@link ProtocolError} unless both FIRST and LAST are set, as every PDU that may not be fragmented needs. */
export function assertWhole(pdu: Pdu, section: string): void {
  if ((pdu.pfcFlags & WHOLE) !== WHOLE) {
    throw new ProtocolError('RPCH_BAD_PFC_FLAGS', `PTYPE ${pdu.ptype} in fragments`, section);
  }
}

/** What an encoder needs to know for the common header. */
export interface PduHead {
  readonly ptype: number;
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
}

/**
 * Writes the common header of a PDU without security; frag_length waits for {@link endPdu}. Returns the PDU's start.
 */
export function beginPdu(writer: DrepWriter, head: PduHead): number {
  const start = writer.length;
  writer.u8(5).u8(0).u8(head.ptype).u8(head.pfcFlags).bytes(packedDrep(head.littleEndian));
  writer.u16(0).u16(0).u32(head.callId);
  return start;
}

/** Fills in frag_length of the PDU that begins at `start`. More than 65,535 bytes is the caller's fault: RpchError. */
export function endPdu(writer: DrepWriter, start: number): void {
  const length = writer.length - start;
  if (length > MAX_FRAG_LENGTH) {
    throw new RpchError('RPCH_PDU_TOO_LONG', 'caller', `a PDU of ${length} bytes: at most ${MAX_FRAG_LENGTH} fit`);
  }
  writer.patchU16(start + FRAG_LENGTH_AT, length);
}

/**
 * Encodes one PDU: its common header, the `bodyLength` bytes that `body` writes, and a `verifier` where one is given,
 * whose token must not be empty: auth_length 0 means that there is none.
 */
export function encodePdu(
  head: PduHead,
  bodyLength: number,
  body: (writer: DrepWriter) => void,
  verifier?: AuthVerifier,
): Uint8Array {
  const authLength = verifier === undefined ? 0 : SEC_TRAILER_LENGTH + verifier.token.length;
  const writer = new DrepWriter(head.littleEndian, COMMON_HEADER_LENGTH + bodyLength + authLength);
  const start = beginPdu(writer, head);
  body(writer);
  if (verifier !== undefined) {
    if (verifier.token.length === 0) throw new RpchError('RPCH_EMPTY_TOKEN', 'caller', 'a verifier without a token');
    writeSecTrailer(writer, start, verifier);
  }
  endPdu(writer, start);
  if (verifier !== undefined) writer.patchU16(start + AUTH_LENGTH_AT, verifier.token.length);
  return writer.finish();
}

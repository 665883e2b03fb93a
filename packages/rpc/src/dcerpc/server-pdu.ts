import { DREP_LENGTH, DrepReader, DrepWriter, littleEndianOf } from './drep.ts';
import { COMMON_HEADER_LENGTH, pduTypeAt, pfcFlagsAt } from './header.ts';
import { type Pdu, WHOLE } from './pdu.ts';
import { type AuthVerifier, SEC_TRAILER_LENGTH, type SecTrailer } from './sec-trailer.ts';

const DREP_AT = 4;
const FRAG_LENGTH_AT = 8;
const AUTH_LENGTH_AT = 10;
const CALL_ID_AT = 12;
/** Header of a request; auth_pad_length is bounded by it in PDUs of every kind. */
const REQUEST_HEADER_LENGTH = 24;
const TRAILER_ALIGNMENT = 4;

/** What is wrong with a security trailer; each kind of PDU has its own answer. */
export type TrailerFlaw = 'length' | 'alignment' | 'padding';

/** One PDU as a server opens it: whatever its security trailer says, the common header is there to be answered. */
export interface ServerPdu extends Pdu {
  readonly bytes: Uint8Array;
  readonly authLength: number;
  /** Read as it stands; undefined without one, and where auth_length does not fit. */
  readonly secTrailer: SecTrailer | undefined;
  readonly trailerFlaw: TrailerFlaw | undefined;
  /** A view up to the security trailer, padding included: how much of it is padding is known when it is decrypted. */
  readonly body: Uint8Array;
}

/**
 * Reads the common header of a whole PDU (C706 12.6.3.1) and finds its security trailer ([MS-RPCE] 2.2.2.11), without judging
 * it. Only an integer format that does not exist throws a ProtocolError.
 */
export function openServerPdu(bytes: Uint8Array): ServerPdu {
  const littleEndian = littleEndianAt(bytes);
  const authLength = u16At(bytes, AUTH_LENGTH_AT, littleEndian);
  let secTrailer: SecTrailer | undefined;
  let trailerFlaw: TrailerFlaw | undefined;
  let bodyEnd = bytes.length;
  if (authLength > 0) {
    const at = bytes.length - authLength - SEC_TRAILER_LENGTH;
    if (at < COMMON_HEADER_LENGTH) {
      trailerFlaw = 'length';
    } else {
      secTrailer = readTrailer(bytes, at, authLength, littleEndian);
      trailerFlaw = flawOf(at, secTrailer);
      bodyEnd = at;
    }
  }
  return {
    ptype: pduTypeAt(bytes, 0),
    pfcFlags: pfcFlagsAt(bytes, 0),
    littleEndian,
    callId: callIdOf(bytes, littleEndian),
    bytes,
    authLength,
    secTrailer,
    trailerFlaw,
    body: bytes.subarray(COMMON_HEADER_LENGTH, bodyEnd),
  };
}

function flawOf(at: number, { authPadLength }: SecTrailer): TrailerFlaw | undefined {
  if (at % TRAILER_ALIGNMENT !== 0) return 'alignment';
  return authPadLength > Math.max(0, at - REQUEST_HEADER_LENGTH) ? 'padding' : undefined;
}

/** packed_drep's byte order; the usual one without a look at the rest. */
function littleEndianAt(bytes: Uint8Array): boolean {
  return bytes[DREP_AT] === 0x10 || littleEndianOf(bytes.subarray(DREP_AT, DREP_AT + DREP_LENGTH));
}

function readTrailer(bytes: Uint8Array, at: number, authLength: number, littleEndian: boolean): SecTrailer {
  // auth_type u8, auth_level u8, auth_pad_length u8, auth_reserved u8, auth_context_id u32, token
  const reader = new DrepReader(bytes, littleEndian, '[MS-RPCE] 2.2.2.11', at);
  const authType = reader.u8();
  const authLevel = reader.u8();
  const authPadLength = reader.u8();
  reader.skip(1);
  const authContextId = reader.u32();
  return { authType, authLevel, authPadLength, authContextId, token: reader.bytes(authLength) };
}

function u16At(bytes: Uint8Array, at: number, littleEndian: boolean): number {
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  return littleEndian ? first | (second << 8) : (first << 8) | second;
}

function callIdOf(bytes: Uint8Array, littleEndian: boolean): number {
  const first = u16At(bytes, CALL_ID_AT, littleEndian);
  const second = u16At(bytes, CALL_ID_AT + 2, littleEndian);
  return (littleEndian ? (second << 16) | first : (first << 16) | second) >>> 0;
}

/**
 * The same alter_context_resp with a security trailer that holds no token, auth_length 0: how Windows and Samba tell that a
 * context is complete where nothing is left to be sent.
 */
export function appendEmptyTrailer(
  pdu: Uint8Array,
  littleEndian: boolean,
  { authType, authLevel, authContextId }: Omit<AuthVerifier, 'token'>,
): Uint8Array {
  const length = pdu.length + SEC_TRAILER_LENGTH;
  const writer = new DrepWriter(littleEndian, length).bytes(pdu);
  writer.u8(authType).u8(authLevel).u8(0).u8(0).u32(authContextId);
  return writer.patchU16(FRAG_LENGTH_AT, length).finish();
}

const CONTEXTS_AT = 12;

/**
 * A bind or alter_context as decodeBind takes it: without the padding before the security trailer, which is found by the contexts'
 * own lengths because senders' auth_pad_length cannot be relied on here; and whole, because flags do not count in it.
 */
export function bindPduOf(pdu: ServerPdu): Pdu {
  const pfcFlags = pdu.pfcFlags | WHOLE;
  if (pdu.secTrailer === undefined) return { ...pdu, pfcFlags };
  // 16 max_xmit_frag u16, max_recv_frag u16, assoc_group_id u32, n_context_elem u8, reserved 3,
  // elements {p_cont_id u16, n_transfer_syn u8, reserved u8, abstract_syntax 20, n times 20}
  const { body } = pdu;
  let end = CONTEXTS_AT;
  for (let left = body[8] ?? 0; left > 0 && end < body.length; left--) end += 24 + 20 * (body[end + 2] ?? 0);
  return { ...pdu, pfcFlags, body: body.subarray(0, end) };
}

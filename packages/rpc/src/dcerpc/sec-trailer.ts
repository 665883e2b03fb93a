import { ProtocolError } from '../errors.ts';
import { DrepReader, type DrepWriter } from './drep.ts';
import { COMMON_HEADER_LENGTH } from './header.ts';

/** Bytes of sec_trailer without the token that follows it ([MS-RPCE] 2.2.2.11). */
export const SEC_TRAILER_LENGTH = 8;

const SECTION = '[MS-RPCE] 2.2.2.11';
/** Of the trailer in PDUs that have no stub data; receivers take what auth_pad_length says. */
const BIND_ALIGNMENT = 4;

/** sec_trailer and its token: RPC-level security of one PDU. Its presence is auth_length > 0. */
export interface SecTrailer {
  readonly authType: number;
  readonly authLevel: number;
  /** Bytes of padding at the end of the body, before the trailer. */
  readonly authPadLength: number;
  readonly authContextId: number;
  /** A view of the security provider's token, auth_length bytes. */
  readonly token: Uint8Array;
}

/** What the sender of a PDU says of a token; how much padding precedes it follows from the PDU. */
export type AuthVerifier = Omit<SecTrailer, 'authPadLength'>;

/**
 * Writes zero bytes up to a multiple of 4 counted from `start`, where the PDU begins, then sec_trailer and token: the
 * form that PDUs without stub data have ([MS-RPCE] 2.2.2.11).
 */
export function writeSecTrailer(writer: DrepWriter, start: number, verifier: AuthVerifier): void {
  const over = (writer.length - start) % BIND_ALIGNMENT;
  const padding = over === 0 ? 0 : BIND_ALIGNMENT - over;
  writer.zeros(padding);
  writer.u8(verifier.authType).u8(verifier.authLevel).u8(padding).u8(0).u32(verifier.authContextId);
  writer.bytes(verifier.token);
}

/**
 * The security trailer of a whole PDU whose auth_length is not 0 ([MS-RPCE] 2.2.2.11). Throws a {@link ProtocolError}
 * where trailer, token and padding do not fit between the common header and the end of the PDU.
 */
export function decodeSecTrailer(pdu: Uint8Array, authLength: number, littleEndian: boolean): SecTrailer {
  // frag_length - auth_length - 8: auth_type u8, auth_level u8, auth_pad_length u8, auth_reserved u8,
  // auth_context_id u32, token
  const at = pdu.length - authLength - SEC_TRAILER_LENGTH;
  if (at < COMMON_HEADER_LENGTH) {
    throw new ProtocolError('RPCH_BAD_AUTH_LENGTH', `auth_length ${authLength} in ${pdu.length} bytes`, SECTION);
  }
  const reader = new DrepReader(pdu, littleEndian, SECTION, at);
  const authType = reader.u8();
  const authLevel = reader.u8();
  const authPadLength = reader.u8();
  reader.skip(1);
  const authContextId = reader.u32();
  if (authPadLength > at - COMMON_HEADER_LENGTH) {
    throw new ProtocolError('RPCH_BAD_AUTH_PAD', `auth_pad_length ${authPadLength} exceeds the body`, SECTION);
  }
  return { authType, authLevel, authPadLength, authContextId, token: reader.bytes(authLength) };
}

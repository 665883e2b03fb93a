import { PduType } from './header.ts';
import { encodePdu, WHOLE } from './pdu.ts';
import type { AuthVerifier } from './sec-trailer.ts';

const PAD_LENGTH = 4;

/** rpc_auth_3: the last leg of an authentication of three, never answered ([MS-RPCE] 2.2.2.10). */
export interface Auth3 {
  /** FIRST_FRAG and LAST_FRAG are implied. */
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
}

/**
 * The PDU: four bytes of padding that mean nothing, sec_trailer, token. What a receiver wants of it is its secTrailer.
 */
export function encodeAuth3({ pfcFlags, callId, littleEndian }: Auth3, verifier: AuthVerifier): Uint8Array {
  const head = { ptype: PduType.auth3, pfcFlags: pfcFlags | WHOLE, callId, littleEndian };
  return encodePdu(head, PAD_LENGTH, (writer) => writer.zeros(PAD_LENGTH), verifier);
}

import { ProtocolError } from '../errors.ts';

/** PDU types of the connection-oriented protocol (C706 12.6.4.1, [MS-RPCE] 2.2.2.2, [MS-RPCH] 2.2.3.6.1). */
export const PduType = {
  request: 0,
  response: 2,
  fault: 3,
  bind: 11,
  bind_ack: 12,
  bind_nak: 13,
  alter_context: 14,
  alter_context_resp: 15,
  auth3: 16,
  shutdown: 17,
  co_cancel: 18,
  orphaned: 19,
  rts: 20,
} as const;
export type PduType = (typeof PduType)[keyof typeof PduType];

/** Bits of pfc_flags (C706 12.6.3.1, [MS-RPCE] 2.2.2.3). */
export const PfcFlag = {
  FIRST_FRAG: 0x01,
  LAST_FRAG: 0x02,
  PENDING_CANCEL: 0x04,
  SUPPORT_HEADER_SIGN: 0x04,
  CONC_MPX: 0x10,
  DID_NOT_EXECUTE: 0x20,
  MAYBE: 0x40,
  OBJECT_UUID: 0x80,
} as const;

/** Size of the common header in bytes (C706 12.6.3.1). */
export const COMMON_HEADER_LENGTH = 16;
/** Bytes needed before frag_length can be read. */
export const LENGTH_KNOWN_AT = 10;
/** The largest value of frag_length, a 16-bit field. */
export const MAX_FRAG_LENGTH = 0xffff;

const SECTION = 'C706 12.6.3.1';

/**
 * The length of the PDU that starts at `at`; at least {@link LENGTH_KNOWN_AT} bytes must be there. Checks what can be
 * checked so early: rpc_vers 5.0 (a minor version of 1 is tolerated, as C706 allows) and a frag_length that holds a header.
 */
export function fragLengthAt(bytes: Uint8Array, at: number): number {
  // rpc_vers at 0, rpc_vers_minor at 1, PTYPE at 2, pfc_flags at 3, packed_drep at 4, frag_length at 8
  const minor = bytes[at + 1] as number;
  if (bytes[at] !== 5 || minor > 1) {
    throw new ProtocolError('RPCH_BAD_VERSION', `PDU of rpc_vers ${bytes[at]}.${minor}`, SECTION);
  }
  const low = bytes[at + 8] as number;
  const high = bytes[at + 9] as number;
  const length = ((bytes[at + 4] as number) & 0x10) !== 0 ? low | (high << 8) : (low << 8) | high;
  if (length < COMMON_HEADER_LENGTH) {
    throw new ProtocolError('RPCH_BAD_FRAG_LENGTH', `frag_length ${length} is shorter than a header`, SECTION);
  }
  return length;
}

/** PTYPE of the PDU that starts at `at`. */
export function pduTypeAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 2] as number;
}

/** pfc_flags of the PDU that starts at `at`. */
export function pfcFlagsAt(bytes: Uint8Array, at: number): number {
  return bytes[at + 3] as number;
}

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PduType).map(([name, value]) => [value, name]));

/** The specification's name of a PDU type, for logs. */
export function describePduType(type: number): string {
  return NAMES.get(type) ?? `PTYPE ${type}`;
}

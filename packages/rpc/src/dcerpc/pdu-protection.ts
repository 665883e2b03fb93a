import { ProtocolError, RpchError } from '../errors.ts';
import { COMMON_HEADER_LENGTH, describePduType, PduType, PfcFlag } from './header.ts';
import type { Pdu } from './pdu.ts';
import { SEC_TRAILER_LENGTH } from './sec-trailer.ts';
import { AuthLevel, type MessageProtection } from './security-context.ts';

const SECTION = '[MS-RPCE] 3.3.1.5.2.2';

/** Where stub data begins, counted from the start of the PDU (C706 12.6.4.7, 12.6.4.9, 12.6.4.10). */
const STUB_AT = 24;
const FAULT_STUB_AT = 32;
const OBJECT_LENGTH = 16;

/** sec_trailer stands on a multiple of this, counted from the stub's start ([MS-RPCE] 2.2.2.11). */
export const AUTH_ALIGNMENT = 16;

/** What a connection and a security context have agreed on. */
export interface PduProtectionOptions {
  /** One of AuthType. */
  readonly authType: number;
  /** One of AuthLevel, not none; `call` is taken as `packet` ([MS-RPCE] 2.2.1.1.8). */
  readonly authLevel: number;
  readonly authContextId: number;
  /** Both sides have set PFC_SUPPORT_HEADER_SIGN ([MS-RPCE] 2.2.2.3). */
  readonly headerSigning: boolean;
  /** Of the complete context. Level connect needs none. */
  readonly protection: MessageProtection | undefined;
}

/**
 * Protects the requests, responses and faults of one security context on one connection: puts trailer and signature on
 * what is sent, takes them off what comes in. Both sides of an association use it.
 *
 * Signatures are numbered: PDUs must be protected in the order in which they are sent, and opened in the order in which
 * they came in, those that nobody waits for included.
 *
 * | level | sent | received |
 * | --- | --- | --- |
 * | connect | nothing is added | a trailer may be there; its token is not looked at |
 * | packet, integrity | signed | must be signed |
 * | privacy | signed, the stub with its padding encrypted | the same |
 *
 * A signature covers the whole PDU up to the token, or, where a mechanism leaves that to negotiation and it was not
 * agreed on, the stub with its padding. The specification's table has no protection at level packet; Windows and Samba
 * do the same there as at integrity, and so do we. Faults, co_cancel and orphaned are sent without protection, as Samba
 * does, and taken with and without: a signature that is there counts and is verified.
 */
export class PduProtection {
  readonly authType: number;
  readonly authLevel: number;
  readonly authContextId: number;
  /**
   * Bytes that trailer and token add to every fragment, besides padding to {@link AUTH_ALIGNMENT}; 0 at level connect.
   */
  readonly overhead: number;
  /** Signatures cover header and trailer, not only the stub. */
  readonly coversHeader: boolean;
  readonly #protection: MessageProtection | undefined;
  readonly #sealed: boolean;

  /** An unknown level, or one that needs a protection that is not there, is the caller's fault: RpchError. */
  constructor(options: PduProtectionOptions) {
    const level = effectiveAuthLevel(options.authLevel);
    const protection = level === AuthLevel.connect ? undefined : options.protection;
    if (
      level < AuthLevel.connect ||
      level > AuthLevel.privacy ||
      (protection === undefined) !== (level === AuthLevel.connect)
    ) {
      throw new RpchError('RPCH_BAD_AUTH_LEVEL', 'caller', `auth_level ${options.authLevel} cannot be had`);
    }
    this.authType = options.authType;
    this.authLevel = level;
    this.authContextId = options.authContextId;
    this.overhead = protection === undefined ? 0 : SEC_TRAILER_LENGTH + protection.signatureLength;
    this.#protection = protection;
    this.#sealed = level === AuthLevel.privacy;
    this.coversHeader = options.headerSigning || protection?.headerSigningNegotiable !== true;
  }

  /**
   * Signs, and at level privacy encrypts, a PDU that is complete but for its token: frag_length, auth_length, padding
   * and sec_trailer are there, and {@link signatureLength} bytes wait at the end. Works in place. Not for level
   * connect.
   */
  seal(pdu: Uint8Array, stubAt: number): void {
    const protection = this.#protection;
    if (protection === undefined) return;
    const end = pdu.length - protection.signatureLength;
    const token = pdu.subarray(end);
    const message = pdu.subarray(this.coversHeader ? 0 : stubAt, this.coversHeader ? end : end - SEC_TRAILER_LENGTH);
    if (this.#sealed) protection.seal(message, pdu.subarray(stubAt, end - SEC_TRAILER_LENGTH), token);
    else protection.sign(message, token);
  }

  /** Bytes of the token on every fragment; 0 at level connect. */
  get signatureLength(): number {
    return this.#protection?.signatureLength ?? 0;
  }

  /**
   * Verifies a PDU that came in, and decrypts its stub **in place**: `bytes` must be the memory that `pdu`
   * was opened from and is changed. To be called before the body is decoded. PDUs that build contexts (bind, auth3 and
   * so on) pass unseen.
   *
   * Throws a {@link ProtocolError}: `RPCH_UNPROTECTED_PDU` where protection is missing, `RPCH_FOREIGN_TRAILER` where
   * the trailer is not of this context, `RPCH_BAD_SIGNATURE` where the signature is not right.
   */
  open(bytes: Uint8Array, pdu: Pdu): void {
    const stubAt = stubOffset(pdu);
    if (stubAt === 0) return;
    const trailer = pdu.secTrailer;
    const protection = this.#protection;
    if (trailer === undefined) {
      if (protection === undefined || (pdu.ptype !== PduType.request && pdu.ptype !== PduType.response)) return;
      throw new ProtocolError('RPCH_UNPROTECTED_PDU', `${describePduType(pdu.ptype)} without a signature`, SECTION);
    }
    if (
      trailer.authType !== this.authType ||
      trailer.authContextId !== this.authContextId ||
      effectiveAuthLevel(trailer.authLevel) !== this.authLevel
    ) {
      throw new ProtocolError('RPCH_FOREIGN_TRAILER', 'a security trailer of another context', SECTION);
    }
    if (protection === undefined) return;
    const tokenAt = bytes.length - trailer.token.length;
    const trailerAt = tokenAt - SEC_TRAILER_LENGTH;
    if (trailerAt < stubAt) {
      throw new ProtocolError(
        'RPCH_BAD_AUTH_LENGTH',
        `auth_length ${trailer.token.length} reaches into the header`,
        SECTION,
      );
    }
    if (trailer.token.length < protection.signatureLength) {
      throw new ProtocolError('RPCH_BAD_SIGNATURE', `a signature of ${trailer.token.length} bytes`, SECTION);
    }
    // [MS-RPCE] 2.2.2.11: what a sender has allocated in excess is zero-filled and belongs to the token
    const token = bytes.subarray(tokenAt, tokenAt + protection.signatureLength);
    const message = bytes.subarray(this.coversHeader ? 0 : stubAt, this.coversHeader ? tokenAt : trailerAt);
    if (this.#sealed) protection.unseal(message, bytes.subarray(stubAt, trailerAt), token);
    else protection.verify(message, token);
  }
}

/**
 * The level that is served where `level` was asked for: packet for call ([MS-RPCE] 2.2.1.1.8), connect for default (0).
 */
export function effectiveAuthLevel(level: number): number {
  if (level === AuthLevel.call) return AuthLevel.packet;
  return level === 0 ? AuthLevel.connect : level;
}

/** Where the part of a PDU that may be encrypted begins; 0 of PDU types that are never protected. */
function stubOffset({ ptype, pfcFlags }: Pdu): number {
  switch (ptype) {
    case PduType.request:
      return (pfcFlags & PfcFlag.OBJECT_UUID) !== 0 ? STUB_AT + OBJECT_LENGTH : STUB_AT;
    case PduType.response:
      return STUB_AT;
    case PduType.fault:
      return FAULT_STUB_AT;
    case PduType.co_cancel:
    case PduType.orphaned:
      return COMMON_HEADER_LENGTH;
    default:
      return 0;
  }
}

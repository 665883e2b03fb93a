import type {
  AcceptorResult,
  MessageProtection,
  SecurityAcceptor,
  SecurityInitiator,
} from '../dcerpc/security-context.ts';

/**
 * Whether a complete context exchanges mechListMICs: `promised` to the peer whatever is negotiated, `available` where the
 * negotiation needs them, `unavailable` where the context can sign nothing (RFC 4178 5).
 */
export type MechListMic = 'promised' | 'available' | 'unavailable';

/** What SPNEGO needs of a mechanism's protection besides: the mechListMICs (RFC 4178 5). */
export interface NegotiableProtection extends MessageProtection {
  /** The MIC of the encoded MechTypeList, for the peer. Comes before every other message of this side. */
  signMechList(mechTypes: Uint8Array): Uint8Array;
  /** Throws a ProtocolError `RPCH_BAD_SIGNATURE` unless `mic` is the peer's MIC of that list. */
  verifyMechList(mechTypes: Uint8Array, mic: Uint8Array): void;
}

/** The initiating side of a mechanism that can be negotiated. */
export interface NegotiableInitiator extends SecurityInitiator {
  readonly protection: NegotiableProtection;
  /** Of the complete context. */
  readonly mechListMic: MechListMic;
}

/** What one leg brought the accepting side of a mechanism that can be negotiated. */
export type NegotiableResult =
  | Extract<AcceptorResult, { readonly kind: 'challenge' | 'refused' }>
  | Negotiable<'accepted'>
  | Negotiable<'anonymous'>;

type Negotiable<Kind extends 'accepted' | 'anonymous'> = Omit<
  Extract<AcceptorResult, { readonly kind: Kind }>,
  'protection'
> & {
  protection(): NegotiableProtection;
  readonly mechListMic: MechListMic;
};

/** The accepting side of a mechanism that can be negotiated. */
export interface NegotiableAcceptor extends SecurityAcceptor {
  step(token: Uint8Array): Promise<NegotiableResult>;
}

/** A mechanism that SPNEGO may choose, by its object identifier; `make` begins one context. */
export interface InitiatorMechanism {
  readonly oid: string;
  make(): NegotiableInitiator;
}

/** As {@link InitiatorMechanism}, of the accepting side. */
export interface AcceptorMechanism {
  readonly oid: string;
  make(): NegotiableAcceptor;
}

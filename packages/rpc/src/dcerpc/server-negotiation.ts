import { ProtocolError, RpchError } from '../errors.ts';
import type { AssociationGroup, AssociationGroups } from './association-groups.ts';
import { type Bind, decodeBind } from './bind.ts';
import { encodeBindAck, type PResult } from './bind-ack.ts';
import { encodeBindNak, RejectReason } from './bind-nak.ts';
import { FaultStatus } from './fault-status.ts';
import { FRAG_LENGTH, negotiateFragLength } from './frag-length.ts';
import { PduType, PfcFlag } from './header.ts';
import { PresentationContexts } from './presentation-contexts.ts';
import type { CallPeer, OfferedInterface } from './rpc-interface.ts';
import { type AcceptorResult, AuthType, accountText } from './security-context.ts';
import { ServerFault } from './server-fault.ts';
import { appendEmptyTrailer, bindPduOf, type ServerPdu } from './server-pdu.ts';
import {
  MAX_SECURITY_CONTEXTS,
  SecurityContexts,
  type SecurityProviders,
  type ServerSecurityContext,
} from './server-security.ts';

const SECTION = '[MS-RPCE] 3.3.1.5';
const MAX_AUTH3_TOKEN = 4096;
/** n_context_elem, counted from the end of the common header (C706 12.6.4.3). */
const CONTEXT_COUNT_AT = 8;
/** Errors of security providers that are answered with rpc_s_sec_pkg_error. */
const UNFIT: ReadonlySet<string> = new Set(['RPCH_BAD_SIGNATURE', 'RPCH_CANNOT_SEAL', 'RPCH_NTLM_NO_PROTECTION']);

export interface ServerNegotiationOptions {
  readonly interfaces: readonly OfferedInterface[];
  readonly security: SecurityProviders;
  /** Default {@link MAX_SECURITY_CONTEXTS}. */
  readonly maxSecurityContexts?: number | undefined;
  /** Of the whole server. */
  readonly groups: AssociationGroups;
  /** Who is calling, as far as the transport knows: association groups are never shared between two of these. */
  readonly client: string;
  /** Another name for the same client. */
  readonly clientAlias?: string | undefined;
  /** The endpoint that bind_ack names: over TCP the port's digits. */
  readonly secondaryAddress: string;
  readonly peer: CallPeer;
}

/** What a negotiation does with its association. */
export interface NegotiationHost {
  send(pdu: Uint8Array): void;
  end(why: RpchError): void;
  /** Something failed that is not the client's business; `why.cause` is what was thrown. */
  failed(why: RpchError): void;
  /** Answers a PDU that broke a rule. */
  refuse(pdu: ServerPdu, fault: ServerFault): void;
  /** Lets everything that comes in wait until `work` is done and its outcome dealt with. */
  hold<T>(work: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void;
}

/** What a bind has agreed on. */
export interface Bound {
  readonly group: AssociationGroup;
  readonly fragLength: number;
  /** CONC_MPX was agreed on: calls may overlap. */
  multiplexed: boolean;
}

/** How one leg of an authentication ended. `token` is what the client is still to be sent. */
type Leg =
  | { readonly refused?: never; readonly token: Uint8Array | undefined; readonly complete: boolean }
  | { readonly refused: RpchError };

/**
 * The server's side of bind, alter_context and auth3 ([MS-RPCE] 3.3.1.5.2, 3.3.1.5.5 to 3.3.1.5.8): presentation contexts,
 * security contexts, association group. Answers are those of Windows, as Samba's tests of the bare protocol have them.
 */
export class ServerNegotiation {
  readonly contexts: PresentationContexts;
  readonly security: SecurityContexts;
  readonly #options: ServerNegotiationOptions;
  readonly #host: NegotiationHost;
  #bound: Bound | undefined;
  #began = false;
  #acknowledged = false;

  constructor(options: ServerNegotiationOptions, host: NegotiationHost) {
    this.#options = options;
    this.#host = host;
    const { security, maxSecurityContexts = MAX_SECURITY_CONTEXTS, peer } = options;
    this.security = new SecurityContexts(security, maxSecurityContexts, peer);
    this.contexts = new PresentationContexts(options.interfaces, this.security.available);
  }

  /** What was agreed on; undefined before the bind_ack and after {@link leave}. */
  get bound(): Bound | undefined {
    return this.#acknowledged ? this.#bound : undefined;
  }

  /** The connection is gone: leaves the association group. */
  leave(): void {
    if (this.#bound !== undefined) this.#options.groups.leave(this.#bound.group.id);
    this.#bound = undefined;
  }

  bind(pdu: ServerPdu): void {
    if (this.#began) {
      this.#nak(
        pdu,
        RejectReason.reason_not_specified,
        new ProtocolError('RPCH_SECOND_BIND', 'a second bind', SECTION),
      );
      return;
    }
    this.#began = true;
    const bind = this.#decode(pdu);
    const group = bind && this.#join(bind.assocGroupId);
    if (bind === undefined) return;
    if (group === undefined) {
      const why = `association group ${bind.assocGroupId} is not there`;
      this.#nak(pdu, RejectReason.reason_not_specified, new RpchError('RPCH_NO_SUCH_GROUP', 'peer', why));
      return;
    }
    const multiplexed = (bind.pfcFlags & PfcFlag.CONC_MPX) !== 0;
    const bound = { group, fragLength: negotiateFragLength(bind.maxXmitFrag, bind.maxRecvFrag), multiplexed };
    this.#bound = bound;
    const results = this.#negotiate(pdu, bind);
    if (results === undefined) return;
    const context = this.security.of(pdu);
    const trailer = pdu.secTrailer;
    const reason = trailer === undefined ? undefined : (reasonOf(pdu) ?? this.security.begin(context, trailer));
    if (reason !== undefined) {
      const why = `a bind with auth_type ${trailer?.authType}, auth_level ${trailer?.authLevel}`;
      this.#nak(pdu, reason, new RpchError('RPCH_NO_RPC_SECURITY', 'peer', why));
      return;
    }
    this.security.headerSigning = (bind.pfcFlags & PfcFlag.SUPPORT_HEADER_SIGN) !== 0;
    const acknowledge = (leg: Leg | undefined) => {
      this.#acknowledged = true;
      this.security.completeWithout();
      this.#acknowledge(bind, bound, results, context, leg);
    };
    if (trailer === undefined) {
      acknowledge(undefined);
      return;
    }
    this.#step(context, trailer.token, (leg) => {
      // [MS-RPCE] 2.2.2.5: whatever the security provider has against it
      if (leg.refused !== undefined) this.#nak(pdu, RejectReason.invalid_checksum, leg.refused);
      else acknowledge(leg);
    });
  }

  alterContext(pdu: ServerPdu): void {
    const bound = this.bound;
    if (bound === undefined) throw new ProtocolError('RPCH_NOT_BOUND', 'alter_context before bind', SECTION);
    if (pdu.trailerFlaw === 'length') throw fault('RPCH_BAD_AUTH_LENGTH', 'auth_length exceeds the PDU');
    const context = this.security.of(pdu);
    const allowed = this.#admitLeg(pdu, context);
    const bind = decodeBind(bindPduOf(pdu));
    const { results, grown } = this.contexts.negotiate(bind.elements, false);
    if (!allowed) {
      const foreign = (pdu.secTrailer?.authType ?? AuthType.none) !== context.authType;
      throw refusedLeg(
        foreign ? FaultStatus.rpc_s_sec_pkg_error : FaultStatus.access_denied,
        'a leg that does not fit',
      );
    }
    if ((bind.pfcFlags & PfcFlag.SUPPORT_HEADER_SIGN) !== 0) this.security.headerSigning = true;
    const multiplexed = (bind.pfcFlags & PfcFlag.CONC_MPX) !== 0 && (bound.multiplexed || grown);
    if (multiplexed) bound.multiplexed = true;
    const answered = { ...bound, multiplexed };
    if (pdu.secTrailer === undefined) {
      this.#acknowledge(bind, answered, results, context, undefined);
      return;
    }
    this.#step(context, pdu.secTrailer.token, (leg) => {
      if (leg.refused === undefined) {
        this.#acknowledge(bind, answered, results, context, leg);
        return;
      }
      context.refuse(leg.refused.message);
      // A refused logon is one thing, a context that cannot protect what it should another.
      const unfit = leg.refused instanceof ProtocolError && UNFIT.has(leg.refused.code);
      const status = unfit ? FaultStatus.rpc_s_sec_pkg_error : FaultStatus.access_denied;
      this.#host.refuse(pdu, refusedLeg(status, leg.refused.message));
    });
  }

  /** The last leg of three: never answered, and what it lacks shows at the first call ([MS-RPCE] 3.3.1.5.2.1). */
  auth3(pdu: ServerPdu): void {
    if (this.bound === undefined) throw new ProtocolError('RPCH_NOT_BOUND', 'auth3 before bind', SECTION);
    const refused = (status: number, why: string) => refusedLeg(status, why);
    const context = this.security.of(pdu);
    const proto = FaultStatus.nca_s_proto_error;
    if (pdu.bytes.length > FRAG_LENGTH || pdu.authLength > MAX_AUTH3_TOKEN) throw refused(proto, 'auth3 is too long');
    if (context.complete || !context.started || context.invalid) throw refused(proto, 'auth3 out of turn');
    const trailer = pdu.secTrailer;
    if (trailer === undefined || pdu.trailerFlaw === 'padding') {
      throw refused(FaultStatus.nca_s_fault_remote_no_memory, 'auth3 without a proper trailer');
    }
    if (pdu.trailerFlaw !== undefined) throw refused(proto, `auth3 with a trailer of wrong ${pdu.trailerFlaw}`);
    this.#step(context, trailer.token, (leg) => {
      if (leg.refused !== undefined) context.refuse(leg.refused.message);
      else if (!leg.complete || leg.token !== undefined) context.refuse('auth3 was not the last leg');
    });
  }

  /**
   * Whether the leg that an alter_context carries fits the state of its context, or there is none and none is owed. Throws
   * {@link ServerFault} where the answer does not depend on the rest of the PDU.
   */
  #admitLeg(pdu: ServerPdu, context: ServerSecurityContext): boolean {
    const trailer = pdu.secTrailer;
    if (trailer === undefined) return context.complete;
    if (context.complete) throw refusedLeg(FaultStatus.access_denied, 'a leg of a complete authentication');
    if (pdu.trailerFlaw !== undefined) throw fault('RPCH_BAD_TRAILER', `a trailer of wrong ${pdu.trailerFlaw}`);
    if (!context.started) {
      if (this.security.begin(context, trailer) === undefined) return true;
      throw refusedLeg(FaultStatus.access_denied, `auth_type ${trailer.authType}, auth_level ${trailer.authLevel}`);
    }
    if (trailer.authType === AuthType.none) throw refusedLeg(FaultStatus.access_denied, 'auth_type none');
    return !context.invalid && !context.differs(trailer);
  }

  #join(id: number): AssociationGroup | undefined {
    const { groups, client, clientAlias } = this.#options;
    return groups.join(id, client, clientAlias);
  }

  #step(context: ServerSecurityContext, token: Uint8Array, done: (leg: Leg) => void): void {
    // The token is a view of a buffer that is read into again.
    const step = context.step(new Uint8Array(token));
    this.#host.hold(
      step,
      (result) => done(legOf(result)),
      (error) => {
        if (!(error instanceof ProtocolError)) {
          this.#host.failed(new RpchError('RPCH_ACCEPTOR_FAILED', 'caller', 'a security provider', { cause: error }));
        }
        done({ refused: error instanceof RpchError ? error : refusal('the security provider failed') });
      },
    );
  }

  #decode(pdu: ServerPdu): Bind | undefined {
    try {
      if (pdu.trailerFlaw === 'length') throw fault('RPCH_BAD_AUTH_LENGTH', 'auth_length exceeds the PDU');
      // Without contexts Samba's client leaves out the padding behind their number too.
      if (pdu.body[CONTEXT_COUNT_AT] === 0)
        throw new ProtocolError('RPCH_EMPTY_BIND', 'no presentation context', SECTION);
      return decodeBind(bindPduOf(pdu));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const empty = error.code === 'RPCH_EMPTY_BIND';
      this.#nak(pdu, empty ? RejectReason.reason_not_specified : RejectReason.protocol_version_not_supported, error);
      return undefined;
    }
  }

  #negotiate(pdu: ServerPdu, bind: Bind): readonly PResult[] | undefined {
    try {
      return this.contexts.negotiate(bind.elements, true).results;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#nak(pdu, RejectReason.reason_not_specified, error);
      return undefined;
    }
  }

  #acknowledge(
    bind: Bind,
    { group, fragLength, multiplexed }: Bound,
    results: readonly PResult[],
    context: ServerSecurityContext,
    leg: Leg | undefined,
  ): void {
    const { callId, littleEndian } = bind;
    const first = bind.ptype === PduType.bind;
    const ack = {
      ptype: first ? PduType.bind_ack : PduType.alter_context_resp,
      pfcFlags: (multiplexed ? PfcFlag.CONC_MPX : 0) | (bind.pfcFlags & PfcFlag.SUPPORT_HEADER_SIGN),
      callId,
      littleEndian,
      maxXmitFrag: fragLength,
      maxRecvFrag: fragLength,
      assocGroupId: group.id,
      secondaryAddress: first ? this.#options.secondaryAddress : '',
      results,
    };
    const { authType, authLevel, authContextId } = context;
    const token = leg === undefined || leg.refused !== undefined ? undefined : leg.token;
    if (token !== undefined && token.length > 0) {
      this.#host.send(encodeBindAck(ack, { authType, authLevel, authContextId, token }));
    } else if (leg !== undefined) {
      this.#host.send(appendEmptyTrailer(encodeBindAck(ack), littleEndian, { authType, authLevel, authContextId }));
    } else {
      this.#host.send(encodeBindAck(ack));
    }
  }

  #nak({ callId, littleEndian }: ServerPdu, reason: number, why: RpchError): void {
    this.#host.send(encodeBindNak({ callId, littleEndian, reason, versions: [{ major: 5, minor: 0 }] }));
    this.#host.end(why);
  }
}

/** The reject_reason for a trailer that cannot be read as it should be. */
function reasonOf({ trailerFlaw }: ServerPdu): number | undefined {
  if (trailerFlaw === 'padding') return RejectReason.protocol_version_not_supported;
  return trailerFlaw === undefined ? undefined : RejectReason.reason_not_specified;
}

function legOf(result: AcceptorResult): Leg {
  switch (result.kind) {
    case 'challenge':
      return { token: result.token, complete: false };
    case 'accepted':
    case 'anonymous':
      return { token: result.token, complete: true };
    case 'refused': {
      const { user, domain, why } = result;
      return { refused: refusal(user === undefined ? why : `${accountText({ user, domain })}: ${why}`) };
    }
  }
}

function refusal(why: string): RpchError {
  return new RpchError('RPCH_RPC_AUTH_REFUSED', 'peer', why);
}

function fault(code: string, why: string): ServerFault {
  return new ServerFault(code, why, SECTION, { pfcFlags: PfcFlag.DID_NOT_EXECUTE });
}

function refusedLeg(status: number, why: string): ServerFault {
  return new ServerFault('RPCH_RPC_AUTH_REFUSED', why, SECTION, { status, pfcFlags: PfcFlag.DID_NOT_EXECUTE });
}

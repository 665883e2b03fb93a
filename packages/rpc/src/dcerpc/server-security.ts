import { ProtocolError } from '../errors.ts';
import { RejectReason } from './bind-nak.ts';
import { FaultStatus } from './fault-status.ts';
import { PduType, PfcFlag } from './header.ts';
import { PduProtection } from './pdu-protection.ts';
import type { CallPeer } from './rpc-interface.ts';
import type { SecTrailer } from './sec-trailer.ts';
import {
  type AcceptorResult,
  AuthLevel,
  AuthType,
  type MessageProtection,
  type PeerIdentity,
  type SecurityAcceptor,
} from './security-context.ts';
import { ServerFault } from './server-fault.ts';
import type { ServerPdu } from './server-pdu.ts';

const SECTION = '[MS-RPCE] 3.3.1.5.2';

/** Makes the acceptor of one security context, for whoever calls from there. */
export type SecurityProvider = (peer: CallPeer) => SecurityAcceptor;

/** Who accepts security contexts, by auth_type. */
export interface SecurityProviders {
  readonly ntlm?: SecurityProvider;
  readonly spnego?: SecurityProvider;
  readonly kerberos?: SecurityProvider;
}

/** Security contexts that one association may have by default; Windows' clients make up to 2,000. */
export const MAX_SECURITY_CONTEXTS = 64;

/**
 * One security context of an association ([MS-RPCE] 3.3.1.5.2.1), or its absence: the context in which PDUs without a security
 * trailer run.
 *
 * ```
 *   new ──begin──▶ under way ──step…──▶ complete
 *    └────────────────┴──── refuse ───────┴────▶ invalid: every call in it is refused
 * ```
 */
export class ServerSecurityContext {
  readonly authContextId: number;
  #authType: number = AuthType.none;
  #authLevel: number = AuthLevel.none;
  #state: 'new' | 'under way' | 'complete' = 'new';
  #refusal: string | undefined;
  #acceptor: SecurityAcceptor | undefined;
  #identity: PeerIdentity | undefined;
  #anonymous = false;
  #messages: MessageProtection | undefined;
  #makeMessages: (() => MessageProtection) | undefined;
  #protection: { readonly headerSigning: boolean; readonly pdus: PduProtection } | undefined;

  constructor(authContextId: number) {
    this.authContextId = authContextId;
  }

  get authType(): number {
    return this.#authType;
  }

  get authLevel(): number {
    return this.#authLevel;
  }

  get started(): boolean {
    return this.#state !== 'new';
  }

  get complete(): boolean {
    return this.#state === 'complete';
  }

  get invalid(): boolean {
    return this.#refusal !== undefined;
  }

  /** Why calls in this context are refused, for the log. */
  get refusal(): string {
    return this.#refusal ?? 'a call in no security context';
  }

  /** Who was accepted; undefined while nobody was, where no authentication takes place, and of an anonymous context. */
  get identity(): PeerIdentity | undefined {
    return this.#identity;
  }

  /** Complete without anybody at the other end: calls in it are as good as those without authentication. */
  get anonymous(): boolean {
    return this.#anonymous;
  }

  /** Whether a trailer names this context, but not as it was begun. */
  differs(trailer: SecTrailer): boolean {
    return (
      trailer.authContextId !== this.authContextId ||
      trailer.authType !== this.#authType ||
      trailer.authLevel !== this.#authLevel
    );
  }

  /** Complete as it is: calls without authentication. */
  completeWithout(): void {
    if (this.#state === 'new') this.#state = 'complete';
  }

  /** Begins an authentication of that type and level. */
  begin(acceptor: SecurityAcceptor, { authType, authLevel }: SecTrailer): void {
    this.#acceptor = acceptor;
    this.#authType = authType;
    this.#authLevel = authLevel;
    this.#state = 'under way';
  }

  /** Makes the context invalid; the first reason stays. */
  refuse(why: string): void {
    this.#refusal ??= why;
    this.#acceptor = undefined;
  }

  /** Passes the client's next token to the acceptor. Rejects with what that throws. */
  async step(token: Uint8Array): Promise<AcceptorResult> {
    const acceptor = this.#acceptor;
    if (acceptor === undefined) return { kind: 'refused', why: 'no authentication is under way' };
    const result = await acceptor.step(token);
    if (result.kind !== 'accepted' && result.kind !== 'anonymous') return result;
    // At privacy a context that cannot encrypt is refused at once; at the levels below it shows at the first call, as in Windows.
    const messages = this.#authLevel === AuthLevel.privacy ? result.protection() : undefined;
    if (messages?.canSeal === false) {
      throw new ProtocolError(
        'RPCH_CANNOT_SEAL',
        'level privacy in a context that cannot encrypt',
        '[MS-RPCE] 2.2.1.1.8',
      );
    }
    this.#makeMessages = messages === undefined ? () => result.protection() : () => messages;
    if (result.kind === 'accepted') {
      const { user, domain, workstation } = result;
      this.#identity = { user, domain, workstation };
    } else {
      this.#anonymous = true;
    }
    this.#acceptor = undefined;
    this.#state = 'complete';
    return result;
  }

  /**
   * What protects the PDUs of the complete context; undefined where no authentication took place. Throws a ProtocolError where what
   * the client has agreed on can protect nothing.
   */
  protection(headerSigning: boolean): PduProtection | undefined {
    if (this.#authLevel === AuthLevel.none) return undefined;
    // Header signing may be agreed on after the context was complete.
    if (this.#protection === undefined || this.#protection.headerSigning !== headerSigning) {
      const { authContextId } = this;
      const [authType, authLevel] = [this.#authType, this.#authLevel];
      if (authLevel !== AuthLevel.connect) this.#messages ??= this.#makeMessages?.();
      const protection = this.#messages;
      const pdus = new PduProtection({ authType, authLevel, authContextId, headerSigning, protection });
      this.#protection = { headerSigning, pdus };
    }
    return this.#protection.pdus;
  }
}

/**
 * The security contexts of one association: which one a PDU belongs to, and whether PFC_SUPPORT_HEADER_SIGN was agreed on. A
 * client may have several at once, told apart by auth_context_id ([MS-RPCE] 3.3.1.5.2.1).
 */
export class SecurityContexts {
  readonly #providers: SecurityProviders;
  readonly #limit: number;
  readonly #peer: CallPeer;
  readonly #none = new ServerSecurityContext(0);
  readonly #contexts = new Map<number, ServerSecurityContext>();
  /** At level connect requests need no trailer: the context of those that have none, until one has. */
  #connect: ServerSecurityContext | undefined;
  #connectNamed = false;
  /** Both sides have set PFC_SUPPORT_HEADER_SIGN. */
  headerSigning = false;

  constructor(providers: SecurityProviders, limit: number, peer: CallPeer) {
    this.#providers = providers;
    this.#limit = limit;
    this.#peer = peer;
  }

  /**
   * The context of a PDU. One that is not known is made, so that it can be begun; of a request it is invalid from the start.
   * One whose type or level is stated otherwise becomes invalid. Throws {@link ServerFault} where there are too many.
   */
  of(pdu: ServerPdu): ServerSecurityContext {
    const request = pdu.ptype === PduType.request;
    if (pdu.authLength === 0) return (request ? this.#connect : undefined) ?? this.#none;
    const trailer = pdu.secTrailer;
    const authContextId = trailer?.authContextId ?? 0;
    if (request) {
      this.#connect = undefined;
      if (trailer?.authLevel === AuthLevel.connect) this.#connectNamed = true;
    }
    const known = this.#contexts.get(authContextId);
    if (known !== undefined) {
      const binding = !request || (pdu.pfcFlags & PfcFlag.FIRST_FRAG) !== 0;
      if (binding && (trailer === undefined || known.differs(trailer)))
        known.refuse('another auth_type or auth_level in the same context');
      return known;
    }
    if (this.#contexts.size >= this.#limit) {
      throw new ServerFault('RPCH_TOO_MANY_CONTEXTS', `more than ${this.#limit} security contexts`, SECTION, {
        pfcFlags: PfcFlag.DID_NOT_EXECUTE,
      });
    }
    const made = new ServerSecurityContext(authContextId);
    if (request) made.refuse('a call in a security context that nobody began');
    this.#contexts.set(authContextId, made);
    return made;
  }

  /** After the bind: what has no security trailer runs without authentication. */
  completeWithout(): void {
    this.#none.completeWithout();
  }

  /** Begins an authentication; returns the reject_reason of [MS-RPCE] 2.2.2.5 where that cannot be. */
  begin(context: ServerSecurityContext, trailer: SecTrailer): number | undefined {
    if (context.started || context.invalid) return RejectReason.temporary_congestion;
    if (trailer.authLevel < AuthLevel.connect || trailer.authLevel > AuthLevel.privacy) {
      return RejectReason.reason_not_specified;
    }
    const provider = this.#providerOf(trailer.authType);
    if (provider === undefined) return RejectReason.authentication_type_not_recognized;
    // Level call is that of datagrams; Windows and Samba have no context of it over connections.
    if (trailer.authLevel === AuthLevel.call) return RejectReason.invalid_checksum;
    context.begin(provider(this.#peer), trailer);
    if (trailer.authLevel === AuthLevel.connect && !this.#connectNamed) this.#connect = context;
    return undefined;
  }

  /** Whether anyone could authenticate at all. */
  get available(): boolean {
    const { ntlm, spnego, kerberos } = this.#providers;
    return (ntlm ?? spnego ?? kerberos) !== undefined;
  }

  #providerOf(authType: number): SecurityProvider | undefined {
    switch (authType) {
      case AuthType.ntlm:
        return this.#providers.ntlm;
      case AuthType.spnego:
        return this.#providers.spnego;
      case AuthType.kerberos:
        return this.#providers.kerberos;
      default:
        return undefined;
    }
  }
}

/**
 * Verifies one fragment of a request in its context, decrypts it in place and returns it without trailer and padding. `first` says
 * that it is the call's first: only there do type, level and id of the trailer count; later fragments belong to the first's
 * context, as they do in Windows and Samba. Throws {@link ServerFault} for the presentation context `contextId`.
 */
export function openRequest(
  pdu: ServerPdu,
  context: ServerSecurityContext,
  headerSigning: boolean,
  contextId: number,
): ServerPdu {
  const refused = (status: number, why: string) =>
    new ServerFault('RPCH_UNPROTECTED_CALL', why, SECTION, { status, contextId });
  if (!context.started || context.invalid) throw refused(FaultStatus.access_denied, context.refusal);
  if (!context.complete) throw refused(FaultStatus.nca_s_proto_error, 'a call amid an authentication');
  let protection: PduProtection | undefined;
  try {
    protection = context.protection(headerSigning);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw refused(FaultStatus.rpc_s_sec_pkg_error, `${error.code}: ${error.message}`);
  }
  if (pdu.authLength === 0) {
    if (protection === undefined || protection.overhead === 0) return pdu;
    throw refused(FaultStatus.nca_s_proto_error, 'a call without its signature');
  }
  if (protection === undefined) throw refused(FaultStatus.access_denied, 'a signature without a security context');
  const trailer = pdu.secTrailer;
  if (trailer === undefined || pdu.trailerFlaw !== undefined) {
    throw refused(FaultStatus.nca_s_proto_error, `a security trailer of wrong ${pdu.trailerFlaw}`);
  }
  const first = (pdu.pfcFlags & PfcFlag.FIRST_FRAG) !== 0;
  if (first && context.differs(trailer)) throw refused(FaultStatus.access_denied, 'a trailer of another context');
  const { authType, authLevel, authContextId } = context;
  try {
    protection.open(pdu.bytes, { ...pdu, secTrailer: { ...trailer, authType, authLevel, authContextId } });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw refused(FaultStatus.rpc_s_sec_pkg_error, `${error.code}: ${error.message}`);
  }
  return { ...pdu, body: pdu.body.subarray(0, pdu.body.length - trailer.authPadLength) };
}

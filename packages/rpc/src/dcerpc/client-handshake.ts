import { ProtocolError, RpchError } from '../errors.ts';
import { encodeAuth3 } from './auth3.ts';
import { type Bind, type ContextElement, encodeBind } from './bind.ts';
import { type BindAck, ContextResult } from './bind-ack.ts';
import type { ClientContexts, InterfaceIdentity } from './client-contexts.ts';
import { MIN_FRAG_LENGTH } from './frag-length.ts';
import { MAX_FRAG_LENGTH, PduType, PfcFlag } from './header.ts';
import { effectiveAuthLevel, PduProtection } from './pdu-protection.ts';
import type { AuthVerifier } from './sec-trailer.ts';
import { AuthLevel, type SecurityInitiator } from './security-context.ts';
import { BindTimeFeature } from './syntax-id.ts';

const SECTION = '[MS-RPCE] 3.3.1.5.2.1';

const FEATURES = BindTimeFeature.SECURITY_CONTEXT_MULTIPLEXING | BindTimeFeature.KEEP_CONNECTION_ON_ORPHAN;
/** auth_context_id of the one security context that a connection of ours has ([MS-RPCE] 3.3.1.5.2.1). */
const AUTH_CONTEXT_ID = 1;
/** Legs of one authentication; SPNEGO with Kerberos or NTLM takes four at most. */
const MAX_LEGS = 8;

/** How a client proves who it is, and how its calls are protected. */
export interface ClientSecurity {
  /** Used up by one association. */
  readonly initiator: SecurityInitiator;
  /** One of AuthLevel, from connect on; `call` is asked for as `packet`. */
  readonly authLevel: number;
}

export interface HandshakeOptions {
  readonly interfaces: readonly InterfaceIdentity[];
  readonly security: ClientSecurity | undefined;
  /** Fragments that this client sends and takes, bytes. */
  readonly maxFrag: number;
  readonly assocGroupId: number;
  /** CONC_MPX is asked for. */
  readonly multiplexed: boolean;
  /** PDUs of the association itself are sent in this byte order. */
  readonly littleEndian: boolean;
  /** The server has taken a step of the bind. */
  readonly onHop: ((hop: BindHop, found: BindFound) => void) | undefined;
}

/** The steps of a bind: an association was granted; the legs of authentication, where there are any, are done. */
export type BindHop = 'bind' | 'RPC authentication';

/** What a step of the bind has settled; which of these is there depends on the step. */
export interface BindFound {
  /** bind */
  readonly association?: {
    readonly groupId: number;
    /** Longest fragment, bytes. */
    readonly fragLength: number;
    /** Whether the server takes concurrent calls on one connection. */
    readonly multiplexed: boolean;
    /** The server's own name of its endpoint. */
    readonly secondaryAddress: string;
  };
  /** RPC authentication: one of AuthType, one of AuthLevel. */
  readonly security?: { readonly authType: number; readonly authLevel: number };
}

/** A PDU's answer: bind_ack or alter_context_resp, and a copy of its token. */
export interface Acknowledgement {
  readonly ack: BindAck;
  readonly token: Uint8Array | undefined;
}

/** How legs travel. */
export interface HandshakeTransport {
  nextCallId(): number;
  /**
   * Sends bind or alter_context and waits for its answer. Rejects where that is a refusal, or the association has
   * ended.
   */
  exchange(pdu: Uint8Array, callId: number, answer: number): Promise<Acknowledgement>;
  /** Sends auth3, which has no answer but possibly a fault. */
  sendAuth3(pdu: Uint8Array, callId: number): void;
}

/** What the handshake has settled. */
export interface Handshake {
  /** The longest fragment that the server takes from us, bytes. */
  readonly fragLength: number;
  readonly multiplexed: boolean;
  /** BindTimeFeature bits that the server has granted; 0 where it knows none. */
  readonly features: number;
  readonly assocGroupId: number;
  readonly proposedHeaderSigning: boolean;
  readonly protection: PduProtection | undefined;
}

/**
 * The client's side of bind and of the legs of authentication ([MS-RPCE] 3.3.1.5.2.1): bind and bind_ack, then auth3
 * for a last leg that needs no answer (NTLM), alter_context and alter_context_resp for any other (SPNEGO).
 */
export class ClientHandshake {
  readonly #options: HandshakeOptions;
  readonly #transport: HandshakeTransport;
  readonly #contexts: ClientContexts;

  /** A fragment size or an authentication level that does not exist is the caller's fault: RpchError. */
  constructor(options: HandshakeOptions, transport: HandshakeTransport, contexts: ClientContexts) {
    const { maxFrag, security } = options;
    if (!Number.isInteger(maxFrag) || maxFrag < MIN_FRAG_LENGTH || maxFrag > MAX_FRAG_LENGTH) {
      throw new RpchError('RPCH_BAD_FRAG_SIZE', 'caller', `fragments of ${maxFrag} bytes`);
    }
    if (security !== undefined && (security.authLevel < AuthLevel.connect || security.authLevel > AuthLevel.privacy)) {
      throw new RpchError('RPCH_BAD_AUTH_LEVEL', 'caller', `auth_level ${security.authLevel} does not exist`);
    }
    this.#options = options;
    this.#transport = transport;
    this.#contexts = contexts;
  }

  /** Binds. Rejects with the RpchError that says why there is no association. */
  async bind(): Promise<Handshake> {
    const { security, interfaces } = this.#options;
    const proposals = this.#contexts.propose(interfaces);
    const elements = proposals.map(({ element }) => element);
    const [first] = elements;
    if (first === undefined) throw new RpchError('RPCH_NO_INTERFACE', 'caller', 'a bind without an interface');
    const token = security === undefined ? undefined : await step(security.initiator, undefined);
    if (security !== undefined && token === undefined) {
      throw new RpchError('RPCH_NO_TOKEN', 'caller', 'the security provider begins with no token');
    }
    const offered = [...elements, this.#contexts.featureElement(first, FEATURES)];
    const { ack, token: answer } = await this.#leg(PduType.bind, offered, this.#options.assocGroupId, token);
    const refused = this.#contexts.conclude(proposals, ack.results);
    if (refused !== undefined && this.#contexts.size === 0) throw refused;
    const fragLength = Math.min(this.#options.maxFrag, ack.maxRecvFrag);
    if (fragLength < MIN_FRAG_LENGTH) {
      throw new ProtocolError(
        'RPCH_BAD_FRAG_SIZE',
        `the server takes fragments of ${fragLength} bytes`,
        'C706 12.6.3.1',
      );
    }
    const multiplexed = this.#options.multiplexed && (ack.pfcFlags & PfcFlag.CONC_MPX) !== 0;
    const { assocGroupId: groupId, secondaryAddress } = ack;
    this.#options.onHop?.('bind', { association: { groupId, fragLength, multiplexed, secondaryAddress } });
    const features = ack.results[elements.length];
    const proposedHeaderSigning = this.#proposesHeaderSigning();
    const headerSigning = proposedHeaderSigning && (ack.pfcFlags & PfcFlag.SUPPORT_HEADER_SIGN) !== 0;
    if (security !== undefined) {
      await this.#authenticate(security.initiator, elements, ack.assocGroupId, answer);
      if (security.authLevel === AuthLevel.privacy && !security.initiator.protection.canSeal) {
        const why = 'level privacy is asked for, and encryption was not agreed on with the server';
        throw new RpchError('RPCH_CANNOT_SEAL', 'peer', why);
      }
      this.#options.onHop?.('RPC authentication', { security: this.#security() });
    }
    return {
      fragLength,
      multiplexed,
      features: features?.result === ContextResult.negotiate_ack ? features.reason & FEATURES : 0,
      assocGroupId: ack.assocGroupId,
      proposedHeaderSigning,
      protection: this.#protection(headerSigning),
    };
  }

  /**
   * Adds interfaces to an association that is bound (alter_context). Rejects with why the first of them was refused.
   */
  async alter(interfaces: readonly InterfaceIdentity[], assocGroupId: number): Promise<void> {
    const proposals = this.#contexts.propose(interfaces);
    if (proposals.length === 0) return;
    const elements = proposals.map(({ element }) => element);
    const { ack } = await this.#leg(PduType.alter_context, elements, assocGroupId, undefined);
    const refused = this.#contexts.conclude(proposals, ack.results);
    if (refused !== undefined) throw refused;
  }

  async #authenticate(
    initiator: SecurityInitiator,
    elements: readonly ContextElement[],
    assocGroupId: number,
    first: Uint8Array | undefined,
  ): Promise<void> {
    let answer = first;
    for (let legs = 1; ; legs++) {
      if (initiator.complete && answer === undefined) return;
      if (answer === undefined)
        throw new ProtocolError('RPCH_NO_TOKEN', 'the server ended authentication early', SECTION);
      if (legs > MAX_LEGS) throw new ProtocolError('RPCH_TOO_MANY_LEGS', `${legs} legs of authentication`, SECTION);
      const token = await step(initiator, answer);
      if (token === undefined) {
        if (initiator.complete) return;
        throw new RpchError('RPCH_CONTEXT_INCOMPLETE', 'caller', 'the security provider has no token and no context');
      }
      if (initiator.complete) {
        this.#auth3(token);
        return;
      }
      answer = (await this.#leg(PduType.alter_context, elements, assocGroupId, token)).token;
    }
  }

  #leg(
    ptype: Bind['ptype'],
    elements: readonly ContextElement[],
    assocGroupId: number,
    token: Uint8Array | undefined,
  ): Promise<Acknowledgement> {
    const { littleEndian, maxFrag } = this.#options;
    const callId = this.#transport.nextCallId();
    const signs = ptype === PduType.bind && this.#proposesHeaderSigning();
    const pfcFlags = this.#flags() | (signs ? PfcFlag.SUPPORT_HEADER_SIGN : 0);
    const bind = {
      ptype,
      pfcFlags,
      callId,
      littleEndian,
      maxXmitFrag: maxFrag,
      maxRecvFrag: maxFrag,
      assocGroupId,
      elements,
    };
    const pdu = encodeBind(bind, token === undefined ? undefined : this.#verifier(token));
    return this.#transport.exchange(
      pdu,
      callId,
      ptype === PduType.bind ? PduType.bind_ack : PduType.alter_context_resp,
    );
  }

  #auth3(token: Uint8Array): void {
    const callId = this.#transport.nextCallId();
    const head = { pfcFlags: this.#flags(), callId, littleEndian: this.#options.littleEndian };
    this.#transport.sendAuth3(encodeAuth3(head, this.#verifier(token)), callId);
  }

  #flags(): number {
    return this.#options.multiplexed ? PfcFlag.CONC_MPX : 0;
  }

  /** [MS-RPCE] 3.3.1.5.2.2: in the first leg, at integrity and above. Every provider that we have can do it. */
  #proposesHeaderSigning(): boolean {
    const { security } = this.#options;
    return security !== undefined && security.authLevel >= AuthLevel.integrity;
  }

  #verifier(token: Uint8Array): AuthVerifier {
    const { authType, authLevel } = this.#security();
    return { authType, authLevel, authContextId: AUTH_CONTEXT_ID, token };
  }

  #protection(headerSigning: boolean): PduProtection | undefined {
    const { security } = this.#options;
    if (security === undefined) return undefined;
    const { authType, authLevel } = this.#security();
    const protection = authLevel === AuthLevel.connect ? undefined : security.initiator.protection;
    return new PduProtection({ authType, authLevel, authContextId: AUTH_CONTEXT_ID, headerSigning, protection });
  }

  #security(): { authType: number; authLevel: number } {
    const { security } = this.#options;
    if (security === undefined) throw new RpchError('RPCH_NO_SECURITY', 'caller', 'no security provider');
    return { authType: security.initiator.authType, authLevel: effectiveAuthLevel(security.authLevel) };
  }
}

/** One step of the provider, whose errors are all RpchErrors afterwards. */
async function step(initiator: SecurityInitiator, token: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  try {
    return await initiator.step(token);
  } catch (cause) {
    if (cause instanceof RpchError) throw cause;
    throw new RpchError('RPCH_SECURITY_FAILED', 'caller', 'the security provider failed', { cause });
  }
}

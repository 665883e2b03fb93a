/** Values of auth_type: the security providers ([MS-RPCE] 2.2.1.1.7). */
export const AuthType = {
  none: 0,
  spnego: 9,
  ntlm: 10,
  kerberos: 16,
} as const;

/** Values of auth_level: how far calls are protected ([MS-RPCE] 2.2.1.1.8). Level `call` is served as `packet`. */
export const AuthLevel = {
  none: 1,
  connect: 2,
  call: 3,
  packet: 4,
  integrity: 5,
  privacy: 6,
} as const;

/**
 * Protects the messages of one security context, each direction on its own, in the order in which they are sent. Works
 * on the caller's memory: signatures are written into it, and what is secret is encrypted where it stands.
 */
export interface MessageProtection {
  /** Bytes of every signature. */
  readonly signatureLength: number;
  /** Whether encryption was agreed on. Where it was not, `seal` and `unseal` must not be used: level privacy cannot be had. */
  readonly canSeal: boolean;
  /**
   * True of mechanisms that cover the header of a PDU only where both sides agreed on it (Kerberos). NTLM leaves it
   * out: its signatures are always those of whole PDUs ([MS-NLMP] 3.4.4), whatever PFC_SUPPORT_HEADER_SIGN says.
   */
  readonly headerSigningNegotiable?: boolean;
  /** Writes the signature of `message` into `signature`. */
  sign(message: Uint8Array, signature: Uint8Array): void;
  /** Signs `message`, then encrypts `secret`, a view of a part of it, in place. */
  seal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void;
  /** Throws a ProtocolError `RPCH_BAD_SIGNATURE` unless `signature` is that of the peer's next message. */
  verify(message: Uint8Array, signature: Uint8Array): void;
  /** Decrypts `secret`, a view of a part of `message`, in place, then does what `verify` does. */
  unseal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void;
}

/** The initiating side of a security context: tokens in, tokens out, no sockets. One object serves one context. */
export interface SecurityInitiator {
  /** One of {@link AuthType}. */
  readonly authType: number;
  /** No token is expected from the peer any more; {@link SecurityInitiator.protection} is there. */
  readonly complete: boolean;
  /** Of the complete context. Throws RpchError `RPCH_CONTEXT_INCOMPLETE` (caller) before. */
  readonly protection: MessageProtection;
  /**
   * Takes the peer's next token, undefined at the beginning, and returns what is to be sent; undefined where nothing
   * is. Rejects with a ProtocolError where the peer's token is wrong, with an RpchError where no context can be made.
   */
  step(token: Uint8Array | undefined): Promise<Uint8Array | undefined>;
}

/** Who stands at the other end of an accepted context: proven names, as the peer wrote them or as the acceptor's accounts have them. */
export interface PeerIdentity {
  readonly user: string;
  readonly domain: string;
  readonly workstation: string;
}

/** An account for logs: `DOMAIN\\user`, or `user` where there is no domain. */
export function accountText({
  user,
  domain = '',
}: {
  readonly user: string;
  readonly domain?: string | undefined;
}): string {
  return domain === '' ? user : `${domain}\\${user}`;
}

/** What the last leg of an authentication leaves. */
interface CompleteContext {
  /** What the peer is still to be sent; undefined where that is nothing. */
  readonly token: Uint8Array | undefined;
  /** Protects what follows; to be made once, by those who need it. */
  protection(): MessageProtection;
}

/**
 * What one leg of an authentication brought. A refusal names its reason for the log; a client is told no more than
 * that it was refused. The names in a refusal are what the peer claimed, unproven.
 *
 * `anonymous` completes a context too, but nobody stands at its other end, and its key is known to everybody. Only acceptors that
 * were told to let such peers in bring it.
 */
export type AcceptorResult =
  | { readonly kind: 'challenge'; readonly token: Uint8Array }
  | ({ readonly kind: 'accepted' } & CompleteContext & PeerIdentity)
  | ({ readonly kind: 'anonymous' } & CompleteContext)
  | { readonly kind: 'refused'; readonly user?: string; readonly domain?: string; readonly why: string };

/**
 * The accepting side of a security context: tokens in, tokens out, no sockets. One object serves one connection, one
 * leg at a time.
 */
export interface SecurityAcceptor {
  /** True once a peer was accepted, anonymous or not; every later step is refused. */
  readonly complete: boolean;

  /**
   * Takes the peer's next token, without the framing of the protocol that carried it.
   *
   * @throws ProtocolError when the token is malformed or comes out of order. The peer may begin anew.
   */
  step(token: Uint8Array): Promise<AcceptorResult>;
}

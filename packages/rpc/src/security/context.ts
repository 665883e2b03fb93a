/**
 * What one leg of an authentication brought. A refusal names its reason for the log; a client is told no more than
 * that it was refused. The names in a refusal are what the peer claimed, unproven.
 */
export type AcceptorResult =
  | { readonly kind: 'challenge'; readonly token: Uint8Array }
  | {
      readonly kind: 'accepted';
      readonly user: string;
      readonly domain: string;
      readonly workstation: string;
      /** The key both sides share from here on, 16 bytes. */
      readonly sessionKey: Uint8Array;
    }
  | { readonly kind: 'refused'; readonly user?: string; readonly domain?: string; readonly why: string };

/**
 * The accepting side of a security context: tokens in, tokens out, no sockets. One object serves one connection, one
 * leg at a time.
 */
export interface SecurityAcceptor {
  /** True once a peer was accepted; every later step is refused. */
  readonly complete: boolean;

  /**
   * Takes the peer's next token, without the framing of the protocol that carried it.
   *
   * @throws ProtocolError when the token is malformed or comes out of order. The peer may begin anew.
   */
  step(token: Uint8Array): Promise<AcceptorResult>;
}

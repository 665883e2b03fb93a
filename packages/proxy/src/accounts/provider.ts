import type { NegotiableResult } from '@rpch/rpc/internal';

/** Someone who has proven who they are. */
export interface Account {
  /** Canonical name (names.ts). */
  readonly name: string;
  /** Canonical names of the groups that the account is in. */
  readonly groups: readonly string[];
}

/** Channel bindings of the TLS connection that an NTLM exchange runs on (RFC 5929, [MS-NLMP] 2.2.2.1). */
export interface ChannelBindings {
  /** Every acceptable application data, such as `tls-server-end-point:` with the hash of the certificate. */
  readonly applicationData: readonly Uint8Array[];
  /** `when-offered`: a client that sends bindings must send the right ones. `required`: every client must. */
  readonly policy: 'when-offered' | 'required';
}

/** What the exchange runs on. */
export interface NtlmContext {
  readonly channelBindings?: ChannelBindings;
}

/** What a handshake leaves besides the account: the keys that protect RPC calls. HTTP needs none of it. */
export type NtlmSession = Omit<Extract<NegotiableResult, { readonly kind: 'accepted' }>, 'kind' | 'user' | 'domain'>;

/** What one token led to. `why` is for the log. `name`, where it is known, is canonical. */
export type NtlmResult =
  | { readonly kind: 'challenge'; readonly token: Uint8Array }
  | { readonly kind: 'accepted'; readonly account: Account; readonly session?: NtlmSession }
  | { readonly kind: 'refused'; readonly name?: string; readonly why: string };

/** One NTLM handshake; it belongs to one TCP connection. */
export interface NtlmExchange {
  /** Takes the client's next token. Malformed tokens are a `ProtocolError`. */
  step(token: Uint8Array): Promise<NtlmResult>;
}

/** Where accounts live. */
export interface AccountProvider {
  /**
   * Checks a password.
   * @param name canonical account name.
   * @returns the account, or undefined when there is no such account or the password is wrong: which of the two shows
   *   in nothing, the time taken included.
   * @throws RpchError `RPCH_ACCOUNTS_BUSY` when too many checks wait already; anything else means that the provider
   *   could not decide.
   */
  checkBasic(name: string, password: string): Promise<Account | undefined>;
  /** Begins an NTLM handshake; undefined when this provider knows no NTLM. */
  startNtlm(context: NtlmContext): NtlmExchange | undefined;
}

import type { Origin } from '../access/origin.ts';
import type { Account, NtlmSession } from './provider.ts';

/**
 * Why a login was refused. `bad-name`, `bad-token`: what was sent is no account name or no NTLM message.
 * `bad-credentials`: wrong password or unknown account. `busy`: nothing was decided, too many attempts wait; the client
 * should try again later. `provider-failed`: nothing was decided, the provider could not.
 */
export type RefusalReason = 'bad-name' | 'bad-token' | 'bad-credentials' | 'busy' | 'provider-failed';

/** Outcome of a login; `session` comes of NTLM alone. `why` and `name` of a refusal are for the log; a client is told none of them. */
export type AuthResult =
  | { readonly kind: 'accepted'; readonly account: Account; readonly session?: NtlmSession }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly why: string; readonly name?: string };

/** What happened, for the log and for counting, and where the client is, as the caller gave it. Holds no secret. */
export interface AuthEvent extends Origin {
  readonly scheme: 'basic' | 'ntlm';
  /** Canonical account name, where one is known. */
  readonly name?: string;
  readonly outcome: 'accepted' | RefusalReason;
  readonly why?: string;
  /** Milliseconds that the attempt was held back by earlier failures. */
  readonly delayed: number;
  /** True when no password had to be hashed for it. */
  readonly cached: boolean;
  /** The error of a provider that failed. */
  readonly cause?: unknown;
}

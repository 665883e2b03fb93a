import { ProtocolError, RpchError } from '@rpch/rpc';
import type { Origin } from '../access/origin.ts';
import type { AuthEvent, AuthResult, RefusalReason } from './auth-result.ts';
import type { CredentialCache } from './credential-cache.ts';
import { canonicalAccount, type DomainNames } from './names.ts';
import type { Account, AccountProvider, NtlmContext, NtlmExchange } from './provider.ts';
import { type Throttle, throttleKey } from './throttle.ts';
import { Turns } from './turns.ts';

/** Options of {@link Authenticator}. */
export interface AuthenticatorOptions {
  readonly provider: AccountProvider;
  readonly domains: DomainNames;
  readonly cache: CredentialCache;
  readonly throttle: Throttle;
  /** Milliseconds; must not jump. */
  readonly now: () => number;
  /** Resolves after that many milliseconds. */
  readonly wait: (ms: number) => Promise<void>;
  /** Told of every login that was decided; must not throw. */
  readonly onEvent: (event: AuthEvent) => void;
}

/** A Basic login (RFC 7617), and where its client is: failures are counted by the address. */
export interface BasicAttempt extends Origin {
  readonly user: string;
  readonly password: string;
}

/** One NTLM handshake with throttling around it. */
export interface NtlmLogin {
  /** Takes the client's next token. After anything but a challenge the handshake is over. */
  step(token: Uint8Array): Promise<{ readonly kind: 'challenge'; readonly token: Uint8Array } | AuthResult>;
}

interface Outcome {
  readonly result: AuthResult;
  readonly delayed: number;
  readonly cached: boolean;
  readonly cause?: unknown;
}

/**
 * Decides logins: names, throttle, cache and provider joined. Delays come before the cache is asked, or a guesser who is
 * being slowed would still learn of a right guess at once.
 */
export class Authenticator {
  #provider: AccountProvider;
  #domains: DomainNames;
  readonly #cache: CredentialCache;
  readonly #throttle: Throttle;
  readonly #turns: Turns;
  readonly #now: () => number;
  readonly #onEvent: (event: AuthEvent) => void;
  readonly #flights = new Map<string, Promise<Outcome>>();

  constructor({ provider, domains, cache, throttle, now, wait, onEvent }: AuthenticatorOptions) {
    this.#provider = provider;
    this.#domains = domains;
    this.#cache = cache;
    this.#throttle = throttle;
    this.#turns = new Turns(throttle, now, wait);
    this.#now = now;
    this.#onEvent = onEvent;
  }

  /** Takes over new accounts and names; remembered credentials are forgotten. */
  reload(provider: AccountProvider, domains: DomainNames): void {
    this.#provider = provider;
    this.#domains = domains;
    this.#cache.clear();
    this.#flights.clear();
  }

  /** Checks user and password. Equal attempts from one address, made while one is under way, share its outcome. */
  async basic({ user, password, ...origin }: BasicAttempt): Promise<AuthResult> {
    const { address } = origin;
    const name = canonicalAccount(user, this.#domains);
    if (!name.ok) return this.#tell('basic', origin, undecided(refusal('bad-name', name.why)));
    const credential = this.#cache.keyOf(name.name, password);
    const attempt = `${throttleKey(address)} ${credential}`;
    const running = this.#flights.get(attempt);
    if (running !== undefined) return this.#tell('basic', origin, await running);
    const flight = this.#checkBasic(address, name.name, password, credential);
    this.#flights.set(attempt, flight);
    try {
      return this.#tell('basic', origin, await flight);
    } finally {
      if (this.#flights.get(attempt) === flight) this.#flights.delete(attempt);
    }
  }

  async #checkBasic(address: string, name: string, password: string, credential: string): Promise<Outcome> {
    const turn = await this.#turns.take(address, name, () => this.#verify(address, name, password, credential));
    if (turn.kind === 'busy') return undecided(refusal('busy', 'too many attempts wait', name));
    return { ...turn.value, delayed: turn.delayed };
  }

  async #verify(
    address: string,
    name: string,
    password: string,
    credential: string,
  ): Promise<Omit<Outcome, 'delayed'>> {
    // Refused before any provider sees it: to an LDAP server a bind without password is an anonymous one.
    if (password === '') return this.#judged(address, name, undefined, false);
    const provider = this.#provider;
    try {
      const check = () => provider.checkBasic(name, password);
      const { account, cached } = await this.#cache.verify(credential, this.#now(), check);
      return this.#judged(address, name, account, cached);
    } catch (cause) {
      if (cause instanceof RpchError && cause.code === 'RPCH_ACCOUNTS_BUSY') {
        return { result: refusal('busy', cause.message, name), cached: false };
      }
      return { result: refusal('provider-failed', 'the accounts could not be asked', name), cached: false, cause };
    }
  }

  #judged(address: string, name: string, account: Account | undefined, cached: boolean): Omit<Outcome, 'delayed'> {
    if (account !== undefined) {
      this.#throttle.succeeded(address, name, this.#now());
      return { result: { kind: 'accepted', account }, cached };
    }
    this.#throttle.failed(address, name, this.#now());
    return { result: refusal('bad-credentials', 'unknown account or wrong password', name), cached };
  }

  /**
   * Begins an NTLM handshake for one TCP connection; undefined when the accounts know no NTLM. The outcome of a handshake
   * is held back by the delay that earlier failures have earned, right or wrong.
   */
  startNtlm({ address, via, ...context }: NtlmContext & Origin): NtlmLogin | undefined {
    const exchange = this.#provider.startNtlm(context);
    if (exchange === undefined) return undefined;
    const origin = via === undefined ? { address } : { address, via };
    return { step: (token) => this.#stepNtlm(exchange, origin, token) };
  }

  async #stepNtlm(exchange: NtlmExchange, origin: Origin, token: Uint8Array): ReturnType<NtlmLogin['step']> {
    const result = await this.#askNtlm(exchange, token);
    if ('outcome' in result) return this.#tell('ntlm', origin, result.outcome);
    if (result.kind === 'challenge') return result;
    if (result.kind === 'accepted') return this.#conclude(origin, result.account.name, result);
    const { name, why } = result;
    // Without an account there was no guess at one, so there is nothing to count.
    if (name === undefined) return this.#tell('ntlm', origin, undecided(refusal('bad-token', why)));
    return this.#conclude(origin, name, refusal('bad-credentials', why, name));
  }

  /** Makes an NTLM verdict known when its turn has come, and counts it. */
  async #conclude(origin: Origin, name: string, verdict: AuthResult): Promise<AuthResult> {
    const { address } = origin;
    const turn = await this.#turns.take(address, name, () => {
      if (verdict.kind === 'accepted') this.#throttle.succeeded(address, name, this.#now());
      else this.#throttle.failed(address, name, this.#now());
    });
    const outcome: Outcome =
      turn.kind === 'busy'
        ? undecided(refusal('busy', 'too many attempts wait', name))
        : { result: verdict, delayed: turn.delayed, cached: false };
    return this.#tell('ntlm', origin, outcome);
  }

  async #askNtlm(exchange: NtlmExchange, token: Uint8Array) {
    try {
      return await exchange.step(token);
    } catch (cause) {
      if (cause instanceof ProtocolError) return { outcome: undecided(refusal('bad-token', cause.message)) };
      const failed = refusal('provider-failed', 'the accounts could not be asked');
      return { outcome: { ...undecided(failed), cause } };
    }
  }

  #tell(scheme: AuthEvent['scheme'], origin: Origin, { result, delayed, cached, cause }: Outcome): AuthResult {
    const about = { scheme, ...origin, delayed, cached };
    if (result.kind === 'accepted') {
      this.#onEvent({ ...about, outcome: 'accepted', name: result.account.name });
    } else {
      const { reason, why, name } = result;
      this.#onEvent({
        ...about,
        outcome: reason,
        why,
        ...(name === undefined ? {} : { name }),
        ...(cause === undefined ? {} : { cause }),
      });
    }
    return result;
  }
}

function refusal(reason: RefusalReason, why: string, name?: string): Extract<AuthResult, { kind: 'refused' }> {
  return name === undefined ? { kind: 'refused', reason, why } : { kind: 'refused', reason, why, name };
}

function undecided(result: AuthResult): Outcome {
  return { result, delayed: 0, cached: false };
}

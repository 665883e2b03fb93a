import type { Origin } from '../access/origin.ts';
import type { RefusalReason } from '../accounts/auth-result.ts';
import type { Authenticator, NtlmLogin } from '../accounts/authenticator.ts';
import type { Account, ChannelBindings } from '../accounts/provider.ts';
import type { Scheme } from '../config/settings.ts';

/** What a request's Authorization led to. */
export type HttpAuthResult =
  | { readonly kind: 'authenticated'; readonly account: Account }
  /** Answer 401 with these WWW-Authenticate values, and keep the connection. */
  | { readonly kind: 'challenge'; readonly challenges: readonly string[] }
  /** Nothing was decided: too many attempts wait, or the accounts could not be asked. A 401 would ask for a new password. */
  | { readonly kind: 'undecided' };

export interface HttpAuthenticationOptions {
  readonly authenticator: Authenticator;
  /** Offered, in this order. */
  readonly schemes: readonly Scheme[];
  readonly channelBindings?: ChannelBindings;
}

/** NTLM messages are at most some hundred bytes; the bound of the acceptor is applied after decoding. */
const MAX_TOKEN_CHARACTERS = 32 * 1024;
const REALM = 'Basic realm="rpch", charset="UTF-8"';

/**
 * HTTP authentication of one TCP connection: Basic (RFC 7617) for each request, NTLM for the connection, as IIS has it:
 * once it is authenticated, requests without Authorization are too. Only those from the same address are: a reverse proxy
 * may send requests of several clients on one connection.
 */
export class HttpAuthentication {
  readonly #options: HttpAuthenticationOptions;
  #ntlm: { readonly address: string; readonly login: NtlmLogin } | undefined;
  #loggedIn: { readonly address: string; readonly account: Account } | undefined;

  constructor(options: HttpAuthenticationOptions) {
    this.#options = options;
  }

  /** Judges the value of a request's Authorization field; one request at a time. */
  async check(authorization: string | undefined, origin: Origin): Promise<HttpAuthResult> {
    if (authorization === undefined) {
      const { address, account } = this.#loggedIn ?? {};
      return account === undefined || address !== origin.address ? this.#refused() : { kind: 'authenticated', account };
    }
    const [scheme = '', credentials = ''] = authorization.split(/ +/, 2);
    const name = scheme.toLowerCase() as Scheme;
    if (!this.#options.schemes.includes(name)) return this.#refused();
    return name === 'basic' ? await this.#basic(credentials, origin) : await this.#ntlmLeg(credentials, origin);
  }

  async #basic(credentials: string, origin: Origin): Promise<HttpAuthResult> {
    const text = Buffer.from(credentials, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) return this.#refused();
    const { authenticator } = this.#options;
    const result = await authenticator.basic({
      ...origin,
      user: text.slice(0, colon),
      password: text.slice(colon + 1),
    });
    return result.kind === 'accepted'
      ? { kind: 'authenticated', account: result.account }
      : this.#judged(result.reason);
  }

  async #ntlmLeg(credentials: string, origin: Origin): Promise<HttpAuthResult> {
    if (credentials.length > MAX_TOKEN_CHARACTERS) return this.#refused();
    this.#loggedIn = undefined;
    const { address } = origin;
    const { authenticator, channelBindings } = this.#options;
    const begun = this.#ntlm?.address === address ? this.#ntlm.login : undefined;
    const login =
      begun ?? authenticator.startNtlm({ ...origin, ...(channelBindings === undefined ? {} : { channelBindings }) });
    if (login === undefined) return this.#refused();
    this.#ntlm = { address, login };
    const result = await login.step(Buffer.from(credentials, 'base64'));
    if (result.kind === 'challenge') {
      return { kind: 'challenge', challenges: [`NTLM ${Buffer.from(result.token).toString('base64')}`] };
    }
    this.#ntlm = undefined;
    if (result.kind !== 'accepted') return this.#judged(result.reason);
    const { account } = result;
    this.#loggedIn = { address, account };
    return { kind: 'authenticated', account };
  }

  #judged(reason: RefusalReason): HttpAuthResult {
    return reason === 'busy' || reason === 'provider-failed' ? { kind: 'undecided' } : this.#refused();
  }

  #refused(): HttpAuthResult {
    return {
      kind: 'challenge',
      challenges: this.#options.schemes.map((scheme) => (scheme === 'ntlm' ? 'NTLM' : REALM)),
    };
  }
}

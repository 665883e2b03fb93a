import type { SecurityInitiator } from '../dcerpc/security-context.ts';
import { ProtocolError, RpchError } from '../errors.ts';
import { type Challenge, challengesOf } from './http-challenges.ts';
import { basicAuthorization, type HttpCredentials } from './http-credentials.ts';
import type { HttpResponseHead } from './http-response.ts';

/** What a login needs to know of its connection. */
export interface LoginChannel {
  readonly credentials: HttpCredentials | undefined;
  /** Whether whoever is on the way can read nothing, or nobody is on the way. */
  readonly private: boolean;
  /** Application data of the TLS channel's bindings. */
  readonly channelBindings: Uint8Array | undefined;
  /** Who is logged in to, for messages. */
  readonly hop: 'RPC Proxy' | 'HTTP proxy';
}

/** Legs of one login. NTLM has three; hostile peers would go on for ever. */
const MAX_LEGS = 8;
const TOKEN = /^[A-Za-z0-9+/]{1,20000}={0,2}$/;

/**
 * The login at one hop over one connection: what each request is to carry, and whether more legs are to be expected. Basic
 * stands in every request; NTLM is the connection's: once it is through, requests need carry nothing more.
 *
 *     ask (auto) --401--> Basic | NTLM 1 --challenge--> NTLM 3 --accepted--> nothing
 */
export class HttpLogin {
  readonly #channel: LoginChannel;
  #initiator: SecurityInitiator | undefined;
  #legs = 0;
  #field: string | undefined;
  #last = true;
  #scheme: 'basic' | 'ntlm' | undefined;
  #begins = false;

  private constructor(channel: LoginChannel) {
    this.#channel = channel;
  }

  /** Prepares the first request. Rejects with RpchError `RPCH_INSECURE_BASIC`, `RPCH_CREDENTIALS` (caller). */
  static async begin(channel: LoginChannel): Promise<HttpLogin> {
    const login = new HttpLogin(channel);
    const { credentials } = channel;
    if (credentials === undefined) return login;
    if (credentials.scheme === 'auto') login.#last = false;
    else if (credentials.scheme === 'basic') login.#useBasic(credentials);
    else await login.#beginNtlm(credentials);
    return login;
  }

  /** Value of Authorization or Proxy-Authorization for the next request; undefined: the field is left out. */
  get field(): string | undefined {
    return this.#field;
  }

  /** What is used, or was; undefined while nothing is. */
  get scheme(): 'basic' | 'ntlm' | undefined {
    return this.#scheme;
  }

  /** Whether the next request carries all that there is to carry: it is the one that should succeed. */
  get last(): boolean {
    return this.#last;
  }

  /** Whether the next request begins with {@link HttpLogin.scheme}: it can as well be made on another connection. */
  get begins(): boolean {
    return this.#begins;
  }

  /**
   * The hop answered 401 or 407 to what was sent last. True where the next request has something new to offer; false where
   * it was refused. Rejects as {@link HttpLogin.begin} does, and with ProtocolError `RPCH_HTTP_CHALLENGE`.
   */
  async refused(head: HttpResponseHead): Promise<boolean> {
    const { credentials } = this.#channel;
    const challenges = challengesOf(head.fields(head.status === 407 ? 'proxy-authenticate' : 'www-authenticate'));
    if (++this.#legs > MAX_LEGS) throw badChallenge(`the ${this.#channel.hop} has asked ${MAX_LEGS} times`);
    if (credentials === undefined) return false;
    this.#begins = false;
    if (this.#initiator !== undefined) return await this.#nextNtlm(this.#initiator, challenges);
    if (this.#last) return false;
    const offers = (scheme: string): boolean => challenges.some((challenge) => challenge.scheme === scheme);
    // The place of Negotiate, which is the strongest, before NTLM.
    if (offers('ntlm') && credentials.ntlm !== undefined) await this.#beginNtlm(credentials);
    else if (offers('basic') && credentials.basic !== undefined) this.#useBasic(credentials);
    else throw this.#nothingInCommon(credentials, challenges);
    this.#begins = true;
    return true;
  }

  /** The hop let the last request pass. */
  accepted(): void {
    this.#last = true;
    if (this.#initiator !== undefined) this.#field = undefined;
    this.#initiator = undefined;
  }

  #useBasic(credentials: HttpCredentials): void {
    const { hop } = this.#channel;
    if (credentials.basic === undefined) throw missing('Basic', hop);
    if (!this.#channel.private && credentials.allowInsecureBasic !== true) {
      throw new RpchError(
        'RPCH_INSECURE_BASIC',
        'caller',
        `Basic would show the password for the ${hop} to everybody on the way: use https or NTLM, or allow it explicitly`,
      );
    }
    this.#scheme = 'basic';
    this.#field = basicAuthorization(credentials.basic);
    this.#last = true;
  }

  async #beginNtlm(credentials: HttpCredentials): Promise<void> {
    const initiator = credentials.ntlm?.(this.#channel.channelBindings);
    if (initiator === undefined) throw missing('NTLM', this.#channel.hop);
    this.#scheme = 'ntlm';
    this.#initiator = initiator;
    this.#last = false;
    this.#put(await initiator.step(undefined));
  }

  async #nextNtlm(initiator: SecurityInitiator, challenges: readonly Challenge[]): Promise<boolean> {
    if (initiator.complete) return false;
    const challenge = challenges.find(({ scheme }) => scheme === 'ntlm');
    if (challenge === undefined || challenge.rest === '') return false;
    if (!TOKEN.test(challenge.rest)) throw badChallenge('the token of NTLM is not base64');
    const token = await initiator.step(Buffer.from(challenge.rest, 'base64'));
    this.#put(token);
    this.#last = initiator.complete;
    return token !== undefined;
  }

  #put(token: Uint8Array | undefined): void {
    this.#field = token === undefined ? undefined : `NTLM ${Buffer.from(token).toString('base64')}`;
  }

  #nothingInCommon(credentials: HttpCredentials, challenges: readonly Challenge[]): RpchError {
    const offered = challenges.map(({ scheme }) => scheme).join(', ') || 'nothing';
    const had =
      [...(credentials.ntlm ? ['ntlm'] : []), ...(credentials.basic ? ['basic'] : [])].join(', ') || 'nothing';
    const what = `the ${this.#channel.hop} offers ${offered.slice(0, 200)}, and there are credentials for ${had}`;
    return new RpchError('RPCH_CREDENTIALS', 'caller', what);
  }
}

/** RpchError `RPCH_LOGIN_CLOSED` (peer): the hop asked for another leg and ends the connection that it would have to be on. */
export function closesInLogin(hop: LoginChannel['hop']): RpchError {
  const what =
    `the ${hop}, or something before it, asks for a login and closes the connection, on which it would have to go on: ` +
    'NTLM cannot work so; the scheme basic, where it is allowed, can';
  return new RpchError('RPCH_LOGIN_CLOSED', 'peer', what);
}

function missing(scheme: string, hop: string): RpchError {
  return new RpchError('RPCH_CREDENTIALS', 'caller', `there are no credentials for ${scheme} at the ${hop}`);
}

function badChallenge(what: string): ProtocolError {
  return new ProtocolError('RPCH_HTTP_CHALLENGE', what, 'RFC 9110 11.6');
}

import { timingSafeEqual } from 'node:crypto';
import { Cursor } from '../../bytes/cursor.ts';
import { ProtocolError, RpchError } from '../../errors.ts';
import type { NegotiableAcceptor, NegotiableResult } from '../mechanism.ts';
import { type AuthenticateMessage, decodeAuthenticate } from './authenticate.ts';
import { AvFlag, AvId, type AvPairs, avFlags } from './av-pairs.ts';
import { channelBindingsHash } from './channel-bindings.ts';
import { messageMic, ntowfv2, ntProofStr, rc4k, sessionBaseKey } from './crypto.ts';
import { MessageType, readMessageType } from './fields.ts';
import { hasFlag, NegotiateFlag } from './flags.ts';
import { decodeNegotiate } from './negotiate.ts';
import { decodeNtlmv2Response, NTLMV1_RESPONSE_LENGTH, type Ntlmv2Response } from './ntlmv2-response.ts';
import { mechListMicOf, protectionOf } from './protection.ts';
import { checkTarget, type NtlmTarget, serverChallengeMessage } from './server-challenge.ts';

/** The largest token that is read, in bytes. Windows' own are below 2,888. */
export const MAX_NTLM_TOKEN = 16_384;

export interface NtlmAcceptorOptions {
  readonly target: NtlmTarget;
  /** Milliseconds since 1970, fractions included. */
  readonly now: () => number;
  /** That many unpredictable bytes. */
  readonly random: (length: number) => Uint8Array;
  /**
   * The NT hash of an account, 16 bytes, or nothing for one that does not exist or may not use NTLM. The names are as
   * the client wrote them: any case, an empty domain, `user@domain` as the user. Should take as long either way.
   */
  readonly lookup: (user: string, domain: string) => Promise<Uint8Array | undefined>;
  /**
   * Lets those in who say that they are nobody ([MS-NLMP] 3.2.5.1.2). Their result is `anonymous`, never `accepted`. Default: false,
   * they are refused.
   */
  readonly anonymous?: boolean;
  /** Given on a TLS channel that ends here; without it MsvAvChannelBindings is not looked at. */
  readonly channelBindings?: {
    /** One for each certificate the channel may have shown; see {@link channelBindingsHash}. */
    readonly applicationData: readonly Uint8Array[];
    /** `when-offered` lets clients in that send none; `required` does not. Neither takes a wrong one. */
    readonly policy: 'when-offered' | 'required';
  };
}

/** Stands in for the NT hash of an account that does not exist, so that its refusal takes the same work. */
const NO_NT_HASH = new Uint8Array(16);
/** SessionBaseKey, and with it KeyExchangeKey, of an anonymous logon ([MS-NLMP] 3.2.5.1.2, 3.4.5.1): Z(16). */
const NULL_SESSION_KEY = new Uint8Array(16);
const NO_AV_PAIRS: AvPairs = new Map();

interface Challenged {
  readonly negotiate: Uint8Array;
  readonly challenge: Uint8Array;
  readonly serverChallenge: Uint8Array;
  readonly flags: number;
}

type State = { readonly kind: 'idle' | 'complete' } | ({ readonly kind: 'challenged' } & Challenged);

/**
 * The server's side of NTLM, connection-oriented, version 2 alone ([MS-NLMP] 3.2.5.1): LM, NTLMv1, LMv2 without
 * NTLMv2, guest logons, and anonymous ones where they are not asked for, are refused. One object serves one connection.
 *
 * ```
 *          NEGOTIATE              AUTHENTICATE, proven or anonymous
 *   idle ───────────► challenged ──────────────────────► complete
 *    ▲                 │   ▲  │ NEGOTIATE: a new challenge     every step is refused
 *    └─────────────────┘   └──┘
 *    AUTHENTICATE, refused or malformed: one answer to a challenge, a NEGOTIATE begins anew
 * ```
 *
 * The response's timestamp is not compared with the clock: a response answers this connection's fresh challenge and
 * cannot be replayed, so that only clients with a wrong clock would lose (Windows stopped checking after 2008 R2).
 */
export class NtlmAcceptor implements NegotiableAcceptor {
  readonly #options: NtlmAcceptorOptions;
  readonly #expectedBindings: readonly Uint8Array[];
  #state: State = { kind: 'idle' };

  /** A target name of the wrong length is an {@link RpchError} `RPCH_NTLM_TARGET`. */
  constructor(options: NtlmAcceptorOptions) {
    checkTarget(options.target);
    this.#options = options;
    this.#expectedBindings = options.channelBindings?.applicationData.map(channelBindingsHash) ?? [];
  }

  get complete(): boolean {
    return this.#state.kind === 'complete';
  }

  /**
   * Answers NEGOTIATE with a challenge and AUTHENTICATE with a verdict. What `lookup` throws comes through.
   *
   * @throws ProtocolError for a token that is malformed, over {@link MAX_NTLM_TOKEN} or out of order.
   */
  async step(token: Uint8Array): Promise<NegotiableResult> {
    if (this.#state.kind === 'complete') return { kind: 'refused', why: 'the context is complete already' };
    if (token.length > MAX_NTLM_TOKEN) {
      throw new ProtocolError('RPCH_NTLM_TOKEN_SIZE', `token of ${token.length} bytes`, '[MS-NLMP] 2.2.1');
    }
    const challenged = this.#state;
    this.#state = { kind: 'idle' };
    const type = readMessageType(new Cursor(token, '[MS-NLMP] 2.2.1'));
    // A copy, because the caller may reuse its buffer while an account is looked up or the client thinks.
    const message = Uint8Array.from(token);
    if (type === MessageType.NEGOTIATE) return this.#challenge(message);
    if (type === MessageType.AUTHENTICATE && challenged.kind === 'challenged') {
      const result = await this.#verify(message, challenged);
      if (result.kind === 'accepted' || result.kind === 'anonymous') this.#state = { kind: 'complete' };
      return result;
    }
    const expected = challenged.kind === 'idle' ? 'NEGOTIATE' : 'AUTHENTICATE or NEGOTIATE';
    throw new ProtocolError('RPCH_NTLM_ORDER', `MessageType ${type}, expected ${expected}`, '[MS-NLMP] 3.2.5.1');
  }

  /** [MS-NLMP] 3.2.5.1.1 */
  #challenge(negotiate: Uint8Array): NegotiableResult {
    const { target, now, random } = this.#options;
    const serverChallenge = random(8);
    const { flags, token } = serverChallengeMessage(decodeNegotiate(negotiate).flags, target, serverChallenge, now());
    this.#state = { kind: 'challenged', negotiate, challenge: Uint8Array.from(token), serverChallenge, flags };
    return { kind: 'challenge', token };
  }

  /** [MS-NLMP] 3.2.5.1.2 */
  async #verify(token: Uint8Array, challenged: Challenged): Promise<NegotiableResult> {
    const message = decodeAuthenticate(token);
    const { userName: user, domainName: domain, workstation } = message;
    const refused = (why: string): NegotiableResult => ({ kind: 'refused', user, domain, why });

    if (user === '' || hasFlag(message.flags, NegotiateFlag.ANONYMOUS)) {
      if (this.#options.anonymous !== true) return refused('anonymous logon');
      return isNullSession(message)
        ? this.#admitNobody(message, challenged)
        : refused('neither an account nor an anonymous logon');
    }
    if (message.ntChallengeResponse.length <= NTLMV1_RESPONSE_LENGTH) return refused('no NTLMv2 response');
    const response = decodeNtlmv2Response(message.ntChallengeResponse);

    const ntHash = await this.#options.lookup(user, domain);
    if (ntHash !== undefined && ntHash.length !== NO_NT_HASH.length) {
      throw new RpchError('RPCH_NT_HASH_LENGTH', 'configuration', `an NT hash of ${ntHash.length} bytes`);
    }
    const key = keyProvenBy(response, ntHash ?? NO_NT_HASH, message, challenged.serverChallenge);
    if (ntHash === undefined) return refused('unknown account');
    if (key === undefined) return refused('wrong password');

    const sessionKey = exportedSessionKey(key, message, challenged.flags);
    const hasMic = hasFlag(avFlags(response.avPairs), AvFlag.MIC_PRESENT);
    if (hasMic) {
      if (message.mic === undefined) return refused('the MIC that MsvAvFlags speaks of is missing');
      const mic = messageMic(sessionKey, challenged.negotiate, challenged.challenge, token);
      if (!timingSafeEqual(mic, message.mic)) return refused('wrong MIC: a message was changed on its way');
    }
    const objection = this.#objectionToBindings(response.avPairs);
    if (objection !== undefined) return refused(objection);
    const flags = challenged.flags & message.flags;
    return {
      kind: 'accepted',
      user,
      domain,
      workstation,
      token: undefined,
      mechListMic: mechListMicOf(flags, hasMic),
      protection: () => protectionOf(flags, sessionKey, 'server'),
    };
  }

  /** NullSession of [MS-NLMP] 3.2.5.1.2. There is no response, and so neither AV_PAIRs nor a MIC. */
  #admitNobody(message: AuthenticateMessage, challenged: Challenged): NegotiableResult {
    const objection = this.#objectionToBindings(NO_AV_PAIRS);
    if (objection !== undefined) return { kind: 'refused', why: `anonymous logon: ${objection}` };
    const sessionKey = exportedSessionKey(NULL_SESSION_KEY, message, challenged.flags);
    const flags = challenged.flags & message.flags;
    return {
      kind: 'anonymous',
      token: undefined,
      mechListMic: mechListMicOf(flags, false),
      protection: () => protectionOf(flags, sessionKey, 'server'),
    };
  }

  /** What is wrong with MsvAvChannelBindings; 16 zero bytes are the same as none. */
  #objectionToBindings(pairs: AvPairs): string | undefined {
    const policy = this.#options.channelBindings?.policy;
    if (policy === undefined) return undefined;
    const sent = pairs.get(AvId.MsvAvChannelBindings);
    if (sent?.some((byte) => byte !== 0) !== true) {
      return policy === 'required' ? 'no channel bindings, which are required' : undefined;
    }
    const matches = this.#expectedBindings.filter((expected) => timingSafeEqual(expected, sent));
    return matches.length > 0 ? undefined : 'channel bindings of another TLS channel: a relay, or TLS ends elsewhere';
  }
}

/** No user and no response: an NtChallengeResponse that is empty, an LmChallengeResponse that is empty or Z(1) ([MS-NLMP] 3.2.5.1.2). */
function isNullSession({ userName, ntChallengeResponse, lmChallengeResponse }: AuthenticateMessage): boolean {
  const noLm = lmChallengeResponse.length === 0 || (lmChallengeResponse.length === 1 && lmChallengeResponse[0] === 0);
  return userName === '' && ntChallengeResponse.length === 0 && noLm;
}

/**
 * The SessionBaseKey, if the response proves knowledge of `ntHash`. Both spellings of the domain are computed
 * whichever is right: as it was sent, and empty, for the clients that use NIL wrongly ([MS-NLMP] 3.2.5.1.2).
 */
function keyProvenBy(
  response: Ntlmv2Response,
  ntHash: Uint8Array,
  message: AuthenticateMessage,
  serverChallenge: Uint8Array,
): Uint8Array | undefined {
  let proven: Uint8Array | undefined;
  for (const domain of ['', message.domainName]) {
    const responseKeyNT = ntowfv2(ntHash, message.userName, domain);
    const key = sessionBaseKey(responseKeyNT, response.ntProofStr);
    if (timingSafeEqual(ntProofStr(responseKeyNT, serverChallenge, response.temp), response.ntProofStr)) proven = key;
  }
  return proven;
}

/**
 * ExportedSessionKey. [MS-NLMP] 3.2.5.1.2 makes it of EncryptedRandomSessionKey only where signing or sealing was
 * negotiated too; Samba's client exchanges a key without either, and its MIC shows that it then uses it.
 */
function exportedSessionKey(keyExchangeKey: Uint8Array, message: AuthenticateMessage, offered: number): Uint8Array {
  const flags = offered & message.flags;
  const encrypted = message.encryptedRandomSessionKey;
  if (!hasFlag(flags, NegotiateFlag.NEGOTIATE_KEY_EXCH)) return keyExchangeKey;
  const optional = !hasFlag(flags, NegotiateFlag.NEGOTIATE_SIGN | NegotiateFlag.NEGOTIATE_SEAL);
  if (encrypted.length === 0 && optional) return keyExchangeKey;
  if (encrypted.length !== 16) {
    const what = `EncryptedRandomSessionKey of ${encrypted.length} bytes`;
    throw new ProtocolError('RPCH_NTLM_SESSION_KEY', what, '[MS-NLMP] 3.2.5.1.2');
  }
  return rc4k(keyExchangeKey, encrypted);
}

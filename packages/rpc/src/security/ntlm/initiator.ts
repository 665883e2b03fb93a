import { encodeUtf16 } from '../../bytes/utf16.ts';
import { Writer } from '../../bytes/writer.ts';
import { AuthLevel, AuthType } from '../../dcerpc/security-context.ts';
import { ProtocolError, RpchError } from '../../errors.ts';
import type { MechListMic, NegotiableInitiator } from '../mechanism.ts';
import { MAX_NTLM_TOKEN } from './acceptor.ts';
import type { Account } from './account.ts';
import { encodeAuthenticate, MIC_LENGTH, MIC_OFFSET } from './authenticate.ts';
import { AvFlag, AvId, type AvPairs, avFlags, timestampOf } from './av-pairs.ts';
import { type ChallengeMessage, decodeChallenge } from './challenge.ts';
import { channelBindingsHash } from './channel-bindings.ts';
import { messageMic, ntowfv1, ntowfv2, ntProofStr, rc4k, sessionBaseKey } from './crypto.ts';
import { OWN_VERSION } from './fields.ts';
import { describeNegotiateFlags, hasFlag, NegotiateFlag } from './flags.ts';
import { encodeNegotiate } from './negotiate.ts';
import { encodeTemp } from './ntlmv2-response.ts';
import { mechListMicOf, type NtlmProtection, protectionOf } from './protection.ts';

/** An account and what proves it: its password, or the NT hash of that, 16 bytes. */
export type NtlmCredentials = Account & ({ readonly password: string } | { readonly ntHash: Uint8Array });

export interface NtlmInitiatorOptions {
  readonly credentials: NtlmCredentials;
  /**
   * One of {@link AuthLevel}: up to `connect` the context only proves who we are, from `packet` on it can sign, at
   * `privacy` it can seal too. HTTP needs `connect`.
   */
  readonly level: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** That many unpredictable bytes. */
  readonly random: (length: number) => Uint8Array;
  /** This computer's name; shown in the server's logs. Default: none. */
  readonly workstation?: string;
  /** The service principal name of the server, for instance `HTTP/proxy.example`, at most 1,024 characters. */
  readonly targetName?: string;
  /** The application data of the TLS channel's bindings, for instance `tls-server-end-point:` and a hash. */
  readonly channelBindings?: Uint8Array;
}

const MAX_TARGET_NAME = 1024;
const NT_HASH_LENGTH = 16;

/** Asked of every server, and without which there is no NTLMv2 that could not be weakened on its way. */
const REQUIRED =
  NegotiateFlag.NEGOTIATE_UNICODE | NegotiateFlag.NEGOTIATE_NTLM | NegotiateFlag.NEGOTIATE_EXTENDED_SESSIONSECURITY;
const OFFERED =
  REQUIRED |
  NegotiateFlag.REQUEST_TARGET |
  NegotiateFlag.NEGOTIATE_ALWAYS_SIGN |
  NegotiateFlag.NEGOTIATE_VERSION |
  NegotiateFlag.NEGOTIATE_128 |
  NegotiateFlag.NEGOTIATE_56;

type State =
  | { readonly kind: 'start' | 'failed' }
  | { readonly kind: 'negotiating'; readonly negotiate: Uint8Array }
  | { readonly kind: 'complete'; readonly flags: number; readonly sessionKey: Uint8Array };

/**
 * The client's side of NTLM, connection-oriented, version 2 alone ([MS-NLMP] 3.1.5.1): NEGOTIATE out, CHALLENGE in,
 * AUTHENTICATE out. Serves RPC and HTTP alike.
 *
 * ```
 *          undefined                CHALLENGE
 *   start ───────────► negotiating ───────────► complete
 *                           │ weak or malformed
 *                           └──────────────────► failed: one object answers one challenge
 * ```
 *
 * {@link NtlmInitiator.protection} throws RpchError `RPCH_NTLM_NO_PROTECTION` (caller) at levels up to `connect`.
 */
export class NtlmInitiator implements NegotiableInitiator {
  readonly authType = AuthType.ntlm;
  readonly #options: NtlmInitiatorOptions;
  readonly #ntHash: Uint8Array;
  readonly #required: number;
  readonly #offered: number;
  #state: State = { kind: 'start' };
  #protection: NtlmProtection | undefined;

  /** Throws RpchError `RPCH_NTLM_CREDENTIALS` for an empty user, a hash or names of a wrong length. */
  constructor(options: NtlmInitiatorOptions) {
    const { credentials, level, targetName = '' } = options;
    this.#options = options;
    this.#ntHash = 'ntHash' in credentials ? credentials.ntHash : ntowfv1(credentials.password);
    if (credentials.user === '' || this.#ntHash.length !== NT_HASH_LENGTH || targetName.length > MAX_TARGET_NAME) {
      const what = 'NTLM needs a user, an NT hash of 16 bytes, and a target name of at most 1,024 characters';
      throw new RpchError('RPCH_NTLM_CREDENTIALS', 'caller', what);
    }
    const { NEGOTIATE_SIGN, NEGOTIATE_SEAL, NEGOTIATE_128, NEGOTIATE_KEY_EXCH } = NegotiateFlag;
    const signing = level > AuthLevel.connect ? NEGOTIATE_SIGN | NEGOTIATE_128 : 0;
    const sealing = level >= AuthLevel.privacy ? NEGOTIATE_SEAL : 0;
    this.#required = REQUIRED | signing | sealing;
    this.#offered = (OFFERED | signing | sealing | (signing === 0 ? 0 : NEGOTIATE_KEY_EXCH)) >>> 0;
  }

  get complete(): boolean {
    return this.#state.kind === 'complete';
  }

  get protection(): NtlmProtection {
    const { flags, sessionKey } = this.#completed();
    if (this.#options.level <= AuthLevel.connect) {
      throw new RpchError('RPCH_NTLM_NO_PROTECTION', 'caller', 'a context of level connect protects no messages');
    }
    this.#protection ??= protectionOf(flags, sessionKey, 'client');
    return this.#protection;
  }

  get mechListMic(): MechListMic {
    return mechListMicOf(this.#completed().flags, true);
  }

  /**
   * Rejects with RpchError `RPCH_NTLM_DOWNGRADE` (peer) where the challenge lacks what the level needs, with a
   * ProtocolError where it is malformed, over {@link MAX_NTLM_TOKEN} or comes out of order.
   */
  async step(token: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const state = this.#state;
    this.#state = { kind: 'failed' };
    if (state.kind === 'start' && token === undefined) {
      const none = new Uint8Array();
      const flags = this.#offered;
      const negotiate = encodeNegotiate({ flags, domainName: none, workstation: none, version: OWN_VERSION });
      this.#state = { kind: 'negotiating', negotiate };
      return negotiate.slice();
    }
    if (state.kind !== 'negotiating' || token === undefined) {
      throw new ProtocolError('RPCH_NTLM_ORDER', `a token out of order, state ${state.kind}`, '[MS-NLMP] 3.1.5.1');
    }
    if (token.length > MAX_NTLM_TOKEN) {
      throw new ProtocolError('RPCH_NTLM_TOKEN_SIZE', `token of ${token.length} bytes`, '[MS-NLMP] 2.2.1');
    }
    return this.#authenticate(state.negotiate, token);
  }

  /** [MS-NLMP] 3.1.5.1.2 */
  #authenticate(negotiate: Uint8Array, token: Uint8Array): Uint8Array {
    const { credentials, workstation = '', random, now } = this.#options;
    const challenge = decodeChallenge(token);
    this.#checkStrength(challenge);
    const agreed = challenge.flags & (this.#offered | NegotiateFlag.NEGOTIATE_TARGET_INFO);
    const flags = (agreed | NegotiateFlag.REQUEST_TARGET) >>> 0;
    const time = challenge.targetInfo.get(AvId.MsvAvTimestamp) ?? timestampOf(now());

    const temp = encodeTemp(time, random(8), this.#avPairs(challenge.targetInfo));
    const responseKeyNT = ntowfv2(this.#ntHash, credentials.user, credentials.domain);
    const proof = ntProofStr(responseKeyNT, challenge.serverChallenge, temp);
    const keyExchangeKey = sessionBaseKey(responseKeyNT, proof);
    const exchanged = hasFlag(flags, NegotiateFlag.NEGOTIATE_KEY_EXCH);
    const sessionKey = exchanged ? random(16) : keyExchangeKey;

    const message = encodeAuthenticate({
      flags,
      // Z(24): what a server that knows NTLMv2 does not look at needs no second proof.
      lmChallengeResponse: new Uint8Array(24),
      ntChallengeResponse: new Writer(proof.length + temp.length).bytes(proof).bytes(temp).finish(),
      domainName: credentials.domain,
      userName: credentials.user,
      workstation,
      encryptedRandomSessionKey: exchanged ? rc4k(keyExchangeKey, sessionKey) : new Uint8Array(),
      version: hasFlag(flags, NegotiateFlag.NEGOTIATE_VERSION) ? OWN_VERSION : undefined,
      mic: new Uint8Array(MIC_LENGTH),
    });
    // Not only where MsvAvTimestamp came: whoever takes that pair out of a challenge would take away the MIC with it.
    message.set(messageMic(sessionKey, negotiate, token, message), MIC_OFFSET);
    this.#state = { kind: 'complete', flags, sessionKey };
    return message;
  }

  #checkStrength({ flags, targetInfo }: ChallengeMessage): void {
    const missing = describeNegotiateFlags(this.#required & ~flags);
    const { MsvAvNbComputerName, MsvAvNbDomainName } = AvId;
    const named = targetInfo.has(MsvAvNbComputerName) && targetInfo.has(MsvAvNbDomainName);
    if (!named && this.#options.level > AuthLevel.connect) missing.push('the names in TargetInfo');
    if (missing.length > 0) {
      const what = `the challenge lacks ${missing.join(', ')}: a weak server, or one in the middle`;
      throw new RpchError('RPCH_NTLM_DOWNGRADE', 'peer', what);
    }
  }

  /** The server's pairs and ours; ours win, so that nobody in the middle can put words into our mouth. */
  #avPairs(targetInfo: AvPairs): AvPairs {
    const { channelBindings, targetName = '' } = this.#options;
    const pairs = new Map(targetInfo);
    const flags = (avFlags(targetInfo) & AvFlag.CONSTRAINED) | AvFlag.MIC_PRESENT;
    pairs.set(AvId.MsvAvFlags, new Writer(4).u32(flags).finish());
    const bindings = channelBindings === undefined ? new Uint8Array(16) : channelBindingsHash(channelBindings);
    pairs.set(AvId.MsvAvChannelBindings, bindings);
    return pairs.set(AvId.MsvAvTargetName, encodeUtf16(targetName));
  }

  #completed(): Extract<State, { kind: 'complete' }> {
    if (this.#state.kind === 'complete') return this.#state;
    throw new RpchError('RPCH_CONTEXT_INCOMPLETE', 'caller', 'the security context is not complete');
  }
}

import { applicationTag } from '../../asn1/der.ts';
import type { AcceptorResult, MessageProtection, SecurityAcceptor } from '../../dcerpc/security-context.ts';
import { ProtocolError } from '../../errors.ts';
import type {
  AcceptorMechanism,
  MechListMic,
  NegotiableAcceptor,
  NegotiableProtection,
  NegotiableResult,
} from '../mechanism.ts';
import { isNtlmMessage } from '../ntlm/fields.ts';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenResp,
  NegState,
  type NegTokenResp,
  NTLMSSP_OID,
} from './neg-token.ts';

const SECTION = 'RFC 4178 5';
/** The tag of an initial GSS-API token (RFC 2743 3.1). */
const INITIAL_TOKEN = applicationTag(0);

/** What was negotiated: a mechanism out of the initiator's list. */
interface Negotiated {
  readonly oid: string;
  readonly context: NegotiableAcceptor;
  readonly mechTypeList: Uint8Array;
  /** Not the initiator's first choice. */
  readonly second: boolean;
}

type State =
  | { readonly kind: 'idle' | 'complete' }
  | ({ readonly kind: 'negotiated' } & Negotiated)
  /** NTLM without SPNEGO around it. */
  | { readonly kind: 'bare'; readonly context: NegotiableAcceptor };

/** As {@link NegotiableResult}, of a mechanism that has accepted. */
type Accepted = Extract<NegotiableResult, { kind: 'accepted' | 'anonymous' }>;

/**
 * The accepting side of SPNEGO (RFC 4178, [MS-SPNG] 3.2): takes the first mechanism of the initiator's list that is known here.
 * NTLM without SPNEGO around it is taken too, as Windows does, whose clients leave it out where NTLM is all they have
 * ([MS-SPNG] appendix A, <8>).
 *
 * ```
 *        NegTokenInit               the mechanism accepts, with its mechListMIC where that is due
 *   idle ───────────► negotiated … ───────────────────────────────────────────────────────────────► complete
 *    ▲                     │
 *    └─────────────────────┘ refused or malformed: the initiator may begin anew
 * ```
 *
 * mechListMICs are due where the mechanism is not the initiator's first choice, where the mechanism was promised them, and where
 * the initiator sends one.
 */
export class SpnegoAcceptor implements SecurityAcceptor {
  readonly #mechanisms: readonly AcceptorMechanism[];
  #state: State = { kind: 'idle' };

  constructor(mechanisms: readonly AcceptorMechanism[]) {
    this.#mechanisms = mechanisms;
  }

  get complete(): boolean {
    return this.#state.kind === 'complete';
  }

  async step(token: Uint8Array): Promise<AcceptorResult> {
    const state = this.#state;
    if (state.kind === 'complete') return { kind: 'refused', why: 'the context is complete already' };
    this.#state = { kind: 'idle' };
    const result = await this.#dispatch(state, token);
    if (result.kind === 'accepted' || result.kind === 'anonymous') this.#state = { kind: 'complete' };
    return result;
  }

  async #dispatch(state: State, token: Uint8Array): Promise<AcceptorResult> {
    if (isNtlmMessage(token)) {
      const context = state.kind === 'bare' ? state.context : this.#mechanismOf(NTLMSSP_OID)?.make();
      if (context === undefined) return { kind: 'refused', why: 'NTLM, which is not accepted here' };
      const result = await context.step(token);
      if (result.kind === 'challenge') this.#state = { kind: 'bare', context };
      return result;
    }
    if (token[0] === INITIAL_TOKEN) return this.#begin(token);
    if (state.kind === 'negotiated') return this.#continue(state, decodeNegTokenResp(token));
    throw new ProtocolError('RPCH_SPNEGO_ORDER', 'the token is not a NegTokenInit', SECTION);
  }

  async #begin(token: Uint8Array): Promise<AcceptorResult> {
    const { mechTypes, mechTypeList, mechToken } = decodeNegTokenInit(token);
    const index = mechTypes.findIndex((oid) => this.#mechanismOf(oid) !== undefined);
    const mechanism = this.#mechanismOf(mechTypes[index] ?? '');
    if (mechanism === undefined) return { kind: 'refused', why: `no mechanism in common: ${mechTypes.join(', ')}` };
    const { oid } = mechanism;
    const second = index > 0;
    const negotiated = { oid, context: mechanism.make(), mechTypeList: Uint8Array.from(mechTypeList), second };
    const negState = second ? NegState.request_mic : NegState.accept_incomplete;
    // The token of another mechanism than ours is of no use, and none may have come.
    if (second || mechToken === undefined) return this.#challenge(negotiated, { negState, supportedMech: oid });
    const result = await negotiated.context.step(mechToken);
    if (result.kind === 'refused') return result;
    if (result.kind !== 'challenge') return this.#accept(negotiated, result, { supportedMech: oid });
    return this.#challenge(negotiated, { negState, supportedMech: oid, responseToken: result.token });
  }

  async #continue(negotiated: Negotiated, resp: NegTokenResp): Promise<AcceptorResult> {
    if (resp.negState === NegState.reject) return { kind: 'refused', why: 'the initiator gave up' };
    if (resp.responseToken === undefined) {
      throw new ProtocolError('RPCH_SPNEGO_ORDER', 'a NegTokenResp without a token of the mechanism', SECTION);
    }
    const result = await negotiated.context.step(resp.responseToken);
    if (result.kind === 'refused') return result;
    if (result.kind !== 'challenge') return this.#accept(negotiated, result, resp);
    return this.#challenge(negotiated, { negState: NegState.accept_incomplete, responseToken: result.token });
  }

  #challenge(negotiated: Negotiated, resp: NegTokenResp): AcceptorResult {
    this.#state = { kind: 'negotiated', ...negotiated };
    return { kind: 'challenge', token: encodeNegTokenResp(resp) };
  }

  /** The mechanism has accepted the initiator's last token, which came in `resp`. */
  #accept(negotiated: Negotiated, accepted: Accepted, resp: NegTokenResp): AcceptorResult {
    const { mechTypeList, second } = negotiated;
    const claimed = accepted.kind === 'accepted' ? { user: accepted.user, domain: accepted.domain } : {};
    let protection: () => MessageProtection = accepted.protection;
    let mechListMIC: Uint8Array | undefined;
    if (micIsDue(accepted.mechListMic, second, resp.mechListMIC)) {
      if (resp.mechListMIC === undefined) {
        return { kind: 'refused', ...claimed, why: 'no mechListMIC, which the list or the mechanism calls for' };
      }
      const made = accepted.protection();
      // A refusal like others: an error would tell a right password without being counted as a guess.
      if (!verifies(made, mechTypeList, resp.mechListMIC)) {
        return { kind: 'refused', ...claimed, why: 'wrong mechListMIC: the list was changed on its way' };
      }
      mechListMIC = made.signMechList(mechTypeList);
      protection = () => made;
    }
    const token = encodeNegTokenResp({
      negState: NegState.accept_completed,
      supportedMech: accepted.token === undefined ? undefined : negotiated.oid,
      responseToken: accepted.token,
      mechListMIC,
    });
    if (accepted.kind === 'anonymous') return { kind: 'anonymous', token, protection };
    const { user, domain, workstation } = accepted;
    return { kind: 'accepted', user, domain, workstation, token, protection };
  }

  #mechanismOf(oid: string): AcceptorMechanism | undefined {
    return this.#mechanisms.find((mechanism) => mechanism.oid === oid);
  }
}

function micIsDue(mechListMic: MechListMic, second: boolean, sent: Uint8Array | undefined): boolean {
  if (mechListMic === 'unavailable') return false;
  return mechListMic === 'promised' || second || sent !== undefined;
}

function verifies(protection: NegotiableProtection, mechTypeList: Uint8Array, mic: Uint8Array): boolean {
  try {
    protection.verifyMechList(mechTypeList, mic);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

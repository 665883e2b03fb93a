import { AuthType, type SecurityInitiator } from '../../dcerpc/security-context.ts';
import { ProtocolError, RpchError } from '../../errors.ts';
import type { InitiatorMechanism, NegotiableInitiator, NegotiableProtection } from '../mechanism.ts';
import {
  decodeNegTokenResp,
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
  NegState,
  type NegTokenResp,
} from './neg-token.ts';

const SECTION = 'RFC 4178 5';

/** The mechanism that stands for now, by its object identifier. */
interface Chosen {
  readonly oid: string;
  readonly context: NegotiableInitiator;
}

type State =
  | { readonly kind: 'start' }
  | { readonly kind: 'failed' }
  /** `optimistic`: the token of our first choice, which was sent along with the list. */
  | ({ readonly kind: 'offered'; readonly optimistic: Uint8Array | undefined } & Chosen)
  | ({ readonly kind: 'stepping' } & Chosen)
  /** The mechanism is done; the acceptor's last word is missing, with its mechListMIC where we sent ours. */
  | ({ readonly kind: 'finishing'; readonly micSent: boolean; readonly micVerified: boolean } & Chosen)
  | ({ readonly kind: 'complete' } & Chosen);
type Underway = Extract<State, { kind: 'offered' | 'stepping' }>;

/**
 * The initiating side of SPNEGO (RFC 4178, [MS-SPNG] 3.3): offers mechanisms in order of preference, sends the first one's
 * token along, and follows the acceptor to another where that prefers it.
 *
 * ```
 *         undefined          NegTokenResp               the mechanism is done           accept-completed
 *   start ─────────► offered ────────────► stepping … ────────────────────► finishing ─────────────────► complete
 *                                              anything wrong: failed, for good
 * ```
 *
 * mechListMICs are exchanged where the first choice was not taken, where the acceptor asks for them, and where the mechanism
 * promised them, as NTLM does with the MIC of its AUTHENTICATE_MESSAGE; then they are mandatory both ways. So nobody in the
 * middle can take a mechanism off the list unseen, as long as the one that is left can sign.
 */
export class SpnegoInitiator implements SecurityInitiator {
  readonly authType = AuthType.spnego;
  readonly #mechanisms: readonly [InitiatorMechanism, ...InitiatorMechanism[]];
  readonly #mechTypeList: Uint8Array;
  #state: State = { kind: 'start' };
  #micWanted = false;

  /** @param mechanisms the one preferred first. */
  constructor(mechanisms: readonly [InitiatorMechanism, ...InitiatorMechanism[]]) {
    this.#mechanisms = mechanisms;
    this.#mechTypeList = encodeMechTypeList(mechanisms.map(({ oid }) => oid));
  }

  get complete(): boolean {
    return this.#state.kind === 'complete';
  }

  get protection(): NegotiableProtection {
    if (this.#state.kind === 'complete') return this.#state.context.protection;
    throw new RpchError('RPCH_CONTEXT_INCOMPLETE', 'caller', 'the security context is not complete');
  }

  /**
   * Rejects with RpchError `RPCH_SPNEGO_REJECTED` (peer) where the acceptor refuses, and with what the mechanism throws. An
   * acceptor that says what it must not, or leaves out what it owes, is a ProtocolError.
   */
  async step(token: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    const state = this.#state;
    this.#state = { kind: 'failed' };
    if (state.kind === 'start' && token === undefined) return this.#offer();
    if (state.kind === 'start' || state.kind === 'failed' || state.kind === 'complete' || token === undefined) {
      throw new ProtocolError('RPCH_SPNEGO_ORDER', `a token out of order, state ${state.kind}`, SECTION);
    }
    const resp = decodeNegTokenResp(token);
    if (resp.negState === NegState.reject) {
      throw new RpchError('RPCH_SPNEGO_REJECTED', 'peer', 'the peer rejects our mechanisms, or the credentials');
    }
    if (state.kind === 'finishing') {
      this.#finish(state, resp);
      return undefined;
    }
    if (resp.negState === NegState.request_mic) this.#micWanted = true;
    return this.#answer(state, resp);
  }

  async #offer(): Promise<Uint8Array> {
    const { oid, make } = this.#mechanisms[0];
    const context = make();
    const optimistic = await context.step(undefined);
    this.#state = { kind: 'offered', oid, context, optimistic };
    return encodeNegTokenInit({ mechTypeList: this.#mechTypeList, mechToken: optimistic });
  }

  async #answer(state: Underway, resp: NegTokenResp): Promise<Uint8Array | undefined> {
    const { oid, context } = state;
    const { supportedMech = oid, responseToken } = resp;
    if (supportedMech !== oid) {
      const other = this.#mechanisms.find((mechanism) => mechanism.oid === supportedMech);
      if (state.kind !== 'offered' || other === undefined || responseToken !== undefined) {
        throw new ProtocolError('RPCH_SPNEGO_MECHANISM', `the peer chose ${supportedMech} out of turn`, SECTION);
      }
      this.#micWanted = true;
      const taken = { oid: other.oid, context: other.make() };
      return this.#advance(taken, await taken.context.step(undefined), resp);
    }
    // An acceptor may take our first choice without having read its token (RFC 4178 4.2.2).
    if (state.kind === 'offered' && responseToken === undefined && !context.complete) {
      return this.#advance({ oid, context }, state.optimistic, resp);
    }
    const output = context.complete ? undefined : await context.step(responseToken);
    return this.#advance({ oid, context }, output, resp);
  }

  /** Sends on what the mechanism made of the peer's message `resp`; where it is done, with the mechListMIC if need be. */
  #advance(chosen: Chosen, output: Uint8Array | undefined, resp: NegTokenResp): Uint8Array | undefined {
    const { context } = chosen;
    const done = resp.negState === NegState.accept_completed;
    if (!context.complete) {
      if (done || output === undefined || resp.mechListMIC !== undefined) {
        throw new ProtocolError('RPCH_SPNEGO_ORDER', 'the end before the mechanism is done', SECTION);
      }
      this.#state = { kind: 'stepping', ...chosen };
      return encodeNegTokenResp({ responseToken: output });
    }
    if (done && output !== undefined) {
      throw new ProtocolError('RPCH_SPNEGO_ORDER', 'accept-completed before our last token', SECTION);
    }
    const { mechListMic } = context;
    const micSent = mechListMic === 'promised' || (mechListMic === 'available' && this.#micWanted);
    const micVerified = this.#verifyMic(chosen, micSent, resp);
    if (output === undefined && !micSent && done) {
      this.#state = { kind: 'complete', ...chosen };
      return undefined;
    }
    const mechListMIC = micSent ? context.protection.signMechList(this.#mechTypeList) : undefined;
    this.#state = { kind: 'finishing', micSent, micVerified, ...chosen };
    return encodeNegTokenResp({ responseToken: output, mechListMIC });
  }

  #finish(state: Extract<State, { kind: 'finishing' }>, resp: NegTokenResp): void {
    const { oid, context, micSent } = state;
    const { negState, supportedMech = oid, responseToken } = resp;
    if (negState !== NegState.accept_completed || supportedMech !== oid || responseToken !== undefined) {
      throw new ProtocolError('RPCH_SPNEGO_ORDER', 'something other than accept-completed at the end', SECTION);
    }
    const micVerified = this.#verifyMic(state, micSent, resp) || state.micVerified;
    if (micSent && !micVerified) {
      throw new ProtocolError('RPCH_SPNEGO_MIC', 'the peer owes its mechListMIC', SECTION);
    }
    this.#state = { kind: 'complete', oid, context };
  }

  /** True where the peer's mechListMIC was there, and right. */
  #verifyMic({ context }: Chosen, expected: boolean, { mechListMIC }: NegTokenResp): boolean {
    if (mechListMIC === undefined) return false;
    if (!expected) throw new ProtocolError('RPCH_SPNEGO_MIC', 'a mechListMIC that nothing calls for', SECTION);
    context.protection.verifyMechList(this.#mechTypeList, mechListMIC);
    return true;
  }
}

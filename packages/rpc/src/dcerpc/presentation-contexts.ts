import { ProtocolError } from '../errors.ts';
import type { ContextElement } from './bind.ts';
import { ContextResult, type PResult, ProviderReason } from './bind-ack.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';
import type { RpcInterface } from './rpc-interface.ts';
import { BindTimeFeature, bindTimeFeatures, NDR, NO_SYNTAX, sameSyntax, serves } from './syntax-id.ts';

/** Presentation contexts that one association may have; Windows' limit grows with the interfaces, 4,000 for each. */
export const MAX_CONTEXTS = 1024;

/** Features that this server has: a call orphaned by its client is dropped, and the connection goes on. */
const FEATURES = BindTimeFeature.KEEP_CONNECTION_ON_ORPHAN;

const SECTION = '[MS-RPCE] 3.3.1.5.6';

/** The answer to a list of context elements. */
export interface Negotiation {
  readonly results: readonly PResult[];
  /** Bind-time features granted; 0 where none were asked for. */
  readonly features: number;
}

/** The presentation contexts of one association: which p_cont_id calls which interface (C706 12.6.3.1). */
export class PresentationContexts {
  readonly #interfaces: readonly RpcInterface[];
  /** undefined is a context whose interface is not served. */
  readonly #contexts = new Map<number, RpcInterface | undefined>();

  constructor(interfaces: readonly RpcInterface[]) {
    this.#interfaces = interfaces;
  }

  /**
   * Answers the elements in their order: NDR 2.0 is accepted for the interfaces that are served, all else is rejected
   * with its reason ([MS-RPCE] 3.3.1.5.6). `inBind` admits one element of bind-time feature negotiation (3.3.1.5.3);
   * a second one, or a p_cont_id that means another interface already, throws a {@link ProtocolError}.
   */
  negotiate(elements: readonly ContextElement[], inBind: boolean): Negotiation {
    const results: PResult[] = [];
    let features: number | undefined;
    for (const element of elements) {
      const asked = inBind ? featuresAsked(element) : undefined;
      if (asked === undefined) {
        results.push(this.#propose(element));
        continue;
      }
      if (features !== undefined) {
        throw new ProtocolError('RPCH_TWO_FEATURE_ELEMENTS', 'bind-time features asked for twice', SECTION);
      }
      features = asked & FEATURES;
      results.push({ result: ContextResult.negotiate_ack, reason: features, transferSyntax: NO_SYNTAX });
    }
    return { results, features: features ?? 0 };
  }

  /** The interface of a context; throws the RpcFaultError for one that was rejected or never proposed. */
  interfaceOf(contextId: number): RpcInterface {
    const found = this.#contexts.get(contextId);
    if (found !== undefined) return found;
    throw new RpcFaultError(
      this.#contexts.has(contextId) ? FaultStatus.nca_s_unk_if : FaultStatus.nca_s_invalid_pres_context_id,
    );
  }

  #propose({ contextId, abstractSyntax, transferSyntaxes }: ContextElement): PResult {
    const known = this.#contexts.get(contextId);
    if (known !== undefined && !serves(known.syntax, abstractSyntax)) {
      throw new ProtocolError('RPCH_CONTEXT_REUSED', `p_cont_id ${contextId} is in use`, SECTION);
    }
    if (!this.#contexts.has(contextId) && this.#contexts.size >= MAX_CONTEXTS) {
      return rejection(ProviderReason.local_limit_exceeded);
    }
    const served = this.#interfaces.find((candidate) => serves(candidate.syntax, abstractSyntax));
    if (served === undefined) {
      this.#contexts.set(contextId, undefined);
      return rejection(ProviderReason.abstract_syntax_not_supported);
    }
    if (!transferSyntaxes.some((syntax) => sameSyntax(syntax, NDR))) {
      return rejection(ProviderReason.proposed_transfer_syntaxes_not_supported);
    }
    this.#contexts.set(contextId, served);
    return { result: ContextResult.acceptance, reason: ProviderReason.reason_not_specified, transferSyntax: NDR };
  }
}

/** Feature negotiation is an element of that one transfer syntax ([MS-RPCE] 3.3.1.5.3). */
function featuresAsked({ transferSyntaxes }: ContextElement): number | undefined {
  const [only] = transferSyntaxes;
  return only !== undefined && transferSyntaxes.length === 1 ? bindTimeFeatures(only) : undefined;
}

function rejection(reason: number): PResult {
  return { result: ContextResult.provider_rejection, reason, transferSyntax: NO_SYNTAX };
}

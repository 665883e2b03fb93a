import { ProtocolError } from '../errors.ts';
import type { ContextElement } from './bind.ts';
import { ContextResult, type PResult, ProviderReason } from './bind-ack.ts';
import { type OfferedInterface, type ServedInterface, servedInterface } from './rpc-interface.ts';
import {
  BindTimeFeature,
  bindTimeFeatures,
  NDR,
  NDR64,
  NO_SYNTAX,
  type SyntaxId,
  sameSyntax,
  serves,
} from './syntax-id.ts';

/** Presentation contexts that one association may have; Windows' limit grows with the interfaces, 4,000 for each. */
export const MAX_CONTEXTS = 1024;

const SECTION = '[MS-RPCE] 3.3.1.5.6';

/** The answer to a list of context elements. */
export interface Negotiation {
  readonly results: readonly PResult[];
  /** Whether one was accepted that was not there before. */
  readonly grown: boolean;
}

/** A presentation context: which interface its calls are for (C706 12.6.3.1). Its transfer syntax is NDR 2.0. */
export interface PresentationContext {
  readonly id: number;
  /** As the client proposed it: its minor version may be lower than the interface's. */
  readonly abstractSyntax: SyntaxId;
  readonly served: ServedInterface;
}

/** The presentation contexts of one association: which p_cont_id calls which interface (C706 12.6.3.1). */
export class PresentationContexts {
  readonly #served: readonly ServedInterface[];
  readonly #features: number;
  readonly #contexts = new Map<number, PresentationContext>();

  /** @param multiplexing whether several security contexts can be had (bind-time feature negotiation). */
  constructor(interfaces: readonly OfferedInterface[], multiplexing: boolean) {
    this.#served = interfaces.map(servedInterface);
    this.#features =
      BindTimeFeature.KEEP_CONNECTION_ON_ORPHAN | (multiplexing ? BindTimeFeature.SECURITY_CONTEXT_MULTIPLEXING : 0);
  }

  /**
   * Answers the elements in their order: NDR 2.0 is accepted for the interfaces that are served, once for each abstract syntax;
   * all else is rejected with its reason ([MS-RPCE] 3.3.1.5.6). `inBind` admits one element of bind-time feature negotiation
   * (3.3.1.5.3); a second one, or a p_cont_id that means something else already, throws a {@link ProtocolError}.
   */
  negotiate(elements: readonly ContextElement[], inBind: boolean): Negotiation {
    const before = this.#contexts.size;
    const accepted: SyntaxId[] = [];
    let asked: number | undefined;
    const results = elements.map((element) => {
      const features = inBind ? featuresAsked(element) : undefined;
      if (features === undefined) return this.#propose(element, accepted);
      if (asked !== undefined) {
        throw new ProtocolError('RPCH_TWO_FEATURE_ELEMENTS', 'bind-time features asked for twice', SECTION);
      }
      asked = features;
      return { result: ContextResult.negotiate_ack, reason: features & this.#features, transferSyntax: NO_SYNTAX };
    });
    return { results, grown: this.#contexts.size > before };
  }

  /** The context of that p_cont_id; undefined for one that was rejected or never proposed. */
  find(contextId: number): PresentationContext | undefined {
    return this.#contexts.get(contextId);
  }

  #propose({ contextId, abstractSyntax, transferSyntaxes }: ContextElement, accepted: SyntaxId[]): PResult {
    const served = this.#served.find((candidate) => serves(candidate.interface.syntax, abstractSyntax));
    if (served === undefined) return rejection(ProviderReason.abstract_syntax_not_supported);
    if (accepted.some((syntax) => sameSyntax(syntax, abstractSyntax))) {
      return rejection(ProviderReason.proposed_transfer_syntaxes_not_supported);
    }
    const proposed = (syntax: SyntaxId) => transferSyntaxes.some((one) => sameSyntax(one, syntax));
    const known = this.#contexts.get(contextId);
    // A context keeps its interface, and the transfer syntax that was agreed on.
    if (known !== undefined && (known.served !== served || (!proposed(NDR) && proposed(NDR64)))) {
      throw new ProtocolError('RPCH_CONTEXT_REUSED', `p_cont_id ${contextId} is in use`, SECTION);
    }
    if (!proposed(NDR)) return rejection(ProviderReason.proposed_transfer_syntaxes_not_supported);
    if (known === undefined) {
      if (this.#contexts.size >= MAX_CONTEXTS) return rejection(ProviderReason.local_limit_exceeded);
      this.#contexts.set(contextId, { id: contextId, abstractSyntax, served });
    }
    accepted.push(abstractSyntax);
    return { result: ContextResult.acceptance, reason: ProviderReason.reason_not_specified, transferSyntax: NDR };
  }
}

/** Feature negotiation is an element whose first transfer syntax says so; others in it do not count ([MS-RPCE] 3.3.1.5.3). */
function featuresAsked({ transferSyntaxes }: ContextElement): number | undefined {
  const [first] = transferSyntaxes;
  return first === undefined ? undefined : bindTimeFeatures(first);
}

function rejection(reason: number): PResult {
  return { result: ContextResult.provider_rejection, reason, transferSyntax: NO_SYNTAX };
}

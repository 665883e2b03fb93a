import { ProtocolError, RpchError } from '../errors.ts';
import type { ContextElement } from './bind.ts';
import { ContextResult, describeProviderReason, type PResult } from './bind-ack.ts';
import { bindTimeFeatureSyntax, NDR, type SyntaxId, sameSyntax } from './syntax-id.ts';

const SECTION = '[MS-RPCE] 3.3.1.5.6';

/** Elements that one bind or alter_context holds besides bind-time features; n_context_elem has 8 bits. */
const MAX_PROPOSALS = 254;
const MAX_CONTEXT_ID = 0xffff;

/** An interface that a client wants to call. */
export interface InterfaceIdentity {
  /** For messages. */
  readonly name: string;
  readonly syntax: SyntaxId;
}

/** A presentation context that the server has accepted. */
export interface ClientContext {
  readonly contextId: number;
  readonly interface: InterfaceIdentity;
  /**
   * What calls on this context are encoded in. NDR64 would be proposed in elements of its own, and chosen by its place
   * here.
   */
  readonly transferSyntax: SyntaxId;
  /** rpc_sec_vt_pcontext was sent ([MS-RPCE] 2.2.2.13.4): once for a context. */
  verified: boolean;
}

/**
 * The presentation contexts of a client's association (C706 12.6.3.1): what was proposed, accepted, refused and why.
 */
export class ClientContexts {
  readonly #accepted = new Map<number, ClientContext>();
  readonly #refusals: { readonly interface: InterfaceIdentity; readonly why: RpchError }[] = [];
  #nextId = 0;

  /** Elements for the interfaces that have no context yet. Too many at once are the caller's fault: RpchError. */
  propose(interfaces: readonly InterfaceIdentity[]): Proposal[] {
    const proposals: Proposal[] = [];
    for (const wanted of interfaces) {
      if (this.find(wanted.syntax) !== undefined) continue;
      const contextId = this.#nextId++;
      const element = { contextId, abstractSyntax: wanted.syntax, transferSyntaxes: [NDR] };
      proposals.push({ interface: wanted, element });
    }
    if (proposals.length > MAX_PROPOSALS || this.#nextId > MAX_CONTEXT_ID) {
      throw new RpchError('RPCH_TOO_MANY_CONTEXTS', 'caller', `${interfaces.length} interfaces in one association`);
    }
    return proposals;
  }

  /** An element that asks for bind-time features ([MS-RPCE] 3.3.1.5.3); it belongs behind the others. */
  featureElement({ abstractSyntax }: ContextElement, features: number): ContextElement {
    return { contextId: this.#nextId++, abstractSyntax, transferSyntaxes: [bindTimeFeatureSyntax(features)] };
  }

  /**
   * Takes the server's results, one for each proposal and in their order; returns what it says of the first interface
   * that it refused. Throws a {@link ProtocolError} where the results are not such an answer.
   */
  conclude(proposals: readonly Proposal[], results: readonly PResult[]): RpchError | undefined {
    let refused: RpchError | undefined;
    proposals.forEach(({ interface: wanted, element }, i) => {
      const result = results[i];
      if (result === undefined) throw new ProtocolError('RPCH_MISSING_RESULT', `no result for ${wanted.name}`, SECTION);
      if (result.result !== ContextResult.acceptance) {
        const why = refusal(wanted, result);
        this.#refusals.push({ interface: wanted, why });
        refused ??= why;
        return;
      }
      if (!element.transferSyntaxes.some((syntax) => sameSyntax(syntax, result.transferSyntax))) {
        throw new ProtocolError('RPCH_FOREIGN_SYNTAX', `${wanted.name} in a syntax that was not offered`, SECTION);
      }
      const { contextId } = element;
      const { transferSyntax } = result;
      this.#accepted.set(contextId, { contextId, interface: wanted, transferSyntax, verified: false });
    });
    return refused;
  }

  /** How many contexts were accepted. */
  get size(): number {
    return this.#accepted.size;
  }

  /** The context of an interface that was accepted. */
  find(syntax: SyntaxId): ClientContext | undefined {
    for (const context of this.#accepted.values()) {
      if (sameSyntax(context.interface.syntax, syntax)) return context;
    }
    return undefined;
  }

  get(contextId: number): ClientContext | undefined {
    return this.#accepted.get(contextId);
  }

  /**
   * The p_cont_id that calls an interface. Throws what the server said where it refused it, an RpchError (caller) where
   * it was not asked.
   */
  contextOf(syntax: SyntaxId): number {
    const found = this.find(syntax);
    if (found !== undefined) return found.contextId;
    const refused = this.#refusals.findLast((refusal) => sameSyntax(refusal.interface.syntax, syntax));
    if (refused !== undefined) throw refused.why;
    throw new RpchError('RPCH_NO_CONTEXT', 'caller', `no context of ${syntax.uuid} was asked for`);
  }
}

/** An interface and the element that proposes it. */
export interface Proposal {
  readonly interface: InterfaceIdentity;
  readonly element: ContextElement;
}

function refusal({ name, syntax }: InterfaceIdentity, { result, reason }: PResult): RpchError {
  const version = `${syntax.version & 0xffff}.${syntax.version >>> 16}`;
  const who = result === ContextResult.user_rejection ? 'user_rejection' : `result ${result}`;
  const why = result === ContextResult.provider_rejection ? describeProviderReason(reason) : `${who}, ${reason}`;
  const message = `${name} (${syntax.uuid} ${version}): ${why}`;
  return new RpchError('RPCH_CONTEXT_REFUSED', 'peer', message);
}

import type { SyntaxId } from '@rpch/rpc/internal';

/** What is kept of one association: there may be thousands of them in a capture. */
const MAX_CONTEXTS = 256;
const MAX_CALLS = 256;
/** Binds that are not answered yet. */
const MAX_PROPOSALS = 4;

/** A call that was begun. */
export interface Call {
  readonly contextId: number;
  readonly opnum: number;
}

/** What has to be known of an association to tell its next PDU. */
export class Association {
  readonly #contexts = new Map<number, SyntaxId>();
  readonly #calls = new Map<number, Call>();
  readonly #proposed = new Map<number, readonly SyntaxId[]>();

  /** A bind or alter_context proposes interfaces, in the order in which they are answered. */
  propose(
    callId: number,
    elements: readonly { readonly contextId: number; readonly abstractSyntax: SyntaxId }[],
  ): void {
    for (const { contextId, abstractSyntax } of elements) keep(this.#contexts, contextId, abstractSyntax, MAX_CONTEXTS);
    const syntaxes = elements.map(({ abstractSyntax }) => abstractSyntax);
    keep(this.#proposed, callId, syntaxes, MAX_PROPOSALS);
  }

  /** The interfaces that a bind_ack or alter_context_resp answers; empty where their proposal was not seen. */
  proposed(callId: number): readonly SyntaxId[] {
    return this.#proposed.get(callId) ?? [];
  }

  interfaceOf(contextId: number): SyntaxId | undefined {
    return this.#contexts.get(contextId);
  }

  began(callId: number, call: Call): void {
    keep(this.#calls, callId, call, MAX_CALLS);
  }

  callOf(callId: number): Call | undefined {
    return this.#calls.get(callId);
  }

  ended(callId: number): void {
    this.#calls.delete(callId);
  }

  /** Calls that have no answer. */
  get unanswered(): ReadonlyMap<number, Call> {
    return this.#calls;
  }
}

/** Sets an entry; where there are too many the oldest makes room. */
export function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

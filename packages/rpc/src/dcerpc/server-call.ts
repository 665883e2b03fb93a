import type { AssociationGroup } from './association-groups.ts';
import type { ContextHandles } from './context-handles.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';
import type { PresentationContext } from './presentation-contexts.ts';
import type { Request } from './request.ts';
import type { CallPeer, RpcCall } from './rpc-interface.ts';
import { AuthLevel, AuthType, type PeerIdentity } from './security-context.ts';
import type { ServerSecurityContext } from './server-security.ts';

const NOTHING = new Uint8Array(0);

/**
 * One call at the server, from its first fragment to its answer. To its handler it is an {@link RpcCall}. Later fragments add to
 * the stub and nothing else: context, operation, object and security are the first one's.
 */
export class ServerCall implements RpcCall {
  readonly callId: number;
  readonly opnum: number;
  readonly littleEndian: boolean;
  readonly object: string | undefined;
  readonly context: PresentationContext;
  readonly security: ServerSecurityContext;
  readonly peer: CallPeer;
  readonly #group: AssociationGroup;
  /** Stub data so far, and room for more. */
  #stub: Uint8Array = NOTHING;
  #stubLength = 0;
  #controller: AbortController | undefined;
  #reason: RpcFaultError | undefined;

  constructor(
    first: Request,
    context: PresentationContext,
    security: ServerSecurityContext,
    group: AssociationGroup,
    peer: CallPeer,
  ) {
    this.callId = first.callId;
    this.opnum = first.opnum;
    this.littleEndian = first.littleEndian;
    this.object = first.object;
    this.context = context;
    this.security = security;
    this.#group = group;
    this.peer = peer;
  }

  get identity(): PeerIdentity | undefined {
    return this.security.identity;
  }

  get authType(): number {
    return this.security.anonymous ? AuthType.none : this.security.authType;
  }

  get authLevel(): number {
    return this.security.anonymous ? AuthLevel.none : this.security.authLevel;
  }

  get associationGroup(): number {
    return this.#group.id;
  }

  get contextHandles(): ContextHandles {
    return this.#group.contextHandles;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Tells the handler that nobody waits any more, or that the client would rather not. */
  cancel(): void {
    if (this.#reason !== undefined) return;
    this.#reason = new RpcFaultError(FaultStatus.nca_s_fault_cancel);
    this.#controller?.abort(this.#reason);
  }

  get cancelled(): boolean {
    return this.#reason !== undefined;
  }

  get stubLength(): number {
    return this.#stubLength;
  }

  /** Adds a copy of a fragment's stub data; memory doubles as needed, so that fragments of one byte cost no more, up to `limit`. */
  append(part: Uint8Array, limit: number): void {
    if (this.#stubLength === 0) {
      this.#stub = new Uint8Array(part);
      this.#stubLength = part.length;
      return;
    }
    const needed = this.#stubLength + part.length;
    if (needed > this.#stub.length) {
      const grown = new Uint8Array(Math.min(limit, Math.max(needed, this.#stub.length * 2)));
      grown.set(this.#stub.subarray(0, this.#stubLength));
      this.#stub = grown;
    }
    this.#stub.set(part, this.#stubLength);
    this.#stubLength = needed;
  }

  /** The whole stub, which is the caller's from now on: a call that waits holds none of it. */
  takeStub(length = this.#stubLength): Uint8Array {
    const stub = length === this.#stub.length ? this.#stub : this.#stub.subarray(0, length);
    this.#stub = NOTHING;
    return stub;
  }

  /** The stub, to look at. */
  get stub(): Uint8Array {
    return this.#stub.subarray(0, this.#stubLength);
  }
}

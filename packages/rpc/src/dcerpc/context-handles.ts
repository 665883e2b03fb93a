import { randomUUID } from 'node:crypto';
import type { ValueOf } from '../ndr/type.ts';
import type { contextHandle } from '../ndr/uuid.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';

/** Context handles that one association group may have open; one more is a fault rpc_s_out_of_resources. */
export const MAX_CONTEXT_HANDLES = 4096;

/** A context handle on the wire: attributes, always 0, and a UUID in text form (C706 5.1.6). */
export type ContextHandle = ValueOf<typeof contextHandle>;

/** What kind of thing a handle stands for. The object itself is the type: a handle is of the type it was opened with. */
export interface ContextHandleType<T> {
  /** For logs. */
  readonly name: string;
  /** Called for each handle that is still open when the last connection of its client is gone (C706 5.1.6). Must not throw. */
  readonly rundown?: (context: T) => void;
}

interface OpenHandle {
  readonly type: unknown;
  readonly context: unknown;
  readonly rundown: () => void;
}

/**
 * The context handles of one association group (C706 5.1.6): what a client has opened on one of its connections it may use on
 * the others, and nobody else may. They are random, so that they cannot be guessed.
 */
export class ContextHandles {
  readonly #open = new Map<string, OpenHandle>();
  readonly #newUuid: () => string;

  /** @param newUuid makes a random UUID in text form. */
  constructor(newUuid: () => string = randomUUID) {
    this.#newUuid = newUuid;
  }

  /** Handles that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Opens a handle for `context`. Throws RpcFaultError rpc_s_out_of_resources at {@link MAX_CONTEXT_HANDLES}. */
  open<T>(type: ContextHandleType<T>, context: T): ContextHandle {
    if (this.#open.size >= MAX_CONTEXT_HANDLES) throw new RpcFaultError(FaultStatus.rpc_s_out_of_resources);
    const uuid = this.#newUuid();
    this.#open.set(uuid, { type, context, rundown: () => type.rundown?.(context) });
    return { attributes: 0, uuid };
  }

  /** Whether a handle is open and of that type. */
  has<T>(type: ContextHandleType<T>, handle: ContextHandle): boolean {
    return handle.attributes === 0 && this.#open.get(handle.uuid)?.type === type;
  }

  /** What a handle stands for. Throws RpcFaultError nca_s_fault_context_mismatch unless it is open and of that type. */
  get<T>(type: ContextHandleType<T>, handle: ContextHandle): T {
    const found = this.#open.get(handle.uuid);
    if (found === undefined || !this.has(type, handle))
      throw new RpcFaultError(FaultStatus.nca_s_fault_context_mismatch);
    return found.context as T;
  }

  /** Closes a handle, without rundown, and returns what it stood for. Throws as {@link get} does. */
  close<T>(type: ContextHandleType<T>, handle: ContextHandle): T {
    const context = this.get(type, handle);
    this.#open.delete(handle.uuid);
    return context;
  }

  /** The client is gone: every handle is closed, its rundown called. */
  rundown(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { rundown } of open) rundown();
  }
}

import { ProtocolError, RpchError } from '../errors.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus, mayBeSent } from './fault-status.ts';
import type { RpcInterface } from './rpc-interface.ts';
import type { ServerCall } from './server-call.ts';
import { ServerFault } from './server-fault.ts';

/** Calls of one association whose handlers have not answered yet; one more is told nca_s_server_too_busy. */
export const MAX_CONCURRENT_CALLS = 64;
/** Stub data of all those calls together, in bytes; a call that would exceed it is told nca_s_server_too_busy. */
export const MAX_CONCURRENT_STUB = 8 * 1024 * 1024;

/** How a handler answered: with stub data, or with a fault. A `defect` is for the log and not for the client. */
export type CallOutcome =
  | { readonly stub: Uint8Array }
  | { readonly stub?: never; readonly status: number; readonly defect: RpchError | undefined };

interface Waiting {
  readonly call: ServerCall;
  readonly stubLength: number;
  orphaned: boolean;
}

/** The calls of one association that wait for their handlers. Handlers that answer at once never wait here. */
export class ServerCalls {
  readonly #waiting = new Map<number, Waiting>();
  #stubLength = 0;

  /** Calls whose handlers have not answered. */
  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Throws unless a call may begin now: RpcFaultError where there are too many, {@link ServerFault} where its call_id
   * is in use, or where calls may not overlap ([MS-RPCE] 3.3.1.5.8).
   */
  admit(callId: number, multiplexed: boolean): void {
    if (this.#waiting.size === 0) return;
    if (this.#waiting.has(callId) || (!multiplexed && this.#overlaps())) {
      throw new ServerFault('RPCH_CALL_IN_PROGRESS', `call ${callId} begins too early`, '[MS-RPCE] 3.3.1.5.8');
    }
    if (this.#waiting.size >= MAX_CONCURRENT_CALLS) throw new RpcFaultError(FaultStatus.nca_s_server_too_busy);
  }

  /**
   * Has `called` serve a call and passes its outcome to `reply`: before returning where the handler is synchronous,
   * and undefined where the client has orphaned the call. Throws RpcFaultError where the request is too large for now.
   */
  run(
    call: ServerCall,
    called: RpcInterface,
    stub: Uint8Array,
    reply: (outcome: CallOutcome | undefined) => void,
  ): void {
    const { callId } = call;
    if (this.#stubLength + stub.length > MAX_CONCURRENT_STUB) {
      throw new RpcFaultError(FaultStatus.nca_s_server_too_busy);
    }
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = called.handle(call.opnum, stub, call.littleEndian, call);
    } catch (error) {
      reply(failure(error, called, call));
      return;
    }
    if (answer instanceof Uint8Array) {
      reply({ stub: answer });
      return;
    }
    const waiting: Waiting = { call, stubLength: stub.length, orphaned: false };
    this.#waiting.set(callId, waiting);
    this.#stubLength += waiting.stubLength;
    const settle = (outcome: CallOutcome) => {
      this.#waiting.delete(callId);
      this.#stubLength -= waiting.stubLength;
      reply(waiting.orphaned ? undefined : outcome);
    };
    answer.then(
      (result) => settle({ stub: result }),
      (error: unknown) => settle(failure(error, called, call)),
    );
  }

  /** The client asks for an early end: the handler is told, and answers all the same (C706 12.6.4.6). */
  cancel(callId: number): void {
    this.#waiting.get(callId)?.call.cancel();
  }

  /** The client no longer waits for this call. Its handler is told, and counts until it is done. */
  orphan(callId: number): void {
    const waiting = this.#waiting.get(callId);
    if (waiting === undefined) return;
    waiting.orphaned = true;
    waiting.call.cancel();
  }

  /** The client is gone: all handlers are told. */
  orphanAll(): void {
    for (const callId of [...this.#waiting.keys()]) this.orphan(callId);
  }

  #overlaps(): boolean {
    for (const { orphaned } of this.#waiting.values()) if (!orphaned) return true;
    return false;
  }
}

function failure(error: unknown, called: RpcInterface, { cancelled, opnum }: ServerCall): CallOutcome {
  if (error instanceof RpcFaultError && mayBeSent(error.status)) return { status: error.status, defect: undefined };
  if (error instanceof ProtocolError) return { status: FaultStatus.rpc_x_bad_stub_data, defect: undefined };
  // What waits on a signal may reject with an AbortError of its own.
  if (cancelled && error instanceof Error && error.name === 'AbortError') {
    return { status: FaultStatus.nca_s_fault_cancel, defect: undefined };
  }
  const defect = new RpchError('RPCH_HANDLER_FAILED', 'caller', `${called.name}, opnum ${opnum}`, { cause: error });
  return { status: FaultStatus.nca_s_fault_unspec, defect };
}

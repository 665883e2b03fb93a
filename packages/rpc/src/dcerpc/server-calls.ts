import { ProtocolError, RpchError } from '../errors.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus, mayBeSent } from './fault-status.ts';
import type { Request } from './request.ts';
import type { RpcInterface } from './rpc-interface.ts';

/** Calls of one association whose handlers have not answered yet; one more is told nca_s_server_too_busy. */
export const MAX_CONCURRENT_CALLS = 64;
/** Stub data of all those calls together, in bytes; a call that would exceed it is told nca_s_server_too_busy. */
export const MAX_CONCURRENT_STUB = 8 * 1024 * 1024;

/** How a handler answered: with stub data, or with a fault. A `defect` is for the log and not for the client. */
export type CallOutcome =
  | { readonly stub: Uint8Array }
  | { readonly stub?: never; readonly status: number; readonly defect: RpchError | undefined };

interface Call {
  orphaned: boolean;
}

/** The calls of one association that wait for their handlers. Handlers that answer at once never wait here. */
export class ServerCalls {
  readonly #waiting = new Map<number, Call>();
  #stubLength = 0;

  /**
   * Throws unless a call may begin now: RpcFaultError where there are too many, {@link ProtocolError} where its call_id
   * is in use, or where calls may not overlap ([MS-RPCE] 3.3.1.5.8).
   */
  admit(callId: number, multiplexed: boolean): void {
    const overlaps = () => [...this.#waiting.values()].some(({ orphaned }) => !orphaned);
    if (this.#waiting.has(callId) || (!multiplexed && overlaps())) {
      throw new ProtocolError('RPCH_CALL_IN_PROGRESS', `call ${callId} begins too early`, '[MS-RPCE] 3.3.1.5.8');
    }
    if (this.#waiting.size >= MAX_CONCURRENT_CALLS) throw new RpcFaultError(FaultStatus.nca_s_server_too_busy);
  }

  /**
   * Has `called` serve a request and passes its outcome to `reply`: before returning where the handler is synchronous,
   * and never where the client has orphaned the call. Throws RpcFaultError where the request is too large for now.
   */
  run(request: Request, called: RpcInterface, reply: (outcome: CallOutcome) => void): void {
    const { callId, opnum, stub, littleEndian } = request;
    if (this.#stubLength + stub.length > MAX_CONCURRENT_STUB) {
      throw new RpcFaultError(FaultStatus.nca_s_server_too_busy);
    }
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = called.handle(opnum, stub, littleEndian);
    } catch (error) {
      reply(failure(error, called, opnum));
      return;
    }
    if (answer instanceof Uint8Array) {
      reply({ stub: answer });
      return;
    }
    const call: Call = { orphaned: false };
    this.#waiting.set(callId, call);
    this.#stubLength += stub.length;
    const settle = (outcome: CallOutcome) => {
      this.#waiting.delete(callId);
      this.#stubLength -= stub.length;
      if (!call.orphaned) reply(outcome);
    };
    answer.then(
      (result) => settle({ stub: result }),
      (error: unknown) => settle(failure(error, called, opnum)),
    );
  }

  /** The client no longer waits for this call. Its handler goes on, and counts until it is done. */
  orphan(callId: number): void {
    const call = this.#waiting.get(callId);
    if (call !== undefined) call.orphaned = true;
  }
}

function failure(error: unknown, called: RpcInterface, opnum: number): CallOutcome {
  if (error instanceof RpcFaultError && mayBeSent(error.status)) return { status: error.status, defect: undefined };
  if (error instanceof ProtocolError) return { status: FaultStatus.rpc_x_bad_stub_data, defect: undefined };
  const defect = new RpchError('RPCH_HANDLER_FAILED', 'caller', `${called.name}, opnum ${opnum}`, { cause: error });
  return { status: FaultStatus.nca_s_fault_unspec, defect };
}

import { type AtFault, RpchError } from '../errors.ts';
import type { ResponseAssembler } from './response-assembler.ts';

/** One call: what a request carries. */
export interface OutgoingCall {
  /** Of a presentation context that was accepted: ClientAssociation.contextOf. */
  readonly contextId: number;
  readonly opnum: number;
  /** Stub data in NDR 2.0. It is not copied: it must stay as it is until the call is over. */
  readonly stub: Uint8Array;
  /** Byte order of the stub; little-endian where nothing is said. */
  readonly littleEndian?: boolean | undefined;
  /** The object UUID. */
  readonly object?: string | undefined;
}

export interface CallOptions {
  /** Aborting asks the server to end the call early (co_cancel), and ends it here when it does not. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the answer may take, ms, counted from the tick after the call was made; it overrides the association's.
   */
  readonly timeout?: number | undefined;
}

/** The answer to a call. */
export interface RpcAnswer {
  readonly stub: Uint8Array;
  /** Byte order of the stub. */
  readonly littleEndian: boolean;
}

/** Takes the stub of a response, which is a view that is valid during this call only. */
export type StubDecoder<T> = (stub: Uint8Array, littleEndian: boolean) => T;

/** A call ended without an answer: cancelled, timed out, or its association or connection ended. */
export class RpcCallError extends RpchError {
  override readonly name = 'RpcCallError';
  /** False where the server cannot have begun with the call, so that it may be made again without harm. */
  readonly mayHaveExecuted: boolean;

  constructor(
    code: string,
    fault: AtFault,
    message: string,
    options: { readonly mayHaveExecuted: boolean; readonly cause?: unknown },
  ) {
    super(code, fault, message, options);
    this.mayHaveExecuted = options.mayHaveExecuted;
  }
}

/** Hands a response to who waits for it; `owned` says that nobody else has its memory. */
export type Deliver = (stub: Uint8Array, littleEndian: boolean, owned: boolean) => void;

/** What is known of a call that is not over; only ClientCalls changes it. */
export class ClientCall {
  readonly request: OutgoingCall;
  readonly deliver: Deliver;
  readonly reject: (why: Error) => void;
  readonly signal: AbortSignal | undefined;
  readonly timeout: number | undefined;
  /** 0 before its request has begun. */
  callId = 0;
  /** The whole request was handed to the output. */
  sent = false;
  /** Whoever made the call was told how it ended, but its answer is still to come. */
  settled = false;
  /** Its signal was aborted. */
  cancelled = false;
  onAbort: (() => void) | undefined;
  deadline: number | undefined;
  cancelDeadline: number | undefined;
  assembler: ResponseAssembler | undefined;

  constructor(
    request: OutgoingCall,
    deliver: Deliver,
    reject: (why: Error) => void,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ) {
    this.request = request;
    this.deliver = deliver;
    this.reject = reject;
    this.signal = signal;
    this.timeout = timeout;
  }

  /** For messages. */
  toString(): string {
    return `call ${this.callId === 0 ? 'not begun' : this.callId}, opnum ${this.request.opnum}`;
  }
}

import { ProtocolError, RpchError } from '../errors.ts';
import { encodeCoCancel, encodeOrphaned } from './cancel.ts';
import { type ClientCall, RpcCallError } from './client-call.ts';
import type { ClientContext, ClientContexts } from './client-contexts.ts';
import { type Fault, RpcFaultError } from './fault.ts';
import { describeFaultStatus, FaultStatus, mayBeSent } from './fault-status.ts';
import { FragmentSource } from './fragments.ts';
import { PfcFlag } from './header.ts';
import { WHOLE } from './pdu.ts';
import type { PduProtection } from './pdu-protection.ts';
import { requestHead } from './request.ts';
import type { Response } from './response.ts';
import { ResponseAssembler } from './response-assembler.ts';
import { encodeVerificationTrailer } from './verification-trailer.ts';

const SECTION = '[MS-RPCE] 3.3.1.5.8';

/** call_ids of orphaned calls whose answers may still come; the oldest are forgotten first. */
const MAX_ORPHANS = 4096;
const MAX_CALL_ID = 0xffffffff;

/** Where a client association's bytes and end go. None of these may call the association before it returns. */
export interface ClientOutput {
  /**
   * Sends `count` PDUs that fill `run`, which belongs to the output from now on. False says that the output is full:
   * nothing more is sent before ClientAssociation.drained.
   */
  send(run: Uint8Array, count: number): boolean;
  /** The association is over, and the connection is of no more use. */
  end(why: RpchError): void;
}

/** What bind, bind_ack and the legs of authentication have settled for calls. */
export interface CallAgreement {
  /** The longest request fragment, bytes. */
  readonly fragLength: number;
  /** CONC_MPX was granted: calls may overlap. */
  readonly multiplexed: boolean;
  /** KEEP_CONNECTION_ON_ORPHAN was granted. */
  readonly keepsOnOrphan: boolean;
  readonly protection: PduProtection | undefined;
  /** This client has set PFC_SUPPORT_HEADER_SIGN. */
  readonly proposedHeaderSigning: boolean;
}

export interface ClientCallsOptions {
  readonly output: ClientOutput;
  readonly contexts: ClientContexts;
  readonly maxResponse: number;
  readonly maxCalls: number;
  readonly callTimeout: number | undefined;
  readonly cancelTimeout: number;
}

/**
 * The calls of a client's association: call_ids, request fragments as the output takes them, responses, cancels,
 * time-outs.
 *
 * ```
 *   queued ──▶ sending ──▶ sent ──▶ answered: response or fault
 *      │          │          │ abort: co_cancel, then cancelTimeout; timeout
 *      └──────────┴──────────┴──▶ given up: its answer is dropped
 * ```
 */
export class ClientCalls {
  readonly #options: ClientCallsOptions;
  readonly #output: ClientOutput;
  readonly #queue = new Set<ClientCall>();
  /** Calls whose requests have begun, by call_id. */
  readonly #active = new Map<number, ClientCall>();
  readonly #orphans = new Set<number>();
  /** PDUs that wait for room: bind, co_cancel and the like. */
  #waiting: Uint8Array[] = [];
  #sending: { readonly call: ClientCall; readonly source: FragmentSource } | undefined;
  #agreement: CallAgreement | undefined;
  #full = false;
  #paused: PromiseWithResolvers<void> | undefined;
  #lastCallId = 0;
  #sentBitmask = false;

  constructor(options: ClientCallsOptions) {
    this.#options = options;
    this.#output = options.output;
  }

  /** Calls that were made and whose answers may still come. */
  get size(): number {
    return this.#queue.size + this.#active.size;
  }

  /** Calls may begin from now on. */
  establish(agreement: CallAgreement): void {
    this.#agreement = agreement;
  }

  /** A call_id that was not used yet; they count from 1. */
  nextCallId(): number {
    this.#lastCallId = this.#lastCallId === MAX_CALL_ID ? 1 : this.#lastCallId + 1;
    return this.#lastCallId;
  }

  /** Begins no more calls, and waits until those that have begun are over; until {@link resume}. */
  async pause(): Promise<void> {
    this.#paused = Promise.withResolvers();
    if (this.#active.size === 0) this.#paused.resolve();
    await this.#paused.promise;
  }

  resume(): void {
    this.#paused = undefined;
    this.#pump();
  }

  /** Makes a call, now or when its turn has come. */
  submit(call: ClientCall): void {
    const { signal } = call;
    if (signal !== undefined) {
      if (signal.aborted) {
        call.reject(cancelled(call, false));
        return;
      }
      call.onAbort = () => this.#abort(call);
      signal.addEventListener('abort', call.onAbort);
    }
    const agreement = this.#queue.size === 0 ? this.#ready() : undefined;
    if (agreement === undefined) {
      this.#queue.add(call);
      return;
    }
    this.#begin(call, agreement);
    this.#pump();
  }

  /** Sends a PDU that is no part of a call's request, before all that waits. */
  sendControl(pdu: Uint8Array): void {
    if (this.#full) this.#waiting.push(pdu);
    else this.#full = !this.#output.send(pdu, 1);
  }

  /** The output has room again. */
  drained(): void {
    this.#full = false;
    this.#pump();
  }

  /** A response, or a fragment of one. Throws a {@link ProtocolError} where no call waits for it. */
  response(response: Response): void {
    const call = this.#active.get(response.callId);
    const last = (response.pfcFlags & PfcFlag.LAST_FRAG) !== 0;
    if (call === undefined) {
      this.#late(response.callId, last);
      return;
    }
    if (!call.sent) {
      throw new ProtocolError('RPCH_EARLY_RESPONSE', `${call} is answered before it was made`, SECTION);
    }
    if (call.settled) {
      if (last) this.#over(call);
      return;
    }
    if (call.assembler === undefined) {
      if ((response.pfcFlags & WHOLE) === WHOLE) {
        this.#answer(call, response.stub, response.littleEndian, false);
        return;
      }
      call.assembler = new ResponseAssembler(response, this.#options.maxResponse);
    } else {
      call.assembler.add(response);
    }
    if (call.assembler.exceeded) {
      this.#giveUp(call, 'RPCH_RESPONSE_TOO_LONG', 'peer', `its response exceeds ${this.#options.maxResponse} bytes`);
      if (last && !this.#orphans.delete(call.callId)) this.#over(call);
      else this.#pump();
    } else if (last) {
      this.#answer(call, call.assembler.stub, response.littleEndian, true);
    }
  }

  /** A fault. Throws a {@link ProtocolError} where no call waits for it. */
  fault(fault: Fault, describe: (status: number) => string): void {
    const call = this.#active.get(fault.callId);
    if (call === undefined) {
      this.#late(fault.callId, true);
      return;
    }
    // the rest of a request that was refused at its first fragment is not sent ([MS-RPCE] 3.3.3.5.8)
    if (this.#sending?.call === call) this.#sending = undefined;
    if (!call.settled) {
      this.#settle(call);
      call.reject(faultError(call, fault, describe));
    }
    this.#over(call);
  }

  /** What waits too long is given up. */
  tick(now: number): void {
    const { callTimeout, cancelTimeout } = this.#options;
    const due = (call: ClientCall) => {
      if (call.settled) return;
      const timeout = call.timeout ?? callTimeout;
      if (timeout !== undefined) {
        call.deadline ??= now + timeout;
        if (now >= call.deadline) {
          this.#giveUp(call, 'RPCH_CALL_TIMED_OUT', 'network', `not answered within ${timeout} ms`);
          return;
        }
      }
      if (!call.cancelled) return;
      call.cancelDeadline ??= now + cancelTimeout;
      if (now >= call.cancelDeadline)
        this.#giveUp(call, 'RPCH_CALL_CANCELLED', 'caller', 'cancelled', call.signal?.reason);
    };
    for (const call of this.#active.values()) due(call);
    for (const call of this.#queue) due(call);
    this.#pump();
  }

  /** The association is over: rejects every call. */
  end(why: RpchError): void {
    const calls = [...this.#active.values(), ...this.#queue];
    this.#active.clear();
    this.#queue.clear();
    this.#orphans.clear();
    this.#waiting = [];
    this.#sending = undefined;
    this.#agreement = undefined;
    this.#paused?.reject(why);
    for (const call of calls) {
      if (call.settled) continue;
      this.#settle(call);
      call.reject(
        new RpcCallError(why.code, why.fault, `${call}: ${why.message}`, { mayHaveExecuted: call.sent, cause: why }),
      );
    }
  }

  #pump(): void {
    while (!this.#full) {
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) {
        this.#full = !this.#output.send(waiting, 1);
        continue;
      }
      if (this.#sending !== undefined) {
        this.#send(this.#sending.call, this.#sending.source);
        continue;
      }
      if (this.#queue.size === 0) return;
      const agreement = this.#ready();
      if (agreement === undefined) return;
      const [call] = this.#queue;
      if (call === undefined) return;
      this.#queue.delete(call);
      this.#begin(call, agreement);
    }
  }

  /** What was agreed on, where a request may begin now. */
  #ready(): CallAgreement | undefined {
    const agreement = this.#agreement;
    if (agreement === undefined || this.#paused !== undefined || this.#full || this.#sending !== undefined)
      return undefined;
    return this.#active.size < (agreement.multiplexed ? this.#options.maxCalls : 1) ? agreement : undefined;
  }

  #begin(call: ClientCall, agreement: CallAgreement): void {
    const { contextId, opnum, stub, object, littleEndian = true } = call.request;
    const context = this.#options.contexts.get(contextId);
    let source: FragmentSource;
    try {
      if (context === undefined)
        throw new RpchError('RPCH_NO_CONTEXT', 'caller', `p_cont_id ${contextId} was not accepted`);
      call.callId = this.nextCallId();
      const head = requestHead({ callId: call.callId, littleEndian, contextId, opnum, object });
      const { protection, fragLength } = agreement;
      const tail = protection === undefined ? undefined : this.#trailer(call, context, agreement, protection);
      source = new FragmentSource(head, stub, fragLength, protection, tail);
    } catch (error) {
      this.#settle(call);
      call.reject(error as Error);
      return;
    }
    this.#active.set(call.callId, call);
    this.#send(call, source);
  }

  /**
   * [MS-RPCE] 2.2.2.13, as Windows sends it: rpc_sec_vt_bitmask with the first request of a connection,
   * rpc_sec_vt_pcontext with the first of a context, rpc_sec_vt_header2 only where signatures do not cover the header.
   */
  #trailer(
    call: ClientCall,
    context: ClientContext,
    agreement: CallAgreement,
    protection: PduProtection,
  ): Uint8Array | undefined {
    if (protection.overhead === 0) return undefined;
    if (this.#sentBitmask && context.verified && protection.coversHeader) return undefined;
    const { opnum, stub, littleEndian = true } = call.request;
    const header = { littleEndian, callId: call.callId, contextId: context.contextId, opnum };
    const syntaxes = { abstractSyntax: context.interface.syntax, transferSyntax: context.transferSyntax };
    const trailer = encodeVerificationTrailer(stub.length, {
      headerSigning: this.#sentBitmask ? undefined : agreement.proposedHeaderSigning,
      context: context.verified ? undefined : syntaxes,
      header: protection.coversHeader ? undefined : header,
    });
    this.#sentBitmask = true;
    context.verified = true;
    return trailer;
  }

  #send(call: ClientCall, source: FragmentSource): void {
    const { bytes, count } = source.next();
    call.sent = source.done;
    this.#sending = source.done ? undefined : { call, source };
    this.#full = !this.#output.send(bytes, count);
    if (call.sent && call.cancelled && !call.settled)
      this.sendControl(encodeCoCancel(call.callId, littleEndianOf(call)));
  }

  #answer(call: ClientCall, stub: Uint8Array, littleEndian: boolean, owned: boolean): void {
    this.#settle(call);
    call.deliver(stub, littleEndian, owned);
    this.#over(call);
  }

  /** Nothing more will come for this call, and whoever made it knows. */
  #over(call: ClientCall): void {
    this.#active.delete(call.callId);
    if (this.#active.size === 0) this.#paused?.resolve();
    this.#pump();
  }

  #settle(call: ClientCall): void {
    call.settled = true;
    call.assembler = undefined;
    if (call.onAbort !== undefined) call.signal?.removeEventListener('abort', call.onAbort);
  }

  /** An answer that nobody waits for: of an orphaned call, or out of the blue. */
  #late(callId: number, last: boolean): void {
    if (!this.#orphans.has(callId)) {
      throw new ProtocolError('RPCH_NO_SUCH_CALL', `an answer to call ${callId}, which does not exist`, SECTION);
    }
    if (last) this.#orphans.delete(callId);
  }

  /** C706 12.6.4.6: the server is asked; what it says decides, or the time that it lets pass. */
  #abort(call: ClientCall): void {
    call.cancelled = true;
    if (call.sent) this.sendControl(encodeCoCancel(call.callId, littleEndianOf(call)));
    else if (call.callId === 0 || this.#agreement?.keepsOnOrphan === true) {
      this.#giveUp(call, 'RPCH_CALL_CANCELLED', 'caller', 'cancelled', call.signal?.reason);
      this.#pump();
    }
  }

  /**
   * Ends a call without its answer. Where it has begun and the server keeps connections on orphaned, it is told so, and
   * no answer is waited for ([MS-RPCE] 3.3.1.5.10); elsewhere the answer is taken and dropped, since orphaned would
   * cost the connection.
   */
  #giveUp(call: ClientCall, code: string, fault: RpcCallError['fault'], why: string, cause?: unknown): void {
    const orphan = call.callId !== 0 && this.#agreement?.keepsOnOrphan === true;
    const mayHaveExecuted = call.sent || (call.callId !== 0 && !orphan);
    this.#settle(call);
    if (call.callId === 0) this.#queue.delete(call);
    else if (orphan) {
      if (this.#sending?.call === call) this.#sending = undefined;
      this.#active.delete(call.callId);
      this.#rememberOrphan(call.callId);
      this.sendControl(encodeOrphaned(call.callId, littleEndianOf(call)));
      if (this.#active.size === 0) this.#paused?.resolve();
    }
    call.reject(new RpcCallError(code, fault, `${call}: ${why}`, { mayHaveExecuted, cause }));
  }

  #rememberOrphan(callId: number): void {
    this.#orphans.add(callId);
    if (this.#orphans.size <= MAX_ORPHANS) return;
    const [oldest] = this.#orphans;
    if (oldest !== undefined) this.#orphans.delete(oldest);
  }
}

function littleEndianOf({ request }: ClientCall): boolean {
  return request.littleEndian ?? true;
}

function cancelled(call: ClientCall, mayHaveExecuted: boolean, cause: unknown = call.signal?.reason): RpcCallError {
  return new RpcCallError('RPCH_CALL_CANCELLED', 'caller', `${call}: cancelled`, { mayHaveExecuted, cause });
}

function faultError(call: ClientCall, { status, pfcFlags }: Fault, describe: (status: number) => string): Error {
  const didNotExecute = (pfcFlags & PfcFlag.DID_NOT_EXECUTE) !== 0;
  if (call.cancelled && status === FaultStatus.nca_s_fault_cancel) {
    return cancelled(call, !didNotExecute, new RpcFaultError(status, describe(status), { didNotExecute }));
  }
  // [MS-RPCE] 3.3.2.5.1
  if (!mayBeSent(status)) {
    return new ProtocolError(
      'RPCH_BAD_FAULT',
      `a fault of status ${describeFaultStatus(status)}`,
      '[MS-RPCE] 3.3.2.5.1',
    );
  }
  return new RpcFaultError(status, `${call}: ${describe(status)}`, { didNotExecute });
}

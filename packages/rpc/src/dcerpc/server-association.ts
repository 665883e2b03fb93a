import { ProtocolError, RpchError } from '../errors.ts';
import { encodeBindNak, RejectReason } from './bind-nak.ts';
import type { PduSink } from './deframer.ts';
import { encodeFault, RpcFaultError } from './fault.ts';
import { describeFaultStatus, FaultStatus } from './fault-status.ts';
import { FRAG_LENGTH } from './frag-length.ts';
import { describePduType, fragLengthAt, PduType, PfcFlag } from './header.ts';
import { decodeRequest, type Request } from './request.ts';
import { RequestAssembler } from './request-assembler.ts';
import { responseSource } from './response.ts';
import { AuthLevel, accountText } from './security-context.ts';
import { ServerCall } from './server-call.ts';
import { type CallOutcome, ServerCalls } from './server-calls.ts';
import { ServerFault, type ServerFaultOptions } from './server-fault.ts';
import {
  type Bound,
  type NegotiationHost,
  ServerNegotiation,
  type ServerNegotiationOptions,
} from './server-negotiation.ts';
import { openServerPdu, type ServerPdu } from './server-pdu.ts';
import { openRequest, type ServerSecurityContext } from './server-security.ts';
import type { ServerStatistics } from './server-statistics.ts';
import { NDR } from './syntax-id.ts';
import { verifyTrailer } from './verification-trailer.ts';

/** Received bytes kept while nothing can be handled. The transport stops reading then, so that one read must fit. */
export const MAX_PARKED = 256 * 1024;

const SECTION = '[MS-RPCE] 3.3.1.5';
const NO_SECURITY = {};

/** Where an association's bytes and news go. None of these may call the association before it returns. */
export interface AssociationOutput {
  /**
   * Sends `count` PDUs that fill `run`. False says that the output is full: the association then handles nothing more
   * before {@link ServerAssociation.resume}, and the transport should stop reading.
   */
  send(run: Uint8Array, count: number): boolean;
  /**
   * Nothing that comes in is handled for now, because a security provider is at work; or it is again. The transport should stop
   * reading meanwhile.
   */
  hold(held: boolean): void;
  /**
   * The association is over: by fault of the peer, or without a reason because it was drained. What was sent still has to go out
   * before the connection ends.
   */
  end(why: RpchError | undefined): void;
  /** A handler or a security provider failed in a way that is not the client's business; `why.cause` is what it threw. */
  handlerFailed(why: RpchError): void;
  /** A call was refused with access_denied: its interface is not for such callers, or its verification trailer does not hold. */
  callRefused(why: RpchError): void;
}

export interface ServerAssociationOptions extends Omit<ServerNegotiationOptions, 'security'> {
  /** Who accepts security contexts. Default: nobody does. */
  readonly security?: ServerNegotiationOptions['security'] | undefined;
  readonly statistics: ServerStatistics;
  readonly output: AssociationOutput;
}

/**
 * The server's side of one association (C706 9.3.2, [MS-RPCE] 3.3.1.5): whole PDUs in, PDUs out. Nothing that comes in throws: the
 * answer to a broken rule is a fault or bind_nak, and {@link AssociationOutput.end}.
 *
 * ```
 *            bind / bind_ack               request / response, fault; alter_context / alter_context_resp; auth3
 *   unbound ────────────────▶ bound ─┐◀──┘
 *      │ bind_nak               │ fault, close()
 *      └────────▶ ended ◀───────┘
 * ```
 *
 * PDUs that come in while a security provider works wait, in their order.
 */
export class ServerAssociation implements PduSink, NegotiationHost {
  readonly #options: ServerAssociationOptions;
  readonly #output: AssociationOutput;
  readonly #negotiation: ServerNegotiation;
  readonly #assembler = new RequestAssembler();
  readonly #calls = new ServerCalls();
  #ended = false;
  #full = false;
  #held = false;
  #toldHeld = false;
  #draining = false;
  #parked: Uint8Array[] = [];

  constructor(options: ServerAssociationOptions) {
    this.#options = options;
    this.#output = options.output;
    this.#negotiation = new ServerNegotiation({ ...options, security: options.security ?? NO_SECURITY }, this);
  }

  /** Whether a bind was accepted and the association has not ended. */
  get bound(): boolean {
    return this.#negotiation.bound !== undefined;
  }

  /** Takes whole PDUs that fill `run`, as a Deframer cuts them; what is kept of them is copied. `run` may be decrypted in place. */
  rpc(run: Uint8Array, _count: number): void {
    if (this.#ended) return;
    if (this.#full || this.#held) this.#park(run);
    else this.#handle(run);
  }

  /** An RTS PDU belongs to RPC over HTTP and never reaches an association. */
  rts(_pdu: Uint8Array): void {
    this.end(new ProtocolError('RPCH_UNEXPECTED_PDU', 'an RTS PDU in an association', SECTION));
  }

  /** The output has room again: goes on with what came in meanwhile. */
  resume(): void {
    this.#full = false;
    this.#unpark();
  }

  /** Ends the association as soon as no call is in progress; calls that begin later are told nca_s_server_too_busy. */
  drain(): void {
    this.#draining = true;
    this.#endIfDrained();
  }

  /** The connection is gone: leaves the association group, drops what is in the making, forgets answers yet to come. */
  close(): void {
    this.#ended = true;
    this.#parked = [];
    this.#calls.orphanAll();
    this.#negotiation.leave();
  }

  /** One PDU of the negotiation's. */
  send(pdu: Uint8Array): void {
    this.#send(pdu, 1);
  }

  /** The association is over, by fault of the peer. */
  end(why: RpchError | undefined): void {
    if (this.#ended) return;
    this.close();
    this.#output.end(why);
  }

  failed(why: RpchError): void {
    this.#output.handlerFailed(why);
  }

  hold<T>(work: Promise<T>, done: (value: T) => void, failed: (error: unknown) => void): void {
    this.#held = true;
    this.#tellHeld();
    const release = (deal: () => void) => {
      if (this.#ended) return;
      this.#held = false;
      this.#guard(deal);
      this.#guard(() => this.#unpark());
      this.#tellHeld();
    };
    work.then(
      (value) => release(() => done(value)),
      (error: unknown) => release(() => failed(error)),
    );
  }

  /** Answers a broken rule, and ends the association where that is so. */
  refuse(pdu: { readonly callId: number; readonly littleEndian: boolean }, fault: ServerFault): void {
    const { status, contextId, pfcFlags } = fault;
    this.#fault({ callId: fault.callId ?? pdu.callId, littleEndian: pdu.littleEndian }, contextId, status, pfcFlags);
    if (fault.ends) this.end(fault);
  }

  /** What waited may be the next leg: the output hears of changes alone. */
  #tellHeld(): void {
    if (this.#ended || this.#held === this.#toldHeld) return;
    this.#toldHeld = this.#held;
    this.#output.hold(this.#held);
  }

  /** What runs outside of any call of the transport's must not throw: there is nobody to catch it. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (cause instanceof RpchError) this.end(cause);
      else this.end(new RpchError('RPCH_INTERNAL', 'caller', 'a defect of the server', { cause }));
    }
  }

  #handle(run: Uint8Array): void {
    for (let at = 0; at < run.length && !this.#ended; ) {
      if (this.#full || this.#held) {
        this.#park(run.subarray(at));
        return;
      }
      const end = at + fragLengthAt(run, at);
      this.#pdu(at === 0 && end === run.length ? run : run.subarray(at, end));
      at = end;
    }
  }

  #park(run: Uint8Array): void {
    const size = this.#parked.reduce((sum, { length }) => sum + length, run.length);
    if (size > MAX_PARKED) {
      throw new RpchError('RPCH_OUTPUT_FULL', 'caller', `${size} bytes came in while nothing could be handled`);
    }
    this.#parked.push(new Uint8Array(run));
  }

  #unpark(): void {
    if (this.#full || this.#held) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const run of parked) this.rpc(run, 0);
  }

  #pdu(bytes: Uint8Array): void {
    this.#options.statistics.packetsIn++;
    let pdu: ServerPdu | undefined;
    try {
      pdu = openServerPdu(bytes);
      this.#dispatch(pdu);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (pdu !== undefined && error instanceof ServerFault) {
        this.refuse(pdu, error);
        return;
      }
      if (pdu !== undefined) this.#answerViolation(pdu);
      this.end(error);
    }
  }

  #dispatch(pdu: ServerPdu): void {
    switch (pdu.ptype) {
      case PduType.request:
        this.#request(pdu);
        return;
      case PduType.bind:
        this.#negotiation.bind(pdu);
        return;
      case PduType.alter_context:
        this.#negotiation.alterContext(pdu);
        return;
      case PduType.auth3:
        this.#negotiation.auth3(pdu);
        return;
      case PduType.co_cancel:
        if (this.#isGenuine(pdu)) this.#calls.cancel(pdu.callId);
        return;
      case PduType.orphaned:
        // Of a call that is still coming in nothing is dropped, as in Windows: its rest may be on the way.
        if (this.#isGenuine(pdu)) this.#calls.orphan(pdu.callId);
        return;
      default:
        throw new ProtocolError('RPCH_UNEXPECTED_PDU', `${describePduType(pdu.ptype)} sent to a server`, SECTION);
    }
  }

  /** C706 12.6.4.3 and [MS-RPCE] 3.3.3.5.7; PDUs that are never answered get no answer now. */
  #answerViolation(pdu: ServerPdu): void {
    const { callId, littleEndian } = pdu;
    if (pdu.ptype === PduType.bind) {
      const reason = RejectReason.protocol_version_not_supported;
      this.send(encodeBindNak({ callId, littleEndian, reason, versions: [{ major: 5, minor: 0 }] }));
    } else if (pdu.ptype === PduType.request || pdu.ptype === PduType.alter_context) {
      this.#fault(pdu, 0, FaultStatus.nca_s_proto_error, PfcFlag.DID_NOT_EXECUTE);
    }
  }

  /** co_cancel and orphaned may be signed or not; a signature that is there must be right, or nothing happens. */
  #isGenuine(pdu: ServerPdu): boolean {
    if (pdu.authLength === 0) return true;
    const { security } = this.#negotiation;
    const context = security.of(pdu);
    if (!context.complete || context.invalid) return false;
    try {
      context.protection(security.headerSigning)?.open(pdu.bytes, pdu);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #request(pdu: ServerPdu): void {
    const { bound, security: contexts } = this.#negotiation;
    if (bound === undefined) throw new ProtocolError('RPCH_NOT_BOUND', 'request before bind', SECTION);
    const security = contexts.of(pdu);
    if (security.started && !security.invalid && !security.complete) {
      throw refusal('RPCH_AUTH_INCOMPLETE', 'a call amid an authentication', { pfcFlags: PfcFlag.DID_NOT_EXECUTE });
    }
    if (pdu.bytes.length > FRAG_LENGTH) {
      throw refusal('RPCH_FRAGMENT_TOO_LONG', `a fragment of ${pdu.bytes.length} bytes`, {});
    }
    const fragment = decodeRequest(pdu);
    const first = (fragment.pfcFlags & PfcFlag.FIRST_FRAG) !== 0;
    const call = first ? this.#begin(pdu, fragment, security, bound) : this.#continue(pdu, fragment, security, bound);
    const begun = call instanceof ServerCall ? call : undefined;
    // What is refused or ignored is opened all the same: signatures are numbered.
    const opened =
      begun !== undefined || (security.complete && !security.invalid)
        ? openRequest(pdu, begun?.security ?? security, contexts.headerSigning, begun?.context.id ?? 0)
        : pdu;
    if (call === undefined) return;
    if (call instanceof ServerFault || (first && !this.#mayCall(call))) {
      this.#assembler.refuse(fragment);
      if (call instanceof ServerFault) this.refuse(pdu, call);
      else this.#deny(pdu, call, tooLow(call));
      return;
    }
    const stub = opened === pdu ? fragment.stub : opened.body.subarray(pdu.body.length - fragment.stub.length);
    if (this.#assembler.add(call, fragment, stub)) this.#run(call, bound);
    else this.#assembler.begin(call);
  }

  /** [MS-RPCE] 3.3.3.5.8: a call that cannot succeed is told so at its first fragment. */
  #begin(pdu: ServerPdu, first: Request, security: ServerSecurityContext, bound: Bound): ServerCall | ServerFault {
    const { contexts } = this.#negotiation;
    const context = contexts.find(first.contextId);
    const busy = this.#admit(first, bound);
    this.#assembler.assertFree(
      first,
      bound.multiplexed,
      (making) => pdu.authLength !== 0 && making.security !== security && making.context === context,
    );
    if ((first.pfcFlags & PfcFlag.PENDING_CANCEL) !== 0) {
      const options = { status: FaultStatus.rpc_s_no_call_active, pfcFlags: PfcFlag.DID_NOT_EXECUTE };
      throw refusal('RPCH_CANCELLED_TOO_EARLY', 'a call that begins cancelled', options);
    }
    if (context === undefined) return unknownInterface(first);
    if (busy !== undefined) return notExecuted(busy, first.contextId);
    return new ServerCall(first, context, security, bound.group, this.#options.peer);
  }

  /** Throws {@link ServerFault} where a call may not begin; returns the status where there are too many. */
  #admit({ callId }: Request, { multiplexed }: Bound): number | undefined {
    if (this.#draining) return FaultStatus.nca_s_server_too_busy;
    try {
      this.#calls.admit(callId, multiplexed);
      return undefined;
    } catch (error) {
      if (error instanceof RpcFaultError) return error.status;
      throw error;
    }
  }

  /** The call that a later fragment continues; undefined where that was refused. */
  #continue(
    pdu: ServerPdu,
    later: Request,
    security: ServerSecurityContext,
    { multiplexed }: Bound,
  ): ServerCall | ServerFault | undefined {
    const call = this.#assembler.continued(later, multiplexed);
    if (call !== undefined) return call;
    if (this.#assembler.ignores(later)) return undefined;
    const context = multiplexed ? this.#negotiation.contexts.find(later.contextId) : undefined;
    if (multiplexed && context === undefined) return unknownInterface(later);
    const foreign = context !== undefined && pdu.secTrailer !== undefined && security.differs(pdu.secTrailer);
    throw refusal('RPCH_NO_SUCH_CALL', `call ${later.callId} never began`, {
      contextId: context?.id ?? 0,
      status: foreign ? FaultStatus.access_denied : FaultStatus.nca_s_proto_error,
    });
  }

  /** Whether a call is made at the level that its interface wants, and by somebody if it wants any. */
  #mayCall({ context, authLevel, identity }: ServerCall): boolean {
    const { minimumLevel } = context.served;
    if (minimumLevel <= AuthLevel.none) return true;
    // Over connections level packet is served as integrity.
    const level = authLevel === AuthLevel.packet ? AuthLevel.integrity : authLevel;
    return level >= minimumLevel && identity !== undefined && identity.user !== '';
  }

  #run(call: ServerCall, bound: Bound): void {
    this.#options.statistics.callsIn++;
    let stubLength = call.stubLength;
    try {
      if (call.security.authLevel >= AuthLevel.packet) stubLength = this.#verified(call);
      const called = call.context.served.interface;
      this.#calls.run(call, called, call.takeStub(stubLength), (outcome) => this.#answer(call, outcome, bound));
    } catch (error) {
      if (error instanceof RpcFaultError) this.refuse(call, notExecuted(error.status, call.context.id));
      else if (error instanceof ProtocolError) this.#deny(call, call, error.message);
      else throw error;
    }
  }

  #deny(pdu: { readonly callId: number; readonly littleEndian: boolean }, { context }: ServerCall, why: string): void {
    const what = `a call of ${context.served.interface.name} was refused: ${why}`;
    const options = { status: FaultStatus.access_denied, contextId: context.id, ends: false };
    const fault = refusal('RPCH_ACCESS_DENIED', what, options);
    this.#output.callRefused(fault);
    this.refuse(pdu, fault);
  }

  /** The length of the stub without its verification trailer ([MS-RPCE] 3.3.1.5.2.2). */
  #verified(call: ServerCall): number {
    const { callId, littleEndian, opnum, context } = call;
    return verifyTrailer(call.stub, {
      callId,
      littleEndian,
      opnum,
      contextId: context.id,
      headerSigning: this.#negotiation.security.headerSigning,
      context: { abstractSyntax: context.abstractSyntax, transferSyntax: NDR },
    });
  }

  /** An outcome that is undefined is that of a call which nobody waits for. */
  #answer(call: ServerCall, outcome: CallOutcome | undefined, bound: Bound): void {
    if (this.#ended) return;
    if (outcome !== undefined) this.#guard(() => this.#reply(call, outcome, bound));
    this.#endIfDrained();
  }

  #reply(call: ServerCall, outcome: CallOutcome, bound: Bound): void {
    const { callId, littleEndian, context } = call;
    if (outcome.stub !== undefined) {
      // Windows truncates p_cont_id so, and clients that test servers expect it.
      const response = { callId, littleEndian, contextId: context.id & 0xff, cancelCount: 0, stub: outcome.stub };
      const protection = call.security.protection(this.#negotiation.security.headerSigning);
      const source = responseSource(response, bound.fragLength, protection);
      while (!source.done) {
        const { bytes, count } = source.next();
        this.#send(bytes, count);
      }
      return;
    }
    if (outcome.defect !== undefined) this.#output.handlerFailed(outcome.defect);
    const { status } = outcome;
    if (TOLD.has(status)) this.#output.callRefused(refusedBy(call, status));
    this.#fault(call, context.id, status, status === FaultStatus.nca_s_op_rng_error ? PfcFlag.DID_NOT_EXECUTE : 0);
  }

  #endIfDrained(): void {
    if (!this.#draining || this.#held || this.#calls.size > 0 || this.#assembler.making !== undefined) return;
    this.end(undefined);
  }

  #fault(of: { callId: number; littleEndian: boolean }, contextId: number, status: number, pfcFlags: number): void {
    const { callId, littleEndian } = of;
    this.send(encodeFault({ callId, littleEndian, contextId, cancelCount: 0, status, pfcFlags }));
  }

  #send(run: Uint8Array, count: number): void {
    this.#options.statistics.packetsOut += count;
    if (!this.#output.send(run, count)) this.#full = true;
  }
}

function refusal(code: string, why: string, options: ServerFaultOptions): ServerFault {
  return new ServerFault(code, why, SECTION, options);
}

/** A call that was not run, on a connection that goes on. */
function notExecuted(status: number, contextId: number): ServerFault {
  const options = { status, contextId, pfcFlags: PfcFlag.DID_NOT_EXECUTE, ends: false };
  return refusal('RPCH_CALL_REFUSED', `refused with ${describeFaultStatus(status)}`, options);
}

/** Faults of calls that were run which the log is told of: nobody makes such a call who means well. */
const TOLD: ReadonlySet<number> = new Set([FaultStatus.rpc_x_bad_stub_data, FaultStatus.nca_s_fault_context_mismatch]);

function refusedBy({ context, opnum, identity }: ServerCall, status: number): RpchError {
  const who = identity === undefined ? 'anonymous' : accountText(identity);
  const what = `a call of ${context.served.interface.name}, opnum ${opnum}, by ${who}`;
  return refusal('RPCH_CALL_REFUSED', `${what} was refused with ${describeFaultStatus(status)}`, { ends: false });
}

function unknownInterface({ contextId }: Request): ServerFault {
  const options = { status: FaultStatus.nca_s_unk_if, pfcFlags: PfcFlag.DID_NOT_EXECUTE, ends: false };
  return refusal('RPCH_NO_SUCH_CONTEXT', `presentation context ${contextId} is not there`, options);
}

function tooLow({ context, authLevel, identity }: ServerCall): string {
  const who = identity === undefined || identity.user === '' ? 'anonymous' : accountText(identity);
  return `${who} at auth_level ${authLevel}, where ${context.served.minimumLevel} is wanted`;
}

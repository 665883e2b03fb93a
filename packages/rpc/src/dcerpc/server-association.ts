import { ProtocolError, RpchError } from '../errors.ts';
import type { AssociationGroups } from './association-groups.ts';
import { type Bind, decodeBind } from './bind.ts';
import { encodeBindAck, type PResult } from './bind-ack.ts';
import { encodeBindNak, RejectReason } from './bind-nak.ts';
import type { PduSink } from './deframer.ts';
import { encodeFault, RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';
import { negotiateFragLength } from './frag-length.ts';
import { describePduType, fragLengthAt, PduType, PfcFlag } from './header.ts';
import { openPdu, type Pdu } from './pdu.ts';
import { PresentationContexts } from './presentation-contexts.ts';
import { decodeRequest, type Request } from './request.ts';
import { RequestAssembler } from './request-assembler.ts';
import { encodeResponse } from './response.ts';
import type { RpcInterface } from './rpc-interface.ts';
import { type CallOutcome, ServerCalls } from './server-calls.ts';
import { BindTimeFeature } from './syntax-id.ts';

/** Received bytes kept while the output is full. The transport stops reading then, so that one read must fit. */
export const MAX_PARKED = 256 * 1024;

const SECTION = '[MS-RPCE] 3.3.1.5';

/** Where an association's bytes and news go. None of these may call the association before it returns. */
export interface AssociationOutput {
  /**
   * Sends `count` PDUs that fill `run`. False says that the output is full: the association then handles nothing more
   * before {@link ServerAssociation.resume}, and the transport should stop reading.
   */
  send(run: Uint8Array, count: number): boolean;
  /** The association is over, by fault of the peer; what was sent still has to go out before the connection ends. */
  end(why: RpchError): void;
  /** A handler failed in a way that is not the client's business; `why.cause` is what it threw. */
  handlerFailed(why: RpchError): void;
}

export interface ServerAssociationOptions {
  readonly interfaces: readonly RpcInterface[];
  /** Of the whole server. */
  readonly groups: AssociationGroups;
  /** Who is calling, as far as the transport knows: association groups are never shared between two of these. */
  readonly client: string;
  /** The endpoint that bind_ack names: over TCP the port's digits. */
  readonly secondaryAddress: string;
  readonly output: AssociationOutput;
}

interface Bound {
  readonly group: number;
  readonly fragLength: number;
  /** CONC_MPX was agreed on: calls may overlap. */
  readonly multiplexed: boolean;
  readonly features: number;
}

/**
 * The server's side of one association (C706 9.3.2, [MS-RPCE] 3.3.1.5), without RPC-level security: whole PDUs in, PDUs
 * out. Nothing that comes in throws: the answer to a broken rule is a fault or bind_nak, and {@link AssociationOutput.end}.
 *
 * ```
 *            bind / bind_ack               request / response, fault; alter_context / alter_context_resp
 *   unbound ────────────────▶ bound ─┐◀──┘
 *      │ bind_nak               │ fault nca_s_proto_error, close()
 *      └────────▶ ended ◀───────┘
 * ```
 */
export class ServerAssociation implements PduSink {
  readonly #options: ServerAssociationOptions;
  readonly #output: AssociationOutput;
  readonly #contexts: PresentationContexts;
  readonly #assembler = new RequestAssembler();
  readonly #calls = new ServerCalls();
  #bound: Bound | undefined;
  #ended = false;
  #full = false;
  #parked: Uint8Array[] = [];

  constructor(options: ServerAssociationOptions) {
    this.#options = options;
    this.#output = options.output;
    this.#contexts = new PresentationContexts(options.interfaces);
  }

  /** Whether a bind was accepted and the association has not ended. */
  get bound(): boolean {
    return this.#bound !== undefined;
  }

  /** Takes whole PDUs that fill `run`, as a Deframer cuts them; what is kept of them is copied. */
  rpc(run: Uint8Array, _count: number): void {
    if (this.#ended) return;
    if (this.#full) this.#park(run);
    else this.#handle(run);
  }

  /** An RTS PDU belongs to RPC over HTTP and never reaches an association. */
  rts(_pdu: Uint8Array): void {
    this.#end(new ProtocolError('RPCH_UNEXPECTED_PDU', 'an RTS PDU in an association', SECTION));
  }

  /** The output has room again: goes on with what came in meanwhile. */
  resume(): void {
    this.#full = false;
    const parked = this.#parked;
    this.#parked = [];
    for (const run of parked) this.rpc(run, 0);
  }

  /** The connection is gone: leaves the association group, drops what is in the making, forgets answers yet to come. */
  close(): void {
    if (this.#bound !== undefined) this.#options.groups.leave(this.#bound.group);
    this.#bound = undefined;
    this.#ended = true;
    this.#parked = [];
  }

  #handle(run: Uint8Array): void {
    for (let at = 0; at < run.length && !this.#ended; ) {
      if (this.#full) {
        this.#park(run.subarray(at));
        return;
      }
      const end = at + fragLengthAt(run, at);
      this.#pdu(run.subarray(at, end));
      at = end;
    }
  }

  #park(run: Uint8Array): void {
    const size = this.#parked.reduce((sum, { length }) => sum + length, run.length);
    if (size > MAX_PARKED) {
      throw new RpchError('RPCH_OUTPUT_FULL', 'caller', `${size} bytes came in while the output was full`);
    }
    this.#parked.push(new Uint8Array(run));
  }

  #pdu(bytes: Uint8Array): void {
    let pdu: Pdu | undefined;
    try {
      pdu = openPdu(bytes);
      this.#dispatch(pdu);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (pdu !== undefined) this.#answerViolation(pdu);
      this.#end(error);
    }
  }

  #dispatch(pdu: Pdu): void {
    switch (pdu.ptype) {
      case PduType.bind:
        this.#bind(pdu);
        return;
      case PduType.alter_context:
        this.#alterContext(pdu);
        return;
      case PduType.request:
        this.#request(pdu);
        return;
      case PduType.co_cancel:
        // A hint (C706 12.6.4.6): handlers cannot be cancelled, so that the call simply goes on.
        return;
      case PduType.orphaned:
        this.#orphaned(pdu.callId);
        return;
      default:
        throw new ProtocolError('RPCH_UNEXPECTED_PDU', `${describePduType(pdu.ptype)} sent to a server`, SECTION);
    }
  }

  /** C706 12.6.4.3 and [MS-RPCE] 3.3.3.5.7; PDUs that are never answered get no answer now. */
  #answerViolation(pdu: Pdu): void {
    if (pdu.ptype === PduType.bind) this.#nak(pdu, RejectReason.protocol_version_not_supported);
    else if (pdu.ptype === PduType.request || pdu.ptype === PduType.alter_context) {
      this.#fault(pdu, 0, FaultStatus.nca_s_proto_error, PfcFlag.DID_NOT_EXECUTE);
    }
  }

  // [MS-RPCE] 3.3.1.5.5 to 3.3.1.5.8
  #bind(pdu: Pdu): void {
    if (this.#bound !== undefined) throw new ProtocolError('RPCH_SECOND_BIND', 'bind in an association', SECTION);
    if (pdu.secTrailer !== undefined) {
      this.#nak(pdu, RejectReason.authentication_type_not_recognized);
      this.#end(new RpchError('RPCH_NO_RPC_SECURITY', 'peer', `bind with auth_type ${pdu.secTrailer.authType}`));
      return;
    }
    const bind = decodeBind(pdu);
    const { results, features } = this.#contexts.negotiate(bind.elements, true);
    const group = this.#options.groups.join(bind.assocGroupId, this.#options.client);
    if (group === undefined) {
      this.#nak(pdu, RejectReason.reason_not_specified);
      this.#end(new RpchError('RPCH_NO_SUCH_GROUP', 'peer', `association group ${bind.assocGroupId} is not there`));
      return;
    }
    const fragLength = negotiateFragLength(bind.maxXmitFrag, bind.maxRecvFrag);
    const multiplexed = (bind.pfcFlags & PfcFlag.CONC_MPX) !== 0;
    this.#bound = { group, fragLength, multiplexed, features };
    this.#acknowledge(bind, this.#bound, this.#options.secondaryAddress, results);
  }

  #alterContext(pdu: Pdu): void {
    const bound = this.#expectBound(pdu);
    if (pdu.secTrailer !== undefined) {
      this.#fault(pdu, 0, FaultStatus.access_denied, PfcFlag.DID_NOT_EXECUTE);
      this.#end(new RpchError('RPCH_NO_RPC_SECURITY', 'peer', 'alter_context with a security trailer'));
      return;
    }
    const alter = decodeBind(pdu);
    this.#acknowledge(alter, bound, '', this.#contexts.negotiate(alter.elements, false).results);
  }

  #acknowledge(bind: Bind, bound: Bound, secondaryAddress: string, results: readonly PResult[]): void {
    const { callId, littleEndian } = bind;
    this.#send(
      encodeBindAck({
        ptype: bind.ptype === PduType.bind ? PduType.bind_ack : PduType.alter_context_resp,
        pfcFlags: bound.multiplexed ? PfcFlag.CONC_MPX : 0,
        callId,
        littleEndian,
        maxXmitFrag: bound.fragLength,
        maxRecvFrag: bound.fragLength,
        assocGroupId: bound.group,
        secondaryAddress,
        results,
      }),
      1,
    );
  }

  #request(pdu: Pdu): void {
    const bound = this.#expectBound(pdu);
    if (pdu.secTrailer !== undefined) {
      throw new ProtocolError('RPCH_UNEXPECTED_TRAILER', 'a security trailer without a security context', SECTION);
    }
    const fragment = decodeRequest(pdu);
    try {
      const request = this.#assembler.add(fragment, (first) => this.#admit(first, bound));
      if (request === undefined) return;
      const called = this.#contexts.interfaceOf(request.contextId);
      this.#calls.run(request, called, (outcome) => this.#answer(request, outcome, bound));
    } catch (error) {
      if (!(error instanceof RpcFaultError)) throw error;
      this.#fault(fragment, fragment.contextId, error.status, PfcFlag.DID_NOT_EXECUTE);
    }
  }

  /** [MS-RPCE] 3.3.3.5.8: a call that cannot succeed is told so at its first fragment. */
  #admit(first: Request, bound: Bound): void {
    this.#calls.admit(first.callId, bound.multiplexed);
    this.#contexts.interfaceOf(first.contextId);
  }

  #answer(request: Request, outcome: CallOutcome, bound: Bound): void {
    if (this.#ended) return;
    const { callId, contextId, littleEndian } = request;
    if (outcome.stub !== undefined) {
      const { stub } = outcome;
      const run = encodeResponse({ callId, contextId, littleEndian, cancelCount: 0, stub }, bound.fragLength);
      this.#send(run.bytes, run.count);
      return;
    }
    if (outcome.defect !== undefined) this.#output.handlerFailed(outcome.defect);
    this.#fault(request, contextId, outcome.status, 0);
  }

  /** [MS-RPCE] 3.3.1.5.10: the connection may be used further only where that was agreed on in the bind. */
  #orphaned(callId: number): void {
    this.#assembler.drop(callId);
    this.#calls.orphan(callId);
    if (((this.#bound?.features ?? 0) & BindTimeFeature.KEEP_CONNECTION_ON_ORPHAN) === 0) {
      this.#end(new RpchError('RPCH_CALL_ORPHANED', 'peer', `the client has orphaned call ${callId}`));
    }
  }

  #expectBound(pdu: Pdu): Bound {
    if (this.#bound === undefined) {
      throw new ProtocolError('RPCH_NOT_BOUND', `${describePduType(pdu.ptype)} before bind`, SECTION);
    }
    return this.#bound;
  }

  #nak({ callId, littleEndian }: Pdu, reason: number): void {
    this.#send(encodeBindNak({ callId, littleEndian, reason, versions: [{ major: 5, minor: 0 }] }), 1);
  }

  #fault(of: { callId: number; littleEndian: boolean }, contextId: number, status: number, pfcFlags: number): void {
    const { callId, littleEndian } = of;
    this.#send(encodeFault({ callId, littleEndian, contextId, cancelCount: 0, status, pfcFlags }), 1);
  }

  #send(run: Uint8Array, count: number): void {
    if (!this.#output.send(run, count)) this.#full = true;
  }

  #end(why: RpchError): void {
    if (this.#ended) return;
    this.close();
    this.#output.end(why);
  }
}

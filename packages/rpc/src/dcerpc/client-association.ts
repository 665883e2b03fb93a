import { ProtocolError, RpchError } from '../errors.ts';
import { decodeBindAck } from './bind-ack.ts';
import { BindRefusedError, decodeBindNak } from './bind-nak.ts';
import {
  type CallOptions,
  ClientCall,
  type Deliver,
  type OutgoingCall,
  type RpcAnswer,
  RpcCallError,
  type StubDecoder,
} from './client-call.ts';
import { ClientCalls, type ClientOutput } from './client-calls.ts';
import { ClientContexts, type InterfaceIdentity } from './client-contexts.ts';
import {
  type Acknowledgement,
  type BindFound,
  type BindHop,
  ClientHandshake,
  type ClientSecurity,
  type Handshake,
  type HandshakeTransport,
} from './client-handshake.ts';
import type { PduSink } from './deframer.ts';
import { decodeFault, type Fault, RpcFaultError } from './fault.ts';
import { describeFaultStatus, FaultStatus } from './fault-status.ts';
import { FRAG_LENGTH } from './frag-length.ts';
import { describePduType, fragLengthAt, PduType } from './header.ts';
import { openPdu, type Pdu } from './pdu.ts';
import { decodeResponse } from './response.ts';
import { BindTimeFeature, type SyntaxId } from './syntax-id.ts';

const SECTION = '[MS-RPCE] 3.3.1.5';

/** Stub data of one response, bytes, where nothing else is asked for. */
export const MAX_RESPONSE_STUB = 64 * 1024 * 1024;
/** Calls in flight, where nothing else is asked for; more wait here rather than be told nca_s_server_too_busy. */
export const MAX_CALLS_IN_FLIGHT = 64;
const CANCEL_TIMEOUT = 5_000;

export interface ClientAssociationOptions {
  readonly output: ClientOutput;
  /** What is to be called; more may follow with {@link ClientAssociation.addInterfaces}. At least one. */
  readonly interfaces: readonly InterfaceIdentity[];
  /** Without it the client is anonymous. */
  readonly security?: ClientSecurity | undefined;
  /**
   * Of an association with the same server, to share context handles with it. 0 or undefined asks for a group of its
   * own.
   */
  readonly assocGroupId?: number | undefined;
  /** The longest fragments to send and to take, bytes; 1432 to 65535, by default 5840. */
  readonly maxFrag?: number | undefined;
  /** Asks for concurrent calls (CONC_MPX); true by default. Without it calls wait for each other. */
  readonly multiplexed?: boolean | undefined;
  /** Byte order of bind and its like; true by default. Calls have their own. */
  readonly littleEndian?: boolean | undefined;
  /** Stub data of one response, bytes; {@link MAX_RESPONSE_STUB} by default. */
  readonly maxResponse?: number | undefined;
  /** Calls in flight; {@link MAX_CALLS_IN_FLIGHT} by default. */
  readonly maxCalls?: number | undefined;
  /** How long each leg of a bind may take, ms; no limit by default. */
  readonly bindTimeout?: number | undefined;
  /** How long a call may take, ms; no limit by default. */
  readonly callTimeout?: number | undefined;
  /** How long a cancelled call may still be answered, ms; 5,000 by default. */
  readonly cancelTimeout?: number | undefined;
  /** Told of each step of the bind that was passed; it must not call the association before it returns. */
  readonly onHop?: ((hop: BindHop, found: BindFound) => void) | undefined;
}

interface Leg {
  readonly callId: number;
  readonly answer: number;
  readonly settle: PromiseWithResolvers<Acknowledgement>;
  deadline: number | undefined;
}

/**
 * The client's side of one association (C706 9.3.1, [MS-RPCE] 3.3.1.5): calls and whole PDUs in, PDUs and answers out,
 * no sockets and no clocks. Nothing that comes in throws: what breaks the protocol ends the association, with its
 * ProtocolError for the output and for every call.
 *
 * ```
 *          bind()             bind_ack (auth3, alter_context …)           call(): request / response, fault
 *   idle ─────────▶ binding ─────────────────────────────────▶ bound ──┐◀──┘ addInterfaces(): alter_context
 *                      │ bind_nak, fault, wrong token             │ protocol error, lost(), close()
 *                      └───────────────▶ ended ◀──────────────────┘
 * ```
 */
export class ClientAssociation implements PduSink {
  readonly #options: ClientAssociationOptions;
  readonly #contexts = new ClientContexts();
  readonly #calls: ClientCalls;
  readonly #handshake: ClientHandshake;
  #state: 'idle' | 'binding' | 'bound' | 'ended' = 'idle';
  #settled: Handshake | undefined;
  #leg: Leg | undefined;
  #auth3CallId: number | undefined;
  #ended: RpchError | undefined;
  #altering: Promise<void> = Promise.resolve();
  /** A response has come: the server takes this user. */
  #answered = false;

  /** A fragment size or an authentication level that does not exist is the caller's fault: RpchError. */
  constructor(options: ClientAssociationOptions) {
    this.#options = options;
    this.#calls = new ClientCalls({
      output: options.output,
      contexts: this.#contexts,
      maxResponse: options.maxResponse ?? MAX_RESPONSE_STUB,
      maxCalls: options.maxCalls ?? MAX_CALLS_IN_FLIGHT,
      callTimeout: options.callTimeout,
      cancelTimeout: options.cancelTimeout ?? CANCEL_TIMEOUT,
    });
    const {
      interfaces,
      security,
      assocGroupId = 0,
      maxFrag = FRAG_LENGTH,
      multiplexed = true,
      littleEndian = true,
      onHop,
    } = options;
    const handshake = { interfaces, security, assocGroupId, maxFrag, multiplexed, littleEndian, onHop };
    const transport: HandshakeTransport = {
      nextCallId: () => this.#calls.nextCallId(),
      exchange: (pdu, callId, answer) => this.#exchange(pdu, callId, answer),
      sendAuth3: (pdu, callId) => this.#sendAuth3(pdu, callId),
    };
    this.#handshake = new ClientHandshake(handshake, transport, this.#contexts);
  }

  /** What the bind has settled: association group, CONC_MPX, features; undefined before. */
  get settled(): Handshake | undefined {
    return this.#settled;
  }

  /** Calls that were made and whose answers may still come. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Whether calls can be made. */
  get bound(): boolean {
    return this.#state === 'bound';
  }

  /**
   * Binds and authenticates; once. Resolves when calls can be made, though some interfaces may have been refused:
   * `contextOf` says so. Rejects where there is no association: BindRefusedError, what the server said of the interface
   * where it refused all of them, RpcFaultError, ProtocolError, or what ended the connection. The association has then
   * ended.
   */
  async bind(): Promise<void> {
    if (this.#state !== 'idle') throw new RpchError('RPCH_SECOND_BIND', 'caller', 'bind() was called before');
    this.#state = 'binding';
    try {
      const settled = await this.#handshake.bind();
      if (this.#ended !== undefined) throw this.#ended;
      this.#settled = settled;
      this.#state = 'bound';
      this.#calls.establish({
        fragLength: settled.fragLength,
        multiplexed: settled.multiplexed,
        keepsOnOrphan: (settled.features & BindTimeFeature.KEEP_CONNECTION_ON_ORPHAN) !== 0,
        protection: settled.protection,
        proposedHeaderSigning: settled.proposedHeaderSigning,
      });
    } catch (error) {
      this.#end(error as RpchError);
      throw error;
    }
  }

  /**
   * Adds interfaces (alter_context), when no call is under way; calls made meanwhile wait. Rejects with what the server
   * says of the first interface that it refuses, or with the RpcFaultError that it answers.
   */
  addInterfaces(interfaces: readonly InterfaceIdentity[]): Promise<void> {
    const work = this.#altering.then(async () => {
      const settled = this.#expectBound();
      await this.#calls.pause();
      try {
        await this.#handshake.alter(interfaces, settled.assocGroupId);
      } catch (error) {
        if (error instanceof ProtocolError) this.#end(error);
        throw error;
      } finally {
        this.#calls.resume();
      }
    });
    this.#altering = work.catch(() => {});
    return work;
  }

  /**
   * Whether calls of an interface can be made now: the association is bound, and the server has accepted the interface.
   */
  accepts(syntax: SyntaxId): boolean {
    return this.#state === 'bound' && this.#contexts.find(syntax) !== undefined;
  }

  /**
   * The p_cont_id for calls of an interface. Throws an RpchError: `RPCH_CONTEXT_REFUSED` (peer) with the server's
   * reason where it has refused the interface, `RPCH_NO_CONTEXT` (caller) where it was not asked for.
   */
  contextOf(syntax: SyntaxId): number {
    return this.#contexts.contextOf(syntax);
  }

  /**
   * Makes a call. Rejects with an RpcFaultError where the server answers so, and with an {@link RpcCallError} where
   * there is no answer. The stub of the answer is the caller's own.
   */
  call(call: OutgoingCall, options?: CallOptions): Promise<RpcAnswer> {
    return new Promise((resolve, reject) => {
      const deliver: Deliver = (stub, littleEndian, owned) =>
        resolve({ stub: owned ? stub : new Uint8Array(stub), littleEndian });
      this.#submit(call, deliver, reject, options);
    });
  }

  /**
   * Makes a call whose answer is decoded where it came in, without a copy: `decode` is called once, while the answer's
   * bytes are valid. What it throws rejects the call and nothing else.
   */
  callAndDecode<T>(call: OutgoingCall, decode: StubDecoder<T>, options?: CallOptions): Promise<T> {
    return new Promise((resolve, reject) => {
      const deliver: Deliver = (stub, littleEndian) => {
        try {
          resolve(decode(stub, littleEndian));
        } catch (error) {
          reject(error);
        }
      };
      this.#submit(call, deliver, reject, options);
    });
  }

  /**
   * Takes whole PDUs that fill `run`, as a Deframer cuts them. The view is used until the call returns; what is
   * encrypted in it is decrypted where it stands.
   */
  rpc(run: Uint8Array, _count: number): void {
    try {
      for (let at = 0; at < run.length && this.#ended === undefined; ) {
        const end = at + fragLengthAt(run, at);
        this.#pdu(at === 0 && end === run.length ? run : run.subarray(at, end));
        at = end;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end(error);
    }
  }

  /** An RTS PDU belongs to RPC over HTTP and never reaches an association. */
  rts(_pdu: Uint8Array): void {
    this.#end(new ProtocolError('RPCH_UNEXPECTED_PDU', 'an RTS PDU in an association', SECTION));
  }

  /** The output, which had said that it was full, has room again. */
  drained(): void {
    this.#calls.drained();
  }

  /** Time passes: whatever has waited too long is given up. `now` in ms, of a clock that never goes back. */
  tick(now: number): void {
    const leg = this.#leg;
    const { bindTimeout } = this.#options;
    if (leg !== undefined && bindTimeout !== undefined) {
      leg.deadline ??= now + bindTimeout;
      if (now >= leg.deadline) {
        this.#end(new RpchError('RPCH_BIND_TIMED_OUT', 'network', `bind: no answer within ${bindTimeout} ms`));
      }
    }
    this.#calls.tick(now);
  }

  /**
   * The connection is gone. Every call rejects with an {@link RpcCallError} of `why`'s code that says whether it may
   * have executed.
   */
  lost(why: RpchError): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    this.#state = 'ended';
    this.#leg?.settle.reject(why);
    this.#leg = undefined;
    this.#calls.end(why);
  }

  /** Ends the association at its user's wish, before the connection is closed; calls that are not over reject. */
  close(): void {
    this.lost(new RpchError('RPCH_ASSOCIATION_CLOSED', 'caller', 'the association was closed'));
  }

  #exchange(pdu: Uint8Array, callId: number, answer: number): Promise<Acknowledgement> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const settle = Promise.withResolvers<Acknowledgement>();
    this.#leg = { callId, answer, settle, deadline: undefined };
    this.#calls.sendControl(pdu);
    return settle.promise;
  }

  #sendAuth3(pdu: Uint8Array, callId: number): void {
    if (this.#ended !== undefined) throw this.#ended;
    this.#auth3CallId = callId;
    this.#calls.sendControl(pdu);
  }

  #submit(call: OutgoingCall, deliver: Deliver, reject: (why: Error) => void, options: CallOptions | undefined): void {
    const pending = new ClientCall(call, deliver, reject, options?.signal, options?.timeout);
    if (this.#state === 'bound') {
      this.#calls.submit(pending);
      return;
    }
    const why = this.#ended ?? new RpchError('RPCH_NOT_BOUND', 'caller', 'a call before the bind');
    reject(new RpcCallError(why.code, why.fault, `${pending}: ${why.message}`, { mayHaveExecuted: false, cause: why }));
  }

  #expectBound(): Handshake {
    if (this.#settled === undefined || this.#ended !== undefined) {
      throw this.#ended ?? new RpchError('RPCH_NOT_BOUND', 'caller', 'the association is not bound');
    }
    return this.#settled;
  }

  #pdu(bytes: Uint8Array): void {
    const pdu = openPdu(bytes);
    const protection = this.#settled?.protection;
    if (protection !== undefined) protection.open(bytes, pdu);
    switch (pdu.ptype) {
      case PduType.response:
        if (pdu.secTrailer !== undefined && protection === undefined) {
          throw new ProtocolError('RPCH_UNEXPECTED_TRAILER', 'a security trailer without a security context', SECTION);
        }
        this.#answered = true;
        this.#calls.response(decodeResponse(pdu));
        return;
      case PduType.fault:
        this.#fault(decodeFault(pdu));
        return;
      case PduType.bind_ack:
      case PduType.alter_context_resp:
        this.#acknowledged(pdu);
        return;
      case PduType.bind_nak:
        this.#refused(pdu);
        return;
      case PduType.shutdown:
        // C706 12.6.4.11: a wish of the server's, who closes the connection when it likes
        return;
      default:
        throw new ProtocolError('RPCH_UNEXPECTED_PDU', `${describePduType(pdu.ptype)} sent to a client`, SECTION);
    }
  }

  #acknowledged(pdu: Pdu): void {
    const leg = this.#leg;
    if (leg === undefined || leg.answer !== pdu.ptype || leg.callId !== pdu.callId) {
      throw new ProtocolError('RPCH_UNEXPECTED_PDU', `${describePduType(pdu.ptype)} that nobody waits for`, SECTION);
    }
    const ack = decodeBindAck(pdu);
    this.#leg = undefined;
    const { secTrailer } = pdu;
    leg.settle.resolve({ ack, token: secTrailer === undefined ? undefined : new Uint8Array(secTrailer.token) });
  }

  #refused(pdu: Pdu): void {
    const { reason } = decodeBindNak(pdu);
    const leg = this.#leg;
    if (leg === undefined || leg.answer !== PduType.bind_ack) {
      throw new ProtocolError('RPCH_UNEXPECTED_PDU', 'bind_nak that nobody waits for', SECTION);
    }
    this.#leg = undefined;
    leg.settle.reject(new BindRefusedError(reason));
  }

  #fault(fault: Fault): void {
    const leg = this.#leg;
    if (leg?.callId === fault.callId) {
      this.#leg = undefined;
      leg.settle.reject(new RpcFaultError(fault.status, this.#describe(fault.status)));
    } else if (this.#auth3CallId === fault.callId) {
      this.#end(new RpcFaultError(fault.status, this.#describe(fault.status)));
    } else {
      this.#calls.fault(fault, (status) => this.#describe(status));
    }
  }

  /**
   * [MS-RPCE] 3.3.1.5.2.1: what is wrong with a last leg comes out at alter_context or, after auth3, at the first call,
   * where Samba calls it a protocol error. Before anything was answered, a refusal is most likely one of the user.
   */
  #describe(status: number): string {
    const name = describeFaultStatus(status);
    const refusal =
      status === FaultStatus.access_denied ||
      status === FaultStatus.rpc_s_sec_pkg_error ||
      (status === FaultStatus.nca_s_proto_error && this.#auth3CallId !== undefined);
    if (!refusal || this.#answered || this.#options.security === undefined) return name;
    return `${name} (the first answer after authentication: usually a wrong user name or password, or no right to call)`;
  }

  #end(why: RpchError): void {
    if (this.#ended !== undefined) return;
    this.lost(why);
    this.#options.output.end(why);
  }
}

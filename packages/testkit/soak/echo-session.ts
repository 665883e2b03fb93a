import { RpchError } from '@rpch/rpc';
import {
  type ConnectionCounters,
  ContextResult,
  decodeBindAck,
  decodeFault,
  decodeResponse,
  describeFaultStatus,
  ECHO,
  EchoOpnum,
  encodeBind,
  encodeRequest,
  type HttpClientOptions,
  type HttpVirtualConnection,
  NDR,
  openOverHttp,
  openPdu,
  type Pdu,
  PduType,
  PfcFlag,
} from '@rpch/rpc/internal';

/** Fragments that the session offers to take, and sends at most, bytes. */
const MAX_FRAG = 5840;
const CONTEXT = 0;
const FRAG_LENGTH_AT = 8;

export interface EchoSessionOptions extends Omit<HttpClientOptions, 'onPdus' | 'onClosed' | 'onDrain'> {
  /** Time for each answer, the bind's too, ms; then the call fails with `RPCH_NO_ANSWER`, and the session is of no use. */
  readonly callTimeout: number;
}

interface Waiting {
  readonly callId: number;
  readonly stubs: Uint8Array[];
  resolve(answer: { readonly pdu: Pdu; readonly stub: Uint8Array }): void;
  reject(error: RpchError): void;
}

/**
 * A session of our client with an rpcecho server: one call at a time, each answer compared with what it must be. A wrong
 * answer is RpchError `RPCH_WRONG_ANSWER`, as is one that nothing asked for.
 */
export class EchoSession {
  readonly #ended: (error: RpchError) => void;
  readonly #callTimeout: number;
  #connection: HttpVirtualConnection | undefined;
  #callId = 0;
  #waiting: Waiting | undefined;
  #error: RpchError | undefined;

  private constructor(callTimeout: number, ended: (error: RpchError) => void) {
    this.#callTimeout = callTimeout;
    this.#ended = ended;
  }

  /**
   * Opens a virtual connection and binds.
   * @param ended the session has ended, other than by `close`. Called once, before the call that waits is rejected.
   */
  static async open(options: EchoSessionOptions, ended: (error: RpchError) => void): Promise<EchoSession> {
    const { callTimeout, ...connection } = options;
    const session = new EchoSession(callTimeout, ended);
    session.#connection = await openOverHttp({
      ...connection,
      onPdus: (run) => session.#received(run),
      onClosed: (error) => session.#fail(error),
    });
    await session.#bind();
    return session;
  }

  /** Why it ended; undefined while it has not, or after `close`. */
  get error(): RpchError | undefined {
    return this.#error;
  }

  get counters(): ConnectionCounters | undefined {
    return this.#connection?.counters;
  }

  async addOne(value: number): Promise<void> {
    const answer = await this.#call(EchoOpnum.AddOne, u32s(value));
    this.#check(answer, u32s((value + 1) >>> 0), 'AddOne');
  }

  /** The server must send the same bytes back. */
  async echo(bytes: Uint8Array): Promise<void> {
    const answer = await this.#call(EchoOpnum.EchoData, joined(u32s(bytes.length, bytes.length), bytes));
    this.#check(answer, joined(u32s(bytes.length), bytes), 'EchoData');
  }

  /** Much from the server for nearly nothing. */
  async source(length: number): Promise<void> {
    const answer = await this.#call(EchoOpnum.SourceData, u32s(length));
    this.#check(
      answer,
      joined(
        u32s(length),
        Uint8Array.from({ length }, (_, at) => at & 0xff),
      ),
      'SourceData',
    );
  }

  close(): void {
    this.#connection?.close();
    this.#waiting?.reject(new RpchError('RPCH_CLOSED', 'caller', 'the session was closed in mid-call'));
    this.#waiting = undefined;
  }

  async #bind(): Promise<void> {
    const callId = ++this.#callId;
    const bind = encodeBind({
      ptype: PduType.bind,
      pfcFlags: 0,
      callId,
      littleEndian: true,
      maxXmitFrag: MAX_FRAG,
      maxRecvFrag: MAX_FRAG,
      assocGroupId: 0,
      elements: [{ contextId: CONTEXT, abstractSyntax: ECHO, transferSyntaxes: [NDR] }],
    });
    const { pdu } = await this.#exchange(callId, bind, 1);
    if (pdu.ptype !== PduType.bind_ack || decodeBindAck(pdu).results[0]?.result !== ContextResult.acceptance) {
      throw this.#wrong(`the server answered the bind with PTYPE ${pdu.ptype} and did not accept`);
    }
  }

  async #call(opnum: number, stub: Uint8Array): Promise<Uint8Array> {
    const callId = ++this.#callId;
    const request = encodeRequest({ callId, littleEndian: true, contextId: CONTEXT, opnum, stub }, MAX_FRAG);
    const { pdu, stub: answer } = await this.#exchange(callId, request.bytes, request.count);
    if (pdu.ptype !== PduType.fault) return answer;
    throw new RpchError('RPCH_RPC_FAULT', 'peer', `fault ${describeFaultStatus(decodeFault(pdu).status)}`);
  }

  #exchange(callId: number, bytes: Uint8Array, count: number): Promise<{ pdu: Pdu; stub: Uint8Array }> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#waiting !== undefined) throw new Error('one call at a time');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#unanswered(callId), this.#callTimeout);
      this.#waiting = {
        callId,
        stubs: [],
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#connection?.send(bytes, count);
    });
  }

  #unanswered(callId: number): void {
    const what = `call ${callId} was not answered within ${this.#callTimeout / 1000} s`;
    this.#waiting?.reject(new RpchError('RPCH_NO_ANSWER', 'peer', what));
    this.#waiting = undefined;
  }

  #received(run: Uint8Array): void {
    for (let at = 0; at < run.length && this.#error === undefined; ) {
      const length = (run[at + FRAG_LENGTH_AT] ?? 0) | ((run[at + FRAG_LENGTH_AT + 1] ?? 0) << 8);
      // A copy, not slice(): that of a Buffer is a view, and the view is only lent.
      this.#receivedPdu(openPdu(new Uint8Array(run.subarray(at, at + length))));
      at += length;
    }
  }

  #receivedPdu(pdu: Pdu): void {
    const waiting = this.#waiting;
    if (waiting === undefined || pdu.callId !== waiting.callId) {
      throw this.#wrong(`PTYPE ${pdu.ptype} for call ${pdu.callId}, while ${waiting?.callId ?? 'none'} waits`);
    }
    if (pdu.ptype === PduType.response) waiting.stubs.push(decodeResponse(pdu).stub);
    if ((pdu.pfcFlags & PfcFlag.LAST_FRAG) === 0) return;
    this.#waiting = undefined;
    waiting.resolve({ pdu, stub: joined(...waiting.stubs) });
  }

  #check(answer: Uint8Array, expected: Uint8Array, call: string): void {
    if (Buffer.compare(answer, expected) === 0) return;
    const from = expected.findIndex((byte, at) => byte !== answer[at]);
    const to = expected.findLastIndex((byte, at) => byte !== answer[at]) + 1;
    const what = `${answer.length} bytes were answered, ${expected.length} expected; they differ from ${from} to ${to}`;
    throw this.#wrong(`${call}: ${what}`);
  }

  #wrong(what: string): RpchError {
    return new RpchError('RPCH_WRONG_ANSWER', 'peer', what);
  }

  #fail(error: RpchError): void {
    this.#error = error;
    this.#ended(error);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

function u32s(...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32LE(value, at * 4);
  return bytes;
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}

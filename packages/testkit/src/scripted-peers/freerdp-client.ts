import { randomBytes } from 'node:crypto';
import {
  CONN_A3,
  CONN_C2,
  Destination,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  type FlowControlAck,
  OUT_R1_A2,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_B3,
  OUT_R2_C1,
  PduType,
  PfcFlag,
  PING_PDU,
  ProtocolError,
  parseRts,
  type RtsPdu,
} from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH, callIdOf, pduLength } from '../plain-pdus.ts';
import { RawConnection, type RawTarget } from '../raw-connection.ts';
import {
  FIRST_OUT_BODY,
  type FreerdpAccount,
  FreerdpChannel,
  type FreerdpHeads,
  NEXT_OUT_BODY,
} from './freerdp-channel.ts';
import { FREERDP, type FreerdpGeneration, type FreerdpVersion } from './freerdp-generation.ts';
import {
  bindPdu,
  CHANNEL_LIFETIME,
  callPdu,
  connA1,
  connB1,
  FIRST_CALL_ID,
  outR2A3,
  RECEIVE_WINDOW,
  TsProxyOpnum,
} from './freerdp-pdus.ts';

/** Bytes. */
const RTS_HEADER = 20;

export interface FreerdpOptions extends RawTarget {
  /** First version that behaves as wanted. */
  readonly version: FreerdpVersion;
  readonly account: FreerdpAccount;
  /** RPC server's name and port as the proxy is told; default what FreeRDP has. */
  readonly server?: string;
  /** Content-Length of RPC_IN_DATA, bytes. Default 1 GiB, as FreeRDP has it: nothing in it ever counts what it sends. */
  readonly inBody?: number;
  /** Where the replacement of an OUT channel arrives, when a load balancer stands before several proxies. Default: the same. */
  readonly successorTarget?: RawTarget;
}

/** An acknowledgement that was sent, and the channel instance that it names: 0 for the first, 1 for its successor, … */
export interface SentAck {
  readonly instance: number;
  readonly bytesReceived: number;
  readonly availableWindow: number;
}

type OutState = 'SECURITY' | 'OPENED' | 'OPENED_A6W' | 'OPENED_B3W' | 'RECYCLED';

interface OutChannel {
  readonly channel: FreerdpChannel;
  readonly instance: number;
  state: OutState;
  bytesReceived: number;
  /** What FreeRDP thinks is left of the window that it advertised. */
  availableWindow: number;
}

interface Call {
  readonly opnum: number;
  readonly data: Buffer[];
  readonly resolve: (stub: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * FreeRDP's RPC over HTTP transport, replayed: states, order, counting and what it gives up at, as its sources have them.
 * Two things are left out, for they have no part in recycling: TLS, and the security of the RPC run-time (its bind is
 * plain here, so there is no auth3).
 *
 * It reads its default OUT channel until that has nothing more, and then its replacement's, and so on for each thing that
 * comes in. Whatever goes wrong ends the session: all connections are closed.
 */
export class FreerdpClient {
  /** Recycling as this client sees it, PDU by PDU: `> ` sent, `< ` received. */
  readonly steps: string[] = [];
  readonly acks: SentAck[] = [];
  /** Responses that were thrown away, for FreeRDP believes, once it has recycled, that it is still opening. */
  lost = 0;
  /** Settled with the reason when the session is over. */
  readonly ended: Promise<string>;
  readonly #options: FreerdpOptions;
  readonly #generation: FreerdpGeneration;
  readonly #heads: FreerdpHeads;
  readonly #in: { readonly channel: FreerdpChannel; opened: boolean };
  #out: OutChannel;
  #next: OutChannel | undefined;
  #connectionState: 'INITIAL' | 'OUT_CHANNEL_WAIT' | 'WAIT_A3W' | 'WAIT_C2' | 'OPENED' = 'INITIAL';
  #negotiated = false;
  /** What is left in the receive buffer of the channel before. */
  #fragment: Buffer = Buffer.alloc(0);
  #callId = FIRST_CALL_ID;
  readonly #calls = new Map<number, Call>();
  #why: string | undefined;
  #signalled = false;
  #wake: (() => void) | undefined;
  readonly #bound = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<string>();

  private constructor(options: FreerdpOptions, heads: FreerdpHeads, inTcp: RawConnection, outTcp: RawConnection) {
    this.#options = options;
    this.#heads = heads;
    this.#generation = heads.generation;
    this.ended = this.#over.promise;
    this.#in = { channel: this.#open(inTcp, 'RPC_IN_DATA'), opened: false };
    this.#out = this.#outChannel(outTcp, 0);
  }

  /** Opens both channels and binds; resolves when the bind is answered. Rejects with what made it give up. */
  static async open(options: FreerdpOptions): Promise<FreerdpClient> {
    const { version, account, server = 'localhost:3388' } = options;
    const heads = { generation: FREERDP[version], server, account, virtualConnectionCookie: randomBytes(16) };
    const inTcp = await RawConnection.connect(options);
    const outTcp = await RawConnection.connect(options);
    const client = new FreerdpClient(options, heads, inTcp, outTcp);
    client.#run();
    await client.#bound.promise;
    return client;
  }

  /** TsProxySetupReceivePipe: what comes back goes to the pipe, fragment by fragment; resolves with all of it. */
  receive(stub: Uint8Array): Promise<Buffer> {
    return this.call(TsProxyOpnum.SetupReceivePipe, stub);
  }

  /** TsProxySendToServer: its response, a status of 4 bytes, is ignored. */
  send(stub: Uint8Array): void {
    this.#request(TsProxyOpnum.SendToServer, stub);
  }

  /** Any other operation: resolves with the response's stub. It never does where FreeRDP throws that away. */
  call(opnum: number, stub: Uint8Array): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    if (this.#why !== undefined) reject(new Error(this.#why));
    else this.#calls.set(this.#request(opnum, stub), { opnum, data: [], resolve, reject });
    return promise;
  }

  /** Ends the program. */
  close(): void {
    this.#fail('closed by the script');
  }

  async #run(): Promise<void> {
    while (this.#why === undefined) {
      let moved = false;
      try {
        moved = (await this.#defaultOut()) || this.#nextOut() || this.#inChannel();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#fail(error instanceof ProtocolError ? `error parsing RTS PDU: ${why}` : why);
      }
      if (!moved && this.#why === undefined) await this.#woken();
    }
  }

  /** Reads once from the default OUT channel; false where there is nothing to read. */
  async #defaultOut(): Promise<boolean> {
    const out = this.#out;
    const { channel } = out;
    if (out.state === 'SECURITY') {
      const response = channel.takeResponse();
      if (response === undefined) return this.#nothingOn(channel);
      if (!channel.answer(response.head, FIRST_OUT_BODY, connA1(this.#heads.virtualConnectionCookie, channel.cookie))) {
        return this.#fail(`no challenge on OUT: ${response.status}`);
      }
      out.state = 'OPENED';
      this.#whenBothAreOpened();
      return true;
    }
    if (this.#connectionState === 'OUT_CHANNEL_WAIT') {
      const response = channel.takeResponse();
      if (response === undefined) return this.#nothingOn(channel);
      if (response.status !== 200) return this.#fail(`OUT was answered with ${response.status}`);
      // After recycling as well: FreeRDP then waits for a CONN/A3 that does not come.
      this.#connectionState = 'WAIT_A3W';
      if (out.instance > 0) this.steps.push('< 200');
      return true;
    }
    const bytes = Buffer.concat([this.#fragment, channel.connection.received]);
    const length = pduLength(bytes);
    if (length !== undefined && length > this.#generation.largestFragment) {
      return this.#fail(`invalid fragment size: ${length}`);
    }
    if (length === undefined || bytes.length < length) return this.#nothingOn(channel);
    channel.connection.takeNow(length - this.#fragment.length);
    this.#fragment = Buffer.alloc(0);
    await this.#pdu(bytes.subarray(0, length));
    if (this.#out.state === 'RECYCLED') this.#switch();
    return true;
  }

  /** Reads once from the replacement, of which only the challenge of NTLM is expected. */
  #nextOut(): boolean {
    const next = this.#next;
    if (next === undefined) return false;
    const response = next.channel.takeResponse();
    if (response === undefined) return this.#nothingOn(next.channel);
    if (next.state !== 'SECURITY') return this.#fail(`unexpected response on the successor: ${response.status}`);
    const a3 = outR2A3(this.#heads.virtualConnectionCookie, this.#out.channel.cookie, next.channel.cookie);
    if (!next.channel.answer(response.head, NEXT_OUT_BODY, a3)) {
      return this.#fail(`no challenge on the successor: ${response.status}`);
    }
    this.steps.push(`> RPC_OUT_DATA ${NEXT_OUT_BODY}`, '> OUT_R2/A3');
    next.state = 'OPENED_A6W';
    return true;
  }

  /** Reads once from IN. What comes once it is opened is read and dropped, whatever its status. */
  #inChannel(): boolean {
    const { channel, opened } = this.#in;
    const response = channel.takeResponse();
    if (response === undefined) return this.#nothingOn(channel);
    if (opened) return true;
    const b1 = connB1(this.#heads.virtualConnectionCookie, channel.cookie);
    if (!channel.answer(response.head, this.#options.inBody ?? CHANNEL_LIFETIME, b1)) {
      return this.#fail(`no challenge on IN: ${response.status}`);
    }
    this.#in.opened = true;
    this.#whenBothAreOpened();
    return true;
  }

  #whenBothAreOpened(): void {
    if (this.#in.opened && this.#out.state === 'OPENED') this.#connectionState = 'OUT_CHANNEL_WAIT';
  }

  async #pdu(pdu: Buffer): Promise<void> {
    const type = pdu[2];
    if (type === PduType.rts) {
      if (this.#negotiated) await this.#outOfSequence(pdu);
      else this.#opening(parseRts(pdu));
    } else if (type === PduType.response) {
      this.#response(pdu);
    } else if (type === PduType.bind_ack && this.#connectionState === 'OPENED' && !this.#negotiated) {
      this.#negotiated = true;
      this.#bound.resolve();
    } else {
      this.#fail(`unexpected PDU of type ${type}`);
    }
  }

  /** Only responses are counted; the acknowledgement goes out before anything is done with what came. */
  #response(pdu: Buffer): void {
    const out = this.#out;
    out.bytesReceived += pdu.length;
    out.availableWindow -= pdu.length;
    if (out.availableWindow < RECEIVE_WINDOW / 2) this.#acknowledge(out);
    const stub = pdu.subarray(CALL_HEADER_LENGTH);
    const callId = callIdOf(pdu);
    const call = this.#calls.get(callId);
    const pipe = call?.opnum === TsProxyOpnum.SetupReceivePipe;
    if (stub.length === 4 && !pipe) return;
    if (call === undefined) {
      this.#fail(`a response to call ${callId}, which was not made`);
      return;
    }
    call.data.push(stub);
    if (((pdu[3] ?? 0) & PfcFlag.LAST_FRAG) === 0) return;
    this.#calls.delete(callId);
    if (pipe || this.#connectionState === 'OPENED') call.resolve(Buffer.concat(call.data));
    else this.lost++;
  }

  #acknowledge({ channel, instance, bytesReceived }: OutChannel): void {
    this.#out.availableWindow = RECEIVE_WINDOW;
    this.acks.push({ instance, bytesReceived, availableWindow: RECEIVE_WINDOW });
    const ack: FlowControlAck = { bytesReceived, availableWindow: RECEIVE_WINDOW, channelCookie: channel.cookie };
    this.#onIn(FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination: Destination.FDOutProxy, ack }));
  }

  /** RTS PDUs until the bind is answered. */
  #opening(pdu: RtsPdu): void {
    if (PING_PDU.matches(pdu) && this.#generation.pingWhileOpening) return;
    if (this.#connectionState === 'WAIT_A3W' && CONN_A3.matches(pdu)) {
      this.#connectionState = 'WAIT_C2';
    } else if (this.#connectionState === 'WAIT_C2' && CONN_C2.matches(pdu)) {
      this.#connectionState = 'OPENED';
      this.#onIn(bindPdu());
    } else {
      this.#fail('unexpected RTS PDU');
    }
  }

  /** RTS PDUs of a session that runs. */
  async #outOfSequence(bytes: Buffer): Promise<void> {
    const pdu = parseRts(bytes);
    // The window that an acknowledgement grants is noted and never looked at.
    if (FLOW_CONTROL_ACK.matches(pdu) || FLOW_CONTROL_ACK_WITH_DESTINATION.matches(pdu)) return;
    if (PING_PDU.matches(pdu)) {
      this.#onIn(PING_PDU.encode({}));
      return;
    }
    const { state } = this.#out;
    if (state === 'OPENED' && OUT_R1_A2.matches(pdu)) {
      await this.#replace();
    } else if (state === 'OPENED_A6W' && OUT_R2_A6.matches(pdu)) {
      this.#confirm();
    } else if (state === 'OPENED_B3W' && OUT_R2_B3.matches(pdu)) {
      this.steps.push('< OUT_R2/B3');
      this.#out.state = 'RECYCLED';
    } else {
      this.#fail(`error parsing RTS PDU with flags 0x${pdu.flags.toString(16)} of ${bytes.length} bytes in ${state}`);
      return;
    }
    if (this.#generation.chokesOnRecycling) this.#fail(`not all of ${bytes.length} bytes parsed`);
    if (this.#generation.keepsB3 && this.#out.state === 'RECYCLED') this.#fragment = bytes.subarray(0, RTS_HEADER);
  }

  /** OUT_R2/A2, which it knows by the name of OUT_R1/A2. Connecting blocks it: meanwhile nothing is read. */
  async #replace(): Promise<void> {
    this.steps.push('< OUT_R2/A2', '> RPC_OUT_DATA 0');
    const connection = await RawConnection.connect(this.#options.successorTarget ?? this.#options);
    this.#next = this.#outChannel(connection, this.#out.instance + 1);
    this.#out.state = 'OPENED_A6W';
  }

  /** OUT_R2/A6 */
  #confirm(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.steps.push('< OUT_R2/A6', '> OUT_R2/C1', '> OUT_R2/A7');
    next.channel.connection.send(OUT_R2_C1.encode({}));
    const successorCookie = next.channel.cookie;
    this.#onIn(OUT_R2_A7.encode({ destination: Destination.FDServer, successorCookie, version: 1 }));
    next.state = 'OPENED_B3W';
    this.#out.state = 'OPENED_B3W';
  }

  /** The predecessor is closed, whatever else it may bring, and the response to the successor's request is waited for. */
  #switch(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#out.channel.connection.cut('FIN');
    this.#out = next;
    this.#next = undefined;
    next.state = 'OPENED';
    this.#connectionState = 'OUT_CHANNEL_WAIT';
  }

  #request(opnum: number, stub: Uint8Array): number {
    const callId = this.#callId++;
    this.#onIn(callPdu(callId, opnum, stub));
    return callId;
  }

  #onIn(pdu: Uint8Array): void {
    this.#in.channel.connection.send(pdu);
  }

  #open(connection: RawConnection, method: FreerdpChannel['method']): FreerdpChannel {
    const signal = (): void => {
      this.#signalled = true;
      this.#wake?.();
    };
    connection.socket.on('data', signal);
    connection.ended.then(signal);
    return new FreerdpChannel(connection, method, this.#heads);
  }

  #outChannel(connection: RawConnection, instance: number): OutChannel {
    const channel = this.#open(connection, 'RPC_OUT_DATA');
    return { channel, instance, state: 'SECURITY', bytesReceived: 0, availableWindow: RECEIVE_WINDOW };
  }

  /** Nothing to read; on a channel that is over, nothing will come any more. */
  #nothingOn({ connection, method }: FreerdpChannel): false {
    return connection.over === undefined ? false : this.#fail(`${method} ended with ${connection.over}`);
  }

  #fail(why: string): false {
    if (this.#why !== undefined) return false;
    this.#why = why;
    for (const channel of [this.#in.channel, this.#out.channel, this.#next?.channel]) channel?.connection.cut('FIN');
    for (const { reject } of this.#calls.values()) reject(new Error(why));
    this.#calls.clear();
    this.#bound.reject(new Error(why));
    this.#over.resolve(why);
    this.#wake?.();
    return false;
  }

  async #woken(): Promise<void> {
    if (!this.#signalled) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    this.#signalled = false;
  }
}

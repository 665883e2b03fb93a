import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAckWithDestination } from './ack-codec.ts';
import type { ClientConduct } from './client-conduct.ts';
import { Destination } from './commands.ts';
import { ReceiveWindow, SendWindow } from './flow-control.ts';
import { CONN_A1, CONN_A2, CONN_A3, CONN_C1, CONN_C2, OUT_R1_A3, PING_PDU, PING_TRAFFIC_SENT_NOTIFY } from './pdus.ts';
import { ACK_OWED, type RoleEnd } from './role.ts';
import { parseRts, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** Bytes of Pings after which the server is told of them ([MS-RPCH] 3.2.4.6; Windows' figure). */
const PING_TRAFFIC_REPORTED = 1031;

/** What the outbound proxy does to its surroundings. */
export interface OutboundProxyPort {
  /** The leg to the server: TCP, or the server role in this process. */
  readonly toServer: PduSink;
  /** The body of the response to RPC_OUT_DATA. */
  readonly toClient: PduSink;
  /** CONN/A1 is in: open the leg to the server, then call `serverConnected`. */
  connect(request: { readonly virtualConnectionCookie: Uint8Array }): void;
  /** Send the head of the response: 200, Content-Length as in the options ([MS-RPCH] 2.1.2.1.4). */
  respond(): void;
  /** CONN/C2 went out. */
  opened(): void;
  /** Call `tick` after this many ms, besides the regular ticks. */
  wakeAfter(ms: number): void;
  ended(end: RoleEnd): void;
}

export interface OutboundProxyOptions {
  /** Window that the server is told, bytes. */
  readonly receiveWindow: number;
  /** Content-Length of the response, bytes. */
  readonly channelLifetime: number;
  /** ConnectionTimeout announced in CONN/A3, ms; a client's MinConnTimeout takes its place ([MS-RPCH] 3.2.4.5.1). */
  readonly connectionTimeout: number;
  readonly conduct: ClientConduct;
}

/**
 * The outbound proxy of one virtual OUT channel ([MS-RPCH] 3.2.4): a state machine without sockets or clocks.
 *
 *     Open_Start --CONN/A1--> Connecting --serverConnected--> C1W --CONN/C1--> Opened --> Finished
 *
 * A PDU that must not come throws {@link ProtocolError} out of the sink that it was given to; the caller ends both legs.
 * OUT channel recycling (OUT_R1, OUT_R2) joins at Open_Start and Opened; today the session ends when the response's
 * Content-Length is used up.
 */
export class OutboundProxy {
  #state: 'Open_Start' | 'Connecting' | 'C1W' | 'Opened' | 'Finished' = 'Open_Start';
  readonly #port: OutboundProxyPort;
  readonly #options: OutboundProxyOptions;
  readonly #receive: ReceiveWindow;
  readonly #queue: SendQueue;
  #conduct: ClientConduct;
  #a1: ReturnType<typeof CONN_A1.decode> | undefined;
  #clientWindow = new SendWindow(0);
  #outChannelCookie: Uint8Array = new Uint8Array(0);
  /** Bytes of the response's body, RTS PDUs and all. */
  #bodyBytes = 0;
  #bodyBytesAtTick = 0;
  #lastSent: number | undefined;
  #pingTraffic = 0;
  /** When the client began to owe an acknowledgement without which nothing more can be sent. */
  #owedSince: number | undefined;

  constructor(port: OutboundProxyPort, options: OutboundProxyOptions) {
    this.#port = port;
    this.#options = options;
    this.#conduct = options.conduct;
    this.#receive = new ReceiveWindow(options.receiveWindow);
    this.#queue = new SendQueue((run, count) => this.#sendToClient(run, count));
  }

  get state(): string {
    return this.#state;
  }

  /** RPC PDU bytes from the server that wait for the client. */
  get held(): number {
    return this.#receive.held;
  }

  /**
   * RPC PDU bytes for which the client has window, less those that wait: while this is little, the server's leg need not
   * be read. Only a client
   * that is known to acknowledge is waited for in this way; of others it must be seen whether they do.
   */
  get room(): number {
    if (!this.#conduct.takesRts) return Number.POSITIVE_INFINITY;
    return this.#clientWindow.available - this.#queue.bytes;
  }

  /** The window that the client announced, bytes. */
  get clientWindow(): number {
    return this.#clientWindow.advertised;
  }

  /** RPC PDU bytes received from the server, in all. */
  get bytesReceived(): number {
    return this.#receive.bytesReceived;
  }

  /** What comes from the client in the body of its RPC_OUT_DATA request. */
  readonly fromClient: PduSink = {
    rpc: () => {
      throw new ProtocolError('RPCH_RPC_ON_OUT', 'RPC PDU from the client on the OUT channel', '[MS-RPCH] 3.2.4.5.2');
    },
    rts: (pdu) => this.#rtsFromClient(pdu),
  };

  /** What comes from the server. */
  readonly fromServer: PduSink = {
    rpc: (run, count) => this.#rpcFromServer(run, count),
    rts: (pdu) => this.#rtsFromServer(pdu),
  };

  /**
   * The leg to the server is open ([MS-RPCH] 3.2.4.5.3).
   * @param conduct as for the inbound proxy.
   */
  serverConnected(conduct = this.#conduct): void {
    this.#conduct = conduct;
    const a1 = this.#a1;
    if (this.#state !== 'Connecting' || a1 === undefined) return;
    const { channelLifetime, receiveWindow, connectionTimeout } = this.#options;
    conduct.announces(a1.receiveWindowSize);
    this.#port.respond();
    this.#sendRts(CONN_A3.encode({ connectionTimeout }));
    this.#state = 'C1W';
    this.#port.toServer.rts(
      CONN_A2.encode({
        version: Math.min(1, a1.version),
        virtualConnectionCookie: a1.virtualConnectionCookie,
        outChannelCookie: a1.outChannelCookie,
        channelLifetime,
        receiveWindowSize: receiveWindow,
      }),
    );
  }

  /** The client's socket takes no more for now, or takes it again. */
  clientBlocked(blocked: boolean): void {
    this.#receive.setBlocked(blocked);
    this.#acknowledgeServer();
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state !== 'Opened') return;
    if (this.#receive.ackOverdue()) this.#acknowledge();
    this.#judgeDebt(now);
    if (this.#lastSent === undefined || this.#bodyBytes !== this.#bodyBytesAtTick) {
      this.#bodyBytesAtTick = this.#bodyBytes;
      this.#lastSent = now;
    } else if (now - this.#lastSent >= this.#options.connectionTimeout / 2 && this.#conduct.takesRts) {
      this.#ping(now);
    }
  }

  #rtsFromClient(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    const pdu = parseRts(bytes);
    if (this.#state === 'Open_Start') {
      if (OUT_R1_A3.matches(pdu)) {
        this.#finish('recycling-unsupported');
        return;
      }
      const a1 = CONN_A1.decode(pdu);
      this.#a1 = a1;
      this.#outChannelCookie = a1.outChannelCookie;
      this.#clientWindow = new SendWindow(a1.receiveWindowSize);
      this.#queue.window = this.#clientWindow;
      this.#state = 'Connecting';
      this.#port.connect(a1);
      return;
    }
    throw unexpectedRts(pdu, [], '[MS-RPCH] 3.2.4.5');
  }

  #rtsFromServer(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    if (this.#state === 'C1W') {
      this.#sendRts(CONN_C2.encode(CONN_C1.decode(parseRts(bytes))));
      this.#state = 'Opened';
      this.#port.opened();
      this.#queue.unplug();
    } else {
      this.#relayOrTakeAck(bytes);
    }
  }

  #relayOrTakeAck(bytes: Uint8Array): void {
    const destination = this.#state === 'Opened' ? ackDestination(bytes) : undefined;
    if (destination === Destination.FDClient) {
      this.#sendRts(bytes);
      return;
    }
    if (destination !== Destination.FDOutProxy) {
      throw unexpectedRts(parseRts(bytes), ['FlowControlAckWithDestination'], '[MS-RPCH] 3.2.4.5');
    }
    const ack = readAckWithDestination(bytes);
    // [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped.
    if (!sameBytes(ack.channelCookie, this.#outChannelCookie)) return;
    this.#clientWindow.acknowledged(ack);
    this.#conduct.showsRts();
    this.#queue.heedsWindow = true;
    this.#owedSince = undefined;
    this.#queue.pump();
    this.#acknowledgeServer();
  }

  #rpcFromServer(run: Uint8Array, count: number): void {
    if (this.#state === 'Finished') return;
    if (this.#state !== 'Opened') {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${this.#state}`, '[MS-RPCH] 3.2.4.5.2');
    }
    if (!this.#receive.received(run.length, count)) {
      throw new ProtocolError(
        'RPCH_WINDOW_OVERRUN',
        'the server sent more than the window allows',
        '[MS-RPCH] 3.2.1.4.1',
      );
    }
    this.#queue.offer(run, count);
    if (this.#queue.bytes > 0 && this.#queue.heedsWindow && !this.#conduct.takesRts) this.#port.wakeAfter(ACK_OWED);
    this.#acknowledgeServer();
  }

  #sendToClient(run: Uint8Array, count: number): void {
    if (this.#state === 'Finished' || !this.#account(run.length)) return;
    if (this.#conduct.state === 'undecided') this.#conduct.toClient(run);
    this.#port.toClient.rpc(run, count);
    this.#receive.handedOn(run.length);
  }

  #sendRts(pdu: Uint8Array): void {
    if (this.#account(pdu.length)) this.#port.toClient.rts(pdu);
  }

  /** [MS-RPCH] 2.1.2.1.8: a PDU is never split across two channels; where the next one does not fit, this one is over. */
  #account(length: number): boolean {
    if (this.#bodyBytes + length > this.#options.channelLifetime) {
      this.#finish('out-channel-used-up');
      return false;
    }
    this.#bodyBytes += length;
    return true;
  }

  /** [MS-RPCH] 3.2.1.5.1.1, towards the server. */
  #acknowledgeServer(): void {
    if (this.#state === 'Opened' && this.#receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#port.toServer.rts(encodeAck(this.#receive.acknowledge(this.#outChannelCookie)));
  }

  /** An undecided client that got all it promised to take, and has not acknowledged any of it, never will. */
  #judgeDebt(now: number): void {
    const conduct = this.#conduct;
    if (conduct.state === 'undecided' && this.#queue.bytes > 0) {
      this.#owedSince ??= now;
      if (now - this.#owedSince < ACK_OWED) {
        this.#port.wakeAfter(ACK_OWED);
        return;
      }
      conduct.showsNone();
    }
    if (conduct.state === 'silent' && this.#queue.heedsWindow) {
      this.#queue.heedsWindow = false;
      this.#queue.pump();
      this.#acknowledgeServer();
    }
  }

  /** [MS-RPCH] 3.2.4.6 */
  #ping(now: number): void {
    const ping = PING_PDU.encode({});
    this.#sendRts(ping);
    this.#bodyBytesAtTick = this.#bodyBytes;
    this.#lastSent = now;
    this.#pingTraffic += ping.length;
    if (this.#pingTraffic > PING_TRAFFIC_REPORTED) {
      this.#port.toServer.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: this.#pingTraffic }));
      this.#pingTraffic = 0;
    }
  }

  #finish(end: RoleEnd): void {
    if (this.#state === 'Finished') return;
    this.#state = 'Finished';
    this.#queue.clear();
    this.#port.ended(end);
  }
}

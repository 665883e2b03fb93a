import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { encodeAck } from './ack-codec.ts';
import { COOKIE_LENGTH, Destination } from './commands.ts';
import { ReceiveWindow, SendWindow } from './flow-control.ts';
import { CONN_A1, CONN_A3, CONN_B1, CONN_C2, FLOW_CONTROL_ACK_WITH_DESTINATION, OUT_R1_A2, PING_PDU } from './pdus.ts';
import type { RoleEnd } from './role.ts';
import { parseRts, type RtsPdu, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** What the client role does to its surroundings. */
export interface ClientPort {
  /** The body of the RPC_IN_DATA request. */
  readonly toInboundProxy: PduSink;
  /** The body of the RPC_OUT_DATA request: CONN/A1, once. */
  toOutboundProxy(pdu: Uint8Array): void;
  /** RPC PDUs for the RPC run-time. */
  toRuntime(run: Uint8Array, count: number): void;
  /** CONN/C2 is in: calls may be sent. */
  opened(): void;
  ended(end: RoleEnd): void;
}

export interface ClientOptions {
  /** Window that the outbound proxy is told, bytes. */
  readonly receiveWindow: number;
  /** Content-Length of the RPC_IN_DATA request, bytes. */
  readonly channelLifetime: number;
  /** Keep-alive that the inbound proxy is asked for, ms; Windows refuses the 0 that the specification allows. */
  readonly clientKeepalive: number;
  /** One per association, 16 bytes, shared by its virtual connections. */
  readonly associationGroupId: Uint8Array;
  /** Cryptographically random bytes. */
  readonly random: (length: number) => Uint8Array;
}

/**
 * The client of one virtual connection ([MS-RPCH] 3.2.2): a state machine without sockets or clocks. The requests' heads are
 * the caller's.
 *
 *     --open--> OUT_Channel_Wait --200--> Wait_A3W --CONN/A3--> Wait_C2 --CONN/C2--> Opened --> Finished
 *
 * A PDU that must not come throws {@link ProtocolError}; the caller closes both channels. Recycling (the IN channel at its
 * end, the OUT channel on OUT_R1/A2) joins at Opened; today the session ends there.
 */
export class Client {
  #state: 'Start' | 'OUT_Channel_Wait' | 'Wait_A3W' | 'Wait_C2' | 'Opened' | 'Finished' = 'Start';
  readonly #port: ClientPort;
  readonly #options: ClientOptions;
  readonly #receive: ReceiveWindow;
  readonly #queue: SendQueue;
  readonly #virtualConnectionCookie: Uint8Array;
  readonly #inChannelCookie: Uint8Array;
  readonly #outChannelCookie: Uint8Array;
  #connectionTimeout = 0;
  /** Bytes of the IN request's body, RTS PDUs and all ([MS-RPCH] 3.2.2.1.3). */
  #bodyBytes = 0;
  #bodyBytesAtTick = 0;
  #lastSent: number | undefined;

  constructor(port: ClientPort, options: ClientOptions) {
    this.#port = port;
    this.#options = options;
    this.#virtualConnectionCookie = options.random(COOKIE_LENGTH);
    this.#inChannelCookie = options.random(COOKIE_LENGTH);
    this.#outChannelCookie = options.random(COOKIE_LENGTH);
    this.#receive = new ReceiveWindow(options.receiveWindow);
    this.#queue = new SendQueue((run, count) => {
      if (this.#account(run.length)) port.toInboundProxy.rpc(run, count);
    });
  }

  get state(): string {
    return this.#state;
  }

  /** RPC PDU bytes that wait for the inbound proxy's window. */
  get queued(): number {
    return this.#queue.bytes;
  }

  /** Both requests' heads are on their way: sends CONN/A1 and CONN/B1 ([MS-RPCH] 3.2.2.4.1.2). */
  open(): void {
    const { receiveWindow, channelLifetime, clientKeepalive, associationGroupId } = this.#options;
    const virtualConnectionCookie = this.#virtualConnectionCookie;
    this.#state = 'OUT_Channel_Wait';
    this.#port.toOutboundProxy(
      CONN_A1.encode({
        version: 1,
        virtualConnectionCookie,
        outChannelCookie: this.#outChannelCookie,
        receiveWindowSize: receiveWindow,
      }),
    );
    this.#sendRts(
      CONN_B1.encode({
        version: 1,
        virtualConnectionCookie,
        inChannelCookie: this.#inChannelCookie,
        channelLifetime,
        clientKeepalive,
        associationGroupId,
      }),
    );
  }

  /** The outbound proxy answered 200 ([MS-RPCH] 3.2.2.5.2). */
  responded(): void {
    if (this.#state === 'OUT_Channel_Wait') this.#state = 'Wait_A3W';
  }

  /** What comes in the body of the response to RPC_OUT_DATA. */
  readonly fromOutboundProxy: PduSink = {
    rpc: (run, count) => {
      if (this.#state === 'Finished') return;
      if (this.#state !== 'Opened') {
        throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${this.#state}`, '[MS-RPCH] 3.2.2.5');
      }
      // A peer that overruns the window is held by TCP, as Windows' client holds it.
      this.#receive.received(run.length, count);
      this.#port.toRuntime(run, count);
      this.#receive.handedOn(run.length);
      this.#acknowledgeIfDue();
    },
    rts: (pdu) => this.#rtsFromOutboundProxy(pdu),
  };

  /** RPC PDUs of the run-time. Only when opened ([MS-RPCH] 3.2.2.4.2). */
  fromRuntime(run: Uint8Array, count: number): void {
    if (this.#state === 'Opened') this.#queue.offer(run, count);
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    this.#receive.setBlocked(blocked);
    this.#acknowledgeIfDue();
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state !== 'Opened') return;
    if (this.#receive.ackOverdue()) this.#acknowledge();
    if (this.#lastSent === undefined || this.#bodyBytes !== this.#bodyBytesAtTick) {
      this.#bodyBytesAtTick = this.#bodyBytes;
      this.#lastSent = now;
    } else if (now - this.#lastSent >= this.#connectionTimeout / 2) {
      this.#sendRts(PING_PDU.encode({}));
      this.#bodyBytesAtTick = this.#bodyBytes;
      this.#lastSent = now;
    }
  }

  #rtsFromOutboundProxy(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    const pdu = parseRts(bytes);
    // A Ping may come in every state after the 200 (FreeRDP issue 9505).
    if (PING_PDU.matches(pdu) && this.#state !== 'OUT_Channel_Wait') return;
    if (this.#state === 'Wait_A3W') {
      this.#connectionTimeout = CONN_A3.decode(pdu).connectionTimeout;
      this.#state = 'Wait_C2';
    } else if (this.#state === 'Wait_C2') {
      const c2 = CONN_C2.decode(pdu);
      this.#connectionTimeout = c2.connectionTimeout;
      this.#queue.window = new SendWindow(c2.receiveWindowSize);
      this.#state = 'Opened';
      this.#queue.unplug();
      this.#port.opened();
    } else if (this.#state === 'Opened') {
      this.#rtsWhileOpened(pdu);
    } else {
      throw unexpectedRts(pdu, [], '[MS-RPCH] 3.2.2.5');
    }
  }

  #rtsWhileOpened(pdu: RtsPdu): void {
    if (FLOW_CONTROL_ACK_WITH_DESTINATION.matches(pdu)) {
      const { destination, ack } = FLOW_CONTROL_ACK_WITH_DESTINATION.decode(pdu);
      // [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped.
      if (destination !== Destination.FDClient || !sameBytes(ack.channelCookie, this.#inChannelCookie)) return;
      this.#queue.window?.acknowledged(ack);
      this.#queue.pump();
    } else if (OUT_R1_A2.matches(pdu)) {
      this.#finish('recycling-unsupported');
    } else {
      throw unexpectedRts(pdu, ['FlowControlAckWithDestination', 'Ping', 'OUT_R1/A2'], '[MS-RPCH] 3.2.2.5.11');
    }
  }

  /** [MS-RPCH] 3.2.1.5.1.1. The outbound proxy is reached by way of the inbound proxy and the server. */
  #acknowledgeIfDue(): void {
    if (this.#state === 'Opened' && this.#receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    const ack = this.#receive.acknowledge(this.#outChannelCookie);
    this.#sendRts(encodeAck(ack, Destination.FDOutProxy));
  }

  #sendRts(pdu: Uint8Array): void {
    if (this.#account(pdu.length)) this.#port.toInboundProxy.rts(pdu);
  }

  /** [MS-RPCH] 2.1.2.1.7: where the next PDU does not fit into the request's body, the channel is over. */
  #account(length: number): boolean {
    if (this.#state === 'Finished') return false;
    if (this.#bodyBytes + length > this.#options.channelLifetime) {
      this.#finish('in-channel-used-up');
      return false;
    }
    this.#bodyBytes += length;
    return true;
  }

  #finish(end: RoleEnd): void {
    if (this.#state === 'Finished') return;
    this.#state = 'Finished';
    this.#queue.clear();
    this.#port.ended(end);
  }
}

import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAck } from './ack-codec.ts';
import type { ClientConduct } from './client-conduct.ts';
import { CLIENT_KEEPALIVE, type ClientAddress, Destination } from './commands.ts';
import { ReceiveWindow, SendWindow } from './flow-control.ts';
import { CONN_B1, CONN_B2, CONN_B3, IN_R1_A1, IN_R1_A5, KEEP_ALIVE, PING_PDU } from './pdus.ts';
import { BLOCKED_IN_CALL, type RoleEnd } from './role.ts';
import { parseRts, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** What the inbound proxy does to its surroundings. */
export interface InboundProxyPort {
  /** The leg to the server: TCP, or the server role in this process. */
  readonly toServer: PduSink;
  /** CONN/B1 is in: open the leg to the server, then call `serverConnected`. */
  connect(request: { readonly virtualConnectionCookie: Uint8Array }): void;
  /** CONN/B3 is in. */
  opened(): void;
  /** TCP keep-alive wanted on the leg to the server, ms ([MS-RPCH] 2.2.4.46, 3.2.3.2.1). */
  keepAlive(interval: number): void;
  /** Stop or go on reading from the client: TCP's own back-pressure, for clients that do not wait for acknowledgements. */
  pauseClient(paused: boolean): void;
  /** Bytes of a PDU from the client whose rest is still to come: while there are any, the client waits for nothing. */
  readonly pending: number;
  /** Call `tick` after this many ms, besides the regular ticks. */
  wakeAfter(ms: number): void;
  ended(end: RoleEnd): void;
}

export interface InboundProxyOptions {
  /** Window that the client is told, bytes. */
  readonly receiveWindow: number;
  /** ConnectionTimeout announced in CONN/B2, ms. */
  readonly connectionTimeout: number;
  readonly clientAddress: ClientAddress;
  readonly conduct: ClientConduct;
}

/**
 * The inbound proxy of one virtual IN channel ([MS-RPCH] 3.2.3): a state machine without sockets or clocks.
 *
 *     Open_Start --CONN/B1--> Connecting --serverConnected--> B3W --CONN/B3--> Opened --> Finished
 *
 * A PDU that must not come throws {@link ProtocolError} out of the sink that it was given to; the caller ends both legs.
 * IN channel recycling (IN_R1, IN_R2) joins at Open_Start and Opened; today a client that asks for it ends its session.
 */
export class InboundProxy {
  #state: 'Open_Start' | 'Connecting' | 'B3W' | 'Opened' | 'Finished' = 'Open_Start';
  readonly #port: InboundProxyPort;
  readonly #options: InboundProxyOptions;
  readonly #receive: ReceiveWindow;
  readonly #queue: SendQueue;
  #conduct: ClientConduct;
  #b1: ReturnType<typeof CONN_B1.decode> | undefined;
  #inChannelCookie: Uint8Array = new Uint8Array(0);
  #clientPaused = false;
  /** bytesReceived when an undecided client fell silent with hardly any window left, and when that was. */
  #silentAt = -1;
  #silentSince = 0;

  constructor(port: InboundProxyPort, options: InboundProxyOptions) {
    this.#port = port;
    this.#options = options;
    this.#conduct = options.conduct;
    this.#receive = new ReceiveWindow(options.receiveWindow);
    this.#queue = new SendQueue((run, count) => {
      port.toServer.rpc(run, count);
      this.#receive.handedOn(run.length);
    });
  }

  get state(): string {
    return this.#state;
  }

  /** RPC PDU bytes from the client that wait for the server. */
  get held(): number {
    return this.#receive.held;
  }

  /** RPC PDU bytes received from the client, in all. */
  get bytesReceived(): number {
    return this.#receive.bytesReceived;
  }

  /** What comes from the client in the body of its RPC_IN_DATA request. */
  readonly fromClient: PduSink = {
    rpc: (run, count) => this.#rpcFromClient(run, count),
    rts: (pdu) => this.#rtsFromClient(pdu),
  };

  /** What comes from the server. */
  readonly fromServer: PduSink = {
    rpc: () => {
      throw new ProtocolError('RPCH_RPC_ON_IN', 'RPC PDU from the server on the IN channel', '[MS-RPCH] 3.2.3.5.2');
    },
    rts: (pdu) => this.#rtsFromServer(pdu),
  };

  /**
   * The leg to the server is open ([MS-RPCH] 3.2.3.5.3).
   * @param conduct shared with the other proxy role of the virtual connection, where both are in one process: then each
   *   knows what the other saw of the client.
   */
  serverConnected(conduct = this.#conduct): void {
    this.#conduct = conduct;
    const b1 = this.#b1;
    if (this.#state !== 'Connecting' || b1 === undefined) return;
    this.#state = 'B3W';
    this.#port.toServer.rts(
      CONN_B2.encode({
        version: Math.min(1, b1.version),
        virtualConnectionCookie: b1.virtualConnectionCookie,
        inChannelCookie: b1.inChannelCookie,
        receiveWindowSize: this.#options.receiveWindow,
        connectionTimeout: this.#options.connectionTimeout,
        associationGroupId: b1.associationGroupId,
        clientAddress: this.#options.clientAddress,
      }),
    );
  }

  /** The leg to the server takes no more for now, or takes it again. */
  serverBlocked(blocked: boolean): void {
    this.#receive.setBlocked(blocked);
    this.#settle();
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state !== 'Opened') return;
    const conduct = this.#conduct;
    const receive = this.#receive;
    const overdue = receive.ackOverdue();
    if (conduct.state === 'silent' || !receive.ackUseful) return;
    // What is left may be too little for the client's next PDU, though nothing is held: the rule of the half window alone
    // could leave it waiting for ever.
    const short = receive.advertised <= conduct.largestPdu;
    if (conduct.takesRts ? short || overdue : short && this.#waits(now)) {
      conduct.showsRts();
      this.#acknowledge();
    }
  }

  #rpcFromClient(run: Uint8Array, count: number): void {
    if (this.#state === 'Finished') return;
    if (this.#state !== 'Opened' && this.#state !== 'B3W') {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${this.#state}`, '[MS-RPCH] 3.2.3.5.2');
    }
    const conduct = this.#conduct;
    const receive = this.#receive;
    if (!receive.received(run.length, count)) conduct.showsNone();
    if (conduct.state === 'undecided') {
      conduct.fromClient(run);
      if (receive.advertised <= conduct.largestPdu) this.#port.wakeAfter(BLOCKED_IN_CALL);
    }
    this.#queue.offer(run, count);
    this.#settle();
  }

  #rtsFromClient(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    if (this.#state === 'Opened' && ackDestination(bytes) === Destination.FDOutProxy) {
      this.#port.toServer.rts(bytes);
      this.#conduct.showsRts();
      this.#settle();
      return;
    }
    const pdu = parseRts(bytes);
    if (this.#state === 'Open_Start') {
      if (IN_R1_A1.matches(pdu)) {
        this.#finish('recycling-unsupported');
        return;
      }
      const b1 = CONN_B1.decode(pdu);
      this.#b1 = b1;
      this.#inChannelCookie = b1.inChannelCookie;
      this.#state = 'Connecting';
      this.#port.keepAlive(keepaliveInterval(b1.clientKeepalive));
      this.#port.connect(b1);
      return;
    }
    if (IN_R1_A5.matches(pdu)) {
      this.#finish('recycling-unsupported');
      return;
    }
    if (KEEP_ALIVE.matches(pdu)) {
      this.#port.keepAlive(keepaliveInterval(KEEP_ALIVE.decode(pdu).clientKeepalive));
    } else if ((this.#state === 'Opened' || this.#state === 'B3W') && isForOthers(pdu)) {
      // [MS-RPCH] 3.2.1.5.2: passed on as it is. CONN/C2, and with it the client's first acknowledgement, may overtake CONN/B3.
      this.#port.toServer.rts(bytes);
    } else if (!PING_PDU.matches(pdu)) {
      throw unexpectedRts(pdu, ['Ping', 'Keep-Alive', 'FlowControlAckWithDestination'], '[MS-RPCH] 3.2.3.5');
    }
    this.#conduct.showsRts();
    this.#settle();
  }

  #rtsFromServer(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    if (this.#state === 'B3W') {
      this.#queue.window = new SendWindow(CONN_B3.decode(parseRts(bytes)).receiveWindowSize);
      this.#state = 'Opened';
      this.#port.opened();
      this.#queue.unplug();
    } else if (this.#state === 'Opened') {
      const ack = readAck(bytes);
      if (ack === undefined) throw unexpectedRts(parseRts(bytes), ['FlowControlAck'], '[MS-RPCH] 3.2.3.5');
      // [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped.
      if (!sameBytes(ack.channelCookie, this.#inChannelCookie)) return;
      this.#queue.window?.acknowledged(ack);
      this.#queue.pump();
    } else {
      throw unexpectedRts(parseRts(bytes), [], '[MS-RPCH] 3.2.3.5');
    }
    this.#settle();
  }

  /** After anything that moved PDUs or judged the client: acknowledge, and let TCP hold the client or let it go. */
  #settle(): void {
    const receive = this.#receive;
    if (receive.ackDue && this.#state === 'Opened' && this.#conduct.takesRts) this.#acknowledge();
    const pause = this.#clientPaused ? receive.held > receive.window / 2 : receive.held > receive.window;
    if (pause !== this.#clientPaused) {
      this.#clientPaused = pause;
      this.#port.pauseClient(pause);
    }
  }

  /** [MS-RPCH] 3.2.1.5.1.1. The client is reached by way of the server and the outbound proxy. */
  #acknowledge(): void {
    const ack = this.#receive.acknowledge(this.#inChannelCookie);
    this.#port.toServer.rts(encodeAck(ack, Destination.FDClient));
  }

  /** Whether an undecided client stopped in the middle of a call, with hardly any window left, for so long that it must wait. */
  #waits(now: number): boolean {
    if (this.#port.pending > 0 || !this.#conduct.insideCall) {
      this.#silentAt = -1;
      return false;
    }
    if (this.#silentAt !== this.#receive.bytesReceived) {
      this.#silentAt = this.#receive.bytesReceived;
      this.#silentSince = now;
      this.#port.wakeAfter(BLOCKED_IN_CALL);
    }
    return now - this.#silentSince >= BLOCKED_IN_CALL;
  }

  #finish(end: RoleEnd): void {
    this.#state = 'Finished';
    this.#queue.clear();
    this.#port.ended(end);
  }
}

/** On the wire 0 means the default; gromox raises what is below the minimum, and so do we ([MS-RPCH] 2.2.3.5.6). */
function keepaliveInterval(value: number): number {
  return value === 0 ? CLIENT_KEEPALIVE.default : Math.max(value, CLIENT_KEEPALIVE.min);
}

function isForOthers(pdu: ReturnType<typeof parseRts>): boolean {
  const [first] = pdu.commands;
  return first?.name === 'Destination' && first.value !== Destination.FDInProxy && first.value !== Destination.FDClient;
}

import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAck } from './ack-codec.ts';
import { Destination, type FlowControlAck } from './commands.ts';
import { ReceiveWindow, SendWindow } from './flow-control.ts';
import { CONN_A2, CONN_B2, CONN_B3, CONN_C1, PING_TRAFFIC_SENT_NOTIFY } from './pdus.ts';
import type { RoleEnd } from './role.ts';
import { parseRts, type RtsPdu, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** What the server role does to its surroundings. */
export interface ServerPort {
  readonly toInboundProxy: PduSink;
  readonly toOutboundProxy: PduSink;
  /** RPC PDUs from the client, for the RPC run-time. */
  toRuntime(run: Uint8Array, count: number): void;
  /** The virtual connection is open. */
  opened(): void;
  /** Stop or go on giving PDUs to `fromRuntime`. */
  pauseRuntime(paused: boolean): void;
  ended(end: RoleEnd): void;
}

export interface ServerOptions {
  /** Window that the inbound proxy is told, bytes. */
  readonly receiveWindow: number;
  /** How long the first proxy's leg waits for the other, ms; [MS-RPCH] 3.2.5.2.1 has 15 minutes. */
  readonly setupTimeout: number;
}

/**
 * The server of one virtual connection ([MS-RPCH] 3.2.5): a state machine without sockets or clocks. It stands before the
 * RPC run-time of a server, or, in a proxy, before a plain TCP connection to one.
 *
 *     Open_Start --CONN/A2--> B2W --CONN/B2--> Opened --> Finished
 *     Open_Start --CONN/B2--> A2W --CONN/A2--> Opened
 *
 * A PDU that must not come throws {@link ProtocolError}; the caller ends all legs. Recycling (IN_R1/A2, OUT_R1/A1 and what
 * follows) joins at Opened.
 */
export class Server {
  #state: 'Open_Start' | 'A2W' | 'B2W' | 'Opened' | 'Finished' = 'Open_Start';
  readonly #port: ServerPort;
  readonly #options: ServerOptions;
  readonly #receive: ReceiveWindow;
  readonly #queue: SendQueue;
  #a2: ReturnType<typeof CONN_A2.decode> | undefined;
  #b2: ReturnType<typeof CONN_B2.decode> | undefined;
  #runtimePaused = false;
  #setupSince: number | undefined;

  constructor(port: ServerPort, options: ServerOptions) {
    this.#port = port;
    this.#options = options;
    this.#receive = new ReceiveWindow(options.receiveWindow);
    this.#queue = new SendQueue((run, count) => port.toOutboundProxy.rpc(run, count));
  }

  get state(): string {
    return this.#state;
  }

  /** RPC PDU bytes of the run-time that wait for the outbound proxy. */
  get queued(): number {
    return this.#queue.bytes;
  }

  readonly fromInboundProxy: PduSink = {
    rpc: (run, count) => {
      if (this.#state === 'Finished') return;
      if (this.#state !== 'Opened') throw tooEarly(this.#state);
      if (!this.#receive.received(run.length, count)) throw overrun();
      this.#port.toRuntime(run, count);
      this.#receive.handedOn(run.length);
      this.#acknowledgeIfDue();
    },
    rts: (pdu) => this.#rtsFromInboundProxy(pdu),
  };

  readonly fromOutboundProxy: PduSink = {
    rpc: () => {
      throw new ProtocolError('RPCH_RPC_ON_OUT', 'RPC PDU from the outbound proxy', '[MS-RPCH] 3.2.5.5.2');
    },
    rts: (pdu) => this.#rtsFromOutboundProxy(pdu),
  };

  /** RPC PDUs of the run-time, for the client. */
  fromRuntime(run: Uint8Array, count: number): void {
    if (this.#state === 'Finished') return;
    if (this.#state !== 'Opened') throw tooEarly(this.#state);
    this.#queue.offer(run, count);
    this.#holdRuntime();
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    this.#receive.setBlocked(blocked);
    this.#acknowledgeIfDue();
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state === 'Opened' && this.#receive.ackOverdue()) this.#acknowledge();
    if (this.#state !== 'A2W' && this.#state !== 'B2W') return;
    this.#setupSince ??= now;
    if (now - this.#setupSince >= this.#options.setupTimeout) {
      this.#state = 'Finished';
      this.#port.ended('setup-timeout');
    }
  }

  #rtsFromInboundProxy(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    if (this.#state === 'Opened') {
      this.#forward(bytes);
      return;
    }
    const pdu = parseRts(bytes);
    if (this.#b2 !== undefined) throw unexpectedRts(pdu, ['nothing before CONN/A2'], '[MS-RPCH] 3.2.5.5.4');
    this.#b2 = CONN_B2.decode(pdu);
    this.#state = 'A2W';
    this.#openIfComplete();
  }

  #rtsFromOutboundProxy(bytes: Uint8Array): void {
    if (this.#state === 'Finished') return;
    if (this.#state === 'Opened') {
      const ack = readAck(bytes);
      if (ack === undefined) this.#forwardUnlessForUs(bytes);
      else this.#takeAck(ack);
      return;
    }
    const pdu = parseRts(bytes);
    if (this.#a2 !== undefined) throw unexpectedRts(pdu, ['nothing before CONN/B2'], '[MS-RPCH] 3.2.5.5.3');
    this.#a2 = CONN_A2.decode(pdu);
    this.#state = 'B2W';
    this.#openIfComplete();
  }

  /** [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped. */
  #takeAck(ack: FlowControlAck): void {
    if (this.#a2 === undefined || !sameBytes(ack.channelCookie, this.#a2.outChannelCookie)) return;
    this.#queue.window?.acknowledged(ack);
    this.#queue.pump();
    this.#holdRuntime();
  }

  /** Pings count for the lifetime of the OUT channel, which matters to who recycles it ([MS-RPCH] 3.2.5.5.14). */
  #forwardUnlessForUs(bytes: Uint8Array): void {
    if (!PING_TRAFFIC_SENT_NOTIFY.matches(parseRts(bytes))) this.#forward(bytes);
  }

  /** [MS-RPCH] 3.2.5.5.3.2, 3.2.5.5.4.2 */
  #openIfComplete(): void {
    const [a2, b2] = [this.#a2, this.#b2];
    if (a2 === undefined || b2 === undefined) return;
    if (!sameBytes(a2.virtualConnectionCookie, b2.virtualConnectionCookie)) {
      throw new ProtocolError(
        'RPCH_COOKIE',
        'CONN/A2 and CONN/B2 name different virtual connections',
        '[MS-RPCH] 3.2.5.5',
      );
    }
    this.#state = 'Opened';
    this.#queue.window = new SendWindow(a2.receiveWindowSize);
    const version = Math.min(1, a2.version, b2.version);
    this.#port.toOutboundProxy.rts(
      CONN_C1.encode({ version, receiveWindowSize: b2.receiveWindowSize, connectionTimeout: b2.connectionTimeout }),
    );
    this.#port.toInboundProxy.rts(CONN_B3.encode({ receiveWindowSize: this.#options.receiveWindow, version }));
    this.#port.opened();
    this.#queue.unplug();
  }

  /** [MS-RPCH] 3.2.1.5.2: the server stands between the two proxies and relays between them. */
  #forward(bytes: Uint8Array): void {
    const destination = ackDestination(bytes) ?? destinationOf(parseRts(bytes));
    if (destination === Destination.FDClient || destination === Destination.FDOutProxy) {
      this.#port.toOutboundProxy.rts(bytes);
    } else if (destination === Destination.FDInProxy) {
      this.#port.toInboundProxy.rts(bytes);
    } else {
      throw unexpectedRts(parseRts(bytes), ['a PDU for one of the others'], '[MS-RPCH] 3.2.5.5');
    }
  }

  /** [MS-RPCH] 3.2.1.5.1.1, towards the inbound proxy. */
  #acknowledgeIfDue(): void {
    if (this.#state === 'Opened' && this.#receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#b2 === undefined) return;
    this.#port.toInboundProxy.rts(encodeAck(this.#receive.acknowledge(this.#b2.inChannelCookie)));
  }

  #holdRuntime(): void {
    const paused = this.#queue.bytes > 0;
    if (paused === this.#runtimePaused) return;
    this.#runtimePaused = paused;
    this.#port.pauseRuntime(paused);
  }
}

function destinationOf(pdu: RtsPdu): Destination | undefined {
  const [first] = pdu.commands;
  return first?.name === 'Destination' ? (first.value as Destination) : undefined;
}

function tooEarly(state: string): ProtocolError {
  return new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${state}`, '[MS-RPCH] 3.2.5.5.2');
}

function overrun(): ProtocolError {
  return new ProtocolError(
    'RPCH_WINDOW_OVERRUN',
    'the inbound proxy sent more than the window allows',
    '[MS-RPCH] 3.2.1.4.1',
  );
}

import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAckWithDestination } from './ack-codec.ts';
import { ClientIn, type ClientInChannel, type ClientInPort } from './client-in.ts';
import { ClientOut, type ClientOutChannel, type ClientOutPort } from './client-out.ts';
import { COOKIE_LENGTH, Destination } from './commands.ts';
import { CONN_A3, CONN_B1, CONN_C2, KEEP_ALIVE, PING_PDU } from './pdus.ts';
import { type OnTransition, type RoleEnd, State } from './role.ts';
import { parseRts, type RtsPdu, unexpectedRts } from './rts.ts';

export type { ClientInChannel, ClientInPort } from './client-in.ts';
export type { ClientOutChannel, ClientOutPort } from './client-out.ts';

/** What the client role does to its surroundings. */
export interface ClientPort {
  /**
   * Opens a connection to a proxy and sends the head of RPC_IN_DATA, with the lifetime of the options as Content-Length: for
   * the first IN channel and for each successor. Returns at once; what is written before the connection is open waits.
   */
  openIn(channel: ClientInChannel): ClientInPort;
  /** The same for RPC_OUT_DATA with this Content-Length. */
  openOut(channel: ClientOutChannel, contentLength: number): ClientOutPort;
  /** RPC PDUs for the RPC run-time. */
  toRuntime(run: Uint8Array, count: number): void;
  /** CONN/C2 is in: calls may be sent. */
  opened(): void;
  ended(end: RoleEnd): void;
}

export interface ClientOptions {
  /** Window that outbound proxies are told, bytes. */
  readonly receiveWindow: number;
  /** Content-Length of each RPC_IN_DATA request, bytes. */
  readonly channelLifetime: number;
  /** Keep-alive that the inbound proxy is asked for, ms; Windows refuses the 0 that the specification allows. */
  readonly clientKeepalive: number;
  /** One per association, 16 bytes, shared by its virtual connections. */
  readonly associationGroupId: Uint8Array;
  /** Cryptographically random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** How long a channel recycling may wait for one of the others, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/**
 * The client of one virtual connection ([MS-RPCH] 3.2.2): a state machine without sockets or clocks.
 *
 *     Start --open--> OUT_Channel_Wait --200--> Wait_A3W --CONN/A3--> Wait_C2 --CONN/C2--> Opened --> Finished
 *
 * Once it is opened, its two virtual channels are state machines of their own ({@link ClientIn}, {@link ClientOut}), which
 * recycle at the same time where it so happens. A PDU that must not come throws {@link ProtocolError}; the caller closes all
 * channels.
 */
export class Client {
  readonly #state: State<'Start' | 'OUT_Channel_Wait' | 'Wait_A3W' | 'Wait_C2' | 'Opened' | 'Finished'>;
  readonly #port: ClientPort;
  readonly #options: ClientOptions;
  readonly #virtualConnectionCookie: Uint8Array;
  readonly #in: ClientIn;
  readonly #out: ClientOut;

  constructor(port: ClientPort, options: ClientOptions) {
    this.#port = port;
    this.#options = options;
    this.#state = new State('client', 'Start', options.onTransition);
    const virtualConnectionCookie = options.random(COOKIE_LENGTH);
    this.#virtualConnectionCookie = virtualConnectionCookie;
    const ended = (end: RoleEnd): void => this.#finish(end);
    const channelOptions = { ...options, virtualConnectionCookie };
    this.#in = new ClientIn({ openIn: (channel) => port.openIn(channel), ended }, channelOptions);
    this.#out = new ClientOut(
      {
        openOut: (channel, contentLength) => port.openOut(channel, contentLength),
        toRuntime: (run, count) => this.#toRuntime(run, count),
        rts: (pdu) => this.#rtsFromOutboundProxy(pdu),
        toOthers: (pdu) => this.#in.rts(pdu),
        acknowledge: (ack) => this.#in.rts(encodeAck(ack, Destination.FDOutProxy)),
        // The outbound proxy that asked for another one is likely to be an inbound proxy as well, and on its way out: whoever
        // drains it has no means of moving the IN channel ([MS-RPCH] 3.2.3).
        moved: () => this.#in.recycleEarly(),
        ended,
      },
      channelOptions,
    );
  }

  get state(): string {
    return this.#state.now;
  }

  /** RPC PDU bytes that wait for the inbound proxy's window, or for a successor. */
  get queued(): number {
    return this.#in.queued;
  }

  /** RPC PDU bytes of a successor OUT channel that wait for the end of its predecessor. */
  get held(): number {
    return this.#out.held;
  }

  /** Opens both channels: CONN/A1 and CONN/B1 ([MS-RPCH] 3.2.2.4.1.2). */
  open(): void {
    const { channelLifetime, clientKeepalive, associationGroupId } = this.#options;
    this.#state.to('OUT_Channel_Wait', 'open');
    this.#in.open();
    this.#out.open(() => {
      if (this.#state.now === 'OUT_Channel_Wait') this.#state.to('Wait_A3W', '200');
    });
    this.#in.rts(
      CONN_B1.encode({
        version: 1,
        virtualConnectionCookie: this.#virtualConnectionCookie,
        inChannelCookie: this.#in.cookie,
        channelLifetime,
        clientKeepalive,
        associationGroupId,
      }),
    );
  }

  /** RPC PDUs of the run-time. Only when opened ([MS-RPCH] 3.2.2.4.2). */
  fromRuntime(run: Uint8Array, count: number): void {
    if (this.#state.now === 'Opened') this.#in.rpc(run, count);
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    if (this.#state.now !== 'Finished') this.#out.runtimeBlocked(blocked);
  }

  /**
   * Sets the keep-alive interval ([MS-RPCH] 3.2.2.4.4), ms: a Ping goes out after half of it, and the inbound proxy asks its
   * connection to the server as often.
   */
  keepAlive(interval: number): void {
    if (this.#state.now !== 'Opened') return;
    this.#in.keepAlive(interval);
    this.#in.rts(KEEP_ALIVE.encode({ clientKeepalive: interval }));
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state.now !== 'Opened') return;
    this.#in.tick(now);
    if (this.#state.now === 'Opened') this.#out.tick(now);
  }

  #toRuntime(run: Uint8Array, count: number): void {
    if (this.#state.now === 'Finished') return;
    if (this.#state.now !== 'Opened') {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${this.#state.now}`, '[MS-RPCH] 3.2.2.5');
    }
    this.#port.toRuntime(run, count);
  }

  #rtsFromOutboundProxy(bytes: Uint8Array): void {
    const state = this.#state.now;
    if (state === 'Finished') return;
    if (state === 'Opened' && ackDestination(bytes) === Destination.FDClient) {
      this.#in.acknowledged(readAckWithDestination(bytes));
      return;
    }
    const pdu = parseRts(bytes);
    // A Ping may come in every state after the 200 (FreeRDP issue 9505).
    if (PING_PDU.matches(pdu) && state !== 'OUT_Channel_Wait') return;
    if (state === 'Wait_A3W') {
      const { connectionTimeout } = CONN_A3.decode(pdu);
      this.#in.pingWithin(connectionTimeout);
      this.#out.expectWithin(connectionTimeout);
      this.#state.to('Wait_C2', 'CONN/A3');
    } else if (state === 'Wait_C2') {
      this.#openedBy(pdu);
      // IN_R2/A4 and OUT_Rx/A2 differ in their flags only ([MS-RPCH] 2.2.4.21, 2.2.4.35); so the signature tells them apart.
    } else if (state !== 'Opened' || !(this.#in.takeA4(pdu) || this.#out.take(pdu))) {
      throw unexpectedRts(pdu, state === 'Opened' ? WHEN_OPENED : [], '[MS-RPCH] 3.2.2.5.11');
    }
  }

  #openedBy(pdu: RtsPdu): void {
    const { connectionTimeout, receiveWindowSize } = CONN_C2.decode(pdu);
    this.#in.pingWithin(connectionTimeout);
    this.#state.to('Opened', 'CONN/C2');
    this.#in.opened(receiveWindowSize);
    this.#port.opened();
  }

  #finish(end: RoleEnd): void {
    if (this.#state.now === 'Finished') return;
    this.#state.to('Finished', end);
    this.#in.clear();
    this.#port.ended(end);
  }
}

const WHEN_OPENED = [
  'FlowControlAckWithDestination',
  'Ping',
  'IN_R1/A4 or IN_R2/A4 while IN is recycled',
  'OUT_R1/A2 or the next of its sequence',
];

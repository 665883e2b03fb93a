import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { COOKIE_LENGTH, type FlowControlAck } from './commands.ts';
import { SendWindow } from './flow-control.ts';
import { Lifetime } from './lifetime.ts';
import { Patience } from './patience.ts';
import { IN_R1_A1, IN_R1_A4, IN_R1_A5, IN_R2_A4, PING_PDU } from './pdus.ts';
import { PingOriginator } from './ping-originator.ts';
import { type OnTransition, type RoleEnd, State } from './role.ts';
import type { RtsPdu } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** How long a recycling that is due waits for a sign that the one before is complete, ms. */
const UNSETTLED = 5000;

/** An RPC_IN_DATA request, as the client role acts on it. */
export interface ClientInPort extends PduSink {
  /** It has been replaced: what was written goes out, then it is closed. */
  close(): void;
}

/** An RPC_IN_DATA request, as its surroundings see it. */
export interface ClientInChannel {
  /** It has been replaced: its close ends nothing. */
  readonly over: boolean;
}

/** What the client's virtual IN channel needs of its surroundings. */
export interface ClientInSurroundings {
  /** Opens a connection to the proxy and sends the request's head. What is written before it is open waits. */
  openIn(channel: ClientInChannel): ClientInPort;
  ended(end: RoleEnd): void;
}

export interface ClientInOptions {
  readonly virtualConnectionCookie: Uint8Array;
  /** Content-Length of each RPC_IN_DATA request, bytes. */
  readonly channelLifetime: number;
  readonly random: (length: number) => Uint8Array;
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/** One instance of the IN channel. */
class Instance implements ClientInChannel {
  readonly cookie: Uint8Array;
  readonly lifetime: Lifetime;
  over = false;
  port: ClientInPort | undefined;

  constructor(cookie: Uint8Array, lifetime: number) {
    this.cookie = cookie;
    this.lifetime = new Lifetime(lifetime);
  }
}

/**
 * The client's virtual IN channel ([MS-RPCH] 3.2.2, 3.2.1.5.3.2, 3.2.1.5.3.3).
 *
 *     Opened --lifetime--> Opened_A4W --IN_R1/A4 or IN_R2/A4--> Opened
 *
 * PDUs that wait for the window or for a successor belong to no instance yet, so there is nothing to wait for before
 * IN_R1/A5 is sent: the step of 3.2.2.5.5 is always done already.
 */
export class ClientIn {
  readonly #state: State<'Opened' | 'Opened_A4W'>;
  readonly #surroundings: ClientInSurroundings;
  readonly #options: ClientInOptions;
  readonly #queue: SendQueue;
  readonly #patience = new Patience();
  #default: Instance;
  #successor: Instance | undefined;
  #opened = false;
  #receiveWindow = 0;
  /** The proxy's ConnectionTimeout and the caller's keep-alive interval, ms: two timers, of which the shorter one comes first. */
  #connectionTimeout = Number.POSITIVE_INFINITY;
  #keepAlive = Number.POSITIVE_INFINITY;
  readonly #pings = new PingOriginator();
  /** A successor is wanted before the lifetime demands one. */
  #early = false;
  /**
   * The inbound proxy has acknowledged the default instance: its own recycling is complete everywhere. Until then a new one
   * might overtake the PDUs that complete it, which come on other connections.
   */
  #settled = true;
  readonly #impatience = new Patience();

  constructor(surroundings: ClientInSurroundings, options: ClientInOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#state = new State('client-in', 'Opened', options.onTransition);
    this.#default = new Instance(options.random(COOKIE_LENGTH), options.channelLifetime);
    this.#queue = new SendQueue((run, count) => {
      const { lifetime, port } = this.#default;
      lifetime.use(run.length);
      port?.rpc(run, count);
    });
  }

  /** Cookie of the default instance. */
  get cookie(): Uint8Array {
    return this.#default.cookie;
  }

  /** RPC PDU bytes that wait for the inbound proxy's window, or for a successor. */
  get queued(): number {
    return this.#queue.bytes;
  }

  /** Sends the first request. */
  open(): void {
    this.#default.port = this.#surroundings.openIn(this.#default);
  }

  /** CONN/C2 is in: RPC PDUs may go. */
  opened(receiveWindow: number): void {
    this.#opened = true;
    this.#receiveWindow = receiveWindow;
    this.#queue.window = new SendWindow(receiveWindow);
    this.#queue.lifetime = this.#default.lifetime;
    this.#queue.unplug();
  }

  /**
   * How long the inbound proxy bears silence, ms, by CONN/A3, CONN/C2 or IN_R1/A4: a Ping is due after half of it ([MS-RPCH]
   * 3.2.2.6.1).
   */
  pingWithin(connectionTimeout: number): void {
    this.#connectionTimeout = connectionTimeout;
  }

  /** How long the caller wants it to be silent at most, ms: a Ping is due after half of it ([MS-RPCH] 3.2.2.6.2). 0 is off. */
  keepAlive(interval: number): void {
    this.#keepAlive = interval === 0 ? Number.POSITIVE_INFINITY : interval;
  }

  /** RPC PDUs of the run-time. */
  rpc(run: Uint8Array, count: number): void {
    this.#queue.offer(run, count);
    this.#recycleIfDue();
  }

  /** Sends an RTS PDU; those are not subject to flow control. False when it did not fit, which is the end. */
  rts(pdu: Uint8Array): boolean {
    const { lifetime, port } = this.#default;
    if (pdu.length > lifetime.left) {
      this.#surroundings.ended('in-channel-used-up');
      return false;
    }
    lifetime.use(pdu.length);
    port?.rts(pdu);
    this.#recycleIfDue();
    return true;
  }

  /** [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped. */
  acknowledged(ack: FlowControlAck): void {
    if (!sameBytes(ack.channelCookie, this.#default.cookie)) return;
    this.#settle();
    this.#queue.window?.acknowledged(ack);
    this.#queue.pump();
    this.#recycleIfDue();
  }

  /** Takes IN_R1/A4 or IN_R2/A4 ([MS-RPCH] 3.2.2.5.5); false for any other PDU, and where it must not come. */
  takeA4(pdu: RtsPdu): boolean {
    const successor = this.#successor;
    if (this.#state.now !== 'Opened_A4W' || successor === undefined) return false;
    if (IN_R1_A4.matches(pdu)) {
      const a4 = IN_R1_A4.decode(pdu);
      this.#receiveWindow = a4.receiveWindowSize;
      this.pingWithin(a4.connectionTimeout);
      this.#switch(successor, 'IN_R1/A4');
    } else if (IN_R2_A4.matches(pdu)) {
      // It brings neither window nor time-out: the proxy is the same, and so are they.
      this.#switch(successor, 'IN_R2/A4');
    } else {
      return false;
    }
    return true;
  }

  /** Opens a successor though the lifetime does not demand one: the proxy is about to go. Nothing, where one is on its way. */
  recycleEarly(): void {
    this.#early = this.#state.now === 'Opened';
    this.#recycleIfDue();
  }

  tick(now: number): void {
    if (this.#patience.exhausted(now)) {
      this.#state.to('Opened_A4W', 'time-out');
      this.#surroundings.ended('recycling-timeout');
      return;
    }
    // Our proxies acknowledge at once; others once half their window is used, which may be more than a lifetime.
    if (this.#impatience.exhausted(now)) {
      this.#settle();
      this.#recycleIfDue();
    }
    const silence = Math.min(this.#connectionTimeout, this.#keepAlive) / 2;
    if (this.#pings.isDue(now, this.#default.lifetime.used, silence)) {
      this.rts(PING_PDU.encode({}));
      this.#pings.sent(now, this.#default.lifetime.used);
    }
  }

  clear(): void {
    this.#queue.clear();
  }

  /** [MS-RPCH] 3.2.2.4.2, 3.2.2.5.12 */
  #recycleIfDue(): void {
    if (!this.#default.lifetime.nearEnd && !this.#queue.waitsForSuccessor && !this.#early) return;
    if (!this.#opened || this.#state.now !== 'Opened') return;
    if (!this.#settled) {
      if (!this.#impatience.active) this.#impatience.begin(UNSETTLED);
      return;
    }
    const { virtualConnectionCookie, channelLifetime, random, recyclingTimeout } = this.#options;
    this.#early = false;
    const successor = new Instance(random(COOKIE_LENGTH), channelLifetime);
    this.#successor = successor;
    this.#patience.begin(recyclingTimeout);
    this.#state.to('Opened_A4W', 'lifetime');
    const port = this.#surroundings.openIn(successor);
    successor.port = port;
    const a1 = IN_R1_A1.encode({
      version: 1,
      virtualConnectionCookie,
      predecessorCookie: this.#default.cookie,
      successorCookie: successor.cookie,
    });
    successor.lifetime.use(a1.length);
    port.rts(a1);
  }

  #settle(): void {
    this.#settled = true;
    this.#impatience.end();
  }

  #switch(successor: Instance, event: string): void {
    const predecessor = this.#default;
    // The reserve of the lifetime is for this PDU; where even that is gone, the recycling came too late.
    if (!this.rts(IN_R1_A5.encode({ successorCookie: successor.cookie }))) return;
    this.#patience.end();
    this.#successor = undefined;
    this.#default = successor;
    this.#settled = false;
    this.#state.to('Opened', event);
    predecessor.over = true;
    predecessor.port?.close();
    this.#queue.window = new SendWindow(this.#receiveWindow);
    this.#queue.lifetime = successor.lifetime;
    this.#queue.pump();
    this.#recycleIfDue();
  }
}

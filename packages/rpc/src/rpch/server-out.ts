import { sameBytes } from '../bytes/equal.ts';
import { ProtocolError } from '../errors.ts';
import { Destination, type FlowControlAck } from './commands.ts';
import { assertCookie } from './cookies.ts';
import { SendWindow } from './flow-control.ts';
import { Lifetime } from './lifetime.ts';
import { Patience } from './patience.ts';
import {
  OUT_R1_A5,
  OUT_R1_A8,
  OUT_R1_A9,
  OUT_R2_A1,
  OUT_R2_A4,
  OUT_R2_A5,
  OUT_R2_A7,
  OUT_R2_A8,
  OUT_R2_B1,
  OUT_R2_B2,
  PING_TRAFFIC_SENT_NOTIFY,
} from './pdus.ts';
import { type OnTransition, type RoleEnd, State } from './role.ts';
import { type RtsPdu, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';
import type { ServerLegPort, ServerOpening } from './server-opening.ts';

/** What the server's virtual OUT channel does to its surroundings. */
export interface ServerOutPort {
  /** Whether the client takes part in the recycling of its OUT channel; asked when it is due. */
  readonly mayRecycle: boolean;
}

export interface ServerOutOptions {
  /** How long the client's answer to OUT_Rx/A5 may take, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/** The connection of an outbound proxy: one instance of the OUT channel at a time, or several in turn (OUT_R2). */
export class ServerOutLeg {
  readonly port: ServerLegPort;
  readonly window: SendWindow;
  lifetime: Lifetime;
  cookie: Uint8Array;
  /**
   * The cookie before the present one: acknowledgements that name it may still be on their way. None can that name an older
   * one, for OUT_R2/A4 comes on the same connection after them.
   */
  formerCookie: Uint8Array | undefined;
  /** It has been replaced, and empties its queue towards the client. */
  over = false;
  /** Its connection was closed after that. */
  closed = false;

  constructor(port: ServerLegPort, cookie: Uint8Array, receiveWindow: number, lifetime: number) {
    this.port = port;
    this.cookie = cookie;
    this.window = new SendWindow(receiveWindow);
    this.lifetime = new Lifetime(lifetime);
  }
}

/**
 * The virtual OUT channel of an opened virtual connection at the server ([MS-RPCH] 3.2.5, 3.2.1.5.3.4, 3.2.1.5.3.5).
 *
 *     Opened --lifetime--> Opened_A4W --OUT_R1/A4--> Opened_A8W --OUT_R1/A8--> Opened
 *                          Opened_A4W --OUT_R2/A4--> Opened_R2A8W --OUT_R2/A8--> Opened
 *
 * In Opened_A4W nothing is timed: the predecessor carries on, and a client that cannot recycle loses nothing before the
 * lifetime is used up.
 */
export class ServerOut {
  readonly #state: State<'Opened' | 'Opened_A4W' | 'Opened_A8W' | 'Opened_R2A8W'>;
  readonly #port: ServerOutPort;
  readonly #ended: (end: RoleEnd) => void;
  readonly #options: ServerOutOptions;
  readonly #queue: SendQueue;
  readonly #patience = new Patience();
  /** For the predecessor, which has to empty its queue and to close. */
  readonly #farewell = new Patience();
  #acksRelayed = 0;
  #default: ServerOutLeg;
  /** Another outbound proxy's connection (OUT_R1). */
  #successor: ServerOutLeg | undefined;
  /** On the connection that is there (OUT_R2). */
  #successorCookie: Uint8Array | undefined;
  /** The outbound proxy before the present one, until it has emptied its queue and closed. */
  #predecessor: ServerOutLeg | undefined;

  constructor(port: ServerOutPort, ended: (end: RoleEnd) => void, options: ServerOutOptions, leg: ServerOutLeg) {
    this.#state = new State('server-out', 'Opened', options.onTransition);
    this.#port = port;
    this.#ended = ended;
    this.#options = options;
    this.#default = leg;
    this.#queue = new SendQueue((run, count) => this.#sendRpc(run, count));
    this.#queue.window = leg.window;
    this.#queue.lifetime = leg.lifetime;
  }

  /** RPC PDU bytes that wait for the outbound proxy's window or for a successor. */
  get queued(): number {
    return this.#queue.bytes;
  }

  /** The virtual connection is open. */
  open(): void {
    this.#queue.unplug();
  }

  /** RPC PDUs of the run-time. */
  rpc(run: Uint8Array, count: number): void {
    this.#queue.offer(run, count);
    this.#recycleIfDue();
  }

  /** An RTS PDU for the client or for the outbound proxy. Those are not subject to flow control. */
  send(pdu: Uint8Array): void {
    this.#sendRts(pdu);
    this.#recycleIfDue();
  }

  /**
   * The client acknowledges to an outbound proxy: the one whose channel it names. The predecessor is still emptying its queue
   * when the default has changed already, and would wait for ever for an acknowledgement that went to the successor.
   */
  relayAck(pdu: Uint8Array, channelCookie: Uint8Array): void {
    const predecessor = this.#predecessor;
    const leg = predecessor !== undefined && sameBytes(predecessor.cookie, channelCookie) ? predecessor : this.#default;
    if (leg === predecessor) this.#acksRelayed++;
    leg.port.rts(pdu);
  }

  /** A FlowControlAck of an outbound proxy ([MS-RPCH] 3.2.1.5.1.2); one for another channel instance is dropped. */
  acknowledged(leg: ServerOutLeg, ack: FlowControlAck): void {
    if (leg !== this.#default) return;
    const former = leg.formerCookie !== undefined && sameBytes(ack.channelCookie, leg.formerCookie);
    if (!former && !sameBytes(ack.channelCookie, leg.cookie)) return;
    leg.window.acknowledged(ack, former);
    this.#queue.pump();
    this.#recycleIfDue();
  }

  /** An RTS PDU from an outbound proxy that is for the server itself. */
  rts(leg: ServerOutLeg, pdu: RtsPdu): void {
    if (PING_TRAFFIC_SENT_NOTIFY.matches(pdu)) {
      // [MS-RPCH] 3.2.5.5.14: valid in any state.
      leg.lifetime.tell(PING_TRAFFIC_SENT_NOTIFY.decode(pdu).pingTrafficSent);
      this.#recycleIfDue();
    } else if (leg === this.#default && this.#state.now === 'Opened_A4W' && OUT_R2_A4.matches(pdu)) {
      this.#successorInPlace(OUT_R2_A4.decode(pdu).successorCookie);
    } else {
      throw unexpectedRts(pdu, EXPECTED[this.#state.now], '[MS-RPCH] 3.2.5.5');
    }
  }

  /** OUT_R1/A4: another outbound proxy brings the successor ([MS-RPCH] 3.2.5.5.9). */
  succeed(port: ServerLegPort, a4: ServerOpening & { readonly kind: 'OUT_R1/A4' }): ServerOutLeg {
    const { version, predecessorCookie, successorCookie, channelLifetime, receiveWindowSize, connectionTimeout } = a4;
    if (this.#state.now !== 'Opened_A4W') {
      throw new ProtocolError('RPCH_RECYCLING', `OUT_R1/A4 in state ${this.#state.now}`, '[MS-RPCH] 3.2.5.5.9');
    }
    // The specification compares last; nothing may be sent before the cookie has been found right.
    assertCookie('OUT_R1/A4', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.5.5.9');
    const leg = new ServerOutLeg(port, successorCookie, receiveWindowSize, channelLifetime);
    this.#successor = leg;
    this.#patience.begin(this.#options.recyclingTimeout);
    this.#state.to('Opened_A8W', 'OUT_R1/A4');
    this.#sendRts(
      OUT_R1_A5.encode({ destination: Destination.FDClient, version: Math.min(1, version), connectionTimeout }),
    );
    return leg;
  }

  /** Whether a PDU with destination FDServer is the client's answer in a recycling; takes it if so. */
  takeA8(pdu: RtsPdu): boolean {
    // The inbound proxy passes OUT_R2/A7 on as it is, with a Version that OUT_R2/A8 does not have ([MS-RPCH] 2.2.4.40, 2.2.4.41).
    const row = OUT_R2_A7.matches(pdu) ? OUT_R2_A7 : OUT_R2_A8.matches(pdu) ? OUT_R2_A8 : undefined;
    if (row === undefined) return false;
    const { successorCookie } = row.decode(pdu);
    if (this.#state.now === 'Opened_A8W' && OUT_R1_A8.matches(pdu)) this.#switchToSuccessor(successorCookie);
    else if (this.#state.now === 'Opened_R2A8W') this.#renameInPlace(successorCookie);
    else throw unexpectedRts(pdu, EXPECTED[this.#state.now], '[MS-RPCH] 3.2.5.5');
    return true;
  }

  /** The predecessor's connection was closed. */
  closed(leg: ServerOutLeg): void {
    leg.closed = true;
    if (leg !== this.#predecessor) return;
    this.#predecessor = undefined;
    this.#farewell.end();
    this.#recycleIfDue();
  }

  tick(now: number): void {
    const predecessor = this.#predecessor;
    if (predecessor !== undefined && this.#farewell.exhausted(now, this.#acksRelayed)) {
      predecessor.port.close();
      this.closed(predecessor);
    }
    if (!this.#patience.exhausted(now)) return;
    this.#state.to(this.#state.now, 'time-out');
    this.#ended('recycling-timeout');
  }

  clear(): void {
    this.#queue.clear();
  }

  /**
   * [MS-RPCH] 3.2.5.4.1, 3.2.5.5.15. OUT_R2/A1 begins both variants, and is the same PDU as OUT_R1/A1: which proxy the client
   * will reach is not known yet.
   */
  #recycleIfDue(): void {
    const { lifetime } = this.#default;
    if (!lifetime.nearEnd && !this.#queue.waitsForSuccessor) return;
    if (this.#state.now !== 'Opened') return;
    if (!this.#port.mayRecycle) {
      // To the last byte, then: the session ends there.
      this.#queue.lifetime = undefined;
      this.#queue.pump();
      return;
    }
    this.#queue.lifetime = lifetime;
    // One predecessor at a time: while it empties its queue, its client has not got the successor yet.
    if (this.#predecessor !== undefined) return;
    this.#state.to('Opened_A4W', 'lifetime');
    this.#sendRts(OUT_R2_A1.encode({ destination: Destination.FDClient }));
  }

  /** [MS-RPCH] 3.2.5.5.11 */
  #successorInPlace(successorCookie: Uint8Array): void {
    this.#successorCookie = successorCookie;
    this.#patience.begin(this.#options.recyclingTimeout);
    this.#state.to('Opened_R2A8W', 'OUT_R2/A4');
    this.#sendRts(OUT_R2_A5.encode({ destination: Destination.FDClient }));
  }

  /**
   * [MS-RPCH] 3.2.5.5.12. OUT_R2/A4 carries no lifetime: the successor's is the predecessor's, from its beginning. After
   * OUT_R2/B2 the text has the server end all, while 3.2.4.5.12 has the proxy carry on: the server's word is the last.
   */
  #renameInPlace(successorCookie: Uint8Array): void {
    const leg = this.#default;
    const expected = this.#successorCookie;
    if (expected === undefined || !sameBytes(expected, successorCookie)) leg.port.rts(OUT_R2_B2.encode({}));
    assertCookie('OUT_R2/A8', successorCookie, expected, '[MS-RPCH] 3.2.5.5.12');
    this.#successorCookie = undefined;
    this.#patience.end();
    this.#state.to('Opened', 'OUT_R2/A8');
    // First of all: an outbound proxy in this process acknowledges under the new cookie while it is given OUT_R2/B1.
    leg.formerCookie = leg.cookie;
    leg.cookie = successorCookie;
    leg.window.renamed();
    leg.lifetime = new Lifetime(leg.lifetime.bytes);
    leg.port.rts(OUT_R2_B1.encode({}));
    this.#proceedOn(leg);
  }

  /** [MS-RPCH] 3.2.5.5.10 goes to opened state before it compares; nothing may have changed where the cookie is wrong. */
  #switchToSuccessor(successorCookie: Uint8Array): void {
    const [predecessor, successor] = [this.#default, this.#successor];
    assertCookie('OUT_R1/A8', successorCookie, successor?.cookie, '[MS-RPCH] 3.2.5.5.10');
    if (successor === undefined) return;
    this.#patience.end();
    this.#sendRts(OUT_R1_A9.encode({}));
    this.#state.to('Opened', 'OUT_R1/A8');
    this.#default = successor;
    this.#successor = undefined;
    predecessor.over = true;
    // A proxy in this process that had nothing left to send has closed while it was given OUT_R1/A9.
    this.#predecessor = predecessor.closed ? undefined : predecessor;
    this.#farewell.begin(this.#options.recyclingTimeout);
    this.#proceedOn(successor);
  }

  #proceedOn(leg: ServerOutLeg): void {
    this.#queue.window = leg.window;
    this.#queue.lifetime = leg.lifetime;
    this.#queue.pump();
    this.#recycleIfDue();
  }

  #sendRpc(run: Uint8Array, count: number): void {
    const { lifetime, port } = this.#default;
    if (run.length > lifetime.left) {
      this.#ended('out-channel-used-up');
      return;
    }
    lifetime.use(run.length);
    port.rpc(run, count);
  }

  #sendRts(pdu: Uint8Array): void {
    const { lifetime, port } = this.#default;
    if (pdu.length > lifetime.left) {
      this.#ended('out-channel-used-up');
      return;
    }
    lifetime.use(pdu.length);
    port.rts(pdu);
  }
}

const EXPECTED = {
  Opened: ['Ping Traffic Sent Notify'],
  Opened_A4W: ['OUT_R1/A4', 'OUT_R2/A4'],
  Opened_A8W: ['OUT_R1/A8'],
  Opened_R2A8W: ['OUT_R2/A8'],
} as const;

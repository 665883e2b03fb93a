import { ProtocolError } from '../errors.ts';
import { encodeAck } from './ack-codec.ts';
import { Destination } from './commands.ts';
import { assertCookie } from './cookies.ts';
import { ReceiveWindow } from './flow-control.ts';
import { Patience } from './patience.ts';
import { IN_R1_A3, IN_R1_A6, IN_R1_B1, IN_R1_B2, IN_R2_A2, IN_R2_A3 } from './pdus.ts';
import { type OnTransition, type RoleEnd, State } from './role.ts';
import { type RtsPdu, unexpectedRts } from './rts.ts';
import type { ServerLegPort, ServerOpening } from './server-opening.ts';

/** Where the server's virtual IN channel takes RPC PDUs. */
export interface ServerInPort {
  toRuntime(run: Uint8Array, count: number): void;
}

/** Where it sends PDUs for the client: the virtual OUT channel. */
export interface ToClient {
  send(pdu: Uint8Array): void;
}

export interface ServerInOptions {
  /** Window that inbound proxies are told, bytes. */
  readonly receiveWindow: number;
  /** How long the client's IN_R1/A5 may take, ms: the connection setup timer ([MS-RPCH] 3.2.5.5.5). */
  readonly setupTimeout: number;
  /** How long the predecessor may then take without a sign of life, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/** The connection of an inbound proxy: one instance of the IN channel at a time, or several in turn (IN_R2). */
export class ServerInLeg {
  readonly port: ServerLegPort;
  readonly receive: ReceiveWindow;
  cookie: Uint8Array;
  /** It has been replaced. */
  over = false;

  constructor(port: ServerLegPort, cookie: Uint8Array, receiveWindow: number) {
    this.port = port;
    this.cookie = cookie;
    this.receive = new ReceiveWindow(receiveWindow);
  }
}

/**
 * The virtual IN channel of an opened virtual connection at the server ([MS-RPCH] 3.2.5, 3.2.1.5.3.2, 3.2.1.5.3.3).
 *
 *     Opened --IN_R1/A2--> A6W --IN_R1/A6--> Opened_B1W --IN_R1/B1--> Opened
 *     Opened --IN_R2/A2--> Opened
 */
export class ServerIn {
  readonly #state: State<'Opened' | 'A6W' | 'Opened_B1W'>;
  readonly #port: ServerInPort;
  readonly #out: ToClient;
  readonly #ended: (end: RoleEnd) => void;
  readonly #options: ServerInOptions;
  readonly #patience = new Patience();
  #default: ServerInLeg;
  #successor: ServerInLeg | undefined;
  /** A successor that came before its predecessor had ended its own. */
  #next: { readonly leg: ServerInLeg; readonly a2: ServerOpening & { readonly kind: 'IN_R1/A2' } } | undefined;
  #blocked = false;

  constructor(
    port: ServerInPort,
    out: ToClient,
    ended: (end: RoleEnd) => void,
    options: ServerInOptions,
    leg: ServerInLeg,
  ) {
    this.#state = new State('server-in', 'Opened', options.onTransition);
    this.#port = port;
    this.#out = out;
    this.#ended = ended;
    this.#options = options;
    this.#default = leg;
  }

  /** RPC PDUs from an inbound proxy. */
  rpc(leg: ServerInLeg, run: Uint8Array, count: number): void {
    if (leg !== this.#default) {
      // The successor inbound proxy is plugged until IN_R1/B2.
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', 'RPC PDU from the successor inbound proxy', '[MS-RPCH] 3.2.5.5.7');
    }
    const { receive } = leg;
    if (!receive.received(run.length, count)) throw overrun();
    this.#port.toRuntime(run, count);
    receive.handedOn(run.length);
    this.#acknowledgeIfDue();
  }

  /** An RTS PDU from an inbound proxy that is for the server itself and carries no destination. */
  rts(leg: ServerInLeg, pdu: RtsPdu): void {
    const state = leg === this.#default ? this.#state.now : undefined;
    // IN_R2/A2 and IN_R1/A6 are the same PDU: the state tells them apart.
    if (state === 'Opened' && IN_R2_A2.matches(pdu)) this.#renameInPlace(pdu);
    else if (state === 'A6W' && IN_R1_A6.matches(pdu)) this.#predecessorKnows(pdu);
    else if (state === 'Opened_B1W' && IN_R1_B1.matches(pdu)) this.#switch();
    else throw unexpectedRts(pdu, EXPECTED[this.#state.now], '[MS-RPCH] 3.2.5.5');
  }

  /**
   * IN_R1/A2: another inbound proxy brings the successor ([MS-RPCH] 3.2.5.5.5). A client that has sent A5 may recycle again
   * before the server has B1, which comes on another connection: the next one then waits for it.
   */
  succeed(port: ServerLegPort, a2: ServerOpening & { readonly kind: 'IN_R1/A2' }): ServerInLeg {
    if (this.#next !== undefined) {
      throw new ProtocolError('RPCH_RECYCLING', `IN_R1/A2 in state ${this.#state.now}`, '[MS-RPCH] 3.2.5.5.5');
    }
    const leg = new ServerInLeg(port, a2.successorCookie, this.#options.receiveWindow);
    this.#next = { leg, a2 };
    this.#proceed();
    return leg;
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#default.receive.setBlocked(blocked);
    this.#acknowledgeIfDue();
    this.#proceed();
  }

  /** A PDU with destination FDInProxy. */
  toInboundProxy(pdu: Uint8Array): void {
    this.#default.port.rts(pdu);
  }

  tick(now: number): void {
    const { receive } = this.#default;
    if (receive.ackOverdue()) this.#acknowledge();
    // Who waits for the predecessor to empty its queue waits for our own run-time as well.
    const mark = this.#state.now === 'Opened_B1W' ? receive.bytesReceived : 0;
    if (!this.#patience.exhausted(now, mark, this.#blocked)) return;
    this.#state.to(this.#state.now, 'time-out');
    this.#ended('recycling-timeout');
  }

  /** Opened: the successor that waits, if any, begins to replace its predecessor. */
  #proceed(): void {
    if (this.#next === undefined || this.#state.now !== 'Opened') return;
    // Each successor has a window of its own. While the run-time takes nothing, that would add up.
    if (this.#blocked) return;
    const { leg, a2 } = this.#next;
    const { version, predecessorCookie, receiveWindowSize, connectionTimeout } = a2;
    this.#next = undefined;
    assertCookie('IN_R1/A2', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.5.5.5');
    this.#successor = leg;
    this.#patience.begin(this.#options.setupTimeout);
    this.#state.to('A6W', 'IN_R1/A2');
    this.#out.send(
      IN_R1_A3.encode({
        destination: Destination.FDClient,
        version: Math.min(1, version),
        receiveWindowSize,
        connectionTimeout,
      }),
    );
  }

  /** [MS-RPCH] 3.2.5.5.8: the proxy's connection goes on under the successor's cookie, and with its counts. */
  #renameInPlace(pdu: RtsPdu): void {
    this.#default.cookie = IN_R2_A2.decode(pdu).successorCookie;
    this.#state.to('Opened', 'IN_R2/A2');
    this.#out.send(IN_R2_A3.encode({ destination: Destination.FDClient }));
  }

  /** [MS-RPCH] 3.2.5.5.6 stops the clock here, though IN_R1/B1 is still to come: ours goes on. */
  #predecessorKnows(pdu: RtsPdu): void {
    const { successorCookie } = IN_R1_A6.decode(pdu);
    assertCookie('IN_R1/A6', successorCookie, this.#successor?.cookie, '[MS-RPCH] 3.2.5.5.6');
    this.#patience.begin(this.#options.recyclingTimeout);
    this.#state.to('Opened_B1W', 'IN_R1/A6');
  }

  /** [MS-RPCH] 3.2.5.5.7: the predecessor has sent everything. */
  #switch(): void {
    const [predecessor, successor] = [this.#default, this.#successor];
    if (successor === undefined) return;
    this.#default = successor;
    this.#successor = undefined;
    this.#patience.end();
    successor.receive.setBlocked(this.#blocked);
    this.#state.to('Opened', 'IN_R1/B1');
    successor.port.rts(IN_R1_B2.encode({ receiveWindowSize: this.#options.receiveWindow }));
    predecessor.over = true;
    predecessor.port.close();
    this.#proceed();
  }

  /** [MS-RPCH] 3.2.1.5.1.1, towards the inbound proxy. */
  #acknowledgeIfDue(): void {
    if (this.#default.receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    const { port, receive, cookie } = this.#default;
    port.rts(encodeAck(receive.acknowledge(cookie)));
  }
}

const EXPECTED = {
  Opened: ['IN_R2/A2'],
  A6W: ['IN_R1/A6 from the predecessor'],
  Opened_B1W: ['IN_R1/B1 from the predecessor'],
} as const;

function overrun(): ProtocolError {
  return new ProtocolError(
    'RPCH_WINDOW_OVERRUN',
    'the inbound proxy sent more than the window allows',
    '[MS-RPCH] 3.2.1.4.1',
  );
}

import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { COOKIE_LENGTH, Destination, type FlowControlAck } from './commands.ts';
import { ReceiveWindow } from './flow-control.ts';
import { Patience } from './patience.ts';
import {
  CONN_A1,
  OUT_R1_A2,
  OUT_R1_A3,
  OUT_R1_A6,
  OUT_R1_A7,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_B3,
  OUT_R2_C1,
} from './pdus.ts';
import { type OnTransition, type RoleEnd, SILENCE_FACTOR, State } from './role.ts';
import type { RtsPdu } from './rts.ts';

/** Content-Length of the first RPC_OUT_DATA request, CONN/A1, and of its successors, OUT_Rx/A3 and what ends it ([MS-RPCH] 2.1.2.1.2), bytes. */
const BODY = { first: 76, successor: 120 } as const;
/** What may wait of a successor beside RPC PDUs, bytes. */
const MAX_WAITING_RTS = 64 * 1024;

/** An RPC_OUT_DATA request, as the client role acts on it. */
export interface ClientOutPort {
  /** Sends a PDU in the request's body. */
  send(pdu: Uint8Array): void;
  /** It has been replaced: the connection is closed. */
  close(): void;
}

/** An RPC_OUT_DATA request, as its surroundings see it. */
export interface ClientOutChannel {
  /** The proxy answered 200 ([MS-RPCH] 3.2.2.5.2). */
  responded(): void;
  /** What comes in the body of the response. */
  readonly from: PduSink;
  /** It has been replaced: its close ends nothing. */
  readonly over: boolean;
}

/** What the client's virtual OUT channel needs of its surroundings. */
export interface ClientOutSurroundings {
  /** Opens a connection to the proxy and sends the request's head. What is written before it is open waits. */
  openOut(channel: ClientOutChannel, contentLength: number): ClientOutPort;
  toRuntime(run: Uint8Array, count: number): void;
  /** RTS PDUs that are not the OUT channel's own. */
  rts(pdu: Uint8Array): void;
  /** A PDU for the others, by way of the inbound proxy. */
  toOthers(pdu: Uint8Array): void;
  acknowledge(ack: FlowControlAck): void;
  /** The OUT channel moved to another outbound proxy. */
  moved(): void;
  ended(end: RoleEnd): void;
}

export interface ClientOutOptions {
  readonly virtualConnectionCookie: Uint8Array;
  /** Window that outbound proxies are told, bytes. */
  readonly receiveWindow: number;
  readonly random: (length: number) => Uint8Array;
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/** One instance of the OUT channel. */
class Instance {
  readonly cookie: Uint8Array;
  readonly receive: ReceiveWindow;
  port: ClientOutPort | undefined;
  responded = false;
  over = false;
  /** What came on a successor before the predecessor ended. */
  readonly waiting: { readonly pdus: Uint8Array; readonly count: number }[] = [];
  waitingRts = 0;

  constructor(cookie: Uint8Array, receiveWindow: number) {
    this.cookie = cookie;
    this.receive = new ReceiveWindow(receiveWindow);
  }
}

/**
 * The client's virtual OUT channel ([MS-RPCH] 3.2.2, 3.2.1.5.3.4, 3.2.1.5.3.5).
 *
 *     Opened --OUT_Rx/A2--> Opened_A6W --OUT_R1/A6--> Opened_A10W --OUT_R1/A10--> Opened
 *                           Opened_A6W --OUT_R2/A6--> B3W --OUT_R2/B3--> Opened
 *
 * The text knows a 200 only at the first request (3.2.2.5.2); the sequences need it at each (3.2.4.5.9 to .11). In OUT_R2
 * the successor may speak before the predecessor has ended, on another connection: what it says waits until B3.
 */
export class ClientOut {
  readonly #state: State<'Opened' | 'Opened_A6W' | 'Opened_A10W' | 'B3W'>;
  readonly #surroundings: ClientOutSurroundings;
  readonly #options: ClientOutOptions;
  readonly #patience = new Patience();
  readonly #silence = new Patience();
  #default: Instance;
  #successor: Instance | undefined;
  #blocked = false;
  /** Successors opened since the run-time takes nothing, and whether OUT_Rx/A2 waits for it to take something. */
  #openedWhileBlocked = 0;
  #isAsked = false;
  /** PDUs that came on default instances. */
  #heard = 0;

  constructor(surroundings: ClientOutSurroundings, options: ClientOutOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
    this.#state = new State('client-out', 'Opened', options.onTransition);
    this.#default = new Instance(options.random(COOKIE_LENGTH), options.receiveWindow);
  }

  /** Whether the first request has been answered. */
  get responded(): boolean {
    return this.#default.responded;
  }

  /** RPC PDU bytes of a successor that wait for the end of its predecessor. */
  get held(): number {
    return this.#successor?.receive.bytesReceived ?? 0;
  }

  /** Sends the first request, and CONN/A1. */
  open(answered: () => void): void {
    const { virtualConnectionCookie, receiveWindow: receiveWindowSize } = this.#options;
    const { cookie: outChannelCookie } = this.#default;
    const port = this.#surroundings.openOut(this.#handle(this.#default, answered), BODY.first);
    this.#default.port = port;
    port.send(CONN_A1.encode({ version: 1, virtualConnectionCookie, outChannelCookie, receiveWindowSize }));
  }

  /**
   * The outbound proxy sends something within this time, a Ping if need be ([MS-RPCH] 3.2.4.6), ms: CONN/A3 and OUT_R1/A6 say
   * so. One that is silent for twice as long is not there any more, whatever TCP thinks.
   */
  expectWithin(connectionTimeout: number): void {
    this.#silence.begin(connectionTimeout * SILENCE_FACTOR);
  }

  /** Takes a PDU of the recycling of this channel; false for any other, and where it must not come. */
  take(pdu: RtsPdu): boolean {
    const state = this.#state.now;
    const successor = this.#successor;
    if (state === 'Opened' && OUT_R1_A2.matches(pdu) && !this.#isAsked) this.#succeedIfBounded();
    else if (successor === undefined) return false;
    else if (state === 'Opened_A6W' && OUT_R1_A6.matches(pdu)) this.#confirmR1(successor, pdu);
    else if (state === 'Opened_A6W' && OUT_R2_A6.matches(pdu)) this.#confirmR2(successor);
    else if (state === 'Opened_A10W' && OUT_R1_A10.matches(pdu)) this.#switch(successor, 'OUT_R1/A10');
    else if (state === 'B3W' && OUT_R2_B3.matches(pdu)) this.#switch(successor, 'OUT_R2/B3');
    else return false;
    return true;
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#default.receive.setBlocked(blocked);
    this.#acknowledgeIfDue();
    if (blocked) return;
    this.#openedWhileBlocked = 0;
    if (this.#isAsked) this.#openSuccessor();
  }

  tick(now: number): void {
    if (this.#default.receive.ackOverdue()) this.#acknowledge();
    if (this.#patience.exhausted(now, this.#heard, this.#blocked)) {
      this.#state.to(this.#state.now, 'time-out');
      this.#surroundings.ended('recycling-timeout');
    } else if (this.#silence.exhausted(now, this.#heard, this.#blocked)) {
      this.#surroundings.ended('out-silent');
    }
  }

  #handle(instance: Instance, answered: () => void): ClientOutChannel {
    return {
      responded: () => {
        if (instance.responded) return;
        instance.responded = true;
        answered();
      },
      from: {
        rpc: (run, count) => {
          if (!instance.over) this.#rpc(instance, run, count);
        },
        rts: (pdu) => {
          if (!instance.over) this.#rts(instance, pdu);
        },
      },
      get over() {
        return instance.over;
      },
    };
  }

  #rpc(instance: Instance, run: Uint8Array, count: number): void {
    if (instance === this.#default) this.#heard++;
    const { receive } = instance;
    const within = receive.received(run.length, count);
    if (instance !== this.#default) {
      if (!within) throw flood();
      this.#wait(instance, run, count);
      return;
    }
    // A peer that overruns the window is held by TCP, as Windows' client holds it.
    this.#surroundings.toRuntime(run, count);
    receive.handedOn(run.length);
    this.#acknowledgeIfDue();
  }

  #rts(instance: Instance, pdu: Uint8Array): void {
    if (instance === this.#default) {
      this.#heard++;
      this.#surroundings.rts(pdu);
      return;
    }
    instance.waitingRts += pdu.length;
    if (instance.waitingRts > MAX_WAITING_RTS) throw flood();
    this.#wait(instance, pdu, 0);
  }

  /** `count` is 0 for an RTS PDU. */
  #wait(instance: Instance, pdus: Uint8Array, count: number): void {
    if (this.#state.now !== 'B3W') {
      throw new ProtocolError(
        'RPCH_RECYCLING',
        `PDU on a successor channel in state ${this.#state.now}`,
        '[MS-RPCH] 3.2.2.5',
      );
    }
    // Not slice(): that of a Buffer is a view, and the view is only lent.
    instance.waiting.push({ pdus: new Uint8Array(pdus), count });
  }

  /**
   * Each successor has a window of its own. While the run-time takes nothing that would add up, so there is one (gromox waits
   * for it no longer than 10 s), and the next when it takes something.
   */
  #succeedIfBounded(): void {
    this.#isAsked = this.#blocked && this.#openedWhileBlocked > 0;
    if (!this.#isAsked) this.#openSuccessor();
  }

  /** [MS-RPCH] 3.2.2.5.6 */
  #openSuccessor(): void {
    const { virtualConnectionCookie, receiveWindow: receiveWindowSize, random, recyclingTimeout } = this.#options;
    const successor = new Instance(random(COOKIE_LENGTH), receiveWindowSize);
    this.#isAsked = false;
    if (this.#blocked) this.#openedWhileBlocked++;
    this.#successor = successor;
    this.#patience.begin(recyclingTimeout);
    this.#state.to('Opened_A6W', 'OUT_Rx/A2');
    const port = this.#surroundings.openOut(
      this.#handle(successor, () => {}),
      BODY.successor,
    );
    successor.port = port;
    port.send(
      OUT_R1_A3.encode({
        version: 1,
        virtualConnectionCookie,
        predecessorCookie: this.#default.cookie,
        successorCookie: successor.cookie,
        receiveWindowSize,
      }),
    );
  }

  /** [MS-RPCH] 3.2.2.5.7 */
  #confirmR1({ cookie: successorCookie }: Instance, pdu: RtsPdu): void {
    this.expectWithin(OUT_R1_A6.decode(pdu).connectionTimeout);
    this.#state.to('Opened_A10W', 'OUT_R1/A6');
    this.#surroundings.toOthers(OUT_R1_A7.encode({ destination: Destination.FDServer, successorCookie }));
  }

  /**
   * [MS-RPCH] 3.2.2.5.9 has A7 before C1. They go on different connections, so nobody can see that order; but A7 lets the
   * server go on, and gromox drops a successor on which C1 is not in by then.
   */
  #confirmR2({ cookie: successorCookie, port }: Instance): void {
    this.#state.to('B3W', 'OUT_R2/A6');
    port?.send(OUT_R2_C1.encode({}));
    this.#surroundings.toOthers(OUT_R2_A7.encode({ destination: Destination.FDServer, successorCookie, version: 1 }));
  }

  /** [MS-RPCH] 3.2.2.5.8, 3.2.2.5.10: nothing that follows on the predecessor counts (‹46›, ‹48›, ‹49›). */
  #switch(successor: Instance, event: 'OUT_R1/A10' | 'OUT_R2/B3'): void {
    const predecessor = this.#default;
    this.#patience.end();
    this.#successor = undefined;
    this.#default = successor;
    successor.receive.setBlocked(this.#blocked);
    predecessor.over = true;
    this.#state.to('Opened', event);
    if (event === 'OUT_R1/A10') successor.port?.send(OUT_R1_A11.encode({}));
    predecessor.port?.close();
    for (const { pdus, count } of successor.waiting.splice(0)) {
      if (count === 0) {
        this.#surroundings.rts(pdus);
      } else {
        this.#surroundings.toRuntime(pdus, count);
        successor.receive.handedOn(pdus.length);
      }
    }
    this.#acknowledgeIfDue();
    if (event === 'OUT_R1/A10') this.#surroundings.moved();
  }

  /** [MS-RPCH] 3.2.1.5.1.1 */
  #acknowledgeIfDue(): void {
    if (this.#default.receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    const { receive, cookie } = this.#default;
    this.#surroundings.acknowledge(receive.acknowledge(cookie));
  }
}

function flood(): ProtocolError {
  return new ProtocolError(
    'RPCH_WINDOW_OVERRUN',
    'a successor channel sent more than its window before the predecessor ended',
    '[MS-RPCH] 3.2.1.4.1',
  );
}

import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAck } from './ack-codec.ts';
import type { ClientConduct } from './client-conduct.ts';
import { CLIENT_KEEPALIVE, Destination } from './commands.ts';
import { assertCookie } from './cookies.ts';
import { SendWindow } from './flow-control.ts';
import { InboundInstance } from './inbound-instance.ts';
import type { InboundClient, InboundClientPort, InboundProxyOptions, InboundProxyPort } from './inbound-proxy-port.ts';
import { Patience } from './patience.ts';
import {
  CONN_B2,
  CONN_B3,
  IN_R1_A2,
  IN_R1_A5,
  IN_R1_A6,
  IN_R1_B1,
  IN_R1_B2,
  IN_R2_A2,
  KEEP_ALIVE,
  PING_PDU,
} from './pdus.ts';
import type { InOpening } from './proxy-opening.ts';
import { BLOCKED_IN_CALL, type RoleEnd, State } from './role.ts';
import { destinationOf, parseRts, type RtsPdu, unexpectedRts } from './rts.ts';
import { SendQueue } from './send-queue.ts';

/** Cookies of predecessors by which the server may still name the channel: more recyclings than this are never under way. */
const MAX_FORMER_COOKIES = 8;

/**
 * The inbound proxy of one virtual IN channel ([MS-RPCH] 3.2.3): a state machine without sockets or clocks. The first PDU
 * of its first connection is read by whoever makes it (Open_Start).
 *
 *     Connecting --CONN/B2 out--> B3W --CONN/B3--> Opened
 *     Connecting --IN_R1/A2 out--> Wait_B2 --IN_R1/B2--> Opened                        successor proxy
 *     Opened --IN_R2/A1--> Opened_A5W --IN_R2/A5--> Opened                             the same proxy
 *     Opened --IN_R1/A5--> Flushing --queue empty, IN_R1/B1 out--> Finished            predecessor proxy
 *
 * A PDU that must not come throws {@link ProtocolError} out of the sink that it was given to; the caller ends all legs.
 */
export class InboundProxy {
  /** The connection that it was made with. */
  readonly client: InboundClient;
  readonly #state: State<'Connecting' | 'B3W' | 'Wait_B2' | 'Opened' | 'Opened_A5W' | 'Flushing' | 'Finished'>;
  readonly #port: InboundProxyPort;
  readonly #options: InboundProxyOptions;
  /** Until the server is connected. */
  #opening: InOpening | undefined;
  readonly #queue: SendQueue;
  readonly #patience = new Patience();
  #conduct: ClientConduct;
  #default: InboundInstance;
  #successor: InboundInstance | undefined;
  /** A successor that came before its predecessor was opened, or had ended its own predecessor. */
  #next: { readonly instance: InboundInstance; readonly a1: InOpening & { readonly kind: 'IN_R/A1' } } | undefined;
  /** A5 that came before the server was ready: the successor's cookie. */
  #earlyA5: Uint8Array | undefined;
  /** RPC PDUs of the successor, which wait for IN_R2/A5 on the predecessor. */
  #successorQueue: SendQueue | undefined;
  /** Bytes in the queue that came on predecessors. */
  #predecessorBytes = 0;
  #receivedBefore = 0;
  /** By which cookies the server may name this channel: the present one, and former ones until it has used a later one. */
  #serverCookie: Uint8Array;
  #formerServerCookies: Uint8Array[] = [];
  #serverBlocked = false;
  /** bytesReceived when an undecided client fell silent with hardly any window left, and when that was. */
  #silentAt = -1;
  #silentSince = 0;

  /** @param opening what the client's first PDU was: CONN/B1, or IN_R/A1 of a virtual channel that is at another proxy. */
  constructor(port: InboundProxyPort, options: InboundProxyOptions, client: InboundClientPort, opening: InOpening) {
    this.#port = port;
    this.#options = options;
    this.#conduct = options.conduct;
    this.#opening = opening;
    this.#state = new State('inbound', 'Connecting', options.onTransition);
    const cookie = opening.kind === 'CONN/B1' ? opening.inChannelCookie : opening.successorCookie;
    this.#serverCookie = cookie;
    this.#default = new InboundInstance(client, cookie, options.receiveWindow);
    this.client = this.#handle(this.#default);
    this.#queue = new SendQueue((run, count) => {
      port.toServer.rpc(run, count);
      this.#consumed(run.length);
    });
    if (opening.kind === 'CONN/B1') port.keepAlive(keepaliveInterval(opening.clientKeepalive));
  }

  get state(): string {
    return this.#state.now;
  }

  /** RPC PDU bytes from the client that wait for the server. */
  get held(): number {
    return this.#default.receive.held + (this.#successor?.receive.held ?? 0) + this.#predecessorBytes;
  }

  /** RPC PDU bytes received from the client, in all. */
  get bytesReceived(): number {
    return this.#receivedBefore + this.#default.receive.bytesReceived + (this.#successor?.receive.bytesReceived ?? 0);
  }

  /** What comes from the server. */
  readonly fromServer: PduSink = {
    rpc: () => {
      throw new ProtocolError('RPCH_RPC_ON_IN', 'RPC PDU from the server on the IN channel', '[MS-RPCH] 3.2.3.5.2');
    },
    rts: (pdu) => this.#rtsFromServer(pdu),
  };

  /**
   * The leg to the server is open ([MS-RPCH] 3.2.3.5.3, 3.2.3.5.5.2).
   * @param conduct shared with the other proxy role of the virtual connection, where both are in one process: then each
   *   knows what the other saw of the client.
   */
  serverConnected(conduct = this.#conduct): void {
    this.#conduct = conduct;
    const opening = this.#opening;
    if (this.#state.now !== 'Connecting' || opening === undefined) return;
    this.#opening = undefined;
    const { receiveWindow: receiveWindowSize, connectionTimeout, clientAddress, recyclingTimeout } = this.#options;
    const { virtualConnectionCookie } = opening;
    const version = Math.min(1, opening.version);
    if (opening.kind === 'CONN/B1') {
      const { inChannelCookie, associationGroupId } = opening;
      this.#state.to('B3W', 'CONN/B1');
      this.#port.toServer.rts(
        CONN_B2.encode({
          version,
          virtualConnectionCookie,
          inChannelCookie,
          receiveWindowSize,
          connectionTimeout,
          associationGroupId,
          clientAddress,
        }),
      );
    } else {
      const { predecessorCookie, successorCookie } = opening;
      // Whoever recycles knows RTS PDUs.
      conduct.showsRts();
      this.#patience.begin(recyclingTimeout);
      this.#state.to('Wait_B2', 'IN_R1/A1');
      this.#port.toServer.rts(
        IN_R1_A2.encode({
          version,
          virtualConnectionCookie,
          predecessorCookie,
          successorCookie,
          receiveWindowSize,
          connectionTimeout,
        }),
      );
    }
  }

  /**
   * IN_R2/A1: the client opens a successor at this proxy ([MS-RPCH] 3.2.3.5.5.1). The text demands that the virtual channel is
   * opened; but IN_R1/B2 and IN_R2/A5 come on other connections than this PDU, which may overtake them, so it waits for
   * them. Throws ProtocolError, upon which all connections of the virtual IN channel are closed.
   */
  succeed(client: InboundClientPort, a1: InOpening): InboundClient {
    const state = this.#state.now;
    const isEarly = state === 'B3W' || state === 'Wait_B2' || state === 'Opened_A5W';
    if (a1.kind !== 'IN_R/A1' || this.#next !== undefined || (state !== 'Opened' && !isEarly)) {
      throw new ProtocolError('RPCH_RECYCLING', `${a1.kind} in state ${state}`, '[MS-RPCH] 3.2.3.5.5.1');
    }
    const instance = new InboundInstance(client, a1.successorCookie, this.#options.receiveWindow);
    this.#next = { instance, a1 };
    this.#proceed();
    return this.#handle(instance);
  }

  /** The leg to the server takes no more for now, or takes it again. */
  serverBlocked(blocked: boolean): void {
    this.#serverBlocked = blocked;
    this.#default.receive.setBlocked(blocked);
    this.#successor?.receive.setBlocked(blocked);
    this.#settle();
    this.#proceed();
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state.now === 'Finished') return;
    // A client that is held back cannot send IN_R2/A5, and what moves is no standstill.
    const mark = this.#queue.bytes + this.#default.receive.bytesReceived;
    if (this.#patience.exhausted(now, mark, this.#default.isHeld)) {
      this.#finish('recycling-timeout');
      return;
    }
    if (!this.#passes) return;
    const conduct = this.#conduct;
    const { receive } = this.#default;
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

  /**
   * Opened: the successor that waits, if any, begins to replace its predecessor. 3.2.3.5.5.1 makes its cookie the default one
   * here, 3.2.3.5.8 may still find it to be the wrong one: towards the client the predecessor's stays until then.
   */
  #proceed(): void {
    if (this.#next === undefined || this.#state.now !== 'Opened') return;
    // Each successor has a window of its own. While the predecessors' bytes wait for the server, that would add up.
    if (this.#predecessorBytes > 0 || this.#serverBlocked) return;
    const { instance, a1 } = this.#next;
    const { predecessorCookie, successorCookie } = a1;
    this.#next = undefined;
    assertCookie('IN_R2/A1', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.3.5.5.1');
    this.#successor = instance;
    this.#successorQueue = new SendQueue((run, count) => this.#queue.offer(run, count));
    this.#formerServerCookies = [...this.#formerServerCookies, this.#serverCookie].slice(-MAX_FORMER_COOKIES);
    this.#serverCookie = successorCookie;
    this.#queue.window?.renamed();
    this.#conduct.showsRts();
    this.#patience.begin(this.#options.recyclingTimeout);
    this.#state.to('Opened_A5W', 'IN_R2/A1');
    // 3.2.3.5.5.1 forgets this PDU; 2.2.4.19 and figure 19 have it.
    this.#port.toServer.rts(IN_R2_A2.encode({ successorCookie }));
  }

  /** Whether the default instance's RPC PDUs go on to the server. */
  get #passes(): boolean {
    return this.#state.now === 'Opened' || this.#state.now === 'Opened_A5W';
  }

  #handle(instance: InboundInstance): InboundClient {
    return {
      from: {
        rpc: (run, count) => this.#rpcFromClient(instance, run, count),
        rts: (pdu) => this.#rtsFromClient(instance, pdu),
      },
      get over() {
        return instance.over;
      },
    };
  }

  #rpcFromClient(instance: InboundInstance, run: Uint8Array, count: number): void {
    const state = this.#state.now;
    if (state === 'Finished' || instance.over) return;
    if (state === 'Connecting' || instance === this.#next?.instance) {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${state}`, '[MS-RPCH] 3.2.3.5.2');
    }
    const conduct = this.#conduct;
    const { receive } = instance;
    if (!receive.received(run.length, count)) {
      conduct.showsNone();
      // Who never acknowledges does not recycle: here TCP holds only what is read no more, not what is being read.
      if (instance === this.#successor) throw overrun();
    }
    if (conduct.state === 'undecided') {
      conduct.fromClient(run);
      if (receive.advertised <= conduct.largestPdu) this.#port.wakeAfter(BLOCKED_IN_CALL);
    }
    if (instance === this.#successor) this.#successorQueue?.offer(run, count);
    else this.#queue.offer(run, count);
    this.#settle();
  }

  #rtsFromClient(instance: InboundInstance, bytes: Uint8Array): void {
    const state = this.#state.now;
    if (state === 'Finished' || instance.over) return;
    if (state === 'Connecting') throw unexpectedRts(parseRts(bytes), [], '[MS-RPCH] 3.2.3.5');
    if (ackDestination(bytes) === Destination.FDOutProxy) {
      this.#relay(bytes);
      return;
    }
    const pdu = parseRts(bytes);
    if (KEEP_ALIVE.matches(pdu)) {
      this.#port.keepAlive(keepaliveInterval(KEEP_ALIVE.decode(pdu).clientKeepalive));
    } else if (isForOthers(pdu)) {
      this.#relay(bytes);
      return;
    } else if (IN_R1_A5.matches(pdu) && instance === this.#default) {
      this.#takeA5(instance, IN_R1_A5.decode(pdu).successorCookie);
      return;
    } else if (!PING_PDU.matches(pdu)) {
      // A client that is silent is no dead one: Samba's never pings, FreeRDP's and impacket's only when they are pinged.
      throw unexpectedRts(pdu, ['Ping', 'Keep-Alive', 'a PDU for the others', 'IN_R1/A5'], '[MS-RPCH] 3.2.3.5');
    }
    this.#conduct.showsRts();
    this.#settle();
  }

  /**
   * [MS-RPCH] 3.2.1.5.2: passed on as it is, and at once. CONN/C2, and with it the client's first acknowledgement, may
   * overtake CONN/B3. While an instance is plugged it must pass what is plugged: the server may be waiting for the
   * acknowledgement of its answers before it takes the requests without which the predecessor cannot end.
   */
  #relay(bytes: Uint8Array): void {
    this.#port.toServer.rts(bytes);
    this.#conduct.showsRts();
    this.#settle();
  }

  /**
   * [MS-RPCH] 3.2.3.5.6 wants A5 in opened state only. Where CONN/C2 and all that follows overtake CONN/B3, a client with much
   * to say may have ended this instance before; A5 then waits for the server as what came before it does.
   */
  #takeA5(instance: InboundInstance, successorCookie: Uint8Array): void {
    if (this.#passes) {
      this.#predecessorEnds(successorCookie);
    } else {
      this.#earlyA5 = successorCookie;
      instance.over = true;
    }
  }

  /** A5, one PDU with two meanings: what it means depends on whether the successor is here ([MS-RPCH] 3.2.3.5.6, 3.2.3.5.8). */
  #predecessorEnds(successorCookie: Uint8Array): void {
    const successor = this.#successor;
    if (successor === undefined) {
      this.#default.over = true;
      this.#port.toServer.rts(IN_R1_A6.encode({ successorCookie }));
      this.#patience.begin(this.#options.recyclingTimeout);
      this.#state.to('Flushing', 'IN_R1/A5');
      this.#port.leaving();
      this.#flushed();
      return;
    }
    this.#patience.end();
    this.#successor = undefined;
    if (!sameBytes(successor.cookie, successorCookie)) {
      this.#receivedBefore += successor.receive.bytesReceived;
      this.#successorQueue = undefined;
      this.#state.to('Opened', 'IN_R2/A5 of another successor');
      successor.end();
      this.#proceed();
      return;
    }
    const predecessor = this.#default;
    this.#receivedBefore += predecessor.receive.bytesReceived;
    this.#predecessorBytes = this.#queue.bytes;
    this.#default = successor;
    this.#state.to('Opened', 'IN_R2/A5');
    predecessor.end();
    const waiting = this.#successorQueue;
    this.#successorQueue = undefined;
    waiting?.unplug();
    this.#greet();
    this.#settle();
    this.#proceed();
  }

  #rtsFromServer(bytes: Uint8Array): void {
    const state = this.#state.now;
    if (state === 'Finished') return;
    if (state === 'B3W') {
      this.#serverReady(CONN_B3.decode(parseRts(bytes)).receiveWindowSize, 'CONN/B3');
    } else if (state === 'Wait_B2') {
      this.#patience.end();
      this.#serverReady(IN_R1_B2.decode(parseRts(bytes)).receiveWindowSize, 'IN_R1/B2');
    } else if (state === 'Connecting') {
      throw unexpectedRts(parseRts(bytes), [], '[MS-RPCH] 3.2.3.5');
    } else {
      const ack = readAck(bytes);
      if (ack === undefined) throw unexpectedRts(parseRts(bytes), ['FlowControlAck'], '[MS-RPCH] 3.2.3.5');
      const isPresent = sameBytes(ack.channelCookie, this.#serverCookie);
      if (isPresent) this.#formerServerCookies = [];
      // [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped.
      else if (!this.#formerServerCookies.some((cookie) => sameBytes(ack.channelCookie, cookie))) return;
      this.#queue.window?.acknowledged(ack, !isPresent);
      this.#queue.pump();
      this.#flushed();
    }
    this.#settle();
  }

  #serverReady(receiveWindowSize: number, event: string): void {
    this.#queue.window = new SendWindow(receiveWindowSize);
    this.#state.to('Opened', event);
    this.#port.opened();
    this.#queue.unplug();
    if (this.#earlyA5 !== undefined) {
      this.#predecessorEnds(this.#earlyA5);
      return;
    }
    if (event === 'IN_R1/B2') this.#greet();
    this.#proceed();
  }

  /**
   * Acknowledges a successor as soon as it carries on, whatever it has carried: so its client learns that the recycling is
   * complete, which no PDU of the sequences tells it, and may begin another one.
   */
  #greet(): void {
    if (this.#conduct.takesRts) this.#acknowledge();
  }

  /** [MS-RPCH] 3.2.3.5.6: the last of what flow control held back is followed by IN_R1/B1. */
  #flushed(): void {
    if (this.#state.now !== 'Flushing' || this.#queue.bytes > 0) return;
    this.#port.toServer.rts(IN_R1_B1.encode({}));
    this.#finish('recycled');
  }

  /** Bytes went on to the server: those of predecessors first, who are not acknowledged any more. */
  #consumed(length: number): void {
    const old = Math.min(length, this.#predecessorBytes);
    this.#predecessorBytes -= old;
    if (length > old) this.#default.receive.handedOn(length - old);
    if (old > 0) this.#proceed();
  }

  /** After anything that moved PDUs or judged the client: acknowledge, and let TCP hold the client or let it go. */
  #settle(): void {
    const instance = this.#default;
    if (instance.receive.ackDue && this.#passes && this.#conduct.takesRts) this.#acknowledge();
    if (!instance.over) instance.hold();
    this.#successor?.hold();
  }

  /** [MS-RPCH] 3.2.1.5.1.1. The client is reached by way of the server and the outbound proxy. */
  #acknowledge(): void {
    const { receive, cookie } = this.#default;
    this.#port.toServer.rts(encodeAck(receive.acknowledge(cookie), Destination.FDClient));
  }

  /** Whether an undecided client stopped in the middle of a call, with hardly any window left, for so long that it must wait. */
  #waits(now: number): boolean {
    const { port, receive } = this.#default;
    if (port.pending > 0 || !this.#conduct.insideCall) {
      this.#silentAt = -1;
      return false;
    }
    if (this.#silentAt !== receive.bytesReceived) {
      this.#silentAt = receive.bytesReceived;
      this.#silentSince = now;
      this.#port.wakeAfter(BLOCKED_IN_CALL);
    }
    return now - this.#silentSince >= BLOCKED_IN_CALL;
  }

  #finish(end: RoleEnd): void {
    this.#state.to('Finished', end);
    this.#queue.clear();
    this.#successorQueue?.clear();
    this.#port.ended(end);
  }
}

/** On the wire 0 means the default; gromox raises what is below the minimum, and so do we ([MS-RPCH] 2.2.3.5.6). */
function keepaliveInterval(value: number): number {
  return value === 0 ? CLIENT_KEEPALIVE.default : Math.max(value, CLIENT_KEEPALIVE.min);
}

function isForOthers(pdu: RtsPdu): boolean {
  const destination = destinationOf(pdu);
  return destination === Destination.FDServer || destination === Destination.FDOutProxy;
}

function overrun(): ProtocolError {
  return new ProtocolError('RPCH_WINDOW_OVERRUN', 'the client sent more than the window allows', '[MS-RPCH] 3.2.1.4.1');
}

import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, encodeAck, readAckWithDestination } from './ack-codec.ts';
import type { ClientConduct } from './client-conduct.ts';
import { Destination } from './commands.ts';
import { assertCookie } from './cookies.ts';
import { ReceiveWindow } from './flow-control.ts';
import { type DrainedChannel, OutboundDrain } from './outbound-drain.ts';
import { OutboundInstance } from './outbound-instance.ts';
import type {
  OutboundClient,
  OutboundClientPort,
  OutboundProxyOptions,
  OutboundProxyPort,
} from './outbound-proxy-port.ts';
import { Patience } from './patience.ts';
import {
  CONN_A2,
  CONN_A3,
  CONN_C1,
  CONN_C2,
  OUT_R1_A4,
  OUT_R1_A9,
  OUT_R1_A10,
  OUT_R1_A11,
  OUT_R2_A1,
  OUT_R2_A4,
  OUT_R2_B2,
  OUT_R2_B3,
  OUT_R2_C1,
  PING_PDU,
  PING_TRAFFIC_SENT_NOTIFY,
} from './pdus.ts';
import { PingOriginator } from './ping-originator.ts';
import type { OutOpening } from './proxy-opening.ts';
import { ACK_OWED, type RoleEnd, State } from './role.ts';
import { destinationOf, parseRts, unexpectedRts } from './rts.ts';

/** Bytes of Pings after which the server is told of them ([MS-RPCH] 3.2.4.6; Windows' figure). */
const PING_TRAFFIC_REPORTED = 1031;

/**
 * The outbound proxy of one virtual OUT channel ([MS-RPCH] 3.2.4): a state machine without sockets or clocks. The first PDU
 * of its first connection is read by whoever makes it (Open_Start).
 *
 *     Connecting --CONN/A2 out--> C1W --CONN/C1--> Opened
 *     Connecting --OUT_R1/A4 out--> A11W --OUT_R1/A11--> Opened                            successor proxy
 *     Opened --OUT_R1/A9--> Flushing_A10 --queue empty, OUT_R1/A10 out--> Finished         predecessor proxy
 *     Opened --OUT_R2/A3--> B1OrC1W --OUT_R2/C1--> B1W --OUT_R2/B1--> Flushing_B3 --queue empty, B3 out--> Opened
 *                           B1OrC1W --OUT_R2/B1--> Flushing_B3 --queue empty, B3 out--> R2C1W --OUT_R2/C1--> Opened
 *
 * 3.2.4.5.10 unplugs the successor at B1 even where C1 is still to come, and with it the response that must come before
 * any PDU; here it stays plugged until both have come. A PDU that must not come throws {@link ProtocolError} out of the
 * sink that it was given to; the caller ends all legs.
 */
export class OutboundProxy {
  /** The connection that it was made with. */
  readonly client: OutboundClient;
  readonly #state: State<
    'Connecting' | 'C1W' | 'A11W' | 'Opened' | 'B1OrC1W' | 'B1W' | 'R2C1W' | 'Flushing_A10' | 'Flushing_B3' | 'Finished'
  >;
  readonly #port: OutboundProxyPort;
  readonly #options: OutboundProxyOptions;
  /** Until the server is connected. */
  #opening: OutOpening | undefined;
  readonly #receive: ReceiveWindow;
  readonly #patience = new Patience();
  #conduct: ClientConduct;
  /** Where PDUs from the server go. */
  #default: OutboundInstance;
  #successor: OutboundInstance | undefined;
  /** After OUT_R2/B1: it has to send what waits, and OUT_R2/B3. */
  #predecessor: OutboundInstance | undefined;
  /** OUT_R2/C1 is in. */
  #confirmedByClient = false;
  readonly #pings = new PingOriginator();
  /** Bytes of the default instance that the server does not know of: CONN/A3, and Pings not yet reported. */
  #unreported = 0;
  #pingTraffic = 0;
  /** When the client began to owe an acknowledgement without which nothing more can be sent. */
  #owedSince: number | undefined;
  /** OUT_R2/A1 was passed on, and nothing has come of it yet. */
  #awaitsSuccessor = false;
  #drain: OutboundDrain | undefined;

  /** @param opening what the client's first PDU was: CONN/A1, or OUT_R/A3 of a virtual channel that is at another proxy. */
  constructor(port: OutboundProxyPort, options: OutboundProxyOptions, client: OutboundClientPort, opening: OutOpening) {
    this.#port = port;
    this.#options = options;
    this.#conduct = options.conduct;
    this.#opening = opening;
    this.#state = new State('outbound', 'Connecting', options.onTransition);
    this.#receive = new ReceiveWindow(options.receiveWindow);
    const cookie = opening.kind === 'CONN/A1' ? opening.outChannelCookie : opening.successorCookie;
    this.#default = this.#instance(client, cookie, opening.receiveWindowSize, opening.kind === 'OUT_R/A3');
    this.client = this.#handle(this.#default);
  }

  get state(): string {
    return this.#state.now;
  }

  /** Whether the channel is being recycled: the client was asked for a successor, or is on its way to it. */
  get recycles(): boolean {
    const state = this.#state.now;
    return this.#awaitsSuccessor || (state !== 'Opened' && state !== 'Connecting' && state !== 'C1W');
  }

  /** RPC PDU bytes from the server that wait for the client. */
  get held(): number {
    return this.#receive.held;
  }

  /**
   * RPC PDU bytes for which the client has window, less those that wait: while this is little, the server's leg need not
   * be read. Only a client that is known to acknowledge is waited for in this way; of others it must be seen whether they
   * do. While the predecessor empties its queue, the end of a recycling may have to be read: nothing is held back then.
   */
  get room(): number {
    if (!this.#conduct.takesRts || this.#state.now !== 'Opened') return Number.POSITIVE_INFINITY;
    return this.#default.window.available - this.#default.queue.bytes;
  }

  /** The window that the client announced, bytes. */
  get clientWindow(): number {
    return this.#default.window.advertised;
  }

  /** RPC PDU bytes received from the server, in all. */
  get bytesReceived(): number {
    return this.#receive.bytesReceived;
  }

  /** What comes from the server. */
  readonly fromServer: PduSink = {
    rpc: (run, count) => this.#rpcFromServer(run, count),
    rts: (pdu) => this.#rtsFromServer(pdu),
  };

  /**
   * The leg to the server is open ([MS-RPCH] 3.2.4.5.3, 3.2.4.5.6.2).
   * @param conduct as for the inbound proxy.
   */
  serverConnected(conduct = this.#conduct): void {
    this.#conduct = conduct;
    const opening = this.#opening;
    if (this.#state.now !== 'Connecting' || opening === undefined) return;
    this.#opening = undefined;
    const { channelLifetime, receiveWindow: receiveWindowSize, connectionTimeout, recyclingTimeout } = this.#options;
    const { virtualConnectionCookie } = opening;
    const version = Math.min(1, opening.version);
    if (opening.kind === 'CONN/A1') {
      const { outChannelCookie } = opening;
      conduct.announces(opening.receiveWindowSize);
      this.#default.port.respond();
      const a3 = CONN_A3.encode({ connectionTimeout });
      this.#unreported = a3.length;
      this.#default.rts(a3);
      this.#state.to('C1W', 'CONN/A1');
      this.#port.toServer.rts(
        CONN_A2.encode({ version, virtualConnectionCookie, outChannelCookie, channelLifetime, receiveWindowSize }),
      );
    } else {
      // 3.2.4.5.6.2 takes them from a virtual connection that this proxy has never had: they are those of OUT_R1/A3.
      const { predecessorCookie, successorCookie } = opening;
      // Whoever recycles knows RTS PDUs.
      conduct.showsRts();
      this.#patience.begin(recyclingTimeout);
      this.#state.to('A11W', 'OUT_R1/A3');
      this.#port.toServer.rts(
        OUT_R1_A4.encode({
          version,
          virtualConnectionCookie,
          predecessorCookie,
          successorCookie,
          channelLifetime,
          receiveWindowSize,
          connectionTimeout,
        }),
      );
    }
  }

  /**
   * OUT_R2/A3: the client opens a successor at this proxy ([MS-RPCH] 3.2.4.5.6.1). Throws ProtocolError, upon which all
   * connections of the virtual OUT channel are closed.
   */
  succeed(client: OutboundClientPort, a3: OutOpening): OutboundClient {
    if (a3.kind !== 'OUT_R/A3' || this.#state.now !== 'Opened') {
      throw new ProtocolError('RPCH_RECYCLING', `${a3.kind} in state ${this.#state.now}`, '[MS-RPCH] 3.2.4.5.6.1');
    }
    const { predecessorCookie, successorCookie, receiveWindowSize } = a3;
    assertCookie('OUT_R2/A3', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.4.5.6.1');
    const successor = this.#instance(client, successorCookie, receiveWindowSize, true);
    this.#successor = successor;
    this.#awaitsSuccessor = false;
    this.#confirmedByClient = false;
    this.#conduct.showsRts();
    this.#patience.begin(this.#options.recyclingTimeout);
    this.#state.to('B1OrC1W', 'OUT_R2/A3');
    this.#port.toServer.rts(OUT_R2_A4.encode({ successorCookie }));
    return this.#handle(successor);
  }

  /** Has the server recycle the OUT channel, now and whenever it is opened again: the proxy is going. */
  drain(): void {
    this.#drain ??= new OutboundDrain();
    if (this.#state.now === 'Opened') this.#notify(this.#drain.begin(this.#drained, this.#options.receiveWindow));
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    const state = this.#state.now;
    if (state === 'Finished' || state === 'Connecting' || state === 'C1W') return;
    const emptying = state === 'Flushing_A10' ? this.#default : this.#predecessor;
    if (this.#patience.exhausted(now, emptying?.queue.bytes)) {
      this.#finish('recycling-timeout');
      return;
    }
    if (this.#receive.ackOverdue()) this.#acknowledge();
    this.#judgeDebt(now);
    this.#pingIfSilent(now);
    if (this.#drain !== undefined && this.#state.now === 'Opened') this.#notify(this.#drain.goOn(this.#drained));
  }

  #instance(
    client: OutboundClientPort,
    cookie: Uint8Array,
    receiveWindow: number,
    isSuccessor: boolean,
  ): OutboundInstance {
    return new OutboundInstance(client, cookie, receiveWindow, this.#options.channelLifetime, isSuccessor, {
      passed: (run) => {
        if (this.#conduct.state === 'undecided') this.#conduct.toClient(run);
        this.#receive.handedOn(run.length);
      },
      usedUp: () => this.#finish('out-channel-used-up'),
    });
  }

  #handle(instance: OutboundInstance): OutboundClient {
    return {
      from: {
        rpc: () => {
          if (instance.over) return;
          throw new ProtocolError(
            'RPCH_RPC_ON_OUT',
            'RPC PDU from the client on the OUT channel',
            '[MS-RPCH] 3.2.4.5.2',
          );
        },
        rts: (pdu) => this.#rtsFromClient(instance, pdu),
      },
      blocked: (blocked) => {
        instance.blocked = blocked;
        this.#receive.setBlocked(this.#default.blocked || this.#predecessor?.blocked === true);
        this.#acknowledgeServer();
      },
      get over() {
        return instance.over;
      },
    };
  }

  /** After its first PDU a client says on OUT only that it has understood: OUT_R1/A11, OUT_R2/C1. */
  #rtsFromClient(instance: OutboundInstance, bytes: Uint8Array): void {
    const state = this.#state.now;
    if (state === 'Finished' || instance.over) return;
    const pdu = parseRts(bytes);
    if (state === 'A11W' && OUT_R1_A11.matches(pdu)) {
      // 3.2.4.5.9 unplugs first; but the head of the response must come before any PDU.
      this.#patience.end();
      instance.port.respond();
      this.#state.to('Opened', 'OUT_R1/A11');
      this.#port.opened();
      this.#unplug(instance);
    } else if (OUT_R2_C1.matches(pdu) && this.#awaitsC1(instance)) {
      this.#confirmedByClient = true;
      if (state === 'B1OrC1W') this.#state.to('B1W', 'OUT_R2/C1');
      else if (state === 'R2C1W') this.#completeR2('OUT_R2/C1');
    } else {
      throw unexpectedRts(pdu, ['OUT_R1/A11', 'OUT_R2/C1'], '[MS-RPCH] 3.2.4.5');
    }
  }

  /** 3.2.4.5.11 knows R2C1W and B1OrC1W; C1 may also come while the predecessor is still being emptied. */
  #awaitsC1(instance: OutboundInstance): boolean {
    if (this.#confirmedByClient) return false;
    const state = this.#state.now;
    if (state === 'B1OrC1W') return instance === this.#successor;
    return instance === this.#default && (state === 'R2C1W' || state === 'Flushing_B3');
  }

  #rtsFromServer(bytes: Uint8Array): void {
    const state = this.#state.now;
    if (state === 'Finished') return;
    if (state === 'Connecting') throw unexpectedRts(parseRts(bytes), [], '[MS-RPCH] 3.2.4.5');
    if (state === 'C1W') {
      this.#default.rts(CONN_C2.encode(CONN_C1.decode(parseRts(bytes))));
      if (this.#state.now !== 'C1W') return;
      this.#state.to('Opened', 'CONN/C1');
      this.#port.opened();
      this.#unplug(this.#default);
      return;
    }
    const destination = ackDestination(bytes);
    if (destination === Destination.FDOutProxy) this.#takeAck(bytes);
    else if (destination === Destination.FDClient) this.#relay(bytes);
    else this.#recycling(bytes);
  }

  /** [MS-RPCH] 3.2.1.5.1.2: the acknowledgement of another channel instance is dropped. */
  #takeAck(bytes: Uint8Array): void {
    const ack = readAckWithDestination(bytes);
    const instance = [this.#default, this.#predecessor].find(
      (known) => known !== undefined && sameBytes(ack.channelCookie, known.cookie),
    );
    if (instance === undefined) return;
    instance.window.acknowledged(ack);
    this.#conduct.showsRts();
    instance.queue.heedsWindow = true;
    this.#owedSince = undefined;
    instance.queue.pump();
    this.#flushed();
    this.#acknowledgeServer();
  }

  /** PDUs of the recycling sequences, and what the server says to the client. */
  #recycling(bytes: Uint8Array): void {
    const pdu = parseRts(bytes);
    const state = this.#state.now;
    if (destinationOf(pdu) === Destination.FDClient) {
      // Who hangs on any RTS PDU cannot recycle: better a clean end than a client that waits for ever.
      const isA1 = OUT_R2_A1.matches(pdu);
      if (isA1 && !this.#conduct.takesRts) {
        this.#finish('out-channel-used-up');
        return;
      }
      this.#awaitsSuccessor ||= isA1;
      this.#relay(bytes);
    } else if (OUT_R1_A9.matches(pdu) && state === 'Opened') {
      this.#patience.begin(this.#options.recyclingTimeout);
      this.#state.to('Flushing_A10', 'OUT_R1/A9');
      this.#port.leaving();
      this.#flushed();
    } else if (OUT_R1_A9.matches(pdu) && (state === 'B1OrC1W' || state === 'B1W')) {
      this.#switch();
    } else if (OUT_R2_B2.matches(pdu) && (state === 'B1OrC1W' || state === 'B1W')) {
      // 3.2.4.5.12 has it in B1W only; a server that refuses the cookie need not have waited for C1.
      this.#refused();
    } else {
      throw unexpectedRts(pdu, ['a PDU for the client', 'OUT_R1/A9', 'OUT_R2/B1', 'OUT_R2/B2'], '[MS-RPCH] 3.2.4.5');
    }
  }

  /** [MS-RPCH] 3.2.1.5.2 */
  #relay(bytes: Uint8Array): void {
    if (this.#conduct.state !== 'silent') this.#default.rts(bytes);
  }

  /** OUT_R2/B1, which is the same PDU as OUT_R1/A9: what the server sends from now on is for the successor. */
  #switch(): void {
    const successor = this.#successor;
    if (successor === undefined) return;
    this.#predecessor = this.#default;
    this.#default = successor;
    this.#successor = undefined;
    this.#unreported = 0;
    this.#pingTraffic = 0;
    this.#state.to('Flushing_B3', 'OUT_R2/B1');
    this.#flushed();
  }

  /** What flow control held back has gone, if it has: the predecessor ends ([MS-RPCH] 3.2.4.5.8, 3.2.4.5.10). */
  #flushed(): void {
    if (this.#state.now === 'Flushing_A10') {
      if (this.#default.queue.bytes > 0) return;
      this.#default.rts(OUT_R1_A10.encode({}));
      if (this.#state.now === 'Flushing_A10') this.#finish('recycled');
      return;
    }
    const predecessor = this.#predecessor;
    if (this.#state.now !== 'Flushing_B3' || predecessor === undefined || predecessor.queue.bytes > 0) return;
    predecessor.rts(OUT_R2_B3.encode({}));
    if (this.#state.now !== 'Flushing_B3') return;
    this.#predecessor = undefined;
    predecessor.end();
    if (this.#confirmedByClient) this.#completeR2('queue empty');
    else this.#state.to('R2C1W', 'queue empty');
  }

  /** Both have spoken, the server and the client: the successor answers its request and carries on. */
  #completeR2(event: string): void {
    this.#patience.end();
    this.#default.port.respond();
    this.#state.to('Opened', event);
    this.#receive.setBlocked(this.#default.blocked);
    this.#unplug(this.#default);
  }

  #refused(): void {
    const successor = this.#successor;
    this.#successor = undefined;
    this.#patience.end();
    this.#state.to('Opened', 'OUT_R2/B2');
    successor?.end();
  }

  #unplug(instance: OutboundInstance): void {
    instance.unplug();
    this.#acknowledgeServer();
    if (this.#drain !== undefined) this.drain();
  }

  #rpcFromServer(run: Uint8Array, count: number): void {
    const state = this.#state.now;
    if (state === 'Finished') return;
    if (state === 'Connecting' || state === 'C1W') {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${state}`, '[MS-RPCH] 3.2.4.5.2');
    }
    if (state === 'Flushing_A10') {
      throw new ProtocolError('RPCH_RPC_TOO_LATE', 'RPC PDU after OUT_R1/A9', '[MS-RPCH] 3.2.5.5.10');
    }
    if (!this.#receive.received(run.length, count)) {
      throw new ProtocolError(
        'RPCH_WINDOW_OVERRUN',
        'the server sent more than the window allows',
        '[MS-RPCH] 3.2.1.4.1',
      );
    }
    const { queue } = this.#default;
    queue.offer(run, count);
    if (queue.bytes > 0 && queue.heedsWindow && !this.#conduct.takesRts) this.#port.wakeAfter(ACK_OWED);
    this.#acknowledgeServer();
  }

  /** [MS-RPCH] 3.2.1.5.1.1, towards the server. */
  #acknowledgeServer(): void {
    const state = this.#state.now;
    if (state === 'Finished' || state === 'Connecting' || state === 'C1W') return;
    if (this.#receive.ackDue) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#port.toServer.rts(encodeAck(this.#receive.acknowledge(this.#default.cookie)));
  }

  /** An undecided client that got all it promised to take, and has not acknowledged any of it, never will. */
  #judgeDebt(now: number): void {
    const conduct = this.#conduct;
    const { queue } = this.#default;
    if (conduct.state === 'undecided' && queue.bytes > 0) {
      this.#owedSince ??= now;
      if (now - this.#owedSince < ACK_OWED) {
        this.#port.wakeAfter(ACK_OWED);
        return;
      }
      conduct.showsNone();
    }
    if (conduct.state === 'silent' && queue.heedsWindow) {
      queue.heedsWindow = false;
      queue.pump();
      this.#acknowledgeServer();
    }
  }

  /** [MS-RPCH] 3.2.4.6. A successor says nothing before its response. */
  #pingIfSilent(now: number): void {
    const instance = this.#default;
    if (!this.#pings.isDue(now, instance.used, this.#options.connectionTimeout / 2)) return;
    if (!this.#conduct.takesRts || instance.plugged) return;
    const ping = PING_PDU.encode({});
    instance.rts(ping);
    this.#pings.sent(now, instance.used);
    this.#pingTraffic += ping.length;
    this.#unreported += ping.length;
    if (this.#pingTraffic <= PING_TRAFFIC_REPORTED) return;
    this.#notify(this.#pingTraffic);
    this.#pingTraffic = 0;
  }

  get #drained(): DrainedChannel {
    const { used, queue } = this.#default;
    return {
      lifetime: this.#options.channelLifetime,
      knownToServer: used + queue.bytes - this.#unreported,
      received: this.#receive.bytesReceived,
    };
  }

  /** Tells the server of ping traffic, true or not. */
  #notify(pingTrafficSent: number): void {
    if (pingTrafficSent === 0 || !this.#conduct.takesRts) return;
    this.#unreported -= pingTrafficSent;
    this.#port.toServer.rts(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent }));
  }

  #finish(end: RoleEnd): void {
    if (this.#state.now === 'Finished') return;
    this.#state.to('Finished', end);
    for (const instance of [this.#default, this.#successor, this.#predecessor]) instance?.queue.clear();
    this.#port.ended(end);
  }
}

import { sameBytes } from '../bytes/equal.ts';
import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { ackDestination, readAck, readAckWithDestination } from './ack-codec.ts';
import { Destination } from './commands.ts';
import { Patience } from './patience.ts';
import { CONN_B3, CONN_C1 } from './pdus.ts';
import { type OnTransition, type RoleEnd, State } from './role.ts';
import { destinationOf, parseRts, unexpectedRts } from './rts.ts';
import { ServerIn, ServerInLeg } from './server-in.ts';
import type { ServerLegPort, ServerOpening } from './server-opening.ts';
import { ServerOut, ServerOutLeg } from './server-out.ts';

/** What the server role does to its surroundings. */
export interface ServerPort {
  /** RPC PDUs from the client, for the RPC run-time. */
  toRuntime(run: Uint8Array, count: number): void;
  /** The virtual connection is open. */
  opened(): void;
  /** Stop or go on giving PDUs to `fromRuntime`. */
  pauseRuntime(paused: boolean): void;
  /**
   * Whether the client takes part in the recycling of its OUT channel; asked when it is due. Who knows nothing of the client
   * says yes: that is what the specification expects.
   */
  readonly mayRecycle: boolean;
  ended(end: RoleEnd): void;
}

export interface ServerOptions {
  /** Window that inbound proxies are told, bytes. */
  readonly receiveWindow: number;
  /** How long the first proxy's leg waits for the other, ms; [MS-RPCH] 3.2.5.2.1 has 15 minutes. */
  readonly setupTimeout: number;
  /** How long a channel recycling may wait for one of the others, ms. */
  readonly recyclingTimeout: number;
  readonly onTransition?: OnTransition | undefined;
}

/** The connection of a proxy, as its surroundings see it. */
export interface ServerLeg {
  /** What comes from the proxy. */
  readonly from: PduSink;
  /** It has been replaced: its close ends nothing. Of any other connection it ends the virtual connection. */
  readonly over: boolean;
  /** To be called when the connection of a leg that is `over` is gone. */
  closed(): void;
}

/**
 * The server of one virtual connection ([MS-RPCH] 3.2.5): a state machine without sockets or clocks. It stands before the
 * RPC run-time of a server, or, in a proxy, before a plain TCP connection to one.
 *
 *     Open_Start --CONN/A2--> B2W --CONN/B2--> Opened --> Finished
 *     Open_Start --CONN/B2--> A2W --CONN/A2--> Opened
 *
 * Once it is opened, its two virtual channels are state machines of their own ({@link ServerIn}, {@link ServerOut}). A PDU
 * that must not come throws {@link ProtocolError}; the caller ends all legs.
 */
export class Server {
  readonly #state: State<'Open_Start' | 'A2W' | 'B2W' | 'Opened' | 'Finished'>;
  readonly #port: ServerPort;
  readonly #options: ServerOptions;
  readonly #setup = new Patience();
  #a2: (ServerOpening & { readonly kind: 'CONN/A2' }) | undefined;
  #b2: (ServerOpening & { readonly kind: 'CONN/B2' }) | undefined;
  #inLeg: ServerInLeg | undefined;
  #outLeg: ServerOutLeg | undefined;
  #in: ServerIn | undefined;
  #out: ServerOut | undefined;
  #runtimePaused = false;
  #runtimeBlocked = false;

  constructor(port: ServerPort, options: ServerOptions) {
    this.#port = port;
    this.#options = options;
    this.#state = new State('server', 'Open_Start', options.onTransition);
  }

  get state(): string {
    return this.#state.now;
  }

  /** RPC PDU bytes of the run-time that wait for the outbound proxy. */
  get queued(): number {
    return this.#out?.queued ?? 0;
  }

  /**
   * A proxy's connection joins with its first PDU. Throws ProtocolError where the virtual connection has such a connection
   * already, is not in a state in which one may be replaced, or a cookie is not the right one ([MS-RPCH] 3.2.5.5.3 to .5, .9).
   */
  attach(port: ServerLegPort, opening: ServerOpening): ServerLeg {
    switch (opening.kind) {
      case 'CONN/A2':
        return this.#attachOut(port, opening);
      case 'CONN/B2':
        return this.#attachIn(port, opening);
      case 'IN_R1/A2':
        return this.#inHandle(this.#opened(opening.kind, this.#in).succeed(port, opening));
      case 'OUT_R1/A4':
        return this.#outHandle(this.#opened(opening.kind, this.#out).succeed(port, opening));
    }
  }

  /** RPC PDUs of the run-time, for the client. */
  fromRuntime(run: Uint8Array, count: number): void {
    if (this.#state.now === 'Finished') return;
    if (this.#out === undefined) throw tooEarly(this.#state.now);
    this.#out.rpc(run, count);
    this.#holdRuntime();
  }

  /** The run-time takes no more for now, or takes it again. */
  runtimeBlocked(blocked: boolean): void {
    this.#runtimeBlocked = blocked;
    if (this.#state.now !== 'Finished') this.#in?.runtimeBlocked(blocked);
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state.now === 'Finished') return;
    if (this.#setup.exhausted(now)) this.#finish('setup-timeout');
    this.#in?.tick(now);
    if (this.#state.now === 'Opened') this.#out?.tick(now);
  }

  /** [MS-RPCH] 3.2.5.5.3 */
  #attachOut(port: ServerLegPort, a2: ServerOpening & { readonly kind: 'CONN/A2' }): ServerLeg {
    if (this.#outLeg !== undefined || this.#state.now === 'Finished') throw duplicate('CONN/A2', this.#state.now);
    this.#a2 = a2;
    const leg = new ServerOutLeg(port, a2.outChannelCookie, a2.receiveWindowSize, a2.channelLifetime);
    this.#outLeg = leg;
    this.#joined('CONN/A2', 'B2W');
    return this.#outHandle(leg);
  }

  /** [MS-RPCH] 3.2.5.5.4 */
  #attachIn(port: ServerLegPort, b2: ServerOpening & { readonly kind: 'CONN/B2' }): ServerLeg {
    if (this.#inLeg !== undefined || this.#state.now === 'Finished') throw duplicate('CONN/B2', this.#state.now);
    this.#b2 = b2;
    const leg = new ServerInLeg(port, b2.inChannelCookie, this.#options.receiveWindow);
    this.#inLeg = leg;
    this.#joined('CONN/B2', 'A2W');
    return this.#inHandle(leg);
  }

  /** One of the two came: the other is waited for, or the virtual connection is open. */
  #joined(event: 'CONN/A2' | 'CONN/B2', otherwise: 'A2W' | 'B2W'): void {
    const [a2, b2, inLeg, outLeg] = [this.#a2, this.#b2, this.#inLeg, this.#outLeg];
    if (a2 === undefined || b2 === undefined || inLeg === undefined || outLeg === undefined) {
      this.#setup.begin(this.#options.setupTimeout);
      this.#state.to(otherwise, event);
      return;
    }
    if (!sameBytes(a2.virtualConnectionCookie, b2.virtualConnectionCookie)) {
      throw new ProtocolError(
        'RPCH_COOKIE',
        'CONN/A2 and CONN/B2 name different virtual connections',
        '[MS-RPCH] 3.2.5.5',
      );
    }
    this.#setup.end();
    this.#state.to('Opened', event);
    this.#open(a2, b2, inLeg, outLeg);
  }

  /** [MS-RPCH] 3.2.5.5.3.2, 3.2.5.5.4.2 */
  #open(
    a2: ServerOpening & { readonly kind: 'CONN/A2' },
    b2: ServerOpening & { readonly kind: 'CONN/B2' },
    inLeg: ServerInLeg,
    outLeg: ServerOutLeg,
  ): void {
    const port = this.#port;
    const options = this.#options;
    const ended = (end: RoleEnd): void => this.#finish(end);
    const out = new ServerOut(port, ended, options, outLeg);
    const inbound = new ServerIn(port, out, ended, options, inLeg);
    this.#a2 = undefined;
    this.#b2 = undefined;
    this.#out = out;
    this.#in = inbound;
    inbound.runtimeBlocked(this.#runtimeBlocked);
    const version = Math.min(1, a2.version, b2.version);
    out.send(
      CONN_C1.encode({ version, receiveWindowSize: b2.receiveWindowSize, connectionTimeout: b2.connectionTimeout }),
    );
    inLeg.port.rts(CONN_B3.encode({ receiveWindowSize: options.receiveWindow, version }));
    out.open();
    port.opened();
  }

  #inHandle(leg: ServerInLeg): ServerLeg {
    return new Handle(
      leg,
      (run, count) => {
        if (this.#state.now === 'Finished' || leg.over) return;
        if (this.#in === undefined) throw tooEarly(this.#state.now);
        this.#in.rpc(leg, run, count);
      },
      (pdu) => {
        if (this.#state.now !== 'Finished' && !leg.over) this.#rtsFromInboundProxy(leg, pdu);
      },
    );
  }

  #outHandle(leg: ServerOutLeg): ServerLeg {
    return new Handle(
      leg,
      () => {
        throw new ProtocolError('RPCH_RPC_ON_OUT', 'RPC PDU from the outbound proxy', '[MS-RPCH] 3.2.5.5.2');
      },
      (pdu) => {
        if (this.#state.now !== 'Finished' && !leg.over) this.#rtsFromOutboundProxy(leg, pdu);
      },
      () => {
        if (this.#state.now === 'Finished') return;
        this.#out?.closed(leg);
        this.#holdRuntime();
      },
    );
  }

  #rtsFromInboundProxy(leg: ServerInLeg, bytes: Uint8Array): void {
    const [inbound, out] = [this.#in, this.#out];
    if (inbound === undefined || out === undefined) {
      throw unexpectedRts(parseRts(bytes), ['nothing before CONN/A2'], '[MS-RPCH] 3.2.5.5.4');
    }
    if (ackDestination(bytes) === Destination.FDOutProxy) {
      out.relayAck(bytes, readAckWithDestination(bytes).channelCookie);
      return;
    }
    const pdu = parseRts(bytes);
    const destination = destinationOf(pdu);
    // [MS-RPCH] 3.2.1.5.2: the server stands between the two proxies and relays between them.
    if (destination === Destination.FDClient) out.send(bytes);
    else if (destination === undefined) inbound.rts(leg, pdu);
    else if (destination !== Destination.FDServer || !out.takeA8(pdu)) {
      throw unexpectedRts(pdu, ['a PDU for the client', 'OUT_R1/A8', 'OUT_R2/A8'], '[MS-RPCH] 3.2.5.5');
    }
    this.#holdRuntime();
  }

  #rtsFromOutboundProxy(leg: ServerOutLeg, bytes: Uint8Array): void {
    const [inbound, out] = [this.#in, this.#out];
    if (inbound === undefined || out === undefined) {
      throw unexpectedRts(parseRts(bytes), ['nothing before CONN/B2'], '[MS-RPCH] 3.2.5.5.3');
    }
    const ack = readAck(bytes);
    if (ack === undefined) {
      const pdu = parseRts(bytes);
      if (destinationOf(pdu) === Destination.FDInProxy) inbound.toInboundProxy(bytes);
      else out.rts(leg, pdu);
    } else {
      out.acknowledged(leg, ack);
    }
    this.#holdRuntime();
  }

  #opened<Channel>(event: string, channel: Channel | undefined): Channel {
    if (channel === undefined || this.#state.now !== 'Opened') throw duplicate(event, this.#state.now);
    return channel;
  }

  #holdRuntime(): void {
    const paused = this.queued > 0;
    if (paused === this.#runtimePaused || this.#state.now === 'Finished') return;
    this.#runtimePaused = paused;
    this.#port.pauseRuntime(paused);
  }

  #finish(end: RoleEnd): void {
    if (this.#state.now === 'Finished') return;
    this.#state.to('Finished', end);
    this.#out?.clear();
    this.#port.ended(end);
  }
}

/** A leg for its surroundings. There are two for each of thousands of sessions: a class costs less than a literal with getters. */
class Handle implements ServerLeg, PduSink {
  readonly from: PduSink = this;
  readonly rpc: PduSink['rpc'];
  readonly rts: PduSink['rts'];
  readonly closed: () => void;
  readonly #leg: { readonly over: boolean };

  constructor(leg: { readonly over: boolean }, rpc: PduSink['rpc'], rts: PduSink['rts'], closed: () => void = nothing) {
    this.#leg = leg;
    this.rpc = rpc;
    this.rts = rts;
    this.closed = closed;
  }

  get over(): boolean {
    return this.#leg.over;
  }
}

function nothing(): void {}

function duplicate(event: string, state: string): ProtocolError {
  return new ProtocolError('RPCH_RTS_UNEXPECTED', `${event} in state ${state}`, '[MS-RPCH] 3.2.5.5');
}

function tooEarly(state: string): ProtocolError {
  return new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${state}`, '[MS-RPCH] 3.2.5.5.2');
}

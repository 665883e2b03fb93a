import {
  ClientConduct,
  OpenStart,
  type PduSink,
  ProtocolError,
  readInOpening,
  readOutOpening,
} from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { keyOf } from './flow-audit.ts';
import { InHalf } from './in-half.ts';
import { type Head, Incoming } from './incoming.ts';
import { FIRST_PDU_WITHIN } from './limits.ts';
import { OutHalf } from './out-half.ts';
import type { PlannedHost } from './plan.ts';
import { Process } from './process.ts';
import type { World } from './world.ts';

/** A client's connection at a proxy host. */
export interface ClientConnection {
  readonly end: ConnectionEnd;
  readonly head: Head;
  /** Bytes of a PDU whose rest is still to come. */
  readonly pending: number;
  /** The role's view of it, once it has one. */
  handle: { readonly over: boolean; blocked?(blocked: boolean): void } | undefined;
}

/** The way from a half to the server: a connection, or the server's role in the same process. */
export interface ServerSide extends PduSink {
  close(): void;
}

/** What a half hears of its way to the server. */
export interface ServerSideEvents {
  connected(conduct: ClientConduct): void;
  readonly fromServer: PduSink;
  blocked(blocked: boolean): void;
  /** It could not be opened, or was closed. */
  closed(): void;
}

/** A process that accepts clients' channels and holds the proxies' halves of virtual connections. */
export class ProxyHost {
  readonly process: Process;
  readonly world: World;
  readonly number: number;
  readonly planned: PlannedHost;
  /** Halves by virtual connection cookie. */
  readonly in = new Map<string, InHalf>();
  readonly out = new Map<string, OutHalf>();
  /** Halves that have been replaced by another host's and still send what they hold. */
  readonly leaving = new Set<InHalf | OutHalf>();
  /** It accepts no OUT channel any more. */
  draining = false;
  /** Opens the way to the server for a half: `hop` says for which. */
  readonly toServer: (half: InHalf | OutHalf, events: ServerSideEvents) => ServerSide;

  constructor(
    world: World,
    number: number,
    planned: PlannedHost,
    toServer: (host: ProxyHost) => ProxyHost['toServer'],
  ) {
    this.world = world;
    this.number = number;
    this.planned = planned;
    this.process = new Process(`host ${number}`, world.clock);
    this.toServer = toServer(this);
  }

  /** Moves its OUT channels away. */
  drain(): void {
    this.draining = true;
    for (const half of this.out.values()) half.drain();
  }

  /** How a client behaves is known to both of its halves, where they are here. */
  conductOf(cookie: string): ClientConduct {
    const known = this.in.get(cookie)?.conduct ?? this.out.get(cookie)?.conduct;
    return known ?? new ClientConduct(this.world.plan.client === 'conforming-1.1' ? 1 : 0);
  }

  /**
   * A client connects.
   * @param cutOff called when the first PDU has been taken.
   */
  accept(end: ConnectionEnd, cutOff?: () => void): void {
    let half: InHalf | OutHalf | undefined;
    let head: Head | undefined;
    const begin = new OpenStart((pdu) => {
      if (head === undefined) throw new Error('a PDU before the head');
      const found = head.kind === 'in' ? this.#beginIn(connection, pdu) : this.#beginOut(connection, pdu);
      half = found.half;
      if (cutOff !== undefined) this.world.clock.after(0, cutOff);
      return found.sink;
    });
    const reader = this.world.plan.client === 'samba' ? begin : this.world.pausing(end, begin);
    const incoming = new Incoming(reader, { head: (value) => (head = value) });
    const connection: ClientConnection = {
      end,
      get head() {
        return head ?? { kind: 'in', contentLength: 0 };
      },
      get pending() {
        return incoming.pending;
      },
      handle: undefined,
    };
    const work = (chunk: Uint8Array) => {
      if (!incoming.push(chunk)) end.close();
    };
    end.listen({
      data: (chunk) => {
        if (half !== undefined) half.guard(() => work(chunk));
        else this.#guardFirst(end, () => work(chunk));
      },
      ended: () => {
        if (half === undefined || half.ended !== undefined || connection.handle?.over === true) end.close();
        else half.end(`the client closed ${end.connection.name}`);
      },
      blocked: (blocked) => half?.guard(() => connection.handle?.blocked?.(blocked)),
    });
    this.process.later(FIRST_PDU_WITHIN, () => {
      if (half === undefined) end.close();
    });
  }

  /** Before a connection belongs to a half, a protocol error is its own end and nobody else's. */
  #guardFirst(end: ConnectionEnd, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.world.protocolError(this.process.name, error);
      end.close();
    }
  }

  #beginIn(connection: ClientConnection, pdu: Uint8Array): { readonly half: InHalf; readonly sink: PduSink } {
    const opening = readInOpening(pdu);
    const cookie = keyOf(opening.virtualConnectionCookie);
    const known = this.in.get(cookie);
    const half = known ?? new InHalf(this, cookie, connection, opening);
    if (known !== undefined) known.succeed(connection, opening);
    return { half, sink: half.sinkOf(connection) };
  }

  #beginOut(connection: ClientConnection, pdu: Uint8Array): { readonly half: OutHalf; readonly sink: PduSink } {
    const opening = readOutOpening(pdu);
    const cookie = keyOf(opening.virtualConnectionCookie);
    const known = this.out.get(cookie);
    const half = known ?? new OutHalf(this, cookie, connection, opening);
    if (this.draining) half.drain();
    if (known !== undefined) known.succeed(connection, opening);
    return { half, sink: half.sinkOf(connection) };
  }
}

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
import type { ClientConnection, Half, HalfHost } from './halves.ts';
import { InHalf } from './in-half.ts';
import { type Head, Incoming } from './incoming.ts';
import { InvariantError } from './invariant.ts';
import { FIRST_PDU_WITHIN } from './limits.ts';
import { OutHalf } from './out-half.ts';
import type { PlannedHost } from './plan.ts';
import { Process } from './process.ts';
import type { Surroundings } from './surroundings.ts';

/** A process that accepts clients' channels and holds the proxies' halves of virtual connections. */
export class ProxyHost implements HalfHost {
  readonly process: Process;
  readonly world: Surroundings;
  readonly number: number;
  readonly planned: PlannedHost;
  /** Halves by virtual connection cookie. */
  readonly in = new Map<string, InHalf>();
  readonly out = new Map<string, OutHalf>();
  /** Halves that have been replaced by another host's and still send what they hold. */
  readonly leaving = new Set<Half>();
  /** It accepts no OUT channel any more. */
  draining = false;
  readonly toServer: HalfHost['toServer'];

  constructor(
    world: Surroundings,
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

  leaves(half: Half): void {
    this.leaving.add(half);
    this.#forget(half);
  }

  gone(half: Half): void {
    this.leaving.delete(half);
    this.#forget(half);
  }

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
        if (half instanceof OutHalf && connection.handle?.over === true && this.world.audits) {
          throw new InvariantError('left-behind', `${half.name} did not close ${end.connection.name}`);
        }
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

  /** Of two halves of one virtual channel only the later one is in the table. */
  #forget(half: Half): void {
    const { cookie } = half;
    if (this.in.get(cookie) === half) this.in.delete(cookie);
    if (this.out.get(cookie) === half) this.out.delete(cookie);
  }

  #beginIn(connection: ClientConnection, pdu: Uint8Array): { readonly half: InHalf; readonly sink: PduSink } {
    const opening = readInOpening(pdu);
    const cookie = keyOf(opening.virtualConnectionCookie);
    const known = this.in.get(cookie);
    const half = known ?? new InHalf(this, cookie, connection, opening);
    if (known !== undefined) known.succeed(connection, opening);
    else if (half.ended === undefined) this.in.set(cookie, half);
    return { half, sink: half.sinkOf(connection) };
  }

  #beginOut(connection: ClientConnection, pdu: Uint8Array): { readonly half: OutHalf; readonly sink: PduSink } {
    const opening = readOutOpening(pdu);
    const cookie = keyOf(opening.virtualConnectionCookie);
    const known = this.out.get(cookie);
    const half = known ?? new OutHalf(this, cookie, connection, opening);
    if (this.draining) half.drain();
    if (known !== undefined) known.succeed(connection, opening);
    else if (half.ended === undefined) this.out.set(cookie, half);
    return { half, sink: half.sinkOf(connection) };
  }
}

import type { ConnectionEnd } from './connection.ts';
import { readAckOf, SenderAudit } from './flow-audit.ts';
import type { Half, HalfHost, ServerSide, ServerSideEvents } from './halves.ts';
import { Incoming } from './incoming.ts';
import type { ServerProcess } from './server-process.ts';
import { Wire } from './wire.ts';

/** Longest time that it takes to connect, ms. */
const DIAL = 50;

/** How the halves at a host reach a server that plays its role itself: by TCP. */
export function connectNative(host: HalfHost, server: ServerProcess): HalfHost['toServer'] {
  return (half, events) => {
    const leg = new NativeLeg(host, server, half, events);
    host.process.later(host.world.dialling.int(0, DIAL), () => leg.dialled());
    return leg;
  };
}

class NativeLeg implements ServerSide {
  readonly #host: HalfHost;
  readonly #server: ServerProcess;
  readonly #half: Half;
  readonly #events: ServerSideEvents;
  #wire: Wire | undefined;
  #end: ConnectionEnd | undefined;

  constructor(host: HalfHost, server: ServerProcess, half: Half, events: ServerSideEvents) {
    this.#host = host;
    this.#server = server;
    this.#half = half;
    this.#events = events;
  }

  dialled(): void {
    const half = this.#half;
    const { world, process, planned } = this.#host;
    if (half.ended !== undefined) return;
    if (!world.faults.hostConnects() || this.#server.process.dead) {
      this.#events.closed();
      return;
    }
    const inbound = half.hop === 'IP>S';
    const { end, other } = world.connect(half.hop, `${half.hop} of ${process.name}`, process, this.#server.process);
    const audit = world.audits && inbound ? new SenderAudit(half.name, world.plan.windows.server) : undefined;
    this.#end = end;
    this.#wire = new Wire(world, half.hop, end, Number.POSITIVE_INFINITY, audit);
    const { fromServer } = this.#events;
    const incoming = new Incoming(
      world.pausing(end, {
        rpc: (run, count) => fromServer.rpc(run, count),
        rts: (pdu) => {
          const ack = audit === undefined ? undefined : readAckOf(pdu);
          if (ack !== undefined && ack.destination === undefined) audit?.acknowledged(ack);
          fromServer.rts(pdu);
        },
      }),
      { banner: true },
    );
    half.owns(end);
    end.listen({
      data: (chunk) =>
        half.guard(() => {
          incoming.push(chunk);
        }),
      ended: () => this.#events.closed(),
      blocked: (blocked) => this.#events.blocked(blocked),
    });
    this.#server.accept(other, inbound ? 'S>IP' : 'S>OP', planned.outbound);
    this.#events.connected(half.conduct);
  }

  rpc(run: Uint8Array, count: number): void {
    this.#wire?.rpc(run, count);
  }

  rts(pdu: Uint8Array): void {
    this.#wire?.rts(pdu);
  }

  close(): void {
    this.#end?.close();
  }
}

import { LEGACY_SERVER_RESPONSE } from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { readAckOf, SenderAudit } from './flow-audit.ts';
import { Incoming } from './incoming.ts';
import { FIRST_PDU_WITHIN } from './limits.ts';
import { Process } from './process.ts';
import { SlowRuntime } from './slow-runtime.ts';
import type { Surroundings } from './surroundings.ts';
import { type Runtime, type VirtualConnection, VirtualConnections } from './virtual-connections.ts';
import { Wire } from './wire.ts';

/** A server that plays its role itself: connections of proxies come in over TCP, and the application is in the process. */
export class ServerProcess {
  readonly process: Process;
  readonly table: VirtualConnections;
  readonly #world: Surroundings;
  /** The one that the application talks on. */
  #current: VirtualConnection | undefined;
  #paused = false;

  constructor(world: Surroundings) {
    this.#world = world;
    this.process = new Process('server', world.clock);
    this.table = new VirtualConnections(world, this.process, (connection) => this.#runtimeOf(connection));
  }

  #runtimeOf(connection: VirtualConnection): Runtime {
    const world = this.#world;
    const runtime = new SlowRuntime('server', world, this.process, world.plan.windows.server, (blocked) =>
      connection.guard(() => connection.role.runtimeBlocked(blocked)),
    );
    return {
      receive: (run, count) => {
        if (connection !== this.#current) return;
        world.conversation.requestsArrive(run, count);
        runtime.takes(run.length);
      },
      opened: () => {
        if (this.#current !== undefined) return;
        this.#current = connection;
        world.conversation.serverOpened();
      },
      paused: (paused) => {
        if (connection === this.#current) this.#paused = paused;
      },
      mayRecycle: true,
      closed: () => {},
    };
  }

  /** Whether the application's connection is over. */
  get over(): boolean {
    return this.process.dead || this.#current?.ended !== undefined;
  }

  get maySend(): boolean {
    return !this.#paused;
  }

  /** RPC PDUs of the application. */
  send(run: Uint8Array, count: number): void {
    const connection = this.#current;
    connection?.guard(() => connection.role.fromRuntime(run, count));
  }

  /**
   * A proxy connects.
   * @param outboundWindow what an outbound proxy there advertises, bytes.
   */
  accept(end: ConnectionEnd, hop: 'S>IP' | 'S>OP', outboundWindow: number): void {
    const world = this.#world;
    const audit = world.audits && hop === 'S>OP' ? new SenderAudit('server', outboundWindow) : undefined;
    const wire = new Wire(world, hop, end, Number.POSITIVE_INFINITY, audit);
    let begun = false;
    const port = {
      rpc: (run: Uint8Array, count: number) => wire.rpc(run, count),
      rts: (pdu: Uint8Array) => wire.rts(pdu),
      close: () => end.close(),
    };
    const connection = this.table.accept(port, end);
    const incoming = new Incoming(
      world.pausing(end, {
        rpc: (run, count) => connection.sink.rpc(run, count),
        rts: (pdu) => {
          begun = true;
          const ack = audit === undefined ? undefined : readAckOf(pdu);
          if (ack !== undefined && ack.destination === undefined) audit?.acknowledged(ack);
          connection.sink.rts(pdu);
        },
      }),
    );
    end.listen({
      data: (chunk) =>
        connection.guard(() => {
          incoming.push(chunk);
        }),
      ended: () => {
        connection.closed();
        end.close();
      },
      blocked: () => {},
    });
    if (world.plan.banner) end.write(LEGACY_SERVER_RESPONSE);
    this.process.later(FIRST_PDU_WITHIN, () => {
      if (!begun) end.close();
    });
  }
}

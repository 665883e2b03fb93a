import { type ClientConduct, type PduSink, ProtocolError } from '@rpch/rpc/internal';
import type { BackendProcess } from './backend-process.ts';
import type { ConnectionEnd } from './connection.ts';
import { SenderAudit } from './flow-audit.ts';
import type { Half, ServerSide, ServerSideEvents } from './halves.ts';
import { Incoming } from './incoming.ts';
import { LocalWire } from './local-wire.ts';
import type { ProxyHost } from './proxy-host.ts';
import type { Surroundings } from './surroundings.ts';
import { type Runtime, type VirtualConnection, VirtualConnections } from './virtual-connections.ts';

/** The back end is read while the client has window for this much, as the proxy does it, bytes. */
const LEAST_READ = 8192;
const READ_AHEAD = 96 * 1024;
/** Longest time that it takes to connect to the back end, ms. */
const DIAL = 50;

/** Plain TCP to an RPC server, for one virtual connection. */
interface BackendLink {
  readonly conduct: ClientConduct;
  end: ConnectionEnd | undefined;
  waiting: ServerSideEvents[];
  connection: VirtualConnection | undefined;
  paused: boolean;
  queues: boolean;
}

/** The server's role inside a proxy host: the proxies' halves reach it by calls, and plain TCP leads on to an RPC server. */
export class JoinedServer {
  readonly table: VirtualConnections;
  readonly #world: Surroundings;
  readonly #host: ProxyHost;
  readonly #backend: BackendProcess;
  readonly #links = new Map<string, BackendLink>();

  constructor(world: Surroundings, host: ProxyHost, backend: BackendProcess) {
    this.#world = world;
    this.#host = host;
    this.#backend = backend;
    this.table = new VirtualConnections(world, host.process, (connection) => this.#runtimeOf(connection));
  }

  /** A half wants its way to the server: it has it when the back end is reached. */
  connect(half: Half, events: ServerSideEvents): ServerSide {
    const { cookie } = half;
    const link = this.#links.get(cookie) ?? this.#dial(cookie, half.conduct);
    const inbound = half.hop === 'IP>S';
    const world = this.#world;
    const { windows, hosts } = world.plan;
    const toServer = world.audits && inbound ? new SenderAudit('inbound proxy', windows.server) : undefined;
    const fromServer =
      world.audits && !inbound ? new SenderAudit('server', hosts[this.#host.number]?.outbound ?? 0) : undefined;
    const back: PduSink = new LocalWire(
      world,
      inbound ? 'S>IP' : 'S>OP',
      'server to its proxies',
      events.fromServer,
      fromServer,
      toServer,
    );
    const connection = this.table.accept({
      rpc: (run, count) => back.rpc(run, count),
      rts: (pdu) => back.rts(pdu),
      close: () => events.closed(),
    });
    const wire = new LocalWire(world, half.hop, half.name, connection.sink, toServer, fromServer);
    if (link.end === undefined) link.waiting.push(events);
    else this.#host.process.later(0, () => events.connected(link.conduct));
    return {
      get paused() {
        return link.paused;
      },
      rpc: (run, count) => wire.rpc(run, count),
      rts: (pdu) => wire.rts(pdu),
      close: () => {
        link.waiting = link.waiting.filter((one) => one !== events);
        connection.closed();
        this.#forgetIfUnused(cookie, link);
      },
    };
  }

  /** Whether the back end is read, as the proxy decides after everything that it does. */
  regulate(): void {
    for (const [cookie, link] of this.#links) {
      const out = this.#host.out.get(cookie)?.role;
      if (out === undefined || link.end === undefined) continue;
      const { clientWindow } = out;
      const room = out.room + Math.max(0, READ_AHEAD - clientWindow);
      const paused = link.queues || room < Math.min(LEAST_READ, clientWindow / 2);
      if (paused === link.paused) continue;
      link.paused = paused;
      link.end.pause('role', paused);
    }
  }

  get links(): number {
    return this.#links.size;
  }

  #dial(cookie: string, conduct: ClientConduct): BackendLink {
    const world = this.#world;
    const link: BackendLink = {
      conduct,
      end: undefined,
      waiting: [],
      connection: undefined,
      paused: false,
      queues: false,
    };
    this.#links.set(cookie, link);
    this.#host.process.later(world.dialling.int(0, DIAL), () => {
      if (this.#links.get(cookie) !== link) return;
      if (!world.faults.hostConnects() || this.#backend.process.dead) this.#failed(cookie, link);
      else this.#connected(cookie, link);
    });
    return link;
  }

  #connected(cookie: string, link: BackendLink): void {
    const { end, other } = this.#world.connect(
      'B>S',
      `${this.#host.process.name} to backend`,
      this.#host.process,
      this.#backend.process,
    );
    link.end = end;
    const incoming = new Incoming({
      rpc: (run, count) => link.connection?.role.fromRuntime(run, count),
      rts: () => {
        throw new ProtocolError('RPCH_RTS_ON_TCP', 'RTS PDU from a plain TCP server', '[MS-RPCH] 3.2.5');
      },
    });
    end.listen({
      data: (chunk) =>
        link.connection?.guard(() => {
          incoming.push(chunk);
        }),
      ended: () => {
        if (link.connection === undefined) this.#failed(cookie, link);
        else link.connection.end('the back end closed');
      },
      blocked: (blocked) => link.connection?.guard(() => link.connection?.role.runtimeBlocked(blocked)),
    });
    this.#backend.accept(other);
    const { waiting } = link;
    link.waiting = [];
    for (const events of waiting) events.connected(link.conduct);
  }

  #failed(cookie: string, link: BackendLink): void {
    this.#links.delete(cookie);
    link.end?.close();
    for (const events of [...link.waiting]) events.closed();
  }

  #forgetIfUnused(cookie: string, link: BackendLink): void {
    if (link.connection !== undefined || link.waiting.length > 0 || this.#links.get(cookie) !== link) return;
    if (this.#host.in.has(cookie) || this.#host.out.has(cookie)) return;
    this.#links.delete(cookie);
    link.end?.close();
  }

  #runtimeOf(connection: VirtualConnection): Runtime {
    const link = this.#links.get(connection.cookie);
    if (link !== undefined) {
      link.connection = connection;
      if (link.end !== undefined) connection.owns(link.end);
    }
    return {
      receive: (run) => link?.end?.write(run),
      opened: () => this.#backend.opened(),
      paused: (paused) => {
        if (link !== undefined) link.queues = paused;
      },
      get mayRecycle() {
        return link?.conduct.takesRts === true;
      },
      closed: () => {
        this.#links.delete(connection.cookie);
        link?.end?.close();
      },
    };
  }
}

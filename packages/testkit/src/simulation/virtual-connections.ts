import {
  OpenStart,
  type PduSink,
  ProtocolError,
  readServerOpening,
  Server,
  type ServerLeg,
  type ServerLegPort,
  type ServerOpening,
} from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { keyOf } from './flow-audit.ts';
import { Owner, type Waiting } from './owner.ts';
import type { Process } from './process.ts';
import type { Surroundings } from './surroundings.ts';

/** Code of the error when a successor comes for a virtual connection that is not, or no longer, there. */
export const NO_SUCH_CONNECTION = 'SIMULATION_NO_SUCH_CONNECTION';

/** What stands behind the server's role: an application, or TCP to one. */
export interface Runtime {
  /** RPC PDUs from the client. */
  receive(run: Uint8Array, count: number): void;
  opened(): void;
  /** The server's role has enough for now, or takes more again. */
  paused(paused: boolean): void;
  /** Whether the client takes part in the recycling of its OUT channel. */
  readonly mayRecycle: boolean;
  closed(): void;
}

/** Connections of proxies, as a server sees them. */
export interface ProxyConnection {
  /** Where its PDUs go. */
  readonly sink: PduSink;
  /** Passes on what came in; a protocol error is the end of whatever it belongs to. */
  guard(work: () => void): void;
  /** It was closed. */
  closed(): void;
}

/** The server's role for one virtual connection, with the connections of its proxies. */
export class VirtualConnection extends Owner {
  readonly role: Server;
  readonly legs = new Map<ServerLegPort, ServerLeg>();
  protected opened = false;
  readonly #table: VirtualConnections;
  readonly cookie: string;
  readonly #runtime: Runtime;

  constructor(table: VirtualConnections, cookie: string) {
    super(table.world, table.process);
    this.#table = table;
    this.cookie = cookie;
    const runtime = table.runtimeOf(this);
    this.#runtime = runtime;
    this.role = new Server(
      {
        toRuntime: (run, count) => runtime.receive(run, count),
        opened: () => {
          this.opened = true;
          runtime.opened();
        },
        pauseRuntime: (paused) => runtime.paused(paused),
        get mayRecycle() {
          return runtime.mayRecycle;
        },
        ended: (end) => this.end(end),
      },
      {
        receiveWindow: table.world.plan.windows.server,
        setupTimeout: table.world.plan.setupTimeout,
        recyclingTimeout: table.world.plan.recyclingTimeouts.server,
        onTransition: table.world.onTransition,
      },
    );
  }

  get name(): string {
    return `server at ${this.process.name}`;
  }

  attach(port: ServerLegPort, opening: ServerOpening): ServerLeg | undefined {
    this.guard(() => this.legs.set(port, this.role.attach(port, opening)));
    return this.legs.get(port);
  }

  /** A virtual connection that somebody made up is none of the session. */
  protected override get countsAsEnd(): boolean {
    return this.opened || !this.world.faults.rulesAreBroken;
  }

  protected get waiting(): Waiting {
    return { bytes: this.role.queued, progress: this.role.queued };
  }

  protected tickRole(now: number): void {
    this.role.tick(now);
  }

  protected onEnd(): void {
    this.#table.delete(this.cookie);
    for (const port of this.legs.keys()) port.close();
    this.legs.clear();
    this.#runtime.closed();
  }
}

/** The server's virtual connection cookie table ([MS-RPCH] 3.2.5.3.1), and how connections find into it. */
export class VirtualConnections {
  readonly world: Surroundings;
  readonly process: Process;
  readonly runtimeOf: (connection: VirtualConnection) => Runtime;
  readonly #byCookie = new Map<string, VirtualConnection>();

  constructor(world: Surroundings, process: Process, runtimeOf: (connection: VirtualConnection) => Runtime) {
    this.world = world;
    this.process = process;
    this.runtimeOf = runtimeOf;
  }

  get size(): number {
    return this.#byCookie.size;
  }

  values(): Iterable<VirtualConnection> {
    return this.#byCookie.values();
  }

  delete(cookie: string): void {
    this.#byCookie.delete(cookie);
  }

  get(cookie: string): VirtualConnection | undefined {
    return this.#byCookie.get(cookie);
  }

  /** The virtual connection of a cookie, made if there is none. */
  of(cookie: string): VirtualConnection {
    let connection = this.#byCookie.get(cookie);
    if (connection === undefined) {
      connection = new VirtualConnection(this, cookie);
      this.#byCookie.set(cookie, connection);
    }
    return connection;
  }

  /**
   * A proxy connects.
   * @param end its connection, unless the proxy is in the same process.
   */
  accept(port: ServerLegPort, end?: ConnectionEnd): ProxyConnection {
    let owner: VirtualConnection | undefined;
    let leg: ServerLeg | undefined;
    const begin = new OpenStart((pdu) => {
      const opening = readServerOpening(pdu);
      const cookie = keyOf(opening.virtualConnectionCookie);
      const begins = opening.kind === 'CONN/A2' || opening.kind === 'CONN/B2';
      const found = begins ? this.of(cookie) : this.#byCookie.get(cookie);
      if (found === undefined) {
        throw new ProtocolError(NO_SUCH_CONNECTION, 'no such virtual connection', '[MS-RPCH] 3.2.5.5.5');
      }
      leg = found.attach(port, opening);
      if (leg === undefined) throw new ProtocolError('RPCH_COOKIE', 'was not attached', '[MS-RPCH] 3.2.5.5');
      owner = found;
      if (end !== undefined) found.owns(end);
      return leg.from;
    });
    return {
      sink: begin,
      guard: (work) => {
        if (owner !== undefined) owner.guard(work);
        else {
          try {
            work();
          } catch (error) {
            // The first PDU may have found its owner, and what follows it in the same chunk be wrong.
            const rethrow = (): never => {
              throw error;
            };
            if (owner !== undefined) {
              (owner as VirtualConnection).guard(rethrow);
              return;
            }
            if (!(error instanceof ProtocolError)) throw error;
            this.world.protocolError(`server at ${this.process.name}`, error);
            port.close();
          }
        }
      },
      closed: () => {
        if (owner === undefined || leg === undefined || owner.ended !== undefined) return;
        if (leg.over) {
          owner.legs.delete(port);
          if (end !== undefined) owner.releases(end);
          owner.guard(() => leg?.closed());
        } else {
          owner.end('a proxy closed its connection');
        }
      },
    };
  }
}

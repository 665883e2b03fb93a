import {
  type ClientConduct,
  type InboundClient,
  type InboundClientPort,
  InboundProxy,
  type InOpening,
  type PduSink,
} from '@rpch/rpc/internal';
import { CONNECTION_TIMEOUT } from './limits.ts';
import { Owner, type Waiting } from './owner.ts';
import type { ClientConnection, ProxyHost, ServerSide } from './proxy-host.ts';

/** An inbound proxy role with its connections: of the client, one or two, and the one to the server. */
export class InHalf extends Owner {
  readonly hop = 'IP>S';
  readonly role: InboundProxy;
  readonly conduct: ClientConduct;
  protected opened = false;
  readonly #host: ProxyHost;
  readonly cookie: string;
  readonly #sinks = new Map<ClientConnection, PduSink>();
  readonly #server: ServerSide;

  constructor(host: ProxyHost, cookie: string, connection: ClientConnection, opening: InOpening) {
    super(host.world, host.process);
    this.#host = host;
    this.cookie = cookie;
    this.conduct = host.conductOf(cookie);
    host.in.set(cookie, this);
    const { world } = host;
    const server: { side: ServerSide | undefined } = { side: undefined };
    this.role = new InboundProxy(
      {
        toServer: {
          rpc: (run, count) => server.side?.rpc(run, count),
          rts: (pdu) => server.side?.rts(pdu),
        },
        opened: () => {
          this.opened = true;
        },
        keepAlive: () => {},
        leaving: () => this.#leaveTable(),
        wakeAfter: (ms) => world.wake(this, ms),
        ended: (end) => this.end(end),
      },
      {
        receiveWindow: host.planned.inbound,
        connectionTimeout: CONNECTION_TIMEOUT,
        clientAddress: { family: 4, address: Uint8Array.of(127, 0, 0, 1) },
        conduct: this.conduct,
        recyclingTimeout: world.plan.recyclingTimeouts.proxies,
        onTransition: world.onTransition,
      },
      this.#portOf(connection),
      opening,
    );
    this.#owns(connection, this.role.client);
    this.#server = host.toServer(this, {
      connected: (conduct) => this.guard(() => this.role.serverConnected(conduct)),
      fromServer: this.role.fromServer,
      blocked: (blocked) => this.guard(() => this.role.serverBlocked(blocked)),
      closed: () => this.end('the connection to the server was closed'),
    });
    server.side = this.#server;
    if (this.ended !== undefined) this.#server.close();
  }

  get name(): string {
    return `inbound proxy at ${this.process.name}`;
  }

  /** The client opens a successor here. A protocol error ends this half and the new connection. */
  succeed(connection: ClientConnection, opening: InOpening): void {
    this.owns(connection.end);
    this.guard(() => this.#owns(connection, this.role.succeed(this.#portOf(connection), opening)));
  }

  sinkOf(connection: ClientConnection): PduSink {
    return this.#sinks.get(connection) ?? DEAF;
  }

  protected get waiting(): Waiting {
    const { held, bytesReceived } = this.role;
    return { bytes: held, progress: bytesReceived - held };
  }

  protected tickRole(now: number): void {
    this.role.tick(now);
  }

  protected onEnd(): void {
    this.#leaveTable();
    this.#host.leaving.delete(this);
    this.#server?.close();
  }

  /** The virtual channel may come back to this host while this half still sends what it holds. */
  #leaveTable(): void {
    this.#host.leaving.add(this);
    if (this.#host.in.get(this.cookie) === this) this.#host.in.delete(this.cookie);
  }

  #owns(connection: ClientConnection, handle: InboundClient): void {
    connection.handle = handle;
    this.#sinks.set(connection, handle.from);
    this.owns(connection.end);
  }

  #portOf(connection: ClientConnection): InboundClientPort {
    return {
      pauseClient: (paused) => connection.end.pause('role', paused),
      get pending() {
        return connection.pending;
      },
      close: () => this.releases(connection.end),
    };
  }
}

/** What comes on a connection that was refused. */
export const DEAF: PduSink = { rpc: () => {}, rts: () => {} };

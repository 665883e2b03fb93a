import {
  type ClientConduct,
  type InboundClient,
  type InboundClientPort,
  InboundProxy,
  type InOpening,
  type PduSink,
} from '@rpch/rpc/internal';
import { type ClientConnection, DEAF, type Half, type HalfHost, type ServerSide } from './halves.ts';
import { CONNECTION_TIMEOUT } from './limits.ts';
import { Owner, type Waiting } from './owner.ts';

/** An inbound proxy role with its connections: of the client, one or two, and the one to the server. */
export class InHalf extends Owner implements Half {
  readonly hop = 'IP>S';
  readonly role: InboundProxy;
  readonly conduct: ClientConduct;
  protected opened = false;
  readonly #host: HalfHost;
  readonly cookie: string;
  readonly #sinks = new Map<ClientConnection, PduSink>();
  readonly #server: ServerSide;

  constructor(host: HalfHost, cookie: string, connection: ClientConnection, opening: InOpening) {
    super(host.world, host.process);
    this.#host = host;
    this.cookie = cookie;
    this.conduct = host.conductOf(cookie);
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
        leaving: () => host.leaves(this),
        wakeAfter: (ms) => world.wake(this.process, this, ms),
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
    const { state } = this.role;
    if (state === 'Opened' || state === 'Opened_A5W') {
      this.expectWord(
        [...this.#sinks.keys()].map(({ end }) => end),
        now,
      );
    }
  }

  protected onEnd(): void {
    this.#host.gone(this);
    this.#server?.close();
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

import {
  type ClientConduct,
  Destination,
  type OutboundClient,
  type OutboundClientPort,
  OutboundProxy,
  type OutOpening,
  type PduSink,
} from '@rpch/rpc/internal';
import { keyOf, SenderAudit } from './flow-audit.ts';
import { type ClientConnection, DEAF, type Half, type HalfHost, type ServerSide } from './halves.ts';
import { encodeHead } from './incoming.ts';
import { CONNECTION_TIMEOUT } from './limits.ts';
import { Owner, type Waiting } from './owner.ts';

import { Wire } from './wire.ts';

/** An outbound proxy role with its connections: of the client, one or two, and the one to the server. */
export class OutHalf extends Owner implements Half {
  readonly hop = 'OP>S';
  readonly role: OutboundProxy;
  readonly conduct: ClientConduct;
  protected opened = false;
  readonly #host: HalfHost;
  readonly cookie: string;
  readonly #sinks = new Map<ClientConnection, PduSink>();
  readonly #server: ServerSide;

  constructor(host: HalfHost, cookie: string, connection: ClientConnection, opening: OutOpening) {
    super(host.world, host.process);
    this.#host = host;
    this.cookie = cookie;
    this.conduct = host.conductOf(cookie);
    const { world } = host;
    const server: { side: ServerSide | undefined } = { side: undefined };
    this.role = new OutboundProxy(
      {
        toServer: {
          rpc: (run, count) => server.side?.rpc(run, count),
          rts: (pdu) => server.side?.rts(pdu),
        },
        opened: () => {
          this.opened = true;
        },
        leaving: () => host.leaves(this),
        wakeAfter: (ms) => world.wake(this.process, this, ms),
        ended: (end) => this.end(end),
      },
      {
        receiveWindow: host.planned.outbound,
        channelLifetime: world.plan.lifetimes.out,
        connectionTimeout: CONNECTION_TIMEOUT,
        conduct: this.conduct,
        recyclingTimeout: world.plan.recyclingTimeouts.proxies,
        onTransition: world.onTransition,
      },
      this.#portOf(connection, opening),
      opening,
    );
    this.#owns(connection, this.role.client);
    this.#server = host.toServer(this, {
      connected: (conduct) => this.guard(() => this.role.serverConnected(conduct)),
      fromServer: world.hearsAcks(this.role.fromServer, Destination.FDOutProxy),
      blocked: () => {},
      closed: () => this.end('the connection to the server was closed'),
    });
    server.side = this.#server;
    if (this.ended !== undefined) this.#server.close();
  }

  get name(): string {
    return `outbound proxy at ${this.process.name}`;
  }

  /** The client opens a successor here. A protocol error ends this half and the new connection. */
  succeed(connection: ClientConnection, opening: OutOpening): void {
    this.owns(connection.end);
    this.guard(() => this.#owns(connection, this.role.succeed(this.#portOf(connection, opening), opening)));
  }

  drain(): void {
    this.guard(() => this.role.drain());
  }

  sinkOf(connection: ClientConnection): PduSink {
    return this.#sinks.get(connection) ?? DEAF;
  }

  protected get waiting(): Waiting {
    const { held, bytesReceived } = this.role;
    // What the back end is not asked for waits for the client as well, as in the proxy.
    return { bytes: held + (this.#server.paused === true ? 1 : 0), progress: bytesReceived - held };
  }

  protected tickRole(now: number): void {
    this.role.tick(now);
  }

  protected onEnd(): void {
    this.#host.gone(this);
    this.#server?.close();
  }

  #owns(connection: ClientConnection, handle: OutboundClient): void {
    connection.handle = handle;
    this.#sinks.set(connection, handle.from);
    this.owns(connection.end);
  }

  #portOf(connection: ClientConnection, opening: OutOpening): OutboundClientPort {
    const { world } = this;
    const contentLength = world.plan.lifetimes.out;
    const cookie = opening.kind === 'CONN/A1' ? opening.outChannelCookie : opening.successorCookie;
    // Of others it must first be seen whether they acknowledge.
    const heedsWindow = world.audits && world.plan.client === 'conforming-1.1';
    const audit = heedsWindow ? new SenderAudit(this.name, opening.receiveWindowSize) : undefined;
    if (audit !== undefined) world.audited(keyOf(cookie), audit);
    return {
      toClient: new Wire(world, 'OP>C', connection.end, contentLength, audit),
      respond: () => connection.end.write(encodeHead({ kind: 'success', contentLength })),
      close: () => this.releases(connection.end),
    };
  }
}

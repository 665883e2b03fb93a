import type { Socket } from 'node:net';
import { ProtocolError, RpchError } from '../errors.ts';
import { LEGACY_SERVER_RESPONSE } from '../rpch/banner.ts';
import { RECEIVE_WINDOW } from '../rpch/commands.ts';
import { readServerOpening, type ServerOpening } from '../rpch/server-opening.ts';
import { AcceptedConnection, type ConnectionUser, LINGER } from './accepted-connection.ts';
import { AllowedPeers, LOOPBACK } from './allowed-peers.ts';
import { endingError, lineOf } from './defect.ts';
import type { RuntimeFactory } from './endpoint-runtime.ts';
import { EndpointSession } from './endpoint-session.ts';
import { type ListenAddress, listen } from './listening.ts';
import { PlainConnection } from './plain-connection.ts';
import { tickInterval } from './tick-interval.ts';

/** What an endpoint bears. Times in ms. */
export interface EndpointLimits {
  /** Connections at a time, of all kinds; more are closed as they come. Default 2,000. */
  readonly connections: number;
  /** Virtual connections at a time; what opens one more is closed. Default 1,000. */
  readonly sessions: number;
  /** Time for the first PDU. Default 30,000. */
  readonly firstPduTimeout: number;
  /** How long one half of a virtual connection waits for the other ([MS-RPCH] 3.2.5.2.1 has 15 minutes). Default 60,000. */
  readonly setupTimeout: number;
  /** How long a channel recycling may wait for one of the others. Default 60,000. */
  readonly recyclingTimeout: number;
  /** How long bytes may wait for a peer that takes none, or half a PDU for its rest. Default 60,000. */
  readonly stallTimeout: number;
  /** How long the connection of a proxy that has been replaced may stay open. Default 60,000. */
  readonly lingerTimeout: number;
  /** Window that inbound proxies are told, bytes. Default 65,536. */
  readonly receiveWindow: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = {
  connections: 2000,
  sessions: 1000,
  firstPduTimeout: 30_000,
  setupTimeout: 60_000,
  recyclingTimeout: 60_000,
  stallTimeout: 60_000,
  lingerTimeout: 60_000,
  receiveWindow: RECEIVE_WINDOW.default,
};

/**
 * Who may speak version 1, which is nothing but plain RPC PDUs: `listed` proxies; `anyone`, as over `ncacn_ip_tcp`; or nobody,
 * `off`. Version 2 is for listed proxies in any case.
 */
export type Version1 = 'off' | 'listed' | 'anyone';

export interface HttpEndpointOptions {
  readonly listen: ListenAddress;
  /**
   * Addresses and networks of the proxies. Default: loopback. Nothing of [MS-RPCH] lets a server prove who a proxy is, so that
   * this list, with the network's help, is all there is. A Unix socket is open to whom its permissions let in.
   */
  readonly proxies?: readonly string[];
  /** Default `listed`. */
  readonly version1?: Version1;
  /** What stands behind: the run-time of this process, or something else. */
  readonly runtimes: RuntimeFactory;
  readonly limits?: Partial<EndpointLimits>;
  /** One line for each connection and virtual connection that ends in failure. */
  readonly log?: (line: string) => void;
}

/** Counts since the endpoint was opened. */
export interface EndpointCounts {
  /** Connections that were not closed at once. */
  accepted: number;
  /** Connections closed at once because their peer is not listed. */
  unlisted: number;
  /** Virtual connections that were refused because there were too many, or the endpoint drains. */
  refused: number;
  /** Virtual connections begun, and those of them that were opened. */
  sessions: number;
  opened: number;
  /** Connections of version 1. */
  version1: number;
  /** Virtual connections and other connections that ended in failure. */
  failed: number;
}

/** An open endpoint. */
export interface HttpEndpoint {
  /** The port in use; 0 for a Unix socket. */
  readonly port: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Virtual connections that are not over. */
  readonly sessions: number;
  readonly counts: Readonly<EndpointCounts>;
  /** Begins nothing new. What is under way goes on, and may recycle its channels. */
  drain(): void;
  /** Stops listening and ends everything; resolves when all connections are gone. */
  close(): Promise<void>;
}

/**
 * Opens an `ncacn_http` endpoint ([MS-RPCH] 2.1.1.2, 2.1.2.2, 3): sends the legacy server response to each connection, and
 * takes the first PDU for the dialect. An RTS PDU makes the connection part of a virtual connection of version 2, found by its
 * cookie; an RPC PDU makes it one of version 1. Rejects with {@link RpchError} `RPCH_LISTEN_FAILED` or `RPCH_BAD_ADDRESS`.
 */
export async function openHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const endpoint = new Endpoint(options);
  const listening = await listen(options.listen, {
    maxConnections: endpoint.limits.connections,
    log: endpoint.log,
    accepted: (socket) => endpoint.accept(socket),
  });
  const { firstPduTimeout, setupTimeout, recyclingTimeout, stallTimeout, lingerTimeout } = endpoint.limits;
  const ticker = setInterval(
    () => endpoint.tick(performance.now()),
    tickInterval([firstPduTimeout, setupTimeout, recyclingTimeout, stallTimeout, lingerTimeout]),
  );
  return {
    port: listening.port,
    get connections() {
      return endpoint.connections.size;
    },
    get sessions() {
      return endpoint.sessions.size;
    },
    counts: endpoint.counts,
    drain: () => endpoint.drain(),
    close: async () => {
      clearInterval(ticker);
      endpoint.end();
      await listening.close();
    },
  };
}

class Endpoint {
  readonly limits: EndpointLimits;
  readonly log: (line: string) => void;
  readonly connections = new Set<AcceptedConnection>();
  /** The virtual connection cookie table ([MS-RPCH] 3.2.5.3.1). */
  readonly sessions = new Map<string, EndpointSession>();
  readonly counts: EndpointCounts = {
    accepted: 0,
    unlisted: 0,
    refused: 0,
    sessions: 0,
    opened: 0,
    version1: 0,
    failed: 0,
  };
  readonly #options: HttpEndpointOptions;
  readonly #proxies: AllowedPeers;
  readonly #version1: Version1;
  /** Connections closed since the last tick because their peer is not listed, beyond the one that was logged. */
  #unlistedUnlogged = -1;
  #draining = false;

  constructor(options: HttpEndpointOptions) {
    this.#options = options;
    this.limits = { ...ENDPOINT_LIMITS, ...options.limits };
    this.log = options.log ?? (() => {});
    this.#proxies = new AllowedPeers(options.proxies ?? LOOPBACK);
    this.#version1 = options.version1 ?? 'listed';
  }

  /** [MS-RPCH] 3.1.3.4.1, 3.2.5.5.1 */
  accept(socket: Socket): void {
    const local = 'path' in this.#options.listen;
    const { remoteAddress: address } = socket;
    // Without an address it is gone already.
    const listed = local || (address !== undefined && this.#proxies.has(address));
    if ((!local && address === undefined) || (!listed && this.#version1 !== 'anyone')) {
      socket.destroy();
      if (address !== undefined) this.#countUnlisted(address);
      return;
    }
    this.counts.accepted++;
    const connection = new AcceptedConnection(
      socket,
      (begun) => new OpenStartConnection(this, begun, listed),
      (over) => this.connections.delete(over),
    );
    this.connections.add(connection);
    connection.write(LEGACY_SERVER_RESPONSE);
    connection.flush();
    connection.start();
  }

  /** The first PDU is an RPC PDU ([MS-RPCH] 3): the connection is the whole channel. */
  begin1(connection: AcceptedConnection, listed: boolean): ConnectionUser {
    if (this.#version1 === 'off' || (this.#version1 === 'listed' && !listed)) {
      throw new RpchError('RPCH_V1_REFUSED', 'peer', 'an RPC PDU where version 1 is not served');
    }
    this.#refuseWhileDraining();
    this.counts.version1++;
    return new PlainConnection(connection, 'http-v1', this.#options.runtimes, (end) => {
      if (end !== undefined) this.failed(connection, end);
    });
  }

  /** The first PDU is an RTS PDU: a virtual connection begins, or is completed, or goes on over another proxy. */
  begin2(connection: AcceptedConnection, listed: boolean, pdu: Uint8Array): ConnectionUser {
    if (!listed) throw new RpchError('RPCH_NOT_A_PROXY', 'peer', 'an RTS PDU of a peer that is not listed');
    const opening = readServerOpening(pdu);
    const key = Buffer.from(opening.virtualConnectionCookie).toString('latin1');
    return (this.sessions.get(key) ?? this.#beginSession(key, opening)).attach(connection, opening);
  }

  failed(connection: AcceptedConnection, why: RpchError): void {
    this.counts.failed++;
    this.log(`${connection.peer}: ${lineOf(why)}`);
  }

  tick(now: number): void {
    if (this.#unlistedUnlogged > 0) this.log(`${this.#unlistedUnlogged} more connections of peers that are not listed`);
    this.#unlistedUnlogged = -1;
    for (const session of this.sessions.values()) session.tick(now);
    for (const connection of this.connections) connection.tick(now, this.limits.stallTimeout);
  }

  drain(): void {
    this.#draining = true;
  }

  end(): void {
    for (const session of this.sessions.values()) session.finish(undefined);
  }

  #beginSession(key: string, { kind }: ServerOpening): EndpointSession {
    if (kind !== 'CONN/A2' && kind !== 'CONN/B2') {
      throw new ProtocolError('RPCH_COOKIE', `${kind} of an unknown virtual connection`, '[MS-RPCH] 3.2.5.5');
    }
    this.#refuseWhileDraining();
    if (this.sessions.size >= this.limits.sessions) {
      this.counts.refused++;
      throw new RpchError('RPCH_TOO_MANY', 'peer', `there are ${this.sessions.size} virtual connections already`);
    }
    const id = String(++this.counts.sessions);
    const session = new EndpointSession(
      id,
      { ...this.limits, runtimes: this.#options.runtimes },
      {
        opened: () => {
          this.counts.opened++;
        },
        ended: (why) => {
          this.sessions.delete(key);
          if (why === undefined) return;
          this.counts.failed++;
          this.log(`session ${id}: ${lineOf(why)}`);
        },
      },
    );
    this.sessions.set(key, session);
    return session;
  }

  #refuseWhileDraining(): void {
    if (!this.#draining) return;
    this.counts.refused++;
    throw new RpchError('RPCH_DRAINING', 'peer', 'the endpoint begins nothing new');
  }

  #countUnlisted(address: string): void {
    this.counts.unlisted++;
    this.#unlistedUnlogged++;
    if (this.#unlistedUnlogged === 0) this.log(`${address}: closed at once, it is not listed as a proxy`);
  }
}

/** A connection in state Open_Start: its first PDU is to come. */
class OpenStartConnection implements ConnectionUser {
  readonly #endpoint: Endpoint;
  readonly #connection: AcceptedConnection;
  readonly #listed: boolean;
  #since: number | undefined;

  constructor(endpoint: Endpoint, connection: AcceptedConnection, listed: boolean) {
    this.#endpoint = endpoint;
    this.#connection = connection;
    this.#listed = listed;
  }

  rpc(run: Uint8Array, count: number): void {
    const user = this.#endpoint.begin1(this.#connection, this.#listed);
    this.#connection.handTo(user);
    user.rpc(run, count);
  }

  rts(pdu: Uint8Array): void {
    this.#connection.handTo(this.#endpoint.begin2(this.#connection, this.#listed, pdu));
  }

  flush(): void {
    this.#connection.flush();
  }

  blocked(): void {
    // Fourteen bytes block nothing.
  }

  failed(error: unknown): void {
    this.#endpoint.failed(this.#connection, endingError(error));
    this.#connection.close(LINGER);
  }

  closed(error: Error | undefined): void {
    if (error === undefined) return;
    this.#endpoint.failed(
      this.#connection,
      new RpchError('RPCH_CONNECTION_LOST', 'network', `the connection failed: ${error.message}`, { cause: error }),
    );
  }

  tick(now: number): void {
    this.#since ??= now;
    if (now - this.#since <= this.#endpoint.limits.firstPduTimeout) return;
    this.failed(new RpchError('RPCH_STALLED', 'peer', 'no progress: its first PDU does not come'));
  }
}

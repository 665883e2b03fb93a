import { ProtocolError, RpchError } from '../errors.ts';
import type { ClientAddress } from '../rpch/commands.ts';
import type { RoleEnd } from '../rpch/role.ts';
import { Server, type ServerLeg, type ServerPort } from '../rpch/server.ts';
import type { ServerOpening } from '../rpch/server-opening.ts';
import { type AcceptedConnection, type ConnectionUser, LINGER } from './accepted-connection.ts';
import { endingError } from './defect.ts';
import type { EndpointRuntime, RuntimeConnection, RuntimeFactory } from './endpoint-runtime.ts';
import { Stall } from './stall.ts';
import { TurnEnd } from './turn-end.ts';

export interface EndpointSessionOptions {
  /** Window that inbound proxies are told, bytes. */
  readonly receiveWindow: number;
  /** How long one proxy's connection waits for the other's, ms. */
  readonly setupTimeout: number;
  /** How long a channel recycling may wait for one of the others, ms. */
  readonly recyclingTimeout: number;
  /** How long answers may wait for the outbound proxy's acknowledgements, ms. */
  readonly stallTimeout: number;
  /** How long a connection that has been replaced, and a session that is being ended, may stay, ms. */
  readonly lingerTimeout: number;
  readonly runtimes: RuntimeFactory;
}

export interface EndpointSessionEvents {
  /** Both proxies are there. */
  opened(): void;
  /** It is over, called once; `why` is missing where a proxy closed its connection, or the run-time ended it in good order. */
  ended(why: RpchError | undefined): void;
}

/**
 * One virtual connection at a server's endpoint: the server role ([MS-RPCH] 3.2.5), the connections of its proxies, and the
 * run-time behind. Whatever of it ends, all end, but for connections that have been replaced.
 */
export class EndpointSession implements ServerPort, RuntimeConnection {
  /** For logs; the cookie is a secret. */
  readonly id: string;
  /** Nothing is known of the client: what it cannot bear is its proxies' business. */
  readonly mayRecycle = true;
  readonly #options: EndpointSessionOptions;
  readonly #events: EndpointSessionEvents;
  readonly #server: Server;
  readonly #legs = new Set<SessionLeg>();
  readonly #turnEnd = new TurnEnd(() => this.flush());
  readonly #stall = new Stall();
  /** Bytes of RPC PDUs given to outbound proxies. */
  #sent = 0;
  #b2: (ServerOpening & { readonly kind: 'CONN/B2' }) | undefined;
  #inbound: AcceptedConnection | undefined;
  #runtime: EndpointRuntime | undefined;
  #queueHolds = false;
  #runtimeBlocked = false;
  #over = false;
  /** The run-time has ended it, and these PDUs still wait for the client's window. */
  #ending: { readonly why: RpchError | undefined; since: number | undefined } | undefined;

  constructor(id: string, options: EndpointSessionOptions, events: EndpointSessionEvents) {
    this.id = id;
    this.#options = options;
    this.#events = events;
    this.#server = new Server(this, options);
  }

  /**
   * A proxy's connection joins with its first PDU. Returns its user; throws ProtocolError where it must not, and the session
   * is over then ([MS-RPCH] 3.2.5.5.13).
   */
  attach(connection: AcceptedConnection, opening: ServerOpening): ConnectionUser {
    if (opening.kind === 'CONN/B2' && this.#b2 === undefined) {
      this.#b2 = opening;
      this.#inbound = connection;
    }
    const leg = new SessionLeg(this, connection);
    this.#legs.add(leg);
    try {
      leg.handle = this.#server.attach(
        {
          rpc: (run) => {
            this.#sent += run.length;
            connection.write(run);
          },
          rts: (pdu) => connection.write(pdu),
          close: () => this.#drop(leg),
        },
        opening,
      );
    } catch (error) {
      // The endpoint closes the connection that came too many: it is told why.
      this.#legs.delete(leg);
      this.finish(endingError(error));
      throw error;
    }
    return leg;
  }

  toRuntime(run: Uint8Array, count: number): void {
    if (this.#ending === undefined) this.#runtime?.receive(run, count);
  }

  opened(): void {
    const { address, peer } = this.#inbound ?? { address: '', peer: '' };
    this.#runtime = this.#options.runtimes.open(
      {
        transport: 'http-v2',
        address,
        label: `${peer} (session ${this.id})`,
        clientAddressHint: this.#b2 === undefined ? undefined : addressText(this.#b2.clientAddress),
        associationGroupId: this.#b2?.associationGroupId,
      },
      this,
    );
    this.#events.opened();
  }

  pauseRuntime(paused: boolean): void {
    this.#queueHolds = paused;
    this.regulate();
  }

  ended(end: RoleEnd): void {
    this.finish(new RpchError('RPCH_SESSION_ENDED', 'peer', `the virtual connection is over: ${end}`));
  }

  send(run: Uint8Array, count: number): void {
    if (this.#over || this.#ending !== undefined) return;
    this.guard(() => this.#server.fromRuntime(run, count));
    this.#turnEnd.schedule();
  }

  pause(paused: boolean): void {
    if (this.#over) return;
    this.guard(() => this.#server.runtimeBlocked(paused));
    this.#turnEnd.schedule();
  }

  end(why?: RpchError): void {
    if (this.#over || this.#ending !== undefined) return;
    this.#ending = { why, since: undefined };
    this.#turnEnd.schedule();
  }

  flush(): void {
    if (this.#over) return;
    this.guard(() => this.#runtime?.flush());
    for (const { connection } of this.#legs) connection.flush();
    if (this.#ending !== undefined && this.#server.queued === 0) this.finish(this.#ending.why);
  }

  /** Time goes on: `now` in ms on a steady clock. */
  tick(now: number): void {
    if (this.#over) return;
    this.guard(() => {
      this.#server.tick(now);
      this.#runtime?.tick(now);
    });
    const { queued } = this.#server;
    if (this.#stall.observe(queued > 0, this.#sent, now) > this.#options.stallTimeout) {
      const why = `no progress: ${queued} bytes wait for acknowledgements of the outbound proxy`;
      this.finish(new RpchError('RPCH_STALLED', 'peer', why));
      return;
    }
    const ending = this.#ending;
    if (ending !== undefined) {
      ending.since ??= now;
      if (now - ending.since > this.#options.lingerTimeout) this.finish(ending.why);
    }
    for (const leg of this.#legs) {
      if (leg.lingered(now) > this.#options.lingerTimeout) this.#drop(leg);
    }
    this.flush();
  }

  /** The connection of `leg` is gone. */
  lost(leg: SessionLeg, error: Error | undefined): void {
    this.#legs.delete(leg);
    if (this.#over) return;
    if (leg.over) {
      this.guard(() => leg.handle?.closed());
      this.flush();
      return;
    }
    const { peer } = leg.connection;
    this.finish(
      error === undefined
        ? undefined
        : new RpchError('RPCH_CONNECTION_LOST', 'network', `the connection of ${peer} failed: ${error.message}`, {
            cause: error,
          }),
    );
  }

  /** Ends it on all connections; what was written still goes out. */
  finish(why: RpchError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#runtime?.close();
    for (const { connection } of this.#legs) connection.close(LINGER);
    this.#legs.clear();
    this.#events.ended(why);
  }

  guard(work: () => void): void {
    if (this.#over) return;
    try {
      work();
    } catch (error) {
      this.finish(endingError(error));
    }
  }

  /**
   * The run-time waits for the client's window, and for proxies that leave unread what they were sent: those may have a window
   * of a gigabyte. Proxies' RTS PDUs are relayed outside of any window, so that nothing is read then.
   */
  regulate(): void {
    if (this.#over) return;
    let stuck = false;
    for (const leg of this.#legs) stuck ||= leg.stuck;
    for (const { connection } of this.#legs) connection.pause(stuck);
    const blocked = stuck || this.#queueHolds;
    if (blocked === this.#runtimeBlocked || this.#runtime === undefined) return;
    this.#runtimeBlocked = blocked;
    this.guard(() => this.#runtime?.blocked(blocked));
  }

  /** Closes the connection of a proxy that has been replaced. */
  #drop(leg: SessionLeg): void {
    if (!this.#legs.delete(leg)) return;
    leg.connection.close(LINGER);
    this.guard(() => leg.handle?.closed());
    this.regulate();
  }
}

/** A proxy's connection as a part of its session. */
class SessionLeg implements ConnectionUser {
  readonly connection: AcceptedConnection;
  handle: ServerLeg | undefined;
  /** It leaves unread more than is good. */
  stuck = false;
  readonly #session: EndpointSession;
  #overSince: number | undefined;

  constructor(session: EndpointSession, connection: AcceptedConnection) {
    this.#session = session;
    this.connection = connection;
  }

  get over(): boolean {
    return this.handle?.over === true;
  }

  rpc(run: Uint8Array, count: number): void {
    this.handle?.from.rpc(run, count);
  }

  rts(pdu: Uint8Array): void {
    this.handle?.from.rts(pdu);
  }

  flush(): void {
    this.#session.flush();
  }

  blocked(blocked: boolean): void {
    this.stuck = blocked;
    this.#session.regulate();
  }

  failed(error: unknown): void {
    const ending = endingError(error);
    const named = ending instanceof ProtocolError ? `${ending.section}, ` : '';
    this.#session.finish(
      new RpchError(ending.code, ending.fault, `${named}connection of ${this.connection.peer}: ${ending.message}`, {
        cause: ending,
      }),
    );
  }

  closed(error: Error | undefined): void {
    this.#session.lost(this, error);
  }

  /** The session has the time from the endpoint. */
  tick(): void {}

  /** For how long the connection has stayed since it was replaced, ms. */
  lingered(now: number): number {
    if (!this.over) return 0;
    this.#overSince ??= now;
    return now - this.#overSince;
  }
}

/** An address for logs: dotted numbers, or groups of hexadecimal digits. */
function addressText({ family, address }: ClientAddress): string {
  if (family === 4) return address.join('.');
  const groups: string[] = [];
  for (let i = 0; i + 1 < address.length; i += 2) {
    groups.push((((address[i] ?? 0) << 8) | (address[i + 1] ?? 0)).toString(16));
  }
  return groups.join(':');
}

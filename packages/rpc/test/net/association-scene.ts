import type { TestContext } from 'node:test';
import type { OfferedInterface } from '../../src/dcerpc/rpc-interface.ts';
import type { RpchError } from '../../src/errors.ts';
import { echoServer } from '../../src/interfaces/echo.ts';
import { AssociationPool } from '../../src/net/association-pool.ts';
import type { PduTransport, PduTransportEvents } from '../../src/net/pdu-transport.ts';
import { RpcConnection } from '../../src/net/rpc-connection.ts';
import { openOverTcp } from '../../src/net/tcp-client.ts';
import { serveTcp, type TcpServer } from '../../src/net/tcp-server.ts';

/** An rpcecho whose TestSleep lasts until the test wakes it. */
export class SleepyServer {
  readonly server: TcpServer;
  readonly #sleeping: (() => void)[];
  readonly #watchers: (() => void)[];
  /** TestSleeps that have begun, in all. */
  readonly begun: { count: number };

  private constructor(server: TcpServer, sleeping: (() => void)[], begun: { count: number }, watchers: (() => void)[]) {
    this.server = server;
    this.#sleeping = sleeping;
    this.begun = begun;
    this.#watchers = watchers;
  }

  static async start(t: TestContext, more: readonly OfferedInterface[] = [], port = 0): Promise<SleepyServer> {
    const sleeping: (() => void)[] = [];
    const watchers: (() => void)[] = [];
    const begun = { count: 0 };
    const sleep = (_ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        sleeping.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
        begun.count++;
        for (const look of [...watchers]) look();
      });
    const server = await serveTcp({ host: '127.0.0.1', port, interfaces: [echoServer({ sleep }), ...more] });
    t.after(() => server.close());
    return new SleepyServer(server, sleeping, begun, watchers);
  }

  get port(): number {
    return this.server.port;
  }

  /** Resolves when that many TestSleeps have begun. */
  async asleep(count: number): Promise<void> {
    while (this.begun.count < count) await new Promise<void>((look) => this.#watchers.push(look));
  }

  /** Ends all TestSleeps that are under way. */
  wake(): void {
    for (const resolve of this.#sleeping.splice(0)) resolve();
  }
}

/** One connection of a pool, as the test sees it. */
export interface Line {
  /** What the pool asked for: 0 for its first connection. */
  readonly assocGroupId: number;
  readonly connection: RpcConnection | undefined;
  /** Ends the connection as the network would. */
  lose(error: RpchError): void;
  /** From now on nothing is sent, and the sender is told to wait. */
  block(): void;
}

export interface PoolOptions {
  readonly maxConnections?: number;
  readonly multiplexed?: boolean;
  /** Runs when a connection was opened, before the pool has it; or fails the opening. */
  readonly opened?: (line: Line, number: number) => void;
}

/** A pool of connections to `port`, and all that it has opened. */
export function poolTo(t: TestContext, port: number, options: PoolOptions = {}) {
  const { maxConnections = 8, multiplexed = true, opened } = options;
  const lines: Line[] = [];
  const pool = new AssociationPool(async (wanted, assocGroupId, ended) => {
    let events: PduTransportEvents | undefined;
    let blocked = false;
    const transport = async (given: PduTransportEvents): Promise<PduTransport> => {
      events = given;
      const real = await openOverTcp({ server: { host: '127.0.0.1', port }, ...given });
      return {
        send: (run, count) => !blocked && real.send(run, count),
        get unsent() {
          return real.unsent;
        },
        pause: () => real.pause(),
        resume: () => real.resume(),
        close: () => real.close(),
      };
    };
    const line = {
      assocGroupId,
      connection: undefined as RpcConnection | undefined,
      lose: (error: RpchError) => events?.onClosed(error),
      block: () => {
        blocked = true;
      },
    };
    lines.push(line);
    const connection = await RpcConnection.open(transport, { interfaces: [wanted], assocGroupId, multiplexed }, ended);
    line.connection = connection;
    opened?.(line, lines.length);
    return connection;
  }, maxConnections);
  t.after(() => pool.close());
  return { pool, lines };
}

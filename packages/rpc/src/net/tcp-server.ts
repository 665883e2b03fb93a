import type { Socket } from 'node:net';
import { AcceptedConnection } from './accepted-connection.ts';
import { AssociationRuntimes, type CloseOptions, type RpcServerOptions } from './association-runtime.ts';
import { lineOf } from './defect.ts';
import { listen } from './listening.ts';
import { PlainConnection } from './plain-connection.ts';
import { tickInterval } from './tick-interval.ts';

const DEFAULT_MAX_CONNECTIONS = 1000;
const DEFAULT_STALL_TIMEOUT = 60_000;

/** Where to listen, and what to serve. */
export interface TcpServerOptions extends RpcServerOptions {
  /** The address to listen on, `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** One line for each connection that ends in failure, and for each handler that fails. */
  readonly log?: (line: string) => void;
  /** Connections at a time; more are closed as they come. Default 1,000. */
  readonly maxConnections?: number;
  /**
   * Milliseconds after which a connection is cut off that has not bound yet, does not take what is sent to it, or owes the
   * rest of a PDU. Default 60,000. An association that is bound may be idle for as long as it likes.
   */
  readonly stallTimeout?: number;
}

/** A server that listens. */
export interface TcpServer {
  /** The port in use. */
  readonly port: number;
  /**
   * Stops listening, lets calls in progress finish for as long as `grace`, and cuts every connection; resolves when all are gone.
   */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Serves interfaces over ncacn_ip_tcp ([MS-RPCE] 2.1.1.1). What goes wrong in a connection
 * ends that connection alone. Rejects with RpchError `RPCH_LISTEN_FAILED` where host and port cannot be listened on.
 */
export async function serveTcp(options: TcpServerOptions): Promise<TcpServer> {
  const { host, port, maxConnections = DEFAULT_MAX_CONNECTIONS } = options;
  const stallTimeout = options.stallTimeout ?? DEFAULT_STALL_TIMEOUT;
  const log = options.log ?? (() => {});
  const connections = new Set<AcceptedConnection>();
  const runtimes = new AssociationRuntimes({
    ...options,
    secondaryAddress: () => String(listening.port),
    bindTimeout: stallTimeout,
    log,
  });
  const accepted = (socket: Socket): void => {
    const connection = new AcceptedConnection(
      socket,
      (begun) =>
        new PlainConnection(begun, 'tcp', runtimes, (end) => {
          if (end !== undefined) log(`${begun.peer}: ${lineOf(end)}`);
        }),
      (over) => connections.delete(over),
    );
    connections.add(connection);
    connection.start();
  };
  const listening = await listen({ host, port }, { maxConnections, log, accepted });
  const unregister = runtimes.register('ncacn_ip_tcp', host, listening.port);
  const ticker = setInterval(
    () => {
      const now = performance.now();
      for (const connection of connections) connection.tick(now, stallTimeout);
    },
    tickInterval([stallTimeout]),
  );
  return {
    port: listening.port,
    close: async ({ grace = 0 } = {}) => {
      listening.stop();
      unregister();
      await runtimes.drain(grace);
      clearInterval(ticker);
      await listening.close();
    },
  };
}

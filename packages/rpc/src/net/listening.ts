import { lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { RpchError } from '../errors.ts';

/** Where to listen. */
export type ListenAddress =
  | {
      readonly host: string;
      /** 0 lets the system choose. */
      readonly port: number;
    }
  | {
      /** A Unix socket. Who may connect is a matter of its mode, and of the folder's. */
      readonly path: string;
      /** Permissions of the socket; default 0o600, its owner alone. */
      readonly mode?: number;
    };

export interface ListeningOptions {
  /** Connections at a time; more are closed as they come. */
  readonly maxConnections: number;
  readonly log: (line: string) => void;
  /** A connection, paused. Called for each. */
  accepted(socket: Socket): void;
}

/** An open listener and its connections. */
export interface Listening {
  /** The port in use; 0 for a Unix socket. */
  readonly port: number;
  /** Connections that were closed at once because there were too many. */
  readonly dropped: number;
  /** Stops listening; connections stay. */
  stop(): void;
  /** Stops listening and cuts every connection; resolves when all are gone. */
  close(): Promise<void>;
}

const BACKLOG = 1024;

/**
 * Listens on TCP or on a Unix socket. A socket file that a server left behind which is no longer there is replaced. Rejects
 * with {@link RpchError} `RPCH_LISTEN_FAILED`.
 */
export async function listen(address: ListenAddress, options: ListeningOptions): Promise<Listening> {
  const sockets = new Set<Socket>();
  let dropped = 0;
  const server = createServer({ noDelay: true, pauseOnConnect: true });
  server.maxConnections = options.maxConnections;
  server.on('drop', () => {
    dropped++;
    options.log('a connection was closed at once: there are too many');
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    options.accepted(socket);
  });
  await open(server, address);
  server.on('error', (error) => options.log(`accepting a connection failed: ${error.message}`));
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    get dropped() {
      return dropped;
    },
    stop: () => {
      server.close();
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function open(server: Server, address: ListenAddress): Promise<void> {
  try {
    await tryListen(server, address).catch(async (error: unknown) => {
      if (!('path' in address) || codeOf(error) !== 'EADDRINUSE' || !(await isAbandoned(address.path))) throw error;
      unlinkSync(address.path);
      await tryListen(server, address);
    });
  } catch (cause) {
    const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpchError('RPCH_LISTEN_FAILED', 'configuration', `cannot listen on ${where}: ${why}`, { cause });
  }
}

function tryListen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (!('path' in address)) {
      server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, listening);
      return;
    }
    // The socket is made within this call: it never has wider permissions, not even for a moment.
    const before = process.umask(0o777 & ~(address.mode ?? 0o600));
    try {
      server.listen({ path: address.path, backlog: BACKLOG }, listening);
    } finally {
      process.umask(before);
    }
  });
}

/** Whether a path is that of a socket which has no server any more. Connecting to a file of another kind is refused too. */
async function isAbandoned(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return false;
  return await new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'));
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

import { createServer, type Socket } from 'node:net';
import { AssociationGroups } from '../dcerpc/association-groups.ts';
import { Deframer } from '../dcerpc/deframer.ts';
import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { type AssociationOutput, ServerAssociation } from '../dcerpc/server-association.ts';
import { ProtocolError, RpchError } from '../errors.ts';

/** Unsent bytes of one connection above which nothing more is read from it. */
export const MAX_UNSENT = 1024 * 1024;
/** Bytes that a connection which is being ended may still send before it is cut off. */
const MAX_DISCARDED = 1024 * 1024;
const DEFAULT_MAX_CONNECTIONS = 1000;
const DEFAULT_STALL_TIMEOUT = 60_000;

export interface TcpServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly interfaces: readonly RpcInterface[];
  /** One line for each connection that ends in failure, and for each handler that fails. */
  readonly log?: (line: string) => void;
  /** Connections at a time; more are closed as they come. Default 1,000. */
  readonly maxConnections?: number;
  /**
   * Milliseconds without progress after which a connection is cut off that has not bound yet, does not take what is
   * sent to it, or is being ended. Default 60,000. An association that is bound may be idle for as long as it likes.
   */
  readonly stallTimeout?: number;
}

export interface TcpServer {
  readonly port: number;
  /** Stops listening and cuts every connection; resolves when all are gone. */
  close(): Promise<void>;
}

/**
 * Serves interfaces over ncacn_ip_tcp ([MS-RPCE] 2.1.1.1), without RPC-level security. What goes wrong in a connection
 * ends that connection alone. Rejects with RpchError `RPCH_LISTEN_FAILED` where host and port cannot be listened on.
 */
export async function serveTcp(options: TcpServerOptions): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  const groups = new AssociationGroups();
  const server = createServer({ noDelay: true });
  server.maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
  server.on('drop', () => options.log?.('a connection was closed at once: there are too many'));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const where = `${options.host}:${options.port}`;
      reject(
        new RpchError('RPCH_LISTEN_FAILED', 'configuration', `cannot listen on ${where}: ${cause.message}`, { cause }),
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  server.removeAllListeners('error');
  server.on('error', (error) => options.log?.(`accepting a connection failed: ${error.message}`));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    new Connection(socket, groups, port, options);
  });
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One accepted connection: bytes to the deframer, PDUs to the association, and its answers out once a turn. */
class Connection implements AssociationOutput {
  readonly #socket: Socket;
  readonly #options: TcpServerOptions;
  readonly #peer: string;
  readonly #deframer = new Deframer();
  readonly #association: ServerAssociation;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #flushing = false;
  #paused = false;
  #ending = false;
  #discarded = 0;
  #timed = false;

  constructor(socket: Socket, groups: AssociationGroups, port: number, options: TcpServerOptions) {
    this.#socket = socket;
    this.#options = options;
    const client = socket.remoteAddress ?? '';
    this.#peer = `${client}:${socket.remotePort}`;
    this.#association = new ServerAssociation({
      interfaces: options.interfaces,
      groups,
      client,
      secondaryAddress: String(port),
      output: this,
    });
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('timeout', () => this.#cut('no progress'));
    socket.on('error', (error) => this.#log(`the connection failed: ${error.message}`));
    socket.on('close', () => this.#association.close());
    this.#watch();
  }

  send(run: Uint8Array): boolean {
    this.#queue.push(run);
    this.#queued += run.length;
    this.#scheduleFlush();
    if (this.#queued + this.#socket.writableLength <= MAX_UNSENT) return true;
    if (!this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    return false;
  }

  end(why: RpchError): void {
    this.#log(`${why.code}: ${why.message}`);
    this.#ending = true;
    this.#scheduleFlush();
    // Reading goes on: bytes left unread at the close would reset the connection, and with it what was sent last.
    this.#socket.resume();
  }

  handlerFailed(why: RpchError): void {
    this.#log(`${why.code}: ${why.message}: ${detailOf(why.cause)}`);
  }

  #received(chunk: Uint8Array): void {
    if (this.#ending) {
      this.#discarded += chunk.length;
      if (this.#discarded > MAX_DISCARDED) this.#cut('it goes on sending');
      return;
    }
    this.#guard(() => this.#deframer.push(chunk, this.#association));
  }

  #drained(): void {
    if (!this.#paused || this.#ending) return;
    this.#paused = false;
    this.#guard(() => this.#association.resume());
    if (!this.#paused) this.#socket.resume();
  }

  /** Whatever goes wrong with what this peer sent, other connections do not notice. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ProtocolError) {
        this.#association.close();
        this.end(error);
      } else {
        this.#cut(`a defect of the server: ${detailOf(error)}`);
      }
    }
    this.#watch();
  }

  /** All that one turn of the event loop answers goes out in one write. */
  #scheduleFlush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const socket = this.#socket;
    const queue = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    if (!socket.writable) return;
    socket.cork();
    for (const run of queue) socket.write(run);
    socket.uncork();
    if (this.#ending) socket.end();
  }

  /** The stall timeout runs exactly while the peer owes something. */
  #watch(): void {
    const timed = this.#ending || this.#paused || !this.#association.bound;
    if (timed === this.#timed) return;
    this.#timed = timed;
    this.#socket.setTimeout(timed ? (this.#options.stallTimeout ?? DEFAULT_STALL_TIMEOUT) : 0);
  }

  #cut(why: string): void {
    this.#log(`the connection is cut off: ${why}`);
    this.#socket.destroy();
  }

  #log(line: string): void {
    this.#options.log?.(`${this.#peer}: ${line}`);
  }
}

function detailOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

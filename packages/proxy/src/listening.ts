import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { RpchError } from '@rpch/rpc';
import type { Listener } from './config/listener.ts';
import type { Admitted, Connections } from './front/connections.ts';

/** An open listener. */
export interface Listening {
  readonly listener: Listener;
  /** The port in use, where the listener left the choice to the system. */
  readonly port: number;
  /** Takes a new certificate for connections to come. No effect on plain HTTP. */
  setCertificate(options: TlsOptions): void;
  /** Accepts no more; connections stay. */
  stop(): void;
}

export interface ListeningOptions {
  readonly connections: Connections;
  /** For https; time for the handshake in ms. */
  readonly tls?: TlsOptions & { readonly handshakeTimeout: number };
  /** A connection is ready: TLS done, quotas kept. */
  accepted(socket: Socket, admitted: Admitted): void;
  /** A connection was turned away or failed in TLS; `why` is for the log. */
  refused(address: string | undefined, why: string): void;
}

const BACKLOG = 4096;

/** Opens a listener. Throws {@link RpchError} `RPCH_LISTEN`. */
export function listen(listener: Listener, options: ListeningOptions): Promise<Listening> {
  const server = listener.tls ? tlsServer(options) : tcpServer(options);
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      reject(
        new RpchError('RPCH_LISTEN', 'configuration', `cannot listen on ${listener.url}: ${cause.message}`, { cause }),
      );
    };
    server.once('error', onError);
    server.listen({ host: listener.host, port: listener.port, backlog: BACKLOG }, () => {
      server.off('error', onError);
      // Out of file descriptors, say: the listener goes on, and the log tells.
      server.on('error', (error: Error) => options.refused(undefined, error.message));
      const address = server.address();
      resolve({
        listener,
        port: typeof address === 'object' && address !== null ? address.port : listener.port,
        setCertificate: (tls) => {
          if ('setSecureContext' in server) (server as TlsServer).setSecureContext(tls);
        },
        stop: () => server.close(),
      });
    });
  });
}

const SOCKET_OPTIONS = { noDelay: true };

function tcpServer(options: ListeningOptions): Server {
  return createTcpServer(SOCKET_OPTIONS, (socket) => {
    const admitted = admit(socket, options);
    if (admitted !== undefined) options.accepted(socket, admitted);
  });
}

/** Quotas count TCP connections, before TLS costs anything; what speaks HTTP is the TLS connection on top. */
function tlsServer(options: ListeningOptions): Server {
  const admissions = new Map<string, Admitted>();
  const server = createTlsServer({ ...SOCKET_OPTIONS, ...options.tls });
  server.on('connection', (socket: Socket) => {
    const admitted = admit(socket, options);
    if (admitted === undefined) return;
    const key = peerOf(socket);
    admissions.set(key, admitted);
    socket.once('close', () => admissions.delete(key));
  });
  server.on('secureConnection', (socket) => {
    const admitted = admissions.get(peerOf(socket));
    if (admitted === undefined) socket.destroy();
    else options.accepted(socket, admitted);
  });
  server.on('tlsClientError', (error, socket) => {
    options.refused(socket.remoteAddress, `TLS: ${error.message}`);
    socket.destroy();
  });
  return server;
}

function admit(socket: Socket, { connections, refused }: ListeningOptions): Admitted | undefined {
  const admitted = connections.admit(socket);
  if (typeof admitted !== 'string') return admitted;
  refused(socket.remoteAddress, admitted);
  socket.destroy();
  return undefined;
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

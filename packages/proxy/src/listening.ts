import { createServer as createTcpServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { RpchError } from '@rpch/rpc';
import { isListed } from './access/ip.ts';
import type { Origin } from './access/origin.ts';
import type { Listener } from './config/listener.ts';
import type { Admitted, Connections } from './front/connections.ts';
import { readProxyHeader } from './front/read-proxy-header.ts';

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
  /** For https. */
  readonly tls?: TlsOptions;
  /** Time for a header of the PROXY protocol, and then for the TLS handshake, ms. */
  readonly timeout: number;
  /** A connection is ready: it is known whose it is, quotas are kept, TLS is done. */
  accepted(socket: Socket, admitted: Admitted): void;
  /** A connection was turned away or failed before; `why` is for the log. */
  refused(origin: Origin | undefined, why: string): void;
}

/** What takes connections over when it is known whose they are. */
interface Taker {
  take(socket: Socket, admitted: Admitted): void;
  setCertificate(options: TlsOptions): void;
}

const BACKLOG = 4096;

/** Opens a listener. Throws {@link RpchError} `RPCH_LISTEN`. */
export function listen(listener: Listener, options: ListeningOptions): Promise<Listening> {
  const taker: Taker =
    options.tls === undefined ? { take: options.accepted, setCertificate: () => {} } : tlsTaker(options.tls, options);
  const server = createTcpServer({ noDelay: true }, (socket) => arrive(socket, listener, options, taker));
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
        setCertificate: (tls) => taker.setCertificate(tls),
        stop: () => server.close(),
      });
    });
  });
}

/** Quotas count TCP connections, before TLS costs anything, and by the client's address where a trusted proxy says it. */
function arrive(
  socket: Socket,
  { trusted }: Listener,
  { connections, timeout, refused }: ListeningOptions,
  { take }: Taker,
): void {
  const refuse = (origin: Origin | undefined, why: string): void => {
    refused(origin, why);
    socket.destroy();
  };
  const peer = socket.remoteAddress;
  if (peer === undefined) {
    refuse(undefined, 'gone before it was accepted');
    return;
  }
  const isTrusted = trusted !== undefined && isListed(peer, trusted.peers);
  const withHeader = trusted?.says === 'proxy-protocol';
  if (withHeader && !isTrusted) {
    refuse({ address: peer }, 'not a trusted proxy');
    return;
  }
  const admitted = connections.admit(socket, peer, isTrusted);
  if (typeof admitted === 'string') {
    refuse({ address: peer }, admitted);
    return;
  }
  if (!withHeader) {
    take(socket, admitted);
    return;
  }
  readProxyHeader(
    socket,
    timeout,
    ({ source }) => {
      const full = admitted.comesFrom(source);
      if (full === undefined) take(socket, admitted);
      else refuse(admitted.origin, full);
    },
    (why) => refuse(admitted.origin, why),
  );
}

/** What speaks HTTP is the TLS connection on top. */
function tlsTaker(tls: TlsOptions, { accepted, refused, timeout }: ListeningOptions): Taker {
  const admissions = new Map<string, Admitted>();
  // It never listens itself, and is handed its connections.
  const server = createTlsServer({ ...tls, handshakeTimeout: timeout });
  server.on('secureConnection', (socket) => {
    const admitted = admissions.get(endsOf(socket));
    if (admitted === undefined) socket.destroy();
    else accepted(socket, admitted);
  });
  server.on('tlsClientError', (error, socket) => {
    const { remoteAddress } = socket;
    const peer = remoteAddress === undefined ? undefined : { address: remoteAddress };
    refused(admissions.get(endsOf(socket))?.origin ?? peer, `TLS: ${error.message}`);
    socket.destroy();
  });
  return {
    take: (socket, admitted) => {
      const ends = endsOf(socket);
      admissions.set(ends, admitted);
      socket.once('close', () => {
        if (admissions.get(ends) === admitted) admissions.delete(ends);
      });
      server.emit('connection', socket);
    },
    setCertificate: (options) => server.setSecureContext(options),
  };
}

/** Tells connections of one listener apart, and is the same for a TLS connection and what it runs on. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

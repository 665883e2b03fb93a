import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { adoptWebServer } from '@rpch/rpc/internal';
import type { Log } from '../log.ts';
import type { Admitted } from './connections.ts';
import type { Locate } from './forwarded-for.ts';
import type { HttpAuthentication } from './http-authentication.ts';
import { isRpcProxyPath } from './paths.ts';

export interface WebLimits {
  /** Bytes. */
  readonly headBytes: number;
  /** ms. */
  readonly headTimeout: number;
  /** ms. */
  readonly keepAliveTimeout: number;
}

interface Visitor {
  readonly admitted: Admitted;
  readonly locate: Locate;
  readonly authentication: HttpAuthentication;
}

/**
 * Everything on the port that is not RPC_*: today the answer that administrators look for, an empty 200 for a GET of the
 * RPC Proxy's URL once they have authenticated, as IIS gives it.
 */
export class Web {
  readonly server: Server;
  readonly #visitors = new WeakMap<Socket, Visitor>();
  readonly #log: Log;

  constructor(limits: WebLimits, log: Log) {
    this.#log = log;
    this.server = createServer({
      maxHeaderSize: limits.headBytes,
      headersTimeout: limits.headTimeout,
      requestTimeout: limits.headTimeout * 2,
      keepAliveTimeout: limits.keepAliveTimeout,
      connectionsCheckingInterval: 1000,
    });
    this.server.on('request', (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        log.error({ event: 'request.failed', error: String(error) }, 'a fault of the proxy');
        response.destroy();
      });
    });
    adoptWebServer(this.server);
  }

  /** The connection turned out to be none for this server. */
  dismiss(socket: Socket): void {
    this.#visitors.delete(socket);
  }

  /** Introduces a connection before it is handed to the server. */
  welcome(socket: Socket, visitor: Visitor): void {
    this.#visitors.set(socket, visitor);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const visitor = this.#visitors.get(request.socket);
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    if (visitor === undefined || !isRpcProxyPath(path)) {
      response.writeHead(404).end();
      return;
    }
    const origin = visitor.locate(request.headersDistinct['x-forwarded-for'] ?? []);
    if (origin === undefined) {
      response.writeHead(503, { 'Content-Length': 0, Connection: 'close' }).end();
      return;
    }
    visitor.admitted.checking();
    const result = await visitor.authentication.check(request.headers.authorization, origin);
    if (result.kind === 'challenge') {
      visitor.admitted.idle();
      response.writeHead(401, { 'WWW-Authenticate': [...result.challenges], 'Content-Length': 0 }).end();
      return;
    }
    if (result.kind === 'undecided') {
      response.writeHead(503, { 'Content-Length': 0 }).end();
      return;
    }
    visitor.admitted.authenticated();
    this.#log.debug(
      { event: 'web.request', ...origin, account: result.account.name, method: request.method },
      'request for the RPC Proxy URL',
    );
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { Allow: 'GET, HEAD, RPC_IN_DATA, RPC_OUT_DATA', 'Content-Length': 0 }).end();
      return;
    }
    response.writeHead(200, { 'Content-Length': 0 }).end();
  }
}

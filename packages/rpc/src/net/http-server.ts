import { AssociationRuntimes, type CloseOptions, type RpcServerOptions } from './association-runtime.ts';
import {
  ENDPOINT_LIMITS,
  type EndpointLimits,
  type HttpEndpoint,
  openHttpEndpoint,
  type Version1,
} from './http-endpoint.ts';
import type { ListenAddress } from './listening.ts';

/** Where to listen (`host` and `port`, or `path` and `mode` of a Unix socket), and what to serve. */
export type HttpServerOptions = ListenAddress &
  RpcServerOptions & {
    /** Addresses and networks of the RPC Proxies that may connect. Default: loopback. */
    readonly proxies?: readonly string[];
    /** Who may speak version 1. Default `listed`. */
    readonly version1?: Version1;
    /** One line for each connection that ends in failure, and for each handler that fails. */
    readonly log?: (line: string) => void;
    readonly limits?: Partial<EndpointLimits>;
  };

/** An endpoint with the run-time of this process behind it. */
export interface HttpServer extends HttpEndpoint {
  /** Begins nothing new, lets calls in progress finish for as long as `grace`, and ends everything; resolves when all is gone. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Serves interfaces over `ncacn_http`, both dialects, as the RPC server behind RPC Proxies ([MS-RPCH] 3.1.3, 3.2.5): the sister of
 * serveTcp. Over version 2 a connection has `limits.stallTimeout` to bind once it is open.
 * Rejects with RpchError `RPCH_LISTEN_FAILED` or `RPCH_BAD_ADDRESS`.
 */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const { proxies, version1, limits } = options;
  const log = options.log ?? (() => {});
  const runtimes = new AssociationRuntimes({
    ...options,
    // A Unix socket has no port, and port_spec may be empty (C706 12.6.3.1).
    secondaryAddress: () => (endpoint.port === 0 ? '' : String(endpoint.port)),
    bindTimeout: limits?.stallTimeout ?? ENDPOINT_LIMITS.stallTimeout,
    log,
  });
  const endpoint: HttpEndpoint = await openHttpEndpoint({
    listen: options,
    ...(proxies === undefined ? {} : { proxies }),
    ...(version1 === undefined ? {} : { version1 }),
    ...(limits === undefined ? {} : { limits }),
    log,
    runtimes,
  });
  // A Unix socket has no address that a client could be told.
  const unregister = 'host' in options ? runtimes.register('ncacn_http', options.host, endpoint.port) : () => {};
  const cut = endpoint.close;
  return Object.assign(endpoint, {
    close: async ({ grace = 0 }: CloseOptions = {}) => {
      endpoint.drain();
      unregister();
      await runtimes.drain(grace);
      await cut();
    },
  });
}

import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { associationRuntimes } from './association-runtime.ts';
import { detailOf, lineOf } from './defect.ts';
import {
  ENDPOINT_LIMITS,
  type EndpointLimits,
  type HttpEndpoint,
  openHttpEndpoint,
  type Version1,
} from './http-endpoint.ts';
import type { ListenAddress } from './listening.ts';

/** Where to listen (`host` and `port`, or `path` and `mode` of a Unix socket), and what to serve. */
export type HttpServerOptions = ListenAddress & {
  readonly interfaces: readonly RpcInterface[];
  /** Addresses and networks of the RPC Proxies that may connect. Default: loopback. */
  readonly proxies?: readonly string[];
  /** Who may speak version 1. Default `listed`. */
  readonly version1?: Version1;
  /** One line for each connection that ends in failure, and for each handler that fails. */
  readonly log?: (line: string) => void;
  readonly limits?: Partial<EndpointLimits>;
};

/**
 * Serves interfaces over `ncacn_http`, both dialects, as the RPC server behind RPC Proxies ([MS-RPCH] 3.1.3, 3.2.5), without
 * RPC-level security: the sister of serveTcp. Over version 2 a connection has `limits.stallTimeout` to bind once it is open.
 * Rejects with RpchError `RPCH_LISTEN_FAILED` or `RPCH_BAD_ADDRESS`.
 */
export async function serveHttp(options: HttpServerOptions): Promise<HttpEndpoint> {
  const { interfaces, proxies, version1, limits } = options;
  const log = options.log ?? (() => {});
  const endpoint: HttpEndpoint = await openHttpEndpoint({
    listen: options,
    ...(proxies === undefined ? {} : { proxies }),
    ...(version1 === undefined ? {} : { version1 }),
    ...(limits === undefined ? {} : { limits }),
    log,
    runtimes: associationRuntimes({
      interfaces,
      // A Unix socket has no port, and port_spec may be empty (C706 12.6.3.1).
      secondaryAddress: () => (endpoint.port === 0 ? '' : String(endpoint.port)),
      bindTimeout: limits?.stallTimeout ?? ENDPOINT_LIMITS.stallTimeout,
      handlerFailed: ({ label }, why) => log(`${label}: ${lineOf(why)}: ${detailOf(why.cause)}`),
    }),
  });
  return endpoint;
}

import { ClientConnection } from './client-connection.ts';
import type { HttpClientOptions, HttpVirtualConnection } from './http-client-options.ts';

export type { ConnectionCounters, Recyclings } from './connection-counters.ts';
export type { HttpClientOptions, HttpVirtualConnection, OpeningHop } from './http-client-options.ts';
export { type BasicCredentials, basicAuthorization, type HttpCredentials } from './http-credentials.ts';
export { httpProxyFor, type ProxyEnvironment } from './http-proxy-for.ts';
export { type AnsweringHop, type ChannelKind, HttpStatusError } from './http-status-error.ts';
export type { ClientTls, HttpProxySetting, ProxyAddress } from './proxy-address.ts';

/**
 * Opens a virtual connection ([MS-RPCH] 3.2.2.4.1): two connections to the proxy, RPC_IN_DATA and RPC_OUT_DATA, and the
 * client role over both, which replaces them before their Content-Length is used up. Each connection logs in by itself, and
 * goes through the HTTP proxy where there is one. Rejects with {@link HttpStatusError}, which says which hop it was, where a
 * proxy refused, or RpchError: `RPCH_CREDENTIALS`, `RPCH_INSECURE_BASIC` (caller), `RPCH_LOGIN_CLOSED`, `RPCH_CONNECT` (network), `RPCH_TIMED_OUT`, `RPCH_CHANNEL_LOST`, …
 */
export async function openOverHttp(options: HttpClientOptions): Promise<HttpVirtualConnection> {
  options.signal?.throwIfAborted();
  return await new ClientConnection(options).opening;
}

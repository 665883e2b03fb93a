import { ClientConnection } from './client-connection.ts';
import type { HttpClientOptions, HttpVirtualConnection } from './http-client-options.ts';

export type { ConnectionCounters, Recyclings } from './connection-counters.ts';
export type { ClientTls, ProxyAddress } from './dial-proxy.ts';
export type { HttpClientOptions, HttpVirtualConnection, OpeningHop } from './http-client-options.ts';
export { type ChannelKind, HttpStatusError } from './http-status-error.ts';

/**
 * Opens a virtual connection ([MS-RPCH] 3.2.2.4.1): two connections to the proxy, RPC_IN_DATA and RPC_OUT_DATA, and the
 * client role over both, which replaces them before their Content-Length is used up. Rejects with {@link HttpStatusError}
 * where the proxy refused, or RpchError: `RPCH_CONNECT` (network), `RPCH_TIMED_OUT`, `RPCH_CHANNEL_LOST`, …
 */
export async function openOverHttp(options: HttpClientOptions): Promise<HttpVirtualConnection> {
  options.signal?.throwIfAborted();
  return await new ClientConnection(options).opening;
}

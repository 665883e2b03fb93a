import { CHANNEL_ROWS } from './channel-rows.ts';
import { HTTP_ROWS } from './http-rows.ts';
import { NETWORK_ROWS } from './network-rows.ts';
import type { PingRow } from './row.ts';
import { SERVER_ROWS } from './server-rows.ts';

/** The table of what ping says, by sections. */
export const SECTIONS: readonly (readonly [title: string, rows: readonly PingRow[]])[] = [
  ['Names, ports, TLS', NETWORK_ROWS],
  ['The login, what stands before the RPC Proxy, HTTP proxies', HTTP_ROWS],
  ['From the RPC Proxy to the server', CHANNEL_ROWS],
  ['The RPC server', SERVER_ROWS],
];

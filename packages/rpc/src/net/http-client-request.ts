import type { ProxyAddress } from './dial-proxy.ts';

/** What all requests of a virtual connection have in common. */
export interface ChannelRequestOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly authorization?: string;
}

/**
 * The head of a channel's request ([MS-RPCH] 2.1.2.1.1, 2.1.2.1.2). Successors carry the same credentials as the first: the
 * proxy compares accounts.
 */
export function channelRequestHead(
  method: 'RPC_IN_DATA' | 'RPC_OUT_DATA',
  contentLength: number,
  proxy: ProxyAddress,
  { server, authorization }: ChannelRequestOptions,
): Uint8Array {
  const host = proxy.host.includes(':') ? `[${proxy.host}]` : proxy.host;
  return Buffer.from(
    [
      `${method} /rpc/rpcproxy.dll?${server.host}:${server.port} HTTP/1.1`,
      'Accept: application/rpc',
      'Cache-Control: no-cache',
      'Connection: Keep-Alive',
      `Content-Length: ${contentLength}`,
      `Host: ${host}`,
      'Pragma: No-cache',
      'User-Agent: MSRPC',
      ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
      '',
      '',
    ].join('\r\n'),
    'latin1',
  );
}

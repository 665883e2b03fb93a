import { RpchError } from '../errors.ts';
import type { HttpCredentials } from './http-credentials.ts';
import type { ChannelKind } from './http-status-error.ts';
import type { ClientTls, HttpProxySetting, ProxyAddress } from './proxy-address.ts';

/** What all requests of a virtual connection have in common. */
export interface ChannelRequestOptions {
  readonly server: { readonly host: string; readonly port: number };
  readonly authorization?: string;
  readonly credentials?: HttpCredentials;
  readonly tls?: ClientTls;
  readonly httpProxy?: HttpProxySetting;
}

/** One request of a channel, or of a leg of its login. */
export interface ChannelRequest {
  readonly kind: ChannelKind;
  readonly contentLength: number;
  readonly authorization?: string | undefined;
  readonly proxyAuthorization?: string | undefined;
}

/** Whether requests go to an HTTP proxy by themselves, in absolute form, rather than through a tunnel. */
export function isAbsoluteForm({ tls, httpProxy }: Pick<ChannelRequestOptions, 'tls' | 'httpProxy'>): boolean {
  return tls === undefined && httpProxy !== undefined;
}

/**
 * The head of a channel's request ([MS-RPCH] 2.1.2.1.1, 2.1.2.1.2), with the path for client certificates where one is used
 * (2.2.2). Successors carry the same credentials as the first: the proxy compares accounts. `Expect: 100-continue`, which
 * impacket sends, is left out: the specification has no such field, what stands between would answer it or take offence at
 * it (417), and where a login may be refused this client asks first, without a body. Throws RpchError `RPCH_BAD_NAME`
 * (caller) for a name that would break the request apart.
 */
export function channelRequestHead(
  request: ChannelRequest,
  to: ProxyAddress,
  options: ChannelRequestOptions,
): Uint8Array {
  const { kind, contentLength, authorization, proxyAuthorization } = request;
  const { server, tls } = options;
  const absolute = isAbsoluteForm(options);
  const path = tls?.certificate === undefined ? '/rpc/rpcproxy.dll' : '/rpcwithcert/rpcproxy.dll';
  const target = `${absolute ? `http://${authority(to)}` : ''}${path}?${checkedName(server.host)}:${server.port}`;
  return headOf([
    `RPC_${kind}_DATA ${target} HTTP/1.1`,
    'Accept: application/rpc',
    'Cache-Control: no-cache',
    'Connection: Keep-Alive',
    `Content-Length: ${contentLength}`,
    `Host: ${absolute ? authority(to) : bracketed(to.host)}`,
    'Pragma: No-cache',
    'User-Agent: MSRPC',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...(proxyAuthorization === undefined ? [] : [`Proxy-Authorization: ${proxyAuthorization}`]),
  ]);
}

/** The head of the request for a tunnel through an HTTP proxy (RFC 9110 9.3.6). Throws as {@link channelRequestHead} does. */
export function connectHead(to: ProxyAddress, proxyAuthorization: string | undefined): Uint8Array {
  return headOf([
    `CONNECT ${authority(to)} HTTP/1.1`,
    `Host: ${authority(to)}`,
    // For proxies of HTTP/1.0: NTLM's legs are to be on one connection.
    'Proxy-Connection: Keep-Alive',
    'User-Agent: MSRPC',
    ...(proxyAuthorization === undefined ? [] : [`Proxy-Authorization: ${proxyAuthorization}`]),
  ]);
}

function headOf(lines: readonly string[]): Uint8Array {
  return Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');
}

function authority({ host, port }: ProxyAddress): string {
  return `${bracketed(host)}:${port}`;
}

/** A zone of an IPv6 address means something on this machine only (RFC 6874 4). */
function bracketed(host: string): string {
  const name = checkedName(host.replace(/%.*$/, ''));
  return name.includes(':') ? `[${name}]` : name;
}

function checkedName(name: string): string {
  if (/^[!-~]{1,1023}$/.test(name) && !/[/?#%]/.test(name)) return name;
  throw new RpchError('RPCH_BAD_NAME', 'caller', `${JSON.stringify(name)} cannot be part of a request`);
}

import { RpchError } from '@rpch/rpc';
import {
  type ConnectTo,
  formatConnectTo,
  type HostPort,
  isUnixPath,
  parseHostPort,
  parseUnixPath,
} from '../access/connect-to.ts';
import { type Cidr, isListed, isLoopback, parseCidr, parseIp } from '../access/ip.ts';
import { listenAddress, listenPort } from './listener.ts';

/**
 * A listening endpoint of this process that plays the server role ([MS-RPCH] 3.2.5) for a plain `ncacn_ip_tcp` server, so
 * that several proxies can share that server: all of them reach it through their rules for `ncacn_http`.
 */
export interface EndpointSettings {
  /**
   * Where proxies connect to: an address literal and a port, of which 0 lets the system choose, or a Unix domain socket.
   */
  readonly listen: ConnectTo;
  /** The RPC server that it stands for. */
  readonly connect: HostPort;
  /** Addresses that may speak to it; empty for a Unix domain socket, whose `mode` decides. See {@link mayConnect}. */
  readonly from: readonly Cidr[];
  /** Permission bits of the Unix domain socket, 0 to 0o777; no meaning for TCP. */
  readonly mode: number;
}

/** What was written of an endpoint. */
export interface EndpointText {
  readonly listen: ConnectTo;
  readonly connect: HostPort;
  readonly from?: readonly Cidr[];
  readonly mode?: number;
}

/** Owner only. */
const DEFAULT_MODE = 0o600;
const LOOPBACK: readonly Cidr[] = ['127.0.0.0/8', '::1'].flatMap((range) => parseCidr(range) ?? []);
const UNSPECIFIED = ['0.0.0.0', '::'];

/** An endpoint with its defaults: loopback may connect, or the owner of the process. */
export function makeEndpoint({ listen, connect, from, mode = DEFAULT_MODE }: EndpointText): EndpointSettings {
  return { listen, connect, from: isUnixPath(listen) ? [] : (from ?? LOOPBACK), mode };
}

/** What does not go together in an endpoint, and the key to blame; undefined when all does. */
export function endpointFault({
  listen,
  from,
  mode,
}: EndpointText): { readonly key: 'listen' | 'from' | 'mode'; readonly message: string } | undefined {
  if (isUnixPath(listen)) {
    if (from === undefined) return undefined;
    const message = `expected no addresses for ${formatConnectTo(listen)}, found some: who may connect is decided by mode`;
    return { key: 'from', message };
  }
  if (mode !== undefined) {
    return { key: 'mode', message: `expected mode for a Unix socket only, found it for ${formatConnectTo(listen)}` };
  }
  const ip = parseIp(listen.host);
  const isReachable = from !== undefined || (ip !== undefined && isLoopback(ip)) || UNSPECIFIED.includes(listen.host);
  if (isReachable) return undefined;
  // What connects to such an address comes from there or from elsewhere, never from loopback.
  const message = `expected from: with the addresses of the proxies, this one included, for ${formatConnectTo(listen)}, found none`;
  return { key: 'listen', message };
}

/**
 * True when a peer may speak to an endpoint.
 * @param address of the peer, as its socket says it; IPv4-mapped IPv6 counts as IPv4.
 */
export function mayConnect({ listen, from }: EndpointSettings, address: string | undefined): boolean {
  return isUnixPath(listen) || isListed(address, from);
}

/**
 * Reads where an endpoint listens: `10.0.0.1:7135`, `[::1]:7135`, `localhost:7135` for 127.0.0.1, or `unix:` and an absolute
 * path. The port may be 0.
 * @throws RpchError `RPCH_BAD_ENDPOINT`, or `RPCH_BAD_RULE` for a path.
 */
export function parseEndpointListen(text: string, whole = text): ConnectTo {
  const unix = parseUnixPath(text, whole);
  if (unix !== undefined) return unix;
  const found = text === whole ? `"${text}"` : `"${text}" in "${whole}"`;
  const colon = text.lastIndexOf(':');
  const host = listenAddress(text.slice(0, Math.max(colon, 0)));
  if (host === undefined) {
    throw bad(`expected an address and a port to listen on, such as 10.0.0.1:7135, or unix:/path, found ${found}`);
  }
  const port = listenPort(text.slice(colon + 1));
  if (port === undefined) throw bad(`expected a port from 0 to 65535, found ${found}`);
  return { host, port };
}

/**
 * Reads `LISTEN=SERVER:PORT`; only loopback may connect, or the owner of the process.
 * @throws RpchError `RPCH_BAD_ENDPOINT`, `RPCH_BAD_RULE`.
 */
export function parseEndpoint(text: string): EndpointSettings {
  const equals = text.lastIndexOf('=');
  if (equals < 0) throw bad(`expected LISTEN=SERVER:PORT, such as 127.0.0.1:7135=dc1.example.org:135, found "${text}"`);
  const written: EndpointText = {
    listen: parseEndpointListen(text.slice(0, equals), text),
    connect: parseHostPort(text.slice(equals + 1), text),
  };
  const fault = endpointFault(written);
  if (fault !== undefined) throw bad(`${fault.message}; write it below endpoints: in the configuration file`);
  return makeEndpoint(written);
}

/** Permission bits, three or four octal digits of at most 0777; undefined for other text. */
export function parseMode(text: string): number | undefined {
  return /^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function bad(message: string): RpchError {
  return new RpchError('RPCH_BAD_ENDPOINT', 'configuration', message);
}

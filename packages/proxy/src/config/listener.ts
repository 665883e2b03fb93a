import { RpchError } from '@rpch/rpc';
import { bracketedIpv6, type Cidr, parseIp } from '../access/ip.ts';
import { parsePort } from '../access/ports.ts';

/** Where to accept connections. */
export interface Listener {
  /** As it was written. */
  readonly url: string;
  readonly tls: boolean;
  /** An address literal, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Take RPC over HTTP version 1 here, which has neither TLS nor authentication. Never with `tls`. */
  readonly allowV1: boolean;
  /** Absent: whoever connects is the client, whatever he says of others. */
  readonly trusted?: TrustedProxies;
}

/** How a load balancer or reverse proxy says where its clients are: ahead of everything (PROXY protocol), or in each request. */
export const CLIENT_ADDRESS = ['proxy-protocol', 'x-forwarded-for'] as const;

/** The load balancers and reverse proxies in front of a listener, whose word on the addresses of clients is taken. */
export interface TrustedProxies {
  /** At least one. Nobody else is believed; where `says` is `proxy-protocol`, nobody else may connect. */
  readonly peers: readonly Cidr[];
  readonly says: (typeof CLIENT_ADDRESS)[number];
}

const FORM = /^(https?):\/\/(\[[^\]]*\]|[^:/?#@[\]]*)(?::([^/?#]*))?(.*)$/i;

/**
 * Reads `http://127.0.0.1:8080` or `https://[::]:443`. The host is an address, or `localhost` for 127.0.0.1: what a name
 * resolves to is for others to decide. The port may be left out (80, 443) and may be 0.
 * Version 1 is off.
 * @throws RpchError `RPCH_BAD_LISTENER`.
 */
export function parseListener(url: string): Listener {
  const match = FORM.exec(url);
  if (match === null) throw bad('expected a URL such as http://127.0.0.1:8080 or https://0.0.0.0:443', url);
  const [, scheme = '', written = '', digits, rest = ''] = match;
  if (!['', '/'].includes(rest) || url.includes('@')) {
    throw bad('expected a URL without path, query and credentials', url);
  }
  const host = listenAddress(written);
  if (host === undefined) {
    throw bad('expected an address to listen on (0.0.0.0 or [::] for all, localhost for 127.0.0.1)', url);
  }
  const tls = scheme.toLowerCase() === 'https';
  const port = digits === undefined ? (tls ? 443 : 80) : listenPort(digits);
  if (port === undefined) throw bad('expected a port from 0 to 65535', url);
  return { url, tls, host, port, allowV1: false };
}

/**
 * The address to listen on that is written as an IPv4 address, an IPv6 address in brackets, or `localhost` for 127.0.0.1;
 * undefined for other text.
 */
export function listenAddress(written: string): string | undefined {
  const ipv6 = bracketedIpv6(written);
  const bare = ipv6 ?? (written.toLowerCase() === 'localhost' ? '127.0.0.1' : written);
  const ip = ipv6 === undefined && bare.includes(':') ? undefined : parseIp(bare);
  return ip === undefined || (ip.family === 4 && bare !== ip.address) ? undefined : ip.address;
}

/** A port from 0 to 65535 in decimal digits without leading zeros; undefined for other text. */
export function listenPort(digits: string): number | undefined {
  return digits === '0' ? 0 : parsePort(digits);
}

function bad(expected: string, url: string): RpchError {
  return new RpchError('RPCH_BAD_LISTENER', 'configuration', `${expected}, found "${url}"`);
}

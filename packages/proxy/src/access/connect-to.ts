import { normalize } from 'node:path/posix';
import { bracketedIpv6, ipv6Groups, isNumericHost, parseIp } from './ip.ts';
import { badRule, parsePort } from './ports.ts';
import { normaliseServerName } from './target.ts';

/** A TCP address to connect to. */
export interface HostPort {
  /** A host name in lower case without trailing dot, or an address literal, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A Unix domain socket to connect to. */
export interface UnixPath {
  /** Absolute, in its shortest form. */
  readonly path: string;
}

/** Where a connection goes. */
export type ConnectTo = HostPort | UnixPath;

/** One place to connect to or several, of which {@link chooseEndpoint} takes one; each stands there once. */
export type Endpoints = readonly [ConnectTo, ...ConnectTo[]];

/** Longest path of a Unix domain socket, in bytes: `sun_path` of unix(7) without its final zero. */
export const MAX_UNIX_PATH = 107;

const UNIX = 'unix:';

/** True for a Unix domain socket. */
export function isUnixPath(to: ConnectTo): to is UnixPath {
  return 'path' in to;
}

/** The text that {@link parseConnectTo} reads: `host:port`, `[::1]:port`, `unix:/path`. */
export function formatConnectTo(to: ConnectTo): string {
  if (isUnixPath(to)) return `${UNIX}${to.path}`;
  return `${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}`;
}

/** A text that is the same for all spellings of one place: those of an IPv6 address, IPv4-mapped ones included. */
export function endpointKey(to: ConnectTo): string {
  if (isUnixPath(to)) return formatConnectTo(to);
  const host = parseIp(to.host)?.address ?? to.host;
  const groups = ipv6Groups(host);
  return formatConnectTo({
    host: groups === undefined ? host : groups.map((group) => group.toString(16)).join(':'),
    port: to.port,
  });
}

/**
 * Reads `host:port`, an IPv6 address in brackets.
 * @param whole the text that it stands in, for the message.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parseHostPort(text: string, whole = text): HostPort {
  const found = text === whole ? `"${text}"` : `"${text}" in "${whole}"`;
  const colon = text.lastIndexOf(':');
  const port = parsePort(text.slice(colon + 1));
  if (port === undefined) throw badRule(`expected host:port with a port from 1 to 65535, found ${found}`);
  const written = text.slice(0, Math.max(colon, 0));
  const ipv6 = bracketedIpv6(written);
  if (ipv6 !== undefined) return { host: ipv6.toLowerCase(), port };
  const host = normaliseServerName(written);
  if (!/^[a-z0-9_][a-z0-9_.@-]*$/.test(host)) {
    throw badRule(`expected host:port, an IPv6 address in brackets, found ${found}`);
  }
  refuseNumericHost(host, whole);
  return { host, port };
}

/**
 * Reads `host:port` as {@link parseHostPort} does, or `unix:` and an absolute path.
 * @param whole the text that it stands in, for the message.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parseConnectTo(text: string, whole = text): ConnectTo {
  return parseUnixPath(text, whole) ?? parseHostPort(text, whole);
}

/**
 * Reads `unix:/run/rpch/a.sock`; undefined for what does not begin with `unix:`.
 * @param whole the text that it stands in, for the message.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parseUnixPath(text: string, whole = text): UnixPath | undefined {
  if (!text.startsWith(UNIX)) return undefined;
  const path = text.slice(UNIX.length);
  const found = text === whole ? `"${text}"` : `"${text}" in "${whole}"`;
  // One spelling for each socket: the choice among several goes by the text.
  const isPlain = path.startsWith('/') && !path.endsWith('/') && normalize(path) === path;
  if (!isPlain || /\p{Cc}/u.test(path)) {
    throw badRule(
      `expected unix: with an absolute path in its shortest form, such as unix:/run/rpch/a.sock, found ${found}`,
    );
  }
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_UNIX_PATH) {
    throw badRule(`expected a path of at most ${MAX_UNIX_PATH} bytes after unix:, found ${bytes} in ${found}`);
  }
  return { path };
}

/** @throws RpchError `RPCH_BAD_RULE` for a name that {@link isNumericHost}. */
export function refuseNumericHost(name: string, whole: string): void {
  if (isNumericHost(name)) {
    throw badRule(`expected an IPv4 address as four decimal numbers or a host name, found "${name}" in "${whole}"`);
  }
}

import { ProtocolError } from '@rpch/rpc';
import { bracketedIpv6, ipv6Groups } from './ip.ts';

const SECTION = '[MS-RPCH] 2.2.2';
/** Longest server-name; the specification says fewer than 1,024 characters. */
export const MAX_SERVER_NAME = 1023;

/** Where a client asks to be connected to. */
export interface Target {
  /** server-name as the client wrote it; the brackets of an IPv6 literal are taken off, nothing else is changed. */
  readonly server: string;
  /** 1 to 65535. */
  readonly port: number;
}

/**
 * Reads the query string of a request for the RPC Proxy, `server-name ":" server-port` ([MS-RPCH] 2.2.2). The grammar
 * has no brackets for IPv6, so the last colon is the separator; brackets are accepted too. The server name may hold
 * printable ASCII but no space, `/`, `?`, `%` and, outside an IPv6 literal, no colon and no bracket.
 * @param query without the leading question mark. Anything else is a {@link ProtocolError} `RPCH_BAD_TARGET`.
 */
export function parseTarget(query: string): Target {
  const colon = query.lastIndexOf(':');
  if (colon < 0) throw bad('there is no colon between server name and port');
  const digits = query.slice(colon + 1);
  if (!/^\d{1,6}$/.test(digits)) throw bad('the server port is not 1 to 6 digits');
  const port = digits.length > 5 ? Number.NaN : Number(digits);
  if (!(port >= 1 && port <= 65535)) throw bad(`server port ${digits} is not between 1 and 65535`);
  return { server: serverName(query.slice(0, colon)), port };
}

function serverName(text: string): string {
  if (text.length > MAX_SERVER_NAME)
    throw bad(`the server name has ${text.length} characters, ${MAX_SERVER_NAME} at most`);
  if (!/^[\x21-\x7e]+$/.test(text) || /[/?%]/.test(text)) {
    throw bad(text === '' ? 'the server name is empty' : 'the server name holds a character that is not allowed');
  }
  if (normaliseServerName(text) === '') throw bad('the server name is a dot');
  const ipv6 = bracketedIpv6(text) ?? text;
  if (ipv6Groups(ipv6) !== undefined) return ipv6;
  if (/[:[\]]/.test(text)) throw bad('the server name holds colons or brackets but is no IPv6 address');
  return text;
}

/**
 * The form in which server names are compared: lower case, without one trailing dot. Nothing else is changed, since
 * whatever else is taken for the same is a way around a rule.
 */
export function normaliseServerName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

function bad(why: string): ProtocolError {
  return new ProtocolError('RPCH_BAD_TARGET', `query string refused: ${why}`, SECTION);
}

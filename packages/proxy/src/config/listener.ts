import { RpchError } from '@rpch/rpc';
import { bracketedIpv6, parseIp } from '../access/ip.ts';

/** Where to accept connections. */
export interface Listener {
  /** As it was written. */
  readonly url: string;
  readonly tls: boolean;
  /** An address literal, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const FORM = /^(https?):\/\/(\[[^\]]*\]|[^:/?#@[\]]*)(?::([^/?#]*))?(.*)$/i;

/**
 * Reads `http://127.0.0.1:8080` or `https://[::]:443`. The host is an address, or `localhost` for 127.0.0.1: what a name
 * resolves to is for others to decide. The port may be left out (80, 443) and may be 0.
 * @throws RpchError `RPCH_BAD_LISTENER`.
 */
export function parseListener(url: string): Listener {
  const match = FORM.exec(url);
  if (match === null) throw bad('expected a URL such as http://127.0.0.1:8080 or https://0.0.0.0:443', url);
  const [, scheme = '', written = '', digits, rest = ''] = match;
  if (!['', '/'].includes(rest) || url.includes('@')) {
    throw bad('expected a URL without path, query and credentials', url);
  }
  const bare = bracketedIpv6(written) ?? (written.toLowerCase() === 'localhost' ? '127.0.0.1' : written);
  const ip = parseIp(bare);
  if (ip === undefined || (ip.family === 4 && bare !== ip.address)) {
    throw bad('expected an address to listen on (0.0.0.0 or [::] for all, localhost for 127.0.0.1)', url);
  }
  const tls = scheme.toLowerCase() === 'https';
  if (digits !== undefined && !/^(0|[1-9]\d{0,4})$/.test(digits)) throw bad('expected a port from 0 to 65535', url);
  const port = digits === undefined ? (tls ? 443 : 80) : Number(digits);
  if (port > 65535) throw bad('expected a port from 0 to 65535', url);
  return { url, tls, host: ip.address, port };
}

function bad(expected: string, url: string): RpchError {
  return new RpchError('RPCH_BAD_LISTENER', 'configuration', `${expected}, found "${url}"`);
}

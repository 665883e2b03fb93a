import { listenAddress, listenPort } from '@rpch/proxy';
import { parseStringBinding, RpchError } from '@rpch/rpc/internal';

/** Where `rpch serve` accepts connections. */
export interface ServeListener {
  readonly protocol: 'ncacn_ip_tcp' | 'ncacn_http';
  /** An address literal, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const EXAMPLES = "'ncacn_http:127.0.0.1[6001]' or 'ncacn_ip_tcp:0.0.0.0[6101]'";

/**
 * Reads a string binding that says where to listen: a protocol, an address (`localhost` is 127.0.0.1), and a port, of which 0 lets
 * the system choose. IPv6 addresses stand with brackets quoted, or without: `ncacn_ip_tcp:::1[6101]`.
 * @throws RpchError `RPCH_USAGE` (caller).
 */
export function parseServeListener(text: string): ServeListener {
  const { object, protocol, networkAddress, endpoint, options } = readBinding(text);
  if (protocol !== 'ncacn_ip_tcp' && protocol !== 'ncacn_http') throw bad(`protocol ncacn_http or ncacn_ip_tcp`, text);
  if (object !== undefined || options.size > 0) throw bad('a binding without object and options', text);
  const bare = networkAddress.replace(/^\[|\]$/g, '');
  const host = listenAddress(bare.includes(':') ? `[${bare}]` : bare);
  if (host === undefined) throw bad('an address to listen on (0.0.0.0 for all, localhost for 127.0.0.1)', text);
  const port = endpoint === undefined ? undefined : listenPort(endpoint);
  if (port === undefined) throw bad('a port from 0 to 65535 in brackets', text);
  return { protocol, host, port };
}

/** The binding of a listener whose port is known. */
export function formatServeListener({ protocol, host, port }: ServeListener): string {
  return `${protocol}:${host}[${port}]`;
}

function readBinding(text: string): ReturnType<typeof parseStringBinding> {
  try {
    return parseStringBinding(text);
  } catch (cause) {
    if (!(cause instanceof RpchError)) throw cause;
    throw new RpchError('RPCH_USAGE', 'caller', `--listen: ${cause.message}; expected ${EXAMPLES}`, { cause });
  }
}

function bad(expected: string, text: string): RpchError {
  return new RpchError('RPCH_USAGE', 'caller', `--listen: expected ${expected}, such as ${EXAMPLES}, found "${text}"`);
}

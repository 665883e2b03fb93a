import {
  type Endpoints,
  endpointKey,
  formatConnectTo,
  isUnixPath,
  parseConnectTo,
  parseHostPort,
  refuseNumericHost,
} from './connect-to.ts';
import { bracketedIpv6, type Cidr, ipv6Groups } from './ip.ts';
import { badRule, type PortRange, parsePorts } from './ports.ts';
import { normaliseServerName } from './target.ts';

export type { HostPort } from './connect-to.ts';

/**
 * The kind of a back end: `ncacn_ip_tcp`, any DCE/RPC server on TCP, for which the proxy plays the server role of
 * [MS-RPCH] 3.2.5 as well; `ncacn_http`, an RPC server that plays it itself.
 */
export type BackendProtocol = 'ncacn_ip_tcp' | 'ncacn_http';

/** What a pattern such as `ncacn_ip_tcp:127.0.0.1[135,49152-65535]` says. */
export interface Pattern {
  readonly protocol: BackendProtocol;
  /** Lower case, without trailing dot, asterisk and brackets. */
  readonly name: string;
  /** True when the name ended in `*`: it is a prefix. */
  readonly wildcard: boolean;
  readonly ports: readonly PortRange[];
}

/** Limits of a rule beyond its pattern. */
export interface RuleLimits {
  /** The address dialled must lie in one of these. Absent: any address that the name resolves to. */
  readonly addresses?: readonly Cidr[];
  /** Canonical account names. Neither `accounts` nor `groups`: every account; both: whoever is in either. */
  readonly accounts?: readonly string[];
  readonly groups?: readonly string[];
  /**
   * Connect here instead of to the name and port that the client wrote. For `ncacn_ip_tcp` exactly one TCP address; for
   * `ncacn_http` any number of endpoints that all play the server role for this name ({@link chooseEndpoint}).
   */
  readonly connect?: Endpoints;
}

/** One entry of the list of what may be reached. */
export interface AccessRule extends RuleLimits {
  /** As the administrator wrote it, for the log. */
  readonly text: string;
  readonly pattern: Pattern;
}

const PATTERN = /^([A-Za-z0-9_]+):(.*)\[([^[\]]*)\]$/;
/** Most endpoints of one rule. */
const MAX_ENDPOINTS = 64;
const EXAMPLE = 'ncacn_ip_tcp:127.0.0.1[135,49152-65535]';

/**
 * Reads a pattern `protocol:name[ports]`. The name is a host name or an address literal (IPv6 with or without
 * brackets); a trailing `*` makes a host name a prefix, as in Windows' ValidPorts.
 * @throws RpchError `RPCH_BAD_RULE` with a sentence for the administrator.
 */
export function parsePattern(text: string): Pattern {
  const match = PATTERN.exec(text);
  if (match === null) throw badRule(`expected a pattern such as ${EXAMPLE}, found "${text}"`);
  const [, protocol = '', written = '', list = ''] = match;
  if (protocol !== 'ncacn_ip_tcp' && protocol !== 'ncacn_http') {
    throw badRule(`expected ncacn_ip_tcp: or ncacn_http: before the name, found "${protocol}:" in "${text}"`);
  }
  return patternOf(protocol, written, list, text);
}

/**
 * Makes a pattern of its parts.
 * @param written the name as in {@link parsePattern}.
 * @param list the port list.
 * @param whole the text that they stand in, for the message.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function patternOf(protocol: BackendProtocol, written: string, list: string, whole: string): Pattern {
  const wildcard = written.endsWith('*');
  return {
    protocol,
    name: ruleName(wildcard ? written.slice(0, -1) : written, wildcard, whole),
    wildcard,
    ports: parsePorts(list, whole),
  };
}

function ruleName(written: string, wildcard: boolean, whole: string): string {
  if (wildcard) {
    if (!/^[A-Za-z0-9_.@-]*$/.test(written)) {
      throw badRule(`expected a host name before the final *, found "${written}*" in "${whole}"`);
    }
    if (/^[\d.]+$/.test(written)) {
      throw badRule(
        `expected a host name before the final *, found "${written}*" in "${whole}": names are compared as text, ` +
          'and this would allow names such as 10.0.0.1.example.com; limit a range of addresses with addresses:',
      );
    }
    return written.toLowerCase();
  }
  const ipv6 = bracketedIpv6(written) ?? written;
  if (ipv6Groups(ipv6) !== undefined) return ipv6.toLowerCase();
  const name = normaliseServerName(written);
  if (!/^[a-z0-9_.@-]+$/.test(name) || name.startsWith('.')) {
    throw badRule(
      `expected a host name or an address between the colon and the port list, found "${written}" in "${whole}"`,
    );
  }
  refuseNumericHost(name, whole);
  return name;
}

/**
 * Makes a rule of a pattern and its limits.
 * @throws RpchError `RPCH_BAD_RULE`: besides what {@link parsePattern} and {@link connectFault} refuse, a lone `*` without
 * address limits.
 */
export function makeRule(text: string, limits: RuleLimits = {}): AccessRule {
  const pattern = parsePattern(text);
  if (pattern.wildcard && pattern.name === '' && limits.addresses === undefined) {
    throw badRule(`expected addresses: in a rule for every name, found none with "${text}"`);
  }
  const fault = connectFault(pattern.protocol, limits);
  if (fault !== undefined) throw badRule(fault);
  return { text, pattern, ...limits };
}

/** What is wrong with `connect` in a rule for this kind of back end; undefined when nothing is. */
export function connectFault(protocol: BackendProtocol, { connect, addresses }: RuleLimits): string | undefined {
  if (connect === undefined) return undefined;
  const unix = connect.find(isUnixPath);
  if (protocol === 'ncacn_ip_tcp' && unix !== undefined) {
    return `expected host:port in a rule for ncacn_ip_tcp, found ${formatConnectTo(unix)}`;
  }
  if (protocol === 'ncacn_ip_tcp' && connect.length > 1) {
    return (
      `expected one host:port in a rule for ncacn_ip_tcp, found ${connect.length}: only endpoints that play the server ` +
      'role, of a rule for ncacn_http, may be several'
    );
  }
  if (unix !== undefined && addresses !== undefined) {
    return `expected host:port in a rule with addresses, found ${formatConnectTo(unix)}, which has no address`;
  }
  if (connect.length > MAX_ENDPOINTS) return `expected at most ${MAX_ENDPOINTS} endpoints, found ${connect.length}`;
  const keys = new Set<string>();
  for (const endpoint of connect) {
    const key = endpointKey(endpoint);
    if (keys.has(key)) return `expected each endpoint once, found ${formatConnectTo(endpoint)} again`;
    keys.add(key);
  }
  return undefined;
}

const MAP = /^(?:(ncacn_ip_tcp|ncacn_http):(?=[^=]*:))?([^=]*)=(.*)$/;

/**
 * Reads `NAME:PORT=HOST:PORT`: allow exactly that name and port, and connect to the host and port after the equals sign.
 * With `ncacn_http:` in front the back end is of that kind, and there may be several, with commas between them, Unix
 * sockets too: `ncacn_http:dc1:135=10.0.0.1:7135,unix:/run/rpch/b.sock`.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parseMap(text: string): AccessRule {
  const [, kind, asked = '', there = ''] = MAP.exec(text) ?? [];
  if (there === '' || there.includes('=')) {
    throw badRule(`expected NAME:PORT=HOST:PORT, such as exchange01:6001=10.0.0.5:6101, found "${text}"`);
  }
  const protocol = kind === 'ncacn_http' ? kind : 'ncacn_ip_tcp';
  const { host, port } = parseHostPort(asked, text);
  const [first = '', ...others] = there.split(',');
  const connect: Endpoints = [parseConnectTo(first, text), ...others.map((other) => parseConnectTo(other, text))];
  return { ...makeRule(`${protocol}:${host}[${port}]`, { connect }), text };
}

/** True when the rule's pattern covers this server name ({@link normaliseServerName}); nothing is resolved. */
export function coversName(rule: AccessRule, name: string): boolean {
  const { pattern } = rule;
  if (!pattern.wildcard) return name === pattern.name;
  if (!name.startsWith(pattern.name)) return false;
  // Without address limits the asterisk stops at a dot (and at an IPv6 colon): `dc*` must not cover
  // `dc.attacker.example`, whose owner decides what address it resolves to.
  return rule.addresses !== undefined || !/[.:]/.test(name.slice(pattern.name.length));
}

/** True when the rule's port list holds this port. */
export function coversPort(rule: AccessRule, port: number): boolean {
  return rule.pattern.ports.some(({ low, high }) => port >= low && port <= high);
}

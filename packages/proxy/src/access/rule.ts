import { bracketedIpv6, type Cidr, ipv6Groups, parseIp } from './ip.ts';
import { badRule, type PortRange, parsePort, parsePorts } from './ports.ts';
import { normaliseServerName } from './target.ts';

/** Where a connection goes. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What a pattern such as `ncacn_ip_tcp:127.0.0.1[135,49152-65535]` says. */
export interface Pattern {
  readonly protocol: 'ncacn_ip_tcp' | 'ncacn_http';
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
  /** Connect here instead of to the name and port that the client wrote. */
  readonly connect?: HostPort;
}

/** One entry of the list of what may be reached. */
export interface AccessRule extends RuleLimits {
  /** As the administrator wrote it, for the log. */
  readonly text: string;
  readonly pattern: Pattern;
}

const PATTERN = /^([A-Za-z0-9_]+):(.*)\[([^[\]]*)\]$/;
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
    throw badRule(`expected ncacn_ip_tcp: before the name, found "${protocol}:" in "${text}"`);
  }
  const wildcard = written.endsWith('*');
  return {
    protocol,
    name: ruleName(wildcard ? written.slice(0, -1) : written, wildcard, text),
    wildcard,
    ports: parsePorts(list, text),
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
 * @throws RpchError `RPCH_BAD_RULE`: besides what {@link parsePattern} refuses, patterns for `ncacn_http` and a lone `*`
 * without address limits.
 */
export function makeRule(text: string, limits: RuleLimits = {}): AccessRule {
  const pattern = parsePattern(text);
  if (pattern.protocol === 'ncacn_http') {
    throw badRule(
      `expected ncacn_ip_tcp, found "${text}": native ncacn_http back ends are not in this version; ` +
        'name the TCP ports of the RPC server with ncacn_ip_tcp',
    );
  }
  if (pattern.wildcard && pattern.name === '' && limits.addresses === undefined) {
    throw badRule(`expected addresses: in a rule for every name, found none with "${text}"`);
  }
  return { text, pattern, ...limits };
}

/**
 * Reads `NAME:PORT=HOST:PORT`: allow exactly that name and port, and connect to the host and port after the equals sign.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parseMap(text: string): AccessRule {
  const [asked = '', there, ...more] = text.split('=');
  if (there === undefined || more.length > 0) {
    throw badRule(`expected NAME:PORT=HOST:PORT, such as exchange01:6001=10.0.0.5:6101, found "${text}"`);
  }
  const { host, port } = parseHostPort(asked, text);
  return { ...makeRule(`ncacn_ip_tcp:${host}[${port}]`, { connect: parseHostPort(there, text) }), text };
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
 * True for a name that a resolver would read as an IPv4 address though it is none in canonical form: its last label is
 * a decimal, octal or hexadecimal number (`2130706433`, `0x7f.1`, `127.1`, `010.0.0.1`).
 */
export function isNumericHost(name: string): boolean {
  const bare = name.replace(/\.+$/, '');
  const last = bare.slice(bare.lastIndexOf('.') + 1);
  return parseIp(name) === undefined && /^(\d+|0x[\da-f]*)$/i.test(last);
}

function refuseNumericHost(name: string, whole: string): void {
  if (isNumericHost(name)) {
    throw badRule(`expected an IPv4 address as four decimal numbers or a host name, found "${name}" in "${whole}"`);
  }
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

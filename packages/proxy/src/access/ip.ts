import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** An address literal in one canonical family: IPv4-mapped IPv6 has become the IPv4 address that it stands for. */
export interface Ip {
  readonly family: 4 | 6;
  readonly address: string;
}

/** An address range as an administrator wrote it, with the list that decides membership. */
export interface Cidr {
  readonly text: string;
  contains(ip: Ip): boolean;
}

/**
 * Reads an address literal. IPv4 must be four decimal numbers without leading zeros, IPv6 carries no zone; an
 * IPv4-mapped IPv6 address (RFC 4291 2.5.5.2), in whatever spelling, becomes IPv4. Anything else is undefined.
 */
export function parseIp(text: string): Ip | undefined {
  if (isIPv4(text)) return { family: 4, address: text };
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return { family: 4, address: `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}` };
  }
  return { family: 6, address: text.toLowerCase() };
}

/** The eight 16-bit groups of an IPv6 literal without a zone; undefined for anything else. */
export function ipv6Groups(text: string): number[] | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = text.includes('.') ? text.slice(text.lastIndexOf(':') + 1) : '';
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
  const hex = dotted === '' ? text : `${text.slice(0, -dotted.length)}${hex16(a, b)}:${hex16(c, d)}`;
  const [head = '', tail] = hex.split('::');
  const left = groupsOf(head);
  const right = groupsOf(tail ?? '');
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return [...left, ...zeros, ...right];
}

/** The address in `[address]`; undefined when that is no IPv6 literal without a zone in brackets. */
export function bracketedIpv6(text: string): string | undefined {
  const inner = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : '';
  return ipv6Groups(inner) === undefined ? undefined : inner;
}

function hex16(high: number, low: number): string {
  return ((high << 8) | low).toString(16);
}

function groupsOf(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

/** True for 127.0.0.0/8 and ::1, IPv4-mapped spellings included. */
export function isLoopback(ip: Ip): boolean {
  if (ip.family === 4) return ip.address.startsWith('127.');
  const groups = ipv6Groups(ip.address) ?? [];
  return groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1;
}

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. Undefined for anything else, and for IPv4-mapped IPv6
 * ranges: addresses are judged after mapping, so such a range would never match.
 */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', bits, ...more] = text.split('/');
  if (more.length > 0) return undefined;
  const ip = parseIp(address);
  if (ip === undefined || (ip.family === 4 && !isIPv4(address))) return undefined;
  const widest = ip.family === 4 ? 32 : 128;
  if (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const prefix = bits === undefined ? widest : Number(bits);
  if (prefix > widest) return undefined;
  const family = ip.family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(ip.address, prefix, family);
  return {
    text,
    contains: (other) => other.family === ip.family && list.check(other.address, family),
  };
}

/**
 * True when an address lies in one of the ranges.
 * @param address as a socket says it; IPv4-mapped IPv6 counts as IPv4, and one with a zone lies in no range.
 */
export function isListed(address: string | undefined, ranges: readonly Cidr[]): boolean {
  const ip = address === undefined ? undefined : parseIp(address);
  return ip !== undefined && ranges.some((range) => range.contains(ip));
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

import { type Cidr, type Ip, isNumericHost, parseIp } from './ip.ts';

/** Looks a host name up, all addresses in the order to dial them in; rejects when there is none. */
export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>;

export type Resolution =
  /** Exactly these were checked, and exactly these may be dialled, in this order. Never empty. */
  | { readonly kind: 'resolved'; readonly addresses: readonly [Ip, ...Ip[]] }
  /** `why` is for the log; the client is told nothing of it. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly cause: unknown };

/** Most addresses of one name that are dialled. */
export const MAX_ADDRESSES = 16;

/**
 * Turns a host into the addresses to dial. An address literal is taken as it is; IPv4-mapped IPv6 is judged, and
 * dialled, as IPv4. Host names are looked up once. Numbers that resolvers take for IPv4 addresses (`2130706433`,
 * `0x7f.1`, `127.1`, `010.0.0.1`) are refused before the lookup.
 * @param limits the address limits of the rule that allowed this; addresses outside are left out.
 */
export async function resolveHost(
  host: string,
  limits: readonly Cidr[] | undefined,
  lookup: Lookup,
): Promise<Resolution> {
  const literal = parseIp(host);
  if (literal !== undefined) return within([literal], host, limits);
  if (host.includes(':') || isNumericHost(host)) {
    return { kind: 'refused', why: `${host} is neither a host name nor an address in canonical form` };
  }
  let found: readonly { readonly address: string }[];
  try {
    found = await lookup(host);
  } catch (cause) {
    return { kind: 'failed', why: `looking up ${host} failed`, cause };
  }
  const addresses = found.slice(0, MAX_ADDRESSES).flatMap(({ address }) => parseIp(address) ?? []);
  return within(addresses, host, limits);
}

function within(addresses: readonly Ip[], host: string, limits: readonly Cidr[] | undefined): Resolution {
  const [first, ...rest] = addresses.filter((ip) => limits === undefined || limits.some((cidr) => cidr.contains(ip)));
  if (first !== undefined) return { kind: 'resolved', addresses: [first, ...rest] };
  if (addresses.length === 0) return { kind: 'refused', why: `${host} has no usable address` };
  const outside = addresses.map(({ address }) => address).join(', ');
  return { kind: 'refused', why: `${host} is ${outside}, outside the rule's address limits` };
}

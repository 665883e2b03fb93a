import { bracketedIpv6, type Cidr, isListed, parseIp } from '../access/ip.ts';
import type { Origin } from '../access/origin.ts';
import type { Admitted } from './connections.ts';

/** Says where a request comes from; undefined when it must be refused: that address has too many connections. */
export type Locate = (forwardedFor: readonly string[]) => Origin | undefined;

/** What X-Forwarded-For says. `none`: nothing. `malformed`: what was `found` where an address should have been. */
export type Forwarded =
  | { readonly kind: 'none' }
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'malformed'; readonly found: string };

/** Characters of what is malformed that the log shows. */
const MAX_SHOWN = 80;
/** IPv6 in brackets, with or without a port; IPv4 with one. */
const BRACKETED = /^(\[[^\]]*\])(?::\d{1,5})?$/;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;

/**
 * Where a request comes from that a trusted proxy has sent on: each proxy appends the address that it was reached from, so it
 * is the right-most one that is not a trusted proxy's; what stands before that is the client's own invention, and is not read.
 * Where all are trusted proxies', the left-most one has made the request itself. Addresses may have a port, IPv6 ones brackets.
 * @param values of all X-Forwarded-For fields, in order.
 */
export function forwardedFor(values: readonly string[], proxies: readonly Cidr[]): Forwarded {
  if (values.length === 0) return { kind: 'none' };
  let address = '';
  for (const element of values.join(',').split(',').reverse()) {
    const found = element.trim();
    const bracketed = BRACKETED.exec(found)?.[1];
    const ip = parseIp(
      bracketed === undefined ? (WITH_PORT.exec(found)?.[1] ?? found) : (bracketedIpv6(bracketed) ?? ''),
    );
    if (ip === undefined) return { kind: 'malformed', found: found.slice(0, MAX_SHOWN) };
    address = ip.address;
    if (!isListed(address, proxies)) break;
  }
  return { kind: 'address', address };
}

/**
 * Locates the requests of a connection that a trusted proxy has made. What is malformed is as nothing: the request is then the
 * proxy's own.
 */
export function locateByField(
  admitted: Admitted,
  proxies: readonly Cidr[],
  events: { malformed(found: string): void; refused(why: string): void },
): Locate {
  return (values) => {
    const said = forwardedFor(values, proxies);
    const full = admitted.comesFrom(said.kind === 'address' ? said.address : undefined);
    if (said.kind === 'malformed') events.malformed(said.found);
    if (full === undefined) return admitted.origin;
    events.refused(full);
    return undefined;
  };
}

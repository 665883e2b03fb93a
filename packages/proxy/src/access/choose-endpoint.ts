import { hash } from 'node:crypto';
import { type ConnectTo, type Endpoints, endpointKey } from './connect-to.ts';

/**
 * Chooses the endpoint that serves a virtual connection, by rendezvous hashing (highest random weight) of its cookie
 * ([MS-RPCH] 2.2.3.1). Every proxy that has the same endpoints, in whatever order, chooses the same one, so that both
 * channels of a virtual connection meet there; without one endpoint only its own virtual connections go elsewhere.
 * Whoever knows a cookie can tell the choice, and a client chooses its cookie: this spreads load, it guards nothing.
 * @param cookie of the virtual connection, 16 bytes.
 */
export function chooseEndpoint(endpoints: Endpoints, cookie: Uint8Array): ConnectTo {
  const [first, ...others] = endpoints;
  if (others.length === 0) return first;
  let best = { endpoint: first, weight: weightOf(first, cookie) };
  for (const endpoint of others) {
    const weight = weightOf(endpoint, cookie);
    if (Buffer.compare(weight, best.weight) > 0) best = { endpoint, weight };
  }
  return best.endpoint;
}

/** SHA-256 spreads evenly whatever the client puts into its cookie. */
function weightOf(endpoint: ConnectTo, cookie: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([cookie, Buffer.from(endpointKey(endpoint))]), 'buffer');
}

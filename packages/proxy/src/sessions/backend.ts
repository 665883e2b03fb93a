import { connect, type Socket } from 'node:net';
import { type Lookup, resolveHost } from '../access/resolve.ts';
import type { AccessRule, HostPort } from '../access/rule.ts';

/** How dialling ended. `why` is for the log. */
export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Opens TCP to an RPC server (`ncacn_ip_tcp`): resolves the name once, then tries exactly the addresses that were checked,
 * in order, until one answers or `signal` says that time is up.
 */
export async function dial(target: HostPort, rule: AccessRule, lookup: Lookup, signal: AbortSignal): Promise<Dialled> {
  const late = { kind: 'failed', why: `no answer in time from ${target.host}[${target.port}]` } as const;
  // A look-up cannot be called off: when time is up, its outcome is no longer waited for.
  const timeUp = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const resolution = await Promise.race([resolveHost(target.host, rule.addresses, lookup), timeUp]);
  if (resolution === undefined) return late;
  if (resolution.kind !== 'resolved') return { kind: 'failed', why: resolution.why };
  let why = '';
  for (const { address } of resolution.addresses) {
    if (signal.aborted) return late;
    const outcome = await dialAddress(address, target.port, signal);
    if (typeof outcome !== 'string') return { kind: 'connected', socket: outcome };
    why = outcome;
  }
  return { kind: 'failed', why };
}

function dialAddress(host: string, port: number, signal: AbortSignal): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_DELAY });
    const settle = (outcome: Socket | string): void => {
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      socket.off('error', onError);
      if (typeof outcome === 'string') {
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(outcome);
    };
    const onAbort = (): void => settle(`no answer in time from ${host}[${port}]`);
    const onError = (error: Error): void => settle(error.message);
    const onConnect = (): void => {
      socket.pause();
      settle(socket);
    };
    signal.addEventListener('abort', onAbort);
    socket.once('connect', onConnect);
    socket.once('error', onError);
  });
}

/** Silence after which TCP asks a peer for a sign of life, ms; Node then asks each second and gives up after ten. */
export const KEEPALIVE_DELAY = 30_000;

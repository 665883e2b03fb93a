import { connect, type Socket } from 'node:net';
import { type Lookup, resolveHost } from '../access/resolve.ts';
import type { AccessRule, HostPort } from '../access/rule.ts';
import type { Deadline } from './deadline.ts';

/** How dialling ended. `why` is for the log. */
export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Opens TCP to an RPC server (`ncacn_ip_tcp`): resolves the name once, then tries exactly the addresses that were checked,
 * in order, until one answers or the deadline passes.
 */
export async function dial(target: HostPort, rule: AccessRule, lookup: Lookup, deadline: Deadline): Promise<Dialled> {
  const late = { kind: 'failed', why: `no answer in time from ${target.host}[${target.port}]` } as const;
  // A look-up cannot be called off: when time is up, its outcome is no longer waited for.
  const timeUp = new Promise<undefined>((resolve) => deadline.wait(() => resolve(undefined)));
  const resolution = await Promise.race([resolveHost(target.host, rule.addresses, lookup), timeUp]);
  if (resolution === undefined) return late;
  if (resolution.kind !== 'resolved') return { kind: 'failed', why: resolution.why };
  let why = '';
  for (const { address } of resolution.addresses) {
    if (deadline.passed) return late;
    const outcome = await dialAddress(address, target.port, deadline);
    if (typeof outcome !== 'string') return { kind: 'connected', socket: outcome };
    why = outcome;
  }
  return { kind: 'failed', why };
}

function dialAddress(host: string, port: number, deadline: Deadline): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true });
    const settle = (outcome: Socket | string): void => {
      deadline.forget(onLate);
      socket.off('connect', onConnect);
      socket.off('error', onError);
      if (typeof outcome === 'string') {
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(outcome);
    };
    const onLate = (): void => settle(`no answer in time from ${host}[${port}]`);
    const onError = (error: Error): void => settle(error.message);
    const onConnect = (): void => {
      socket.pause();
      settle(socket);
    };
    deadline.wait(onLate);
    socket.once('connect', onConnect);
    socket.once('error', onError);
  });
}

/** Silence after which TCP asks a peer for a sign of life, ms; Node then asks each second and gives up after ten. */
export const KEEPALIVE_DELAY = 30_000;

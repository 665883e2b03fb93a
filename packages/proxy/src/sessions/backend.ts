import { connect, type Socket } from 'node:net';
import { type ConnectTo, isUnixPath } from '../access/connect-to.ts';
import { type Lookup, resolveHost } from '../access/resolve.ts';
import type { AccessRule } from '../access/rule.ts';
import type { Deadline } from './deadline.ts';

/** How dialling ended. `why` is for the log. */
export type Dialled =
  | { readonly kind: 'connected'; readonly socket: Socket }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Opens a connection to an RPC server, over TCP or to a Unix domain socket: resolves a name once, then tries exactly the
 * addresses that were checked, in order, until one answers or the deadline passes.
 * @param limits `addresses` of the rule that allows it, if it limits them.
 */
export async function dial(
  target: ConnectTo,
  limits: Pick<AccessRule, 'addresses'>,
  lookup: Lookup,
  deadline: Deadline,
): Promise<Dialled> {
  if (isUnixPath(target)) return outcomeOf(await dialOne(target, target.path, deadline));
  const late = { kind: 'failed', why: `no answer in time from ${target.host}[${target.port}]` } as const;
  // A look-up cannot be called off: when time is up, its outcome is no longer waited for.
  const timeUp = new Promise<undefined>((resolve) => deadline.wait(() => resolve(undefined)));
  const resolution = await Promise.race([resolveHost(target.host, limits.addresses, lookup), timeUp]);
  if (resolution === undefined) return late;
  if (resolution.kind !== 'resolved') return { kind: 'failed', why: resolution.why };
  let why = '';
  for (const { address } of resolution.addresses) {
    if (deadline.passed) return late;
    const outcome = await dialOne({ host: address, port: target.port }, `${address}[${target.port}]`, deadline);
    if (typeof outcome !== 'string') return outcomeOf(outcome);
    why = outcome;
  }
  return { kind: 'failed', why };
}

function outcomeOf(outcome: Socket | string): Dialled {
  return typeof outcome === 'string' ? { kind: 'failed', why: outcome } : { kind: 'connected', socket: outcome };
}

/** A socket, or why there is none. */
function dialOne(to: ConnectTo, name: string, deadline: Deadline): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = isUnixPath(to) ? connect(to) : connect({ ...to, noDelay: true });
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
    const onLate = (): void => settle(`no answer in time from ${name}`);
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

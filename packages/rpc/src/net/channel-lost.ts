import { RpchError } from '../errors.ts';
import type { RoleEnd } from '../rpch/role.ts';
import type { ChannelEnd, ClientChannel } from './client-channel.ts';

/** Silence in both directions after which an idle time-out on the way is the likely cause of an end, ms. */
const LONG_SILENCE = 10_000;

/** What is known about a channel when its connection ends. */
export interface LostChannel {
  readonly channel: Pick<ClientChannel, 'kind' | 'number' | 'proxy'>;
  readonly end: ChannelEnd;
  /** For how long nothing was sent and nothing was heard on it, ms. */
  readonly silence: { readonly sent: number; readonly heard: number };
  /** After how much silence whoever writes on this channel pings, ms: on IN the client, on OUT the proxy. Undefined: not known. */
  readonly pingAfter: number | undefined;
}

/**
 * RpchError `RPCH_CHANNEL_LOST`: which channel, how it ended, and for how long it had been silent; after a long silence
 * also what probably ended it.
 */
export function channelLost(lost: LostChannel): RpchError {
  const { channel, end, silence } = lost;
  const { host, port } = channel.proxy;
  const which = channel.number === 1 ? '' : ` (number ${channel.number})`;
  const quiet = `nothing sent for ${seconds(silence.sent)}, nothing received for ${seconds(silence.heard)}`;
  const what = `the ${channel.kind} channel${which} to ${host}:${port} ${wordsFor(end)}; ${quiet}`;
  const cause = likelyCause(lost);
  const message = cause === undefined ? what : `${what}: ${cause}`;
  return new RpchError('RPCH_CHANNEL_LOST', 'network', message, { cause: end.cause });
}

function wordsFor({ how, cause }: ChannelEnd): string {
  switch (how) {
    case 'closed':
      return 'was closed by the other side';
    case 'reset':
      return 'was reset';
    case 'vanished':
      return 'got no answer to TCP keep-alive';
    case 'failed':
      return `failed: ${cause?.message ?? 'for no known reason'}`;
  }
}

function likelyCause({ channel, end, silence, pingAfter }: LostChannel): string | undefined {
  const silent = Math.min(silence.sent, silence.heard);
  if (silent < LONG_SILENCE || end.how === 'failed') return undefined;
  const who = channel.kind === 'IN' ? 'this client pings every' : 'the proxy may be silent for';
  const pings = pingAfter === undefined ? '' : `, while ${who} ${seconds(pingAfter)}`;
  return (
    `probably something between client and proxy (firewall, NAT, load balancer, reverse proxy) ends connections that ` +
    `are idle for less than ${seconds(Math.ceil(silent / 1000) * 1000)}${pings}`
  );
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** RpchError `RPCH_CONNECT`: a channel was due to be replaced, and its successor's connection could not be opened. */
export function successorUnreachable(channel: LostChannel['channel'], cause: RpchError): RpchError {
  const { host, port } = channel.proxy;
  const what = `the successor of the ${channel.kind} channel (number ${channel.number}) could not be opened to ${host}:${port}`;
  return new RpchError(cause.code, cause.fault, `${what}: ${cause.message}`, { cause });
}

const ENDS: Readonly<Record<RoleEnd, string>> = {
  'in-channel-used-up': 'the IN channel has no room left and could not be recycled in time',
  'out-channel-used-up': 'the OUT channel has no room left and was not recycled in time',
  'recycling-timeout': 'a channel began to be recycled and was not in time',
  'setup-timeout': 'the other half of the virtual connection did not come in time',
  'out-silent':
    'nothing was received on the OUT channel for twice the ConnectionTimeout, not even a Ping: something between client and ' +
    'proxy (firewall, NAT, load balancer, reverse proxy) swallows it in silence, or forgets connections that are idle',
  recycled: 'the virtual connection went on elsewhere',
};

/** RpchError `RPCH_CHANNEL_ENDED`: the client's role ended without a broken rule. */
export function roleEnded(end: RoleEnd): RpchError {
  return new RpchError('RPCH_CHANNEL_ENDED', 'peer', `the virtual connection is over (${end}): ${ENDS[end]}`);
}

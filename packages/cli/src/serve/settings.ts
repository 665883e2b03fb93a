import { type Settings, settingsFromFlags } from '@rpch/proxy';
import { AuthLevel, RpchError } from '@rpch/rpc/internal';
import { parseServeListener, type ServeListener } from './listener.ts';

/** The flags of `rpch serve` that are settings, as the command line gives them. */
export interface ServeFlags {
  readonly listen?: readonly string[];
  readonly interfaces?: string;
  readonly level?: string;
  readonly auth?: string;
  readonly proxies?: readonly string[];
  readonly user?: readonly string[];
  readonly domain?: string;
  readonly dnsDomain?: string;
  readonly computer?: string;
  readonly data?: string;
  readonly drainTimeout?: string;
}

const INTERFACES = ['echo', 'mgmt', 'epm'] as const;
/** What can be served. */
export type InterfaceName = (typeof INTERFACES)[number];

const PROVIDERS = ['ntlm', 'spnego'] as const;
/** Security providers of calls. */
export type ProviderName = (typeof PROVIDERS)[number];

/** Names of the levels that an interface may want, as flags have them. */
export const LEVELS = ['none', 'connect', 'packet', 'integrity', 'privacy'] as const;

/** What `rpch serve` does. */
export interface ServeSettings {
  readonly listen: readonly ServeListener[];
  readonly interfaces: ReadonlySet<InterfaceName>;
  /** One of AuthLevel: the least for every interface but mgmt and epm. */
  readonly level: number;
  readonly providers: ReadonlySet<ProviderName>;
  /** Addresses of the RPC Proxies that may speak to `ncacn_http` listeners; undefined: loopback. */
  readonly proxies?: readonly string[];
  /** The accounts, the same as the proxy's. */
  readonly accounts: Pick<Settings, 'auth' | 'dataDir'>;
  /** How long calls in progress may take when the server is told to stop, ms. */
  readonly grace: number;
}

/** They are served out of a store that does not exist yet. */
const OF_THE_STORE = ['emsmdb', 'nspi', 'rfr'];
const MAX_DRAIN_TIMEOUT = 86_400;

/** @throws RpchError: `RPCH_USAGE` (caller) or what the proxy's flags of the same names are refused with. */
export function serveSettings(flags: ServeFlags): ServeSettings {
  const { user, domain, dnsDomain, computer, data, drainTimeout = '30' } = flags;
  const listen = (flags.listen ?? []).map(parseServeListener);
  if (listen.length === 0) throw usage('--listen: expected at least one listener, found none');
  const proxies = flags.proxies?.flatMap((text) => text.split(','));
  if (proxies !== undefined && listen.every(({ protocol }) => protocol !== 'ncacn_http')) {
    throw usage('--proxies: expected a listener for ncacn_http, which alone takes proxies, found none');
  }
  const grace = Number(drainTimeout);
  if (!/^\d+$/.test(drainTimeout) || grace > MAX_DRAIN_TIMEOUT) {
    throw usage(`--drain-timeout: expected seconds, at most ${MAX_DRAIN_TIMEOUT}, found "${drainTimeout}"`);
  }
  const accounts = {
    ...(user === undefined ? {} : { user }),
    ...(domain === undefined ? {} : { domain }),
    ...(dnsDomain === undefined ? {} : { dnsDomain }),
    ...(computer === undefined ? {} : { computer }),
    ...(data === undefined ? {} : { data }),
  };
  return {
    listen,
    interfaces: interfacesOf(flags.interfaces ?? INTERFACES.join(',')),
    level: levelOf(flags.level ?? 'connect'),
    providers: namesOf('--auth', flags.auth ?? PROVIDERS.join(','), PROVIDERS),
    ...(proxies === undefined ? {} : { proxies }),
    accounts: settingsFromFlags(accounts),
    grace: grace * 1000,
  };
}

function interfacesOf(text: string): ReadonlySet<InterfaceName> {
  const early = text.split(',').find((name) => OF_THE_STORE.includes(name));
  if (early !== undefined) {
    throw usage(`--interfaces: ${early} comes with the information store, which this version does not have`);
  }
  return namesOf('--interfaces', text, INTERFACES);
}

function levelOf(text: string): number {
  const known: readonly string[] = LEVELS;
  if (!known.includes(text)) throw usage(`--level: expected one of ${LEVELS.join(', ')}, found "${text}"`);
  return AuthLevel[text as (typeof LEVELS)[number]];
}

function namesOf<N extends string>(flag: string, text: string, known: readonly N[]): ReadonlySet<N> {
  const names = text.split(',');
  const strange = names.find((name) => !(known as readonly string[]).includes(name));
  if (strange !== undefined) throw usage(`${flag}: expected a list of ${known.join(', ')}, found "${strange}"`);
  return new Set(known.filter((name) => names.includes(name)));
}

function usage(message: string): RpchError {
  return new RpchError('RPCH_USAGE', 'caller', message);
}

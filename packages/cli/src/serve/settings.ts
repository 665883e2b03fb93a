import { type Settings, settingsFromFlags } from '@rpch/proxy';
import { AuthLevel, RpchError } from '@rpch/rpc/internal';
import { parseServeListener, type ServeListener } from './listener.ts';

/** The flags of `rpch serve` that are settings, as the command line gives them. */
export interface ServeFlags {
  readonly listen?: readonly string[];
  readonly interfaces?: string;
  readonly level?: string;
  readonly mailLevel?: string;
  readonly serverName?: string;
  readonly auth?: string;
  readonly proxies?: readonly string[];
  readonly user?: readonly string[];
  readonly domain?: string;
  readonly dnsDomain?: string;
  readonly computer?: string;
  readonly data?: string;
  readonly keepDeleted?: string;
  readonly drainTimeout?: string;
}

const INTERFACES = ['echo', 'mgmt', 'epm', 'emsmdb', 'nspi', 'rfr'] as const;
/** What can be served. */
export type InterfaceName = (typeof INTERFACES)[number];

const PROVIDERS = ['ntlm', 'spnego'] as const;
/** Security providers of calls. */
export type ProviderName = (typeof PROVIDERS)[number];

/** Names of the levels that an interface may want, as flags have them. */
export const LEVELS = ['none', 'connect', 'packet', 'integrity', 'privacy'] as const;
/** Those of interfaces that always want a login. */
export const MAIL_LEVELS = ['connect', 'packet', 'integrity', 'privacy'] as const;
type LevelName = (typeof LEVELS)[number];

/** What `rpch serve` does. */
export interface ServeSettings {
  readonly listen: readonly ServeListener[];
  readonly interfaces: ReadonlySet<InterfaceName>;
  /** One of AuthLevel: the least for echo. */
  readonly level: number;
  /** The least for emsmdb, nspi and rfr, which always want a login. */
  readonly mailLevel: number;
  /** By which name clients reach this server, where directory.yaml has none; undefined: the computer's. */
  readonly serverName?: string;
  readonly providers: ReadonlySet<ProviderName>;
  /** Addresses of the RPC Proxies that may speak to `ncacn_http` listeners; undefined: loopback. */
  readonly proxies?: readonly string[];
  /** The accounts, the same as the proxy's. */
  readonly accounts: Pick<Settings, 'auth' | 'dataDir'>;
  /** Days for which messages that were deleted can be recovered; 0: not at all. */
  readonly keepDeleted: number;
  /** How long calls in progress may take when the server is told to stop, ms. */
  readonly grace: number;
}

const MAX_DRAIN_TIMEOUT = 86_400;
const MAX_KEEP_DELETED = 36_500;

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
  const { keepDeleted = '14' } = flags;
  if (!/^\d+$/.test(keepDeleted) || Number(keepDeleted) > MAX_KEEP_DELETED) {
    throw usage(`--keep-deleted: expected days, at most ${MAX_KEEP_DELETED}, found "${keepDeleted}"`);
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
    interfaces: namesOf('--interfaces', flags.interfaces ?? INTERFACES.join(','), INTERFACES),
    level: levelOf('--level', flags.level ?? 'connect', LEVELS),
    mailLevel: levelOf('--mail-level', flags.mailLevel ?? 'privacy', MAIL_LEVELS),
    ...(flags.serverName === undefined ? {} : { serverName: serverNameOf(flags.serverName) }),
    providers: namesOf('--auth', flags.auth ?? PROVIDERS.join(','), PROVIDERS),
    ...(proxies === undefined ? {} : { proxies }),
    accounts: settingsFromFlags(accounts),
    keepDeleted: Number(keepDeleted),
    grace: grace * 1000,
  };
}

function levelOf(flag: string, text: string, known: readonly LevelName[]): number {
  const level = known.find((name) => name === text);
  if (level === undefined) throw usage(`${flag}: expected one of ${known.join(', ')}, found "${text}"`);
  return AuthLevel[level];
}

function serverNameOf(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/iu.test(text)) return text;
  throw usage(`--server-name: expected the name of a host, found "${text}"`);
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

import { RpchError } from '@rpch/rpc';
import * as v from 'valibot';
import type { Cidr } from '../access/ip.ts';
import { parseMap } from '../access/rule.ts';
import { bareName, type TrialAccount } from '../accounts/local-provider.ts';
import { passwordFault } from '../accounts/password.ts';
import { assemble, complete } from './complete.ts';
import { parseEndpoint } from './endpoint.ts';
import { problemOf } from './issues.ts';
import { CLIENT_ADDRESS, type Listener, type TrustedProxies } from './listener.ts';
import { ConfigError, formatPath, type Problem } from './problem.ts';
import { parseRange } from './rule-schema.ts';
import { FileSchema, type FileSettings } from './schema.ts';
import type { Settings } from './settings.ts';

/** The flags of `rpch proxy` that are settings, as the command line gives them. */
export interface ProxyFlags {
  readonly listen?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsMin?: string;
  readonly tlsMax?: string;
  readonly allow?: readonly string[];
  /** `NAME:PORT=HOST:PORT`, `ncacn_http:NAME:PORT=HOST:PORT,unix:PATH` */
  readonly map?: readonly string[];
  /** `a:6001-6002;b:593` */
  readonly validPorts?: string;
  /** All http listeners take version 1. */
  readonly allowV1?: boolean;
  /** Of all listeners: `proxy-protocol`, `x-forwarded-for` */
  readonly clientAddress?: string;
  /** Goes with it: `10.0.0.5`, `10.1.0.0/24` */
  readonly trustedProxies?: readonly string[];
  /** `LISTEN=SERVER:PORT` */
  readonly endpoint?: readonly string[];
  /** `NAME:PASSWORD` */
  readonly user?: readonly string[];
  /** `basic,ntlm` */
  readonly auth?: string;
  readonly allowInsecureBasic?: boolean;
  readonly domain?: string;
  readonly dnsDomain?: string;
  readonly computer?: string;
  readonly channelBinding?: string;
  readonly channelLifetime?: string;
  readonly connectionTimeout?: string;
  readonly data?: string;
}

/** The flag that stands for a key of the file; a key above stands for those below it. */
const FLAG_OF: ReadonlyMap<string, string> = new Map([
  ['listen', '--listen'],
  ['tls.certFile', '--tls-cert'],
  ['tls.keyFile', '--tls-key'],
  ['tls.min', '--tls-min'],
  ['tls.max', '--tls-max'],
  ['allow', '--allow'],
  ['validPorts', '--valid-ports'],
  ['endpoints', '--endpoint'],
  ['auth.schemes', '--auth'],
  ['auth.allowInsecureBasic', '--allow-insecure-basic'],
  ['auth.domain', '--domain'],
  ['auth.dnsDomain', '--dns-domain'],
  ['auth.computer', '--computer'],
  ['auth.channelBinding', '--channel-binding'],
  ['channelLifetime', '--channel-lifetime'],
  ['connectionTimeout', '--connection-timeout'],
  ['dataDir', '--data'],
]);

/**
 * Everything at its default, with the flags on top; paths are relative to the working directory.
 * @throws ConfigError as {@link applyFlags}, and when the settings do not hold together.
 */
export function settingsFromFlags(flags: ProxyFlags): Settings {
  const { settings, problems } = complete(applyFlags(assemble(v.parse(FileSchema, {}), '.'), flags));
  if (problems.length > 0) throw new ConfigError(problems.map(flagged));
  return settings;
}

/**
 * Puts flags on top of settings. `--allow`, `--valid-ports`, `--map`, `--endpoint` and `--user` add to what is there;
 * the others take its place.
 * @throws ConfigError with a line `--flag: what was expected, what was found` for each flag that is wrong.
 */
export function applyFlags(base: Settings, flags: ProxyFlags): Settings {
  const problems: string[] = [];
  const each = <T>(flag: string, texts: readonly string[] = [], parse: (text: string) => T): T[] =>
    texts.flatMap((text) => {
      try {
        return [parse(text)];
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        problems.push(`${flag}: ${error.message}`);
        return [];
      }
    });
  const written = inWordsOfTheFile(flags);
  const read = v.safeParse(FileSchema, written);
  if (!read.success) problems.push(...read.issues.map(problemOf).map(flagged));
  const maps = each('--map', flags.map, parseMap);
  const users = each('--user', flags.user, parseTrialAccount);
  const endpoints = each('--endpoint', flags.endpoint, parseEndpoint);
  const peers = each('--trusted-proxies', flags.trustedProxies, parseRange);
  const isTold = (flags.trustedProxies ?? []).length > 0;
  const trusted = trustedBy(flags.clientAddress, peers, isTold, problems);
  if (problems.length > 0 || !read.success) throw new ConfigError(problems);
  const merged = merge(base, assemble(read.output, '.'), written);
  return {
    ...merged,
    listen: (flags.allowV1 === true ? withV1(merged.listen) : merged.listen).map((listener) =>
      trusted === undefined ? listener : { ...listener, trusted },
    ),
    allow: [...merged.allow, ...maps],
    endpoints: [...merged.endpoints, ...endpoints],
    auth: { ...merged.auth, users: [...merged.auth.users, ...users] },
  };
}

/** @throws ConfigError where no listener can take version 1. */
function withV1(listen: readonly Listener[]): Listener[] {
  if (listen.every(({ tls }) => tls)) {
    const found = listen.map(({ url }) => url).join(', ');
    throw new ConfigError([`--allow-v1: expected an http listener, found ${found}: version 1 has no TLS`]);
  }
  return listen.map((listener) => (listener.tls ? listener : { ...listener, allowV1: true }));
}

/** @param isTold whether there were any --trusted-proxies, rightly written or not. */
function trustedBy(
  how: string | undefined,
  peers: readonly Cidr[],
  isTold: boolean,
  problems: string[],
): TrustedProxies | undefined {
  const says = CLIENT_ADDRESS.find((word) => word === how);
  if (says !== undefined && isTold) return { peers, says };
  if (says !== undefined) problems.push('--client-address: expected --trusted-proxies with it, found none');
  else if (how !== undefined) {
    problems.push(`--client-address: expected one of ${CLIENT_ADDRESS.join(', ')}, found "${how}"`);
  } else if (isTold) problems.push('--trusted-proxies: expected --client-address with it, found none');
  return undefined;
}

/** The flags as the file would say them, so that one schema judges both. */
function inWordsOfTheFile(flags: ProxyFlags): Partial<Record<keyof FileSettings, unknown>> {
  return given({
    listen: flags.listen,
    tls: given({ certFile: flags.tlsCert, keyFile: flags.tlsKey, min: flags.tlsMin, max: flags.tlsMax }),
    allow: flags.allow,
    validPorts: flags.validPorts,
    auth: given({
      schemes: flags.auth?.split(',').map((scheme) => scheme.trim()),
      allowInsecureBasic: flags.allowInsecureBasic,
      domain: flags.domain,
      dnsDomain: flags.dnsDomain,
      computer: flags.computer,
      channelBinding: flags.channelBinding,
    }),
    channelLifetime: numeric(flags.channelLifetime),
    connectionTimeout: numeric(flags.connectionTimeout),
    dataDir: flags.data,
  });
}

/** An object without the keys that hold undefined. */
function given<T extends object>(values: T): Partial<T> {
  return pick(values, (_key, value) => value !== undefined);
}

function pick<T extends object>(values: T, wanted: (key: string, value: unknown) => boolean): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => wanted(key, value))) as Partial<T>;
}

function numeric(text: string | undefined): string | number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** `full` has every default filled in: what counts of it is what was `written`. */
function merge(base: Settings, full: Settings, written: ReturnType<typeof inWordsOfTheFile>): Settings {
  const own = <T extends object>(section: T, keys: unknown) =>
    pick(section, (key) => typeof keys === 'object' && keys !== null && key in keys);
  return {
    ...base,
    ...own(full, written),
    tls: { ...base.tls, ...own(full.tls, written.tls) },
    allow: [...base.allow, ...full.allow],
    auth: { ...base.auth, ...own(full.auth, written.auth) },
  };
}

function flagged({ path, message }: Problem): string {
  const text = formatPath(path);
  const [flag] = [...FLAG_OF].filter(([key]) => text === key || text.startsWith(`${key}[`)).map(([, name]) => name);
  return flag === undefined ? message : `${flag}: ${message}`;
}

function parseTrialAccount(text: string): TrialAccount {
  const colon = text.indexOf(':');
  // The text is not repeated: it holds a password, or what was meant as one.
  if (colon < 0) throw new RpchError('RPCH_BAD_USER', 'configuration', 'expected NAME:PASSWORD, found no colon');
  const name = bareName(text.slice(0, colon), 'account name');
  const password = text.slice(colon + 1);
  const fault = passwordFault(password);
  if (fault !== undefined) {
    throw new RpchError('RPCH_BAD_USER', 'configuration', `expected NAME:PASSWORD, found that for ${name} ${fault}`);
  }
  return { name, password };
}

import { AuthLevel, AuthType } from './security-context.ts';
import { badBinding, type StringBinding } from './string-binding.ts';

/** A host name or an IP address without brackets, and a TCP port where one was named. */
export interface NamedHost {
  readonly host: string;
  readonly port?: number;
}

/** What the options of a string binding say, before the defaults. */
export interface BindingOptions {
  endpoint?: number | undefined;
  rpcProxy?: NamedHost;
  httpProxy?: NamedHost;
  useHttpProxy?: boolean;
  httpUseTls?: boolean;
  httpAuth?: 'basic' | 'ntlm' | 'negotiate';
  /** One of {@link AuthLevel}. */
  level?: number;
  /** One of {@link AuthType}. */
  rpcAuth?: number;
  ndr64?: boolean;
  bigEndian?: boolean;
  targetHostname?: string;
  targetPrincipal?: string;
  localAddress?: string;
}

/** How one option is read: `value` is '' for a flag. Returns what was expected where it is something else. */
interface OptionRule {
  /** As it is written in messages. */
  readonly name: string;
  /** Whether only `ncacn_http` has it. */
  readonly http?: true;
  read(value: string, into: BindingOptions): string | undefined;
}

const flag = (name: string, set: (into: BindingOptions) => string | undefined): OptionRule => ({
  name,
  read: (value, into) => (value === '' ? set(into) : 'no value'),
});

/** The strongest of several levels holds, as with Samba. */
const level = (name: string, value: number): OptionRule =>
  flag(name, (into) => {
    into.level = Math.max(into.level ?? 0, value);
    return undefined;
  });

const rpcAuth = (name: string, value: number): OptionRule =>
  flag(name, (into) => {
    if (into.rpcAuth !== undefined) return 'only one of ntlm, spnego and krb5';
    into.rpcAuth = value;
    return undefined;
  });

const text = (name: string, key: 'targetHostname' | 'targetPrincipal' | 'localAddress'): OptionRule => ({
  name,
  read: (value, into) => {
    if (value === '') return 'a value';
    into[key] = value;
    return undefined;
  },
});

const host = (name: string, key: 'rpcProxy' | 'httpProxy'): OptionRule => ({
  name,
  http: true,
  read: (value, into) => {
    const found = parseNamedHost(value);
    if (found === undefined) return 'host or host:port, IPv6 addresses in brackets';
    into[key] = found;
    return undefined;
  },
});

/** The pages of Microsoft's grammar have both spellings of the name. */
const connectOption = (name: string): OptionRule => ({
  name,
  http: true,
  read: (value, into) => {
    if (value.toLowerCase() !== 'usehttpproxy') return 'UseHttpProxy';
    into.useHttpProxy = true;
    return undefined;
  },
});

const RULES: readonly OptionRule[] = [
  // Microsoft
  host('RpcProxy', 'rpcProxy'),
  host('HttpProxy', 'httpProxy'),
  connectOption('HttpConnectOption'),
  connectOption('HttpConnectionOption'),
  // Samba
  {
    name: 'HttpUseTls',
    http: true,
    read: (value, into) => {
      const lower = value.toLowerCase();
      if (lower !== 'true' && lower !== 'false') return 'true or false';
      into.httpUseTls = lower === 'true';
      return undefined;
    },
  },
  {
    name: 'HttpAuthOption',
    http: true,
    read: (value, into) => {
      const lower = value.toLowerCase();
      if (lower !== 'basic' && lower !== 'ntlm' && lower !== 'negotiate') return 'basic, ntlm or negotiate';
      into.httpAuth = lower;
      return undefined;
    },
  },
  level('connect', AuthLevel.connect),
  level('packet', AuthLevel.packet),
  level('sign', AuthLevel.integrity),
  level('seal', AuthLevel.privacy),
  rpcAuth('ntlm', AuthType.ntlm),
  rpcAuth('spnego', AuthType.spnego),
  rpcAuth('krb5', AuthType.kerberos),
  flag('ndr64', (into) => {
    into.ndr64 = true;
    return undefined;
  }),
  flag('bigendian', (into) => {
    into.bigEndian = true;
    return undefined;
  }),
  text('target_hostname', 'targetHostname'),
  text('target_principal', 'targetPrincipal'),
  text('localaddress', 'localAddress'),
];

const BY_NAME: ReadonlyMap<string, OptionRule> = new Map(RULES.map((rule) => [rule.name.toLowerCase(), rule]));

/**
 * Reads the options of a binding, the endpoint among them: a port, absent where it is to be asked of the endpoint mapper. A
 * flag that stands where the endpoint should (`ncacn_ip_tcp:server[seal]`) is a flag. Throws RpchError `RPCH_STRING_BINDING`
 * (caller): an option that is not known, with those that are; one of the other protocol; a value that is none.
 */
export function readBindingOptions(binding: StringBinding, written: string): BindingOptions {
  const into: BindingOptions = {};
  const options = new Map(binding.options);
  const { endpoint } = binding;
  if (endpoint !== undefined) {
    into.endpoint = port(endpoint);
    const misplaced = endpoint.toLowerCase();
    if (into.endpoint === undefined) {
      if (!BY_NAME.has(misplaced)) throw badBinding(written, `a port is expected as endpoint, found "${endpoint}"`);
      if (options.has(misplaced)) throw badBinding(written, `option ${endpoint} stands twice`);
      options.set(misplaced, '');
    }
  }
  for (const [name, value] of options) {
    const rule = BY_NAME.get(name);
    if (rule === undefined) {
      const known = RULES.map((each) => each.name).join(', ');
      throw badBinding(written, `option "${name}" is not known; known are endpoint, ${known}`);
    }
    if (rule.http && binding.protocol !== 'ncacn_http') {
      throw badBinding(written, `option ${rule.name} belongs to ncacn_http, not to ${binding.protocol}`);
    }
    const expected = rule.read(value, into);
    if (expected !== undefined) throw badBinding(written, `option ${rule.name} takes ${expected}, found "${value}"`);
  }
  return into;
}

/** Parses `host`, `host:port`, `[IPv6]` or `[IPv6]:port`; undefined where it is none of them. */
export function parseNamedHost(value: string): NamedHost | undefined {
  const match = /^(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/?#@%]+))(?::(\d{1,5}))?$/i.exec(value);
  const name = match?.[1] ?? match?.[2];
  if (name === undefined || !/^[!-~]+$/.test(name)) return undefined;
  if (match?.[3] === undefined) return { host: name };
  const named = port(match[3]);
  return named === undefined ? undefined : { host: name, port: named };
}

function port(word: string): number | undefined {
  const value = /^\d{1,5}$/.test(word) ? Number(word) : 0;
  return value >= 1 && value <= 65_535 ? value : undefined;
}

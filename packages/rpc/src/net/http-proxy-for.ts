import { BlockList, isIP } from 'node:net';
import { RpchError } from '../errors.ts';
import type { HttpProxySetting, ProxyAddress } from './proxy-address.ts';

/** The environment variables of a process. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** What a string binding says of the HTTP proxy. */
export interface AskedHttpProxy {
  /** HttpProxy= */
  readonly httpProxy?: ProxyAddress;
  /** HttpConnectOption=UseHttpProxy */
  readonly useHttpProxy?: boolean;
}

/**
 * The HTTP proxy through which `url` is to be reached, undefined for none. That is the one that was asked for, or that of the
 * environment, as curl has it: `https_proxy` or `http_proxy` by the URL's scheme, else `all_proxy`, lower case before upper;
 * HTTP_PROXY is not looked at in a CGI program, whose caller can set it. `no_proxy` excepts hosts, unless
 * HttpConnectOption=UseHttpProxy was asked for. A variable's value is `[http://][user:password@]host[:port]`, port 80 where
 * there is none; credentials there are sent as Basic, since whoever wrote them there asked for it.
 *
 * Throws RpchError `RPCH_HTTP_PROXY` (configuration): a value that is no HTTP proxy, or UseHttpProxy where there is none.
 */
export function httpProxyFor(
  url: string,
  env: ProxyEnvironment,
  { httpProxy, useHttpProxy }: AskedHttpProxy = {},
): HttpProxySetting | undefined {
  const parsed = URL.parse(url);
  // a name of which DNS could know nothing, such as 10.1.2.300
  if (parsed === null) throw bad(`${url} is no address`);
  const { protocol, hostname, port } = parsed;
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'https:';
  if (useHttpProxy !== true && isExcepted(host, Number(port || (secure ? 443 : 80)), variable(env, 'no_proxy') ?? '')) {
    return undefined;
  }
  const found = httpProxy ?? fromEnvironment(secure, env);
  if (found === undefined && useHttpProxy === true) {
    throw bad(
      'HttpConnectOption=UseHttpProxy asks for an HTTP proxy, and neither HttpProxy nor the environment names one',
    );
  }
  return found;
}

function fromEnvironment(secure: boolean, env: ProxyEnvironment): HttpProxySetting | undefined {
  const isCgi = env.REQUEST_METHOD !== undefined;
  const own = secure ? variable(env, 'https_proxy') : isCgi ? env.http_proxy : variable(env, 'http_proxy');
  const value = (own ?? variable(env, 'all_proxy') ?? '').trim();
  return value === '' ? undefined : parseProxy(value);
}

function variable(env: ProxyEnvironment, name: string): string | undefined {
  return env[name] ?? env[name.toUpperCase()];
}

/** Passwords are not repeated in messages. */
function parseProxy(value: string): HttpProxySetting {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`);
  if (url === null || url.hostname === '') throw bad('the environment names an HTTP proxy whose address is malformed');
  if (url.protocol !== 'http:') {
    throw bad(`the environment names a proxy of kind ${url.protocol}//, and only http:// is understood`);
  }
  const address = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
  if (url.username === '') return address;
  const basic = { user: decode(url.username), password: decode(url.password) };
  return { ...address, credentials: { scheme: 'basic', basic, allowInsecureBasic: true } };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('the environment names an HTTP proxy with a user or password that is malformed');
  }
}

/**
 * Whether `no_proxy` names a host: `*` alone names all; a name, with or without a dot before it, names itself and what is
 * below it; an address names itself, and `address/bits` a network; `:port` behind any of them limits it to that port.
 */
function isExcepted(host: string, port: number, list: string): boolean {
  const words = list.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 1 && words[0] === '*') return true;
  const name = host.toLowerCase().replace(/\.$/, '');
  return words.some((word) => {
    const [, bracketed, plain = '', only] = /^(?:\[([^\]]*)\]|(.*?))(?::(\d+))?$/.exec(word) ?? [];
    const isAddress = isIP(word.replace(/\/\d+$/, '')) !== 0;
    if (!isAddress && only !== undefined && Number(only) !== port) return false;
    const pattern = isAddress ? word : (bracketed ?? plain);
    return isIP(host) === 0 ? isBelow(name, pattern.toLowerCase()) : isWithin(host, pattern);
  });
}

function isBelow(name: string, pattern: string): boolean {
  const domain = pattern.replace(/^\.|\.$/g, '');
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`));
}

function isWithin(address: string, pattern: string): boolean {
  const [network = '', bits, ...more] = pattern.split('/');
  const family = isIP(network);
  if (family === 0 || family !== isIP(address) || more.length > 0) return false;
  const most = family === 4 ? 32 : 128;
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits === undefined ? most : Number(bits), kind);
  return list.check(address, kind);
}

function bad(what: string): RpchError {
  return new RpchError('RPCH_HTTP_PROXY', 'configuration', what);
}

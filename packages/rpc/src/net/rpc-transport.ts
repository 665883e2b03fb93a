import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Binding, HttpBinding } from '../dcerpc/binding.ts';
import { AuthLevel, type SecurityInitiator } from '../dcerpc/security-context.ts';
import { parseAccount } from '../security/ntlm/account.ts';
import { ntlmSecurity } from '../security/providers.ts';
import { openOverHttp } from './http-client.ts';
import type { HttpCredentials } from './http-credentials.ts';
import { httpProxyFor } from './http-proxy-for.ts';
import type { HttpProxySetting } from './proxy-address.ts';
import type { Credentials, RpcClientOptions, RpcHttpOptions } from './rpc-client-options.ts';
import type { OpenTransport } from './rpc-connection.ts';
import { openOverTcp } from './tcp-client.ts';

/** How a binding's server is reached: the transport to one of its ports. */
export function transportOf(binding: Binding, port: number, options: RpcClientOptions): OpenTransport {
  const server = { host: binding.networkAddress, port };
  const { connectTimeout, openTimeout, onHop } = options;
  const common = {
    server,
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(onHop === undefined ? {} : { onHop }),
  };
  if (binding.protocol === 'ncacn_ip_tcp') return (events) => openOverTcp({ ...common, ...events });
  const http = options.http ?? {};
  const credentials = http.credentials === undefined ? options.credentials : (http.credentials ?? undefined);
  const scheme =
    http.scheme ?? (binding.httpAuth === 'basic' || binding.httpAuth === 'ntlm' ? binding.httpAuth : 'auto');
  const httpProxy = httpProxyOf(binding, http);
  return (events) =>
    openOverHttp({
      ...common,
      ...events,
      proxy: binding.rpcProxy,
      ...(binding.tls ? { tls: http.tls ?? {} } : {}),
      ...(credentials === undefined
        ? {}
        : { credentials: login(credentials, scheme, http, `HTTP/${binding.rpcProxy.host}`) }),
      ...(httpProxy === undefined ? {} : { httpProxy }),
      ...(openTimeout === undefined ? {} : { openTimeout }),
      ...(http.channelLifetime === undefined ? {} : { channelLifetime: http.channelLifetime }),
      random: randomBytes,
    });
}

function httpProxyOf(binding: HttpBinding, http: RpcHttpOptions): HttpProxySetting | undefined {
  const { host, port } = binding.rpcProxy;
  const url = `${binding.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  const found = httpProxyFor(url, http.environment ?? process.env, binding);
  if (found === undefined || http.httpProxyCredentials === undefined) return found;
  return { ...found, credentials: login(http.httpProxyCredentials, 'auto', http, `HTTP/${found.host}`) };
}

function login(
  account: Credentials,
  scheme: HttpCredentials['scheme'],
  { allowInsecureBasic = false }: RpcHttpOptions,
  targetName: string,
): HttpCredentials {
  return {
    scheme,
    basic: account,
    ntlm: (channelBindings) => ntlm(account, AuthLevel.connect, targetName, channelBindings),
    allowInsecureBasic,
  };
}

/** A security context of NTLM for an account. */
function ntlm(
  account: Credentials,
  level: number,
  targetName: string,
  channelBindings: Uint8Array | undefined,
): SecurityInitiator {
  return ntlmSecurity({
    ...ntlmIdentity(account),
    level,
    targetName,
    ...(channelBindings === undefined ? {} : { channelBindings }),
  })();
}

/** What NTLM needs to know of an account and of this machine. */
export function ntlmIdentity({ user, password }: Credentials) {
  return {
    credentials: { ...parseAccount(user), password },
    workstation: (hostname().split('.')[0] ?? '').slice(0, 15).toUpperCase(),
    now: Date.now,
    random: randomBytes,
  };
}

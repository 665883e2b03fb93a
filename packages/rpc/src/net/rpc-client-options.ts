import type { Binding } from '../dcerpc/binding.ts';
import { AuthLevel, AuthType } from '../dcerpc/security-context.ts';
import { RpchError } from '../errors.ts';
import type { HopFound } from './hop-found.ts';
import type { OpeningHop } from './http-client-options.ts';
import type { ProxyEnvironment } from './http-proxy-for.ts';
import type { ClientTls } from './proxy-address.ts';

/** An account: `user` as `DOMAIN\user`, `user@domain` or `user`. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Who calls, and how well calls are protected. */
export interface RpcSecurityOptions {
  /** Without an account calls are anonymous. */
  readonly credentials?: Credentials;
  /** `spnego` where there are credentials and the binding names none; Kerberos is not there yet. */
  readonly provider?: 'none' | 'ntlm' | 'spnego';
  /** What the binding says, else `privacy`. */
  readonly level?: 'connect' | 'packet' | 'integrity' | 'privacy';
}

/** How to get through HTTP. */
export interface RpcHttpOptions {
  /** For the RPC Proxy; by default the account of the calls. Null: none. */
  readonly credentials?: Credentials | null;
  /** `auto`, unless the binding names one: asks the proxy, and takes the strongest scheme that it offers. */
  readonly scheme?: 'auto' | 'basic' | 'ntlm';
  /** Basic may go over plain http to hosts other than this one. */
  readonly allowInsecureBasic?: boolean;
  /** TLS to the RPC Proxy even where the binding does not say so. */
  readonly https?: boolean;
  /** TLS to the RPC Proxy: authorities to trust, a certificate of the client's. */
  readonly tls?: ClientTls;
  /** Content-Length of IN channels, bytes, 128 KiB to 2 GiB. Default 1 GiB. */
  readonly channelLifetime?: number;
  /** For the HTTP proxy on the client's network, where it asks. */
  readonly httpProxyCredentials?: Credentials;
  /** Where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are looked for. Default: the process's environment. */
  readonly environment?: ProxyEnvironment;
}

/** The hops of a client, in order; those before `bind` are passed once for each connection. */
export type RpcHop = OpeningHop | 'bind' | 'RPC authentication';

/** What a client may be told. */
export interface RpcClientOptions extends RpcSecurityOptions {
  readonly http?: RpcHttpOptions;
  /** Time for name, TCP, tunnel and TLS, ms. Default 15,000. */
  readonly connectTimeout?: number;
  /** Time for a connection to open, and for each leg of its bind, ms. Default 60,000. */
  readonly openTimeout?: number;
  /** Time for a call, ms. Default: none; calls may take minutes. */
  readonly callTimeout?: number;
  /** How long the server may take to answer a call that was cancelled, ms. Default 5,000. */
  readonly cancelTimeout?: number;
  /** Connections where the server takes no concurrent calls. Default 8. */
  readonly maxConnections?: number;
  /** Stub data of one response, bytes. Default 64 MiB. */
  readonly maxResponse?: number;
  /** Longest fragment, bytes. Default 5840. */
  readonly maxFrag?: number;
  /** A hop was passed, and what was found there: on each connection anew, from `DNS` on. */
  onHop?(hop: RpcHop, found: HopFound): void;
}

/** Values of auth_level by their names here. */
export const AUTH_LEVELS = {
  connect: AuthLevel.connect,
  packet: AuthLevel.packet,
  integrity: AuthLevel.integrity,
  privacy: AuthLevel.privacy,
} as const;

/** The security that options and binding together ask for; undefined: none. Throws RpchError (caller) where they contradict. */
export function securityOf(
  binding: Binding,
  { credentials, provider, level }: RpcSecurityOptions,
): { readonly credentials: Credentials; readonly authType: number; readonly authLevel: number } | undefined {
  if (provider === 'none') return undefined;
  const asked =
    provider !== undefined || binding.rpcAuth !== undefined || level !== undefined || binding.level !== undefined;
  if (credentials === undefined) {
    if (!asked) return undefined;
    throw new RpchError(
      'RPCH_NO_CREDENTIALS',
      'caller',
      'calls are to be protected, and there are no credentials for that',
    );
  }
  const authType = provider === undefined ? (binding.rpcAuth ?? AuthType.spnego) : AuthType[provider];
  if (authType !== AuthType.ntlm && authType !== AuthType.spnego) {
    throw new RpchError('RPCH_NO_SUCH_PROVIDER', 'caller', 'Kerberos is not there yet: ntlm or spnego');
  }
  const authLevel = level === undefined ? (binding.level ?? AuthLevel.privacy) : AUTH_LEVELS[level];
  return { credentials, authType, authLevel };
}

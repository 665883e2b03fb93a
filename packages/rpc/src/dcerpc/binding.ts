import { type BindingOptions, readBindingOptions } from './binding-options.ts';
import { badBinding, parseStringBinding } from './string-binding.ts';

/** A host name or an IP address without brackets, and a TCP port. */
export interface BindingHost {
  readonly host: string;
  readonly port: number;
}

/** What bindings of both protocols have. */
interface CommonBinding {
  /** Object UUID, lower case. */
  readonly object?: string;
  /** The RPC server as whoever connects to it sees it, which is the RPC Proxy where there is one. */
  readonly networkAddress: string;
  /** TCP port; undefined: to be asked of the server's endpoint mapper. */
  readonly endpoint?: number;
  /** Authentication level of calls, one of `AuthLevel`; undefined: not said. */
  readonly level?: number;
  /** Security provider of calls, one of `AuthType`; undefined: not said. */
  readonly rpcAuth?: number;
  readonly ndr64: boolean;
  readonly bigEndian: boolean;
  /** The server's name for its security provider, where it is not the network address. */
  readonly targetHostname?: string;
  readonly targetPrincipal?: string;
  /** Address of this machine to connect from. */
  readonly localAddress?: string;
}

/** A binding of plain TCP. */
export interface TcpBinding extends CommonBinding {
  readonly protocol: 'ncacn_ip_tcp';
}

/** A binding of RPC over HTTP, its defaults filled in. */
export interface HttpBinding extends CommonBinding {
  readonly protocol: 'ncacn_http';
  readonly rpcProxy: BindingHost;
  /** TLS to the RPC Proxy. */
  readonly tls: boolean;
  /** The HTTP proxy on the client's own network; undefined: not said. */
  readonly httpProxy?: BindingHost;
  /** No exception of the HTTP proxy's holds. */
  readonly useHttpProxy: boolean;
  /** Scheme for the RPC Proxy's own login; undefined: not said. */
  readonly httpAuth?: 'basic' | 'ntlm' | 'negotiate';
}

/** What a string binding means, of either protocol: see {@link parseBinding}. */
export type Binding = TcpBinding | HttpBinding;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** What a server's name may not have: it goes into a request's target. */
const HOST = /^[!-~]{1,1023}$/;
const NOT_IN_HOST = /[/?#%[\]]/;

/**
 * Parses a string binding and fills in the defaults of its grammar. Takes Microsoft's options, Samba's, and what impacket takes.
 * An empty network address is the local host, as the RPC Proxy sees it; without RpcProxy the server's host is the RPC Proxy.
 *
 * Whether TLS is spoken to the RPC Proxy, and at which port it is, `https` being what the caller asks for beside the binding:
 *
 * | HttpUseTls or https | port of RpcProxy | TLS | port |
 * | --- | --- | --- | --- |
 * | true | named | yes | that one |
 * | true | not named, or no RpcProxy | yes | 443 |
 * | false | named | no | that one |
 * | false | not named, or no RpcProxy | no | 80 |
 * | not said | 443 | yes | 443 |
 * | not said | another | no | that one |
 * | not said | not named, or no RpcProxy | yes | 443 |
 *
 * So impacket's `RpcProxy=host:80` and `host:443` mean what they mean there. Samba's default is TLS at every port: its
 * `RpcProxy=host:8443` needs HttpUseTls=true here. HttpProxy without a port is at 443 with TLS and at 80 without, as Microsoft
 * has it.
 *
 * Throws RpchError `RPCH_STRING_BINDING` (caller).
 */
export function parseBinding(text: string, { https }: { readonly https?: boolean } = {}): Binding {
  const parsed = parseStringBinding(text);
  const { protocol } = parsed;
  if (protocol !== 'ncacn_http' && protocol !== 'ncacn_ip_tcp') {
    throw badBinding(text, `the protocol is to be ncacn_http or ncacn_ip_tcp, found "${protocol}"`);
  }
  const networkAddress = hostOf(parsed.networkAddress);
  if (networkAddress === undefined) throw badBinding(text, `"${parsed.networkAddress}" cannot be a server's name`);
  const options = readBindingOptions(parsed, text);
  const common = { networkAddress, ...objectOf(parsed.object, text), ...commonOf(options) };
  if (protocol === 'ncacn_ip_tcp') return { protocol, ...common };
  if (https === true && options.httpUseTls === false) {
    throw badBinding(text, 'it says HttpUseTls=false, and https was asked for');
  }
  const { rpcProxy, httpProxy, useHttpProxy = false, httpAuth } = options;
  const tls = options.httpUseTls ?? (https === true || rpcProxy?.port === undefined || rpcProxy.port === 443);
  const port = tls ? 443 : 80;
  return {
    protocol,
    ...common,
    rpcProxy: { host: rpcProxy?.host ?? networkAddress, port: rpcProxy?.port ?? port },
    tls,
    ...(httpProxy === undefined ? {} : { httpProxy: { host: httpProxy.host, port: httpProxy.port ?? port } }),
    useHttpProxy,
    ...(httpAuth === undefined ? {} : { httpAuth }),
  };
}

/** Brackets around an IPv6 address can be quoted, and say nothing more. */
function hostOf(networkAddress: string): string | undefined {
  if (networkAddress === '') return 'localhost';
  const bare = /^\[([0-9a-f:.]+)\]$/i.exec(networkAddress)?.[1] ?? networkAddress;
  return HOST.test(bare) && !NOT_IN_HOST.test(bare) ? bare : undefined;
}

function objectOf(object: string | undefined, text: string): Pick<CommonBinding, 'object'> {
  if (object === undefined) return {};
  if (!UUID.test(object)) throw badBinding(text, `the object is to be a UUID, found "${object}"`);
  return { object: object.toLowerCase() };
}

function commonOf(options: BindingOptions): Omit<CommonBinding, 'object' | 'networkAddress'> {
  const { endpoint, level, rpcAuth, ndr64 = false, bigEndian = false } = options;
  const { targetHostname, targetPrincipal, localAddress } = options;
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(level === undefined ? {} : { level }),
    ...(rpcAuth === undefined ? {} : { rpcAuth }),
    ndr64,
    bigEndian,
    ...(targetHostname === undefined ? {} : { targetHostname }),
    ...(targetPrincipal === undefined ? {} : { targetPrincipal }),
    ...(localAddress === undefined ? {} : { localAddress }),
  };
}

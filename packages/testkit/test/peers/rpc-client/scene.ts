import { RpcClient, type RpcClientOptions } from '@rpch/rpc';
import type { SambaPeer } from '../../../src/peers/samba.ts';
import { PeerSession } from '../../../src/peers/session.ts';

/** The port that a client asks a proxy for when it wants the endpoint mapper ([MS-RPCH] 2.1). */
const HTTP_MAPPER = 593;
const TCP_MAPPER = 135;

/** Samba, and the proxy in front of it, which knows the way to Samba's one endpoint mapper. */
export const newSession = (): PeerSession => new PeerSession({ mapped: [[HTTP_MAPPER, TCP_MAPPER]] });

/** How calls get to Samba. */
export const TRANSPORTS = ['TCP', 'HTTP', 'HTTPS'] as const;
export type TransportName = (typeof TRANSPORTS)[number];

/** How calls are protected. */
export type Security = { readonly provider: 'none' } | Required<Pick<RpcClientOptions, 'provider' | 'level'>>;
export type Level = NonNullable<RpcClientOptions['level']>;
export const LEVELS: readonly Level[] = ['connect', 'packet', 'integrity', 'privacy'];
export const NONE = { provider: 'none' } as const;
export const SECURITIES: readonly Security[] = [
  NONE,
  ...(['ntlm', 'spnego'] as const).flatMap((provider) => LEVELS.map((level) => ({ provider, level }))),
];

export const nameOf = (security: Security): string =>
  'level' in security ? `${security.provider} ${security.level}` : 'none';

/** Where a client goes and with what. */
export interface Way {
  readonly transport: TransportName;
  readonly security: Security;
  /** Of the server: its RPC port by default, `mapper` its endpoint mapper, `dynamic` what that says. */
  readonly endpoint?: 'mapper' | 'dynamic';
  /** More options of the string binding. */
  readonly binding?: readonly string[];
  readonly options?: RpcClientOptions;
}

/** A client of ours for Samba, as its plain user. */
export async function clientFor(session: PeerSession, way: Way): Promise<RpcClient> {
  const { transport, security, endpoint, binding = [], options = {} } = way;
  const samba = await session.samba();
  const credentials = { user: `${samba.domain}\\${samba.user.name}`, password: samba.user.password };
  const tcp = transport === 'TCP';
  const mapper = tcp ? samba.endpointMapperPort : HTTP_MAPPER;
  const port = { mapper: [`${mapper}`], dynamic: [], none: [`${samba.rpcPort}`] }[endpoint ?? 'none'];
  const account = security.provider === 'none' ? {} : { credentials };
  if (tcp) {
    const inner = [...port, ...binding].join(',');
    return new RpcClient(`ncacn_ip_tcp:${samba.ip}[${inner}]`, { ...account, ...security, ...options });
  }
  const proxy = await session.proxy();
  const to = transport === 'HTTP' ? proxy.http : proxy.https;
  const http = [`RpcProxy=127.0.0.1:${to.port}`, `HttpUseTls=${transport === 'HTTPS'}`];
  return new RpcClient(`ncacn_http:${samba.ip}[${[...port, ...http, ...binding].join(',')}]`, {
    ...account,
    ...security,
    http: { credentials, tls: { insecure: true }, environment: {} },
    ...options,
  });
}

/** Does some work with such a client, and closes it. */
export async function withClient(
  session: PeerSession,
  way: Way,
  work: (client: RpcClient, samba: SambaPeer) => Promise<void>,
): Promise<void> {
  await using client = await clientFor(session, way);
  await work(client, await session.samba());
}

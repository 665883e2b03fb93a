import {
  AuthLevel,
  type Binding,
  describeFaultStatus,
  echoDeclaration,
  httpProxyFor,
  type InterfaceDeclaration,
  mgmtDeclaration,
  RpcClient,
  type RpcClientOptions,
  RpcFaultError,
  RpchError,
} from '@rpch/rpc/internal';
import { describeInterface } from '../decode/interfaces.ts';
import { type Destination, usage } from './client-flags.ts';
import { explain, type Failure } from './explain.ts';
import { refusesLogin } from './explain-rpc.ts';
import { type Journey, type Route, tenths } from './journey.ts';
import { look, type Sight } from './look.ts';
import type { Trouble } from './trouble.ts';

/** Ports of endpoint mappers ([MS-RPCE] 2.1.1.1, [MS-RPCH] 2.1). */
export const MAPPER_PORTS = { ncacn_ip_tcp: 135, ncacn_http: 593 } as const;

/** Longest time of a second look at a port, ms. */
const LOOK_PATIENCE = 3000;

/** Times of the calls, ms. */
export interface CallTimes {
  readonly count: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
}

/** What came of a ping. */
export interface PingResult {
  readonly calls?: CallTimes;
  readonly failure?: Failure;
}

/** What a ping does, and where. */
export interface PingOptions {
  readonly destination: Destination;
  /** How many calls are made. */
  readonly count: number;
  /** The interface that is looked for and bound; undefined: rpcecho, and the server's management where it has none. */
  readonly wanted: InterfaceDeclaration | undefined;
  readonly journey: Journey;
}

/** Goes the whole way to an RPC server. Rejects with RpchError of fault `caller` or `configuration` for what was asked wrongly. */
export async function ping(options: PingOptions): Promise<PingResult> {
  const { journey, destination } = options;
  let at: Binding = destination.binding;
  try {
    at = await locate(options);
    return { calls: await call(at, options) };
  } catch (error) {
    if (!(error instanceof RpchError)) throw error;
    return { failure: await failureOf(error, { ...destination, binding: at }, journey) };
  }
}

/** What an error on the way means. Throws it where it tells of the command line instead. */
export async function failureOf(error: RpchError, destination: Destination, journey: Journey): Promise<Failure> {
  if (error.fault === 'configuration' || USAGE.has(error.code)) throw error;
  return explain(await troubleOf(error, destination, journey));
}

/** Errors of fault `caller` that tell of the command line, and not of what was found on the way. */
const USAGE: ReadonlySet<string> = new Set(['RPCH_NO_CREDENTIALS', 'RPCH_NO_SUCH_PROVIDER', 'RPCH_BAD_NAME']);

/** The binding with its endpoint, which is asked of the endpoint mapper where there is none. */
async function locate({ destination, wanted, journey }: PingOptions): Promise<Binding> {
  const { binding, client: clientOptions } = destination;
  if (binding.endpoint !== undefined) return binding;
  journey.setOut('endpoint mapper', routeOf(destination, MAPPER_PORTS[binding.protocol]));
  const asked = wanted ?? echoDeclaration;
  await using client = new RpcClient(binding, { ...clientOptions, onHop: (hop, found) => journey.onHop(hop, found) });
  try {
    const endpoint = await client.endpointOf(asked);
    journey.passed('endpoint mapper', `${describeInterface(asked.syntax)} is at port ${endpoint}`);
    return { ...binding, endpoint };
  } catch (error) {
    if (wanted !== undefined || !(error instanceof RpchError) || error.code !== 'RPCH_NOT_REGISTERED') throw error;
    const endpoint = MAPPER_PORTS[binding.protocol];
    journey.passed('endpoint mapper', `rpcecho is not registered; the mapper itself is called, at port ${endpoint}`);
    return { ...binding, endpoint };
  }
}

async function call(binding: Binding, { destination, wanted, count, journey }: PingOptions): Promise<CallTimes> {
  journey.setOut('server', routeOf(destination, binding.endpoint));
  await using client = new RpcClient(binding, {
    ...destination.client,
    onHop: (hop, found) => journey.onHop(hop, found),
  });
  const management = await bindIfOffered(client, mgmtDeclaration);
  if (management === undefined) await proveLogin(client, destination);
  const target = wanted ?? echoDeclaration;
  const offered = await bindIfOffered(client, target);
  const name = describeInterface(target.syntax);
  if (offered instanceof RpchError) {
    if (wanted !== undefined || management instanceof RpchError) throw offered;
    journey.passed('interface', `${name} is not offered; the server's management is called instead`);
  } else {
    journey.passed('interface', `${name} is offered`);
  }
  const echo = wanted === undefined && !(offered instanceof RpchError) ? await client.bind(echoDeclaration) : undefined;
  if (echo === undefined && management instanceof RpchError) {
    throw usage(`${name} is offered, but it cannot be called, and the server has no management interface`);
  }
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const begun = performance.now();
    const found = echo === undefined ? await askManagement(client) : await addOne(echo, i);
    times.push(performance.now() - begun);
    journey.passed('call', found);
  }
  const sum = times.reduce((total, time) => total + time, 0);
  return { count, min: tenths(Math.min(...times)), avg: tenths(sum / count), max: tenths(Math.max(...times)) };
}

/** Undefined once it is bound; else the error with which the server says that it does not offer it. */
async function bindIfOffered(client: RpcClient, wanted: InterfaceDeclaration): Promise<RpchError | undefined> {
  try {
    await client.bind(wanted);
    return undefined;
  } catch (error) {
    if (error instanceof RpchError && error.code === 'RPCH_CONTEXT_REFUSED') return error;
    throw error;
  }
}

/**
 * Whether the server took the login shows at the first call: it is one that asks for no right and no level, so that what is
 * refused later is not refused for the login.
 */
async function proveLogin(client: RpcClient, { client: { credentials, provider } }: Destination): Promise<void> {
  if (credentials === undefined || provider === 'none') return;
  const management = await client.bind(mgmtDeclaration);
  try {
    await management.isServerListening();
  } catch (error) {
    if (!(error instanceof RpcFaultError) || refusesLogin(error)) throw error;
  }
}

async function addOne(
  echo: { addOne(input: { in_data: number }): Promise<{ out_data: number }> },
  value: number,
): Promise<string> {
  const { out_data } = await echo.addOne({ in_data: value });
  if (out_data === value + 1) return `rpcecho: ${value} and 1 are ${out_data}`;
  throw new RpchError('RPCH_WRONG_ANSWER', 'peer', `rpcecho says that ${value} and 1 are ${out_data}`);
}

/** What the server offers, or where it keeps that for itself, whether it listens (C706 appendix Q). */
async function askManagement(client: RpcClient): Promise<string> {
  const management = await client.bind(mgmtDeclaration);
  try {
    const { if_id_vector } = await management.inqIfIds();
    const offered = (if_id_vector?.if_id ?? []).flatMap((id) =>
      id === null ? [] : [describeInterface({ uuid: id.uuid, version: ((id.vers_minor << 16) | id.vers_major) >>> 0 })],
    );
    return `management: ${offered.length} interfaces are offered${offered.length === 0 ? '' : `: ${offered.join(', ')}`}`;
  } catch (error) {
    if (!(error instanceof RpcFaultError)) throw error;
    const { result } = await management.isServerListening();
    return `management: the server ${result === 0 ? 'does not listen' : 'listens'} (what it offers it does not say: ${describeFaultStatus(error.status)})`;
  }
}

/** The way that a client's options make. */
export function routeOf({ binding, client }: Destination, port: number | undefined): Route {
  const http = binding.protocol === 'ncacn_http';
  return {
    http,
    tls: http && binding.tls,
    httpProxy: httpProxyOf(binding, client) !== undefined,
    httpLogin: http && httpUserOf(client) !== undefined,
    rpcLogin: client.credentials !== undefined && client.provider !== 'none',
    server: `${binding.networkAddress}:${port}`,
  };
}

function httpProxyOf(
  binding: Binding,
  { http }: RpcClientOptions,
): { readonly host: string; readonly port: number; readonly login: boolean } | undefined {
  if (binding.protocol !== 'ncacn_http') return undefined;
  const { host, port } = binding.rpcProxy;
  const url = `${binding.tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  const found = httpProxyFor(url, http?.environment ?? {}, binding);
  return found && { host: found.host, port: found.port, login: found.credentials !== undefined };
}

function httpUserOf({ credentials, http }: RpcClientOptions): string | undefined {
  return (http?.credentials === undefined ? credentials : (http.credentials ?? undefined))?.user;
}

async function troubleOf(error: RpchError, destination: Destination, journey: Journey): Promise<Trouble> {
  const { binding, client } = destination;
  const { standsAt: hop, goal } = journey;
  const httpProxy = httpProxyOf(binding, client);
  const endpoint = binding.endpoint ?? MAPPER_PORTS[binding.protocol];
  const place =
    httpProxy ??
    (binding.protocol === 'ncacn_http' ? binding.rpcProxy : { host: binding.networkAddress, port: endpoint });
  const overTcp = goal === 'endpoint mapper' ? 'endpoint mapper' : 'RPC server';
  const { rpcLogin, server } = routeOf(destination, endpoint);
  return {
    error,
    hop,
    goal,
    binding,
    dialled: `${place.host}:${place.port}`,
    dialledAs: httpProxy !== undefined ? 'HTTP proxy' : binding.protocol === 'ncacn_http' ? 'RPC Proxy' : overTcp,
    server,
    httpUser: httpUserOf(client),
    httpAuth:
      client.http?.scheme ??
      (binding.protocol === 'ncacn_http' && binding.httpAuth !== 'negotiate' ? (binding.httpAuth ?? 'auto') : 'auto'),
    rpcUser: rpcLogin ? client.credentials?.user : undefined,
    sealed:
      client.level === undefined
        ? (binding.level ?? AuthLevel.privacy) === AuthLevel.privacy
        : client.level === 'privacy',
    httpProxyLogin: client.http?.httpProxyCredentials !== undefined || httpProxy?.login === true,
    sight: httpProxy === undefined ? await secondLook(error, hop, binding, place, client) : undefined,
    now: new Date(),
  };
}

/** A look at what was dialled, where what listens there may explain the failure. */
async function secondLook(
  { code }: RpchError,
  hop: Journey['standsAt'],
  { protocol }: Binding,
  place: { readonly host: string; readonly port: number },
  { connectTimeout = LOOK_PATIENCE }: RpcClientOptions,
): Promise<Sight | undefined> {
  const worthwhile =
    hop === 'TLS' || hop === 'HTTP' || code === 'RPCH_HTTP_HEAD' || (protocol === 'ncacn_ip_tcp' && hop === 'bind');
  return worthwhile ? await look(place, Math.min(LOOK_PATIENCE, connectTimeout)) : undefined;
}

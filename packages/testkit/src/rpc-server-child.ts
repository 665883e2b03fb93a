/**
 * An RPC server in a process of its own, for foreign clients: rpcecho, an endpoint mapper, and the two operations of lsarpc and netlogon
 * that Samba's tests of the bare protocol call. The argument is {@link RpcServerChildOptions}, JSON. It tells its parent the ports, or
 * prints them where it has none; logs on stderr; ends when the parent goes, or at SIGTERM, with the calls in progress.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  EndpointRegistry,
  echoServer,
  epmServer,
  md4,
  NtlmAcceptor,
  type NtlmAcceptorOptions,
  serveHttp,
  serveTcp,
  spnegoAcceptance,
} from '@rpch/rpc/internal';
import { lsarpcServer, netlogonServer } from './rpc-server-interfaces.ts';

export interface RpcServerChildOptions {
  readonly host: string;
  /** Of the endpoint mapper, over TCP; 0 lets the system choose. */
  readonly mapperPort: number;
  /** NetBIOS name of the domain. */
  readonly domain: string;
  readonly realm: string;
  readonly user: string;
  readonly password: string;
  readonly maxSecurityContexts?: number;
}

/** What the server's process tells its parent, once. */
export interface RpcServerPorts {
  readonly mapper: number;
  readonly tcp: number;
  /** `ncacn_http`, for proxies. */
  readonly http: number;
}

const GRACE = 2000;

const options = JSON.parse(process.argv[2] ?? '') as RpcServerChildOptions;
const { host, domain, realm, user, password, maxSecurityContexts } = options;
const ntHash = md4(Buffer.from(password, 'utf16le'));
const ntlm: NtlmAcceptorOptions = {
  target: { netbiosDomain: domain, netbiosComputer: 'RPCSERVER', dnsDomain: realm.toLowerCase() },
  now: () => Date.now(),
  random: (length) => randomBytes(length),
  lookup: async (name) => (name.toLowerCase() === user.toLowerCase() ? ntHash : undefined),
  // Nothing here has a level, so that nobody may call all of it anyway, and Samba's tests do.
  anonymous: true,
};

const registry = new EndpointRegistry();
const common = {
  host,
  registry,
  security: { ntlm: () => new NtlmAcceptor(ntlm), spnego: spnegoAcceptance(ntlm) },
  ...(maxSecurityContexts === undefined ? {} : { maxSecurityContexts }),
  log: (line: string) => process.stderr.write(`${line}\n`),
};
const echo = echoServer({ sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }) });
const interfaces = [echo, lsarpcServer(), netlogonServer((length) => randomBytes(length))];
const mapper = await serveTcp({ ...common, port: options.mapperPort, interfaces: [epmServer(registry), echo] });
const tcp = await serveTcp({ ...common, port: 0, interfaces });
const http = await serveHttp({ ...common, port: 0, interfaces: [epmServer(registry), ...interfaces] });

process.on('disconnect', () => process.exit());
process.once('SIGTERM', async () => {
  await Promise.all([mapper, tcp, http].map((server) => server.close({ grace: GRACE })));
  process.exit();
});
const ports: RpcServerPorts = { mapper: mapper.port, tcp: tcp.port, http: http.port };
if (process.send === undefined) process.stdout.write(`${JSON.stringify(ports)}\n`);
else process.send(ports);

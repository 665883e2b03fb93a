import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AuthEvent,
  type Authenticator,
  type Log,
  localProvider,
  loginNames,
  makeAuthenticator,
  readAccounts,
} from '@rpch/proxy';
import {
  type AcceptorMechanism,
  AuthLevel,
  type CallPeer,
  type CloseOptions,
  EndpointRegistry,
  echoServer,
  epmServer,
  NTLMSSP_OID,
  type OfferedInterface,
  RpchError,
  type RpcServerOptions,
  type SecurityProviders,
  SpnegoAcceptor,
  serveHttp,
  serveTcp,
} from '@rpch/rpc/internal';
import { AccountAcceptor } from './account-acceptor.ts';
import { formatServeListener, type ServeListener } from './listener.ts';
import { type MailServices, openMailServices } from './mail-services.ts';
import type { ServeSettings } from './settings.ts';

/** A running RPC server: one for all its listeners. */
export interface RpcServer {
  /** Open listeners with the ports in use. */
  readonly listening: readonly ServeListener[];
  /** Reads the accounts again; connections go on. Rejects with RpchError, and then nothing has changed. */
  reload(accounts: ServeSettings['accounts']): Promise<void>;
  /** Accepts nothing new, lets calls in progress finish for as long as `grace`, and ends everything. Once more: ends it now. */
  close(options?: CloseOptions): Promise<void>;
}

interface OpenListener {
  readonly listener: ServeListener;
  close(options?: CloseOptions): Promise<void>;
}

/** Opens all listeners, or none. Rejects with RpchError. */
export async function startRpcServer(settings: ServeSettings, log: Log): Promise<RpcServer> {
  const { accounts, level, listen } = settings;
  const authenticator = await makeAuthenticator(accounts, (event) => tellLogin(event, log));
  if (level > AuthLevel.none && !(await hasAccounts(accounts))) {
    const why = 'no account may use NTLM, so that nobody can call: rpch users add NAME --ntlm makes one';
    log.warn({ event: 'server.nobody' }, why);
  }
  const registry = new EndpointRegistry();
  const mail = await openMailServices(settings, log);
  const options: RpcServerOptions = {
    interfaces: interfacesOf(settings, registry, mail),
    management: settings.interfaces.has('mgmt'),
    security: providersOf(settings, authenticator),
    registry,
  };
  const open: OpenListener[] = [];
  const closeAll = async (how?: CloseOptions): Promise<void> => {
    await Promise.all(open.map((server) => server.close(how)));
    await mail?.close();
  };
  try {
    for (const listener of listen) open.push(await openListener(listener, options, settings.proxies, log));
  } catch (error) {
    await closeAll();
    throw error;
  }
  return {
    listening: open.map(({ listener }) => listener),
    reload: async (again) => {
      const provider = await localProvider(again);
      await mail?.reload(again);
      authenticator.reload(provider, loginNames(again.auth));
    },
    close: closeAll,
  };
}

async function openListener(
  listener: ServeListener,
  common: RpcServerOptions,
  proxies: readonly string[] | undefined,
  log: Log,
): Promise<OpenListener> {
  const { protocol, host, port } = listener;
  const name = formatServeListener(listener);
  const options = {
    ...common,
    host,
    port,
    log: (line: string) => log.info({ event: 'server', listener: name }, line),
  };
  const server =
    protocol === 'ncacn_ip_tcp'
      ? await serveTcp(options)
      : await serveHttp({ ...options, ...(proxies === undefined ? {} : { proxies }) }).catch(namingProxies);
  return { listener: { ...listener, port: server.port }, close: (how) => server.close(how) };
}

function namingProxies(error: unknown): never {
  if (!(error instanceof RpchError) || error.code !== 'RPCH_BAD_ADDRESS') throw error;
  throw new RpchError(error.code, error.fault, `--proxies: ${error.message}`, { cause: error });
}

function interfacesOf(
  { interfaces, level }: ServeSettings,
  registry: EndpointRegistry,
  mail: MailServices | undefined,
): OfferedInterface[] {
  const offered: OfferedInterface[] = [];
  if (interfaces.has('echo')) {
    const echo = echoServer({ sleep: (ms, signal) => sleep(ms, undefined, { signal }) });
    offered.push({ interface: echo, minimumLevel: level });
  }
  // Clients ask the endpoint mapper before they have a security context.
  if (interfaces.has('epm')) offered.push(epmServer(registry));
  if (mail !== undefined) offered.push(...mail.interfaces);
  return offered;
}

function providersOf({ providers, accounts }: ServeSettings, authenticator: Authenticator): SecurityProviders {
  const accept = (peer: CallPeer): AccountAcceptor => {
    const login = authenticator.startNtlm({ address: sourceOf(peer) });
    if (login === undefined) throw new Error('local accounts know NTLM');
    return new AccountAcceptor(login, accounts.auth.domain ?? '');
  };
  const mechanisms = (peer: CallPeer): AcceptorMechanism[] => [{ oid: NTLMSSP_OID, make: () => accept(peer) }];
  return {
    ...(providers.has('ntlm') ? { ntlm: accept } : {}),
    ...(providers.has('spnego') ? { spnego: (peer: CallPeer) => new SpnegoAcceptor(mechanisms(peer)) } : {}),
  };
}

/** Where failed logins are counted: the client behind a proxy, as that proxy has it, which is one of those that are listed. */
function sourceOf({ address, clientAddressHint }: CallPeer): string {
  return clientAddressHint ?? address;
}

async function hasAccounts({ auth, dataDir }: ServeSettings['accounts']): Promise<boolean> {
  if (auth.users.length > 0) return true;
  return (await readAccounts(dataDir)).some(({ ntHash }) => ntHash !== undefined);
}

function tellLogin({ cause, ...event }: AuthEvent, log: Log): void {
  const line = { event: 'server.login', ...event, ...(cause === undefined ? {} : { cause: String(cause) }) };
  if (event.outcome === 'provider-failed') log.error(line, 'accounts could not be asked');
  else if (event.outcome === 'accepted') log.debug(line, 'login accepted');
  else log.warn(line, 'login refused');
}

import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import {
  dispatchByMethod,
  type HttpEndpoint,
  openHttpEndpoint,
  RpcHttpConnection,
  RpchError,
} from '@rpch/rpc/internal';
import { formatConnectTo, isUnixPath } from './access/connect-to.ts';
import { isListed } from './access/ip.ts';
import type { Origin } from './access/origin.ts';
import { AccessPolicy } from './access/policy.ts';
import type { AuthEvent } from './accounts/auth-result.ts';
import type { Authenticator } from './accounts/authenticator.ts';
import type { ChannelBindings } from './accounts/provider.ts';
import type { EndpointSettings } from './config/endpoint.ts';
import type { Listener } from './config/listener.ts';
import { needRestart } from './config/restart.ts';
import { type Settings, schemesOn } from './config/settings.ts';
import { Counters } from './counters.ts';
import {
  type Certificate,
  channelBindingOf,
  fingerprint,
  ownCertificate,
  readCertificate,
} from './front/certificate.ts';
import { type Admitted, Connections } from './front/connections.ts';
import { type Locate, locateByField } from './front/forwarded-for.ts';
import { HttpAuthentication } from './front/http-authentication.ts';
import { RpcRequests } from './front/rpc-requests.ts';
import { Web } from './front/web.ts';
import { type Listening, listen } from './listening.ts';
import type { Log } from './log.ts';
import { localProvider, loginNames, makeAuthenticator } from './login.ts';
import { LINGER } from './sessions/channel.ts';
import { gatewayRuntimes } from './sessions/gateway.ts';
import { Sessions, type SessionsSurroundings } from './sessions/sessions.ts';
import { V1Sessions } from './sessions/v1-sessions.ts';

/** How often a draining proxy looks whether its last session has ended, ms. */
const DRAIN_POLL = 50;

/**
 * The RPC Proxy: listeners, accounts, access rules and sessions of one process. Made by {@link startProxy}.
 */
export class RpcProxy {
  readonly counters = new Counters();
  readonly #log: Log;
  readonly #authenticator: Authenticator;
  readonly #connections: Connections;
  readonly #surroundings: SessionsSurroundings;
  readonly #sessions: Sessions;
  readonly #v1Sessions: V1Sessions;
  readonly #endpoints: { readonly settings: EndpointSettings; readonly endpoint: HttpEndpoint }[] = [];
  readonly #web: Web;
  readonly #listening: Listening[] = [];
  #settings: Settings;
  #policy: AccessPolicy;
  #certificate: Certificate | undefined;
  #channelBindings: ChannelBindings | undefined;

  /** Use {@link startProxy}. */
  constructor(settings: Settings, log: Log, authenticator: Authenticator) {
    const { limits } = settings;
    this.#settings = settings;
    this.#log = log;
    this.#authenticator = authenticator;
    this.#policy = new AccessPolicy(settings.allow);
    this.#connections = new Connections(limits);
    const stallTimeout = limits.stallTimeout * 1000;
    const connectTimeout = limits.connectTimeout * 1000;
    this.#surroundings = {
      log,
      counters: this.counters,
      lookup: (host) => lookup(host, { all: true, order: 'ipv4first' }),
      now: () => performance.now(),
      random: randomBytes,
    };
    this.#sessions = new Sessions(
      {
        receiveWindow: limits.receiveWindow,
        channelLifetime: settings.channelLifetime,
        connectionTimeout: settings.connectionTimeout * 1000,
        pairTimeout: limits.pairTimeout * 1000,
        connectTimeout,
        stallTimeout,
        virtualConnectionsPerAccount: limits.virtualConnectionsPerAccount,
      },
      this.#surroundings,
    );
    this.#v1Sessions = new V1Sessions({ connectTimeout, stallTimeout }, this.#surroundings);
    this.#web = new Web(
      {
        headBytes: limits.headBytes,
        headTimeout: limits.headTimeout * 1000,
        keepAliveTimeout: limits.keepAliveTimeout * 1000,
      },
      log,
    );
  }

  /** Open listeners with the ports in use. */
  get listening(): readonly { readonly listener: Listener; readonly port: number }[] {
    return this.#listening;
  }

  /** Open endpoints: where they listen, with the ports in use, and the server that each stands for. */
  get endpoints(): readonly { readonly listen: string; readonly connect: string }[] {
    return this.#endpoints.map(({ settings: { listen, connect }, endpoint }) => ({
      listen: formatConnectTo(isUnixPath(listen) ? listen : { ...listen, port: endpoint.port }),
      connect: formatConnectTo(connect),
    }));
  }

  /** Fingerprint (SHA-256) and origin of the certificate; undefined without an https listener. */
  get certificate(): { readonly fingerprint: string; readonly from: string } | undefined {
    return this.#certificate && { fingerprint: fingerprint(this.#certificate), from: this.#certificate.from };
  }

  /** What is open now: TCP connections of clients, and sessions and channels that are not over. */
  get load(): { readonly connections: number; readonly sessions: number } {
    return { connections: this.#connections.size, sessions: this.#busy - this.#sessions.lingering };
  }

  /** Opens all listeners, or none: throws {@link RpchError}. */
  async listen(): Promise<void> {
    await this.#loadCertificate(this.#settings);
    try {
      for (const endpoint of this.#settings.endpoints) await this.#openEndpoint(endpoint);
      for (const listener of this.#settings.listen) this.#listening.push(await this.#openListener(listener));
    } catch (error) {
      for (const open of this.#listening) open.stop();
      for (const { endpoint } of this.#endpoints) await endpoint.close();
      throw error;
    }
  }

  /** Sessions that are not over: of clients here, and of other proxies' clients at the endpoints. */
  get #busy(): number {
    let busy = this.#sessions.size + this.#sessions.lingering + this.#v1Sessions.size;
    for (const { endpoint } of this.#endpoints) busy += endpoint.sessions;
    return busy;
  }

  /**
   * Takes over accounts, access rules, authentication and the certificate for what begins from now on; sessions go on.
   * Everything is read before anything changes, so a failure changes nothing. Listeners and limits stay as they are: the
   * sentences returned say what needs a restart.
   */
  async reload(settings: Settings): Promise<readonly string[]> {
    const provider = await localProvider(settings);
    await this.#loadCertificate(settings);
    this.#authenticator.reload(provider, loginNames(settings.auth));
    this.#policy = new AccessPolicy(settings.allow);
    const before = this.#settings;
    this.#settings = settings;
    const tls = this.#tlsOptions();
    for (const { setCertificate } of this.#listening) if (tls !== undefined) setCertificate(tls);
    return needRestart(before, settings);
  }

  /**
   * Accepts nothing new, has OUT channels in front of `ncacn_http` servers move to other proxies where there are any, and
   * waits for the sessions to end, for as long as drainTimeout; then ends them.
   */
  async drain(): Promise<void> {
    for (const { stop } of this.#listening) stop();
    this.#web.server.closeIdleConnections();
    for (const { endpoint } of this.#endpoints) endpoint.drain();
    this.#sessions.drain();
    const until = performance.now() + this.#settings.limits.drainTimeout * 1000;
    while (this.#busy > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL));
    }
    this.stop();
  }

  /** Ends everything at once. */
  stop(): void {
    for (const { stop } of this.#listening) stop();
    this.#sessions.endAll({ reason: 'proxy-stopped', party: 'proxy', detail: 'the proxy stops' });
    this.#v1Sessions.endAll();
    // Nobody waits for it: its connections are cut within the call.
    for (const { endpoint } of this.#endpoints) void endpoint.close();
    this.#web.server.closeAllConnections();
    // Connections between two requests would keep the process alive for as long as their time-outs.
    setTimeout(() => this.#connections.destroyAll(), LINGER).unref();
  }

  async #openEndpoint(settings: EndpointSettings): Promise<void> {
    const { listen, connect, from, mode } = settings;
    const { limits } = this.#settings;
    const stallTimeout = limits.stallTimeout * 1000;
    const endpoint = await openHttpEndpoint({
      listen: isUnixPath(listen) ? { ...listen, mode } : listen,
      proxies: from.map(({ text }) => text),
      version1: 'off',
      limits: {
        connections: limits.connections,
        sessions: limits.connections,
        setupTimeout: limits.pairTimeout * 1000,
        recyclingTimeout: stallTimeout,
        stallTimeout,
        lingerTimeout: stallTimeout,
      },
      log: (line) => this.#log.info({ event: 'endpoint', endpoint: formatConnectTo(listen) }, line),
      runtimes: gatewayRuntimes({
        connect,
        connectTimeout: limits.connectTimeout * 1000,
        lookup: this.#surroundings.lookup,
      }),
    });
    this.#endpoints.push({ settings, endpoint });
  }

  #openListener(listener: Listener): Promise<Listening> {
    const tls = listener.tls ? this.#tlsOptions() : undefined;
    return listen(listener, {
      connections: this.#connections,
      ...(tls === undefined ? {} : { tls }),
      timeout: this.#settings.limits.headTimeout * 1000,
      accepted: (socket, admitted) => this.#accepted(listener, socket, admitted),
      refused: (origin, why) => this.#refused(origin, why),
    });
  }

  #refused(origin: Origin | undefined, why: string): void {
    this.counters.count('connections_refused');
    this.#log.info({ event: 'connection.refused', ...origin, why }, 'connection refused');
  }

  /** Says where the requests of a connection come from. */
  #locate({ trusted }: Listener, admitted: Admitted): Locate {
    if (trusted?.says !== 'x-forwarded-for' || !isListed(admitted.origin.address, trusted.peers)) {
      return () => admitted.origin;
    }
    return locateByField(admitted, trusted.peers, {
      malformed: (found) => {
        const { address } = admitted.origin;
        this.counters.count('forwarded_for_malformed');
        this.#log.warn({ event: 'request.forwarded-for', address, found }, 'expected addresses in X-Forwarded-For');
      },
      refused: (why) => this.#refused(admitted.origin, why),
    });
  }

  #accepted(listener: Listener, socket: Socket, admitted: Admitted): void {
    this.counters.count('connections_accepted', listener.tls ? 'https' : 'http');
    const { limits } = this.#settings;
    const headTimeout = limits.headTimeout * 1000;
    const authentication = new HttpAuthentication({
      authenticator: this.#authenticator,
      schemes: schemesOn(listener, this.#settings),
      ...(listener.tls && this.#channelBindings !== undefined ? { channelBindings: this.#channelBindings } : {}),
    });
    const locate = this.#locate(listener, admitted);
    this.#web.welcome(socket, { admitted, locate, authentication });
    dispatchByMethod(
      socket,
      this.#web.server,
      headTimeout,
      (_, first) => {
        this.#web.dismiss(socket);
        const handler = new RpcRequests({
          admitted,
          locate,
          authentication,
          policy: () => this.#policy,
          sessions: this.#sessions,
          v1Sessions: listener.allowV1 ? this.#v1Sessions : undefined,
          log: this.#log,
          counters: this.counters,
        });
        const idleTimeout = limits.keepAliveTimeout * 1000;
        new RpcHttpConnection(socket, first, { headBytes: limits.headBytes, headTimeout, idleTimeout }, handler);
      },
      (why) => this.#log.debug({ event: 'connection.closed', ...admitted.origin, why }, 'connection closed'),
    );
  }

  async #loadCertificate(settings: Settings): Promise<void> {
    if (!settings.listen.some(({ tls }) => tls)) return;
    const { certFile, keyFile } = settings.tls;
    const certificate =
      certFile !== undefined && keyFile !== undefined
        ? await readCertificate(certFile, keyFile)
        : await ownCertificate(settings.dataDir);
    const { channelBinding } = settings.auth;
    const endPoint = channelBinding === 'off' ? undefined : channelBindingOf(certificate);
    if (channelBinding === 'required' && endPoint === undefined) {
      throw new RpchError(
        'RPCH_CHANNEL_BINDING',
        'configuration',
        'the signature of the certificate names no hash to bind NTLM with',
      );
    }
    this.#certificate = certificate;
    this.#channelBindings =
      endPoint === undefined || channelBinding === 'off'
        ? undefined
        : { applicationData: [endPoint], policy: channelBinding };
  }

  #tlsOptions() {
    if (this.#certificate === undefined) return undefined;
    const { min, max } = this.#settings.tls;
    const { cert, key } = this.#certificate;
    return { cert, key, minVersion: min, maxVersion: max };
  }
}

/** Starts an RPC Proxy; it accepts connections when the promise is fulfilled. Throws {@link RpchError}. */
export async function startProxy(settings: Settings, log: Log): Promise<RpcProxy> {
  let proxy: RpcProxy | undefined;
  const onEvent = ({ cause, ...event }: AuthEvent): void => {
    proxy?.counters.count('logins', event.outcome);
    const line = { event: 'login', ...event, ...(cause === undefined ? {} : { cause: String(cause) }) };
    if (event.outcome === 'provider-failed') log.error(line, 'accounts could not be asked');
    else if (event.outcome !== 'accepted') log.warn(line, 'login refused');
    else log.debug(line, 'login accepted');
  };
  proxy = new RpcProxy(settings, log, await makeAuthenticator(settings, onEvent));
  await proxy.listen();
  return proxy;
}

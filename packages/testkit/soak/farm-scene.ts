import { hash } from 'node:crypto';
import type { OnTransition } from '@rpch/rpc/internal';
import { ip, layCable, NetworkNamespace, newCable } from '../src/network-namespace.ts';
import { freePort } from '../src/peers/ports.ts';
import { basic } from '../src/scripted-client.ts';
import { type EchoBackend, PROXY_NETWORKS, startNative, startPlain } from './echo-backends.ts';
import { type BalancedChannel, type BalancedHost, Balancer } from './farm-balancer.ts';
import { ProxyHost } from './farm-host.ts';
import { FarmSession, type FarmTarget } from './farm-session.ts';

/**
 * What stands behind the proxies: a server that speaks `ncacn_http` itself (`native`); or a server on plain TCP, for which the
 * server role is played at two endpoints, of which the cookie chooses one: both of a third `rpch proxy` (`endpoints`), or
 * each of one of the two proxies themselves (`own-endpoints`).
 */
export type FarmBackend = 'native' | 'endpoints' | 'own-endpoints';
export const FARM_BACKENDS: readonly FarmBackend[] = ['native', 'endpoints', 'own-endpoints'];

export interface FarmOptions {
  readonly backend: FarmBackend;
  readonly sessions: number;
  /** Each proxy in a network namespace of its own, as hosts are (root); otherwise both on 127.0.0.1. */
  readonly namespaces: boolean;
  /** Content-Length of all channels, bytes: how often they are recycled. */
  readonly channelLifetime: number;
  /** Pause after each call, ms. */
  readonly pause: number;
  /** Time that sessions have to leave a proxy that drains, s. */
  readonly drainTimeout: number;
  readonly onTransition?: OnTransition;
}

/** Channels that were replaced, by the way in which: another proxy (R1), or the same one (R2). */
export interface FarmRecyclings {
  readonly in: { readonly R1: number; readonly R2: number };
  readonly out: { readonly R1: number; readonly R2: number };
}

const HOSTS = ['A', 'B'] as const;
/** One of the two proxies behind the balancer. */
export type HostName = (typeof HOSTS)[number];

const ACCOUNT = { name: 'farmer', password: 'farm' };
/** Endpoints, of which each virtual connection is served by one. */
const ENDPOINTS = 2;
const SERVER = { host: 'farm.test', port: 6001 };

/** Where a host is. */
interface Site {
  /** The words that enter it. */
  readonly enter: readonly string[];
  /** Where its proxy listens. */
  readonly address: string;
  /** This machine, as the host reaches it: both by the same address. */
  readonly root: string;
  /** The host, as the other one reaches it. */
  readonly peering: string;
}

const LOOPBACK: Site = { enter: [], address: '127.0.0.1', root: '127.0.0.1', peering: '127.0.0.1' };

interface Place {
  readonly start: () => Promise<ProxyHost>;
  host: ProxyHost;
}

/** Two proxies on two hosts behind a load balancer, one back end behind them, and sessions that call all the time. */
export class FarmScene {
  readonly options: FarmOptions;
  readonly sessions: FarmSession[] = [];
  readonly #places = new Map<HostName, Place>();
  readonly #closers: (() => Promise<void>)[] = [];
  #balancer: Balancer | undefined;
  #backend: EchoBackend | undefined;
  /** Where the proxies' own endpoints listen. */
  #roles: Readonly<Record<HostName, string>> | undefined;

  private constructor(options: FarmOptions) {
    this.options = options;
  }

  /** Starts everything; returns when every session is open and calls. */
  static async open(options: FarmOptions): Promise<FarmScene> {
    const scene = new FarmScene(options);
    try {
      await scene.#start();
    } catch (error) {
      await scene.close();
      throw error;
    }
    return scene;
  }

  get balancer(): Balancer {
    return started(this.#balancer);
  }

  get backend(): EchoBackend {
    return started(this.#backend);
  }

  host(name: HostName): ProxyHost {
    return started(this.#places.get(name)).host;
  }

  /** Channels on a host, of sessions that are not over. */
  channelsOn(name: HostName): BalancedChannel[] {
    return this.balancer.channels.filter(({ host }) => host === name);
  }

  /**
   * The proxy that plays the server role for a virtual connection, where the proxies have endpoints of their own: the one
   * whose SHA-256 of cookie and endpoint is the higher.
   */
  roleOf(cookie: Uint8Array): HostName | undefined {
    const roles = this.#roles;
    if (roles === undefined) return undefined;
    const weight = (name: HostName): Buffer =>
      hash('sha256', Buffer.concat([cookie, Buffer.from(roles[name])]), 'buffer');
    return Buffer.compare(weight('A'), weight('B')) > 0 ? 'A' : 'B';
  }

  /** Sums over all sessions so far. */
  get calls(): number {
    return this.sessions.reduce((sum, { calls }) => sum + calls, 0);
  }

  get recyclings(): FarmRecyclings {
    const sum = { in: { R1: 0, R2: 0 }, out: { R1: 0, R2: 0 } };
    for (const { counters } of this.sessions) {
      for (const way of ['R1', 'R2'] as const) {
        sum.in[way] += counters?.recycledIn[way] ?? 0;
        sum.out[way] += counters?.recycledOut[way] ?? 0;
      }
    }
    return sum;
  }

  /** Starts a host's proxy again, where and as it was. */
  async restart(name: HostName): Promise<void> {
    const place = started(this.#places.get(name));
    await place.host.dispose();
    place.host = await place.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
    for (const close of this.#closers.reverse()) await close();
  }

  async #start(): Promise<void> {
    const { backend: kind, sessions, onTransition } = this.options;
    const sites = await this.#makeSites();
    const backend = kind === 'native' ? await startNative() : await startPlain('0.0.0.0');
    this.#backend = backend;
    this.#closers.push(() => backend.close());
    // The same words at every proxy: they choose among endpoints by them.
    const server = `${sites.A.root}:${backend.port}`;
    const connect =
      kind === 'native' ? server : kind === 'endpoints' ? await this.#startEndpoints(sites.A.root) : undefined;
    const own = { A: `${sites.A.peering}:${await freePort()}`, B: `${sites.B.peering}:${await freePort()}` };
    if (connect === undefined) this.#roles = own;
    const hosts = await Promise.all(
      HOSTS.map((name) => {
        const endpoint = { listen: own[name], connect: `${sites[name].root}:${backend.port}`, from: PROXY_NETWORKS };
        return this.#startPlace(
          name,
          sites[name],
          connect ?? Object.values(own),
          connect === undefined ? [endpoint] : [],
        );
      }),
    );
    const balancer = await Balancer.start(hosts);
    this.#balancer = balancer;
    this.#closers.push(() => balancer.stop());
    // One after the other: the balancer's order then makes every combination of hosts.
    for (let number = 1; number <= sessions; number++) {
      this.sessions.push(await FarmSession.open(number, this.#target(balancer.port), onTransition));
    }
  }

  #target(port: number): FarmTarget {
    const { channelLifetime, pause } = this.options;
    return { port, server: SERVER, authorization: basic(ACCOUNT.name, ACCOUNT.password), channelLifetime, pause };
  }

  async #startPlace(
    name: HostName,
    site: Site,
    connect: string | readonly string[],
    endpoints: readonly object[],
  ): Promise<BalancedHost> {
    const { channelLifetime, drainTimeout } = this.options;
    const { enter, address: host } = site;
    const port = await freePort();
    const config = {
      listen: [`http://${host}:${port}`],
      allow: [{ pattern: `ncacn_http:${SERVER.host}[${SERVER.port}]`, connect }],
      endpoints,
      auth: { schemes: ['basic'], allowInsecureBasic: true },
      channelLifetime,
      limits: { drainTimeout },
    };
    const user = ['--user', `${ACCOUNT.name}:${ACCOUNT.password}`];
    const start = (): Promise<ProxyHost> => ProxyHost.start(name, enter, config, user);
    const place: Place = { start, host: await start() };
    this.#places.set(name, place);
    this.#closers.push(() => place.host.dispose());
    return { name, host, port };
  }

  async #makeSites(): Promise<Readonly<Record<HostName, Site>>> {
    if (!this.options.namespaces) return { A: LOOPBACK, B: LOOPBACK };
    const [a, b] = [await this.#makeNamespace(), await this.#makeNamespace()];
    // The proxies' own network, over which they reach each other's endpoints.
    const cable = newCable();
    await layCable(cable, a.name, b.name);
    return {
      A: { enter: a.enter, address: a.inside, root: a.here, peering: cable.near },
      B: { enter: b.enter, address: b.inside, root: a.here, peering: cable.far },
    };
  }

  async #makeNamespace(): Promise<NetworkNamespace> {
    const namespace = await NetworkNamespace.make();
    this.#closers.push(() => namespace.remove());
    // Its own addresses are reached over the loopback device, which begins down.
    await ip('-n', namespace.name, 'link', 'set', 'lo', 'up');
    await ip('-n', namespace.name, 'route', 'add', 'default', 'via', namespace.here);
    return namespace;
  }

  /** The proxy that has the endpoints; clients reach nothing through it. Returns where the endpoints are. */
  async #startEndpoints(address: string): Promise<string[]> {
    const endpoints: { listen: string; connect: string; from: readonly string[] }[] = [];
    for (let i = 0; i < ENDPOINTS; i++) {
      const listen = `${address}:${await freePort()}`;
      endpoints.push({ listen, connect: `127.0.0.1:${this.backend.port}`, from: PROXY_NETWORKS });
    }
    const host = await ProxyHost.start('endpoints', [], { listen: ['http://127.0.0.1:0'], endpoints }, []);
    this.#closers.push(() => host.dispose());
    return endpoints.map(({ listen }) => listen);
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the farm has not been started');
  return part;
}

import type { HopFound, RpcHop } from '@rpch/rpc/internal';
import { tellFound } from './tell-found.ts';

/** Every hop of the way to an RPC server, as people are told of it. */
export type HopName =
  | Exclude<RpcHop, 'authentication'>
  | 'HTTP authentication'
  | 'endpoint mapper'
  | 'interface'
  | 'call';

/** A hop that was passed. */
export interface PassedHop {
  readonly hop: HopName;
  /** Time since the hop before, ms. */
  readonly took: number;
  /** Time since the beginning, ms. */
  readonly ms: number;
  /** What was found there, for people. */
  readonly found: string;
}

/** What the way to a server consists of, before calls. */
export interface Route {
  /** Through an RPC Proxy, or straight over TCP. */
  readonly http: boolean;
  readonly tls: boolean;
  readonly httpProxy: boolean;
  /** There are credentials for the RPC Proxy. */
  readonly httpLogin: boolean;
  readonly rpcLogin: boolean;
  /** `host:port` of the RPC server. */
  readonly server: string;
}

/** Keeps the time of a journey's hops, and knows at which one it stands. */
export class Journey {
  readonly hops: PassedHop[] = [];
  /** Hops that are still to come on this connection, in order. */
  #ahead: HopName[] = [];
  /** What is being reached: the endpoint mapper, or the server. */
  #goal: 'endpoint mapper' | 'server' = 'server';
  #server = '';
  readonly #now: () => number;
  readonly #told: (hop: PassedHop) => void;
  readonly #begun: number;
  #last: number;

  /**
   * @param now a steady clock, ms.
   * @param told is called with each hop once it was passed.
   */
  constructor(now: () => number, told: (hop: PassedHop) => void) {
    this.#now = now;
    this.#told = told;
    this.#begun = now();
    this.#last = this.#begun;
  }

  get goal(): 'endpoint mapper' | 'server' {
    return this.#goal;
  }

  /** The hop at which the journey stands: the one that fails, if something does. */
  get standsAt(): HopName {
    return this.#ahead[0] ?? 'call';
  }

  /** A connection is about to be opened. */
  setOut(goal: Journey['goal'], route: Route): void {
    this.#goal = goal;
    this.#server = route.server;
    const { http, tls, httpProxy, httpLogin, rpcLogin } = route;
    const ahead: readonly (HopName | false)[] = [
      'DNS',
      'TCP',
      httpProxy && 'HTTP proxy',
      tls && 'TLS',
      http && 'HTTP',
      http && httpLogin && 'HTTP authentication',
      http && 'proxy',
      http && 'server',
      'bind',
      rpcLogin && goal === 'server' && 'RPC authentication',
      goal === 'server' ? 'interface' : 'endpoint mapper',
    ];
    this.#ahead = ahead.filter((hop) => hop !== false);
  }

  /** The client has passed a hop. */
  onHop(hop: RpcHop, found: HopFound): void {
    this.passed(
      hop === 'authentication' ? 'HTTP authentication' : hop,
      hop === 'server' ? `${this.#server} is connected` : tellFound(hop, found),
    );
  }

  /** A hop was passed. */
  passed(hop: HopName, found: string): void {
    const at = this.#ahead.indexOf(hop);
    if (at >= 0) this.#ahead.splice(0, at + 1);
    const now = this.#now();
    const passed = { hop, took: tenths(now - this.#last), ms: tenths(now - this.#begun), found };
    this.#last = now;
    this.hops.push(passed);
    this.#told(passed);
  }
}

/** To a tenth of a millisecond. */
export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

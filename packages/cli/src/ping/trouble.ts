import type { Binding, RpchError } from '@rpch/rpc/internal';
import type { HopName, Journey } from './journey.ts';
import type { Sight } from './look.ts';

/** Where a journey failed, and what is known about it. */
export interface Trouble {
  readonly error: RpchError;
  readonly hop: HopName;
  readonly goal: Journey['goal'];
  readonly binding: Binding;
  /** `host:port` of what is dialled: the HTTP proxy, else the RPC Proxy or the server. */
  readonly dialled: string;
  /** What that is, for people. */
  readonly dialledAs: 'HTTP proxy' | 'RPC Proxy' | 'RPC server' | 'endpoint mapper';
  /** `host:port` of the RPC server that was asked for. */
  readonly server: string;
  /** Account for the RPC Proxy. */
  readonly httpUser: string | undefined;
  readonly httpAuth: 'auto' | 'basic' | 'ntlm';
  /** Account at the RPC level, where calls are authenticated. */
  readonly rpcUser: string | undefined;
  /** Calls are encrypted. */
  readonly sealed: boolean;
  /** There is an account for the HTTP proxy. */
  readonly httpProxyLogin: boolean;
  /** What a second look at the port found, where one was taken. */
  readonly sight: Sight | undefined;
  /** This machine's clock. */
  readonly now: Date;
}

/** What a failure means, and what to check: a sentence or two each, for whoever has to put it right. */
export interface Advice {
  /** Where the failure belongs, where that is not where the journey stood. */
  readonly hop?: HopName;
  readonly what: string;
  readonly check: string;
}

import type { Fault } from './planned-faults.ts';

/** How clients behave: those that follow the specification, by HTTP version, and Samba's. */
export type ClientKind = 'conforming-1.1' | 'conforming-1.0' | 'samba';

/** The fragments of a message: how many, and between which lengths each is, bytes. */
export interface PlannedMessage {
  readonly fragments: number;
  readonly shortest: number;
  readonly longest: number;
}

export interface PlannedCall {
  readonly request: PlannedMessage;
  readonly answer: PlannedMessage;
}

/** The receive windows of a host's proxies, bytes. */
export interface PlannedHost {
  readonly inbound: number;
  readonly outbound: number;
}

/**
 * Everything that a seed decides beforehand, as JSON: what is left to chance on the way follows from `seed`, each thing by
 * itself, so that a part of the plan can be left out and the rest still happens much as it did.
 */
export interface Plan {
  readonly seed: number;
  /**
   * `native`: proxy hosts before a server that plays its role itself. `joined`: one host with both proxies and the server's
   * role, and plain TCP to an RPC server behind.
   */
  readonly arrangement: 'native' | 'joined';
  readonly client: ClientKind;
  /** `calls`: an answer follows its request. `free`: both sides send when they like. */
  readonly traffic: 'calls' | 'free';
  readonly hosts: readonly PlannedHost[];
  /** The host of the first IN (OUT) connection, of the second, …; after the last it begins again. */
  readonly routes: { readonly in: readonly number[]; readonly out: readonly number[] };
  /** Receive windows, bytes. */
  readonly windows: { readonly client: number; readonly server: number };
  /** Content-Length of request and response, bytes. */
  readonly lifetimes: { readonly in: number; readonly out: number };
  readonly calls: readonly PlannedCall[];
  /** Calls that the client has outstanding at most. */
  readonly concurrency: number;
  /** Longest break of an application between two sends, ms. */
  readonly breaks: { readonly client: number; readonly server: number };
  /** ms that pass before the last call. */
  readonly silence: number;
  /** ms that pass when all is delivered: timers that should not run any more would show themselves. */
  readonly lingers: number;
  /** Longest time between two deliveries on a link, ms. */
  readonly slowest: number;
  /** How often a delivery takes half a second, from 0 to 1. */
  readonly hiccups: number;
  /** How often a reader pauses, from 0 to 1. */
  readonly pauses: number;
  /** The server's connection setup timer, ms: shorter than the recyclings' patience, or longer. */
  readonly setupTimeout: number;
  /** How long a recycling may wait for one of the others, ms, by role. */
  readonly recyclingTimeouts: { readonly client: number; readonly proxies: number; readonly server: number };
  /** Whether a native server sends its banner. */
  readonly banner: boolean;
  /** Whether inbound proxies acknowledge a successor as soon as it carries on, which the specification does not ask for. */
  readonly greets: boolean;
  /** Keep-Alive PDUs that the client sends. */
  readonly keepAlives: number;
  readonly faults: readonly Fault[];
  /** Who ends the session when all is delivered; a party that takes no part in it any more is passed over. */
  readonly ends: number;
}

/** A channel lifetime that no schedule uses up, bytes. */
export const LONG_LIFETIME = 1024 ** 3;
/** The least that a channel's Content-Length may be ([MS-RPCH] 2.2.3.5.5), bytes. */
export const SHORT_LIFETIME = 128 * 1024;
/** What clients are taken to send at most while it is not known how they behave, bytes. */
export const USUAL_FRAGMENT = 5840;

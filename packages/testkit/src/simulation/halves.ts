import type { ClientConduct, PduSink } from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import type { Head } from './incoming.ts';
import type { PlannedHost } from './plan.ts';
import type { Process } from './process.ts';
import type { Surroundings } from './surroundings.ts';

/** A client's connection at a proxy host. */
export interface ClientConnection {
  readonly end: ConnectionEnd;
  readonly head: Head;
  /** Bytes of a PDU whose rest is still to come. */
  readonly pending: number;
  /** The role's view of it, once it has one. */
  handle: { readonly over: boolean; blocked?(blocked: boolean): void } | undefined;
}

/** The half of a virtual connection that a proxy role plays, with its connections. */
export interface Half {
  readonly hop: 'IP>S' | 'OP>S';
  readonly name: string;
  /** The virtual connection cookie, as a key. */
  readonly cookie: string;
  readonly conduct: ClientConduct;
  readonly ended: string | undefined;
  owns(end: ConnectionEnd): void;
  guard(work: () => void): void;
}

/** The way from a half to the server: a connection, or the server's role in the same process. */
export interface ServerSide extends PduSink {
  /** The server is not read until the client acknowledges. */
  readonly paused?: boolean;
  close(): void;
}

/** What a half hears of its way to the server. */
export interface ServerSideEvents {
  connected(conduct: ClientConduct): void;
  readonly fromServer: PduSink;
  blocked(blocked: boolean): void;
  /** It could not be opened, or was closed. */
  closed(): void;
}

/** The host of a half. */
export interface HalfHost {
  readonly world: Surroundings;
  readonly process: Process;
  readonly planned: PlannedHost;
  /** How a client behaves is known to both of its halves, where they are here. */
  conductOf(cookie: string): ClientConduct;
  /** Opens the way to the server. */
  toServer(half: Half, events: ServerSideEvents): ServerSide;
  /** The virtual channel is at another host now, and may come back while this half still sends what it holds. */
  leaves(half: Half): void;
  /** The half is no more. */
  gone(half: Half): void;
}

/** What comes on a connection that was refused. */
export const DEAF: PduSink = { rpc: () => {}, rts: () => {} };

import { Reassembler, type StreamSink } from './reassembly.ts';
import { type Endpoint, endpointText, type Segment } from './segment.ts';

/** How a connection ended: both sides closed it, one reset it, or the capture ended before it. */
export type ConnectionEnd =
  | { readonly kind: 'closed' }
  | { readonly kind: 'reset'; readonly byClient: boolean }
  | { readonly kind: 'open' };

/** Takes what a connection carried, each side in order. */
export interface ConnectionUser {
  readonly fromClient: StreamSink;
  readonly fromServer: StreamSink;
  /** Bytes that are kept until the rest of a PDU or a head comes. */
  readonly pending: number;
  ended(end: ConnectionEnd, time: number | undefined): void;
}

/** What is known of a connection at its first packet. */
export interface ConnectionStart {
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** Whether its opening is in the capture, so that the first bytes are the first of the connection. */
  readonly fromStart: boolean;
}

/** Connections at a time; beyond that the one that was silent longest is taken for ended. */
const MAX_CONNECTIONS = 4096;
/** Bytes that may wait for missing ones, of all connections. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Connections that ended last, of which packets may still come. */
const MAX_REMEMBERED = 1024;

/** Who plays the server where the opening was not captured: these ports, in this order, and else the lower number. */
const SERVER_PORTS: readonly number[] = [80, 443, 135, 593];

interface Side {
  readonly stream: Reassembler;
  readonly address: string;
}

interface Connection {
  readonly key: string;
  readonly user: ConnectionUser;
  readonly client: Side;
  readonly server: Side;
  /** Of the client's SYN, to tell a copy of it from a new connection of the same ports. */
  readonly synSequence: number | undefined;
}

/** Sorts segments into TCP connections and puts both directions of each in order. */
export class Connections {
  readonly #open: (start: ConnectionStart) => ConnectionUser;
  /** In the order of their last packet. */
  readonly #connections = new Map<string, Connection>();
  readonly #over = new Set<string>();
  #waitingBytes = 0;

  constructor(open: (start: ConnectionStart) => ConnectionUser) {
    this.#open = open;
  }

  push(segment: Segment, time: number | undefined): void {
    const from = endpointText(segment.from);
    const to = endpointText(segment.to);
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    let connection = this.#connections.get(key);
    const isOpening = segment.syn && segment.acknowledged === undefined;
    if (connection !== undefined && isOpening && connection.synSequence !== segment.sequence) {
      this.#finish(connection, { kind: 'open' }, time);
      connection = undefined;
    }
    // Without data and out of nowhere, or late, of a connection that is over.
    if (connection === undefined && !segment.syn && (segment.length === 0 || this.#over.has(key))) return;
    connection ??= this.#begin(key, segment);
    this.#connections.delete(key);
    this.#connections.set(key, connection);
    const [mine, other] =
      connection.client.address === from
        ? [connection.client, connection.server]
        : [connection.server, connection.client];
    const before = waitingIn(connection);
    this.#take(segment, mine.stream, other.stream, time);
    this.#waitingBytes += waitingIn(connection) - before;
    if (segment.rst) this.#finish(connection, { kind: 'reset', byClient: mine === connection.client }, time);
    else if (mine.stream.ended && other.stream.ended) this.#finish(connection, { kind: 'closed' }, time);
    this.#bound(time);
  }

  /** The capture is over. */
  finish(): void {
    for (const connection of [...this.#connections.values()]) this.#finish(connection, { kind: 'open' }, undefined);
  }

  #begin(key: string, segment: Segment): Connection {
    this.#over.delete(key);
    const clientSends = segment.syn ? segment.acknowledged === undefined : looksLikeClient(segment.from, segment.to);
    const [client, server] = clientSends ? [segment.from, segment.to] : [segment.to, segment.from];
    const user = this.#open({ client, server, fromStart: segment.syn });
    return {
      key,
      user,
      client: { stream: new Reassembler(user.fromClient), address: endpointText(client) },
      server: { stream: new Reassembler(user.fromServer), address: endpointText(server) },
      synSequence: segment.syn && clientSends ? segment.sequence : undefined,
    };
  }

  #take(segment: Segment, mine: Reassembler, other: Reassembler, time: number | undefined): void {
    if (segment.syn) mine.begin(segment.sequence);
    const sequence = segment.syn ? (segment.sequence + 1) >>> 0 : segment.sequence;
    mine.push({ sequence, length: segment.length, data: segment.data, time });
    if (segment.fin) mine.endAt((sequence + segment.length) >>> 0);
    if (segment.acknowledged !== undefined) other.acknowledged(segment.acknowledged, time);
  }

  #finish(connection: Connection, end: ConnectionEnd, time: number | undefined): void {
    this.#waitingBytes -= waitingIn(connection);
    this.#connections.delete(connection.key);
    this.#over.add(connection.key);
    if (this.#over.size > MAX_REMEMBERED)
      for (const key of this.#over) {
        this.#over.delete(key);
        break;
      }
    connection.client.stream.finish();
    connection.server.stream.finish();
    connection.user.ended(end, time);
  }

  #bound(time: number | undefined): void {
    while (this.#connections.size > MAX_CONNECTIONS || this.#waitingBytes > MAX_WAITING_BYTES) {
      const [oldest] = this.#connections.values();
      if (oldest === undefined) return;
      this.#finish(oldest, { kind: 'open' }, time);
    }
  }
}

function waitingIn({ client, server, user }: Connection): number {
  return client.stream.waitingBytes + server.stream.waitingBytes + user.pending;
}

function looksLikeClient(from: Endpoint, to: Endpoint): boolean {
  for (const port of SERVER_PORTS) {
    if (to.port === port) return true;
    if (from.port === port) return false;
  }
  return from.port > to.port;
}

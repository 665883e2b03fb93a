import type { Socket } from 'node:net';
import type { RpchError } from '../errors.ts';
import { MixedProxy, type MixedProxyEnd, type MixedProxyPort } from '../rpch/mixed-proxy.ts';
import { endingError } from './defect.ts';
import { Leg } from './leg.ts';
import type { RpcHttpConnection } from './rpc-http-connection.ts';
import { Stall } from './stall.ts';

/** How long a connection that ends may take to send what was written, ms. */
const LINGER = 500;
/** Silence after which TCP asks a peer for a sign of life, ms; version 1 has no pings of its own. */
const KEEPALIVE_DELAY = 30_000;
/** [MS-RPCH] 2.1.1.1.2: neither a length nor a transfer coding. */
const SUCCESS = new TextEncoder().encode('HTTP/1.1 200 OK\r\n\r\n');

/** Why a session of version 1 is over: a close or a time-out, or an error of whose bytes or network it was. */
export type MixedSessionEnd =
  | { readonly kind: MixedProxyEnd }
  /** A connection failed, or stands still. */
  | { readonly kind: 'client-failed' | 'server-failed' | 'client-stalled' | 'server-stalled'; readonly detail: string }
  /** A broken protocol (ProtocolError), or a defect of ours. */
  | { readonly kind: 'error'; readonly error: RpchError };

export interface MixedSessionOptions {
  /** Whether the server sends the legacy server response, see MixedProxyOptions. */
  readonly banner: boolean;
  /** How long connecting and the banner may take, ms. */
  readonly setupTimeout: number;
  /** How long bytes may wait for a peer that takes none, or half a PDU for its rest, ms. */
  readonly stallTimeout: number;
}

export interface MixedSessionEvents {
  /** The client was answered. */
  opened(): void;
  /**
   * It is over: called once, not after {@link MixedSession.end} and {@link MixedSession.refuse}. Where the client was not
   * answered yet, its connection still waits for one of these.
   */
  ended(end: MixedSessionEnd): void;
}

/**
 * A session of version 1 in a proxy ([MS-RPCH] 3.1.2): the connection of an RPC_CONNECT request, TCP to an RPC server, and the
 * mixed proxy between them.
 */
export class MixedSession implements MixedProxyPort {
  readonly #options: MixedSessionOptions;
  readonly #events: MixedSessionEvents;
  readonly #proxy: MixedProxy;
  readonly #client: Leg;
  readonly #stalls = { toClient: new Stall(), toServer: new Stall(), client: new Stall(), server: new Stall() };
  #server: Leg | undefined;
  #paused = { client: false, server: false };
  #over = false;

  /** @param connection its request is an RPC connect request that is allowed; nothing was answered. */
  constructor(connection: RpcHttpConnection, options: MixedSessionOptions, events: MixedSessionEvents) {
    this.#options = options;
    this.#events = events;
    this.#proxy = new MixedProxy(this, options);
    this.#client = connection.accept({
      data: (chunk) => this.#turn(() => this.#proxy.fromClient(chunk)),
      blocked: (blocked) => this.#turn(() => this.#proxy.clientBlocked(blocked)),
      closed: (error) => this.#lost('client', error),
    });
    this.#client.keepAlive(KEEPALIVE_DELAY);
  }

  /** Whether the client was answered. */
  get responded(): boolean {
    return this.#proxy.responded;
  }

  /** Bytes that came from the client. */
  get bytesIn(): number {
    return this.#proxy.bytesIn;
  }

  /** Bytes that came from the server. */
  get bytesOut(): number {
    return this.#proxy.bytesOut;
  }

  /** Begins to read what the client sends. Its first bytes come within this call. */
  start(): void {
    this.#client.start();
  }

  /** TCP to the server is open; the socket is paused. */
  connected(socket: Socket): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    const server = new Leg(socket, {
      data: (chunk) => this.#turn(() => this.#proxy.fromServer(chunk)),
      blocked: (blocked) => this.#turn(() => this.#proxy.serverBlocked(blocked)),
      closed: (error) => this.#lost('server', error),
    });
    this.#server = server;
    server.keepAlive(KEEPALIVE_DELAY);
    this.#turn(() => this.#proxy.serverConnected());
    if (!this.#over) server.start();
  }

  /** Time goes on: `now` in ms on any steady clock. To be called once a second or so. */
  tick(now: number): void {
    this.#turn(() => this.#proxy.tick(now));
    if (this.#over) return;
    const { stallTimeout } = this.#options;
    const { pending, bytesIn, bytesOut } = this.#proxy;
    const [client, server, stalls] = [this.#client, this.#server, this.#stalls];
    if (stalls.toClient.observe(client.unsent > 0, client.sent, now) > stallTimeout) {
      this.#report({ kind: 'client-stalled', detail: `${client.unsent} bytes wait for the client` });
    } else if (server !== undefined && stalls.toServer.observe(server.unsent > 0, server.sent, now) > stallTimeout) {
      this.#report({ kind: 'server-stalled', detail: `${server.unsent} bytes wait for the server` });
    } else if (stalls.client.observe(pending.client > 0 && !this.#paused.client, bytesIn, now) > stallTimeout) {
      this.#report({ kind: 'client-stalled', detail: 'half a PDU of the client waits for its rest' });
    } else if (stalls.server.observe(pending.server > 0 && !this.#paused.server, bytesOut, now) > stallTimeout) {
      this.#report({ kind: 'server-stalled', detail: 'half a PDU of the server waits for its rest' });
    }
  }

  /** Answers the request with `reply` and closes; only while the client was not answered. After `ended`, too. */
  refuse(reply: Uint8Array): void {
    if (this.responded) {
      this.end();
      return;
    }
    this.#over = true;
    this.#server?.close(LINGER);
    this.#client.write(reply);
    this.#client.close(LINGER, true);
  }

  /** Ends it on both connections; what was written still goes out. */
  end(): void {
    this.#over = true;
    this.#server?.close(LINGER);
    this.#client.close(LINGER);
  }

  respond(): void {
    this.#client.write(SUCCESS);
    this.#events.opened();
  }

  toServer(run: Uint8Array): void {
    this.#server?.write(run);
  }

  toClient(run: Uint8Array): void {
    this.#client.write(run);
  }

  pauseClient(paused: boolean): void {
    this.#paused.client = paused;
    this.#client.pause(paused);
  }

  pauseServer(paused: boolean): void {
    this.#paused.server = paused;
    this.#server?.pause(paused);
  }

  ended(end: MixedProxyEnd): void {
    this.#report({ kind: end });
  }

  /** Runs what works on one read, and sends what it wrote. */
  #turn(work: () => void): void {
    if (this.#over) return;
    try {
      work();
    } catch (error) {
      this.#report({ kind: 'error', error: endingError(error) });
    }
    this.#server?.flush();
    this.#client.flush();
  }

  #lost(side: 'client' | 'server', error: Error | undefined): void {
    if (this.#over) return;
    if (error !== undefined) {
      this.#report({ kind: `${side}-failed`, detail: error.message });
    } else if (side === 'client') {
      this.#proxy.clientClosed();
    } else {
      this.#proxy.serverClosed();
    }
  }

  #report(end: MixedSessionEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#server?.close(LINGER);
    if (this.responded) this.#client.close(LINGER);
    this.#events.ended(end);
  }
}

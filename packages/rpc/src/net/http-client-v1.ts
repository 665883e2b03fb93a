import type { Socket } from 'node:net';
import { ProtocolError, RpchError } from '../errors.ts';
import { TICK } from '../rpch/role.ts';
import { connectRequest, V1Client, type V1ClientPort } from '../rpch/v1-client.ts';
import type { ConnectionCounters } from './connection-counters.ts';
import { type DialHop, ProxyDial } from './dial-proxy.ts';
import type { HopFound } from './hop-found.ts';
import type { HttpClientOptions, HttpVirtualConnection } from './http-client-options.ts';
import { type HttpResponseHead, ResponseHeadReader } from './http-response.ts';
import { HttpStatusError } from './http-status-error.ts';
import { PacedLeg } from './paced-leg.ts';
import type { ProxyAddress } from './proxy-address.ts';

const CONNECT_TIMEOUT = 15_000;
const OPEN_TIMEOUT = 60_000;

/** What of the options of version 2 has a meaning here. */
type Shared = Pick<
  HttpClientOptions,
  | 'server'
  | 'tls'
  | 'authorization'
  | 'credentials'
  | 'httpProxy'
  | 'sendBuffer'
  | 'connectTimeout'
  | 'openTimeout'
  | 'signal'
  | 'now'
  | 'onHop'
  | 'onPdus'
  | 'onDrain'
  | 'onClosed'
>;

/** Where a connection of version 1 goes. The options of version 2 will do; `openTimeout` is that of the setup timer. */
export interface HttpV1Options extends Shared {
  /** The RPC Proxy, a mixed one. Without it the connection goes straight to the server's `ncacn_http` port. */
  readonly proxy?: ProxyAddress;
}

/**
 * Opens a connection of RPC over HTTP version 1 ([MS-RPCH] 3.1.1), by one RPC_CONNECT request to a proxy, or straight to a
 * server's `ncacn_http` port. It is the same to its user as one of version 2, but that `keepAlive` sets that of TCP, since
 * there are no pings, and nothing is recycled.
 *
 * Version 1 has neither TLS nor HTTP authentication: where `tls`, `authorization` or `credentials` is given, it is refused with
 * RpchError `RPCH_V1_REFUSED` (caller), and nothing is sent. An HTTP proxy is asked for a tunnel, which most allow to port 443
 * only. Otherwise rejects with {@link HttpStatusError} where the proxy refused, or
 * RpchError: `RPCH_CONNECT`, `RPCH_TIMED_OUT` (network), `RPCH_BANNER` (peer), …
 */
export async function openOverHttpV1(options: HttpV1Options): Promise<HttpVirtualConnection> {
  if ([options.tls, options.authorization, options.credentials].some((given) => given !== undefined)) {
    const what = options.tls !== undefined ? 'TLS was' : 'credentials were';
    throw new RpchError('RPCH_V1_REFUSED', 'caller', `version 1 protects nothing, and ${what} asked for`);
  }
  options.signal?.throwIfAborted();
  return await new V1Connection(options).opening;
}

/** Pings and recyclings of version 1. */
const NONE: ConnectionCounters = {
  recycledIn: { R1: 0, R2: 0 },
  recycledOut: { R1: 0, R2: 0 },
  pingsSent: 0,
  pingsReceived: 0,
};

class V1Connection implements V1ClientPort, HttpVirtualConnection {
  readonly opening: Promise<HttpVirtualConnection>;
  readonly counters = NONE;
  readonly #options: HttpV1Options;
  readonly #client: V1Client;
  readonly #dial: ProxyDial;
  readonly #ticker: NodeJS.Timeout;
  #settle: { resolve(connection: HttpVirtualConnection): void; reject(error: unknown): void } | undefined;
  #leg: PacedLeg | undefined;
  /** Undefined when the response's head is in, or where there is none. */
  #head: ResponseHeadReader | undefined;
  #over = false;

  constructor(options: HttpV1Options) {
    const { proxy, connectTimeout = CONNECT_TIMEOUT, openTimeout = OPEN_TIMEOUT } = options;
    const direct = proxy === undefined;
    // Written before anything is opened: it throws for a name that cannot be in a request.
    const request = direct ? undefined : connectRequest(options.server, proxy.host);
    this.#options = options;
    this.#head = direct ? undefined : new ResponseHeadReader();
    this.#client = new V1Client(this, { direct, setupTimeout: openTimeout });
    this.opening = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const onHop = (hop: DialHop, found: HopFound): void => options.onHop?.(hop, found);
    const where = proxy ?? options.server;
    const { httpProxy } = options;
    const how = { tls: undefined, httpProxy, tunnel: true, timeout: connectTimeout, onHop };
    this.#dial = new ProxyDial(where, how, (outcome) => this.#guard(() => this.#dialled(outcome, request)));
    options.signal?.addEventListener('abort', this.#onAbort);
    this.#ticker = setInterval(
      () => this.#guard(() => this.#client.tick(options.now?.() ?? performance.now())),
      Math.max(5, Math.min(TICK, openTimeout / 4)),
    );
  }

  get unsent(): number {
    return this.#leg?.unsent ?? 0;
  }

  send(run: Uint8Array, _count = 1): boolean {
    if (this.#over || this.#leg === undefined || !this.#client.maySend) return false;
    return this.#leg.send(run);
  }

  pause(): void {
    this.#leg?.pause(true);
  }

  resume(): void {
    this.#leg?.pause(false);
  }

  keepAlive(interval: number): void {
    if (!this.#over) this.#leg?.keepAlive(interval);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#client.close();
    this.#dial.cancel();
    clearInterval(this.#ticker);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#leg?.close();
  }

  toRuntime(run: Uint8Array, count: number): void {
    if (!this.#over) this.#options.onPdus(run, count);
  }

  opened(): void {
    this.#options.onHop?.('server', {});
    this.#settle?.resolve(this);
    this.#settle = undefined;
  }

  ended(): void {
    this.#fail(new RpchError('RPCH_TIMED_OUT', 'network', 'no answer in time'));
  }

  #dialled(outcome: Socket | RpchError, request: Uint8Array | undefined): void {
    if (outcome instanceof RpchError) throw outcome;
    const leg = new PacedLeg(outcome, this.#options.sendBuffer, {
      data: (chunk) => this.#guard(() => this.#received(chunk)),
      drained: () => this.#options.onDrain?.(),
      closed: (error) => this.#lost(error),
    });
    this.#leg = leg;
    if (request !== undefined) leg.send(request);
    this.#client.open();
    leg.start();
  }

  #received(chunk: Uint8Array): void {
    if (this.#over) return;
    if (this.#head === undefined) this.#client.receive(chunk);
    else this.#readHead(this.#head, chunk);
  }

  #readHead(reader: ResponseHeadReader, chunk: Uint8Array): void {
    const response = reader.read(chunk);
    if (response === undefined) return;
    this.#head = undefined;
    this.#respond(response.head);
    if (response.body.length > 0) this.#client.receive(response.body);
  }

  /** [MS-RPCH] 3.1.1.4.1 */
  #respond(head: HttpResponseHead): void {
    this.#options.onHop?.('HTTP', { head });
    const coding = head.field('transfer-encoding');
    if (coding !== undefined && head.status < 300) {
      const what = `the response has transfer coding "${coding}": something between client and proxy rewrites it`;
      throw new ProtocolError('RPCH_TRANSFER_CODING', what, '[MS-RPCH] 2.1.1.1');
    }
    if (head.status < 300) this.#options.onHop?.('proxy', { head });
    // Its one response is what that on the OUT channel is to version 2.
    if (!this.#client.responded(head.status)) throw new HttpStatusError(head, 'OUT');
  }

  #guard(work: () => void): void {
    if (this.#over) return;
    try {
      work();
    } catch (error) {
      this.#fail(
        error instanceof RpchError ? error : new RpchError('RPCH_INTERNAL', 'caller', String(error), { cause: error }),
      );
    }
  }

  #lost(cause: Error | undefined): void {
    const how = cause === undefined ? 'was closed by the other side' : `failed: ${cause.message}`;
    this.#fail(new RpchError('RPCH_CHANNEL_LOST', 'network', `the connection ${how}`, { cause }));
  }

  #fail(error: RpchError): void {
    if (this.#over) return;
    this.close();
    const settle = this.#settle;
    this.#settle = undefined;
    if (settle === undefined) this.#options.onClosed(error);
    else settle.reject(error);
  }

  readonly #onAbort = (): void => this.ended();
}

import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { RpchError } from '../errors.ts';
import { Client, type ClientPort } from '../rpch/client.ts';
import { CHANNEL_LIFETIME, CLIENT_KEEPALIVE, RECEIVE_WINDOW } from '../rpch/commands.ts';
import { type RoleEnd, TICK } from '../rpch/role.ts';
import { endOfHead } from './http-head.ts';
import { type HttpResponseHead, parseResponseHead } from './http-response.ts';
import { Leg } from './leg.ts';

/** Largest head of a response, bytes. */
const MAX_HEAD = 16 * 1024;
/** How long a closed connection may take to send what was written, ms. */
const LINGER = 500;
/** Content-Length of the first RPC_OUT_DATA request: CONN/A1 ([MS-RPCH] 2.1.2.1.2). */
const OUT_BODY = 76;

/** The hops that opening passes, in order. */
export type OpeningHop = 'DNS' | 'TCP' | 'TLS' | 'HTTP' | 'proxy' | 'server';

/** Where a virtual connection goes, and how. */
export interface HttpClientOptions {
  /** The RPC Proxy. */
  readonly proxy: { readonly host: string; readonly port: number };
  /** TLS to the proxy; `ca` in PEM, `insecure` checks nothing. Undefined: plain http. */
  readonly tls?: { readonly ca?: string; readonly insecure?: boolean };
  /** The RPC server as the proxy sees it. */
  readonly server: { readonly host: string; readonly port: number };
  /** Value of the Authorization field of both requests. */
  readonly authorization?: string;
  readonly random: (length: number) => Uint8Array;
  /** Ends the opening, or the connection. */
  readonly signal?: AbortSignal;
  /** A hop has been passed. */
  onHop?(hop: OpeningHop): void;
  /** RPC PDUs from the server; valid during the call. */
  onPdus(run: Uint8Array, count: number): void;
  /** The open connection ended, not by `close`. */
  onClosed(error: RpchError): void;
}

/** A proxy that answered with something else than 200. */
export class HttpStatusError extends RpchError {
  readonly head: HttpResponseHead;

  constructor(head: HttpResponseHead) {
    super('RPCH_HTTP_STATUS', 'peer', `the proxy answered ${head.status} ${head.reason}`);
    this.head = head;
  }
}

/** An open virtual connection of RPC over HTTP v2. */
export interface HttpVirtualConnection {
  /** Sends whole RPC PDUs. */
  send(run: Uint8Array): void;
  close(): void;
}

/**
 * Opens a virtual connection ([MS-RPCH] 3.2.2.4.1): two connections to the proxy, RPC_IN_DATA and RPC_OUT_DATA, and the
 * client role over both. Rejects with {@link HttpStatusError} where the proxy refused, or {@link RpchError}.
 */
export async function openOverHttp(options: HttpClientOptions): Promise<HttpVirtualConnection> {
  options.signal?.throwIfAborted();
  const { address } = await lookup(options.proxy.host);
  options.onHop?.('DNS');
  const inSocket = await dial(address, options, options.onHop);
  const outSocket = await dial(address, options).catch((error: unknown) => {
    inSocket.destroy();
    throw error;
  });
  return await new Connection(options, inSocket, outSocket).opening;
}

async function dial(address: string, options: HttpClientOptions, onHop?: HttpClientOptions['onHop']): Promise<Socket> {
  const { proxy, tls, signal } = options;
  const abort = signal === undefined ? {} : { signal };
  const tcp = connectTcp({ host: address, port: proxy.port, noDelay: true, keepAlive: true });
  try {
    await once(tcp, 'connect', abort);
    onHop?.('TCP');
    if (tls === undefined) return tcp;
    const secure = connectTls({
      socket: tcp,
      servername: /^[\d.:]+$/.test(proxy.host) ? '' : proxy.host,
      host: proxy.host,
      rejectUnauthorized: tls.insecure !== true,
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    });
    await once(secure, 'secureConnect', abort);
    onHop?.('TLS');
    return secure;
  } catch (cause) {
    tcp.on('error', () => {});
    tcp.destroy();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RpchError('RPCH_CONNECT', 'network', why, { cause });
  }
}

class Connection implements ClientPort, HttpVirtualConnection {
  readonly opening: Promise<HttpVirtualConnection>;
  readonly toInboundProxy: PduSink;
  readonly #options: HttpClientOptions;
  readonly #client: Client;
  readonly #deframer = new Deframer();
  readonly #in: Leg;
  readonly #out: Leg;
  readonly #ticker: NodeJS.Timeout;
  #head: Buffer | undefined = Buffer.alloc(0);
  #settle: { resolve(connection: HttpVirtualConnection): void; reject(error: unknown): void } | undefined;
  #over = false;

  constructor(options: HttpClientOptions, inSocket: Socket, outSocket: Socket) {
    this.#options = options;
    this.opening = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#in = new Leg(inSocket, {
      // Nothing is ever answered on IN but a refusal.
      data: (chunk) => this.#guard(() => this.#refusedOn(Buffer.from(chunk))),
      blocked: () => {},
      closed: (error) => this.#lost('IN', error),
    });
    this.#out = new Leg(outSocket, {
      data: (chunk) => this.#guard(() => this.#fromOut(chunk)),
      blocked: () => {},
      closed: (error) => this.#lost('OUT', error),
    });
    this.toInboundProxy = { rpc: (run) => this.#in.write(run.slice()), rts: (pdu) => this.#in.write(pdu) };
    this.#client = new Client(this, {
      receiveWindow: RECEIVE_WINDOW.default,
      channelLifetime: CHANNEL_LIFETIME.default,
      clientKeepalive: CLIENT_KEEPALIVE.default,
      associationGroupId: options.random(16),
      random: options.random,
    });
    this.#ticker = setInterval(() => {
      this.#client.tick(performance.now());
      this.#in.flush();
    }, TICK);
    options.signal?.addEventListener('abort', this.#onAbort);
    this.#in.write(this.#requestHead('RPC_IN_DATA', CHANNEL_LIFETIME.default));
    this.#out.write(this.#requestHead('RPC_OUT_DATA', OUT_BODY));
    this.#client.open();
    this.#in.flush();
    this.#out.flush();
    this.#in.start();
    this.#out.start();
  }

  send(run: Uint8Array): void {
    this.#client.fromRuntime(run, 1);
    this.#in.flush();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ticker);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#in.close(LINGER);
    this.#out.close(LINGER);
  }

  toOutboundProxy(pdu: Uint8Array): void {
    this.#out.write(pdu);
  }

  toRuntime(run: Uint8Array, count: number): void {
    this.#options.onPdus(run, count);
  }

  opened(): void {
    this.#options.onHop?.('server');
    this.#settle?.resolve(this);
    this.#settle = undefined;
  }

  ended(end: RoleEnd): void {
    this.#fail(new RpchError('RPCH_CHANNEL_ENDED', 'peer', `the virtual connection is over: ${end}`));
  }

  #requestHead(method: string, contentLength: number): Uint8Array {
    const { proxy, server, authorization } = this.#options;
    return Buffer.from(
      [
        `${method} /rpc/rpcproxy.dll?${server.host}:${server.port} HTTP/1.1`,
        'Accept: application/rpc',
        'Cache-Control: no-cache',
        'Connection: Keep-Alive',
        `Content-Length: ${contentLength}`,
        `Host: ${proxy.host}`,
        'Pragma: No-cache',
        'User-Agent: MSRPC',
        ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
        '',
        '',
      ].join('\r\n'),
      'latin1',
    );
  }

  #fromOut(chunk: Uint8Array): void {
    if (this.#head === undefined) {
      this.#deframer.push(chunk, this.#client.fromOutboundProxy);
    } else {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = endOfHead(this.#head, 0, MAX_HEAD);
      if (end < 0) return;
      const rest = this.#head.subarray(end);
      const head = parseResponseHead(this.#head.subarray(0, end));
      this.#head = undefined;
      this.#options.onHop?.('HTTP');
      if (head.status !== 200) throw new HttpStatusError(head);
      this.#client.responded();
      this.#options.onHop?.('proxy');
      this.#deframer.push(rest, this.#client.fromOutboundProxy);
    }
    this.#in.flush();
  }

  #refusedOn(bytes: Buffer): void {
    const end = endOfHead(bytes, 0, MAX_HEAD);
    if (end >= 0) throw new HttpStatusError(parseResponseHead(bytes.subarray(0, end)));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(
        error instanceof RpchError ? error : new RpchError('RPCH_INTERNAL', 'caller', String(error), { cause: error }),
      );
    }
  }

  #lost(channel: string, cause: Error | undefined): void {
    const how = cause === undefined ? 'was closed' : `failed: ${cause.message}`;
    this.#fail(new RpchError('RPCH_CHANNEL_LOST', 'network', `the ${channel} channel ${how}`, { cause }));
  }

  #fail(error: RpchError): void {
    if (this.#over) return;
    this.close();
    if (this.#settle === undefined) this.#options.onClosed(error);
    else this.#settle.reject(error);
  }

  readonly #onAbort = (): void => {
    this.#fail(new RpchError('RPCH_TIMED_OUT', 'network', 'no answer in time'));
  };
}

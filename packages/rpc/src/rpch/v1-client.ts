import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError, RpchError } from '../errors.ts';
import { BannerReader } from './banner.ts';

/** What the client of version 1 does to its surroundings. */
export interface V1ClientPort {
  /** Whole RPC PDUs for the RPC run-time; valid during the call. */
  toRuntime(run: Uint8Array, count: number): void;
  /** PDUs may be sent from now on. */
  opened(): void;
  /** The proxy did not answer, or the server sent no banner, in time ([MS-RPCH] 3.1.1.2.1). */
  ended(end: 'setup-timeout'): void;
}

export interface V1ClientOptions {
  /** Whether the connection goes straight to the server's port, which sends its banner, rather than to a mixed proxy. */
  readonly direct: boolean;
  /** Of the connection setup timer, ms. */
  readonly setupTimeout: number;
}

/**
 * The client of version 1 ([MS-RPCH] 3.1.1): a state machine without sockets or clocks. The request's and the response's heads
 * are the caller's, see {@link connectRequest}.
 *
 *     Start --open--> Wait --2xx, or banner--> Opened --> Finished
 *
 * What must not come throws {@link ProtocolError}; the caller closes the connection. Version 1 has neither flow control nor
 * pings: TCP holds who is too fast, and its keep-alive finds who is gone.
 */
export class V1Client {
  #state: 'Start' | 'Wait' | 'Opened' | 'Finished' = 'Start';
  readonly #port: V1ClientPort;
  readonly #options: V1ClientOptions;
  readonly #deframer = new Deframer();
  readonly #banner: BannerReader;
  #setupSince: number | undefined;

  constructor(port: V1ClientPort, options: V1ClientOptions) {
    this.#port = port;
    this.#options = options;
    this.#banner = new BannerReader(options.direct);
  }

  get state(): string {
    return this.#state;
  }

  /** The RPC connect request is on its way, or the connection to the server is open: the setup timer runs. */
  open(): void {
    if (this.#state === 'Start') this.#state = 'Wait';
  }

  /** The mixed proxy answered. False where the status is none of success: the connection is over then ([MS-RPCH] 3.1.1.4.1). */
  responded(status: number): boolean {
    if (this.#state !== 'Wait' || this.#options.direct) return false;
    const success = status >= 200 && status <= 299;
    if (success) this.#open();
    else this.#state = 'Finished';
    return success;
  }

  /** Bytes of the response's body; of a direct connection, all. */
  receive(chunk: Uint8Array): void {
    if (this.#state === 'Finished') return;
    let at = 0;
    if (this.#state === 'Wait' && this.#options.direct) {
      at = this.#banner.take(chunk);
      if (!this.#banner.done) return;
      this.#open();
    }
    if (this.#state !== 'Opened') {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', `RPC PDU in state ${this.#state}`, '[MS-RPCH] 3.1.1.5.1');
    }
    if (at < chunk.length) this.#deframer.push(at === 0 ? chunk : chunk.subarray(at), this.#pdus);
  }

  /** Whether the run-time may send: not before the session is open ([MS-RPCH] 3.1.1.4.2). */
  get maySend(): boolean {
    return this.#state === 'Opened';
  }

  /** The connection is gone, or is given up. */
  close(): void {
    this.#state = 'Finished';
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state !== 'Wait') return;
    this.#setupSince ??= now;
    if (now - this.#setupSince < this.#options.setupTimeout) return;
    this.#state = 'Finished';
    this.#port.ended('setup-timeout');
  }

  readonly #pdus: PduSink = {
    rpc: (run, count) => this.#port.toRuntime(run, count),
    rts: () => {
      throw new ProtocolError('RPCH_RTS_IN_V1', 'RTS PDU in version 1', '[MS-RPCH] 3.1');
    },
  };

  #open(): void {
    this.#state = 'Opened';
    this.#port.opened();
  }
}

/** Printable ASCII without what would end a server name in a request's target. */
const HOST = /^[!-~]{1,1023}$/;

/**
 * The head of an RPC connect request ([MS-RPCH] 2.1.1.1.1): no Content-Length, no Content-Type, no transfer coding, and a body
 * without an end. The target is that of version 2, since both dialects are served on one URL (3), with server and port as in
 * 2.2.2. Throws {@link RpchError} `RPCH_BAD_NAME` for a name that would break the request apart.
 * @param server the RPC server as the proxy sees it. @param proxy value of the Host field, which HTTP/1.1 asks for.
 */
export function connectRequest(server: { readonly host: string; readonly port: number }, proxy: string): Uint8Array {
  for (const name of [server.host, proxy]) {
    if (!HOST.test(name) || /[/?%]/.test(name)) {
      throw new RpchError('RPCH_BAD_NAME', 'caller', `${JSON.stringify(name)} cannot be part of a request`);
    }
  }
  const head = [
    `RPC_CONNECT /rpc/rpcproxy.dll?${server.host}:${server.port} HTTP/1.1`,
    `Host: ${proxy}`,
    'Pragma: No-cache',
    'User-Agent: RPC',
    '',
    '',
  ].join('\r\n');
  return Uint8Array.from(head, (c) => c.charCodeAt(0));
}

/**
 * The `server-name:server-port` of an RPC connect request's target, to be parsed as the query of version 2. Version 1 is served
 * below "/" ([MS-RPCH] 3.1.2.3), so that any path will do, or none: `/path?server:port`, `server:port`, and the absolute form of
 * either. Undefined where there is nothing of the kind.
 */
export function connectTargetOf(target: string): string | undefined {
  const question = target.indexOf('?');
  if (question >= 0) return target.slice(question + 1);
  return /^[^/]+:\d{1,6}$/.test(target) ? target : undefined;
}

/**
 * Why a request must not be taken for an RPC connect request though its method is RPC_CONNECT ([MS-RPCH] 2.1.1.1.1); undefined
 * where it is one. Its Pragma and User-Agent are not looked at.
 * @param field gives the first value of a header field, by its name in lower case.
 */
export function connectRefusal(field: (name: string) => string | undefined): string | undefined {
  for (const name of ['content-length', 'content-type', 'transfer-encoding']) {
    if (field(name) !== undefined) return `an RPC connect request with ${name}`;
  }
  return undefined;
}

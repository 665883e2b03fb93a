import type { Socket } from 'node:net';
import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError, RpchError } from '../errors.ts';
import { type DialHop, ProxyDial } from './dial-proxy.ts';
import type { HopFound } from './hop-found.ts';
import { PacedLeg } from './paced-leg.ts';
import type { PduTransport, PduTransportEvents } from './pdu-transport.ts';

const CONNECT_TIMEOUT = 15_000;

/** Where a connection of `ncacn_ip_tcp` goes. */
export interface TcpClientOptions extends PduTransportEvents {
  readonly server: { readonly host: string; readonly port: number };
  /** Time for name and TCP, ms. Default 15,000. */
  readonly connectTimeout?: number;
  /** Bytes not yet sent above which `send` returns false. Default 256 KiB. */
  readonly sendBuffer?: number;
  /** Ends the opening; an open connection is ended by `close`. */
  readonly signal?: AbortSignal;
  /** A hop has been passed. */
  onHop?(hop: DialHop, found: HopFound): void;
}

/**
 * Opens `ncacn_ip_tcp` ([MS-RPCE] 2.1.1.1). Rejects with RpchError `RPCH_CONNECT` (network), or with the reason of `signal`.
 */
export async function openOverTcp(options: TcpClientOptions): Promise<PduTransport> {
  options.signal?.throwIfAborted();
  return new TcpConnection(await dial(options), options);
}

function dial({ server, connectTimeout = CONNECT_TIMEOUT, signal, onHop }: TcpClientOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      dialling.cancel();
      reject(signal?.reason);
    };
    const hop = (passed: DialHop, found: HopFound): void => onHop?.(passed, found);
    const dialling = new ProxyDial(server, { tls: undefined, timeout: connectTimeout, onHop: hop }, (outcome) => {
      signal?.removeEventListener('abort', aborted);
      if (outcome instanceof RpchError) reject(outcome);
      else resolve(outcome);
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** A TCP connection that carries RPC PDUs and nothing else. */
class TcpConnection implements PduTransport, PduSink {
  readonly #events: PduTransportEvents;
  readonly #leg: PacedLeg;
  readonly #deframer = new Deframer();
  #over = false;

  constructor(socket: Socket, options: TcpClientOptions) {
    this.#events = options;
    this.#leg = new PacedLeg(socket, options.sendBuffer, {
      data: (chunk) => this.#received(chunk),
      drained: () => options.onDrain?.(),
      closed: (cause) => {
        const how = cause === undefined ? 'was closed by the server' : `failed: ${cause.message}`;
        this.#fail(new RpchError('RPCH_CONNECTION_LOST', 'network', `the connection ${how}`, { cause }));
      },
    });
    this.#leg.start();
  }

  get unsent(): number {
    return this.#leg.unsent;
  }

  send(run: Uint8Array, _count = 1): boolean {
    return !this.#over && this.#leg.send(run);
  }

  pause(): void {
    this.#leg.pause(true);
  }

  resume(): void {
    this.#leg.pause(false);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#leg.close();
  }

  rpc(run: Uint8Array, count: number): void {
    if (!this.#over) this.#events.onPdus(run, count);
  }

  rts(_pdu: Uint8Array): void {
    throw new ProtocolError('RPCH_RTS_ON_TCP', 'an RTS PDU among RPC PDUs', '[MS-RPCH] 3.1.3');
  }

  #received(chunk: Uint8Array): void {
    try {
      this.#deframer.push(chunk, this);
    } catch (error) {
      if (!(error instanceof RpchError)) throw error;
      this.#fail(error);
    }
  }

  #fail(error: RpchError): void {
    if (this.#over) return;
    this.close();
    this.#events.onClosed(error);
  }
}

import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';
import { BannerReader } from './banner.ts';

/** What of the client may wait for the server's banner, bytes. The client is not read any more from half of it on. */
export const MAX_HELD = 128 * 1024;

/** Why a mixed proxy ended without a protocol error. */
export type MixedProxyEnd =
  /** One side closed its connection, or lost it; the other side's is closed once all that was written went out. */
  | 'client-closed'
  | 'server-closed'
  /** The server was not connected to, or sent no banner, in time. */
  | 'setup-timeout';

/** What the mixed proxy does to its surroundings. Views are valid during the call. */
export interface MixedProxyPort {
  /** Answer the RPC connect request with `HTTP/1.1 200 OK` and no length ([MS-RPCH] 2.1.1.1.2). Once, before all PDUs. */
  respond(): void;
  /** Whole RPC PDUs for the server, or the client. */
  toServer(run: Uint8Array): void;
  toClient(run: Uint8Array): void;
  /** Stop or go on reading what the client, or the server, sends. */
  pauseClient(paused: boolean): void;
  pauseServer(paused: boolean): void;
  /** It is over, by no protocol error: both connections are to be closed, and what was written to either goes out first. */
  ended(end: MixedProxyEnd): void;
}

export interface MixedProxyOptions {
  /**
   * Whether the server sends the legacy server response: true for `ncacn_http`. False for a server on plain TCP
   * (`ncacn_ip_tcp`), which sends none; the connection to it alone then opens the session.
   */
  readonly banner: boolean;
  /** How long connecting and the banner may take, ms. */
  readonly setupTimeout: number;
}

/**
 * The mixed proxy of version 1 ([MS-RPCH] 3.1.2): a state machine without sockets or clocks, made when an RPC connect request
 * is in and allowed.
 *
 *     --RPC_CONNECT--> Connecting --connected--> Banner_Wait --banner--> Opened --close--> Finished
 *
 * What the client sends before it is opened is held, and not acted on (3.1.2.5.1). Then whole RPC PDUs pass unchanged; an RTS
 * PDU is no part of version 1. A PDU or a banner that must not come throws {@link ProtocolError}: the caller ends both
 * connections, with a refusal to the client where {@link MixedProxy.responded} is still false.
 */
export class MixedProxy {
  #state: 'Connecting' | 'Banner_Wait' | 'Opened' | 'Finished' = 'Connecting';
  readonly #port: MixedProxyPort;
  readonly #options: MixedProxyOptions;
  readonly #banner: BannerReader;
  readonly #client = new Deframer();
  readonly #server = new Deframer();
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #clientPaused = false;
  #setupSince: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #responded = false;

  constructor(port: MixedProxyPort, options: MixedProxyOptions) {
    this.#port = port;
    this.#options = options;
    this.#banner = new BannerReader(true);
  }

  get state(): string {
    return this.#state;
  }

  /** Whether the client was answered: after that only closing tells it of a failure. */
  get responded(): boolean {
    return this.#responded;
  }

  /** Bytes of the client that wait for the session to open. */
  get held(): number {
    return this.#heldBytes;
  }

  /** Bytes of half PDUs that wait for their rest, of the client and of the server. */
  get pending(): { readonly client: number; readonly server: number } {
    return { client: this.#client.pending, server: this.#server.pending };
  }

  /** Bytes that came from the client. */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Bytes that came from the server. */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** TCP to the server is open ([MS-RPCH] 3.1.2.5.1). */
  serverConnected(): void {
    if (this.#state !== 'Connecting') return;
    this.#state = 'Banner_Wait';
    if (!this.#options.banner) this.#open();
  }

  /** Bytes of the request's body. */
  fromClient(chunk: Uint8Array): void {
    if (this.#state === 'Finished') return;
    this.#bytesIn += chunk.length;
    this.#client.push(chunk, this.#clientPdus);
    if (this.#state !== 'Opened') this.#limitHeld();
  }

  /** Bytes of the server: its banner first, where it sends one. */
  fromServer(chunk: Uint8Array): void {
    if (this.#state === 'Finished') return;
    this.#bytesOut += chunk.length;
    this.serverConnected();
    let at = 0;
    if (this.#state === 'Banner_Wait') {
      at = this.#banner.take(chunk);
      if (!this.#banner.done) return;
      this.#open();
    }
    if (at < chunk.length) this.#server.push(at === 0 ? chunk : chunk.subarray(at), this.#serverPdus);
  }

  /** The client takes no more for now, or takes it again. */
  clientBlocked(blocked: boolean): void {
    if (this.#state !== 'Finished') this.#port.pauseServer(blocked);
  }

  /** The server takes no more for now, or takes it again. */
  serverBlocked(blocked: boolean): void {
    if (this.#state === 'Opened') this.#pauseClient(blocked);
  }

  /** Close and failure of a connection are the same ([MS-RPCH] 3.1.2.5.3). */
  clientClosed(): void {
    this.#end('client-closed');
  }

  serverClosed(): void {
    this.#end('server-closed');
  }

  /** Time goes on: `now` in ms on any steady clock. */
  tick(now: number): void {
    if (this.#state !== 'Connecting' && this.#state !== 'Banner_Wait') return;
    this.#setupSince ??= now;
    if (now - this.#setupSince >= this.#options.setupTimeout) this.#end('setup-timeout');
  }

  readonly #clientPdus: PduSink = {
    rpc: (run) => {
      if (this.#state === 'Opened') {
        this.#port.toServer(run);
      } else {
        this.#held.push(new Uint8Array(run));
        this.#heldBytes += run.length;
      }
    },
    rts: () => {
      throw rtsInVersion1('client');
    },
  };

  readonly #serverPdus: PduSink = {
    rpc: (run) => this.#port.toClient(run),
    rts: () => {
      throw rtsInVersion1('server');
    },
  };

  #open(): void {
    this.#state = 'Opened';
    this.#responded = true;
    this.#port.respond();
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const run of held) this.#port.toServer(run);
    this.#pauseClient(false);
  }

  /** What came in before the client was told to wait is bounded by a read of its connection. */
  #limitHeld(): void {
    const held = this.#heldBytes + this.#client.pending;
    if (held > MAX_HELD) {
      throw new ProtocolError(
        'RPCH_TOO_EARLY',
        `${held} bytes of PDUs before the session is open`,
        '[MS-RPCH] 3.1.2.5.1',
      );
    }
    if (held >= MAX_HELD / 2) this.#pauseClient(true);
  }

  #pauseClient(paused: boolean): void {
    if (paused === this.#clientPaused) return;
    this.#clientPaused = paused;
    this.#port.pauseClient(paused);
  }

  #end(end: MixedProxyEnd): void {
    if (this.#state === 'Finished') return;
    this.#state = 'Finished';
    this.#held = [];
    this.#heldBytes = 0;
    this.#port.ended(end);
  }
}

function rtsInVersion1(from: string): ProtocolError {
  return new ProtocolError('RPCH_RTS_IN_V1', `RTS PDU from the ${from} in version 1`, '[MS-RPCH] 3.1');
}

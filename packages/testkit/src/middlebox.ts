import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a middlebox does with a connection that was silent for too long. */
export type Forgetting =
  /**
   * Bytes are swallowed from then on, and ends of either side too: neither side is told. TCP goes on answering, the
   * relay's own: only who misses an answer of the other side can notice. A firewall that drops packets is another thing:
   * `NetworkNamespace.behindFirewall`.
   */
  | 'swallows'
  /** Both sides get a reset. */
  | 'resets';

export interface MiddleboxOptions {
  /** Where connections are relayed to. */
  readonly target: { readonly host: string; readonly port: number };
  /** Silence after which a connection is forgotten, ms. Infinity: never. */
  readonly silence: number;
  readonly forgetting: Forgetting;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** What a middlebox saw of one connection. Times in ms on the clock of `performance.now()`. */
export interface MiddleboxConnection {
  readonly startedAt: number;
  /** What passed in each direction: bytes, and pieces of them, which are writes of the sender where these are rare. */
  readonly fromClient: { readonly bytes: number; readonly pieces: number };
  readonly fromServer: { readonly bytes: number; readonly pieces: number };
  /** The longest time in which nothing passed either way, up to now or to its end. */
  readonly longestSilence: number;
  /** When it was forgotten. */
  readonly forgottenAt: number | undefined;
  /** When it ended; one that is swallowed does not. */
  readonly endedAt: number | undefined;
  /** Whether it is neither forgotten nor ended. */
  readonly open: boolean;
}

/**
 * What stands between client and server on real networks, as far as time is concerned: a TCP relay that forgets connections
 * which have been silent for so long. It counts bytes, either way, as load balancers and reverse proxies do: TCP
 * keep-alive, which firewalls see as packets, is no sign of life here.
 */
export class Middlebox {
  readonly #options: MiddleboxOptions;
  readonly #server: Server;
  readonly #relayed: Relayed[] = [];

  private constructor(options: MiddleboxOptions) {
    this.#options = options;
    // An end of one direction is passed on, and the other goes on: as far as TCP is concerned, nothing is added.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#relayed.push(new Relayed(socket, this.#options));
    });
  }

  /** Starts on a port that the system chooses. */
  static async start(options: MiddleboxOptions): Promise<Middlebox> {
    const middlebox = new Middlebox(options);
    await new Promise<void>((resolve, reject) => {
      middlebox.#server.once('error', reject);
      middlebox.#server.listen({ host: options.host ?? '127.0.0.1', port: 0 }, resolve);
    });
    return middlebox;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Every connection so far, in the order in which they came. */
  get connections(): readonly MiddleboxConnection[] {
    return this.#relayed;
  }

  /** Ends every connection, and stops listening. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const relayed of this.#relayed) relayed.end();
    await closed;
  }
}

class Relayed implements MiddleboxConnection {
  readonly startedAt = performance.now();
  readonly fromClient = { bytes: 0, pieces: 0 };
  readonly fromServer = { bytes: 0, pieces: 0 };
  forgottenAt: number | undefined;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #forgetting: Forgetting;
  readonly #timer: NodeJS.Timeout | undefined;
  #lastAt = this.startedAt;
  #longest = 0;
  endedAt: number | undefined;

  constructor(client: Socket, { target, silence, forgetting }: MiddleboxOptions) {
    this.#client = client;
    this.#forgetting = forgetting;
    this.#target = connect({ ...target, noDelay: true, allowHalfOpen: true });
    if (Number.isFinite(silence)) this.#timer = setTimeout(() => this.#forget(), silence);
    this.#join(client, this.#target, this.fromClient);
    this.#join(this.#target, client, this.fromServer);
  }

  get longestSilence(): number {
    return Math.max(this.#longest, (this.forgottenAt ?? this.endedAt ?? performance.now()) - this.#lastAt);
  }

  get open(): boolean {
    return this.forgottenAt === undefined && this.endedAt === undefined;
  }

  end(): void {
    if (!this.#ends()) return;
    this.#client.destroy();
    this.#target.destroy();
  }

  #join(from: Socket, to: Socket, count: { bytes: number; pieces: number }): void {
    from.on('data', (bytes) => {
      if (this.forgottenAt !== undefined) return;
      count.bytes += bytes.length;
      count.pieces++;
      this.#alive();
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      if (this.forgottenAt === undefined) to.end();
    });
    from.on('error', () => this.#reset());
    from.on('close', () => {
      if (from.destroyed && to.destroyed) this.end();
    });
  }

  /** Either side's reset is the other's, as long as the connection is known. */
  #reset(): void {
    if (this.forgottenAt !== undefined || !this.#ends()) return;
    this.#client.resetAndDestroy();
    this.#target.resetAndDestroy();
  }

  #alive(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#lastAt);
    this.#lastAt = now;
    this.#timer?.refresh();
  }

  #ends(): boolean {
    if (this.endedAt !== undefined) return false;
    this.endedAt = performance.now();
    clearTimeout(this.#timer);
    return true;
  }

  #forget(): void {
    if (this.#forgetting === 'resets') this.#reset();
    this.forgottenAt = performance.now();
  }
}

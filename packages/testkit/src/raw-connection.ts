import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How a connection ended, as this side saw it. `own` is an end of our own making. */
export type Ending = 'FIN' | 'RST' | 'own' | `error ${string}`;

export interface RawTarget {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** TLS without any check of the certificate. */
  readonly tls?: boolean;
  /** Address to come from: all of 127.0.0.0/8 is this machine's. */
  readonly localAddress?: string;
}

/** How long a test waits for what must come, ms. */
export const PATIENCE = 10_000;

/**
 * A TCP or TLS connection under a test's full control: every byte and every way to end is the script's, and what the other
 * side does is kept with its time. Nothing is answered by itself, but for the FIN that any program gives back for a FIN.
 */
export class RawConnection {
  readonly socket: Socket;
  /** Settled when the connection is over; `at` on the clock of `performance.now()`. */
  readonly ended: Promise<{ readonly how: Ending; readonly at: number }>;
  #received: Buffer = Buffer.alloc(0);
  #over: Ending | undefined;
  readonly #wakers = new Set<() => void>();

  /** @param socket connected. */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    const { promise, resolve } = Promise.withResolvers<{ how: Ending; at: number }>();
    this.ended = promise;
    const end = (how: Ending): void => {
      if (this.#over !== undefined) return;
      this.#over = how;
      resolve({ how, at: performance.now() });
      this.#wake();
    };
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('end', () => end('FIN'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'RST' : `error ${error.code ?? error.message}`),
    );
    socket.on('close', () => end('own'));
  }

  static connect({ port, host = '127.0.0.1', tls = false, localAddress }: RawTarget): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const options = { port, host, ...(localAddress === undefined ? {} : { localAddress }) };
      const socket = tls ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
      socket.once('error', reject);
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }

  /** What has come in and was not taken. */
  get received(): Buffer {
    return this.#received;
  }

  /** How it ended; undefined while it has not. */
  get over(): Ending | undefined {
    return this.#over;
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends each piece as a segment of its own, as far as TCP lets a program say so. */
  async sendInPieces(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      if (this.#over !== undefined) return;
      await new Promise<void>((resolve) => this.socket.write(piece, () => setImmediate(resolve)));
    }
  }

  /** Takes the first `length` bytes of what came in, once they are there. */
  async take(length: number, what = `${length} bytes`): Promise<Buffer> {
    await this.until(() => this.#received.length >= length || undefined, what);
    return this.takeNow(length);
  }

  /** Takes the first `length` bytes, or all where there are fewer. */
  takeNow(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  /** Takes a whole HTTP head, the empty line included. */
  async takeHead(): Promise<string> {
    const end = await this.until((bytes) => {
      const at = bytes.indexOf('\r\n\r\n');
      return at < 0 ? undefined : at + 4;
    }, 'an HTTP head');
    return (await this.take(end)).toString('latin1');
  }

  /** Waits until `find` finds something in what came in; throws when it cannot any more or after `patience` ms. */
  until<T>(find: (received: Buffer) => T | undefined, what: string, patience = PATIENCE): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#wakers.delete(look);
        clearTimeout(timer);
      };
      const look = (): void => {
        const found = find(this.#received);
        if (found !== undefined) {
          settle();
          resolve(found);
        } else if (this.#over !== undefined) {
          settle();
          reject(new Error(`expected ${what}, but the connection ended with ${this.#over}: ${this.#text()}`));
        }
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`expected ${what} within ${patience} ms: ${this.#text()}`));
      }, patience);
      this.#wakers.add(look);
      look();
    });
  }

  /** Waits for the end; throws after `patience` ms. */
  async untilOver(patience = PATIENCE): Promise<Ending> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`still open after ${patience} ms: ${this.#text()}`)), patience);
    });
    try {
      return (await Promise.race([this.ended, late])).how;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What comes in stays with the kernel: its buffer fills, and the window that TCP offers becomes zero. */
  stopReading(): void {
    this.socket.pause();
  }

  goOnReading(): void {
    this.socket.resume();
  }

  /** Says that nothing more is coming, and goes on reading. */
  finish(): void {
    this.socket.end();
  }

  /** Ends the connection as the end of a process would: FIN, or RST. */
  cut(how: 'FIN' | 'RST'): void {
    // After a FIN of ours Node would neither reset the connection nor give the socket back.
    if (how === 'FIN' || this.socket.writableEnded) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  #wake(): void {
    for (const look of [...this.#wakers]) look();
  }

  #text(): string {
    return JSON.stringify(this.#received.toString('latin1', 0, 400));
  }
}

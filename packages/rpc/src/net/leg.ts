import type { Socket } from 'node:net';
import { Loan, READ_SIZE, readSocket } from './reading.ts';

/** Small pieces of one turn are joined up to this size rather than given to writev, bytes. */
const JOIN_UP_TO = 8 * 1024;

/** What happens on a leg. Calls come from the socket's events; `blocked(true)` comes from within `flush`. */
export interface LegEvents {
  /** Bytes came in: a view that is valid until the call returns. What is written of it must be flushed within the call. */
  data(chunk: Uint8Array): void;
  /** The peer takes no more for now, or takes it again. */
  blocked(blocked: boolean): void;
  /** The connection is over, by the peer or the network; not after {@link Leg.close}. Called once. */
  closed(error: Error | undefined): void;
}

/** Legs that were given bytes since the last read began and could not send all of them: they need what was read. */
const unsentOfTurn: Leg[] = [];

/**
 * One TCP or TLS connection of a session. Collects what is written during a turn and sends it at once with `flush`.
 * The socket must be connected and paused, and nobody else may listen to it.
 */
export class Leg {
  readonly #socket: Socket;
  readonly #events: LegEvents;
  #unread: Uint8Array | undefined;
  #first: Uint8Array | undefined;
  #more: Uint8Array[] | undefined;
  /** What one of the next reads may bring at most, bytes; a wish, which a read under way does not know of. */
  readLimit = READ_SIZE;
  readonly #loans: Loan[] = [];
  #blocked = false;
  #over = false;

  /** @param unread bytes that were read of the socket before. */
  constructor(socket: Socket, events: LegEvents, unread?: Uint8Array) {
    this.#socket = socket;
    this.#events = events;
    this.#unread = unread;
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
  }

  /** Begins to read. Bytes read before come first, within this call. */
  start(): void {
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread !== undefined && unread.length > 0) this.#events.data(unread);
    if (this.#over) return;
    readSocket(this.#socket, this.#onData, lendToUnsent, () => this.readLimit);
    this.#socket.resume();
    if (this.#socket.destroyed) this.#onEnd();
  }

  /** Bytes written that the kernel has not taken. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Bytes that the kernel has taken, in all. */
  get sent(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  /** Adds to what this turn sends. The bytes must not change afterwards. */
  write(bytes: Uint8Array): void {
    if (this.#first === undefined) this.#first = bytes;
    else if (this.#more === undefined) this.#more = [bytes];
    else this.#more.push(bytes);
  }

  /** Sends what was written since the last time, in one call. */
  flush(): void {
    const first = this.#first;
    if (first === undefined) return;
    const more = this.#more;
    this.#first = undefined;
    this.#more = undefined;
    if (this.#over) return;
    const room = more === undefined ? this.#socket.write(first, this.#onWritten) : this.#writeAll([first, ...more]);
    if (this.#socket.writableLength > 0) unsentOfTurn.push(this);
    if (!room && !this.#blocked) {
      this.#blocked = true;
      this.#events.blocked(true);
    }
  }

  /** Stops or goes on reading: the peer is held by TCP's own back-pressure. */
  pause(paused: boolean): void {
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** TCP keep-alive: the peer is asked for a sign of life after `interval` ms of silence. */
  keepAlive(interval: number): void {
    this.#socket.setKeepAlive(true, interval);
  }

  /**
   * Ends the connection: what was written still goes out, for as long as `linger` ms. Nothing is reported afterwards.
   * @param answered the last bytes are an answer that the peer should read: what it still sends is read and dropped, for
   *   left unread it would turn the close into a reset, which may overtake the answer.
   * @param gone called when the connection is no more.
   */
  close(linger: number, answered = false, gone?: () => void): void {
    if (this.#over) return;
    this.flush();
    this.#over = true;
    const socket = this.#socket;
    if (gone !== undefined) {
      if (socket.closed) gone();
      else socket.once('close', gone);
    }
    if (socket.destroyed) return;
    if (!answered && socket.writableLength === 0) {
      socket.destroy();
      return;
    }
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), linger);
    socket.once('close', () => clearTimeout(timer));
  }

  #writeAll(pieces: Uint8Array[]): boolean {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length <= JOIN_UP_TO) return this.#socket.write(Buffer.concat(pieces, length), this.#onWritten);
    let room = true;
    this.#socket.cork();
    for (const piece of pieces) room = this.#socket.write(piece, this.#onWritten);
    this.#socket.uncork();
    return room;
  }

  /** Takes part in a loan until everything is sent. */
  borrow(loan: Loan): void {
    this.#loans.push(loan);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (this.#over) return;
    unsentOfTurn.length = 0;
    this.#events.data(chunk);
  };

  readonly #onWritten = (error?: Error | null): void => {
    if (this.#loans.length === 0 || error || this.#socket.writableLength > 0) return;
    for (const loan of this.#loans) loan.giveBack();
    this.#loans.length = 0;
  };

  readonly #onDrain = (): void => {
    if (this.#over || !this.#blocked) return;
    this.#blocked = false;
    this.#events.blocked(false);
  };

  readonly #onError = (error: Error): void => {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed(error);
    this.#socket.destroy();
  };

  readonly #onEnd = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#events.closed(undefined);
    this.#socket.destroy();
  };
}

function lendToUnsent(buffer: Buffer): boolean {
  if (unsentOfTurn.length === 0) return false;
  const loan = new Loan(buffer, unsentOfTurn.length);
  for (const leg of unsentOfTurn) leg.borrow(loan);
  unsentOfTurn.length = 0;
  return true;
}

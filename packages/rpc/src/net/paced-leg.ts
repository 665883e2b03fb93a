import type { Socket } from 'node:net';
import { RpchError } from '../errors.ts';
import { Leg } from './leg.ts';
import { SEND_AT, TurnEnd } from './turn-end.ts';

/** Bytes not yet sent above which `send` asks its caller to wait, unless told otherwise. */
const SEND_BUFFER = 256 * 1024;
/** The least send buffer, in high water marks of the socket: with less in it no event would tell that there is room again. */
const LEAST_MARKS = 2;
/** Bytes not yet sent above which `send` refuses. */
const MAX_UNSENT = 16 * 1024 * 1024;
/** How long a closed connection may take to send what was written, ms. */
const LINGER = 500;

/** What happens on a paced leg; nothing of it after `close`. */
export interface PacedLegEvents {
  /** Bytes came in: a view that is valid until the call returns. */
  data(chunk: Uint8Array): void;
  /** `send` returned false, and half of the send buffer is free again. */
  drained(): void;
  /** The connection is over. */
  closed(error: Error | undefined): void;
}

/** A {@link Leg} of one client, whose sender is asked to wait where it is quicker than the network. */
export class PacedLeg {
  readonly #leg: Leg;
  readonly #events: PacedLegEvents;
  readonly #sendBuffer: number;
  readonly #turnEnd = new TurnEnd(() => this.#flush());
  /** Of this turn, bytes. */
  #written = 0;
  #callerWaits = false;
  #paused = false;
  #over = false;

  constructor(socket: Socket, sendBuffer: number = SEND_BUFFER, events: PacedLegEvents) {
    this.#sendBuffer = Math.max(sendBuffer, LEAST_MARKS * socket.writableHighWaterMark);
    this.#events = events;
    this.#leg = new Leg(socket, {
      data: (chunk) => this.#over || events.data(chunk),
      blocked: (blocked) => blocked || this.#drained(),
      closed: (error) => {
        this.#over = true;
        events.closed(error);
      },
    });
  }

  start(): void {
    this.#leg.start();
  }

  /** Bytes that the kernel has not taken yet. */
  get unsent(): number {
    return this.#leg.unsent + this.#written;
  }

  /**
   * Sends `bytes` at the end of this turn, or when it has made many. False: better wait for `drained`. Throws RpchError `RPCH_SEND_OVERFLOW` (caller)
   * where 16 MiB wait already.
   */
  send(bytes: Uint8Array): boolean {
    const unsent = this.unsent + bytes.length;
    if (unsent > MAX_UNSENT) {
      throw new RpchError('RPCH_SEND_OVERFLOW', 'caller', `${unsent} bytes would wait, more than ${MAX_UNSENT}`);
    }
    const room = unsent <= this.#sendBuffer;
    if (!room) this.#callerWaits = true;
    this.#written += bytes.length;
    this.#leg.write(bytes);
    if (this.#written >= SEND_AT) this.#flush();
    else this.#turnEnd.schedule();
    return room;
  }

  pause(paused: boolean): void {
    if (this.#over || paused === this.#paused) return;
    this.#paused = paused;
    this.#leg.pause(paused);
  }

  /** TCP keep-alive: the peer is asked for a sign of life after `interval` ms of silence. */
  keepAlive(interval: number): void {
    this.#leg.keepAlive(interval);
  }

  /** What was written still goes out. Nothing is reported afterwards. */
  close(): void {
    this.#over = true;
    this.#leg.close(LINGER);
  }

  #flush(): void {
    this.#written = 0;
    this.#leg.flush();
    // The kernel may take all at once: no event tells of that.
    if (this.#callerWaits && this.unsent === 0) setImmediate(() => this.#drained());
  }

  #drained(): void {
    if (!this.#callerWaits || this.#over || this.unsent > this.#sendBuffer / 2) return;
    this.#callerWaits = false;
    this.#events.drained();
  }
}

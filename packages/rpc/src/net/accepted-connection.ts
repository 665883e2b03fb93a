import type { Socket } from 'node:net';
import { Deframer, type PduSink } from '../dcerpc/deframer.ts';
import { RpchError } from '../errors.ts';
import { Leg } from './leg.ts';
import { Stall } from './stall.ts';

/** Unsent bytes of one connection above which its user is told that it is blocked. */
export const MAX_UNSENT = 1024 * 1024;
/** How long a connection that is being ended may take to send what was written, ms. */
export const LINGER = 5000;
/** Silence after which TCP asks a peer for a sign of life, ms; Node then asks each second and gives up after ten. */
const KEEPALIVE_DELAY = 30_000;

/**
 * Who has an accepted connection: takes its PDUs, and hears of its fate. May be exchanged for another at any PDU. Only `rpc`
 * and `rts` may throw.
 */
export interface ConnectionUser extends PduSink {
  /** What one read brought has been handled: what was written because of it is to be sent now, on whatever connection. */
  flush(): void;
  /** More than {@link MAX_UNSENT} bytes wait to be sent, by a call of `write`; or all of that is gone. */
  blocked(blocked: boolean): void;
  /** Handling its bytes threw, or it does not get on. The connection is to be closed. */
  failed(error: unknown): void;
  /** The connection is over, by the peer or the network. */
  closed(error: Error | undefined): void;
  /** Time goes on: `now` in ms on a steady clock. */
  tick(now: number): void;
}

/** One accepted connection: its bytes become PDUs for whoever has it, and what is written in a turn goes out at once. */
export class AcceptedConnection {
  /** For logs. */
  readonly peer: string;
  /** IP address of the peer; empty for a Unix socket. */
  readonly address: string;
  readonly #leg: Leg;
  readonly #deframer = new Deframer();
  readonly #onOver: (connection: AcceptedConnection) => void;
  readonly #stalls = { in: new Stall(), out: new Stall() };
  #user: ConnectionUser;
  #bytes = 0;
  /** Bytes written in this turn. */
  #written = 0;
  #paused = false;
  #blocked = false;
  #over = false;

  /**
   * @param socket connected and paused.
   * @param begin gives the first user; what it throws closes the connection, and is thrown on.
   * @param onOver called once, however the connection ends.
   */
  constructor(
    socket: Socket,
    begin: (connection: AcceptedConnection) => ConnectionUser,
    onOver: (connection: AcceptedConnection) => void,
  ) {
    this.address = socket.remoteAddress ?? '';
    this.peer = this.address === '' ? 'a local process' : `${this.address}:${socket.remotePort}`;
    this.#onOver = onOver;
    this.#leg = new Leg(socket, {
      data: (chunk) => this.#data(chunk),
      blocked: (blocked) => {
        if (!blocked) this.#emptied();
      },
      closed: (error) => {
        this.#finish();
        this.#user.closed(error);
      },
    });
    this.#leg.keepAlive(KEEPALIVE_DELAY);
    try {
      this.#user = begin(this);
    } catch (error) {
      this.close(0);
      throw error;
    }
  }

  /** Begins to read. */
  start(): void {
    if (!this.#over) this.#leg.start();
  }

  /** From the next PDU on, even of the same read, another has the connection. */
  handTo(user: ConnectionUser): void {
    this.#user = user;
  }

  /** Bytes written that the kernel has not taken. */
  get unsent(): number {
    return this.#leg.unsent + this.#written;
  }

  /** Adds to what this turn sends. The bytes must not change afterwards. */
  write(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#written += bytes.length;
    this.#leg.write(bytes);
    if (this.#blocked || this.unsent <= MAX_UNSENT) return;
    this.#blocked = true;
    this.#user.blocked(true);
  }

  flush(): void {
    this.#written = 0;
    if (this.#over) return;
    this.#leg.flush();
    // The kernel may take at once what others would wait for: no event tells of that. And they come first.
    if (this.#blocked && this.unsent === 0) setImmediate(() => this.#emptied());
  }

  /** Stops or goes on reading. */
  pause(paused: boolean): void {
    if (this.#over || paused === this.#paused) return;
    this.#paused = paused;
    this.#leg.pause(paused);
  }

  /** What was written still goes out, for as long as `linger` ms; what the peer still sends is dropped. */
  close(linger: number): void {
    if (this.#over) return;
    this.#finish();
    this.#leg.close(linger, true);
  }

  /** @param stallTimeout how long bytes may wait for a peer that takes none, and half a PDU for its rest, ms. */
  tick(now: number, stallTimeout: number): void {
    this.#emptied();
    if (this.#over) return;
    const { unsent } = this.#leg;
    const { pending } = this.#deframer;
    if (this.#stalls.out.observe(unsent > 0, this.#leg.sent, now) > stallTimeout) {
      this.#user.failed(new RpchError('RPCH_STALLED', 'peer', `no progress: it leaves ${unsent} bytes waiting`));
    } else if (this.#stalls.in.observe(pending > 0 && !this.#paused, this.#bytes, now) > stallTimeout) {
      this.#user.failed(
        new RpchError('RPCH_STALLED', 'peer', `no progress: ${pending} bytes wait for the rest of a PDU`),
      );
    } else {
      this.#user.tick(now);
    }
  }

  readonly #pdus: PduSink = {
    rpc: (run, count) => {
      if (!this.#over) this.#user.rpc(run, count);
    },
    rts: (pdu) => {
      if (!this.#over) this.#user.rts(pdu);
    },
  };

  #data(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    try {
      this.#deframer.push(chunk, this.#pdus);
    } catch (error) {
      this.#user.failed(error);
    }
    this.#user.flush();
  }

  #emptied(): void {
    if (this.#over || !this.#blocked || this.unsent > 0) return;
    this.#blocked = false;
    this.#user.blocked(false);
  }

  #finish(): void {
    this.#over = true;
    this.#onOver(this);
  }
}

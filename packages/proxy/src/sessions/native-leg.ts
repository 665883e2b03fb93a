import type { Socket } from 'node:net';
import { BannerReader, Deframer, Leg, type PduSink } from '@rpch/rpc/internal';
import { LINGER } from './channel.ts';
import type { ServerSide } from './half.ts';

export interface NativeLegEvents {
  /** Runs what works on the server's bytes. */
  guard(work: () => void): void;
  /** The turn's work is done. */
  flush(): void;
  blocked(blocked: boolean): void;
  closed(error: Error | undefined): void;
}

/** How long a predecessor's connection may take to send what was written, ms. */
const RETIREMENT = 120_000;

/** The connection of a proxy role to an RPC server that plays the server's role itself (`ncacn_http`). */
export class NativeLeg implements ServerSide {
  readonly toServer: PduSink;
  readonly paused = false;
  readonly #leg: Leg;
  readonly #banner = new BannerReader(false);
  readonly #deframer = new Deframer();
  readonly #events: NativeLegEvents;
  readonly #fromServer: PduSink;
  #received = 0;

  constructor(socket: Socket, keepAlive: number, fromServer: PduSink, events: NativeLegEvents) {
    this.#events = events;
    this.#fromServer = fromServer;
    const leg = new Leg(socket, {
      data: (chunk) => this.#data(chunk),
      blocked: (blocked) => events.blocked(blocked),
      closed: (error) => events.closed(error),
    });
    this.#leg = leg;
    this.toServer = { rpc: (run) => leg.write(run), rts: (pdu) => leg.write(pdu) };
    leg.keepAlive(keepAlive);
  }

  /** Begins to read. */
  start(): void {
    this.#leg.start();
  }

  get unsent(): number {
    return this.#leg.unsent;
  }

  get sent(): number {
    return this.#leg.sent;
  }

  get pending(): number {
    return this.#deframer.pending;
  }

  get received(): number {
    return this.#received;
  }

  keepAlive(interval: number): void {
    this.#leg.keepAlive(interval);
  }

  flush(): void {
    this.#leg.flush();
  }

  retire(): void {
    this.#leg.close(RETIREMENT, true);
  }

  cut(): void {
    this.#leg.close(LINGER);
  }

  #data(chunk: Uint8Array): void {
    this.#received += chunk.length;
    this.#events.guard(() => {
      const at = this.#banner.done ? 0 : this.#banner.take(chunk);
      if (at < chunk.length) this.#deframer.push(at === 0 ? chunk : chunk.subarray(at), this.#fromServer);
    });
    this.#events.flush();
  }
}

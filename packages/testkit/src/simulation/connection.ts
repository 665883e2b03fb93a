import { Pipe } from '../pipe.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import type { ConnectionKind } from './planned-faults.ts';
import type { Process } from './process.ts';
import type { SeededRandom } from './random.ts';

/** What an end tells its owner. Nothing any more once the owner has closed it. */
export interface EndEvents {
  /** Bytes arrive; the view is valid until the call returns. */
  data(chunk: Uint8Array): void;
  /** The other end has ended or reset the connection, or TCP has given it up. */
  ended(): void;
  /** What was written piles up, or no longer does. */
  blocked(blocked: boolean): void;
}

export interface LinkPace {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Longest time between two deliveries, ms. */
  readonly slowest: number;
  /** How often a delivery takes half a second, from 0 to 1. */
  readonly hiccups: number;
}

const HICCUP = 500;
/** The largest piece that is delivered at once, bytes. */
export const CHUNK = 65_536;

/** Who pauses a reader: each on its own. */
const PAUSERS = { role: 1, slow: 2, deaf: 4 } as const;

/** One end of a TCP connection in virtual time. */
export class ConnectionEnd {
  readonly process: Process;
  readonly connection: Connection;
  readonly #out: Pipe;
  readonly #in: () => Pipe;
  #events: EndEvents | undefined;
  #closed = false;
  #pausers = 0;

  constructor(process: Process, connection: Connection, out: Pipe, incoming: () => Pipe) {
    this.process = process;
    this.connection = connection;
    this.#out = out;
    this.#in = incoming;
    process.ends.add(this);
  }

  /** Whether its owner has closed it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes on the way at which the writer is asked to stop. */
  get capacity(): number {
    return this.#out.capacity;
  }

  /** Bytes written that have not arrived. */
  get unsent(): number {
    return this.#out.bytes;
  }

  /** Bytes written that have arrived, in all. */
  get sent(): number {
    return this.#out.delivered;
  }

  /** Bytes that have arrived here, in all. */
  get received(): number {
    return this.#in().delivered;
  }

  listen(events: EndEvents): void {
    this.#events = events;
  }

  /** For the connection: something to tell. */
  get events(): EndEvents | undefined {
    return this.#closed ? undefined : this.#events;
  }

  write(bytes: Uint8Array): void {
    if (!this.#closed) this.#out.write(bytes);
  }

  /** Stops or goes on reading. */
  pause(who: keyof typeof PAUSERS, paused: boolean): void {
    if (this.#closed) return;
    const pausers = paused ? this.#pausers | PAUSERS[who] : this.#pausers & ~PAUSERS[who];
    if (pausers === this.#pausers) return;
    this.#pausers = pausers;
    this.#in().pause(pausers !== 0);
  }

  /** Ends this direction and goes on reading. */
  halfClose(): void {
    this.#out.end();
  }

  /** What was written goes out, then the connection is closed; what still comes in is dropped. */
  close(): void {
    this.#close(() => this.#out.end());
  }

  /** Resets the connection: what is on the way is lost. */
  abort(): void {
    this.#close(() => this.#out.reset());
  }

  #close(endOut: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.process.ends.delete(this);
    endOut();
    this.#in().discard();
    this.connection.endClosed();
  }
}

/** A TCP connection in virtual time: two pipes and two ends. */
export class Connection {
  readonly kind: ConnectionKind;
  readonly name: string;
  readonly a: ConnectionEnd;
  readonly b: ConnectionEnd;
  readonly #pipes: readonly [Pipe, Pipe];
  readonly #over: (connection: Connection) => void;

  /**
   * @param opening ms until the first bytes get through.
   * @param over both ends have closed.
   */
  constructor(
    kind: ConnectionKind,
    name: string,
    a: Process,
    b: Process,
    pace: LinkPace,
    opening: number,
    over: (connection: Connection) => void,
  ) {
    this.kind = kind;
    this.name = name;
    this.#over = over;
    const toB = makePipe(
      pace,
      opening,
      () => this.a.events,
      () => this.b.events,
    );
    const toA = makePipe(
      pace,
      opening,
      () => this.b.events,
      () => this.a.events,
    );
    this.#pipes = [toB, toA];
    this.a = new ConnectionEnd(a, this, toB, () => toA);
    this.b = new ConnectionEnd(b, this, toA, () => toB);
  }

  /** Nothing arrives any more, either way. */
  stall(): void {
    for (const pipe of this.#pipes) pipe.stall(true);
  }

  /** Everything arrives again. */
  goOn(): void {
    for (const pipe of this.#pipes) pipe.stall(false);
  }

  /** TCP gives the connection up: both ends learn of it. */
  giveUp(): void {
    for (const pipe of this.#pipes) {
      pipe.stall(false);
      pipe.reset();
    }
  }

  /** For the ends. */
  endClosed(): void {
    if (this.a.closed && this.b.closed) this.#over(this);
  }
}

function makePipe(
  { clock, random, slowest, hiccups }: LinkPace,
  opening: number,
  writer: () => EndEvents | undefined,
  reader: () => EndEvents | undefined,
): Pipe {
  let wait = opening;
  return new Pipe(
    {
      clock,
      latency: () => {
        const opens = wait;
        wait = 0;
        return opens + (hiccups > 0 && random.chance(hiccups) ? HICCUP : random.int(0, slowest));
      },
      cut: (available) => {
        const kind = random.next();
        if (kind < 0.75) return Math.min(available, CHUNK);
        return random.int(1, Math.min(available, kind < 0.92 ? 6000 : 40));
      },
      capacity: random.pick([16_384, 65_536, 131_072]),
    },
    {
      data: (chunk) => reader()?.data(chunk),
      ended: () => reader()?.ended(),
      blocked: (blocked) => writer()?.blocked(blocked),
    },
  );
}

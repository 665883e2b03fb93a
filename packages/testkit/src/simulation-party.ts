import { Deframer, type PduSink } from '@rpch/rpc/internal';
import { Pipe } from './pipe.ts';
import type { SeededRandom } from './simulation-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What closes on purpose lingers, so that its last bytes still go out, ms. */
const LINGER = 500;

/** A process with connections. When one of them ends, all do. */
export class Party {
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #closing: (() => void)[] = [];
  #closed: string | undefined;

  constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.#clock = clock;
  }

  /** Why it closed; undefined while it has not. */
  get closed(): string | undefined {
    return this.#closed;
  }

  /** Adds a connection's end: how it is closed, in two steps. */
  owns(out: Pipe): void {
    this.#closing.push(() => {
      out.end();
      this.#clock.after(LINGER, () => out.reset());
    });
  }

  close(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    for (const close of this.#closing) close();
  }
}

/** One end of a connection: who it belongs to, what becomes of PDUs that arrive there. */
export interface End {
  readonly party: Party;
  readonly receive: PduSink;
  /** Before anything else: the first bytes are there. */
  readonly began?: () => void;
  /** What this end writes piles up, or no longer does. */
  readonly blocked?: (blocked: boolean) => void;
}

/** What an end writes to. */
export interface Wire extends PduSink {
  readonly pipe: Pipe;
}

export interface LinkOptions {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  /** Longest time between two deliveries, ms. */
  readonly slowest: number;
  /** Whether it now and then takes half a second. */
  readonly stalls: boolean;
}

/** Bytes of a PDU that has not come in whole, asked of a link. */
export interface Link {
  /** Towards `b`, for `a` to write. */
  readonly toB: Wire;
  /** Towards `a`, for `b` to write. */
  readonly toA: Wire;
  /** Bytes of a PDU at `b` whose rest is still to come. */
  pendingAtB(): number;
}

/** A full-duplex connection that carries bytes, each end behind a deframer. */
export function link(a: End, b: End, options: LinkOptions): Link {
  const atA = new Deframer();
  const atB = new Deframer();
  return {
    toB: oneWay(a, b, atB, options),
    toA: oneWay(b, a, atA, options),
    pendingAtB: () => atB.pending,
  };
}

function oneWay(from: End, to: End, deframer: Deframer, { clock, random, slowest, stalls }: LinkOptions): Wire {
  let began = false;
  const pipe = new Pipe(
    {
      clock,
      latency: () => (stalls && random.chance(0.01) ? 500 : random.int(0, slowest)),
      cut: (available) => {
        const kind = random.next();
        if (kind < 0.6) return Math.min(available, 65_536);
        return random.int(1, Math.min(available, kind < 0.85 ? 6000 : 40));
      },
      capacity: random.pick([16_384, 65_536, 262_144]),
    },
    {
      data: (chunk) => {
        if (to.party.closed !== undefined) return;
        if (!began) to.began?.();
        began = true;
        deframer.push(chunk, to.receive);
      },
      ended: () => to.party.close(`${from.party.name} closed`),
      blocked: (blocked) => {
        if (from.party.closed === undefined) from.blocked?.(blocked);
      },
    },
  );
  from.party.owns(pipe);
  return { pipe, rpc: (run) => pipe.write(run), rts: (pdu) => pipe.write(pdu) };
}

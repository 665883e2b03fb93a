import type { VirtualClock } from '../virtual-clock.ts';
import type { Death, ProcessName } from './planned-faults.ts';

/** When TCP gives up a peer that does not answer, ms. */
const VANISHED_NOTICED = 400_000;

/** The process's end of a connection. */
export interface OwnEnd {
  readonly connection: { stall(): void; giveUp(): void };
  close(): void;
  abort(): void;
  pause(who: 'deaf', paused: boolean): void;
}

/** A process with connections and timers, which can die. */
export class Process {
  readonly name: ProcessName;
  readonly ends = new Set<OwnEnd>();
  readonly #clock: VirtualClock;
  #dead = false;

  constructor(name: ProcessName, clock: VirtualClock) {
    this.name = name;
    this.#clock = clock;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** `work` later, unless the process has died by then. */
  later(ms: number, work: () => void): void {
    this.#clock.after(ms, () => {
      if (!this.#dead) work();
    });
  }

  /** The process ends: its timers with it, and its connections. */
  die(how: Death): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const end of [...this.ends]) {
      if (how === 'close') end.close();
      else if (how === 'reset') end.abort();
      else this.#vanish(end);
    }
  }

  /** Nobody says anything: the other end finds out by TCP. */
  #vanish(end: OwnEnd): void {
    const { connection } = end;
    connection.stall();
    end.close();
    this.#clock.after(VANISHED_NOTICED, () => connection.giveUp());
  }
}

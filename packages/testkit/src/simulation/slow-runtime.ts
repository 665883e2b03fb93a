import { InvariantError } from './invariant.ts';
import type { Process } from './process.ts';
import { SeededRandom } from './random.ts';
import type { Surroundings } from './surroundings.ts';

/** Longest time that a run-time takes no more, ms, and how often it takes much longer. */
const PAUSE = 300;
const LONG_PAUSE = 3000;
const SELDOM = 0.1;
const MAX_PDU = 65_535;

/** An RPC run-time that now and then takes no more for a while: what is given to it meanwhile it has to hold. */
export class SlowRuntime {
  readonly #name: string;
  readonly #process: Process;
  readonly #chance: number;
  readonly #random: SeededRandom;
  readonly #mostHeld: number;
  readonly #setBlocked: (blocked: boolean) => void;
  #blocked = false;
  #held = 0;

  /**
   * @param window what its role advertises, bytes.
   * @param setBlocked tells the role.
   */
  constructor(
    name: string,
    world: Surroundings,
    process: Process,
    window: number,
    setBlocked: (blocked: boolean) => void,
  ) {
    const { plan } = world;
    this.#name = name;
    this.#process = process;
    this.#chance = plan.pauses;
    this.#random = SeededRandom.of(plan.seed, `run-time of ${name}`);
    // A successor of the channel may bring a window of its own.
    this.#mostHeld = world.audits && plan.client === 'conforming-1.1' ? 2 * Math.max(window, MAX_PDU) : 2 ** 31;
    this.#setBlocked = setBlocked;
  }

  /** RPC PDUs were given to it. */
  takes(bytes: number): void {
    if (this.#chance === 0) return;
    if (this.#blocked) {
      this.#held += bytes;
      if (this.#held > this.#mostHeld) {
        throw new InvariantError('memory', `the blocked run-time of ${this.#name} was given ${this.#held} bytes`);
      }
    } else if (this.#random.chance(this.#chance)) {
      this.#blocked = true;
      this.#held = 0;
      this.#setBlocked(true);
      this.#process.later(this.#random.int(1, this.#random.chance(SELDOM) ? LONG_PAUSE : PAUSE), () => {
        this.#blocked = false;
        this.#setBlocked(false);
      });
    }
  }
}

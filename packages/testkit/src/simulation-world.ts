import { namesOf, type PduSink, parseRts, TICK } from '@rpch/rpc/internal';
import type { Party, Wire } from './simulation-party.ts';
import type { Plan } from './simulation-plan.ts';
import type { SeededRandom } from './simulation-random.ts';
import type { VirtualClock } from './virtual-clock.ts';

interface Ticking {
  tick(now: number): void;
}

/** What surrounds the roles: time, chance, and somebody who writes down what happens. */
export class World {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly #trace: ((line: string) => void) | undefined;

  constructor(plan: Plan, clock: VirtualClock, random: SeededRandom, trace?: (line: string) => void) {
    this.plan = plan;
    this.clock = clock;
    this.random = random;
    this.#trace = trace;
  }

  /** `work` later, unless the party has closed by then. */
  later(party: Party, ms: number, work: () => void): void {
    this.clock.after(ms, () => {
      if (party.closed === undefined) work();
    });
  }

  /** Tells a role the time at regular intervals. */
  tickForEver(party: Party, role: Ticking): void {
    const tick = () => {
      role.tick(this.clock.now);
      this.later(party, TICK, tick);
    };
    this.later(party, this.random.int(1, TICK), tick);
  }

  /** Now and then a role's run-time takes no more for a while. */
  blockNowAndThen(role: { runtimeBlocked(blocked: boolean): void }): void {
    if (!this.random.chance(this.plan.pauses)) return;
    role.runtimeBlocked(true);
    this.clock.after(this.random.int(1, 300), () => role.runtimeBlocked(false));
  }

  /** A sink whose reader now and then pauses the wire for a while. */
  pausing(wire: () => Wire, sink: PduSink): PduSink {
    const pause = () => {
      if (!this.random.chance(this.plan.pauses)) return;
      wire().pipe.pause(true);
      this.clock.after(this.random.int(1, 300), () => wire().pipe.pause(false));
    };
    return {
      rpc: (run, count) => {
        sink.rpc(run, count);
        pause();
      },
      rts: (pdu) => {
        sink.rts(pdu);
        pause();
      },
    };
  }

  /** A sink of which the schedule tells. It is asked for when it is needed: roles know each other before they are wired. */
  traced(name: string, sink: () => PduSink): PduSink {
    const trace = this.#trace;
    return {
      rpc: (run, count) => {
        trace?.(`${this.clock.now} ms  ${name}  ${count} RPC PDUs, ${run.length} bytes`);
        sink().rpc(run, count);
      },
      rts: (pdu) => {
        trace?.(`${this.clock.now} ms  ${name}  ${namesOf(parseRts(pdu)).join(' = ')}`);
        sink().rts(pdu);
      },
    };
  }
}

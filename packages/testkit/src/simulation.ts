import { type Plan, planOf } from './simulation-plan.ts';
import { SeededRandom } from './simulation-random.ts';
import { SimulatedSession } from './simulation-session.ts';
import { World } from './simulation-world.ts';
import { VirtualClock } from './virtual-clock.ts';

/** Virtual time within which everything must be delivered, ms. */
const PATIENCE = 3_600_000;
/** Virtual time within which the end of one party must be the end of all, ms. */
const END_WITHIN = 60_000;
/** Lines of a failed schedule that are shown. */
const SHOWN = 80;

/** What a schedule that went well did. */
export interface SimulationResult {
  readonly plan: Plan;
  /** `delivered`: everything; `cut`: somebody closed in the middle, or a channel was used up. */
  readonly outcome: 'delivered' | 'cut';
  /** ms of virtual time. */
  readonly time: number;
}

/** A schedule that broke an invariant. The message has the seed, the plan and the last of what happened. */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure';
  readonly seed: number;

  constructor(seed: number, cause: unknown, schedule: readonly string[]) {
    const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const shown = schedule.slice(-SHOWN);
    const left = schedule.length - shown.length;
    super(
      [
        `seed ${seed}: ${why}`,
        JSON.stringify(planOf(seed)),
        ...(left > 0 ? [`(${left} lines before)`] : []),
        ...shown,
      ].join('\n'),
      { cause },
    );
    this.seed = seed;
  }
}

/**
 * Runs the four roles together once, in virtual time, with everything that the seed decides: clients, windows, sizes,
 * latencies, cuts, pauses, ends. Invariants: no byte of an RPC PDU is lost, doubled or out of order; all is delivered in
 * finite time; nobody holds more than a window and one run; the end of one connection ends all. Throws
 * {@link SimulationFailure}.
 */
export function simulate(seed: number): SimulationResult {
  try {
    return run(seed);
  } catch {
    const schedule: string[] = [];
    try {
      run(seed, (line) => schedule.push(line));
    } catch (cause) {
      throw new SimulationFailure(seed, cause, schedule);
    }
    throw new SimulationFailure(seed, new Error('failed once and not again: it does not follow from the seed'), []);
  }
}

function run(seed: number, trace?: (line: string) => void): SimulationResult {
  const plan = planOf(seed);
  const clock = new VirtualClock();
  const random = new SeededRandom(seed ^ 0x5bd1_e995);
  const session = new SimulatedSession(new World(plan, clock, random, trace));
  const closeOne = () => {
    const party = random.pick(session.parties as [(typeof session.parties)[number]]);
    trace?.(`${clock.now} ms  ${party.name} is closed`);
    party.close('closed on purpose');
  };
  if (plan.endsAt !== undefined) clock.after(plan.endsAt, closeOne);
  session.start();
  const closed = () => session.parties.filter((party) => party.closed !== undefined).length;
  while (!session.delivered && closed() === 0) {
    if (clock.now > PATIENCE || !clock.step()) throw new Error(`waits for ever: ${session.progress}`);
    session.check();
  }
  const time = clock.now;
  const { delivered } = session;
  if (delivered) closeOne();
  else if (!isExpected(session, plan)) throw new Error(`ended too early: ${session.progress}`);
  while (closed() < session.parties.length) {
    if (clock.now > time + END_WITHIN || !clock.step()) throw new Error(`not all ended: ${session.progress}`);
  }
  return { plan, outcome: delivered ? 'delivered' : 'cut', time };
}

/** Whether somebody may have closed: on purpose, or since a channel's Content-Length is used up. */
function isExpected({ parties }: SimulatedSession, { lifetimes }: Plan): boolean {
  const short = Math.min(lifetimes.in, lifetimes.out) < 1024 ** 3;
  return parties.some(
    ({ closed }) => closed === 'closed on purpose' || (short && closed?.endsWith('-channel-used-up') === true),
  );
}

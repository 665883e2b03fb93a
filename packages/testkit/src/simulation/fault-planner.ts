import { RTS_PDUS } from '@rpch/rpc/internal';
import type { Plan } from './plan.ts';
import type { ConnectionKind, Fault, HostileDeed, Moment, ProcessName } from './planned-faults.ts';
import type { SeededRandom } from './random.ts';

type Unfaulted = Omit<Plan, 'faults'>;

const RECYCLING = RTS_PDUS.map(({ name }) => name).filter((name) => /^(IN|OUT)_R/.test(name));
const OPENING = RTS_PDUS.map(({ name }) => name).filter((name) => name.startsWith('CONN/'));
const WITH_COOKIES = RTS_PDUS.filter(({ fields }) => fields.some(([command]) => command === 'Cookie')).map(
  ({ name }) => name,
);
/** After these somebody waits for somebody else's queue to become empty. */
const FLUSHES = ['IN_R1/A5', 'IN_R1/A6', 'IN_R2/A5', 'OUT_R1/A9', 'OUT_R2/B1', 'OUT_R2/A4', 'OUT_R2/C1'] as const;

/** RTS PDUs of an opening, without acknowledgements. */
const OPENING_STEPS = 9;
/** RTS PDUs after which a schedule is likely to be over. */
const MOST_STEPS = 60;

/** The faults of a schedule: about half have none. */
export function faultsOf(plan: Unfaulted, random: SeededRandom): readonly Fault[] {
  const faults: Fault[] = [];
  if (plan.arrangement === 'native' && plan.hosts.length > 1 && random.chance(0.2)) {
    faults.push({ kind: 'drain', host: random.int(0, plan.hosts.length - 1), when: momentOf(random) });
  }
  if (random.chance(0.15)) {
    const which = random.pick(['oldest', 'newest'] as const);
    const on = connectionOf(plan, random);
    const delay: Fault = { kind: 'delay', on, which, ms: delayOf(random), when: momentOf(random) };
    // Samba's client is told apart by what it does in time: silent for long in mid-call, it is taken for one that waits.
    if (plan.client !== 'samba' || on !== 'C>IP') faults.push(delay);
  }
  const fault = faultOf(plan, random);
  if (fault !== undefined) faults.push(fault);
  return faults;
}

function faultOf(plan: Unfaulted, random: SeededRandom): Fault | undefined {
  const kind = random.next();
  if (kind < 0.46) return undefined;
  if (kind < 0.58) {
    return {
      kind: 'death',
      who: whoOf(plan, random),
      how: random.pick(['close', 'reset', 'vanish']),
      when: momentOf(random),
    };
  }
  if (kind < 0.66) {
    const fate = random.pick(['refused', 'cut-off', 'swallowed'] as const);
    return { kind: fate, channel: random.pick(['in', 'out']), nth: random.pick([0, 1, 1, 1, 2, 2, 3]) };
  }
  if (kind < 0.68) return { kind: 'unreachable', nth: random.int(0, 5) };
  const which = random.pick(['oldest', 'newest'] as const);
  if (kind < 0.73) {
    const end = random.pick(['a', 'b'] as const);
    return { kind: 'half-close', on: connectionOf(plan, random), which, end, when: momentOf(random) };
  }
  if (kind < 0.79) {
    const noticed = random.pick([45_000, 180_000]);
    return { kind: 'stall', on: connectionOf(plan, random), which, noticed, when: momentOf(random) };
  }
  if (kind < 0.83) {
    const pdu = random.pick(WITH_COOKIES as [string, ...string[]]);
    return {
      kind: 'wrong-cookie',
      pdu,
      nth: random.pick([0, 0, 1]),
      fromLast: random.pick([0, 0, 1, 2]),
      mustEnd: false,
    };
  }
  if (kind < 0.87) {
    const pdu = random.pick((random.chance(0.85) ? RECYCLING : OPENING) as [string, ...string[]]);
    return { kind: 'lost', pdu, nth: random.pick([0, 0, 1]) };
  }
  return hostileOf(plan, random);
}

function hostileOf(plan: Unfaulted, random: SeededRandom): Fault {
  const deeds: readonly [HostileDeed, ...HostileDeed[]] = [
    ...(['rts', 'rts', 'recycling', 'recycling', 'recycling', 'opening', 'rpc', 'duplicate', 'ack', 'ack'] as const),
    ...(['overrun', 'flood', 'flood', 'deaf', 'deaf'] as const),
  ];
  const times = random.pick([1, 1, 2, 5]);
  return { kind: 'hostile', who: whoOf(plan, random), deed: random.pick(deeds), times, when: momentOf(random) };
}

/** Steps of the sequences are few among the steps of the world, so most moments count or name them. */
function momentOf(random: SeededRandom): Moment {
  const kind = random.next();
  if (kind < 0.3) {
    return { after: 'pdus', count: random.chance(0.25) ? random.int(1, OPENING_STEPS) : random.int(10, MOST_STEPS) };
  }
  if (kind < 0.7) {
    const name = random.pick((random.chance(0.6) ? FLUSHES : RECYCLING) as readonly [string, ...string[]]);
    return { after: 'pdu', name, nth: random.pick([0, 0, 1]), steps: random.pick([0, 0, 1, 3, 10]) };
  }
  return { after: 'steps', count: Math.floor(10 * 300 ** random.next()) };
}

/** Less than a client waits for an inbound proxy that has not acknowledged yet, ms. */
export function delayOf(random: SeededRandom): number {
  return random.pick([100, 1000, random.int(2500, 4500)]);
}

function whoOf({ arrangement, hosts }: Unfaulted, random: SeededRandom): ProcessName {
  const host: ProcessName = `host ${random.int(0, hosts.length - 1)}`;
  return random.pick(['client', host, host, arrangement === 'native' ? 'server' : 'backend']);
}

function connectionOf({ arrangement }: Unfaulted, random: SeededRandom): ConnectionKind {
  if (arrangement === 'joined') return random.pick(['C>IP', 'C>OP', 'B>S']);
  return random.pick(['C>IP', 'C>OP', 'IP>S', 'OP>S']);
}

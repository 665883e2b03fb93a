import { faultsOf } from './fault-planner.ts';
import { RECYCLING_TIMEOUT, SETUP_TIMEOUT } from './limits.ts';
import {
  type ClientKind,
  LONG_LIFETIME,
  type Plan,
  type PlannedCall,
  type PlannedMessage,
  SHORT_LIFETIME,
  USUAL_FRAGMENT,
} from './plan.ts';
import { SeededRandom } from './random.ts';
import { SHAPES } from './shapes.ts';

/** The least that the proxies' windows must have in the joined arrangement, where the receivers are ours. */
const INNER_WINDOW = 128 * 1024;
const MOST_FRAGMENTS = 260;
const LITTLE_WINDOW = 16_384;

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = SeededRandom.of(seed, 'plan');
  const client = random.pick<ClientKind>([
    ...(['conforming-1.1', 'conforming-1.1', 'conforming-1.1', 'conforming-1.1', 'conforming-1.1'] as const),
    'conforming-1.0',
    'samba',
  ]);
  const plan = usualPlan(seed, client, random);
  let share = random.next();
  for (const [kind, part, shape, faults] of SHAPES) {
    if (kind !== client) continue;
    if (share < part) return finished(shape(plan, random), faults);
    share -= part;
  }
  return finished(plan, 'faults');
}

/** With faults as they come, where the plan has not its own or none. */
function finished(plan: Plan, faults: 'faults' | 'own faults'): Plan {
  // Whoever is not greeted learns that a recycling is complete when half a window is used: that must not take long.
  const greets = plan.seed % 2 === 0 || plan.hosts.some(({ inbound }) => inbound > LITTLE_WINDOW);
  const more = faults === 'faults' ? faultsOf(plan, SeededRandom.of(plan.seed, 'faults')) : plan.faults;
  return { ...plan, greets, faults: more };
}

function usualPlan(seed: number, client: ClientKind, random: SeededRandom): Plan {
  const arrangement = random.chance(0.8) ? 'native' : 'joined';
  const conforming = client === 'conforming-1.1';
  const window = () => random.pick([8192, 8193, 11_680, 16_384, 65_536, 131_072, random.int(8192, 262_144)]);
  // How an undecided client behaves is seen where both halves are.
  const hosts = arrangement === 'joined' || !conforming ? 1 : random.pick([1, 2, 2, 3, 3]);
  const route = () => Array.from({ length: random.int(1, 5) }, () => random.int(0, hosts - 1));
  const calm = random.chance(0.4);
  const short = random.chance(client === 'samba' ? 0.15 : 0.85);
  return {
    seed,
    arrangement,
    client,
    traffic: conforming && random.chance(0.4) ? 'free' : 'calls',
    hosts: Array.from({ length: hosts }, () => ({ inbound: window(), outbound: window() })),
    routes: { in: route(), out: route() },
    windows: { client: window(), server: arrangement === 'joined' ? random.pick([INNER_WINDOW, window()]) : window() },
    lifetimes: {
      in: short && client !== 'samba' && random.chance(0.8) ? SHORT_LIFETIME : LONG_LIFETIME,
      out: short ? SHORT_LIFETIME : LONG_LIFETIME,
    },
    calls: callsOf(client, random),
    breaks: { client: client === 'samba' ? 5 : random.pick([2, 30, 400]), server: random.pick([2, 30, 400]) },
    concurrency: client === 'samba' ? 1 : random.int(1, 4),
    silence: silenceOf(random),
    lingers: random.chance(0.15) ? random.int(35_000, 150_000) : 0,
    slowest: random.pick([1, 20, 80]),
    hiccups: calm ? 0 : random.pick([0.002, 0.02]),
    pauses: calm ? 0 : random.pick([0.01, 0.05, 0.2]),
    setupTimeout: random.pick([SETUP_TIMEOUT, 45_000]),
    recyclingTimeouts: { client: patience(random), proxies: patience(random), server: patience(random) },
    banner: random.chance(0.5),
    greets: true,
    keepAlives: random.chance(0.1) ? random.int(1, 3) : 0,
    faults: [],
    ends: random.int(0, 9),
  };
}

/** Whoever has least of it ends a session in which somebody does not answer. */
function patience(random: SeededRandom): number {
  return random.pick([RECYCLING_TIMEOUT, RECYCLING_TIMEOUT / 2]);
}

/** Silences in which Pings are due, and seldom one in which the server is told of them (3.2.4.6). */
function silenceOf(random: SeededRandom): number {
  if (random.chance(0.96)) return 0;
  return random.chance(0.95) ? random.int(60_000, 300_000) : random.int(3_200_000, 3_400_000);
}

/** About so many bytes in either direction that channels are recycled up to a few times. */
function callsOf(client: ClientKind, random: SeededRandom): readonly PlannedCall[] {
  const longest =
    client === 'conforming-1.1'
      ? random.pick([200, USUAL_FRAGMENT, USUAL_FRAGMENT, 16_384, 30_000, 65_535])
      : USUAL_FRAGMENT;
  const volume = () => random.pick([2000, 20_000, 120_000, 120_000, 150_000, 200_000, 300_000]);
  const [requests, answers] = [volume(), volume()];
  const calls = random.pick([1, 2, 4, 8, 12]);
  // Answers so small that the client never has to acknowledge any.
  const tiny = random.chance(0.1);
  const message = (bytes: number): PlannedMessage => {
    const shortest = random.pick([16, 16, Math.ceil(longest / 2)]);
    const average = (shortest + longest) / 2;
    const most = Math.max(1, Math.floor(MOST_FRAGMENTS / calls));
    return { fragments: Math.min(most, Math.max(1, Math.round(bytes / calls / average))), shortest, longest };
  };
  return Array.from({ length: calls }, () => ({
    request: message(requests),
    answer: tiny ? { fragments: 1, shortest: 16, longest: 64 } : message(answers),
  }));
}

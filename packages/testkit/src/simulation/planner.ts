import { faultsOf } from './fault-planner.ts';
import { RECYCLING_TIMEOUT, SETUP_TIMEOUT } from './limits.ts';
import { type ClientKind, LONG_LIFETIME, type Plan, type PlannedCall, type PlannedMessage } from './plan.ts';
import type { Fault, Moment } from './planned-faults.ts';
import { SeededRandom } from './random.ts';

/** The least that a channel's Content-Length may be ([MS-RPCH] 2.2.3.5.5), bytes. */
const SHORT_LIFETIME = 128 * 1024;
/** What clients are taken to send at most while it is not known how they behave. */
const USUAL_FRAGMENT = 5840;
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

/** One of them has least. */
function impatient(random: SeededRandom): Plan['recyclingTimeouts'] {
  const all = { client: RECYCLING_TIMEOUT, proxies: RECYCLING_TIMEOUT, server: RECYCLING_TIMEOUT };
  return { ...all, [random.pick(['client', 'proxies', 'proxies', 'server'])]: RECYCLING_TIMEOUT / 2 };
}

type Shape = (plan: Plan, random: SeededRandom) => Plan;

/** What seldom happens by itself: of which clients which part of the plans is made for it, and whether it has its own faults. */
const SHAPES: readonly (readonly [client: ClientKind, part: number, shape: Shape, faults: 'faults' | 'own faults'])[] =
  [
    ['conforming-1.1', 0.04, slowClient, 'faults'],
    ['conforming-1.1', 0.04, slowServer, 'faults'],
    ['conforming-1.1', 0.02, brisk, 'own faults'],
    ['conforming-1.1', 0.01, manyKeepAlives, 'own faults'],
    ['conforming-1.1', 0.04, floodedWhileFlushing, 'own faults'],
    ['conforming-1.1', 0.025, clientStopsWhileFlushing, 'own faults'],
    ['conforming-1.1', 0.02, serverStopsWhileFlushing, 'own faults'],
    ['conforming-1.1', 0.04, noAnswer, 'own faults'],
    ['conforming-1.1', 0.03, wrongAnswer, 'own faults'],
    ['conforming-1.1', 0.01, outboundVanishes, 'own faults'],
    ['conforming-1.1', 0.015, floodedSuccessor, 'own faults'],
    ['conforming-1.1', 0.02, lateAcknowledgements, 'own faults'],
    ['samba', 0.15, deafSamba, 'own faults'],
  ];

/** Everything goes as fast as it can, through small windows. */
function brisk(plan: Plan): Plan {
  const message = { fragments: 110, shortest: 1000, longest: 2000 };
  return {
    ...plan,
    traffic: 'free',
    hosts: plan.hosts.map(() => ({ inbound: 8192, outbound: 8192 })),
    windows: { client: 8192, server: 8192 },
    calls: [
      { request: message, answer: message },
      { request: message, answer: message },
    ],
    breaks: { client: 2, server: 2 },
    silence: 0,
    slowest: 1,
    hiccups: 0,
    pauses: 0,
  };
}

/** Samba's client reads no more while it is sent much, which only TCP can tell its proxy. */
function deafSamba(plan: Plan, random: SeededRandom): Plan {
  const when = { after: 'steps', count: random.int(20, 60) } as const;
  return {
    ...plan,
    hosts: [{ inbound: 8192, outbound: random.pick([8192, 65_536]) }],
    calls: [{ request: SMALL, answer: { fragments: 180, shortest: 2000, longest: USUAL_FRAGMENT } }],
    breaks: { client: 5, server: 2 },
    faults: [{ kind: 'hostile', who: 'client', deed: 'deaf', times: 1, when }],
  };
}

/** More is always on the way than the client takes: outbound proxies have something to send when they are replaced. */
function slowClient(plan: Plan): Plan {
  return {
    ...plan,
    traffic: 'free',
    hosts: plan.hosts.map(({ inbound }) => ({ inbound, outbound: 131_072 })),
    windows: { ...plan.windows, client: 8192 },
    lifetimes: { in: LONG_LIFETIME, out: SHORT_LIFETIME },
    calls: [{ request: SMALL, answer: { fragments: 110, shortest: 16, longest: USUAL_FRAGMENT } }],
    slowest: 80,
  };
}

/** The same on the way to the server. */
function slowServer(plan: Plan): Plan {
  return {
    ...plan,
    traffic: 'free',
    hosts: plan.hosts.map(({ outbound }) => ({ inbound: 131_072, outbound })),
    windows: { ...plan.windows, server: 8192 },
    lifetimes: { in: SHORT_LIFETIME, out: LONG_LIFETIME },
    calls: [{ request: { fragments: 110, shortest: 16, longest: USUAL_FRAGMENT }, answer: SMALL }],
    slowest: 80,
    pauses: 0.2,
  };
}

/** Two hosts in turn, or one; and somebody has less patience than the others. */
function natively(plan: Plan, random: SeededRandom, two = 0.5): Plan {
  const [first = { inbound: 131_072, outbound: 131_072 }] = plan.hosts;
  const turns = random.chance(two) ? [0, 1] : [0];
  return {
    ...plan,
    arrangement: 'native',
    hosts: [first, first],
    routes: { in: turns, out: turns },
    recyclingTimeouts: impatient(random),
  };
}

function atOneOf(
  random: SeededRandom,
  ...names: readonly [string, ...string[]]
): Extract<Moment, { readonly after: 'pdu' }> {
  return { after: 'pdu', name: random.pick(names), nth: 0, steps: random.pick([0, 0, 1, 2]) };
}

/** The server fills what is left of the OUT channel while the proxy sends its last. */
function floodedWhileFlushing(plan: Plan, random: SeededRandom): Plan {
  const when = atOneOf(random, 'OUT_R1/A9', 'OUT_R2/B1', 'OUT_R2/A4', 'OUT_R2/A4', 'OUT_R2/A4');
  const flood = { kind: 'hostile', who: 'server', deed: 'client-flood', times: 2, when } as const;
  const faults: Fault[] = [flood];
  if (when.name === 'OUT_R2/A4' && random.chance(0.5)) faults.push({ kind: 'lost', pdu: 'OUT_R2/C1', nth: 0 });
  return { ...natively(slowClient(plan), random, when.name === 'OUT_R1/A9' ? 1 : 0), faults };
}

function clientStopsWhileFlushing(plan: Plan, random: SeededRandom): Plan {
  const when = atOneOf(random, 'OUT_R1/A9', 'OUT_R2/B1');
  const proxies = random.chance(0.7) ? RECYCLING_TIMEOUT / 3 : RECYCLING_TIMEOUT;
  return {
    ...natively(slowClient(plan), random, 0.7),
    recyclingTimeouts: { client: RECYCLING_TIMEOUT, proxies, server: RECYCLING_TIMEOUT },
    faults: [{ kind: 'hostile', who: 'client', deed: 'deaf', times: 1, when }],
  };
}

function serverStopsWhileFlushing(plan: Plan, random: SeededRandom): Plan {
  const name = random.pick(['IN_R1/A5', 'IN_R1/A6', 'IN_R1/A6']);
  const when = { after: 'pdu', name, nth: 0, steps: random.int(0, 40) } as const;
  const stall = { kind: 'stall', on: 'IP>S', which: 'oldest', noticed: 180_000, when } as const;
  const deaf = { kind: 'hostile', who: 'server', deed: 'deaf', times: 1, when } as const;
  return { ...natively(slowServer(plan), random, 0.8), faults: [random.chance(0.7) ? stall : deaf] };
}

/** One PDU of a recycling is never sent, or two that would come by different ways. */
function noAnswer(plan: Plan, random: SeededRandom): Plan {
  const pdu = random.pick(LOST);
  const faults = [{ kind: 'lost', pdu, nth: 0 } as const];
  if (pdu === 'OUT_R2/A7') faults.push({ kind: 'lost', pdu: 'OUT_R2/C1', nth: 0 });
  const setupTimeout = random.pick([20_000, SETUP_TIMEOUT]);
  return { ...natively(recycling(plan, pdu), random, pdu.includes('R2') ? 0 : 1), setupTimeout, faults };
}

/** One PDU of a recycling names another channel. */
function wrongAnswer(plan: Plan, random: SeededRandom): Plan {
  const [pdu, fromLast] = random.pick(WRONG);
  const faults: Fault[] = [{ kind: 'wrong-cookie', pdu, nth: 0, fromLast, mustEnd: true }];
  if (pdu === 'OUT_R2/A7' && random.chance(0.5)) faults.push({ kind: 'lost', pdu: 'OUT_R2/C1', nth: 0 });
  return { ...natively(recycling(plan, pdu), random, pdu.includes('R2') ? 0 : 1), faults };
}

/** A successor brings too much before its predecessor has ended. */
function floodedSuccessor(plan: Plan, random: SeededRandom): Plan {
  const when = { after: 'pdu', name: 'OUT_R2/B3', nth: 0, steps: 0 } as const;
  const overrun = { kind: 'hostile', who: 'host 0', deed: 'overrun', times: 3, when } as const;
  return { ...natively(recycling(plan, 'OUT_R2/B3'), random, 0), slowest: 80, faults: [overrun] };
}

/** Acknowledgements of answers are overtaken by later ones, which go on the successor of the IN channel. */
function lateAcknowledgements(plan: Plan, random: SeededRandom): Plan {
  const when = atOneOf(random, 'IN_R1/A3', 'IN_R2/A3', 'IN_R2/A2');
  const request = { fragments: 20, shortest: 1000, longest: USUAL_FRAGMENT };
  const answer = { fragments: 5, shortest: 2000, longest: USUAL_FRAGMENT };
  return {
    ...natively(plan, random),
    traffic: 'calls',
    windows: { client: 16_384, server: 65_536 },
    lifetimes: { in: SHORT_LIFETIME, out: LONG_LIFETIME },
    calls: Array.from({ length: 6 }, () => ({ request, answer })),
    concurrency: 2,
    faults: [{ kind: 'delay', on: 'C>IP', which: 'oldest', ms: random.int(2500, 4500), when }],
  };
}

/** The outbound proxy's host is gone, and nobody is told: the client has only its silence to go by. */
function outboundVanishes(plan: Plan, random: SeededRandom): Plan {
  const when = { after: 'steps', count: random.int(20, 400) } as const;
  const death = { kind: 'death', who: 'host 1', how: 'vanish', when } as const;
  return { ...natively(plan, random, 1), routes: { in: [0], out: [1] }, faults: [death] };
}

/** Enough traffic for a recycling of the direction that a PDU belongs to. */
function recycling(plan: Plan, pdu: string): Plan {
  const inward = pdu.startsWith('IN_');
  const large = { fragments: 45, shortest: 16, longest: USUAL_FRAGMENT };
  return {
    ...plan,
    traffic: 'free',
    lifetimes: inward ? { in: SHORT_LIFETIME, out: LONG_LIFETIME } : { in: LONG_LIFETIME, out: SHORT_LIFETIME },
    calls: [inward ? { request: large, answer: SMALL } : { request: SMALL, answer: large }],
  };
}

/** Which of their cookies others compare, counted from the last. What an IN_R1 or OUT_R1 begins may be R2 at one host. */
const WRONG: readonly [readonly [pdu: string, fromLast: number], ...(readonly [pdu: string, fromLast: number])[]] = [
  ['IN_R1/A1', 0],
  ['IN_R1/A1', 1],
  ['IN_R2/A1', 0],
  ['IN_R2/A1', 1],
  ['IN_R2/A5', 0],
  ['IN_R1/A6', 0],
  ['OUT_R1/A3', 0],
  ['OUT_R1/A3', 1],
  ['OUT_R2/A3', 1],
  ['OUT_R2/A4', 0],
  ['OUT_R2/A7', 0],
  ['OUT_R2/A7', 0],
  ['OUT_R1/A7', 0],
];

const LOST: readonly [string, ...string[]] = [
  'IN_R1/A2',
  ...(['IN_R1/A3', 'IN_R1/A4', 'IN_R1/A5', 'IN_R1/A6', 'IN_R1/B1', 'IN_R1/B2', 'IN_R2/A2'] as const),
  ...(['OUT_R1/A3', 'OUT_R1/A4', 'OUT_R1/A5', 'OUT_R1/A6', 'OUT_R1/A7', 'OUT_R1/A8', 'OUT_R1/A9'] as const),
  ...(['OUT_R1/A10', 'OUT_R1/A11', 'OUT_R2/A4', 'OUT_R2/A5', 'OUT_R2/A7', 'OUT_R2/A8', 'OUT_R2/B1'] as const),
  ...(['OUT_R2/B3', 'OUT_R2/C1', 'OUT_R2/C1', 'OUT_R2/A7'] as const),
];

/** The IN channel's last bytes go to Keep-Alive PDUs while its successor does not come. */
function manyKeepAlives(plan: Plan): Plan {
  return {
    ...plan,
    lifetimes: { in: SHORT_LIFETIME, out: LONG_LIFETIME },
    calls: [{ request: { fragments: 60, shortest: 16, longest: USUAL_FRAGMENT }, answer: SMALL }],
    keepAlives: 700,
    faults: [{ kind: 'swallowed', channel: 'in', nth: 1 }],
  };
}

const SMALL: PlannedMessage = { fragments: 1, shortest: 16, longest: 200 };

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

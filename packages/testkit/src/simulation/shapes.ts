import { RECYCLING_TIMEOUT, SETUP_TIMEOUT } from './limits.ts';
import {
  type ClientKind,
  LONG_LIFETIME,
  type Plan,
  type PlannedMessage,
  SHORT_LIFETIME,
  USUAL_FRAGMENT,
} from './plan.ts';
import type { Fault, Moment } from './planned-faults.ts';
import type { SeededRandom } from './random.ts';

/** One of them has least. */
function impatient(random: SeededRandom): Plan['recyclingTimeouts'] {
  const all = { client: RECYCLING_TIMEOUT, proxies: RECYCLING_TIMEOUT, server: RECYCLING_TIMEOUT };
  return { ...all, [random.pick(['client', 'proxies', 'proxies', 'server'])]: RECYCLING_TIMEOUT / 2 };
}

type Shape = (plan: Plan, random: SeededRandom) => Plan;

/** What seldom happens by itself: of which clients which part of the plans is made for it, and whether it has its own faults. */
export const SHAPES: readonly (readonly [
  client: ClientKind,
  part: number,
  shape: Shape,
  faults: 'faults' | 'own faults',
])[] = [
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

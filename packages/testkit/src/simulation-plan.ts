import { SeededRandom } from './simulation-random.ts';

/** How clients behave: those that follow the specification, by HTTP version, and Samba's. */
export type ClientKind = 'conforming-1.1' | 'conforming-1.0' | 'samba';

/** A call: the fragment lengths of its request and of its answer, bytes. */
export interface PlannedCall {
  readonly request: readonly number[];
  readonly answer: readonly number[];
}

/** Everything that a seed decides beforehand. */
export interface Plan {
  readonly seed: number;
  /** `apart`: each role has its own sockets. `joined`: proxies and server role in one process, TCP behind them. */
  readonly arrangement: 'apart' | 'joined';
  readonly client: ClientKind;
  /** `calls`: an answer follows its request. `free`: both sides send when they like. */
  readonly traffic: 'calls' | 'free';
  /** Receive windows, bytes. */
  readonly windows: {
    readonly client: number;
    readonly inbound: number;
    readonly outbound: number;
    readonly server: number;
  };
  /** Content-Length of request and response, bytes. */
  readonly lifetimes: { readonly in: number; readonly out: number };
  readonly calls: readonly PlannedCall[];
  /** Calls that the client has outstanding at most. */
  readonly concurrency: number;
  /** How often a reader pauses, from 0 to 1. */
  readonly pauses: number;
  /** When somebody closes a connection in the middle, ms; undefined when all is delivered first. */
  readonly endsAt: number | undefined;
}

const LIFETIME = 1024 ** 3;
const SHORT_LIFETIME = 128 * 1024;
/** What clients are taken to send at most while it is not known how they behave. */
const USUAL_FRAGMENT = 5840;
/** The least that the proxies' windows must have in the joined arrangement, where the receivers are ours. */
const INNER_WINDOW = 128 * 1024;

/** The plan of a seed. */
export function planOf(seed: number): Plan {
  const random = new SeededRandom(seed);
  const client = random.pick<ClientKind>(['conforming-1.1', 'conforming-1.1', 'conforming-1.0', 'samba']);
  const arrangement = random.pick<Plan['arrangement']>(['apart', 'joined']);
  const traffic = client === 'conforming-1.1' ? random.pick<Plan['traffic']>(['calls', 'free']) : 'calls';
  const largest = client === 'conforming-1.1' ? random.pick([200, USUAL_FRAGMENT, 30_000, 65_535]) : USUAL_FRAGMENT;
  const window = () => random.pick([8192, 8193, 11_680, 16_384, 65_536, 131_072, random.int(8192, 262_144)]);
  const fragment = () => (random.chance(0.1) ? random.pick([16, largest]) : random.int(16, largest));
  // Calls of Samba's client may be larger than everything that can hold them.
  const most = random.pick([1, 3, 12, client === 'samba' ? 150 : 40]);
  const fragments = (atMost: number) => Array.from({ length: random.int(1, atMost) }, fragment);
  // Answers so small that the client never has to acknowledge any.
  const tiny = random.chance(0.2);
  const short = random.chance(0.08);
  return {
    seed,
    arrangement,
    client,
    traffic,
    windows: {
      client: window(),
      inbound: window(),
      outbound: window(),
      server: arrangement === 'joined' ? random.pick([INNER_WINDOW, window()]) : window(),
    },
    lifetimes: {
      in: short && random.chance(0.5) ? SHORT_LIFETIME : LIFETIME,
      out: short ? SHORT_LIFETIME : LIFETIME,
    },
    calls: Array.from({ length: random.int(1, 12) }, () => ({
      request: fragments(most),
      answer: tiny ? [random.int(16, 64)] : fragments(most),
    })),
    concurrency: client === 'samba' ? 1 : random.int(1, 4),
    pauses: random.pick([0, 0.02, 0.2]),
    endsAt: random.chance(0.1) ? random.int(0, 3000) : undefined,
  };
}

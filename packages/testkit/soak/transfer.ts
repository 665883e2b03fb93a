import { parseArgs } from 'node:util';
import type { GrowthLimits } from '../src/transfer/checks.ts';
import { type Combination, runTransfer, type TransferResult } from '../src/transfer/run-transfer.ts';
import { parseSize } from '../src/transfer/sizes.ts';
import type { Goal, Layout } from '../src/transfer/transfer-client.ts';
import { nameOf, progressLine, resultLines } from './transfer-report.ts';

const USAGE = `usage: npm run soak -- transfer [OPTION…]
Data both ways at once through one virtual connection whose channels are replaced on the way. Client, proxies and server are
processes of their own; every byte is compared, and SHA-256 of everything at both ends; memory has to stay flat.

  --bytes SIZE        so much each way (default 5GiB)
  --recyclings N      instead of --bytes: until IN and OUT channels have been replaced N times each
  --lifetime SIZE     Content-Length of all channels (default 1GiB; with --recyclings 128KiB)
  --scheme S          http (default) or https
  --backend KIND      native (default): the server speaks ncacn_http; tcp: ncacn_ip_tcp
  --proxies LAYOUT    1 (default); 2: IN begins at one and OUT at the other, every successor goes to the other proxy;
                      split: IN channels at one, OUT channels at the other
  --window SIZE       receive windows of client and proxies (default 256KiB)
  --all               every scheme with every kind of back end, at one proxy and at two
  --kept SIZE         what a process may keep more in the second half, objects and buffers, garbage collected (default 2MiB:
                      400 bytes for each of 5,000 recyclings; shorter runs are still warming up)
  --growth SIZE       the same for resident memory, native objects and allocators with it (default 24MiB: 5 KiB for each
                      of 5,000 recyclings, less than what one forgotten channel costs)
  --json              one JSON object a line for each transfer`;

const LAYOUTS: ReadonlyMap<string, Layout> = new Map([
  ['1', 'one'],
  ['2', 'alternate'],
  ['split', 'split'],
]);
const STALL_TIMEOUT = 60_000;
/** Between two looks at memory, and two lines of progress, ms. */
const SAMPLE_EVERY = 200;
const PROGRESS_EVERY = 10_000;

interface Plan {
  readonly combinations: readonly Combination[];
  readonly growthLimits: GrowthLimits;
  readonly json: boolean;
}

/** What the arguments ask for; a sentence where they cannot be understood. */
function plan(args: readonly string[]): Plan | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      bytes: { type: 'string', default: '5GiB' },
      recyclings: { type: 'string' },
      lifetime: { type: 'string' },
      scheme: { type: 'string', default: 'http' },
      backend: { type: 'string', default: 'native' },
      proxies: { type: 'string', default: '1' },
      window: { type: 'string', default: '256KiB' },
      kept: { type: 'string', default: '2MiB' },
      growth: { type: 'string', default: '24MiB' },
      all: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const bytes = parseSize(values.bytes);
  const recyclings = values.recyclings === undefined ? undefined : Number(values.recyclings);
  const lifetime = parseSize(values.lifetime ?? (recyclings === undefined ? '1GiB' : '128KiB'));
  const window = parseSize(values.window);
  const kept = parseSize(values.kept);
  const rss = parseSize(values.growth);
  const layout = LAYOUTS.get(values.proxies);
  const { scheme, backend, all, json } = values;
  if (bytes === undefined || bytes < 1) return '--bytes takes a number of bytes, such as 5GiB';
  if (recyclings !== undefined && !(Number.isInteger(recyclings) && recyclings > 0))
    return '--recyclings takes a number';
  if (lifetime === undefined || lifetime < 131_072 || lifetime > 2 * 1024 ** 3) return '--lifetime: 128KiB to 2GiB';
  if (window === undefined || window < 8192 || window > 262_144) return '--window: 8KiB to 256KiB';
  if (kept === undefined) return '--kept takes a number of bytes, such as 2MiB';
  if (rss === undefined) return '--growth takes a number of bytes, such as 32MiB';
  if (scheme !== 'http' && scheme !== 'https') return '--scheme: http or https';
  if (backend !== 'tcp' && backend !== 'native') return '--backend: tcp or native';
  if (layout === undefined) return `--proxies: ${[...LAYOUTS.keys()].join(', ')}`;
  const goal: Goal = recyclings === undefined ? { bytes } : { recyclings };
  const one: Combination = { scheme, backend, layout, lifetime, window, goal };
  const combinations = all ? matrix(one) : [one];
  return { combinations, growthLimits: { kept, rss }, json };
}

function matrix(base: Combination): Combination[] {
  return (['http', 'https'] as const).flatMap((scheme) =>
    (['tcp', 'native'] as const).flatMap((backend) =>
      (['one', 'alternate'] as const).map((layout) => ({ ...base, scheme, backend, layout })),
    ),
  );
}

/** Runs what the arguments ask for. Returns the exit code. */
export async function soakTransfer(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  let planned: Plan | string;
  try {
    planned = plan(args);
  } catch (error) {
    planned = error instanceof Error ? error.message : String(error);
  }
  if (typeof planned === 'string') {
    console.error(`transfer: ${planned}\n\n${USAGE}`);
    return 2;
  }
  let failed = 0;
  for (const combination of planned.combinations) {
    const result = await transfer(combination, planned);
    if (result.failures.length > 0) failed++;
  }
  const { length } = planned.combinations;
  console.error(`transfer: ${length - failed} of ${length} as they should be`);
  return failed > 0 ? 1 : 0;
}

async function transfer(combination: Combination, { growthLimits, json }: Plan): Promise<TransferResult> {
  console.error(nameOf(combination));
  let reportedAt = performance.now();
  const result = await runTransfer(combination, {
    sampleEvery: SAMPLE_EVERY,
    growthLimits,
    stallTimeout: STALL_TIMEOUT,
    onProgress: (share, progress, memory) => {
      if (performance.now() - reportedAt < PROGRESS_EVERY) return;
      reportedAt = performance.now();
      console.error(progressLine(share, progress, memory));
    },
  });
  if (json) console.log(JSON.stringify(result));
  else for (const line of resultLines(result, growthLimits)) console.log(line);
  return result;
}

if (import.meta.main) process.exitCode = await soakTransfer(process.argv.slice(2));

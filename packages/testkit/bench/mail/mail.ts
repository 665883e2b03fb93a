import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RpchError } from '@rpch/rpc';
import { keepAwake } from '../awake.ts';
import { Children } from '../children.ts';
import { MEASUREMENTS, type Measurement, measureOnce, type Places, probe, type Run } from './measurements.ts';
import { measureMemory, type SessionMemory } from './memory.ts';
import { profileServer } from './profile-server.ts';
import { render } from './report.ts';
import { startServer } from './server.ts';
import { MESSAGES, makeSetting } from './setting.ts';

const HELP = `usage: npm run bench -- mail [options]

Measures the information store and the address book of 'rpch serve': EcDoRpcExt2 with RopOpenFolder, RopGetContentsTable,
RopSetColumns, RopQueryRows of 50 rows (and the releases) in a folder of ${MESSAGES} messages, beside the same rows read straight
from SQLite and beside rpcecho with answers of the same size; NspiBind, NspiQueryRows of 50, NspiUnbind beside rpcecho; and
the memory of an idle session. The server has a core of its own, all its threads, as has SQLite; the load generator the other.

  --rounds N     rounds, in each of which everything is measured once (default 5)
  --seconds N    seconds of each run (default 2)
  --only NAME,…  of: ${MEASUREMENTS.join(', ')}
  --sessions N   idle sessions, each on a connection of its own (default 1000; 0: none)
  --profile      profile the server while it answers 64 clients, and print what took most time, by thread
  --json         print data instead of tables

Calls are not sealed, except where it says so. Needs two cores and taskset.`;

/** What the server does before it is measured, that its code is compiled: servers run for long. */
const WARM_UP = ['pages-16', 'pages anywhere-16', 'book-16', 'echo-16'] as const;
const WARM_UP_SECONDS = 4;

interface Wanted {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly Measurement[];
  readonly sessions: number;
  readonly profile: boolean;
  readonly json: boolean;
}

/** Runs the benchmark that the arguments ask for. Returns the exit code: 0 when everything could be measured. */
export async function benchMail(args: readonly string[]): Promise<number> {
  let wanted: Wanted | undefined;
  try {
    wanted = wantedOf(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  if (wanted === undefined) {
    console.log(HELP);
    return 0;
  }
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'rpch-bench-'));
  process.on('exit', () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  const awake = await keepAwake();
  try {
    await measure(children, folder, wanted);
    return 0;
  } catch (error) {
    if (!(error instanceof RpchError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    return 1;
  } finally {
    await children.endAll();
    if ('release' in awake) await awake.release();
  }
}

/** Undefined where help is wanted. Throws where the arguments are wrong. */
function wantedOf(args: readonly string[]): Wanted | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string' },
      sessions: { type: 'string', default: '1000' },
      profile: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !MEASUREMENTS.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`there is no measurement '${unknown}'`);
  const [rounds, seconds, sessions] = [Number(values.rounds), Number(values.seconds), Number(values.sessions)];
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number');
  if (!(seconds > 0)) throw new Error('--seconds wants a number above 0');
  // Ten accounts of 128 sessions each hold them.
  if (!Number.isInteger(sessions) || sessions < 0 || sessions > 1200) throw new Error('--sessions wants 0 to 1200');
  const { profile, json } = values;
  return {
    rounds,
    seconds,
    only: MEASUREMENTS.filter((name) => only?.includes(name) ?? true),
    sessions,
    profile,
    json,
  };
}

async function measure(children: Children, folder: string, wanted: Wanted): Promise<void> {
  const { rounds, seconds, sessions } = wanted;
  const setting = await makeSetting(folder);
  const server = await startServer(children, setting);
  const places = await probe(children, setting, server);
  console.error('warming up');
  for (const name of WARM_UP) await measureOnce(name, children, places, WARM_UP_SECONDS);
  const runs = new Map<Measurement, Run[]>(wanted.only.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const [name, list] of runs) {
      console.error(`round ${round} of ${rounds}: ${name}`);
      list.push(await measureOnce(name, children, places, seconds));
    }
  }
  await children.end(server.pid);
  let memory: SessionMemory | undefined;
  if (sessions > 0) {
    console.error(`${sessions} idle sessions`);
    memory = await measureMemory(children, setting, sessions);
  }
  if (wanted.json)
    console.log(JSON.stringify({ runs: Object.fromEntries(runs), memory, sizes: sizesOf(places) }, undefined, 2));
  else console.log(render(runs, memory, sizesOf(places)));
  if (wanted.profile) console.log(await profileServer(children, places, seconds * 4));
}

function sizesOf({ pageSizes, bookSizes }: Places) {
  return { page: pageSizes, book: bookSizes };
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RpchError } from '@rpch/rpc';
import { startSamba } from '../../src/peers/samba.ts';
import { keepAwake } from '../awake.ts';
import { freePort, RPCH_BIN } from '../candidates.ts';
import { Children } from '../children.ts';
import { preparePrograms } from '../programs.ts';
import { count, decimal, table } from '../table.ts';
import { ACCOUNT } from './account.ts';
import { CORES, MEASUREMENTS, type Measurement, measureOnce, type Places } from './measurements.ts';
import { GOALS } from './rows.ts';

const HELP = `usage: npm run bench -- run-time [options]

Measures the RPC run-time: our client beside Samba's Python client (C inside) and impacket's, over TCP and through the RPC
Proxy, plain and sealed; our server beside Samba's under the load generator. What is measured has a core of its own, its
peer the other.

  --rounds N     rounds, in each of which everything is measured once (default 3)
  --seconds N    seconds of each run (default 2)
  --only NAME,…  of: ${MEASUREMENTS.join(', ')}
  --json         print data instead of tables

Needs two cores, taskset, python3-samba, python3-impacket; the Samba server is started, and installed where it is missing (root).`;

/** Runs the benchmark that the arguments ask for. Returns the exit code: 0 when everything could be measured. */
export async function benchRunTime(args: readonly string[]): Promise<number> {
  let wanted: { rounds: number; seconds: number; only: readonly Measurement[]; json: boolean };
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '2' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    const only = values.only?.split(',');
    const unknown = only?.find((name) => !MEASUREMENTS.some((known) => known === name));
    const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
    if (unknown !== undefined) throw new Error(`there is no measurement '${unknown}'`);
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a whole number');
    if (!(seconds > 0)) throw new Error('--seconds wants a number above 0');
    wanted = { rounds, seconds, only: MEASUREMENTS.filter((name) => only?.includes(name) ?? true), json: values.json };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'rpch-bench-'));
  process.on('exit', () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const awake = await keepAwake();
  const samba = await startSamba();
  try {
    pinSamba();
    const programs = await preparePrograms(children, folder);
    const places = await startPlaces(children, programs.echod, folder, { ip: samba.ip, port: samba.rpcPort });
    const rates = new Map<Measurement, number[]>(wanted.only.map((name) => [name, []]));
    for (let round = 1; round <= wanted.rounds; round++) {
      for (const [name, list] of rates) {
        console.error(`round ${round} of ${wanted.rounds}: ${name}`);
        list.push(await measureOnce(name, children, programs, places, wanted.seconds));
      }
    }
    report(rates, wanted.json);
    return 0;
  } catch (error) {
    if (!(error instanceof RpchError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    return 1;
  } finally {
    await children.endAll();
    await samba.stop();
    if ('release' in awake) await awake.release();
  }
}

/** All that is not measured shares the other core with the servers. */
async function startPlaces(
  children: Children,
  echodProgram: string,
  folder: string,
  samba: NonNullable<Places['samba']>,
): Promise<Places> {
  const [echod, ours, proxy] = [await freePort(), await freePort(), await freePort()];
  const pinned = (
    name: string,
    program: string,
    args: readonly string[],
    readiness: { port: number } | { says: RegExp },
  ) => children.start(name, 'taskset', ['-c', CORES.server, program, ...args], readiness);
  await pinned('echod', echodProgram, [String(echod)], { port: echod });
  const server = fileURLToPath(new URL('server.ts', import.meta.url));
  await pinned('server', process.execPath, [server, String(ours)], { says: /^ready/m });
  const rules = [
    '--allow',
    `ncacn_ip_tcp:127.0.0.1[${ours}]`,
    '--domain',
    ACCOUNT.domain,
    '--user',
    `${ACCOUNT.name}:${ACCOUNT.password}`,
  ];
  const front = ['--listen', `http://127.0.0.1:${proxy}`, '--auth', 'basic', '--data', join(folder, 'proxy')];
  await pinned('proxy', process.execPath, [RPCH_BIN, 'proxy', ...front, ...rules], { says: /^ready/m });
  return { echod, ours, proxy, samba };
}

/** The processes of Samba's server that take RPC, on the servers' core. */
function pinSamba(): void {
  const pids = execFileSync('pgrep', ['-f', '^samba: task\\[rpc\\]'], { encoding: 'utf8' }).trim().split('\n');
  for (const pid of pids) execFileSync('taskset', ['-acp', CORES.server, pid], { stdio: 'ignore' });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function report(rates: ReadonlyMap<Measurement, readonly number[]>, json: boolean): void {
  const medians = new Map([...rates].map(([name, list]) => [name, median(list)]));
  const goals = GOALS.flatMap((goal) => {
    const [of, to] = [medians.get(goal.of), medians.get(goal.to)];
    return of === undefined || to === undefined ? [] : [{ ...goal, ratio: of / to }];
  });
  if (json) {
    console.log(JSON.stringify({ rates: Object.fromEntries(rates), goals }, undefined, 2));
    return;
  }
  const rows = [...rates].map(([name, list]) => {
    return [name, count(median(list)), `${count(Math.min(...list))} to ${count(Math.max(...list))}`];
  });
  console.log(`${table(['Calls per second', 'median', 'range'], rows)}\n`);
  const verdicts = goals.map(({ title, ratio, least }) => {
    return [title, decimal(ratio), `at least ${least}`, ratio >= least ? 'met' : 'not met'];
  });
  console.log(table(['Ratio', 'measured', 'goal', ''], verdicts));
}

import { fileURLToPath } from 'node:url';
import { RpchError } from '@rpch/rpc';
import type { Children } from '../children.ts';
import { CORES } from '../run-time/measurements.ts';
import type { DirectResult, DirectTask } from './direct.ts';
import type { CallSize, LoadResult, LoadTask, Work } from './load.ts';
import type { MailServer } from './server.ts';
import { PAGE_ROWS, PASSWORD, READER, type Setting } from './setting.ts';

/** What a run may take beyond its seconds, ms. */
const SLACK = 60_000;

/** Names of everything that is measured, in the order in which a round measures it. The number is that of the clients. */
export const MEASUREMENTS = [
  'sql',
  'pages-1',
  'echo-1',
  'pages-16',
  'echo-16',
  'pages-64',
  'echo-64',
  'sql anywhere',
  'pages anywhere-16',
  'pages packed-16',
  'book-1',
  'book echo-1',
  'book-16',
  'book echo-16',
  'pages sealed-16',
  'echo sealed-16',
  'book sealed-16',
  'book echo sealed-16',
] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** One run. Of everything but `book`, what is done once is a page. */
export interface Run {
  /** How often it was done, each second. */
  readonly rate: number;
  /** CPU time of what is measured, and of the load generator, for one time, in microseconds. */
  readonly time: number;
  readonly clientTime: number;
  /** Rows of one time. */
  readonly rows: number;
}

/** What is measured, where, and how large the calls are that echoes are to be as large as. */
export interface Places {
  readonly setting: Setting;
  readonly server: MailServer;
  readonly pageSizes: readonly CallSize[];
  readonly bookSizes: readonly CallSize[];
}

/** Finds the sizes of the calls. Throws as {@link measureOnce} does. */
export async function probe(children: Children, setting: Setting, server: MailServer): Promise<Places> {
  const places = { setting, server, pageSizes: [], bookSizes: [] };
  const sizesOf = async (what: Measurement): Promise<readonly CallSize[]> => {
    return (await load(what, children, places, 0.2)).sizes;
  };
  return { ...places, pageSizes: await sizesOf('pages-1'), bookSizes: await sizesOf('book-1') };
}

/** Measures one thing for `seconds`. Throws RpchError `RPCH_BENCH_RUN` where the program fails. */
export async function measureOnce(
  what: Measurement,
  children: Children,
  places: Places,
  seconds: number,
): Promise<Run> {
  if (what === 'sql' || what === 'sql anywhere') {
    const { file, pages } = places.setting;
    const task: DirectTask = { file, pages: what === 'sql' ? pages.slice(0, 1) : pages, seconds };
    const result = await run<DirectResult>(what, children, CORES.server, 'direct.ts', task, seconds);
    return { ...result, clientTime: 0, rows: PAGE_ROWS };
  }
  const { rate, serverTime, clientTime } = await load(what, children, places, seconds);
  return { rate, time: serverTime, clientTime, rows: what.includes('echo') ? 0 : PAGE_ROWS };
}

function load(what: Measurement, children: Children, places: Places, seconds: number): Promise<LoadResult> {
  const { server } = places;
  const level = what.includes('sealed') ? 'privacy' : 'connect';
  const task: LoadTask = {
    login: { port: server.port, user: READER, password: PASSWORD, level },
    work: workOf(what, places),
    clients: Number(what.slice(what.lastIndexOf('-') + 1)),
    seconds,
    serverPid: server.pid,
  };
  return run<LoadResult>(what, children, CORES.client, 'load.ts', task, seconds);
}

function workOf(what: Measurement, { setting, pageSizes, bookSizes }: Places): Work {
  if (what.includes('echo')) return { kind: 'echo', sizes: what.startsWith('book') ? bookSizes : pageSizes };
  if (what.startsWith('book')) return { kind: 'address book' };
  const { dns, folder, positions } = setting;
  return {
    kind: 'pages',
    userDn: dns[READER] ?? '',
    folder,
    positions: what.includes('anywhere') ? positions : [0],
    compressed: what.includes('packed'),
  };
}

async function run<T>(
  what: string,
  children: Children,
  core: string,
  file: string,
  task: object,
  seconds: number,
): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const args = ['-c', core, process.execPath, path, JSON.stringify(task)];
  const { code, stdout, stderr } = await children.run(what, 'taskset', args, seconds * 1000 + SLACK);
  if (code === 0) return JSON.parse(stdout) as T;
  throw new RpchError('RPCH_BENCH_RUN', 'configuration', `${what} ended with ${code}: ${stderr.trim()}`);
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RpchError } from '@rpch/rpc';
import {
  type Candidate,
  type CandidateName,
  type Server,
  type ServerKind,
  serverKindOf,
  startCandidate,
  startServer,
} from './candidates.ts';
import type { Children } from './children.ts';
import { type Hold, measureHold, measureRate, type Rate } from './measure.ts';
import { readProfile, type SelfTime, topSelfTimes } from './profile.ts';
import type { Programs } from './programs.ts';
import { type HoldRow, heldBy, type RateRow } from './rows.ts';

/** What a row gave: figures of the candidates that answered, and what went wrong with those that did not. */
export interface RateResult {
  readonly row: RateRow;
  /** Medians over the rounds, each figure by itself. */
  readonly medians: ReadonlyMap<CandidateName, Rate>;
  /** Each round's figures, in the order of the rounds, of the candidates that have medians. */
  readonly rounds: ReadonlyMap<CandidateName, readonly Rate[]>;
  readonly failures: ReadonlyMap<CandidateName, string>;
}

/** What the row of memory gave. */
export interface HoldResult {
  readonly row: HoldRow;
  readonly holds: ReadonlyMap<CandidateName, Hold>;
  readonly failures: ReadonlyMap<CandidateName, string>;
}

/**
 * Where and how to measure. `folder` is a temporary one; `rpch` the program's file, `before` that of the earlier one that it
 * is measured against; `progress` hears of each step.
 */
export interface Bench {
  readonly children: Children;
  readonly programs: Programs;
  readonly folder: string;
  readonly rpch: string;
  readonly before?: string | undefined;
  readonly progress: (text: string) => void;
}

/** Functions that a profile names. */
const PROFILE_LINES = 25;

/**
 * Measures rows of calls: round by round, every candidate once in each, so that what else the machine does meets all of
 * them alike; every other round in the opposite order, so that whoever comes first has no part in it. A candidate that
 * fails is left out of the row's further rounds.
 */
export async function measureRates(
  bench: Bench,
  names: readonly CandidateName[],
  rows: readonly RateRow[],
  rounds: number,
  seconds: number,
): Promise<RateResult[]> {
  const servers = await startServers(bench, names);
  const candidates: Candidate[] = [];
  for (const name of names) candidates.push(await startCandidate(name, { ...bench, server: serverOf(servers, name) }));
  const results: RateResult[] = [];
  for (const row of rows) {
    const runs = new Map<CandidateName, Rate[]>(names.map((name) => [name, []]));
    const failures = new Map<CandidateName, string>();
    for (let round = 1; round <= rounds; round++) {
      for (const candidate of round % 2 === 1 ? candidates : candidates.toReversed()) {
        if (failures.has(candidate.name)) continue;
        bench.progress(`${row.title}: round ${round} of ${rounds}, ${candidate.name}`);
        try {
          const { children, programs } = bench;
          runs.get(candidate.name)?.push(await measureRate(children, programs.rohload, candidate, row, seconds));
        } catch (error) {
          failures.set(candidate.name, messageOf(error));
        }
      }
    }
    const complete = new Map([...runs].filter(([name]) => !failures.has(name)));
    const medians = new Map([...complete].map(([name, rates]) => [name, mediansOf(rates)]));
    results.push({ row, failures, medians, rounds: complete });
  }
  for (const { pid } of [...candidates, ...servers.values()]) await bench.children.end(pid);
  return results;
}

/** Measures memory: each candidate once, every one a fresh process, so that no earlier row's heap hides its growth. */
export async function measureHolds(bench: Bench, names: readonly CandidateName[], row: HoldRow): Promise<HoldResult> {
  const holds = new Map<CandidateName, Hold>();
  const failures = new Map<CandidateName, string>();
  for (const name of names) {
    const connections = heldBy(row, name);
    bench.progress(`${row.title}: ${connections} through ${name}`);
    await inFrontOfServer(bench, name, [], async (candidate) => {
      try {
        holds.set(name, await measureHold(bench.children, bench.programs.rohload, candidate, row, connections));
      } catch (error) {
        failures.set(name, messageOf(error));
      }
    });
  }
  return { row, holds, failures };
}

/**
 * Runs one row on a fresh proxy under `node --cpu-prof` and returns where its time went, or what failed: a call, or the
 * proxy, which leaves a profile only when it ends by itself on SIGTERM.
 */
export async function profileRow(
  bench: Bench,
  name: 'proxy' | 'native',
  row: RateRow,
  seconds: number,
): Promise<SelfTime[] | string> {
  bench.progress(`${row.title}: profile of ${name}`);
  const folder = join(bench.folder, `profile-${name}-${row.name}`);
  await mkdir(folder);
  let since = 0;
  try {
    await inFrontOfServer(bench, name, ['--cpu-prof', '--cpu-prof-dir', folder], async (proxy) => {
      since = Number(process.hrtime.bigint() / 1000n);
      await measureRate(bench.children, bench.programs.rohload, proxy, row, seconds);
    });
    return topSelfTimes(await readProfile(folder), PROFILE_LINES, since);
  } catch (error) {
    return messageOf(error);
  }
}

/** One server of each kind that these candidates need. */
async function startServers(bench: Bench, names: readonly CandidateName[]): Promise<Map<ServerKind, Server>> {
  const servers = new Map<ServerKind, Server>();
  for (const kind of new Set(names.map(serverKindOf))) {
    servers.set(kind, await startServer(bench.children, bench.programs, kind));
  }
  return servers;
}

function serverOf(servers: ReadonlyMap<ServerKind, Server>, name: CandidateName): Server {
  const server = servers.get(serverKindOf(name));
  if (server === undefined) throw new Error(`no server was started for ${name}`);
  return server;
}

async function inFrontOfServer(
  bench: Bench,
  name: CandidateName,
  nodeArgs: readonly string[],
  use: (candidate: Candidate) => Promise<void>,
): Promise<void> {
  const server = await startServer(bench.children, bench.programs, serverKindOf(name));
  const candidate = await startCandidate(name, { ...bench, server, nodeArgs });
  try {
    await use(candidate);
  } finally {
    await bench.children.end(candidate.pid);
    await bench.children.end(server.pid);
  }
}

function mediansOf(rates: readonly Rate[]): Rate {
  return {
    calls: median(rates.map((rate) => rate.calls)),
    p50: median(rates.map((rate) => rate.p50)),
    p99: median(rates.map((rate) => rate.p99)),
    cpuPerCall: median(rates.map((rate) => rate.cpuPerCall)),
    rssMiB: median(rates.map((rate) => rate.rssMiB)),
  };
}

/** The middle one, or the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** What the benchmark's own errors say. Any other is a fault of the benchmark and ends it. */
function messageOf(error: unknown): string {
  if (error instanceof RpchError) return error.message;
  throw error;
}

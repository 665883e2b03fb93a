import { RpchError } from '@rpch/rpc';
import type { Candidate } from './candidates.ts';
import type { Children, Finished } from './children.ts';
import type { HoldRow, RateRow } from './rows.ts';

/** One run of a row of calls. Times in microseconds, rates per second; cpu and memory are the candidate's process's. */
export interface Rate {
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuPerCall: number;
  readonly rssMiB: number;
}

/** What holding connections open cost the candidate's process. `each` is its growth divided by their number, in KiB. */
export interface Hold {
  readonly held: number;
  readonly answered: number;
  readonly each: number;
  readonly rssMiB: number;
}

/** Beyond what it was told to measure for, the load generator opens for at most 60 s and ends by answers within 30 s. */
const GENERATOR_LIMIT = 100_000;

const RATE_LINE =
  /: (?<calls>\d+) \S+\/s p50 (?<p50>\d+) us p99 (?<p99>\d+) us .* errors 0; pid \d+ cpu (?<cpu>\d+) us\/call rss (?<rss>\d+) MiB/;
const HOLD_LINE =
  /^held (?<held>\d+) of \d+ .*; pid \d+ rss (?<rss>\d+) MiB \(\+(?<each>-?[\d.]+) KiB each\) .*; (?<answered>\d+) then answered a call, 0 errors/;

/**
 * Measures one candidate on one row for `seconds`. Throws RpchError `RPCH_BENCH_RUN` when a call failed or none was
 * answered, with the load generator's own words.
 */
export async function measureRate(
  children: Children,
  generator: string,
  candidate: Candidate,
  row: RateRow,
  seconds: number,
): Promise<Rate> {
  const time = Math.min(seconds, row.mostSeconds ?? seconds);
  const args = [...candidate.target, ...row.args, '-t', String(time), '-p', String(candidate.pid)];
  const finished = await children.run('rohload', generator, args, GENERATOR_LIMIT + time * 1000);
  const figure = figures(RATE_LINE, finished, row.name, candidate.name);
  return {
    calls: figure('calls'),
    p50: figure('p50'),
    p99: figure('p99'),
    cpuPerCall: figure('cpu'),
    rssMiB: figure('rss'),
  };
}

/** Holds so many connections open on one candidate, then calls once on each. Throws like {@link measureRate}. */
export async function measureHold(
  children: Children,
  generator: string,
  candidate: Candidate,
  row: HoldRow,
  connections: number,
): Promise<Hold> {
  const args = [...candidate.target, '-c', String(connections), '-H', String(row.seconds), '-p', String(candidate.pid)];
  const finished = await children.run('rohload', generator, args, GENERATOR_LIMIT + row.seconds * 1000);
  const figure = figures(HOLD_LINE, finished, row.name, candidate.name);
  return { held: figure('held'), answered: figure('answered'), each: figure('each'), rssMiB: figure('rss') };
}

/** Reads the load generator's one line: the numbers that `line` names. Any other outcome is an error with what it said. */
function figures(line: RegExp, finished: Finished, row: string, candidate: string): (name: string) => number {
  const groups = finished.code === 0 ? line.exec(finished.stdout)?.groups : undefined;
  if (groups !== undefined) return (name) => Number(groups[name]);
  const said = `${finished.stdout} ${finished.stderr}`.trim().replaceAll(/\s+/g, ' ');
  const how = finished.code === null ? 'did not end in time' : `ended with code ${finished.code}`;
  throw new RpchError('RPCH_BENCH_RUN', 'peer', `${row} on ${candidate}: rohload ${how}: ${said}`);
}

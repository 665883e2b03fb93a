import type { CandidateName } from './candidates.ts';

/** What a row must reach. Ratios are the proxy's figure divided by that of the HAProxy hop in the same run. */
export interface RateGoal {
  /** Calls per second, at least this ratio; `stretch` is what we would like. */
  readonly rate: number;
  readonly stretch?: number;
  /** 99th percentile of the time a call takes, at most this ratio. */
  readonly p99?: number;
}

/** Calls for a time: every candidate, round by round. */
export interface RateRow {
  readonly name: string;
  readonly title: string;
  readonly args: readonly string[];
  readonly goal?: RateGoal;
  /** No longer than this, whatever was asked for: a channel must not be used up, s. */
  readonly mostSeconds?: number;
}

/** Virtual connections held open, then one call on each: once, on fresh processes. */
export interface HoldRow {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** The same in front of a server that takes two connections for each: the proxy then has four descriptors for each. */
  readonly nativeConnections: number;
  /** How long they stay open, in seconds. */
  readonly seconds: number;
  /** Memory that the process grew by for each connection, at most, in KiB. */
  readonly kibEach: number;
}

/** The rows of calls per second, in the order in which they are measured. */
export const RATE_ROWS: readonly RateRow[] = [
  { name: 'calls-1', title: '1 connection, AddOne', args: ['-c', '1'], goal: { rate: 0.8, p99: 2.5 } },
  { name: 'calls-16', title: '16 connections, AddOne', args: ['-c', '16'] },
  {
    name: 'calls-64',
    title: '64 connections, AddOne',
    args: ['-c', '64'],
    goal: { rate: 0.6, stretch: 0.75, p99: 2.5 },
  },
  {
    name: 'echo-1',
    title: '1 connection, 60 KB echoes',
    args: ['-c', '1', '-s', '60000'],
    mostSeconds: 2,
    goal: { rate: 0.9, p99: 2.5 },
  },
  {
    name: 'echo-16',
    title: '16 connections, 60 KB echoes',
    args: ['-c', '16', '-s', '60000'],
    goal: { rate: 0.9, p99: 2.5 },
  },
  {
    name: 'replies',
    title: '1 connection, 1 MB replies',
    args: ['-c', '1', '-k', 'source', '-s', '1000000', '-w', '262144'],
    mostSeconds: 2,
    goal: { rate: 0.8, p99: 2.5 },
  },
  { name: 'churn', title: '8 times open, bind, call, close', args: ['-c', '8', '-C'], goal: { rate: 0.25 } },
];

/** The row of memory. */
export const HOLD_ROW: HoldRow = {
  name: 'hold',
  title: '6,000 virtual connections held open',
  connections: 6000,
  nativeConnections: 4500,
  seconds: 10,
  kibEach: 40,
};

/** How many connections a candidate holds in a row of memory. */
export function heldBy(row: HoldRow, name: CandidateName): number {
  return name === 'native' ? row.nativeConnections : row.connections;
}

/** What `--against` allows: a rate that is this part of the earlier program's in the same run is not slower. */
export const LEAST_OF_BEFORE = 0.95;

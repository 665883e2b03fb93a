import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { RpchError } from '@rpch/rpc';
import { compare } from './against.ts';
import { type Awake, keepAwake } from './awake.ts';
import { CANDIDATE_NAMES, type CandidateName, RPCH_BIN } from './candidates.ts';
import { Children } from './children.ts';
import { benchGrowth } from './mail/growth.ts';
import { benchMail } from './mail/mail.ts';
import type { SelfTime } from './profile.ts';
import { preparePrograms } from './programs.ts';
import { type Findings, judge, render } from './report.ts';
import { HOLD_ROW, RATE_ROWS } from './rows.ts';
import { benchRunTime } from './run-time/run-time.ts';
import { type Bench, measureHolds, measureRates, profileRow } from './runner.ts';

/** Who takes part in the row of memory. */
const HOLD_CANDIDATES: readonly CandidateName[] = ['haproxy', 'relay', 'proxy', 'native', 'before'];
const ROW_NAMES = [...RATE_ROWS.map((row) => row.name), HOLD_ROW.name];

const HELP = `usage: npm run bench -- [options]
       npm run bench -- run-time [options]     the RPC run-time, client and server (--help)
       npm run bench -- mail [options]         the information store and the address book (--help)
       npm run bench -- growth [SIZES]         a mailbox whose folders grow to a million messages

Measures the RPC Proxy, in front of a server on plain TCP and of one that speaks ncacn_http itself ('native'), against
direct TCP, one HAProxy hop in TCP mode, and a bare relay in Node.

  --rounds N        rounds, in each of which every candidate runs once (default 3)
  --seconds N       seconds of each run (default 3)
  --only NAME,...   rows: ${ROW_NAMES.join(', ')} (default: all)
  --with NAME,...   candidates: ${CANDIDATE_NAMES.join(', ')} (default: all; 'before' needs --against)
  --rpch FILE       the program to measure (default: this checkout's packages/cli/bin/rpch.js)
  --against FOLDER  measure another checkout too ('before'), an earlier one with its node_modules, and say what is slower
                    than there by more than 5 %
  --profile         profile the proxy on the rows where it falls short
  --no-awake        let idle cores halt, as they do without the benchmark
  --json            print data instead of tables

example: npm run bench -- --rounds 5 --only calls-1,calls-64 --profile

Exits 0 when everything could be measured, whether goals are met or not; 1 when something failed; 2 on wrong usage.`;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: ReadonlySet<string>;
  readonly with: ReadonlySet<string>;
  readonly rpch: string;
  /** The earlier checkout's program. */
  readonly before: string | undefined;
  readonly profile: boolean;
  readonly awake: boolean;
  readonly json: boolean;
}

function options(): Options {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '3' },
        only: { type: 'string', default: ROW_NAMES.join(',') },
        with: { type: 'string', default: CANDIDATE_NAMES.join(',') },
        rpch: { type: 'string', default: RPCH_BIN },
        against: { type: 'string' },
        profile: { type: 'boolean', default: false },
        awake: { type: 'boolean', default: true },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const only = namesIn(values.only, 'row', ROW_NAMES);
    const candidates = namesIn(values.with, 'candidate', CANDIDATE_NAMES);
    const rounds = positive('--rounds', values.rounds);
    if (!Number.isInteger(rounds)) throw new Error('--rounds wants a whole number');
    const before = values.against === undefined ? undefined : programOf(values.against);
    if (before === undefined) candidates.delete('before');
    return { ...values, rounds, seconds: positive('--seconds', values.seconds), only, with: candidates, before };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    process.exit(2);
  }
}

function namesIn(list: string, kind: string, known: readonly string[]): Set<string> {
  const names = list.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`there is no ${kind} '${unknown}'; ${kind}s are ${known.join(', ')}`);
  return new Set(names);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new Error(`${name} wants a number above 0 and up to 3600, not '${text}'`);
}

/** The program of a checkout; throws where there is none that could run. */
function programOf(checkout: string): string {
  const program = resolve(checkout, 'packages/cli/bin/rpch.js');
  for (const needed of [program, resolve(checkout, 'node_modules/@rpch/rpc/package.json')]) {
    if (!existsSync(needed)) throw new Error(`--against wants a checkout that is installed: there is no ${needed}`);
  }
  return program;
}

async function measure(bench: Bench, wanted: Options): Promise<boolean> {
  const { rounds, seconds, before } = wanted;
  const taking = (name: CandidateName): boolean => wanted.with.has(name);
  const rows = RATE_ROWS.filter((row) => wanted.only.has(row.name));
  const rates =
    rows.length === 0 ? [] : await measureRates(bench, CANDIDATE_NAMES.filter(taking), rows, rounds, seconds);
  const hold = wanted.only.has(HOLD_ROW.name)
    ? await measureHolds(bench, HOLD_CANDIDATES.filter(taking), HOLD_ROW)
    : undefined;
  const verdicts = judge(rates, hold);
  const comparisons = before === undefined ? undefined : compare(rates);
  const profiles = new Map<string, SelfTime[] | string>();
  if (wanted.profile) {
    const short = new Set(verdicts.filter((verdict) => !verdict.met).map((verdict) => verdict.row));
    for (const { row, slower } of comparisons ?? []) if (slower) short.add(row);
    for (const { row, medians } of rates) {
      if (!short.has(row.name)) continue;
      for (const name of ['proxy', 'native'] as const) {
        if (medians.has(name)) profiles.set(`${row.title}, ${name}`, await profileRow(bench, name, row, seconds));
      }
    }
  }
  const findings: Findings = { rounds, seconds, rates, hold, profiles, comparisons };
  console.log(wanted.json ? JSON.stringify({ ...findings, verdicts }, plain, 2) : render(findings, verdicts));
  return [...rates, ...(hold === undefined ? [] : [hold])].every((result) => result.failures.size === 0);
}

/** JSON has no Map: its entries become the fields of an object. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function sayWhere(awake: Awake | undefined): void {
  const cores = cpus();
  const halting = awake === undefined ? 'cores may halt' : 'reason' in awake ? `cores may halt (${awake.reason})` : '';
  const machine = `${cores.length} cores of ${cores[0]?.model ?? 'unknown kind'}`;
  console.error([`Node ${process.version}, ${machine}`, halting || 'cores kept awake'].join(', '));
}

if (process.argv[2] === 'run-time') process.exit(await benchRunTime(process.argv.slice(3)));
if (process.argv[2] === 'growth') process.exit(benchGrowth(process.argv.slice(3)));
if (process.argv[2] === 'mail') process.exit(await benchMail(process.argv.slice(3)));
const wanted = options();
const children = new Children();
const folder = mkdtempSync(join(tmpdir(), 'rpch-bench-'));
process.on('exit', () => {
  children.killAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const awake = wanted.awake ? await keepAwake() : undefined;
sayWhere(awake);
try {
  const programs = await preparePrograms(children, folder);
  const progress = (text: string): void => console.error(text);
  const complete = await measure(
    { children, programs, folder, rpch: wanted.rpch, before: wanted.before, progress },
    wanted,
  );
  process.exitCode = complete ? 0 : 1;
} catch (error) {
  if (!(error instanceof RpchError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await children.endAll();
  if (awake !== undefined && 'release' in awake) await awake.release();
}

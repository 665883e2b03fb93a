import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compare } from '../bench/against.ts';
import { CANDIDATE_NAMES, type CandidateName, RPCH_BIN } from '../bench/candidates.ts';
import { Children } from '../bench/children.ts';
import type { Rate } from '../bench/measure.ts';
import { topSelfTimes } from '../bench/profile.ts';
import { missingPrograms, preparePrograms } from '../bench/programs.ts';
import { judge, render } from '../bench/report.ts';
import { HOLD_ROW, RATE_ROWS, type RateRow } from '../bench/rows.ts';
import { type HoldResult, measureRates, median, type RateResult } from '../bench/runner.ts';

const missing = process.env.RPCH_REQUIRE_PEERS === '1' ? [] : await missingPrograms();

test('smoke: every candidate answers calls without an error', {
  skip: missing.length > 0 ? `not installed: ${missing.join(', ')}` : false,
}, async (t) => {
  const children = new Children();
  const folder = await mkdtemp(join(tmpdir(), 'rpch-bench-'));
  t.after(async () => {
    await children.endAll();
    await rm(folder, { recursive: true });
  });
  const programs = await preparePrograms(children, folder);
  const progress = (text: string): void => t.diagnostic(text);
  const bench = { children, programs, folder, rpch: RPCH_BIN, before: RPCH_BIN, progress };
  const [result] = await measureRates(bench, CANDIDATE_NAMES, [rowNamed('calls-16')], 1, 0.5);
  assert.deepEqual([...(result?.failures ?? [])], []);
  for (const name of CANDIDATE_NAMES) assert.ok((result?.medians.get(name)?.calls ?? 0) > 0, name);
});

test('a child that cannot start, or ends before it accepts, is an error that quotes it', async (t) => {
  const children = new Children();
  t.after(() => children.endAll());
  await assert.rejects(children.start('nothing', '/nonexistent/program', [], { says: /ready/ }), {
    code: 'RPCH_BENCH_START',
    message: /nothing did not start: .*ENOENT/,
  });
  const dies = ['-e', 'console.error("no such port"); process.exit(3)'];
  await assert.rejects(children.start('dies', process.execPath, dies, { says: /ready/ }), {
    code: 'RPCH_BENCH_START',
    message: 'dies ended with code 3: no such port',
  });
});

test('goals are held against the HAProxy hop', () => {
  const row = rowNamed('calls-64');
  const reached = result(row, { haproxy: rate(40_000, 2_000), proxy: rate(30_000, 5_000) });
  const short = result(row, { haproxy: rate(40_000, 2_000), proxy: rate(23_999, 5_001) });
  const verdicts = (rates: RateResult): unknown[] =>
    judge([rates], undefined).map(({ figure, value, met }) => [figure, value, met]);
  assert.deepEqual(verdicts(reached), [
    ['calls per second', 0.75, true],
    ['p99', 2.5, true],
  ]);
  assert.deepEqual(verdicts(short), [
    ['calls per second', 0.599975, false],
    ['p99', 2.5005, false],
  ]);
  assert.deepEqual(verdicts(result(row, { haproxy: rate(40_000, 2_000) })), [
    ['calls per second', undefined, false],
    ['p99', undefined, false],
  ]);
});

test('memory held open is met only when every connection answered', () => {
  const held = (answered: number, each: number): HoldResult => ({
    row: HOLD_ROW,
    holds: new Map([['proxy', { held: 6000, answered, each, rssMiB: 200 }]]),
    failures: new Map(),
  });
  assert.deepEqual(
    [held(6000, 40), held(6000, 40.1), held(5999, 20)].map((hold) => judge([], hold)[0]?.met),
    [true, false, false],
  );
});

test('the page names goals, verdicts and failures', () => {
  const rates = [
    result(rowNamed('calls-64'), {
      haproxy: rate(40_000, 2_000),
      relay: rate(32_000, 3_000),
      proxy: rate(30_000, 6_000),
    }),
    {
      ...result(rowNamed('churn'), { haproxy: rate(3_000, 900) }),
      failures: new Map([['proxy', 'churn: 401'] as const]),
    },
  ];
  const findings = { rounds: 3, seconds: 3, rates, hold: undefined, profiles: new Map([['churn', 'no profile']]) };
  const page = render(findings, judge(rates, undefined)).split('\n');
  assert.ok(page.some((line) => /^64 connections, AddOne +40,000 +32,000 +30,000$/.test(line)));
  assert.ok(
    page.some((line) => /^64 connections, AddOne: calls per second +0.75 +at least 0.6 +met, stretch/.test(line)),
  );
  assert.ok(page.some((line) => /^64 connections, AddOne: p99 +3.00 +at most 2.5 +not met$/.test(line)));
  assert.ok(
    page.some((line) => /^8 times open, bind, call, close: calls .* failed +at least 0.25 +not met$/.test(line)),
  );
  assert.equal(page.at(-1), '  churn: 401');
});

test('what is slower than before is told by each round, not by figures of different rounds', () => {
  const row = rowNamed('calls-16');
  const slower = (proxy: readonly number[], before: readonly number[]): unknown[] =>
    compare([inRounds(row, proxy, before)]).map(({ calls, slower }) => [
      calls?.median,
      calls?.least,
      calls?.most,
      slower,
    ]);
  assert.deepEqual(slower([95, 190, 380], [100, 200, 400]), [[0.95, 0.95, 0.95, false]]);
  assert.deepEqual(slower([94, 190, 300], [100, 200, 400]), [[0.94, 0.75, 0.95, true]]);
  // The machine was slow in one round, for both: medians of the figures themselves would say 0.5.
  assert.deepEqual(slower([50, 100, 50], [50, 100, 100]), [[1, 0.5, 1, false]]);
  assert.deepEqual(slower([100], [100, 100]), [[undefined, undefined, undefined, true]]);
});

test('the page tells the native candidate beside both references, and the comparison with an earlier program', () => {
  const row = rowNamed('calls-64');
  const given = result(row, {
    haproxy: rate(40_000, 2_000),
    proxy: rate(30_000, 4_000),
    native: rate(24_000, 5_000),
    before: rate(32_000, 4_000),
  });
  const findings = { rounds: 1, seconds: 1, rates: [given], hold: undefined, profiles: new Map() };
  const page = render({ ...findings, comparisons: compare([given]) }, []).split('\n');
  assert.ok(
    page.some((line) =>
      /^Ratios of calls per second {2}proxy \/ haproxy {2}native \/ haproxy {2}native \/ proxy$/.test(line),
    ),
  );
  assert.ok(page.some((line) => /^64 connections, AddOne +0.75 +0.60 +0.80$/.test(line)));
  assert.ok(page.some((line) => /^64 connections, AddOne +0.94 +0.94 to 0.94 .* slower by more than 5 %$/.test(line)));
  assert.ok(!render(findings, []).includes('before /'));
});

test('medians', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), Number.NaN);
});

test('self time is summed by function, without idle time and what came before', () => {
  const node = (id: number, functionName: string, url: string, lineNumber: number) => {
    return { id, callFrame: { functionName, url, lineNumber } };
  };
  const here = new URL('../../../packages/rpc/src/a.ts', import.meta.url).href;
  const nodes = [
    node(1, '(idle)', '', -1),
    node(2, 'f', here, 9),
    node(3, '(program)', '', -1),
    node(4, 'f', here, 9),
    node(5, '', 'node:net', 0),
  ];
  const samples = [3, 1, 2, 3, 4, 5, 1];
  const profile = { nodes, samples, startTime: 1_000_000, timeDeltas: [0, 700, 500, 1_000, 3_000, 2_000, 4_000] };
  assert.deepEqual(topSelfTimes(profile, 2, 1_000_700), [
    { where: '(anonymous) node:net:1', milliseconds: 4, share: 0.4 },
    { where: 'f packages/rpc/src/a.ts:10', milliseconds: 3, share: 0.3 },
  ]);
});

function rowNamed(name: string): RateRow {
  const row = RATE_ROWS.find((candidate) => candidate.name === name);
  assert.ok(row !== undefined, name);
  return row;
}

function rate(calls: number, p99: number): Rate {
  return { calls, p50: 500, p99, cpuPerCall: 20, rssMiB: 15 };
}

function result(row: RateRow, medians: Partial<Record<CandidateName, Rate>>): RateResult {
  const entries = Object.entries(medians) as [CandidateName, Rate][];
  const rounds = new Map(entries.map(([name, one]) => [name, [one]]));
  return { row, medians: new Map(entries), rounds, failures: new Map() };
}

function inRounds(row: RateRow, proxy: readonly number[], before: readonly number[]): RateResult {
  const rates = (calls: readonly number[]): Rate[] => calls.map((each) => rate(each, 500));
  const rounds = new Map<CandidateName, Rate[]>([
    ['proxy', rates(proxy)],
    ['before', rates(before)],
  ]);
  return { row, medians: new Map(), rounds, failures: new Map() };
}

import { type Comparison, renderComparison } from './against.ts';
import { CANDIDATE_NAMES, type CandidateName } from './candidates.ts';
import type { Hold, Rate } from './measure.ts';
import type { SelfTime } from './profile.ts';
import type { HoldResult, RateResult } from './runner.ts';
import { count, decimal, table } from './table.ts';

/** One goal and what was measured. `value` is undefined when a candidate that it needs failed. */
export interface Verdict {
  readonly row: string;
  readonly title: string;
  readonly figure: 'calls per second' | 'p99' | 'memory of each';
  readonly value: number | undefined;
  readonly bound: 'at least' | 'at most';
  readonly goal: number;
  readonly stretch?: number;
  readonly met: boolean;
}

/** Everything that one run of the benchmark found. */
export interface Findings {
  readonly rounds: number;
  readonly seconds: number;
  readonly rates: readonly RateResult[];
  readonly hold: HoldResult | undefined;
  /** By the row's title: where the proxy's time went, or why that is not known. */
  readonly profiles: ReadonlyMap<string, readonly SelfTime[] | string>;
  /** Against an earlier program, where one ran in the same run. */
  readonly comparisons?: readonly Comparison[] | undefined;
}

/** The hop that goals are ratios to. */
const REFERENCE: CandidateName = 'haproxy';

/** The table of ratios: what is divided by what. */
const RATIOS: readonly (readonly [name: CandidateName, to: CandidateName])[] = [
  ['relay', 'haproxy'],
  ['proxy', 'haproxy'],
  ['native', 'haproxy'],
  ['native', 'proxy'],
];

/** A candidate's figure divided by another's, the HAProxy hop's by default; undefined when one of the two failed. */
export function ratioTo(
  result: RateResult,
  name: CandidateName,
  figure: keyof Rate,
  to: CandidateName = REFERENCE,
): number | undefined {
  const own = result.medians.get(name)?.[figure];
  const reference = result.medians.get(to)?.[figure];
  return own === undefined || reference === undefined ? undefined : own / reference;
}

/** Holds every goal of the rows that were measured against the figures. */
export function judge(rates: readonly RateResult[], hold: HoldResult | undefined): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const result of rates) {
    const { name: row, title, goal } = result.row;
    if (goal === undefined) continue;
    const calls = ratioTo(result, 'proxy', 'calls');
    const base = { row, title, figure: 'calls per second', value: calls, bound: 'at least', goal: goal.rate } as const;
    const met = calls !== undefined && calls >= goal.rate;
    verdicts.push(goal.stretch === undefined ? { ...base, met } : { ...base, met, stretch: goal.stretch });
    if (goal.p99 === undefined) continue;
    const value = ratioTo(result, 'proxy', 'p99');
    verdicts.push({
      ...{ row, title, figure: 'p99', value, bound: 'at most', goal: goal.p99 },
      met: value !== undefined && value <= goal.p99,
    });
  }
  if (hold !== undefined) {
    const { name: row, title, kibEach: goal, connections } = hold.row;
    const proxy = hold.holds.get('proxy');
    const met = proxy !== undefined && proxy.each <= goal && proxy.answered === connections;
    verdicts.push({ row, title, figure: 'memory of each', value: proxy?.each, bound: 'at most', goal, met });
  }
  return verdicts;
}

/** The findings as a page of plain text. */
export function render(findings: Findings, verdicts: readonly Verdict[]): string {
  const { rates, hold, profiles } = findings;
  const sections: string[] = [];
  if (rates.length > 0) {
    sections.push(
      section(`Calls per second, medians (rounds: ${findings.rounds}, seconds: ${findings.seconds})`, rates, (rate) =>
        count(rate.calls),
      ),
      section('A call takes, p50 / p99, µs', rates, (rate) => `${count(rate.p50)} / ${count(rate.p99)}`),
      section('The process: cpu per call, µs / memory, MiB', rates, (rate) => `${rate.cpuPerCall} / ${rate.rssMiB}`),
      ratios(rates),
    );
  }
  if (hold !== undefined) sections.push(holdSection(hold));
  if (findings.comparisons !== undefined) sections.push(renderComparison(findings.comparisons, hold));
  if (verdicts.length > 0) sections.push(goals(verdicts));
  for (const [title, lines] of profiles) sections.push(profileSection(title, lines));
  const failures = [...rates, ...(hold === undefined ? [] : [hold])].flatMap((result) => [...result.failures.values()]);
  if (failures.length > 0) sections.push(['Failed', ...failures.map((failure) => `  ${failure}`)].join('\n'));
  return sections.join('\n\n');
}

function section(title: string, rates: readonly RateResult[], cell: (rate: Rate) => string): string {
  const names = CANDIDATE_NAMES.filter((name) => rates.some((result) => took(result, name)));
  const rows = rates.map((result) => [
    result.row.title,
    ...names.map((name) => {
      const rate = result.medians.get(name);
      return rate === undefined ? (result.failures.has(name) ? 'failed' : '') : cell(rate);
    }),
  ]);
  return table([title, ...names], rows);
}

/** Whether a candidate took part in a row. */
function took({ medians, failures }: RateResult, name: CandidateName): boolean {
  return medians.has(name) || failures.has(name);
}

function ratios(rates: readonly RateResult[]): string {
  const columns = RATIOS.filter((pair) => pair.every((name) => rates.some((result) => took(result, name))));
  const parts = (['calls', 'p99'] as const).map((figure) => {
    const rows = rates.map((result) => [
      result.row.title,
      ...columns.map(([name, to]) => decimal(ratioTo(result, name, figure, to))),
    ]);
    const title = figure === 'calls' ? 'Ratios of calls per second' : 'Ratios of p99';
    return table([title, ...columns.map(([name, to]) => `${name} / ${to}`)], rows);
  });
  return parts.join('\n\n');
}

function holdSection({ row, holds, failures }: HoldResult): string {
  const names = CANDIDATE_NAMES.filter((name) => holds.has(name) || failures.has(name));
  const cell = (name: CandidateName, text: (hold: Hold) => string): string => {
    const hold = holds.get(name);
    return hold === undefined ? 'failed' : text(hold);
  };
  const lines: [string, (hold: Hold) => string][] = [
    ['held', (hold) => count(hold.held)],
    ['answered afterwards', (hold) => count(hold.answered)],
    ['memory of each, KiB', (hold) => hold.each.toFixed(1)],
    ['memory in all, MiB', (hold) => count(hold.rssMiB)],
  ];
  return table(
    [row.title, ...names],
    lines.map(([label, text]) => [label, ...names.map((name) => cell(name, text))]),
  );
}

function goals(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => {
    const { value, stretch, met } = verdict;
    const stretched =
      stretch !== undefined && value !== undefined && value >= stretch ? `, stretch ${stretch} too` : '';
    const goal = `${verdict.bound} ${verdict.goal}${verdict.figure === 'memory of each' ? ' KiB' : ''}`;
    return [`${verdict.title}: ${verdict.figure}`, decimal(value), goal, met ? `met${stretched}` : 'not met'];
  });
  return table(['Goals of the proxy', 'measured', 'goal', ''], rows);
}

function profileSection(title: string, lines: readonly SelfTime[] | string): string {
  if (typeof lines === 'string') return `Self time of the proxy: ${title}\n  failed: ${lines}`;
  const rows = lines.map(({ where, milliseconds, share }) => {
    return [`  ${where}`, `${(share * 100).toFixed(1)} %`, `${count(milliseconds)} ms`];
  });
  return table([`Self time of the proxy: ${title}`, 'of busy', 'time'], rows);
}

import type { CandidateName } from './candidates.ts';
import type { Rate } from './measure.ts';
import { LEAST_OF_BEFORE } from './rows.ts';
import { type HoldResult, median, type RateResult } from './runner.ts';
import { decimal, table } from './table.ts';

/** A figure of the program divided by that of the earlier one, round by round: their median and their range. */
export interface RoundRatios {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** What a row says about the program and an earlier one that ran beside it. Undefined figures: one of the two failed. */
export interface Comparison {
  readonly row: string;
  readonly title: string;
  readonly calls: RoundRatios | undefined;
  readonly p50: RoundRatios | undefined;
  readonly p99: RoundRatios | undefined;
  readonly cpuPerCall: RoundRatios | undefined;
  /** Slower by more than 5 % by the median of the rounds, or not measured. */
  readonly slower: boolean;
}

const NOW: CandidateName = 'proxy';
const BEFORE: CandidateName = 'before';

/** Holds the rate of every row against the earlier program's, round by round: what the machine did met both alike. */
export function compare(rates: readonly RateResult[]): Comparison[] {
  return rates.map((result) => {
    const calls = ratiosOf(result, 'calls');
    return {
      row: result.row.name,
      title: result.row.title,
      calls,
      p50: ratiosOf(result, 'p50'),
      p99: ratiosOf(result, 'p99'),
      cpuPerCall: ratiosOf(result, 'cpuPerCall'),
      slower: calls === undefined || calls.median < LEAST_OF_BEFORE,
    };
  });
}

function ratiosOf(result: RateResult, figure: keyof Rate): RoundRatios | undefined {
  const [now, before] = [result.rounds.get(NOW), result.rounds.get(BEFORE)];
  if (now === undefined || before === undefined || now.length === 0 || now.length !== before.length) return undefined;
  const ratios = now.map((rate, round) => rate[figure] / (before[round]?.[figure] ?? Number.NaN));
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) };
}

/** The comparison as tables of plain text. */
export function renderComparison(comparisons: readonly Comparison[], hold: HoldResult | undefined): string {
  const rows = comparisons.map(({ title, calls, p50, p99, cpuPerCall, slower }) => {
    const range = calls === undefined ? '' : `${decimal(calls.least)} to ${decimal(calls.most)}`;
    const verdict = calls === undefined ? 'failed' : slower ? 'slower by more than 5 %' : 'not slower';
    const others = [p50, p99, cpuPerCall].map((ratios) => decimal(ratios?.median));
    return [title, decimal(calls?.median), range, ...others, verdict];
  });
  const head = ['Now / before, medians of the rounds', 'calls', 'range', 'p50', 'p99', 'cpu per call', 'verdict'];
  const tables = rows.length === 0 ? [] : [table(head, rows)];
  if (hold !== undefined) tables.push(holdLine(hold));
  return tables.join('\n\n');
}

/** Memory is no matter of speed and has a goal of its own: it is told without a verdict. */
function holdLine({ row, holds }: HoldResult): string {
  const [now, before] = [holds.get('proxy'), holds.get('before')];
  const each = now === undefined || before === undefined ? undefined : now.each / before.each;
  const kib = [now, before].map((hold) => (hold === undefined ? 'failed' : hold.each.toFixed(1)));
  return table(['Memory of each, KiB', 'now', 'before', 'now / before'], [[row.title, ...kib, decimal(each)]]);
}

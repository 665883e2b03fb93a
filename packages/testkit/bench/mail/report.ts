import { count, decimal, table } from '../table.ts';
import type { CallSize } from './load.ts';
import type { Measurement, Run } from './measurements.ts';
import type { SessionMemory } from './memory.ts';
import { GOALS, MAX_SESSION } from './rows.ts';

/** Stub bytes of the calls that are measured. */
export interface Sizes {
  readonly page: readonly CallSize[];
  readonly book: readonly CallSize[];
}

/** The measurements as tables, ratios beside their goals: by what was done each second, and by what it took of the core. */
export function render(
  runs: ReadonlyMap<Measurement, readonly Run[]>,
  memory: SessionMemory | undefined,
  sizes: Sizes,
): string {
  const rates = [...runs].map(([name, list]) => {
    const rates = list.map(({ rate }) => rate);
    const rows = list[0]?.rows ?? 0;
    return [
      name,
      count(median(rates)),
      `${count(Math.min(...rates))} to ${count(Math.max(...rates))}`,
      rows === 0 ? '' : count(median(rates) * rows),
      count(median(list.map(({ time }) => time))),
      count(median(list.map(({ clientTime }) => clientTime))),
    ];
  });
  const head = ['Each second', 'median', 'range', 'rows', 'CPU µs', 'client µs'];
  const parts = [
    sizesLine('A page', sizes.page),
    sizesLine('Bind, QueryRows, Unbind', sizes.book),
    '',
    table(head, rates),
    '',
    table(['Ratio', 'of rates', 'of CPU time', 'goal', ''], ratiosOf(runs)),
  ];
  if (memory !== undefined) {
    const { sessions, kept, rss } = memory;
    const verdict = `at most ${MAX_SESSION / 1024} KiB: ${kept <= MAX_SESSION ? 'met' : 'not met'}`;
    const each = `${(kept / 1024).toFixed(1)} KiB are kept of each (${verdict})`;
    parts.push('', `${count(sessions)} idle sessions: ${each}; the process has ${count(rss / 2 ** 20)} MiB resident.`);
  }
  return parts.join('\n');
}

function ratiosOf(runs: ReadonlyMap<Measurement, readonly Run[]>): string[][] {
  return GOALS.flatMap(({ title, of, to, least }) => {
    const [ours, theirs] = [runs.get(of), runs.get(to)];
    if (ours === undefined || theirs === undefined) return [];
    // Round by round: what else the machine does meanwhile changes less within one than between them.
    const rates = ours.map(({ rate }, round) => rate / (theirs[round]?.rate ?? Number.NaN));
    const times = ours.map(({ time }, round) => (theirs[round]?.time ?? Number.NaN) / time);
    const ratio = median(rates);
    const verdict = least === undefined ? ['', ''] : [`at least ${least}`, ratio >= least ? 'met' : 'not met'];
    return [[title, withRange(rates), withRange(times), ...verdict]];
  });
}

function withRange(values: readonly number[]): string {
  return `${decimal(median(values))} (${decimal(Math.min(...values))} to ${decimal(Math.max(...values))})`;
}

function sizesLine(what: string, sizes: readonly CallSize[]): string {
  const calls = sizes.map(({ request, answer }) => `${count(request)} and ${count(answer)}`);
  return `${what}: stubs of ${calls.join(', ')} bytes.`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

import { RpchError } from '@rpch/rpc';

/** Something wrong in the settings, before its place in a file is known. */
export interface Problem {
  /** Keys and indexes from the top, for instance `['allow', 0, 'connect']`. */
  readonly path: readonly (string | number)[];
  /** What was expected and what was found. */
  readonly message: string;
}

/** Settings that cannot be used; `problems` holds one line each, all that were found. */
export class ConfigError extends RpchError {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    super('RPCH_BAD_CONFIG', 'configuration', problems.join('\n'), options);
    this.problems = problems;
  }
}

/** The path as administrators write it: `allow[0].connect`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** The candidate that `text` is probably a misspelling of: at most a third of its letters differ. */
export function suggest(text: string, candidates: readonly string[]): string | undefined {
  const wanted = text.toLowerCase().replace(/[-_]/g, '');
  const distances = candidates.map((candidate) => ({ candidate, off: distance(wanted, candidate.toLowerCase()) }));
  const [best] = distances.toSorted((a, b) => a.off - b.off);
  return best !== undefined && best.off <= Math.max(1, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined;
}

/** Letters to change, insert or delete to make one text of the other (Levenshtein); texts are cut at 64. */
function distance(one: string, other: string): number {
  const a = [...one.slice(0, 64)];
  const b = [...other.slice(0, 64)];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  a.forEach((letter, i) => {
    let left = i + 1;
    row = [
      left,
      ...b.map((against, j) => {
        const above = (row[j + 1] ?? 0) + 1;
        const across = (row[j] ?? 0) + (letter === against ? 0 : 1);
        left = Math.min(left + 1, above, across);
        return left;
      }),
    ];
  });
  return row[b.length] ?? 0;
}

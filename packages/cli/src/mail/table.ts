import stringWidth from 'string-width';

/** A column of a table for people. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way where the table is wider than the terminal; others keep their width. */
  readonly shrinks?: boolean;
}

const GAP = 2;
/** Narrower than this no column becomes. */
const LEAST = 8;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Lays a table out, as wide as its cells or as the terminal. Cells are of one line and without control characters already.
 * @param width of the terminal, in cells; undefined where it is none and lines may be as long as they are.
 */
export function layOut(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, at) => all.reduce((most, row) => Math.max(most, stringWidth(row[at] ?? '')), 0));
  if (width !== undefined) narrow(columns, widths, width);
  const lines = all.map((row) =>
    columns
      .map(({ align }, at) => pad(cut(row[at] ?? '', widths[at] ?? 0), widths[at] ?? 0, align ?? 'left'))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** Takes from the widest column that shrinks until all fit, or nothing more gives way. */
function narrow(columns: readonly Column[], widths: number[], width: number): void {
  let over = widths.reduce((sum, each) => sum + each, GAP * (columns.length - 1)) - width;
  while (over > 0) {
    const shrinking = columns.flatMap(({ shrinks }, at) =>
      shrinks === true && (widths[at] ?? 0) > LEAST ? [{ at, wide: widths[at] ?? 0 }] : [],
    );
    const [widest, next] = shrinking.sort((a, b) => b.wide - a.wide);
    if (widest === undefined) return;
    const taken = Math.min(over, Math.max(1, widest.wide - Math.max(next?.wide ?? LEAST, LEAST)));
    widths[widest.at] = widest.wide - taken;
    over -= taken;
  }
}

/** The beginning of a text that is not wider than that, with an ellipsis where something is left out. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return align === 'left' ? text + space : space + text;
}

/** Breaks the lines of a text at spaces so that none is wider, quoted ones with their marks again; words that are wider stay whole. */
export function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (line.length <= width ? line : wrapLine(line, width)))
    .join('\n');
}

function wrapLine(line: string, width: number): string {
  const lines: string[] = [];
  const indent = /^(?:> ?)* */.exec(line)?.[0] ?? '';
  let current = '';
  let used = 0;
  for (const word of line.slice(indent.length).split(' ')) {
    const wide = stringWidth(word);
    if (current !== '' && used + 1 + wide > width) {
      lines.push(current);
      current = indent + word;
      used = indent.length + wide;
    } else if (current === '') {
      current = indent + word;
      used = indent.length + wide;
    } else {
      current += ` ${word}`;
      used += 1 + wide;
    }
  }
  lines.push(current);
  return lines.join('\n');
}

/** A table of plain text: the first column to the left, the others to the right, each as wide as its widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  return all.map((row) => line(row).trimEnd()).join('\n');
}

/** A whole number, with commas between thousands. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A ratio; undefined where what it needs failed. */
export function decimal(value: number | undefined): string {
  return value === undefined ? 'failed' : value.toFixed(2);
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

/** Reads a number of bytes such as `131072`, `128KiB` or `1.5 GiB`; undefined for other text. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?(|KiB|MiB|GiB)$/.exec(text);
  const unit = UNITS.get(match?.[2] ?? '');
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** A number of bytes for people. */
export function formatSize(bytes: number): string {
  const [unit, size] = [...UNITS].reverse().find(([, value]) => bytes >= value) ?? ['', 1];
  return unit === '' ? `${bytes} bytes` : `${(bytes / size).toFixed(bytes % size === 0 ? 0 : 1)} ${unit}`;
}

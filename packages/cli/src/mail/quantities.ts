/** Dates and sizes as people read them. */

/** Where and when a reader is. */
export interface Reader {
  /** As Intl has it; undefined: that of the process. */
  readonly timeZone?: string;
  readonly now: Date;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `532 B`, `1.4 KiB`, `23 MiB`. */
export function tellSize(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit > 0 && amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

/** A date for a table, to the minute: `today 09:30` or `2026-06-30 09:30`; empty where there is none. */
export function tellDate(date: Date | undefined, { timeZone, now }: Reader): string {
  if (date === undefined) return '';
  const when = partsOf(date, timeZone);
  const today = partsOf(now, timeZone);
  if (when.day === today.day) return `today ${when.time}`;
  return `${when.day} ${when.time}`;
}

/** A date in full, with the weekday and the zone. */
export function tellDateInFull(date: Date, { timeZone }: Reader): string {
  const { day, time } = partsOf(date, timeZone);
  const more = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    timeZoneName: 'longOffset',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(date);
  const part = (wanted: string): string => more.find(({ type }) => type === wanted)?.value ?? '';
  return `${part('weekday')} ${day} ${time} ${part('timeZoneName').replace('GMT', '') || '+00:00'}`;
}

function partsOf(date: Date, timeZone: string | undefined): { readonly day: string; readonly time: string } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(date);
  const part = (wanted: string): string => parts.find(({ type }) => type === wanted)?.value ?? '';
  return { day: `${part('year')}-${part('month')}-${part('day')}`, time: `${part('hour')}:${part('minute')}` };
}

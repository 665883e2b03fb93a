/** A recurrence rule as tests make it. */
export interface Rule {
  readonly freq: 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY';
  readonly interval?: number | undefined;
  readonly count?: number | undefined;
  /** A day, `20260302`. */
  readonly until?: string | undefined;
  readonly byDay?: readonly string[] | undefined;
  readonly bySetPos?: number | undefined;
  readonly byMonthDay?: number | undefined;
  readonly byMonth?: number | undefined;
  readonly wkst?: string | undefined;
}

const DAY = 86_400_000;
/** Rules that come true less than ten times before are not made. */
const LAST_YEAR = 2400;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** The rule as text (RFC 5545 3.3.10). */
export function ruleText(rule: Rule): string {
  const parts = {
    FREQ: rule.freq,
    INTERVAL: rule.interval,
    COUNT: rule.count,
    UNTIL: rule.until,
    BYDAY: rule.byDay?.join(','),
    BYSETPOS: rule.bySetPos,
    BYMONTHDAY: rule.byMonthDay,
    BYMONTH: rule.byMonth,
    WKST: rule.wkst,
  };
  const written = Object.entries(parts).filter(([, value]) => value !== undefined);
  return written.map(([name, value]) => `${name}=${value}`).join(';');
}

/**
 * The days of a rule by RFC 5545 alone: every day from the first is held against each part. Days are `20260302`.
 * @param limit of days that are given.
 */
export function expand(rule: Rule, first: string, limit: number): string[] {
  const start = dateOf(first);
  const days: string[] = [];
  for (let time = start.getTime(); days.length < Math.min(limit, rule.count ?? limit); time += DAY) {
    const date = new Date(time);
    const day = dayText(date);
    if (date.getUTCFullYear() > LAST_YEAR || (rule.until !== undefined && day > rule.until)) break;
    if (isInPeriod(rule, start, date) && isChosen(rule, start, date)) days.push(day);
  }
  return days;
}

export function dateOf(day: string): Date {
  return new Date(Date.UTC(Number(day.slice(0, 4)), Number(day.slice(4, 6)) - 1, Number(day.slice(6, 8))));
}

export function dayText(date: Date): string {
  return date.toISOString().slice(0, 10).replaceAll('-', '');
}

function isInPeriod({ freq, interval = 1, wkst = 'MO' }: Rule, start: Date, date: Date): boolean {
  const weekStart = (of: Date): number => of.getTime() - ((of.getUTCDay() - WEEKDAYS.indexOf(wkst) + 7) % 7) * DAY;
  const years = date.getUTCFullYear() - start.getUTCFullYear();
  const passed = {
    DAILY: (date.getTime() - start.getTime()) / DAY,
    WEEKLY: (weekStart(date) - weekStart(start)) / DAY / 7,
    MONTHLY: years * 12 + date.getUTCMonth() - start.getUTCMonth(),
    YEARLY: years,
  };
  return passed[freq] % interval === 0;
}

function isChosen({ freq, byDay, bySetPos, byMonthDay, byMonth }: Rule, start: Date, date: Date): boolean {
  const weekday = WEEKDAYS[date.getUTCDay()] ?? '';
  if (freq === 'DAILY') return byDay?.includes(weekday) ?? true;
  if (freq === 'WEEKLY') return byDay?.includes(weekday) ?? date.getUTCDay() === start.getUTCDay();
  if (freq === 'YEARLY' && date.getUTCMonth() !== (byMonth ?? start.getUTCMonth() + 1) - 1) return false;
  const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const day = date.getUTCDate();
  if (byDay === undefined) return day === (byMonthDay === -1 ? length : (byMonthDay ?? start.getUTCDate()));
  const all = Array.from({ length }, (_, n) => n + 1).filter((n) => {
    const at = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), n));
    return byDay.some((name) => name.slice(-2) === WEEKDAYS[at.getUTCDay()]);
  });
  const nth = bySetPos ?? Number.parseInt(byDay[0] ?? '', 10);
  return day === all.at(nth < 0 ? nth : nth - 1);
}

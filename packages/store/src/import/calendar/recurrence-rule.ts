import { RpchError } from '@rpch/rpc';
import { type CalendarStamp, parseStamp, ruleParts } from './icalendar.ts';

/** The recurrence has no pattern in Outlook's calendars; the message says why, in words that are not the mail's. */
export class InexpressibleError extends RpchError {
  constructor(why: string) {
    super('RPCH_RECURRENCE_INEXPRESSIBLE', 'caller', why);
  }
}

/** How often a rule lets an event come again. */
export type Frequency = 'daily' | 'weekly' | 'monthly' | 'yearly';

/** A recurrence rule (RFC 5545 3.3.10), as far as patterns can follow it. */
export interface RecurrenceRule {
  readonly frequency: Frequency;
  readonly interval: number;
  readonly count: number | undefined;
  readonly until: CalendarStamp | undefined;
  /** The first day of the week; 0 is Sunday. */
  readonly weekStart: number;
  /** BYDAY: bit 0 is Sunday; 0 where it is missing. */
  readonly weekdays: number;
  /** The number before the only day of BYDAY, or BYSETPOS: 1 to 4, or -1 for the last. */
  readonly nth: number | undefined;
  /** 1 to 31, or -1 for the last. */
  readonly monthDay: number | undefined;
  /** 1 to 12. */
  readonly month: number | undefined;
}

const FREQUENCIES: ReadonlyMap<string, Frequency> = new Map([
  ['DAILY', 'daily'],
  ['WEEKLY', 'weekly'],
  ['MONTHLY', 'monthly'],
  ['YEARLY', 'yearly'],
]);
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const PARTS: ReadonlySet<string> = new Set([
  'FREQ',
  'INTERVAL',
  'COUNT',
  'UNTIL',
  'WKST',
  'BYDAY',
  'BYSETPOS',
  'BYMONTHDAY',
  'BYMONTH',
  'BYHOUR',
  'BYMINUTE',
  'BYSECOND',
]);
/** What Outlook lets one enter: every 999 days, 99 weeks or 99 months ([MS-OXOCAL] 2.2.1.44.1). */
const MAX_INTERVAL: Readonly<Record<Frequency, number>> = { daily: 999, weekly: 99, monthly: 99, yearly: 8 };
/** The longest month there is of each: a rule for the 30th of February is none. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Reads a rule, as the templates of [MS-OXCICAL] 2.1.3.2.2 allow it.
 * @param start what the clock shows when the event begins first.
 * @throws InexpressibleError.
 */
export function parseRule(text: string, start: number): RecurrenceRule {
  const parts = ruleParts(text);
  if ([...parts.keys()].some((name) => name !== '' && !PARTS.has(name))) {
    throw new InexpressibleError('a rule by weeks or days of the year, or with parts that no pattern has');
  }
  const frequency = FREQUENCIES.get(parts.get('FREQ') ?? '');
  if (frequency === undefined) throw new InexpressibleError('a rule by hours, minutes or seconds, or by nothing');
  checkTime(parts, start);
  const interval = numberOf(parts, 'INTERVAL', 1, 999_999) ?? 1;
  if (interval > MAX_INTERVAL[frequency]) throw new InexpressibleError('an interval that is too long');
  const rule = {
    frequency,
    interval,
    ...rangeOf(parts),
    weekStart: WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO'),
    ...daysOf(parts),
    monthDay: numberOf(parts, 'BYMONTHDAY', -1, 31),
    month: numberOf(parts, 'BYMONTH', 1, 12),
  };
  if (rule.weekStart < 0) throw new InexpressibleError('a week that begins on no day');
  checkCombination(rule);
  return rule;
}

/** [MS-OXCICAL] 2.1.3.2.2: BYHOUR and BYMINUTE may say again when the event begins, and no more. */
function checkTime(parts: ReadonlyMap<string, string>, start: number): void {
  const date = new Date(start);
  const said = [
    [numberOf(parts, 'BYHOUR', 0, 23), date.getUTCHours()],
    [numberOf(parts, 'BYMINUTE', 0, 59), date.getUTCMinutes()],
    [numberOf(parts, 'BYSECOND', 0, 59), date.getUTCSeconds()],
  ];
  if (said.some(([by, own]) => by !== undefined && by !== own)) {
    throw new InexpressibleError('times of day other than that of the first');
  }
}

function rangeOf(parts: ReadonlyMap<string, string>): Pick<RecurrenceRule, 'count' | 'until'> {
  const until = parseStamp(parts.get('UNTIL'));
  if (parts.has('UNTIL') && (until === undefined || parts.has('COUNT'))) {
    throw new InexpressibleError('an end that cannot be read');
  }
  return { count: numberOf(parts, 'COUNT', 1, 999_999_999), until };
}

/** BYDAY with BYSETPOS; a number stands before a day only where it is the only one. */
function daysOf(parts: ReadonlyMap<string, string>): Pick<RecurrenceRule, 'weekdays' | 'nth'> {
  let nth = numberOf(parts, 'BYSETPOS', -1, 4);
  const text = parts.get('BYDAY');
  if (text === undefined) return { weekdays: 0, nth };
  let weekdays = 0;
  for (const day of text.split(',', 64)) {
    const match = /^([+-]?\d{1,2})?(SU|MO|TU|WE|TH|FR|SA)$/.exec(day.trim());
    if (match === null) throw new InexpressibleError('a BYDAY that cannot be read');
    if (match[1] !== undefined) {
      const number = Number(match[1]);
      if (text.includes(',') || nth !== undefined || number === 0 || number < -1 || number > 4) {
        throw new InexpressibleError('numbered days other than one of the first four or the last');
      }
      nth = number;
    }
    weekdays |= 1 << WEEKDAYS.indexOf(match[2] ?? '');
  }
  return { weekdays, nth };
}

function checkCombination({ frequency, interval, weekdays, nth, monthDay, month }: RecurrenceRule): void {
  const fits = {
    // Every day that is one of these is every week on these.
    daily: nth === undefined && monthDay === undefined && month === undefined && (weekdays === 0 || interval === 1),
    weekly: nth === undefined && monthDay === undefined && month === undefined,
    monthly: (nth === undefined) === (weekdays === 0) && (nth ?? monthDay) === (monthDay ?? nth) && month === undefined,
    yearly: (nth === undefined) === (weekdays === 0) && (month !== undefined || (monthDay ?? nth) === undefined),
  }[frequency];
  const both = weekdays !== 0 && monthDay !== undefined;
  if (!fits || both) throw new InexpressibleError('days that no pattern has together');
  if (month !== undefined && monthDay !== undefined && monthDay > (MONTH_DAYS[month - 1] ?? 0)) {
    throw new InexpressibleError('a day that its month has not');
  }
}

/** A part that is one number; undefined where it is missing. */
function numberOf(parts: ReadonlyMap<string, string>, name: string, low: number, high: number): number | undefined {
  const text = parts.get(name);
  if (text === undefined) return undefined;
  const number = /^[+-]?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  const isZero = number === 0 && low < 0;
  if (!(number >= low && number <= high) || isZero) throw new InexpressibleError(`a ${name} that no pattern has`);
  return number;
}

import type { Frequency, RecurrenceRule } from './recurrence-rule.ts';

const DAY = 86_400_000;
const FIRST_DAY = Date.UTC(1601, 0, 1);
/** Days since 1601: 31 August 4500, the last that Outlook's calendars have. */
const LAST_DAY = dayOf(Date.UTC(4500, 7, 31));
/** Occurrences that are counted; a longer series is stored as one without end. */
const MAX_OCCURRENCES = 50_000;
/** Above every day: no month is short of it. */
const LAST_OF_MONTH = 32;

/** On which days an event comes again. Days are numbered from 1 January 1601, a Monday; months from that of January 1601. */
export interface RecurrenceDays {
  readonly frequency: Frequency;
  /** PatternType ([MS-OXOCAL] 2.2.1.44.1) of the Gregorian calendar. */
  readonly kind: 'day' | 'week' | 'month' | 'monthNth';
  /** In days, weeks or months. */
  readonly period: number;
  /** Of weeks: 0 is Sunday. */
  readonly weekStart: number;
  /** Bit 0 is Sunday. */
  readonly weekdays: number;
  /** Of a month; one that is shorter has it on its last day. */
  readonly monthDay: number;
  /** 1 to 4, or 5 for the last. */
  readonly nth: number;
  /** The first occurrence. */
  readonly start: number;
}

/** How far a series goes. */
export interface RecurrenceRange {
  readonly end: 'never' | 'count' | 'date';
  /** Occurrences of the pattern, those that are taken out included. */
  readonly count: number;
  /** The last day. */
  readonly last: number;
  /** Days up to the last that the pattern has and the rule has not: the 28th of February, for the 30th of every month. */
  readonly surplus: readonly number[];
  /** The pattern has other days than the rule, which has no end, or one that is too far away. */
  readonly isInexact: boolean;
}

/** The day of what a clock shows. */
export function dayOf(local: number): number {
  return Math.floor((local - FIRST_DAY) / DAY);
}

/** Midnight of a day, as a clock shows it: milliseconds since 1970, as if it were UTC. */
export function midnightOf(day: number): number {
  return FIRST_DAY + day * DAY;
}

/** 0 is Sunday. */
export function weekdayOf(day: number): number {
  return (day + 1) % 7;
}

/** The first day of the week that a day is in. */
export function weekOf(day: number, weekStart: number): number {
  return day - ((weekdayOf(day) - weekStart + 7) % 7);
}

/** The month that a day is in. */
export function monthOf(day: number): number {
  const date = new Date(midnightOf(day));
  return (date.getUTCFullYear() - 1601) * 12 + date.getUTCMonth();
}

/** The first day of a month. */
export function firstDayOf(month: number): number {
  return dayOf(Date.UTC(1601 + Math.floor(month / 12), month % 12, 1));
}

/**
 * The days of a rule, from the day on which DTSTART is; where the rule lacks that day, from its first one behind it. Undefined where
 * it has none.
 */
export function recurrenceDays(rule: RecurrenceRule, start: number): RecurrenceDays | undefined {
  const from = dayOf(start);
  const days = { ...shapeOf(rule, from), start: from };
  for (const { day, isSurplus } of occurrencesFrom(days, rule.month)) if (!isSurplus) return { ...days, start: day };
  return undefined;
}

function shapeOf(rule: RecurrenceRule, from: number): Omit<RecurrenceDays, 'start'> {
  const { frequency, interval, weekStart, weekdays, nth, monthDay } = rule;
  const date = new Date(midnightOf(from));
  const shape = { frequency, period: interval, weekStart, weekdays, monthDay: 0, nth: 0 };
  if (frequency === 'daily' && weekdays === 0) return { ...shape, kind: 'day' };
  if (frequency === 'daily' || frequency === 'weekly') {
    return { ...shape, frequency: 'weekly', kind: 'week', weekdays: weekdays || 1 << weekdayOf(from) };
  }
  const period = frequency === 'yearly' ? interval * 12 : interval;
  if (nth !== undefined) return { ...shape, period, kind: 'monthNth', nth: nth === -1 ? 5 : nth };
  const day = monthDay ?? date.getUTCDate();
  // [MS-OXCICAL] 2.1.3.2.2.3: the last day is the 31st, which shorter months have on their last day.
  return { ...shape, period, kind: 'month', monthDay: day === -1 ? LAST_OF_MONTH : day };
}

/**
 * How far a rule goes.
 * @param start what the clock shows at the beginning of DTSTART.
 * @param until what it shows when the rule ends; the event may still begin then.
 */
export function recurrenceRange(
  days: RecurrenceDays,
  start: number,
  count: number | undefined,
  until: number | undefined,
): RecurrenceRange {
  const isEndless = count === undefined && (until === undefined || dayOf(until) >= LAST_DAY);
  const timeOfDay = start - midnightOf(dayOf(start));
  const surplus: number[] = [];
  let [all, own] = [0, 0];
  let upTo = { last: days.start, count: 0, surplus: 0 };
  for (const { day, isSurplus } of occurrencesFrom(days)) {
    if (isEndless && all === ENOUGH_TO_KNOW) return { ...ENDLESS, isInexact: surplus.length > 0 };
    if (own === count || (until !== undefined && midnightOf(day) + timeOfDay > until)) {
      return {
        end: count === undefined ? 'date' : 'count',
        count: upTo.count,
        last: upTo.last,
        surplus: surplus.slice(0, upTo.surplus),
        isInexact: false,
      };
    }
    all += 1;
    if (all > MAX_OCCURRENCES) break;
    if (isSurplus) {
      surplus.push(day);
      continue;
    }
    own += 1;
    upTo = { last: day, count: all, surplus: surplus.length };
  }
  return { ...ENDLESS, isInexact: surplus.length > 0 || !isEndless };
}

/** OccurrenceCount of a series without end ([MS-OXCICAL] 2.1.3.2.2.1). */
const ENDLESS: RecurrenceRange = { end: 'never', count: 10, last: LAST_DAY, surplus: [], isInexact: false };
/** Occurrences after which a rule has shown what months it meets. */
const ENOUGH_TO_KNOW = 100;

/** Whether an event comes on a day, were it without end ([MS-OXOCAL] 2.2.1.44.1.2). */
export function isOccurrence(days: RecurrenceDays, day: number): boolean {
  const { kind, period, weekStart, weekdays, start } = days;
  if (day < start) return false;
  if (kind === 'day') return (day - start) % period === 0;
  if (kind === 'week') {
    const weeks = (weekOf(day, weekStart) - weekOf(start, weekStart)) / 7;
    return weeks % period === 0 && ((weekdays >> weekdayOf(day)) & 1) === 1;
  }
  const month = monthOf(day);
  return (month - monthOf(start)) % period === 0 && dayInMonth(days, month).day === day;
}

interface Occurrence {
  readonly day: number;
  /** Its month is too short for the rule. */
  readonly isSurplus: boolean;
}

/** @param startMonth of a year, 1 to 12, in which the event comes; without it, that of its start. */
function* occurrencesFrom(days: RecurrenceDays, startMonth?: number): Generator<Occurrence> {
  const { kind, period, weekStart, weekdays, start } = days;
  if (kind === 'day') {
    for (let day = start; day <= LAST_DAY; day += period) yield { day, isSurplus: false };
  } else if (kind === 'week') {
    for (let week = weekOf(start, weekStart); week <= LAST_DAY; week += period * 7) {
      for (let day = Math.max(week, start); day < week + 7; day += 1) {
        if (((weekdays >> weekdayOf(day)) & 1) === 1) yield { day, isSurplus: false };
      }
    }
  } else {
    const own = monthOf(start);
    let month = startMonth === undefined ? own : own - (own % 12) + startMonth - 1;
    for (; firstDayOf(month) <= LAST_DAY; month += period) {
      const occurrence = dayInMonth(days, month);
      if (occurrence.day >= start) yield occurrence;
    }
  }
}

function dayInMonth({ kind, monthDay, nth, weekdays }: RecurrenceDays, month: number): Occurrence {
  const [first, next] = [firstDayOf(month), firstDayOf(month + 1)];
  if (kind === 'month') {
    const length = next - first;
    return { day: first + Math.min(monthDay, length) - 1, isSurplus: monthDay > length && monthDay !== LAST_OF_MONTH };
  }
  const isLast = nth === 5;
  let left = isLast ? 1 : nth;
  let day = isLast ? next : first - 1;
  while (left > 0) {
    day += isLast ? -1 : 1;
    if (((weekdays >> weekdayOf(day)) & 1) === 1) left -= 1;
  }
  return { day, isSurplus: false };
}

import { midnightOf, type RecurrenceDays, type RecurrenceRange } from './recurrence-days.ts';
import type { AppointmentRecurrence } from './recurrence-pattern.ts';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const ORDINALS = ['', 'first', 'second', 'third', 'fourth', 'last'];
const UNITS = { day: 'day', week: 'week', month: 'month', monthNth: 'month' } as const;
/** Masks of days that have a name. */
const NAMED_DAYS: ReadonlyMap<number, string> = new Map([
  [0x7f, 'day'],
  [0x3e, 'weekday'],
  [0x41, 'weekend day'],
]);

/** PidLidRecurrencePattern ([MS-OXOCAL] 2.2.1.46): `every Monday and Friday from 10:00 to 10:30, from 2026-03-02 until 2026-06-26`. */
export function recurrenceText({ days, range, startOffset, endOffset }: AppointmentRecurrence): string {
  const isAllDay = startOffset === 0 && endOffset % 1440 === 0;
  const times = isAllDay ? '' : ` from ${clock(startOffset)} to ${clock(endOffset)}`;
  return `${daysText(days)}${times}, ${rangeText(days, range)}`;
}

function daysText(days: RecurrenceDays): string {
  const { kind, period, monthDay, nth, weekdays, start } = days;
  if (days.frequency === 'yearly') {
    const month = new Date(midnightOf(start)).toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' });
    const day = kind === 'month' ? dayText(monthDay) : `the ${ORDINALS[nth]} ${listDays(weekdays, 'or')}`;
    return `${every(period / 12, 'year')} on ${day} of ${month}`;
  }
  if (kind === 'day') return every(period, 'day');
  if (kind === 'week') {
    const named = listDays(weekdays, 'and');
    return period === 1 ? `every ${named}` : `${every(period, 'week')} on ${named}`;
  }
  const day = kind === 'month' ? dayText(monthDay) : `the ${ORDINALS[nth]} ${listDays(weekdays, 'or')}`;
  return `${day} of ${every(period, UNITS[kind])}`;
}

function dayText(monthDay: number): string {
  return monthDay > 31 ? 'the last day' : `day ${monthDay}`;
}

function every(period: number, unit: string): string {
  return period === 1 ? `every ${unit}` : `every ${period} ${unit}s`;
}

function listDays(weekdays: number, last: 'and' | 'or'): string {
  const named = NAMED_DAYS.get(weekdays);
  if (named !== undefined) return named;
  const days = WEEKDAYS.filter((_, day) => ((weekdays >> day) & 1) === 1);
  return days.length < 2 ? days.join('') : `${days.slice(0, -1).join(', ')} ${last} ${days.at(-1)}`;
}

function rangeText({ start }: RecurrenceDays, { end, last }: RecurrenceRange): string {
  return end === 'never' ? `from ${date(start)}` : `from ${date(start)} until ${date(last)}`;
}

function date(day: number): string {
  return new Date(midnightOf(day)).toISOString().slice(0, 10);
}

/** `09:30`; what goes on over midnight ends by the clock of its day. */
function clock(minutes: number): string {
  const [hour, minute] = [Math.floor(minutes / 60) % 24, minutes % 60];
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

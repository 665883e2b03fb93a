import { localTime, spanOf, timeOf } from './calendar-time.ts';
import { busyStatusOf, textOf } from './event-values.ts';
import type { CalendarComponent, CalendarProperty } from './icalendar.ts';
import { dayOf, isOccurrence, midnightOf, type RecurrenceDays, type RecurrenceRange } from './recurrence-days.ts';
import { minutesOf, type RecurrenceException } from './recurrence-pattern.ts';
import { InexpressibleError } from './recurrence-rule.ts';
import type { CalendarZone, CalendarZones } from './time-zone.ts';

const MINUTE = 60_000;
/** Dates that are taken out of a series, or moved, together; and of each property that names such. */
export const MAX_EXCEPTIONS = 1000;
/** Days over which an occurrence can be moved. */
const MAX_MOVE = 366;

/** A series, and what its properties stand for. */
export interface Series {
  readonly event: CalendarComponent;
  readonly zones: CalendarZones;
  /** That of DTSTART, whose clock the series goes by. */
  readonly zone: CalendarZone;
  readonly days: RecurrenceDays;
  readonly range: RecurrenceRange;
  /** Minutes after midnight when it begins, and how many it lasts. */
  readonly startOffset: number;
  readonly duration: number;
}

/** What a series has that its rule has not. */
export interface SeriesExceptions {
  readonly deleted: readonly number[];
  readonly exceptions: readonly RecurrenceException[];
  /** What could not be said of them. */
  readonly lacks: readonly string[];
}

/** An occurrence that is moved or otherwise changed: its day in the pattern, and what it has become. */
interface Change {
  readonly day: number;
  readonly exception: RecurrenceException;
}

/**
 * EXDATE, RDATE and the events that replace occurrences ([MS-OXCICAL] 2.1.3.1.1.20). An occurrence can be moved no
 * further than its neighbours ([MS-OXOCAL] 2.2.1.44); one that is moved further stays where it was, and is told.
 * @param replacements events of the same UID with a RECURRENCE-ID.
 * @throws InexpressibleError for more than MAX_EXCEPTIONS.
 */
export function exceptionsOf(series: Series, replacements: readonly CalendarComponent[]): SeriesExceptions {
  const { days, range } = series;
  const lacks = new Set<string>();
  const surplus = new Set(range.surplus);
  const has = (day: number): boolean => day <= range.last && isOccurrence(days, day) && !surplus.has(day);
  const out = new Set<number>();
  for (const local of datesOf(series, 'EXDATE', lacks)) if (has(dayOf(local))) out.add(dayOf(local));
  const changes = new Map<number, Change>();
  for (const replacement of replacements) {
    const change = changeOf(series, replacement);
    if (change === undefined || !has(change.day)) lacks.add('an occurrence that is none of the rule');
    else if (change.exception === undefined) out.add(change.day);
    else changes.set(change.day, { day: change.day, exception: change.exception });
  }
  const isLive = (day: number): boolean => has(day) && !out.has(day);
  addMoved(series, changes, out, isLive, lacks);
  const exceptions: RecurrenceException[] = [];
  const deleted = new Set([...surplus, ...out]);
  let before = -1;
  for (const { day, exception } of [...changes.values()].sort((a, b) => a.day - b.day)) {
    const to = Math.floor(exception.start / 1440);
    if (to <= before || !canMove(day, to, isLive)) {
      lacks.add('an occurrence that is moved beyond another');
      continue;
    }
    before = to;
    deleted.add(day);
    exceptions.push(exception);
  }
  if (deleted.size > MAX_EXCEPTIONS) throw new InexpressibleError(`more than ${MAX_EXCEPTIONS} exceptions`);
  return { deleted: [...deleted].sort((a, b) => a - b), exceptions, lacks: [...lacks] };
}

/** RDATE: each must go together with a day that is taken out, which is then moved ([MS-OXCICAL] 2.1.3.1.1.20.18). */
function addMoved(
  series: Series,
  changes: Map<number, Change>,
  out: ReadonlySet<number>,
  isLive: (day: number) => boolean,
  lacks: Set<string>,
): void {
  const free = [...out].filter((day) => !changes.has(day)).sort((a, b) => a - b);
  for (const local of datesOf(series, 'RDATE', lacks)) {
    const to = dayOf(local);
    const start = minutesOf(local);
    if (isLive(to) && start === to * 1440 + series.startOffset) continue;
    const above = free.findIndex((day) => day > to);
    const next = above < 0 ? free.length : above;
    const at = [next - 1, next].find((index) => free[index] !== undefined && canMove(free[index], to, isLive));
    const day = at === undefined ? undefined : free[at];
    if (at === undefined || day === undefined) {
      lacks.add('a date beside those of the rule');
      continue;
    }
    free.splice(at, 1);
    const original = day * 1440 + series.startOffset;
    changes.set(day, { day, exception: { start, end: start + series.duration, original, ...UNCHANGED } });
  }
}

const UNCHANGED = { subject: undefined, location: undefined, busyStatus: undefined, isAllDay: undefined };

/** Whether no other occurrence lies on the way, or on the day itself. */
function canMove(from: number, to: number, isLive: (day: number) => boolean): boolean {
  if (Math.abs(to - from) > MAX_MOVE) return false;
  const step = Math.sign(to - from);
  for (let day = from; day !== to; ) {
    day += step;
    if (isLive(day)) return false;
  }
  return true;
}

/** What the clock of the series shows at each date of a property; the time of day is that of the series where a date has none. */
function datesOf(series: Series, name: string, lacks: Set<string>): number[] {
  const locals: number[] = [];
  for (const property of series.event.every(name)) {
    for (const value of property.value.split(',', MAX_EXCEPTIONS + 1)) {
      const local = localOf(series, { ...property, value });
      if (local !== undefined) locals.push(local);
      else if (value.trim() !== '') lacks.add(`an ${name} that cannot be read`);
      if (locals.length > MAX_EXCEPTIONS) throw new InexpressibleError(`more than ${MAX_EXCEPTIONS} exceptions`);
    }
  }
  return locals;
}

function localOf({ zones, zone, startOffset }: Series, property: CalendarProperty): number | undefined {
  const time = timeOf(property, zones);
  if (time === undefined) return undefined;
  return time.isDate ? time.utc + startOffset * MINUTE : localTime(time, zone);
}

/** What an event makes of the occurrence that it replaces; without an exception where that is cancelled. */
function changeOf(
  series: Series,
  event: CalendarComponent,
): { readonly day: number; readonly exception: RecurrenceException | undefined } | undefined {
  const id = event.get('RECURRENCE-ID');
  const original = id === undefined || id.parameters.has('RANGE') ? undefined : localOf(series, id);
  if (original === undefined) return undefined;
  const day = dayOf(original);
  if (event.get('STATUS')?.value.trim().toUpperCase() === 'CANCELLED') return { day, exception: undefined };
  const span = spanOf(event, series.zones);
  if (span === undefined) return undefined;
  const start = minutesOf(localTime(span.start, series.zone));
  const isAllDay = span.start.isDate;
  const exception: RecurrenceException = {
    start,
    end: start + Math.round((span.end - span.start.utc) / MINUTE),
    original: minutesOf(midnightOf(day)) + series.startOffset,
    subject: changed(textOf(event, 'SUMMARY'), textOf(series.event, 'SUMMARY')),
    location: changed(textOf(event, 'LOCATION'), textOf(series.event, 'LOCATION')),
    busyStatus: changed(busyStatusOf(event), busyStatusOf(series.event)),
    isAllDay: changed(isAllDay, spanOf(series.event, series.zones)?.start.isDate),
  };
  return { day, exception };
}

function changed<T>(own: T, ofSeries: T | undefined): T | undefined {
  return own === ofSeries ? undefined : own;
}

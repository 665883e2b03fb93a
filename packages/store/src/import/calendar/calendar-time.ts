import { type CalendarComponent, type CalendarProperty, parseStamp } from './icalendar.ts';
import type { CalendarZone, CalendarZones } from './time-zone.ts';

/** A time of a calendar. */
export interface CalendarTime {
  /** Milliseconds since 1970 UTC. */
  readonly utc: number;
  /** A day without a time of day; `utc` is its midnight as if in UTC. */
  readonly isDate: boolean;
}

/** When an event begins and ends. */
export interface CalendarSpan {
  readonly start: CalendarTime;
  /** Milliseconds since 1970 UTC; never before `start`. */
  readonly end: number;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** FILETIME begins the day before, so that it has midnight of this day in every zone. */
const FIRST = Date.UTC(1601, 0, 2);
/** Milliseconds since 1970: the last moment that Outlook's calendars have ([MS-OXOCAL] 2.2.1.15). */
export const LAST_TIME = Date.UTC(4500, 7, 31, 23, 59);

/**
 * Reads DTSTART and its like (RFC 5545 3.3.4, 3.3.5); floating times are read as UTC. Undefined for what is none, or lies outside of
 * the years that Outlook has.
 */
export function timeOf(property: CalendarProperty | undefined, zones: CalendarZones): CalendarTime | undefined {
  const stamp = parseStamp(property?.value);
  if (property === undefined || stamp === undefined) return undefined;
  const utc = stamp.isDate ? stamp.local : zones.of(property).toUtc(stamp.local);
  return utc >= FIRST && utc <= LAST_TIME ? { utc, isDate: stamp.isDate } : undefined;
}

/** What a zone's clock shows at a time, as if it were UTC; a day is the same day everywhere. */
export function localTime(time: CalendarTime, zone: CalendarZone): number {
  return time.isDate ? time.utc : zone.toLocal(time.utc);
}

/** When an event is (RFC 5545 3.6.1): DTSTART with DTEND or DURATION, a whole day where a day stands alone. */
export function spanOf(event: CalendarComponent, zones: CalendarZones): CalendarSpan | undefined {
  const start = timeOf(event.get('DTSTART'), zones);
  if (start === undefined) return undefined;
  const length = durationOf(event.get('DURATION')) ?? (start.isDate ? DAY : 0);
  const end = timeOf(event.get('DTEND'), zones)?.utc ?? Math.min(start.utc + length, LAST_TIME);
  return { start, end: Math.max(end, start.utc) };
}

/** RFC 5545 3.3.6, in milliseconds. */
export function durationOf(property: CalendarProperty | undefined): number | undefined {
  const match = /^([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$/.exec(
    property?.value.trim() ?? '',
  );
  if (match === null || match[1] === '-') return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(2)
    .map((digits) => Number(digits ?? 0));
  return (weeks * 7 + days) * DAY + (hours * 60 + minutes) * MINUTE + seconds * 1000;
}

import type { CalendarComponent, CalendarProperty } from './icalendar.ts';

/** A time of a calendar. */
export interface CalendarTime {
  /** Milliseconds since 1970 UTC. */
  readonly utc: number;
  /** A day without a time of day; `utc` is its midnight as if in UTC. */
  readonly isDate: boolean;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/**
 * Reads DTSTART and its like (RFC 5545 3.3.4, 3.3.5): UTC, with a TZID that Intl knows or that the calendar has a VTIMEZONE for, or
 * floating, which is read as UTC. Undefined for what is none of them.
 */
export function timeOf(property: CalendarProperty | undefined, calendar: CalendarComponent): CalendarTime | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?$/.exec(property?.value.trim() ?? '');
  if (property === undefined || match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((digits) => Number(digits ?? 0));
  const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  if (match[4] === undefined) return { utc: local, isDate: true };
  const zone = property.parameters.get('TZID');
  if (match[7] === 'Z' || zone === undefined) return { utc: local, isDate: false };
  return { utc: toUtc(local, zone, calendar), isDate: false };
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

/** @param local the wall clock's time, as if it were UTC. */
function toUtc(local: number, zone: string, calendar: CalendarComponent): number {
  // Some programs put a path before the name, as RFC 5545 3.2.19 lets them.
  const name = /[A-Za-z_]+\/[A-Za-z_]+(?:\/[A-Za-z_]+)?$/.exec(zone)?.[0] ?? zone;
  const offset = offsetsOf(name);
  if (offset !== undefined) {
    const guess = local - offset(local);
    return local - offset(guess);
  }
  const declared = calendar.all('VTIMEZONE').find((component) => component.get('TZID')?.value.trim() === zone);
  return local - (declared === undefined ? 0 : declaredOffset(declared, local));
}

/** The offset from UTC of a zone of the tz database, in milliseconds, by time; undefined for a name that it has not. */
function offsetsOf(zone: string): ((utc: number) => number) | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    // Intl has no other way to ask whether it knows a zone.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return (utc) => {
    const parts = new Map(format.formatToParts(utc).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
    return local - Math.floor(utc / 1000) * 1000;
  };
}

/** The offset that a VTIMEZONE says (RFC 5545 3.6.5): that of the observance which began last. */
function declaredOffset(zone: CalendarComponent, local: number): number {
  let best: { readonly onset: number; readonly offset: number } | undefined;
  for (const observance of zone.components.slice(0, 100)) {
    const offset = utcOffset(observance.get('TZOFFSETTO')?.value);
    if (offset === undefined) continue;
    const onset = lastOnset(observance, local);
    if (best === undefined || onset > best.onset) best = { onset, offset };
  }
  return best?.offset ?? 0;
}

/** When an observance began for the last time before `local`; minus infinity where it had not yet. */
function lastOnset(observance: CalendarComponent, local: number): number {
  const start = timeOf(observance.get('DTSTART'), observance)?.utc ?? Number.NEGATIVE_INFINITY;
  const rule = observance.get('RRULE')?.value ?? '';
  const month = /BYMONTH=(\d{1,2})/i.exec(rule)?.[1];
  const day = /BYDAY=([+-]?\d)([A-Z]{2})/i.exec(rule);
  if (month === undefined || day === null || !Number.isFinite(start)) {
    return start <= local ? start : Number.NEGATIVE_INFINITY;
  }
  const year = new Date(local).getUTCFullYear();
  const timeOfDay = ((start % DAY) + DAY) % DAY;
  const weekday = WEEKDAYS.indexOf((day[2] ?? '').toUpperCase());
  const onsets = [year, year - 1].map((y) => nthWeekday(y, Number(month) - 1, Number(day[1]), weekday) + timeOfDay);
  return onsets.find((onset) => onset <= local) ?? Number.NEGATIVE_INFINITY;
}

/** Midnight of the nth such weekday of a month; counted from its end where n is negative. */
function nthWeekday(year: number, month: number, n: number, weekday: number): number {
  const edge = n < 0 ? Date.UTC(year, month + 1, 0) : Date.UTC(year, month, 1);
  const at = new Date(edge).getUTCDay();
  const days = n < 0 ? -((at - weekday + 7) % 7) + (n + 1) * 7 : ((weekday - at + 7) % 7) + (n - 1) * 7;
  return edge + days * DAY;
}

function utcOffset(text: string | undefined): number | undefined {
  const match = /^\s*([+-])(\d{2})(\d{2})/.exec(text ?? '');
  if (match === null) return undefined;
  const offset = (Number(match[2]) * 60 + Number(match[3])) * MINUTE;
  return match[1] === '-' ? -offset : offset;
}

import { type CalendarComponent, type CalendarProperty, parseStamp, ruleParts } from './icalendar.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
/** Observances of one zone that are read. */
const MAX_OBSERVANCES = 100;

/** When a zone goes over to another offset, every year, by the clock of before. */
export interface ZoneTransition {
  /** 1 to 12. */
  readonly month: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 4, or 5 for the last one of the month. */
  readonly nth: number;
  readonly hour: number;
  readonly minute: number;
}

/** What [MS-OXOCAL] 2.2.1.39 says of a zone: minutes that are added to its time for UTC. */
export interface ZoneRule {
  readonly bias: number;
  /** Added to the bias in summer. */
  readonly daylightBias: number;
  /** When winter and summer begin; undefined where there is no summer time. */
  readonly transitions: { readonly standard: ZoneTransition; readonly daylight: ZoneTransition } | undefined;
}

/** A time zone. Times are milliseconds since 1970; those of its own clock as if that were UTC. */
export interface CalendarZone {
  readonly name: string;
  toUtc(local: number): number;
  toLocal(utc: number): number;
  /** What holds in the year of a time. */
  ruleAt(local: number): ZoneRule;
}

const UTC: CalendarZone = {
  name: 'UTC',
  toUtc: (local) => local,
  toLocal: (utc) => utc,
  ruleAt: () => ({ bias: 0, daylightBias: 0, transitions: undefined }),
};

/** The zones that the times of one calendar are in. */
export class CalendarZones {
  readonly #calendar: CalendarComponent;
  readonly #known = new Map<string, CalendarZone>();

  constructor(calendar: CalendarComponent) {
    this.#calendar = calendar;
  }

  /**
   * The zone of a property (RFC 5545 3.2.19): that of its TZID, by the tz database or, for names that it has not, by the calendar's
   * VTIMEZONE. What has no TZID, ends in Z or names a zone that nobody knows is read as UTC.
   */
  of(property: CalendarProperty): CalendarZone {
    const id = property.parameters.get('TZID');
    if (id === undefined || /Z\s*$/.test(property.value)) return UTC;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const zone = databaseZone(id) ?? this.#declared(id) ?? UTC;
    this.#known.set(id, zone);
    return zone;
  }

  #declared(id: string): CalendarZone | undefined {
    const component = this.#calendar.all('VTIMEZONE').find((zone) => zone.get('TZID')?.value.trim() === id);
    return component === undefined ? undefined : declaredZone(id, component);
  }
}

/** A zone of the tz database; undefined for a name that it has not. */
function databaseZone(id: string): CalendarZone | undefined {
  // Some programs put a path before the name, as RFC 5545 3.2.19 lets them.
  const name = /[A-Za-z_]+\/[A-Za-z_]+(?:\/[A-Za-z_]+)?$/.exec(id)?.[0] ?? id;
  const offset = offsetsOf(name);
  if (offset === undefined) return undefined;
  return {
    name,
    toUtc: (local) => local - offset(local - offset(local)),
    toLocal: (utc) => utc + offset(utc),
    ruleAt: (local) => ruleOfOffsets(offset, new Date(local).getUTCFullYear(), local),
  };
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

/** The rule of a year whose offsets are known: summer time where they change just twice in it, else the offset of `local`. */
function ruleOfOffsets(offset: (utc: number) => number, year: number, local: number): ZoneRule {
  const changes: { readonly at: number; readonly before: number; readonly after: number }[] = [];
  for (let month = 0; month < 12; month += 1) {
    const [from, to] = [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
    const [before, after] = [offset(from), offset(to)];
    if (before !== after) changes.push({ at: changeBetween(offset, from, to), before, after });
  }
  const [daylight] = changes.filter(({ before, after }) => after > before);
  const [standard] = changes.filter(({ before, after }) => after < before);
  if (changes.length !== 2 || daylight === undefined || standard === undefined) {
    return { bias: minutesWest(offset(local)), daylightBias: 0, transitions: undefined };
  }
  return {
    bias: minutesWest(standard.after),
    daylightBias: (standard.after - daylight.after) / MINUTE,
    transitions: {
      standard: transitionAt(standard.at + standard.before),
      daylight: transitionAt(daylight.at + daylight.before),
    },
  };
}

/** The first minute that has the offset of `to`. */
function changeBetween(offset: (utc: number) => number, from: number, to: number): number {
  const wanted = offset(to);
  let [low, high] = [from / MINUTE, to / MINUTE];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offset(middle * MINUTE) === wanted) high = middle;
    else low = middle;
  }
  return high * MINUTE;
}

/** A day of which one year is known: the last such weekday of its month, or the nth. */
function transitionAt(local: number): ZoneTransition {
  const date = new Date(local);
  const day = date.getUTCDate();
  const isLast = new Date(local + 7 * DAY).getUTCMonth() !== date.getUTCMonth();
  return {
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    nth: isLast ? 5 : Math.ceil(day / 7),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}

/** A part of a VTIMEZONE (RFC 5545 3.6.5): STANDARD or DAYLIGHT. */
interface Observance {
  readonly isDaylight: boolean;
  /** Milliseconds. */
  readonly offset: number;
  /** Of the first time. */
  readonly start: number;
  /** How it comes again; undefined for what came once. */
  readonly yearly: (ZoneTransition & { readonly until: number }) | undefined;
}

function declaredZone(name: string, component: CalendarComponent): CalendarZone {
  const observances = component.components.slice(0, MAX_OBSERVANCES).flatMap(observanceOf);
  const offsetAt = (local: number): number => latest(observances, local)?.offset ?? 0;
  return {
    name,
    toUtc: (local) => local - offsetAt(local),
    toLocal: (utc) => utc + offsetAt(utc + offsetAt(utc)),
    ruleAt: (local) => {
      const goesOn = observances.filter(({ yearly }) => yearly !== undefined && yearly.until >= local);
      const standard = latest(
        goesOn.filter(({ isDaylight }) => !isDaylight),
        local,
      );
      const daylight = latest(
        goesOn.filter(({ isDaylight }) => isDaylight),
        local,
      );
      if (standard?.yearly === undefined || daylight?.yearly === undefined) {
        return { bias: minutesWest(offsetAt(local)), daylightBias: 0, transitions: undefined };
      }
      // [MS-OXCICAL] 2.1.3.1.1.19.2.5 and 2.1.3.1.1.19.3.5.
      return {
        bias: minutesWest(standard.offset),
        daylightBias: (standard.offset - daylight.offset) / MINUTE,
        transitions: { standard: standard.yearly, daylight: daylight.yearly },
      };
    },
  };
}

function observanceOf(component: CalendarComponent): Observance[] {
  const offset = utcOffset(component.get('TZOFFSETTO')?.value);
  if (offset === undefined) return [];
  const start = parseStamp(component.get('DTSTART')?.value)?.local ?? Number.NEGATIVE_INFINITY;
  return [{ isDaylight: component.name === 'DAYLIGHT', offset, start, yearly: yearlyOf(component, start) }];
}

function yearlyOf(component: CalendarComponent, start: number): Observance['yearly'] {
  const rule = ruleParts(component.get('RRULE')?.value ?? '');
  const month = /^\d{1,2}$/.exec(rule.get('BYMONTH') ?? '')?.[0];
  const day = /^([+-]?\d)([A-Z]{2})$/i.exec(rule.get('BYDAY') ?? '');
  const nth = day?.[1] === '-1' ? 5 : Number(day?.[1]);
  const weekday = WEEKDAYS.indexOf((day?.[2] ?? '').toUpperCase());
  if (month === undefined || !(nth >= 1 && nth <= 5) || weekday < 0 || !Number.isFinite(start)) return undefined;
  const at = new Date(start);
  const until = parseStamp(rule.get('UNTIL'))?.local ?? Number.POSITIVE_INFINITY;
  return { month: Number(month), weekday, nth, hour: at.getUTCHours(), minute: at.getUTCMinutes(), until };
}

/** The observance that began last before a time; the first one where none had begun. */
function latest(observances: readonly Observance[], local: number): Observance | undefined {
  let best: { readonly onset: number; readonly observance: Observance } | undefined;
  for (const observance of observances) {
    const onset = lastOnset(observance, local);
    if (best === undefined || onset > best.onset) best = { onset, observance };
  }
  return best?.observance;
}

/** When an observance began for the last time before `local`; minus infinity where it had not yet. */
function lastOnset({ start, yearly }: Observance, local: number): number {
  if (yearly === undefined) return start <= local ? start : Number.NEGATIVE_INFINITY;
  const before = Math.min(local, yearly.until);
  const year = new Date(before).getUTCFullYear();
  const onsets = [year, year - 1].map((year) => onsetIn(year, yearly));
  return onsets.find((onset) => onset <= before) ?? Number.NEGATIVE_INFINITY;
}

function onsetIn(year: number, { month, weekday, nth, hour, minute }: ZoneTransition): number {
  const edge = nth === 5 ? Date.UTC(year, month, 0) : Date.UTC(year, month - 1, 1);
  const at = new Date(edge).getUTCDay();
  const days = nth === 5 ? -((at - weekday + 7) % 7) : ((weekday - at + 7) % 7) + (nth - 1) * 7;
  return edge + days * DAY + (hour * 60 + minute) * MINUTE;
}

function minutesWest(offset: number): number {
  return 0 - offset / MINUTE;
}

function utcOffset(text: string | undefined): number | undefined {
  const match = /^\s*([+-])(\d{2})(\d{2})/.exec(text ?? '');
  if (match === null) return undefined;
  const offset = (Number(match[2]) * 60 + Number(match[3])) * MINUTE;
  return match[1] === '-' ? -offset : offset;
}

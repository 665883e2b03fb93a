import { fileTime } from '../../mailbox/mailbox-context.ts';
import { PropertyType, type PropertyValue } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import { type CalendarSpan, LAST_TIME, localTime } from '../calendar/calendar-time.ts';
import type { CalendarComponent, CalendarStamp } from '../calendar/icalendar.ts';
import { dayOf, midnightOf, recurrenceDays, recurrenceRange } from '../calendar/recurrence-days.ts';
import { exceptionsOf, MAX_EXCEPTIONS } from '../calendar/recurrence-exceptions.ts';
import { type AppointmentRecurrence, writeRecurrence } from '../calendar/recurrence-pattern.ts';
import { InexpressibleError, parseRule } from '../calendar/recurrence-rule.ts';
import { recurrenceText } from '../calendar/recurrence-text.ts';
import type { CalendarZone, CalendarZones } from '../calendar/time-zone.ts';
import {
  TZRULE_FLAG_EFFECTIVE_TZREG,
  TZRULE_FLAG_RECUR_CURRENT_TZREG,
  writeTimeZoneDefinition,
  writeTimeZoneStruct,
} from '../calendar/time-zone-blobs.ts';

/** Sets a named property of the message. */
export type SetNamed = (guid: string, lid: number, type: number, value: PropertyValue) => void;

/** An event with what it stands in. */
export interface EventContext {
  readonly event: CalendarComponent;
  /** All events of the calendar. */
  readonly events: readonly CalendarComponent[];
  readonly zones: CalendarZones;
  readonly span: CalendarSpan;
}

const { PSETID_Appointment } = PropertySet;
/** PidLidRecurrenceType ([MS-OXOCAL] 2.2.1.45). */
const RECURRENCE_TYPES = { daily: 1, weekly: 2, monthly: 3, yearly: 4 } as const;
const MINUTE = 60_000;
/** The year from which the only rule of a zone holds. */
const FIRST_YEAR = 1601;

/**
 * The properties of a series ([MS-OXCICAL] 2.1.3.2.2): PidLidAppointmentRecur and what goes with it. Whether the
 * event has become a series; where it recurs as no pattern can say, it stays one appointment.
 * @param notes gets what the properties cannot say.
 */
export function setRecurrence(set: SetNamed, context: EventContext, notes: Set<string>): boolean {
  const { event, zones, span } = context;
  const start = event.get('DTSTART');
  if (start === undefined) return false;
  const zone = zones.of(start);
  if (!span.start.isDate) setDisplayZones(set, context, zone);
  if (event.get('RRULE') === undefined) {
    if (event.get('RDATE') !== undefined) notes.add('dates without a rule');
    return false;
  }
  try {
    const recurrence = recurrenceOf(context, zone, notes);
    setSeries(set, recurrence, zone);
    return true;
  } catch (error) {
    if (!(error instanceof InexpressibleError)) throw error;
    notes.add(error.message);
    return false;
  }
}

/** [MS-OXOCAL] 2.2.1.42 and 2.2.1.43: the zones in which the beginning and the end are shown. */
function setDisplayZones(set: SetNamed, { event, zones, span }: EventContext, zone: CalendarZone): void {
  const end = event.get('DTEND');
  for (const [lid, shown] of [
    [0x825e, zone],
    [0x825f, end === undefined ? zone : zones.of(end)],
  ] as const) {
    const rule = shown.ruleAt(localTime(span.start, shown));
    const flags = TZRULE_FLAG_EFFECTIVE_TZREG;
    const definition = writeTimeZoneDefinition(shown.name, [{ rule, year: FIRST_YEAR, flags }]);
    set(PSETID_Appointment, lid, PropertyType.Binary, definition);
  }
}

function recurrenceOf(
  { event, events, zones, span }: EventContext,
  zone: CalendarZone,
  notes: Set<string>,
): AppointmentRecurrence {
  const rules = event.every('RRULE');
  if (rules.length > 1 || event.get('EXRULE') !== undefined) throw new InexpressibleError('more than one rule');
  const local = localTime(span.start, zone);
  const rule = parseRule(rules[0]?.value ?? '', local);
  const days = recurrenceDays(rule, local);
  if (days === undefined) throw new InexpressibleError('a rule that never comes true');
  const range = recurrenceRange(days, local, rule.count, untilOf(rule.until, zone));
  if (range.count === 0) throw new InexpressibleError('a rule that ends before it begins');
  if (range.isInexact) notes.add('days that some months have not, or an end that is too far away, in a series');
  const startOffset = Math.floor((local - midnightOf(dayOf(local))) / MINUTE);
  const duration = Math.round((span.end - span.start.utc) / MINUTE);
  const uid = event.get('UID')?.value.trim();
  const replacements = events.filter((other) => other !== event && other.get('UID')?.value.trim() === uid);
  if (replacements.length > MAX_EXCEPTIONS) throw new InexpressibleError(`more than ${MAX_EXCEPTIONS} exceptions`);
  const series = { event, zones, zone, days, range, startOffset, duration };
  const { deleted, exceptions, lacks } = exceptionsOf(series, replacements);
  for (const lack of lacks) notes.add(lack);
  return { days, range, startOffset, endOffset: startOffset + duration, deleted, exceptions };
}

/** What the clock shows when a rule ends: a day ends with its last second. */
function untilOf(until: CalendarStamp | undefined, zone: CalendarZone): number | undefined {
  if (until === undefined) return undefined;
  if (until.isDate) return until.local + 86_400_000 - 1;
  return until.isUtc ? zone.toLocal(until.local) : until.local;
}

function setSeries(set: SetNamed, recurrence: AppointmentRecurrence, zone: CalendarZone): void {
  const { days, range } = recurrence;
  const first = midnightOf(days.start);
  set(PSETID_Appointment, 0x8216, PropertyType.Binary, writeRecurrence(recurrence));
  set(PSETID_Appointment, 0x8231, PropertyType.Integer32, RECURRENCE_TYPES[days.frequency]);
  set(PSETID_Appointment, 0x8232, PropertyType.String, recurrenceText(recurrence));
  // PidLidClipStart and PidLidClipEnd: midnight of the first and the last day ([MS-OXOCAL] 2.2.1.14 and 2.2.1.15).
  const last = range.end === 'never' ? LAST_TIME : zone.toUtc(midnightOf(range.last));
  set(PSETID_Appointment, 0x8235, PropertyType.Time, fileTime(zone.toUtc(first)));
  set(PSETID_Appointment, 0x8236, PropertyType.Time, fileTime(last));
  const rule = zone.ruleAt(first);
  set(PSETID_Appointment, 0x8233, PropertyType.Binary, writeTimeZoneStruct(rule));
  set(PSETID_Appointment, 0x8234, PropertyType.String, zone.name);
  const flags = TZRULE_FLAG_EFFECTIVE_TZREG | TZRULE_FLAG_RECUR_CURRENT_TZREG;
  const definition = writeTimeZoneDefinition(zone.name, [{ rule, year: FIRST_YEAR, flags }]);
  set(PSETID_Appointment, 0x8260, PropertyType.Binary, definition);
}

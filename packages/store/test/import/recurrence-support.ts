import { Cursor } from '@rpch/rpc/internal';
import { PropertyType, type PropertyValue } from '../../src/mapi/property.ts';
import { PropertySet } from '../../src/mapi/property-name.ts';
import { type Converted, convert } from './support.ts';

const { PSETID_Appointment } = PropertySet;
const DAY = 1440;
const FIRST_DAY = Date.UTC(1601, 0, 1);

/** The message of an invitation whose calendar has these lines; the first event is the caller's to begin and to end. */
export function invite(lines: readonly string[], method = 'REQUEST'): Converted {
  const head = ['To: a@x.example', `Content-Type: text/calendar; method=${method}; charset=iso-8859-1`, ''];
  return convert([...head, 'BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\r\n'));
}

/** The lines of an event. */
export function event(...lines: readonly string[]): string[] {
  return ['BEGIN:VEVENT', 'UID:series@x.example', ...lines, 'END:VEVENT'];
}

/** A named property of [MS-OXOCAL] in PSETID_Appointment. */
export function appointment(mail: Converted, lid: number, type: number): PropertyValue | undefined {
  return mail.named({ guid: PSETID_Appointment, lid }, type);
}

/** PidLidAppointmentRecur, or another binary property, in hexadecimal; undefined where it is not there. */
export function hex(mail: Converted, lid = 0x8216): string | undefined {
  const value = appointment(mail, lid, PropertyType.Binary);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

/** An exception as it is read; times are minutes from 1601. */
export interface ReadException {
  readonly start: number;
  readonly end: number;
  readonly original: number;
  readonly flags: number;
  subject?: string;
  location?: string;
  busyStatus?: number;
  subType?: number;
}

/** An AppointmentRecurrencePattern structure, read by its layout in [MS-OXOCAL] 2.2.1.44. */
export interface ReadRecurrence {
  readonly frequency: number;
  readonly patternType: number;
  readonly firstDateTime: number;
  readonly period: number;
  readonly specific: readonly number[];
  readonly endType: number;
  readonly count: number;
  readonly firstDow: number;
  readonly deleted: readonly number[];
  readonly modified: readonly number[];
  readonly startDate: number;
  readonly endDate: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly exceptions: readonly ReadException[];
}

/** Throws for what is left over, and for versions and reserved fields that are not as the specification says. */
export function readRecurrence(bytes: Uint8Array): ReadRecurrence {
  const cursor = new Cursor(bytes, 'PidLidAppointmentRecur');
  const expect = (value: number, wanted: number): void => {
    if (value !== wanted) throw new Error(`${value} instead of ${wanted} before ${cursor.offset}`);
  };
  const list = (count: number): number[] => Array.from({ length: count }, () => cursor.u32());
  expect(cursor.u16(), 0x3004);
  expect(cursor.u16(), 0x3004);
  const frequency = cursor.u16();
  const patternType = cursor.u16();
  expect(cursor.u16(), 0);
  const firstDateTime = cursor.u32();
  const period = cursor.u32();
  expect(cursor.u32(), 0);
  const specific = list([0, 1, 1, 2][patternType] ?? Number.NaN);
  const endType = cursor.u32();
  const count = cursor.u32();
  const firstDow = cursor.u32();
  const deleted = list(cursor.u32());
  const modified = list(cursor.u32());
  const startDate = cursor.u32();
  const endDate = cursor.u32();
  expect(cursor.u32(), 0x3006);
  expect(cursor.u32(), 0x3009);
  const startOffset = cursor.u32();
  const endOffset = cursor.u32();
  const exceptions = Array.from({ length: cursor.u16() }, () => readException(cursor, expect));
  expect(exceptions.length, modified.length);
  expect(cursor.u32(), 0);
  for (const exception of exceptions) readExtended(cursor, exception, expect);
  expect(cursor.u32(), 0);
  expect(cursor.remaining, 0);
  const days = { deleted, modified, startDate, endDate, startOffset, endOffset, exceptions };
  return { frequency, patternType, firstDateTime, period, specific, endType, count, firstDow, ...days };
}

function readException(cursor: Cursor, expect: (value: number, wanted: number) => void): ReadException {
  const [start, end, original, flags] = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u16()];
  const read: ReadException = { start, end, original, flags };
  const text = (): string => {
    const length = cursor.u16() - 1;
    expect(cursor.u16(), length);
    return Buffer.from(cursor.bytes(length)).toString('latin1');
  };
  if (flags & 0x01) read.subject = text();
  if (flags & 0x10) read.location = text();
  if (flags & 0x20) read.busyStatus = cursor.u32();
  if (flags & 0x80) read.subType = cursor.u32();
  expect(flags & ~0xb1, 0);
  return read;
}

function readExtended(cursor: Cursor, exception: ReadException, expect: (value: number, wanted: number) => void): void {
  expect(cursor.u32(), 4);
  expect(cursor.u32(), 0);
  expect(cursor.u32(), 0);
  if ((exception.flags & 0x11) === 0) return;
  expect(cursor.u32(), exception.start);
  expect(cursor.u32(), exception.end);
  expect(cursor.u32(), exception.original);
  const text = (): string => Buffer.from(cursor.bytes(cursor.u16() * 2)).toString('utf16le');
  if (exception.flags & 0x01) exception.subject = text();
  if (exception.flags & 0x10) exception.location = text();
  expect(cursor.u32(), 0);
}

/**
 * When a pattern's occurrences begin, by its clock, as [MS-OXOCAL] 2.2.1.44.1.2 finds them: by FirstDateTime and Period, day for day,
 * with nothing that the encoder has.
 * @param limit of occurrences, for those without end.
 */
export function occurrencesOf(pattern: ReadRecurrence, limit: number): string[] {
  const { startDate, endDate, deleted, exceptions, startOffset } = pattern;
  const out = new Set(deleted);
  const starts = exceptions.map(({ start }) => start);
  for (let date = startDate, found = 0; date <= endDate && found < limit; date += DAY) {
    if (!isValid(pattern, date)) continue;
    found += 1;
    if (!out.has(date)) starts.push(date + startOffset);
  }
  return starts.sort((a, b) => a - b).map(stamp);
}

function isValid({ patternType, firstDateTime, period, specific, firstDow }: ReadRecurrence, date: number): boolean {
  const at = new Date(FIRST_DAY + date * 60_000);
  const [first = 0, nth = 0] = specific;
  if (patternType === 0) return (date - firstDateTime) % period === 0;
  if (patternType === 1) {
    const week = date - ((at.getUTCDay() - firstDow + 7) % 7) * DAY;
    return (week - firstDateTime) % (period * 7 * DAY) === 0 && (first & (1 << at.getUTCDay())) !== 0;
  }
  const firstMonth = new Date(FIRST_DAY + firstDateTime * 60_000);
  const months = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth();
  if ((months(at) - months(firstMonth)) % period !== 0) return false;
  const length = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate();
  if (patternType === 2) return at.getUTCDate() === Math.min(first, length);
  const days = Array.from({ length }, (_, n) => n + 1).filter((day) => {
    const weekday = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), day)).getUTCDay();
    return (first & (1 << weekday)) !== 0;
  });
  return at.getUTCDate() === (nth === 5 ? days.at(-1) : days[nth - 1]);
}

/** Minutes from 1601 as iCalendar writes them. */
export function stamp(minutes: number): string {
  return new Date(FIRST_DAY + minutes * 60_000).toISOString().replace(/[-:]|\.\d{3}Z/g, '');
}

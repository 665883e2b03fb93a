import { Writer } from '@rpch/rpc/internal';
import { encodeString8, encodeUnicode } from '../../mapi/text-coding.ts';
import {
  firstDayOf,
  midnightOf,
  monthOf,
  type RecurrenceDays,
  type RecurrenceRange,
  weekOf,
} from './recurrence-days.ts';

const DAY_MINUTES = 1440;
/** RecurFrequency, PatternType and EndType ([MS-OXOCAL] 2.2.1.44.1). */
const FREQUENCIES = { daily: 0x200a, weekly: 0x200b, monthly: 0x200c, yearly: 0x200d } as const;
const KINDS = { day: 0, week: 1, month: 2, monthNth: 3 } as const;
const ENDS = { date: 0x2021, count: 0x2022, never: 0x2023 } as const;
/** EndDate of a series without end. */
const NO_END = 0x5ae980df;
/** OverrideFlags ([MS-OXOCAL] 2.2.1.44.2). */
const OVERRIDE = { subject: 0x01, location: 0x10, busyStatus: 0x20, subType: 0x80 } as const;

/** An occurrence that is at another time, or otherwise than the others. Times are minutes from 1601, by the clock of the series. */
export interface RecurrenceException {
  readonly start: number;
  readonly end: number;
  /** When it would be, were it no exception. */
  readonly original: number;
  /** The rest is undefined where it is as in the series; texts have at most 255 characters. */
  readonly subject: string | undefined;
  readonly location: string | undefined;
  readonly busyStatus: number | undefined;
  readonly isAllDay: boolean | undefined;
}

/** A series as PidLidAppointmentRecur has it. */
export interface AppointmentRecurrence {
  readonly days: RecurrenceDays;
  readonly range: RecurrenceRange;
  /** Minutes after midnight. */
  readonly startOffset: number;
  readonly endOffset: number;
  /** Days that are taken out, those of exceptions included, in order. */
  readonly deleted: readonly number[];
  /** In order of their starts. */
  readonly exceptions: readonly RecurrenceException[];
}

/** Minutes from 1601 of what a clock shows. */
export function minutesOf(local: number): number {
  return Math.floor((local - midnightOf(0)) / 60_000);
}

/** Writes an AppointmentRecurrencePattern structure ([MS-OXOCAL] 2.2.1.44.5). */
export function writeRecurrence(recurrence: AppointmentRecurrence): Uint8Array {
  const { startOffset, endOffset, exceptions } = recurrence;
  const writer = new Writer(128);
  writePattern(writer, recurrence);
  // ReaderVersion2 and WriterVersion2.
  writer.u32(0x3006).u32(0x3009).u32(startOffset).u32(endOffset).u16(exceptions.length);
  for (const exception of exceptions) writeExceptionInfo(writer, exception);
  // ReservedBlock1Size.
  writer.u32(0);
  for (const exception of exceptions) writeExtendedException(writer, exception);
  // ReservedBlock2Size.
  return writer.u32(0).finish().slice();
}

/** RecurrencePattern ([MS-OXOCAL] 2.2.1.44.1). */
function writePattern(writer: Writer, { days, range, deleted, exceptions }: AppointmentRecurrence): void {
  const { frequency, kind, period, weekStart, weekdays, monthDay, nth, start } = days;
  // ReaderVersion and WriterVersion; the Gregorian calendar, as CAL_DEFAULT; SlidingFlag is for tasks.
  writer.u16(0x3004).u16(0x3004).u16(FREQUENCIES[frequency]).u16(KINDS[kind]).u16(0);
  writer.u32(firstDateTime(days)).u32(kind === 'day' ? period * DAY_MINUTES : period);
  writer.u32(0);
  if (kind === 'week') writer.u32(weekdays);
  if (kind === 'month') writer.u32(Math.min(monthDay, 31));
  if (kind === 'monthNth') writer.u32(weekdays).u32(nth);
  writer.u32(ENDS[range.end]).u32(range.count).u32(weekStart);
  writer.u32(deleted.length);
  for (const day of deleted) writer.u32(day * DAY_MINUTES);
  writer.u32(exceptions.length);
  for (const exception of exceptions) writer.u32(exception.start - (exception.start % DAY_MINUTES));
  writer.u32(start * DAY_MINUTES).u32(range.end === 'never' ? NO_END : range.last * DAY_MINUTES);
}

/** [MS-OXOCAL] 2.2.1.44.1.1. */
function firstDateTime({ kind, period, weekStart, start }: RecurrenceDays): number {
  if (kind === 'day') return (start % period) * DAY_MINUTES;
  // A week that began before 1601 is one at its end of the cycle.
  if (kind === 'week') return (((weekOf(start, weekStart) % (period * 7)) + period * 7) % (period * 7)) * DAY_MINUTES;
  return firstDayOf(monthOf(start) % period) * DAY_MINUTES;
}

function flagsOf({ subject, location, busyStatus, isAllDay }: RecurrenceException): number {
  return (
    (subject === undefined ? 0 : OVERRIDE.subject) |
    (location === undefined ? 0 : OVERRIDE.location) |
    (busyStatus === undefined ? 0 : OVERRIDE.busyStatus) |
    (isAllDay === undefined ? 0 : OVERRIDE.subType)
  );
}

/** ExceptionInfo ([MS-OXOCAL] 2.2.1.44.2). */
function writeExceptionInfo(writer: Writer, exception: RecurrenceException): void {
  const { start, end, original, subject, location, busyStatus, isAllDay } = exception;
  writer.u32(start).u32(end).u32(original).u16(flagsOf(exception));
  for (const text of [subject, location]) {
    if (text === undefined) continue;
    // What this code page lacks is in the ExtendedException.
    const bytes = encodeString8(text, 1252);
    writer
      .u16(bytes.length + 1)
      .u16(bytes.length)
      .bytes(bytes);
  }
  if (busyStatus !== undefined) writer.u32(busyStatus);
  if (isAllDay !== undefined) writer.u32(isAllDay ? 1 : 0);
}

/** ExtendedException ([MS-OXOCAL] 2.2.1.44.4). */
function writeExtendedException(
  writer: Writer,
  { start, end, original, subject, location }: RecurrenceException,
): void {
  // ChangeHighlight: its size and no changes to be highlighted (2.2.1.44.3); ReservedBlockEE1Size.
  writer.u32(4).u32(0).u32(0);
  if (subject === undefined && location === undefined) return;
  writer.u32(start).u32(end).u32(original);
  for (const text of [subject, location]) {
    if (text !== undefined) writer.u16(text.length).bytes(encodeUnicode(text));
  }
  // ReservedBlockEE2Size.
  writer.u32(0);
}

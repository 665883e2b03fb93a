import { type CalendarComponent, unescapeText } from './icalendar.ts';

/** Characters of a subject and of a place that are kept: Outlook takes no more. */
const MAX_TEXT = 255;

/** PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2). */
export const BusyStatus = { Free: 0, Tentative: 1, Busy: 2 } as const;

/** A text of an event in one line; empty where it is missing. */
export function textOf(event: CalendarComponent, name: string): string {
  const text = unescapeText(event.get(name)?.value ?? '');
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_TEXT);
}

/** What an event makes of the time of those who come ([MS-OXCICAL] 2.1.3.1.1.20.25): TRANSP. */
export function busyStatusOf(event: CalendarComponent): number {
  return event.get('TRANSP')?.value.trim().toUpperCase() === 'TRANSPARENT' ? BusyStatus.Free : BusyStatus.Busy;
}

import { Buffer } from 'node:buffer';
import { Writer } from '@rpch/rpc/internal';
import { fileTime } from '../../mailbox/mailbox-context.ts';
import type { PropertyNames } from '../../mailbox/model.ts';
import { type MutableProperties, PropertyType, type PropertyValue, propertyTag } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { durationOf, timeOf } from '../calendar/calendar-time.ts';
import { type CalendarComponent, parseCalendar, unescapeText } from '../calendar/icalendar.ts';
import { type MimePart, textOf } from '../mime/part.ts';

const DAY = 86_400_000;
/** Characters of a UID and of a place that are kept. */
const MAX_UID = 1024;
const MAX_TEXT = 1024;
/** The fixed first bytes of PidLidGlobalObjectId, and what marks a UID that another program made ([MS-OXOCAL] 2.2.1.27). */
const OBJECT_ID_CLASS = Buffer.from('040000008200e00074c5b7101a82e008', 'hex');
const FOREIGN_UID = Buffer.from('vCal-Uid\x01\0\0\0', 'latin1');
/** PidLidAppointmentStateFlags ([MS-OXOCAL] 2.2.1.10): a meeting, received; cancelled. */
const STATE = { received: 3, cancelled: 7 } as const;
/** PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2). */
const BUSY = { free: 0, tentative: 1, busy: 2 } as const;
/** respNotResponded ([MS-OXOCAL] 2.2.1.11). */
const NOT_RESPONDED = 5;

/**
 * The message class of a calendar part by its METHOD ([MS-OXCICAL] 2.1.3.1.1.1): a meeting request, cancellation or response; undefined
 * for all others, which stay mail with a calendar file. Sets what a client shows of the meeting: when, where, its id. What recurs is
 * marked so, but its pattern is in the part alone, which stays attached.
 */
export function setMeeting(properties: MutableProperties, part: MimePart, names: PropertyNames): string | undefined {
  const calendar = parseCalendar(textOf(part).text);
  const event = calendar?.all('VEVENT')[0];
  if (calendar === undefined || event === undefined) return undefined;
  const method = (part.parameters.get('method') ?? calendar.get('METHOD')?.value ?? '').trim().toUpperCase();
  const messageClass = classOf(method, event);
  if (messageClass === undefined) return undefined;

  const set = (guid: string, lid: number, type: number, value: PropertyValue): void => {
    properties.set(propertyTag(names.idOf({ guid, lid }, true), type), value);
  };
  const { PSETID_Appointment, PSETID_Common, PSETID_Meeting } = PropertySet;
  const times = timesOf(event, calendar);
  if (times !== undefined) {
    set(PSETID_Appointment, 0x820d, PropertyType.Time, times.start);
    set(PSETID_Appointment, 0x820e, PropertyType.Time, times.end);
    set(PSETID_Appointment, 0x8213, PropertyType.Integer32, times.minutes);
    set(PSETID_Appointment, 0x8215, PropertyType.Boolean, times.allDay);
    set(PSETID_Common, 0x8516, PropertyType.Time, times.start);
    set(PSETID_Common, 0x8517, PropertyType.Time, times.end);
    properties.set(PidTag.StartDate, times.start);
    properties.set(PidTag.EndDate, times.end);
  }
  const place = unescapeText(event.get('LOCATION')?.value ?? '').slice(0, MAX_TEXT);
  set(PSETID_Appointment, 0x8208, PropertyType.String, place);
  set(PSETID_Meeting, 0x0002, PropertyType.String, place);
  const recurs = event.get('RRULE') !== undefined;
  set(PSETID_Appointment, 0x8223, PropertyType.Boolean, recurs);
  set(PSETID_Meeting, 0x0005, PropertyType.Boolean, recurs);
  const sequence = Number(/^\d{1,9}/.exec(event.get('SEQUENCE')?.value ?? '')?.[0] ?? 0);
  set(PSETID_Appointment, 0x8201, PropertyType.Integer32, sequence);
  const id = globalObjectId(event.get('UID')?.value.trim().slice(0, MAX_UID) ?? '');
  set(PSETID_Meeting, 0x0003, PropertyType.Binary, id);
  set(PSETID_Meeting, 0x0023, PropertyType.Binary, id);
  const isCancelled = method === 'CANCEL';
  set(PSETID_Appointment, 0x8217, PropertyType.Integer32, isCancelled ? STATE.cancelled : STATE.received);
  if (method === 'REQUEST') {
    const isFree = event.get('TRANSP')?.value.trim().toUpperCase() === 'TRANSPARENT';
    set(PSETID_Appointment, 0x8205, PropertyType.Integer32, BUSY.tentative);
    set(PSETID_Appointment, 0x8224, PropertyType.Integer32, isFree ? BUSY.free : BUSY.busy);
    set(PSETID_Appointment, 0x8218, PropertyType.Integer32, NOT_RESPONDED);
    // mtgRequest ([MS-OXOCAL] 2.2.6.5).
    set(PSETID_Meeting, 0x0026, PropertyType.Integer32, 1);
    properties.set(PidTag.ResponseRequested, true);
    properties.set(PidTag.ReplyRequested, true);
  }
  return messageClass;
}

function classOf(method: string, event: CalendarComponent): string | undefined {
  if (method === 'REQUEST') return 'IPM.Schedule.Meeting.Request';
  if (method === 'CANCEL') return 'IPM.Schedule.Meeting.Canceled';
  if (method !== 'REPLY') return undefined;
  switch (event.get('ATTENDEE')?.parameters.get('PARTSTAT')?.toUpperCase()) {
    case 'ACCEPTED':
      return 'IPM.Schedule.Meeting.Resp.Pos';
    case 'DECLINED':
      return 'IPM.Schedule.Meeting.Resp.Neg';
    case 'TENTATIVE':
      return 'IPM.Schedule.Meeting.Resp.Tent';
    default:
      return undefined;
  }
}

function timesOf(event: CalendarComponent, calendar: CalendarComponent) {
  const start = timeOf(event.get('DTSTART'), calendar);
  if (start === undefined) return undefined;
  const length = durationOf(event.get('DURATION')) ?? (start.isDate ? DAY : 0);
  const end = Math.max(timeOf(event.get('DTEND'), calendar)?.utc ?? start.utc + length, start.utc);
  const minutes = Math.min(Math.round((end - start.utc) / 60_000), 0x7fffffff);
  return { start: fileTime(start.utc), end: fileTime(end), minutes, allDay: start.isDate };
}

/** [MS-OXOCAL] 2.2.1.27: Outlook's own UIDs are the id as hexadecimal; others stand in it as they are. */
function globalObjectId(uid: string): Uint8Array {
  const own = /^040000008200e00074c5b7101a82e008[0-9a-f]{40,}$/i.test(uid) && uid.length % 2 === 0;
  if (own) return new Uint8Array(Buffer.from(uid, 'hex'));
  const data = Buffer.concat([FOREIGN_UID, Buffer.from(uid), Buffer.of(0)]);
  const writer = new Writer(40 + data.length).bytes(OBJECT_ID_CLASS);
  // No instance date, no creation time, and eight reserved bytes.
  writer
    .zeros(4 + 8 + 8)
    .u32(data.length)
    .bytes(data);
  return writer.finish();
}

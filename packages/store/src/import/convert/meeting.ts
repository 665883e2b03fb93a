import { Buffer } from 'node:buffer';
import { Writer } from '@rpch/rpc/internal';
import { fileTime } from '../../mailbox/mailbox-context.ts';
import type { PropertyNames } from '../../mailbox/model.ts';
import { type MutableProperties, PropertyType, propertyTag } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { type CalendarSpan, localTime, spanOf, timeOf } from '../calendar/calendar-time.ts';
import { BusyStatus, busyStatusOf } from '../calendar/event-values.ts';
import { type CalendarComponent, parseCalendar, unescapeText } from '../calendar/icalendar.ts';
import { CalendarZones } from '../calendar/time-zone.ts';
import { type MimePart, textOf } from '../mime/part.ts';
import { type Attendee, attendeesOf, setAttendeeStrings } from './attendees.ts';
import { type SetNamed, setRecurrence } from './recurrence.ts';

const { PSETID_Appointment, PSETID_Common, PSETID_Meeting } = PropertySet;

/** Characters of a UID and of a place that are kept. */
const MAX_UID = 1024;
const MAX_TEXT = 1024;
/** The fixed first bytes of PidLidGlobalObjectId, and what marks a UID that another program made ([MS-OXOCAL] 2.2.1.27). */
const OBJECT_ID_CLASS = Buffer.from('040000008200e00074c5b7101a82e008', 'hex');
const FOREIGN_UID = Buffer.from('vCal-Uid\x01\0\0\0', 'latin1');
/** PidLidAppointmentStateFlags ([MS-OXOCAL] 2.2.1.10): a meeting, received; cancelled. */
const STATE = { received: 3, cancelled: 7 } as const;
/** respNotResponded ([MS-OXOCAL] 2.2.1.11). */
const NOT_RESPONDED = 5;

/** What a calendar part makes of the message that it is in. */
export interface Meeting {
  readonly messageClass: string;
  /** Those who are invited, and who invites them; none for a response, which names who sent it. */
  readonly attendees: readonly Attendee[];
}

/**
 * The meeting request, cancellation or response that a calendar part is, by its METHOD ([MS-OXCICAL] 2.1.3.1.1.1); undefined for all
 * others, which stay mail with a calendar file. Sets when and where the meeting is, how it recurs, its id, and who comes. The part
 * stays attached.
 * @param notes gets what of its recurrence no property can say.
 */
export function setMeeting(
  properties: MutableProperties,
  part: MimePart,
  names: PropertyNames,
  notes: Set<string>,
): Meeting | undefined {
  const calendar = parseCalendar(textOf(part).text);
  const events = calendar?.all('VEVENT') ?? [];
  const event = events.find((candidate) => candidate.get('RECURRENCE-ID') === undefined) ?? events[0];
  if (calendar === undefined || event === undefined) return undefined;
  const method = (part.parameters.get('method') ?? calendar.get('METHOD')?.value ?? '').trim().toUpperCase();
  const messageClass = classOf(method, event);
  if (messageClass === undefined) return undefined;

  const set: SetNamed = (guid, lid, type, value) => {
    properties.set(propertyTag(names.idOf({ guid, lid }, true), type), value);
  };
  const zones = new CalendarZones(calendar);
  const span = spanOf(event, zones);
  if (span !== undefined) setTimes(properties, set, span);
  const isSeries = span !== undefined && setRecurrence(set, { event, events, zones, span }, notes);
  const place = unescapeText(event.get('LOCATION')?.value ?? '').slice(0, MAX_TEXT);
  set(PSETID_Appointment, 0x8208, PropertyType.String, place);
  set(PSETID_Meeting, 0x0002, PropertyType.String, place);
  const sequence = Number(/^\d{1,9}/.exec(event.get('SEQUENCE')?.value ?? '')?.[0] ?? 0);
  set(PSETID_Appointment, 0x8201, PropertyType.Integer32, sequence);
  setIdentity(set, event, zones, isSeries);
  const isCancelled = method === 'CANCEL';
  set(PSETID_Appointment, 0x8217, PropertyType.Integer32, isCancelled ? STATE.cancelled : STATE.received);
  if (method === 'REQUEST') {
    set(PSETID_Appointment, 0x8205, PropertyType.Integer32, BusyStatus.Tentative);
    set(PSETID_Appointment, 0x8224, PropertyType.Integer32, busyStatusOf(event));
    set(PSETID_Appointment, 0x8218, PropertyType.Integer32, NOT_RESPONDED);
    // mtgRequest ([MS-OXOCAL] 2.2.6.5).
    set(PSETID_Meeting, 0x0026, PropertyType.Integer32, 1);
    properties.set(PidTag.ResponseRequested, true);
    properties.set(PidTag.ReplyRequested, true);
  }
  const attendees = method === 'REPLY' ? [] : attendeesOf(event);
  if (method !== 'REPLY') setAttendeeStrings(set, attendees);
  return { messageClass, attendees };
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

function setTimes(properties: MutableProperties, set: SetNamed, { start, end }: CalendarSpan): void {
  const [from, to] = [fileTime(start.utc), fileTime(end)];
  set(PSETID_Appointment, 0x820d, PropertyType.Time, from);
  set(PSETID_Appointment, 0x820e, PropertyType.Time, to);
  set(PSETID_Appointment, 0x8213, PropertyType.Integer32, Math.round((end - start.utc) / 60_000));
  set(PSETID_Appointment, 0x8215, PropertyType.Boolean, start.isDate);
  set(PSETID_Common, 0x8516, PropertyType.Time, from);
  set(PSETID_Common, 0x8517, PropertyType.Time, to);
  properties.set(PidTag.StartDate, from);
  properties.set(PidTag.EndDate, to);
}

/** Which meeting it is, and whether all of a series or one occurrence ([MS-OXOCAL] 2.2.1.12, 2.2.1.13, 2.2.1.27, 2.2.1.28, 2.2.1.35). */
function setIdentity(set: SetNamed, event: CalendarComponent, zones: CalendarZones, isSeries: boolean): void {
  const id = event.get('RECURRENCE-ID');
  const replaced = timeOf(id, zones);
  set(PSETID_Appointment, 0x8223, PropertyType.Boolean, isSeries);
  set(PSETID_Meeting, 0x0005, PropertyType.Boolean, isSeries || replaced !== undefined);
  const uid = event.get('UID')?.value.trim().slice(0, MAX_UID) ?? '';
  const own = globalObjectId(uid);
  set(PSETID_Meeting, 0x0023, PropertyType.Binary, ofInstance(own, [0, 0, 0, 0]));
  if (id === undefined || replaced === undefined) {
    set(PSETID_Meeting, 0x0003, PropertyType.Binary, own);
    return;
  }
  const day = new Date(localTime(replaced, zones.of(id)));
  const year = day.getUTCFullYear();
  const date = [year >> 8, year & 0xff, day.getUTCMonth() + 1, day.getUTCDate()];
  set(PSETID_Meeting, 0x0003, PropertyType.Binary, ofInstance(own, date));
  set(PSETID_Meeting, 0x000a, PropertyType.Boolean, true);
  // PidLidExceptionReplaceTime.
  set(PSETID_Appointment, 0x8228, PropertyType.Time, fileTime(replaced.utc));
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

/** An id with the day of an occurrence, YH to D ([MS-OXOCAL] 2.2.1.27), or without one (2.2.1.28). */
function ofInstance(id: Uint8Array, date: readonly number[]): Uint8Array {
  const own = new Uint8Array(id);
  own.set(date, OBJECT_ID_CLASS.length);
  return own;
}

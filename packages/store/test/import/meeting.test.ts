import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationOf, timeOf } from '../../src/import/calendar/calendar-time.ts';
import { parseCalendar } from '../../src/import/calendar/icalendar.ts';
import { CalendarZones } from '../../src/import/calendar/time-zone.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { PropertySet } from '../../src/mapi/property-name.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { attachment, convert } from './support.ts';

const { PSETID_Appointment, PSETID_Meeting } = PropertySet;

function calendar(...lines: string[]) {
  const parsed = parseCalendar(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\r\n'));
  assert.ok(parsed);
  return parsed;
}

function utc(...lines: string[]): string | undefined {
  const parsed = calendar(...lines);
  const time = timeOf(parsed.get('DTSTART'), new CalendarZones(parsed))?.utc;
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** Central Europe as Outlook writes it, under a name that the tz database has not. */
const W_EUROPE = [
  'BEGIN:VTIMEZONE',
  'TZID:Our own time',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
];

// RFC 5545 3.1, 3.2, 3.3.11.
test('iCalendar: folded lines, quoted parameters, nested components', () => {
  const parsed = calendar(
    'BEGIN:VEVENT',
    'ATTENDEE;CN="A: B;C";X=1,2:mailto:a@x',
    'SUMMARY:one',
    '  two',
    'BEGIN:VALARM',
    'END:VALARM',
    'END:VEVENT',
  );
  const [event] = parsed.all('VEVENT');
  assert.equal(event?.get('ATTENDEE')?.parameters.get('CN'), 'A: B;C');
  assert.equal(event?.get('ATTENDEE')?.value, 'mailto:a@x');
  assert.equal(event?.get('SUMMARY')?.value, 'one two');
  assert.equal(event?.components.length, 1);
  assert.equal(parseCalendar('no calendar'), undefined);
});

test('times: UTC, zones of the tz database and of the calendar itself, summer and winter', () => {
  assert.equal(utc('DTSTART:20260302T090000Z'), '2026-03-02T09:00:00.000Z');
  assert.equal(utc('DTSTART;TZID=Europe/Berlin:20260302T090000'), '2026-03-02T08:00:00.000Z');
  assert.equal(utc('DTSTART;TZID=/x.example/2020/Europe/Berlin:20260702T090000'), '2026-07-02T07:00:00.000Z');
  assert.equal(utc('DTSTART;TZID=America/New_York:20260302T090000'), '2026-03-02T14:00:00.000Z');
  assert.equal(utc(...W_EUROPE, 'DTSTART;TZID=Our own time:20260302T090000'), '2026-03-02T08:00:00.000Z');
  assert.equal(utc(...W_EUROPE, 'DTSTART;TZID=Our own time:20260702T090000'), '2026-07-02T07:00:00.000Z');
  // The last Sunday of March 2026 is the 29th.
  assert.equal(utc(...W_EUROPE, 'DTSTART;TZID=Our own time:20260328T120000'), '2026-03-28T11:00:00.000Z');
  assert.equal(utc(...W_EUROPE, 'DTSTART;TZID=Our own time:20260329T120000'), '2026-03-29T10:00:00.000Z');
  assert.equal(utc('DTSTART;VALUE=DATE:20260302'), '2026-03-02T00:00:00.000Z');
  assert.equal(utc('DTSTART:tomorrow'), undefined);
});

test('durations', () => {
  const length = (value: string) => durationOf({ name: 'DURATION', parameters: new Map(), value });
  assert.equal(length('P15DT5H0M20S'), ((15 * 24 + 5) * 3600 + 20) * 1000);
  assert.equal(length('P7W'), 7 * 7 * 86_400_000);
  assert.equal(length('-PT15M'), undefined);
  assert.equal(length('soon'), undefined);
});

function invitation(method: string, ...event: string[]) {
  return convert([
    'Subject: Tern weekly',
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    '',
    'see you',
    '--b',
    `Content-Type: text/calendar; method=${method}`,
    '',
    'BEGIN:VCALENDAR',
    'BEGIN:VEVENT',
    'UID:weekly-1@x.example',
    ...event,
    'END:VEVENT',
    'END:VCALENDAR',
    '--b--',
  ]);
}

// [MS-OXCICAL] 2.1.3.1.1.
test('an invitation is a meeting request, with when and where, and its part is kept', () => {
  const mail = invitation(
    'REQUEST',
    'DTSTART:20260302T090000Z',
    'DURATION:PT30M',
    'LOCATION:Room 1\\, upstairs',
    'SEQUENCE:2',
    'RRULE:FREQ=WEEKLY',
  );
  assert.equal(mail.get(PidTag.MessageClass), 'IPM.Schedule.Meeting.Request');
  assert.equal(mail.get(PidTag.Body), 'see you');
  assert.equal(mail.get(PidTag.StartDate), fileTime(Date.UTC(2026, 2, 2, 9)));
  assert.equal(mail.get(PidTag.EndDate), fileTime(Date.UTC(2026, 2, 2, 9, 30)));
  assert.equal(
    mail.named({ guid: PSETID_Appointment, lid: 0x820d }, PropertyType.Time),
    fileTime(Date.UTC(2026, 2, 2, 9)),
  );
  assert.equal(mail.named({ guid: PSETID_Appointment, lid: 0x8213 }, PropertyType.Integer32), 30);
  assert.equal(mail.named({ guid: PSETID_Appointment, lid: 0x8208 }, PropertyType.String), 'Room 1, upstairs');
  assert.equal(mail.named({ guid: PSETID_Appointment, lid: 0x8223 }, PropertyType.Boolean), true);
  assert.equal(mail.named({ guid: PSETID_Appointment, lid: 0x8201 }, PropertyType.Integer32), 2);
  const id = mail.named({ guid: PSETID_Meeting, lid: 0x0003 }, PropertyType.Binary);
  assert.ok(id instanceof Uint8Array);
  // [MS-OXOCAL] 2.2.1.27: 16 + 4 + 8 + 8 bytes, the size, then the data.
  assert.equal(new DataView(id.buffer, id.byteOffset).getUint32(36, true), id.length - 40);
  assert.equal(Buffer.from(id).toString('latin1', 40), 'vCal-Uid\x01\0\0\0weekly-1@x.example\0');
  assert.equal(attachment(mail).properties.get(PidTag.AttachMimeTag), 'text/calendar');
  assert.equal(attachment(mail).properties.get(PidTag.AttachmentHidden), true);
});

test('classes of cancellations and responses; everything else stays mail', () => {
  const start = 'DTSTART;VALUE=DATE:20260302';
  assert.equal(invitation('CANCEL', start).get(PidTag.MessageClass), 'IPM.Schedule.Meeting.Canceled');
  for (const [status, messageClass] of [
    ['ACCEPTED', 'Pos'],
    ['DECLINED', 'Neg'],
    ['TENTATIVE', 'Tent'],
  ]) {
    const mail = invitation('REPLY', start, `ATTENDEE;PARTSTAT=${status}:mailto:a@x`);
    assert.equal(mail.get(PidTag.MessageClass), `IPM.Schedule.Meeting.Resp.${messageClass}`);
  }
  assert.equal(invitation('PUBLISH', start).get(PidTag.MessageClass), 'IPM.Note');
  const allDay = invitation('REQUEST', start);
  assert.equal(allDay.named({ guid: PSETID_Appointment, lid: 0x8215 }, PropertyType.Boolean), true);
  assert.equal(allDay.get(PidTag.EndDate), fileTime(Date.UTC(2026, 2, 3)));
});

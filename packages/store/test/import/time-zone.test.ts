import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCalendar } from '../../src/import/calendar/icalendar.ts';
import { CalendarZones, type ZoneRule } from '../../src/import/calendar/time-zone.ts';
import { writeTimeZoneDefinition, writeTimeZoneStruct } from '../../src/import/calendar/time-zone-blobs.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { appointment, event, hex, invite, occurrencesOf, readRecurrence } from './recurrence-support.ts';

/** The first Sunday of November and the second of March, at two. */
const PACIFIC: ZoneRule = {
  bias: 480,
  daylightBias: -60,
  transitions: {
    standard: { month: 11, weekday: 0, nth: 1, hour: 2, minute: 0 },
    daylight: { month: 3, weekday: 0, nth: 2, hour: 2, minute: 0 },
  },
};
// [MS-OXOCAL] 4.1.5.
const PACIFIC_STRUCT =
  'e001000000000000c4ffffff000000000b00000001000200000000000000000000000300000002000200000000000000';
/** Until 1999 otherwise, and then as now. */
const VTIMEZONE = [
  'BEGIN:VTIMEZONE',
  'TZID:Our Pacific',
  'BEGIN:DAYLIGHT',
  'DTSTART:20070311T020000',
  'TZOFFSETFROM:-0800',
  'TZOFFSETTO:-0700',
  'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU',
  'END:DAYLIGHT',
  'BEGIN:DAYLIGHT',
  'DTSTART:19870405T020000',
  'TZOFFSETFROM:-0800',
  'TZOFFSETTO:-0700',
  'RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T100000Z',
  'END:DAYLIGHT',
  'BEGIN:STANDARD',
  'DTSTART:20071104T020000',
  'TZOFFSETFROM:-0700',
  'TZOFFSETTO:-0800',
  'RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU',
  'END:STANDARD',
  'BEGIN:STANDARD',
  'DTSTART:19671029T020000',
  'TZOFFSETFROM:-0700',
  'TZOFFSETTO:-0800',
  'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T090000Z',
  'END:STANDARD',
  'END:VTIMEZONE',
];

function zone(id: string, lines: readonly string[] = []) {
  const calendar = parseCalendar(['BEGIN:VCALENDAR', ...lines, 'END:VCALENDAR'].join('\r\n'));
  assert.ok(calendar);
  return new CalendarZones(calendar).of({
    name: 'DTSTART',
    parameters: new Map([['TZID', id]]),
    value: '20260101T000000',
  });
}

function structOf(rule: ZoneRule): string {
  return Buffer.from(writeTimeZoneStruct(rule)).toString('hex');
}

// [MS-OXOCAL] 4.1.4 and 4.1.5.
test('PidLidTimeZoneStruct and PidLidAppointmentTimeZoneDefinitionRecur, byte for byte', () => {
  assert.equal(structOf(PACIFIC), PACIFIC_STRUCT);
  const before: ZoneRule = {
    ...PACIFIC,
    transitions: {
      standard: { month: 10, weekday: 0, nth: 5, hour: 2, minute: 0 },
      daylight: { month: 4, weekday: 0, nth: 1, hour: 2, minute: 0 },
    },
  };
  const definition = writeTimeZoneDefinition('Pacific Standard Time', [
    { rule: before, year: 2006, flags: 0 },
    { rule: PACIFIC, year: 2007, flags: 2 },
  ]);
  assert.equal(
    Buffer.from(definition).toString('hex'),
    '0201300002001500500061006300690066006900630020005300740061006e0064006100720064002000540069006d00650002000201' +
      '3e000000d6070000000000000000000000000000e001000000000000c4ffffff00000a00000005000200000000000000000004000000' +
      '0100020000000000000002013e000200d7070000000000000000000000000000e001000000000000c4ffffff00000b00000001000200' +
      '00000000000000000300000002000200000000000000',
  );
});

test('rules of zones of the tz database, north and south, with and without summer time', () => {
  const at = Date.UTC(2026, 5, 1);
  assert.deepEqual(zone('America/Los_Angeles').ruleAt(at), PACIFIC);
  assert.deepEqual(zone('Europe/Berlin').ruleAt(at), {
    bias: -60,
    daylightBias: -60,
    transitions: {
      standard: { month: 10, weekday: 0, nth: 5, hour: 3, minute: 0 },
      daylight: { month: 3, weekday: 0, nth: 5, hour: 2, minute: 0 },
    },
  });
  assert.deepEqual(zone('Australia/Sydney').ruleAt(at), {
    bias: -600,
    daylightBias: -60,
    transitions: {
      standard: { month: 4, weekday: 0, nth: 1, hour: 3, minute: 0 },
      daylight: { month: 10, weekday: 0, nth: 1, hour: 2, minute: 0 },
    },
  });
  assert.deepEqual(zone('Asia/Kolkata').ruleAt(at), { bias: -330, daylightBias: 0, transitions: undefined });
  assert.deepEqual(zone('Nowhere').ruleAt(at), { bias: 0, daylightBias: 0, transitions: undefined });
});

test('rules of a VTIMEZONE: those that hold at the time', () => {
  const own = zone('Our Pacific', VTIMEZONE);
  assert.equal(structOf(own.ruleAt(Date.UTC(2026, 5, 1))), PACIFIC_STRUCT);
  assert.equal(own.ruleAt(Date.UTC(2000, 5, 1)).transitions?.daylight.month, 4);
  for (const time of [Date.UTC(2026, 0, 1), Date.UTC(2026, 6, 1), Date.UTC(2000, 3, 20), Date.UTC(2026, 2, 8, 12)]) {
    assert.equal(own.toUtc(time), zone('America/Los_Angeles').toUtc(time));
    assert.equal(own.toLocal(own.toUtc(time)), time);
  }
  // Summer time was given up in 2006, and its end goes on being said.
  const given = ['BEGIN:VTIMEZONE', 'TZID:Given up', ...VTIMEZONE.slice(8, 14), ...VTIMEZONE.slice(14, 20)];
  const before = zone('Given up', [...given, 'END:VTIMEZONE']);
  assert.equal(before.ruleAt(Date.UTC(2005, 5, 1)).transitions?.daylight.month, 4);
  assert.deepEqual(before.ruleAt(Date.UTC(2026, 5, 1)), { bias: 480, daylightBias: 0, transitions: undefined });
  const fixed = zone('Fixed', ['BEGIN:VTIMEZONE', 'TZID:Fixed', ...VTIMEZONE.slice(-7)]);
  assert.deepEqual(fixed.ruleAt(Date.UTC(1990, 5, 1)), { bias: 480, daylightBias: 0, transitions: undefined });
});

test('a series goes by the clock of its zone, and its message has the zone', () => {
  const mail = invite([
    ...VTIMEZONE,
    ...event(
      'DTSTART;TZID=Our Pacific:20260302T180000',
      'DTEND;TZID=Our Pacific:20260302T190000',
      'RRULE:FREQ=DAILY;UNTIL=20260306T020000Z',
      'EXDATE:20260304T020000Z',
    ),
  ]);
  const value = appointment(mail, 0x8216, PropertyType.Binary);
  assert.ok(value instanceof Uint8Array);
  // 18:00 there is 02:00 UTC of the next day.
  assert.deepEqual(occurrencesOf(readRecurrence(value), 10), ['20260302T180000', '20260304T180000', '20260305T180000']);
  assert.equal(hex(mail, 0x8233), PACIFIC_STRUCT);
  assert.equal(appointment(mail, 0x8234, PropertyType.String), 'Our Pacific');
  const definition = (flags: number): string =>
    Buffer.from(writeTimeZoneDefinition('Our Pacific', [{ rule: PACIFIC, year: 1601, flags }])).toString('hex');
  assert.deepEqual(
    [hex(mail, 0x8260), hex(mail, 0x825e), hex(mail, 0x825f)],
    [definition(3), definition(2), definition(2)],
  );
  // Midnight of 2 March in Pacific time.
  assert.equal(appointment(mail, 0x8235, PropertyType.Time), fileTime(Date.UTC(2026, 2, 2, 8)));
});

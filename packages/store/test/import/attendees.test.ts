import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_RECIPIENTS } from '../../src/import/mime/limits.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { appointment, event, invite } from './recurrence-support.ts';
import { type Converted, convert } from './support.ts';

function told(mail: Converted) {
  return mail.recipients.map(({ type, properties }) => [
    properties.get(PidTag.SmtpAddress),
    properties.get(PidTag.DisplayName),
    type,
    properties.get(PidTag.RecipientFlags),
    properties.get(PidTag.RecipientTrackStatus),
  ]);
}

const PEOPLE = [
  'ORGANIZER;CN=Olga:mailto:olga@x.example',
  'ATTENDEE;CN=Olga;PARTSTAT=ACCEPTED:mailto:olga@x.example',
  'ATTENDEE;CN="Ana; Maria";PARTSTAT=ACCEPTED:MAILTO:A@x.example',
  'ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:ben%2Bx@x.example?subject=y',
  'ATTENDEE;CN=Cy;PARTSTAT=DECLINED;ROLE=REQ-PARTICIPANT:mailto:cy@x.example',
  'ATTENDEE;CN=Dee;ROLE=NON-PARTICIPANT:mailto:dee@x.example',
  'ATTENDEE;CN=Room 1;CUTYPE=ROOM;ROLE=REQ-PARTICIPANT:mailto:room@x.example',
  'ATTENDEE;CN=Eve;EMAIL=eve@x.example:urn:uuid:1',
  'ATTENDEE;CN=Nobody:invalid:nomail',
];

// [MS-OXCICAL] 2.1.3.1.1.20.2 and .16, [MS-OXOCAL] 2.2.4.10.
test('attendees are recipients with their roles and answers; those of the header come first', () => {
  const calendar = ['BEGIN:VCALENDAR', ...event('DTSTART:20260302T090000Z', ...PEOPLE), 'END:VCALENDAR'];
  const mail = convert([
    'To: Fay <fay@x.example>, Cyrus <cy@x.example>',
    'Cc: a@x.example',
    'Content-Type: text/calendar; method=REQUEST',
    '',
    ...calendar,
  ]);
  assert.deepEqual(told(mail), [
    ['fay@x.example', 'Fay', 1, 1, undefined],
    ['cy@x.example', 'Cyrus', 1, 1, 4],
    ['a@x.example', 'a@x.example', 1, 1, 3],
    ['olga@x.example', 'Olga', 1, 3, undefined],
    ['ben+x@x.example', 'ben+x@x.example', 2, 1, 2],
    ['dee@x.example', 'Dee', 2, 1, 0],
    ['room@x.example', 'Room 1', 3, 1, 0],
    ['eve@x.example', 'Eve', 1, 1, 0],
  ]);
  assert.deepEqual(
    mail.recipients.map(({ rowId }) => rowId),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.deepEqual(
    [0x8238, 0x823b, 0x823c].map((lid) => appointment(mail, lid, PropertyType.String)),
    ['Ana; Maria; ben+x@x.example; Cy; Dee; Room 1; Eve', 'Ana; Maria; Cy; Eve', 'ben+x@x.example; Dee'],
  );
});

test('a response has the recipients of its mail alone', () => {
  const mail = invite(event('DTSTART:20260302T090000Z', ...PEOPLE.slice(0, 2)), 'REPLY');
  assert.deepEqual(told(mail), [['a@x.example', 'a@x.example', 1, 1, undefined]]);
  assert.equal(appointment(mail, 0x8238, PropertyType.String), undefined);
});

test('the number of attendees is bounded', () => {
  const many = Array.from({ length: MAX_RECIPIENTS + 100 }, (_, n) => `ATTENDEE:mailto:p${n}@x.example`);
  const mail = invite(event('DTSTART:20260302T090000Z', ...many));
  assert.equal(mail.recipients.length, MAX_RECIPIENTS);
  assert.deepEqual(mail.notes, [`more than ${MAX_RECIPIENTS} recipients`]);
});

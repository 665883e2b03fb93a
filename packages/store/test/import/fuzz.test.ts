import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCalendar } from '../../src/import/calendar/icalendar.ts';
import { MailConverter } from '../../src/import/convert/mail-converter.ts';
import {
  MAX_CALENDARS,
  MAX_MESSAGE_NESTING,
  MAX_NESTING,
  MAX_PARTS,
  MAX_RECIPIENTS,
} from '../../src/import/mime/limits.ts';
import { parseStructured } from '../../src/import/mime/parameters.ts';
import { MimeBudget, type MimePart, parseMime } from '../../src/import/mime/part.ts';
import { decodeBase64, decodeQuotedPrintable } from '../../src/import/mime/transfer-encoding.ts';
import type { MessageContent } from '../../src/mailbox/model.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { attachment, bytesOf, convert, FakeNames } from './support.ts';

/** Pieces of which mail is made, in any order: gets further than random bytes. */
const PIECES = [
  'Subject: a\r\n',
  'Subject: =?utf-8?Q?=C3?= =?utf-8?B?vA==?=\r\n',
  'From: "A (b)" <a@b>, c: d@e;\r\n',
  'To: <<>>,;:()\r\n',
  'Content-Type: multipart/mixed; boundary=b\r\n',
  'Content-Type: multipart/alternative; boundary="b"\r\n',
  'Content-Type: multipart/related; boundary=c; start="<x>"\r\n',
  'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n',
  'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: message/delivery-status\r\n',
  'Content-Type: text/calendar; method=REQUEST\r\n',
  'Content-Type: text/html; charset=utf-16\r\n',
  'Content-Disposition: attachment; filename*0*=utf-8\'\'%C3; filename*1=".."\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  'Content-Transfer-Encoding: quoted-printable\r\n',
  'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Nowhere/At_All:99999999T999999\r\nDURATION:P9W\r\nEND:VEVENT\r\n',
  'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260302T090000Z\r\n',
  'RRULE:FREQ=DAILY\r\n',
  'RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=999999999\r\n',
  'RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=44990101\r\n',
  'RRULE:FREQ=WEEKLY;INTERVAL=999999999;BYDAY=XX,;=;\r\n',
  'EXDATE:20260303T090000Z,99999999T999999,,\r\n',
  'RDATE:20260304T100000Z,45000831T235959Z\r\n',
  'END:VEVENT\r\nBEGIN:VEVENT\r\nRECURRENCE-ID:20260305T090000Z\r\nDTSTART:45000831T235900Z\r\nDTEND:16010102T000000Z\r\n',
  'ATTENDEE;CN="\0";PARTSTAT=X;ROLE=:mailto:%00%zz@x\r\n',
  'Action: failed\r\n',
  'Date: 99 Xyz 0000 99:99\r\n',
  'Thread-Index: AQ==\r\n',
  '\r\n',
  '--b\r\n',
  '--b--\r\n',
  '--c\r\n',
  '<html><a href="cid:x"><img src=cid:%zz',
  '=\r\n=ZZ=41',
  '\0\xff\xfe',
];

const mail = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary', maxLength: 20 })), { maxLength: 40 })
  .map((pieces) => bytesOf(pieces.join('')));

function depthOf(content: MessageContent): number {
  return (
    1 + Math.max(0, ...content.attachments.map(({ embedded }) => (embedded === undefined ? 0 : depthOf(embedded))))
  );
}

/** No string has what would end it on the wire; what is attached is numbered in order. */
function checkContent(content: MessageContent): void {
  for (const [tag, value] of content.properties) {
    if (typeof value === 'string') assert.ok(!value.includes('\0'), `U+0000 in ${tag.toString(16)}`);
  }
  assert.ok(content.properties.has(PidTag.MessageClass) && content.properties.has(PidTag.MessageDeliveryTime));
  content.attachments.forEach(({ number, embedded }, at) => {
    assert.equal(number, at);
    if (embedded !== undefined) checkContent(embedded);
  });
}

test('whatever the bytes are, a message comes of them', () => {
  const bytes = fc.uint8Array({ maxLength: 2000 });
  fc.assert(
    fc.property(fc.oneof(bytes, mail), (input) => checkContent(convert(input))),
    { numRuns: 1500 },
  );
});

test('every prefix of a message becomes a message', () => {
  const whole = bytesOf([
    'From: =?utf-8?Q?J=C3=BCrgen?= <j@x.example>',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/html',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>=E4</p>=',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: inner',
    '',
    'x',
    '--b--',
  ]);
  for (let length = 0; length <= whole.length; length += 1) checkContent(convert(whole.slice(0, length)));
});

test('the parsers below never throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      parseStructured(text);
      parseCalendar(text);
      decodeBase64(bytesOf(text));
      decodeQuotedPrintable(bytesOf(text));
    }),
    { numRuns: 2000 },
  );
});

test('nesting of multiparts is bounded', () => {
  let body = 'innermost';
  for (let depth = 0; depth < 3 * MAX_NESTING; depth += 1) {
    body = `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\n${body}\r\n--b${depth}--`;
  }
  const budget = new MimeBudget();
  let depth = 0;
  for (let part: MimePart | undefined = parseMime(bytesOf(body), budget); part !== undefined; part = part.children[0])
    depth += 1;
  assert.equal(depth, MAX_NESTING + 1);
  assert.equal(budget.notes.size, 1);
});

test('nesting of messages is bounded, and the deepest keeps its bytes', () => {
  let bytes = 'Subject: innermost\r\n\r\nx';
  for (let depth = 0; depth < 3 * MAX_MESSAGE_NESTING; depth += 1)
    bytes = `Content-Type: message/rfc822\r\n\r\n${bytes}`;
  const converted = convert(bytes);
  assert.equal(depthOf(converted), MAX_MESSAGE_NESTING + 1);
  assert.equal(converted.notes.length, 1);
  let inner: MessageContent = converted;
  for (let depth = 0; depth < MAX_MESSAGE_NESTING; depth += 1) inner = attachment(inner).embedded ?? inner;
  const data = attachment(inner).properties.get(PidTag.AttachDataBinary);
  assert.ok(data instanceof Uint8Array && Buffer.from(data).includes('innermost'));
});

test('numbers of parts and recipients are bounded', () => {
  const many = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: a/b\r\n\r\nx\r\n'.repeat(3 * MAX_PARTS)}--b--`;
  const parts = convert(many);
  assert.equal(parts.attachments.length, MAX_PARTS);
  assert.equal(parts.notes.length, 1);
  const last = attachment(parts, MAX_PARTS - 1).properties.get(PidTag.AttachDataBinary);
  assert.ok(last instanceof Uint8Array && last.length > MAX_PARTS, 'the last one has what follows');

  const people = convert(
    `To: ${Array.from({ length: 2 * MAX_RECIPIENTS }, (_, n) => `p${n}@x.example`).join(', ')}\r\n\r\n`,
  );
  assert.equal(people.recipients.length, MAX_RECIPIENTS);
  assert.equal(people.notes.length, 1);
});

test('the number of calendars that are read is bounded', () => {
  const inner = `--b\r\nContent-Type: message/rfc822\r\n\r\n${calendar('RRULE:FREQ=DAILY')}\r\n`;
  const mail = convert(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${inner.repeat(2 * MAX_CALENDARS)}--b--`);
  const classes = mail.attachments.map(({ embedded }) => embedded?.properties.get(PidTag.MessageClass));
  assert.equal(classes.filter((name) => name === 'IPM.Schedule.Meeting.Request').length, MAX_CALENDARS);
  assert.equal(classes.filter((name) => name === 'IPM.Note').length, MAX_CALENDARS);
  assert.equal(mail.notes.length, 1);
});

test('mail cannot use up the names of a mailbox', () => {
  const names = new FakeNames();
  const converter = new MailConverter(names);
  for (let mail = 0; mail < 30; mail += 1) {
    const fields = Array.from({ length: 300 }, (_, n) => `X-Random-${mail}-${n}: v`).join('\r\n');
    const { content } = converter.toMessage(bytesOf(`${fields}\r\n\r\n`), { fallback: 0n });
    assert.ok([...content.properties.keys()].filter((tag) => tag >>> 31 === 1).length <= 100);
  }
  assert.ok(names.all().length <= 2000);
});

/** A meeting whose event has these lines. */
function calendar(...lines: readonly string[]): string {
  const head = ['Content-Type: text/calendar; method=REQUEST', '', 'BEGIN:VCALENDAR', 'BEGIN:VEVENT', 'UID:x'];
  const event = ['DTSTART;TZID=Europe/Berlin:20260302T090000', ...lines, 'END:VEVENT', 'END:VCALENDAR'];
  return [...head, ...event].join('\r\n');
}

function dates(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const day = new Date(Date.UTC(2026, 2, 3 + n)).toISOString().slice(0, 10).replaceAll('-', '');
    return `${name}:${day}T090000`;
  });
}

function replacements(count: number): string[] {
  return dates('RECURRENCE-ID', count).flatMap((id) => {
    const start = id.replace('RECURRENCE-ID', 'DTSTART').replace('T09', 'T10');
    return ['BEGIN:VEVENT', 'UID:x', id, start, 'END:VEVENT'];
  });
}

test('what is made to be slow is not', () => {
  const size = 400_000;
  const slow: readonly string[] = [
    `Subject: ${'=?'.repeat(size / 2)}`,
    `Subject: ${'=?utf-8?q?a?= '.repeat(size / 14)}`,
    `To: ${'('.repeat(size)}`,
    `To: ${'"'.repeat(size)}`,
    `To: ${'a@b '.repeat(size / 4)}`,
    `To: ${'a:'.repeat(size / 2)}`,
    `To: ${' '.repeat(size)}x`,
    `Content-Type: ${'a;'.repeat(size / 2)}`,
    `Content-Type: ${'('.repeat(size)}`,
    `Content-Type: multipart/mixed; boundary=-\r\n\r\n${'-'.repeat(size)}`,
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b'.repeat(size / 3)}`,
    `Content-Type: text/html\r\n\r\n${'<'.repeat(size)}>`,
    `Content-Type: text/html\r\n\r\n${'<!--'.repeat(size / 4)}`,
    `Content-Type: text/html\r\n\r\n${'<a href="'.repeat(size / 9)}`,
    `Content-Type: text/html\r\n\r\n${'&#'.repeat(size / 2)}${'src = '.repeat(1000)}`,
    `Content-Type: text/html\r\n\r\n${'<meta '.repeat(size / 6)}`,
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${' '.repeat(size)}x`,
    `Content-Transfer-Encoding: quoted-printable\r\n\r\n${'=  '.repeat(size / 3)}x`,
    `Content-Type: text/plain; format=flowed\r\n\r\n${'> \r\n'.repeat(size / 4)}`,
    `Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n${'A;B=C'.repeat(size / 5)}`,
    `Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nA${';B=C,D'.repeat(size / 6)}`,
    calendar('RRULE:FREQ=DAILY;COUNT=999999999'),
    calendar('RRULE:FREQ=YEARLY;INTERVAL=8;BYMONTH=2;BYMONTHDAY=29;UNTIL=44990101'),
    calendar(`RRULE:FREQ=DAILY;BYDAY=${'MO,'.repeat(size / 3)}MO`),
    calendar('RRULE:FREQ=DAILY', `EXDATE:${'20260303T090000,'.repeat(size / 16)}`),
    calendar('RRULE:FREQ=DAILY', ...dates('EXDATE;TZID=America/New_York', 999), ...dates('RDATE;TZID=Asia/Tokyo', 999)),
    calendar('RRULE:FREQ=YEARLY', ...dates('RDATE', 1000), 'END:VEVENT', ...replacements(1000), 'BEGIN:VEVENT'),
    calendar('RRULE:FREQ=DAILY', 'END:VEVENT', ...replacements(6000), 'BEGIN:VEVENT'),
    calendar(...Array.from({ length: 15_000 }, (_, n) => `ATTENDEE;CN=x${n}:mailto:p${n}@x.example`)),
    `References: ${'<'.repeat(size)}`,
    `${'A:\r\n'.repeat(size / 4)}`,
    `Content-Location: ${' '.repeat(size)}x`,
  ];
  for (const lines of slow) {
    const begun = process.cpuUsage();
    convert(lines);
    const { user, system } = process.cpuUsage(begun);
    assert.ok(user + system < 2_000_000, `${Math.round((user + system) / 1000)} ms for ${lines.slice(0, 60)}`);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { PropertySet } from '../../src/mapi/property-name.ts';
import { appointment, event, hex, invite, occurrencesOf, readRecurrence, stamp } from './recurrence-support.ts';
import { dateOf, dayText, expand, type Rule, ruleText } from './rrule.ts';
import type { Converted } from './support.ts';

const { PSETID_Meeting } = PropertySet;
const IS_SERIES = { guid: PSETID_Meeting, lid: 0x0005 };

function patternOf(mail: Converted) {
  const value = appointment(mail, 0x8216, PropertyType.Binary);
  assert.ok(value instanceof Uint8Array, `no pattern: ${mail.recurrence.join()}`);
  return readRecurrence(value);
}

/** A meeting at nine on the days of a rule, its calendar's other lines behind it. */
function series(first: string, rule: string, ...more: readonly string[]): Converted {
  return invite(event(`DTSTART:${first}T090000`, 'DURATION:PT30M', `RRULE:${rule}`, ...more));
}

// [MS-OXOCAL] 4.1.1.1.
test('a weekly series', () => {
  const mail = invite(
    event('DTSTART:20070326T100000', 'DURATION:PT30M', 'RRULE:FREQ=WEEKLY;BYDAY=MO,TH,FR;COUNT=12;WKST=SU'),
  );
  assert.equal(
    hex(mail),
    '043004300b2001000000c0210000010000000000000032000000222000000c0000000000000000000000000000008020bc0c20adbc0c' +
      '0630000009300000580200007602000000000000000000000000',
  );
  assert.equal(appointment(mail, 0x8223, PropertyType.Boolean), true);
  assert.equal(mail.named(IS_SERIES, PropertyType.Boolean), true);
  assert.equal(appointment(mail, 0x8231, PropertyType.Integer32), 2);
  assert.equal(
    appointment(mail, 0x8232, PropertyType.String),
    'every Monday, Thursday and Friday from 10:00 to 10:30, from 2007-03-26 until 2007-04-20',
  );
});

// [MS-OXOCAL] 4.1.1.2.
test('a weekly series with an exception', () => {
  const mail = invite([
    ...event(
      'DTSTART:20070326T100000',
      'DURATION:PT30M',
      'RRULE:FREQ=WEEKLY;BYDAY=MO,TH,FR;COUNT=12;WKST=SU',
      'SUMMARY:Simple Recurrence',
      'LOCATION:34/4639',
    ),
    ...event(
      'RECURRENCE-ID:20070416T100000',
      'DTSTART:20070416T110000',
      'DURATION:PT30M',
      'SUMMARY:Simple Recurrence with exceptions',
      'LOCATION:34/4141',
    ),
  ]);
  assert.equal(
    hex(mail),
    '043004300b2001000000c0210000010000000000000032000000222000000c0000000000000001000000a096bc0c01000000a096bc0c' +
      '8020bc0c20adbc0c0630000009300000580200007602000001003499bc0c5299bc0cf898bc0c11002200210053696d706c6520526563' +
      '757272656e6365207769746820657863657074696f6e730800070033342f34313431000000000400000000000000000000003499bc0c' +
      '5299bc0cf898bc0c2100530069006d0070006c006500200052006500630075007200720065006e006300650020007700690074006800' +
      '200065007800630065007000740069006f006e0073000700330034002f0034003100340031000000000000000000',
  );
});

// [MS-OXOCAL] 4.1.1.3.
test('a daily series with days taken out', () => {
  const mail = invite(
    event(
      'DTSTART:20110407T080000',
      'DURATION:PT30M',
      'RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20110504T080000Z;WKST=SU',
      'EXDATE:20110419T080000,20110422T080000',
    ),
  );
  assert.equal(
    hex(mail),
    '043004300a2000000000a0050000e010000000000000212000000a0000000000000002000000a0c1dc0c80d2dc0c00000000207edc0c' +
      '0016dd0c0630000009300000e0010000fe01000000000000000000000000',
  );
});

// RFC 5545 3.8.5.3; each begins on 2 September 1997, or as it is said there, and the days are those of its text.
test('the expansion that patterns are held against, by the examples of RFC 5545', () => {
  const days = (rule: Rule, first: string, limit = 12): string => expand(rule, first, limit).join(' ');
  assert.equal(
    days({ freq: 'WEEKLY', interval: 2, wkst: 'SU', byDay: ['TU', 'TH'], count: 8 }, '19970902'),
    '19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016',
  );
  assert.equal(
    days({ freq: 'WEEKLY', interval: 2, count: 4, byDay: ['TU', 'SU'], wkst: 'MO' }, '19970805'),
    '19970805 19970810 19970819 19970824',
  );
  assert.equal(
    days({ freq: 'WEEKLY', interval: 2, count: 4, byDay: ['TU', 'SU'], wkst: 'SU' }, '19970805'),
    '19970805 19970817 19970819 19970831',
  );
  assert.equal(days({ freq: 'MONTHLY', count: 4, byDay: ['1FR'] }, '19970905'), '19970905 19971003 19971107 19971205');
  assert.equal(days({ freq: 'MONTHLY', byMonthDay: -1 }, '19970930', 4), '19970930 19971031 19971130 19971231');
  assert.equal(
    days({ freq: 'MONTHLY', count: 3, byDay: ['TU', 'WE', 'TH'], bySetPos: 3 }, '19970904'),
    '19970904 19971007 19971106',
  );
  assert.equal(days({ freq: 'YEARLY', byDay: ['TH'], bySetPos: 4, byMonth: 11 }, '19971127', 2), '19971127 19981126');
  assert.equal(days({ freq: 'MONTHLY', byMonthDay: 30, count: 3 }, '20070115'), '20070130 20070330 20070430');
});

const weekdays = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const someDays = fc.subarray(weekdays, { minLength: 1 });
const wkst = fc.constantFrom(undefined, 'SU', 'MO', 'SA');
const nth = fc.constantFrom(1, 2, 3, 4, -1);
const monthDay = fc.constantFrom(undefined, 1, 15, 28, 29, 30, 31, -1);
const numbered = fc.tuple(nth, fc.constantFrom(...weekdays)).map(([n, day]) => ({ byDay: [`${n}${day}`] }));
const positioned = fc.record({ byDay: someDays, bySetPos: nth });
const inMonth = fc.oneof(fc.record({ byMonthDay: monthDay }), numbered, positioned);
const everyMonth = fc.record({ byMonth: fc.constantFrom(1, 2, 4, 11) });
const interval = fc.constantFrom(undefined, 1, 2, 3, 5);
const shape = fc.oneof(
  fc.record({ freq: fc.constant('DAILY' as const), interval: fc.constantFrom(undefined, 1, 2, 3, 30) }),
  fc.record({ freq: fc.constant('DAILY' as const), byDay: someDays, wkst }),
  fc.record({ freq: fc.constant('WEEKLY' as const), interval, byDay: fc.option(someDays, { nil: undefined }), wkst }),
  fc
    .tuple(
      fc.record({ freq: fc.constant('MONTHLY' as const), interval: fc.constantFrom(undefined, 1, 2, 7, 12) }),
      inMonth,
    )
    .map(([a, b]) => ({ ...a, ...b })),
  fc
    .tuple(
      fc.record({ freq: fc.constant('YEARLY' as const), interval: fc.constantFrom(undefined, 1, 4) }),
      everyMonth,
      inMonth,
    )
    .map(([a, b, c]) => ({ ...a, ...b, ...c })),
  fc.record({ freq: fc.constant('YEARLY' as const), interval }),
);
const firstDay = fc.integer({ min: 0, max: 20_000 }).map((days) => dayText(new Date(Date.UTC(1990, 0, 1 + days))));
const length = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 10 }) }),
  fc.record({ days: fc.integer({ min: 0, max: 2000 }) }),
  fc.constant({}),
);

test('the occurrences of a pattern are those of its rule, for rules of every kind', () => {
  let patterns = 0;
  fc.assert(
    fc.property(firstDay, shape, length, fc.array(fc.nat(20), { maxLength: 4 }), (first, shape, length, outs) => {
      const days = 'days' in length ? length.days : undefined;
      const until = days === undefined ? undefined : dayText(new Date(dateOf(first).getTime() + days * 86_400_000));
      const rule: Rule = { ...shape, until, count: 'count' in length ? length.count : undefined };
      const isEndless = until === undefined && rule.count === undefined;
      const all = expand(rule, first, isEndless ? 15 : 3000);
      const out = new Set(outs.flatMap((at) => all[at] ?? []));
      const exdates = [...out].map((day) => `EXDATE:${day}T090000`);
      const mail = series(first, ruleText(rule), ...exdates);
      if (hex(mail) === undefined) {
        const isNever = [
          'a rule that ends before it begins',
          'a rule that never comes true',
          'a day that its month has not',
        ];
        assert.ok(all.length === 0 && isNever.includes(mail.recurrence[0] ?? ''), ruleText(rule));
        return;
      }
      // Without end, a pattern cannot pass over months: that is told.
      if (mail.recurrence.length > 0) {
        const day = rule.byMonthDay ?? dateOf(first).getUTCDate();
        assert.ok(isEndless && day > 28 && rule.byDay === undefined, `${ruleText(rule)}: ${mail.recurrence.join()}`);
        return;
      }
      patterns += 1;
      const wanted = all.filter((day) => !out.has(day)).map((day) => `${day}T090000`);
      const found = occurrencesOf(patternOf(mail), isEndless ? 15 : 3000);
      assert.deepEqual(
        isEndless ? found.slice(0, 10) : found,
        isEndless ? wanted.slice(0, 10) : wanted,
        ruleText(rule),
      );
    }),
    { numRuns: 150 },
  );
  assert.ok(patterns > 60, `${patterns} patterns`);
});

test('counts and ends', () => {
  const counted = patternOf(series('20260302', 'FREQ=DAILY;COUNT=5'));
  assert.deepEqual([counted.endType, counted.count, stamp(counted.endDate)], [0x2022, 5, '20260306T000000']);
  const dated = patternOf(series('20260302', 'FREQ=WEEKLY;UNTIL=20260319'));
  assert.deepEqual([dated.endType, dated.count, stamp(dated.endDate)], [0x2021, 3, '20260316T000000']);
  for (const rule of ['FREQ=WEEKLY', 'FREQ=WEEKLY;UNTIL=99991231T235959Z']) {
    const endless = patternOf(series('20260302', rule));
    assert.deepEqual([endless.endType, endless.count, endless.endDate], [0x2023, 10, 0x5ae980df]);
  }
  // Of a day in which the event begins later than the rule ends, nothing is left.
  assert.equal(patternOf(series('20260302', 'FREQ=DAILY;UNTIL=20260304T085959Z')).count, 2);
  assert.equal(patternOf(series('20260302', 'FREQ=DAILY;UNTIL=20260304T090000Z')).count, 3);
  // [MS-OXOCAL] 2.2.1.15.
  assert.equal(
    appointment(series('20260302', 'FREQ=WEEKLY'), 0x8236, PropertyType.Time),
    fileTime(Date.UTC(4500, 7, 31, 23, 59)),
  );
  assert.equal(
    appointment(series('20260302', 'FREQ=WEEKLY'), 0x8235, PropertyType.Time),
    fileTime(Date.UTC(2026, 2, 2)),
  );
});

test('short months: days that the pattern has and the rule has not are taken out, or told', () => {
  const finite = series('20260130', 'FREQ=MONTHLY;COUNT=4');
  assert.deepEqual(patternOf(finite).deleted.map(stamp), ['20260228T000000']);
  assert.deepEqual([patternOf(finite).count, stamp(patternOf(finite).endDate)], [5, '20260530T000000']);
  assert.deepEqual(finite.recurrence, []);
  const endless = series('20260130', 'FREQ=MONTHLY');
  assert.deepEqual(patternOf(endless).specific, [30]);
  assert.equal(endless.recurrence.length, 1);
  assert.deepEqual(series('20260131', 'FREQ=MONTHLY;BYMONTHDAY=-1').recurrence, []);
});

test('what no pattern can say stays one appointment with its calendar, and is told', () => {
  const single = series('20260302', 'FREQ=DAILY;COUNT=1');
  for (const rule of [
    'FREQ=HOURLY',
    'FREQ=DAILY;BYHOUR=9,15',
    'FREQ=DAILY;BYHOUR=10',
    'FREQ=DAILY;INTERVAL=2;BYDAY=MO',
    'FREQ=DAILY;INTERVAL=1000',
    'FREQ=WEEKLY;INTERVAL=0',
    'FREQ=WEEKLY;BYDAY=1MO',
    'FREQ=WEEKLY;BYDAY=XX',
    'FREQ=WEEKLY;WKST=XX',
    'FREQ=MONTHLY;BYDAY=5MO',
    'FREQ=MONTHLY;BYDAY=-2MO',
    'FREQ=MONTHLY;BYDAY=1MO,1TU',
    'FREQ=MONTHLY;BYDAY=MO',
    'FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13',
    'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,2',
    'FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=5',
    'FREQ=MONTHLY;BYSETPOS=1',
    'FREQ=MONTHLY;BYMONTHDAY=1,15',
    'FREQ=MONTHLY;BYMONTHDAY=0',
    'FREQ=MONTHLY;BYMONTHDAY=-2',
    'FREQ=MONTHLY;BYMONTH=3',
    'FREQ=YEARLY;BYMONTHDAY=10',
    'FREQ=YEARLY;BYDAY=20MO',
    'FREQ=YEARLY;BYDAY=1MO',
    'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=YEARLY;BYMONTH=1,3',
    'FREQ=YEARLY;BYWEEKNO=20',
    'FREQ=YEARLY;BYYEARDAY=100',
    'FREQ=YEARLY;RSCALE=CHINESE',
    'FREQ=DAILY;COUNT=0',
    'FREQ=DAILY;COUNT=2;UNTIL=20260401',
    'FREQ=DAILY;UNTIL=soon',
    'FREQ=DAILY;UNTIL=20260101',
    'COUNT=3',
    '',
  ]) {
    const mail = series('20260302', rule);
    assert.equal(hex(mail), undefined, rule);
    assert.equal(mail.recurrence.length, 1, rule);
    assert.deepEqual(
      [appointment(mail, 0x8223, PropertyType.Boolean), mail.named(IS_SERIES, PropertyType.Boolean)],
      [false, false],
      rule,
    );
    assert.equal(
      appointment(mail, 0x820d, PropertyType.Time),
      appointment(single, 0x820d, PropertyType.Time),
      'the appointment is there',
    );
    assert.equal(mail.attachments.length, 1);
  }
  assert.deepEqual(series('20260302', 'FREQ=DAILY;BYHOUR=9;BYMINUTE=0').recurrence, []);
  assert.equal(series('20260302', 'FREQ=DAILY', 'EXRULE:FREQ=WEEKLY').recurrence.length, 1);
  assert.equal(invite(event('DTSTART:20260302T090000', 'RDATE:20260303T090000')).recurrence.length, 1);
});

// [MS-OXCICAL] 2.1.3.1.1.20.18.
test('a date that goes with one that is taken out is an occurrence that is moved', () => {
  const moved = series('20260302', 'FREQ=WEEKLY;COUNT=4', 'EXDATE:20260309T090000', 'RDATE:20260310T140000');
  assert.deepEqual(occurrencesOf(patternOf(moved), 100), [
    '20260302T090000',
    '20260310T140000',
    '20260316T090000',
    '20260323T090000',
  ]);
  const [exception] = patternOf(moved).exceptions;
  assert.deepEqual(
    [stamp(exception?.end ?? 0), stamp(exception?.original ?? 0)],
    ['20260310T143000', '20260309T090000'],
  );
  assert.deepEqual(patternOf(moved).deleted.map(stamp), ['20260309T000000']);
  assert.deepEqual(patternOf(moved).modified.map(stamp), ['20260310T000000']);
  assert.deepEqual(moved.recurrence, []);
  // One without a partner, one behind another occurrence, one that is there already.
  for (const [more, lacks] of [
    [['RDATE:20260310T140000'], 1],
    [['EXDATE:20260302T090000', 'RDATE:20260310T140000'], 1],
    [['RDATE;VALUE=PERIOD:20260310T140000/PT1H'], 1],
    [['RDATE:20260316T090000'], 0],
    [['RDATE:20260316T100000'], 1],
  ] as const) {
    const mail = series('20260302', 'FREQ=WEEKLY;COUNT=4', ...more);
    assert.deepEqual(patternOf(mail).exceptions, [], more.join());
    assert.equal(mail.recurrence.length, lacks, more.join());
  }
});

test('occurrences that are replaced, moved, cancelled and impossible', () => {
  const replace = (id: string, ...lines: readonly string[]): string[] => event(`RECURRENCE-ID:${id}`, ...lines);
  const mail = invite([
    ...replace(
      '20260303T090000',
      'DTSTART:20260303T110000',
      'DURATION:PT1H',
      'SUMMARY:Ø and more',
      'TRANSP:TRANSPARENT',
    ),
    ...event('DTSTART:20260302T090000', 'DURATION:PT30M', 'RRULE:FREQ=DAILY;COUNT=5', 'SUMMARY:x'),
    ...replace('20260304T090000', 'STATUS:CANCELLED'),
    ...replace('20260305T090000', 'DTSTART:20260304T160000', 'DURATION:PT30M', 'SUMMARY:x'),
    ...replace('20260306T090000', 'DTSTART;VALUE=DATE:20260306', 'SUMMARY:x'),
  ]);
  const pattern = patternOf(mail);
  assert.deepEqual(occurrencesOf(pattern, 100), [
    '20260302T090000',
    '20260303T110000',
    '20260304T160000',
    '20260306T000000',
  ]);
  assert.deepEqual(pattern.deleted.map(stamp), [
    '20260303T000000',
    '20260304T000000',
    '20260305T000000',
    '20260306T000000',
  ]);
  const [first, second, third] = pattern.exceptions;
  assert.deepEqual([first?.flags, first?.subject, first?.busyStatus], [0x21, 'Ø and more', 0]);
  assert.equal(second?.flags, 0);
  assert.deepEqual([third?.flags, third?.subType, stamp(third?.end ?? 0)], [0x80, 1, '20260307T000000']);
  assert.deepEqual(mail.recurrence, []);

  const bad = invite([
    ...event('DTSTART:20260302T090000', 'DURATION:PT30M', 'RRULE:FREQ=DAILY;COUNT=5'),
    ...replace('20260303T090000', 'DTSTART:20260304T160000'),
    ...replace('20260401T090000', 'DTSTART:20260401T160000'),
    ...event('RECURRENCE-ID;RANGE=THISANDFUTURE:20260305T090000', 'DTSTART:20260305T160000'),
    ...event('DTSTART:20260305T160000'),
  ]);
  assert.equal(occurrencesOf(patternOf(bad), 100).length, 5);
  assert.deepEqual([...bad.recurrence].sort(), [
    'an occurrence that is moved beyond another',
    'an occurrence that is none of the rule',
  ]);
});

// [MS-OXOCAL] 2.2.1.13, 2.2.1.27, 2.2.1.35.
test('one occurrence that is sent alone is an exception, with its day in its id', () => {
  const mail = invite(event('RECURRENCE-ID:20260303T090000', 'DTSTART:20260303T110000', 'DURATION:PT1H'));
  const id = (lid: number): string => {
    const value = mail.named({ guid: PSETID_Meeting, lid }, PropertyType.Binary);
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex', 16, 20) : '';
  };
  assert.deepEqual([id(0x0003), id(0x0023)], ['07ea0303', '00000000']);
  assert.equal(mail.named({ guid: PSETID_Meeting, lid: 0x000a }, PropertyType.Boolean), true);
  assert.equal(mail.named(IS_SERIES, PropertyType.Boolean), true);
  assert.equal(appointment(mail, 0x8223, PropertyType.Boolean), false);
  assert.equal(appointment(mail, 0x8228, PropertyType.Time), fileTime(Date.UTC(2026, 2, 3, 9)));
});

test('whole days', () => {
  const mail = invite(event('DTSTART;VALUE=DATE:20260302', 'RRULE:FREQ=WEEKLY;COUNT=3', 'EXDATE;VALUE=DATE:20260309'));
  const pattern = patternOf(mail);
  assert.deepEqual([pattern.startOffset, pattern.endOffset], [0, 1440]);
  assert.deepEqual(occurrencesOf(pattern, 10), ['20260302T000000', '20260316T000000']);
  assert.equal(appointment(mail, 0x8232, PropertyType.String), 'every Monday, from 2026-03-02 until 2026-03-16');
});

test('descriptions', () => {
  const text = (rule: string) =>
    String(appointment(series('20260302', `${rule};COUNT=2`), 0x8232, PropertyType.String)).split(' from 09')[0];
  assert.equal(text('FREQ=DAILY'), 'every day');
  assert.equal(text('FREQ=DAILY;INTERVAL=3'), 'every 3 days');
  assert.equal(text('FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR'), 'every weekday');
  assert.equal(text('FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE'), 'every 2 weeks on Monday and Wednesday');
  assert.equal(text('FREQ=MONTHLY'), 'day 2 of every month');
  assert.equal(text('FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1'), 'the last day of every 2 months');
  assert.equal(text('FREQ=MONTHLY;BYDAY=-1FR'), 'the last Friday of every month');
  assert.equal(text('FREQ=YEARLY'), 'every year on day 2 of March');
  assert.equal(text('FREQ=YEARLY;BYMONTH=11;BYDAY=4TH'), 'every year on the fourth Thursday of November');
});

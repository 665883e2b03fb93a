import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { objectId } from '@rpch/store/client';
import fc from 'fast-check';
import stringWidth from 'string-width';
import { parseMessageId, parseObjectId, tellMessageId, tellObjectId } from '../../src/mail/ids.ts';
import { manyLines, oneLine } from '../../src/mail/plain-text.ts';
import { tellDate, tellDateInFull, tellSize } from '../../src/mail/quantities.ts';
import { cut, layOut, wrap } from '../../src/mail/table.ts';

/** What a terminal would obey, or what would turn text round: Cc but the line feed and the tab, and the bidirectional controls. */
const CONTROLS = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

describe('text from mails', () => {
  test('no control character comes through', () => {
    assert.equal(oneLine('Hi\x1b[31m\r\n\tthere\x07\u202e!'), 'Hi [31m there !');
    assert.equal(manyLines('a\r\nb\rc\x1b]0;title\x07\td\u0085e'), 'a\nb\nc]0;title\td\ne');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(oneLine(text), CONTROLS);
        assert.doesNotMatch(oneLine(text), /[\n\t]/);
        assert.doesNotMatch(manyLines(text), CONTROLS);
      }),
    );
  });

  test('ids are short, and are read as they were told', () => {
    const id = { folder: objectId(0xd), message: objectId(0x1a4), within: [0, 3] };
    assert.equal(tellMessageId(id), 'd.1a4/0/3');
    assert.deepEqual(parseMessageId(' D.1A4/0/3 '), id);
    assert.equal(tellObjectId(objectId(5, 3)), '3-5');
    assert.equal(parseObjectId('3-5'), objectId(5, 3));
    const counter = fc.integer({ min: 0, max: 2 ** 48 - 1 });
    const ids = fc.record({
      folder: fc.tuple(counter, fc.nat(0xffff)).map(([at, replid]) => objectId(at, replid)),
      message: fc.tuple(counter, fc.nat(0xffff)).map(([at, replid]) => objectId(at, replid)),
      within: fc.array(fc.nat(1000), { maxLength: 8 }),
    });
    fc.assert(fc.property(ids, (made) => assert.deepEqual(parseMessageId(tellMessageId(made)), { ...made })));
    for (const wrong of ['', 'd', 'd.', '.1', 'x.1', 'd.1a4/', 'd.1a4/x', `d.1${'/0'.repeat(9)}`, 'd.1000000000000']) {
      assert.throws(
        () => parseMessageId(wrong),
        (error) => error instanceof RpchError && error.code === 'RPCH_USAGE',
        wrong,
      );
    }
  });

  test('sizes and dates as people read them', () => {
    assert.deepEqual([0, 999, 1000, 1434, 10_240, 1_000_000, 5_000_000_000].map(tellSize), [
      '0 B',
      '999 B',
      '1.0 KiB',
      '1.4 KiB',
      '10 KiB',
      '977 KiB',
      '4.7 GiB',
    ]);
    const reader = { timeZone: 'Europe/Berlin', now: new Date('2026-07-01T12:00:00Z') };
    assert.equal(tellDate(new Date('2026-06-30T22:30:00Z'), reader), 'today 00:30');
    assert.equal(tellDate(new Date('2026-06-30T21:30:00Z'), reader), '2026-06-30 23:30');
    assert.equal(tellDate(undefined, reader), '');
    assert.equal(tellDateInFull(new Date('2026-06-30T22:30:00Z'), reader), 'Wed 2026-07-01 00:30 +02:00');
    assert.equal(
      tellDateInFull(new Date('2026-06-30T22:30:00Z'), { ...reader, timeZone: 'UTC' }),
      'Tue 2026-06-30 22:30 +00:00',
    );
  });
});

describe('tables', () => {
  const columns = [{ title: 'id' }, { title: 'subject', shrinks: true }, { title: 'size', align: 'right' }] as const;

  test('columns are as wide as their cells, in cells of the terminal', () => {
    const table = layOut(columns, [
      ['a', '境界', '1 B'],
      ['bb', 'x', '12 B'],
    ]);
    assert.equal(table, 'id  subject  size\na   境界      1 B\nbb  x        12 B\n');
  });

  test('what does not fit gives way where it may', () => {
    const table = layOut(columns, [['d.1a4', 'A very long subject indeed', '1 B']], 30);
    assert.equal(table, 'id     subject            size\nd.1a4  A very long subj…   1 B\n');
    for (const line of table.trimEnd().split('\n')) assert.ok(stringWidth(line) <= 30, line);
  });

  test('a text is cut between what is seen as one character', () => {
    assert.equal(cut('👩‍👩‍👧 family', 4), '👩‍👩‍👧…');
    assert.equal(cut('境界線', 4), '境…');
    assert.equal(cut('abc', 3), 'abc');
  });

  test('lines are broken at spaces, quotations with their marks; long words stay whole', () => {
    assert.equal(wrap('one two three four', 9), 'one two\nthree\nfour');
    assert.equal(
      wrap('> one two three four\n  indented text here', 12),
      '> one two\n> three four\n  indented\n  text here',
    );
    assert.equal(wrap('https://example.org/a/very/long/address ok', 10), 'https://example.org/a/very/long/address\nok');
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, width) => {
        assert.equal(wrap(text, width).replaceAll(/[\s>]/g, ''), text.replaceAll(/[\s>]/g, ''));
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import PostalMime from 'postal-mime';
import { textPart } from '../../src/import/demo/compose.ts';
import { demoMails } from '../../src/import/demo/demo-mails.ts';
import { pngChart } from '../../src/import/demo/files.ts';
import { fillDemoMailbox } from '../../src/import/demo/fill.ts';
import { unflow } from '../../src/import/mime/flowed.ts';
import { MimeBudget, parseMime, textOf } from '../../src/import/mime/part.ts';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import type { PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { ascii, convert } from './support.ts';

const END = Date.UTC(2026, 10, 20, 15);
const DOMAIN = 'rpch.example';
const ACCOUNTS = ['alice', 'bob'] as const;

const squeezed = (text: PropertyValue | undefined): string =>
  String(text ?? '')
    .replace(/\s+/g, ' ')
    .trim();

for (const account of ACCOUNTS) {
  test(`the mail of ${account} is the same each time, hundreds of it, none from the future`, () => {
    const mails = demoMails(account, DOMAIN, END);
    assert.deepEqual(demoMails(account, DOMAIN, END), mails);
    assert.ok(mails.length >= 200, String(mails.length));
    assert.ok(mails.every(({ sent }) => sent <= END && sent > END - 400 * 86_400_000));
    assert.ok(mails.some(({ flags }) => flags.read === false) && mails.some(({ flags }) => flags.answered === true));
  });

  // Another parser of mail agrees with ours on everything that both tell.
  test(`the mail of ${account} is what postal-mime reads in it`, async () => {
    const kinds = new Set<PropertyValue | undefined>();
    for (const { bytes, flags } of demoMails(account, DOMAIN, END)) {
      const ours = convert(bytes, flags);
      const theirs = await PostalMime.parse(bytes);
      assert.equal(ours.get(PidTag.Subject), theirs.subject);
      assert.equal(ours.get(PidTag.SentRepresentingName), theirs.from?.name);
      assert.equal(ours.get(PidTag.InternetMessageId), theirs.messageId);
      // Who invites to a meeting is in the calendar, not in To.
      const sentTo = ours.recipients.filter(({ properties }) => properties.get(PidTag.RecipientFlags) === 1);
      assert.deepEqual(
        sentTo.map(({ properties }) => properties.get(PidTag.DisplayName)),
        [...(theirs.to ?? []), ...(theirs.cc ?? [])].map(({ name }) => name),
      );
      const isForwarded = ours.attachments.some(({ embedded }) => embedded !== undefined);
      if (theirs.html === undefined && !isForwarded) {
        // postal-mime leaves quotations folded, with their marks in the middle of sentences.
        const words = (text: PropertyValue | undefined) => squeezed(String(text ?? '').replaceAll('>', ' '));
        assert.equal(words(ours.get(PidTag.Body)), words(theirs.text));
      }
      if (theirs.html !== undefined) {
        const html = ours.get(PidTag.Html);
        assert.ok(html instanceof Uint8Array);
        assert.equal(squeezed(Buffer.from(html).toString('utf8')), squeezed(theirs.html));
      }
      if (!isForwarded) {
        // postal-mime loses the CR of calendars.
        const isCalendar = theirs.attachments.some(({ mimeType }) => mimeType === 'text/calendar');
        const contents = ours.attachments.map(({ properties }) => ascii(properties.get(PidTag.AttachDataBinary)));
        assert.deepEqual(
          contents.map((content) => (isCalendar ? content.replaceAll('\r', '') : content)),
          theirs.attachments.map(({ content }) => ascii(new Uint8Array(content as ArrayBuffer))),
        );
      }
      assert.deepEqual([...ours.notes, ...ours.recurrence], []);
      for (const tag of [PidTag.MessageClass, PidTag.InternetCodepage]) kinds.add(ours.get(tag));
    }
    const wanted = [
      'IPM.Note',
      'IPM.Schedule.Meeting.Request',
      'IPM.Schedule.Meeting.Canceled',
      65001,
      50220,
      54936,
      28591,
    ];
    for (const kind of wanted) assert.ok(kinds.has(kind), `${account} has nothing of ${kind}`);
  });
}

test('flowed text is folded with the marks of its quotations, and unfolded is what it was', () => {
  const long = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen';
  const text = ['short enough', long, `> ${long}`, `>> ${long}`, '>', '-- ', ' indented', 'From here'].join('\n');
  const { headers, body } = textPart(text, { flowed: true });
  const part = parseMime(Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`), new MimeBudget());
  const folded = textOf(part).text.trimEnd().split('\r\n');
  assert.ok(folded.every((line) => line.length <= 75));
  assert.equal(folded[0], 'short enough');
  assert.equal(folded.filter((line) => line.startsWith('> ')).length, 2);
  assert.equal(folded.filter((line) => line.startsWith('>> ')).length, 2);
  assert.deepEqual(unflow(folded.join('\r\n'), false).split('\r\n'), text.split('\n'));
});

test('both mailboxes are filled by importing', async () => {
  for (const account of ACCOUNTS) {
    const store = Mailbox.create(':memory:', account, {
      now: () => END,
      random: (length) => new Uint8Array(length).fill(7),
    });
    const { imported, failed, limited } = await fillDemoMailbox(store, { account, domain: DOMAIN, now: () => END });
    assert.deepEqual([imported, failed, limited], [demoMails(account, DOMAIN, END).length, 0, 0]);
    const inbox = store.folders.get(FolderId.Inbox);
    assert.ok(inbox && inbox.contentCount > 50 && inbox.unreadCount > 0 && inbox.unreadCount < inbox.contentCount);
    for (const name of ['Newsletters', 'Projects', 'Support', 'Builds']) {
      assert.ok(store.folders.childNamed(FolderId.IpmSubtree, name), name);
    }
    assert.equal(store.folders.get(FolderId.Drafts)?.contentCount, 1);
    store.close();
  }
});

test('a chart is a PNG of the size that it says', () => {
  const { bytes } = pngChart('x.png', [10, 64], [1, 2, 3]);
  const png = Buffer.from(bytes);
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [32, 64]);
  const length = png.readUInt32BE(33);
  assert.equal(png.toString('latin1', 37, 41), 'IDAT');
  assert.equal(inflateSync(png.subarray(41, 41 + length)).length, 64 * (1 + 32 * 3));
});

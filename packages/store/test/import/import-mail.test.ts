import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ImportOptions, type ImportProgress, importMail } from '../../src/import/import-mail.ts';
import type { MailSource, SourceMail } from '../../src/import/sources/mail-source.ts';
import { openMailSource } from '../../src/import/sources/open-source.ts';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import type { Counter } from '../../src/mapi/object-id.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { bytesOf } from './support.ts';

const NOW = Date.UTC(2026, 10, 20);
const FROM = 'From a@x.example Mon Mar  2 09:00:00 2026';

function mailbox(t: TestContext): Mailbox {
  let seed = 0;
  const random = (length: number) => Uint8Array.from({ length }, () => (seed = (seed * 73 + 41) & 0xff));
  const made = Mailbox.create(':memory:', 'alice', { now: () => NOW, random });
  t.after(() => made.close());
  return made;
}

/** Writes files below a new directory; each time of a file is 2026-01-01. */
async function files(t: TestContext, contents: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rpch-import-'));
  t.after(() => rm(root, { recursive: true }));
  for (const [name, content] of Object.entries(contents)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (name.endsWith('/.keep')) continue;
    await writeFile(path, bytesOf(content));
    await utimes(path, new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z'));
  }
  return root;
}

async function importPath(store: Mailbox, path: string, options: Partial<ImportOptions> = {}) {
  return importMail(store, [await openMailSource(path)], { now: () => NOW, ...options });
}

/** Paths of folders with the subjects in them, without those that are empty. */
function contentsOf(store: Mailbox): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const visit = (parent: Counter, path: string): void => {
    for (const { folder } of store.folders.children(parent)) {
      const subjects = store.messages
        .ids(folder.id, false)
        .map((id) => String(store.messages.value(id, PidTag.Subject)));
      if (subjects.length > 0) found[path + folder.name] = subjects;
      visit(folder.id, `${path}${folder.name}/`);
    }
  };
  visit(FolderId.IpmSubtree, '');
  return found;
}

/** A source of messages that are given. */
function given(mails: readonly Partial<SourceMail>[]): MailSource {
  const whole = mails.map((mail, at) => ({
    origin: `mail ${at}`,
    bytes: bytesOf(`Subject: ${at}\n\n`),
    size: 10,
    folder: [],
    ...mail,
  }));
  return {
    size: whole.length * 10,
    async *read() {
      yield* whole;
    },
  };
}

test('one message from a file: its original, its time and its flags', async (t) => {
  const store = mailbox(t);
  const text = 'Subject: hello\nStatus: RO\n\nHow are you?\n';
  const root = await files(t, { 'one.eml': text });
  const result = await importPath(store, join(root, 'one.eml'));
  assert.deepEqual([result.imported, result.failed, result.bytes, result.interrupted], [1, 0, text.length, false]);
  const [id = 0] = store.messages.ids(FolderId.Inbox, false);
  assert.deepEqual(store.messages.original(id), bytesOf(text));
  const properties = store.messages.get(id)?.properties;
  assert.equal(properties?.get(PidTag.MessageDeliveryTime), fileTime(Date.UTC(2026, 0, 1)));
  assert.equal(properties?.get(PidTag.Read), true);
  assert.equal(properties?.get(PidTag.Body), 'How are you?\r\n');
});

test('a message knows better than its file when it was written', async (t) => {
  const store = mailbox(t);
  const root = await files(t, {
    'one.eml': 'Date: Mon, 2 Mar 2026 09:00:00 +0000\n\n',
    'two.mbox': `${FROM}\nDate: 1 Mar 2026 09:00 +0000\n\n`,
  });
  await importPath(store, join(root, 'one.eml'));
  await importPath(store, join(root, 'two.mbox'));
  const delivered = store.messages
    .ids(FolderId.Inbox, false)
    .map((id) => store.messages.value(id, PidTag.MessageDeliveryTime));
  // Of an mbox the line before the message says when it came.
  assert.deepEqual(delivered, [fileTime(Date.UTC(2026, 2, 2, 9)), fileTime(Date.UTC(2026, 2, 2, 9))]);
});

test('two imports at a time into one mailbox, as with a server that runs', async (t) => {
  const root = await files(t, { '.keep': '' });
  const path = join(root, 'alice.sqlite');
  const options = { now: () => NOW, random: (length: number) => new Uint8Array(length).fill(3) };
  Mailbox.create(path, 'alice', options).close();
  const stores = [Mailbox.open(path, options), Mailbox.open(path, options)];
  const mails = Array.from({ length: 250 }, () => ({}));
  await Promise.all(
    stores.map((store, n) => importMail(store, [given(mails)], { now: () => NOW, folder: ['Inbox', `${n}`] })),
  );
  for (const store of stores) {
    const contents = contentsOf(store);
    assert.deepEqual([contents['Inbox/0']?.length, contents['Inbox/1']?.length], [250, 250]);
    store.close();
  }
});

test('a Maildir: read and unread, flags, folders of Maildir++ and their names', async (t) => {
  const store = mailbox(t);
  const root = await files(t, {
    'new/1772442000.M1.host': 'Subject: unread\n\n',
    'cur/1772442001.M1.host:2,S': 'Subject: read\n\n',
    'cur/1772442002.M1.host:2,RSF': 'Subject: answered\n\n',
    'cur/1772442003.M1.host:2,T': 'Subject: deleted\n\n',
    'tmp/.keep': '',
    'cur/.hidden': 'Subject: no\n\n',
    '.Sent/cur/1772442004.M1.host:2,S': 'Subject: sent\n\n',
    '.Sent/new/.keep': '',
    '.Archiv.B&APw-cher/cur/1772442005.M1.host:2,': 'Subject: filed\n\n',
    '.Archiv.B&APw-cher/new/.keep': '',
    '.notes/readme': 'no Maildir',
  });
  const result = await importPath(store, root);
  assert.equal(result.imported, 6);
  assert.deepEqual(contentsOf(store), {
    Inbox: ['read', 'answered', 'unread'].sort((a, b) => (a === 'unread' ? -1 : b === 'unread' ? 1 : 0)),
    'Deleted Items': ['deleted'],
    'Sent Items': ['sent'],
    'Archiv/Bücher': ['filed'],
  });
  const inbox = store.folders.get(FolderId.Inbox);
  assert.deepEqual([inbox?.contentCount, inbox?.unreadCount], [3, 1]);
  const [unread = 0, , answered = 0] = store.messages.ids(FolderId.Inbox, false);
  assert.equal(store.messages.value(answered, PidTag.FlagStatus), 2);
  assert.equal(store.messages.value(answered, PidTag.LastVerbExecuted), 102);
  assert.equal(store.messages.value(unread, PidTag.MessageDeliveryTime), fileTime(1_772_442_000_000), 'of the name');
});

test('a directory: mbox files and subdirectories are folders, other files are passed over', async (t) => {
  const store = mailbox(t);
  const root = await files(t, {
    'Old.mbox': `${FROM}\nSubject: a\n\n\n${FROM}\nSubject: b\n\n`,
    'Projects/Tern/x.eml': 'Subject: c\n\n',
    'Projects/index.dat': 'no mail',
    'Sent/box': `${FROM}\nSubject: d\n\n`,
  });
  await importPath(store, root, { folder: ['Archive'] });
  assert.deepEqual(contentsOf(store), {
    'Archive/Old': ['a', 'b'],
    'Archive/Projects/Tern': ['c'],
    'Archive/Sent/box': ['d'],
  });
  await importPath(store, join(root, 'Old.mbox'), { folder: ['Inbox', 'Old'], markRead: true });
  assert.deepEqual(contentsOf(store)['Inbox/Old'], ['a', 'b']);
  const old = store.folders.childNamed(FolderId.Inbox, 'Old');
  assert.equal(old?.unreadCount, 0);
});

test('what is not there, and a directory without mail', async (t) => {
  const root = await files(t, { 'index.dat': 'no mail' });
  for (const path of [root, join(root, 'nowhere')]) {
    await assert.rejects(openMailSource(path), { code: 'RPCH_NO_MAIL', fault: 'caller' });
  }
});

test('an mbox larger than one reading goes through in batches, and progress is told', async (t) => {
  const store = mailbox(t);
  const body = `${'0123456789'.repeat(7)}\n`.repeat(150);
  const root = await files(t, {
    'big.mbox': Array.from({ length: 250 }, (_, n) => `${FROM}\nSubject: ${n}\n\n${body}\n`).join(''),
  });
  const told: ImportProgress[] = [];
  let time = NOW;
  const result = await importPath(store, join(root, 'big.mbox'), {
    now: () => (time += 500),
    onProgress: (progress) => told.push(progress),
  });
  assert.equal(result.imported, 250);
  assert.deepEqual(
    contentsOf(store).Inbox,
    Array.from({ length: 250 }, (_, n) => String(n)),
  );
  assert.deepEqual(
    told.map(({ messages }) => messages),
    [100, 200, 250],
  );
  const last = told.at(-1);
  assert.ok(last && last.bytes === last.totalBytes && last.remaining === 0);
  assert.ok(told[0]?.remaining !== undefined && told[0].remaining > 0 && told[0].elapsed > 0);
  const [id = 0] = store.messages.ids(FolderId.Inbox, false);
  assert.deepEqual(store.messages.original(id), bytesOf(`Subject: 0\n\n${body}`));
});

test('a message that the store refuses is told; the others of its batch are there', async (t) => {
  const store = mailbox(t);
  const source = given([
    {},
    { bytes: undefined },
    {},
    { folder: ['x'.repeat(10), ...Array<string>(400).fill('deep')] },
    {},
  ]);
  const result = await importMail(store, [source], { now: () => NOW });
  assert.deepEqual([result.imported, result.failed], [3, 2]);
  assert.deepEqual(
    result.failures.map(({ origin }) => origin),
    ['mail 1', 'mail 3'],
  );
  assert.match(result.failures[0]?.reason ?? '', /over 104857600 bytes/);
  assert.deepEqual(contentsOf(store), { Inbox: ['0', '2', '4'] });
});

test('an error that is no refusal ends the import, and what was committed before is kept', async (t) => {
  const store = mailbox(t);
  const source: MailSource = {
    ...given([]),
    async *read() {
      for (let n = 0; n < 150; n += 1) yield { origin: String(n), bytes: bytesOf('x'), size: 1, folder: [] };
      throw new Error('the disk is gone');
    },
  };
  await assert.rejects(importMail(store, [source], { now: () => NOW }), /the disk is gone/);
  assert.equal(store.folders.get(FolderId.Inbox)?.contentCount, 100);
});

test('an import that is interrupted goes on where it was', async (t) => {
  const store = mailbox(t);
  const controller = new AbortController();
  const source = given(Array.from({ length: 330 }, () => ({})));
  const first = await importMail(store, [source], {
    now: () => NOW,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  assert.deepEqual([first.interrupted, first.imported], [true, 100]);
  const second = await importMail(store, [source], { now: () => NOW, skip: first.imported });
  assert.deepEqual([second.interrupted, second.skipped, second.imported], [false, 100, 230]);
  assert.deepEqual(
    contentsOf(store).Inbox,
    Array.from({ length: 330 }, (_, n) => String(n)),
  );
});

test('limits that were reached are counted', async (t) => {
  const store = mailbox(t);
  const bytes = bytesOf(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(1100)}--b--`);
  const result = await importMail(store, [given([{ bytes }, {}])], { now: () => NOW });
  assert.deepEqual([result.imported, result.limited], [2, 1]);
});

test('recurrence that no property can say is told by what it is', async (t) => {
  const store = mailbox(t);
  const meeting = (rule: string) => {
    const event = ['BEGIN:VEVENT', 'DTSTART:20260302T090000Z', `RRULE:${rule}`, 'END:VEVENT'];
    const lines = ['Content-Type: text/calendar; method=REQUEST', '', 'BEGIN:VCALENDAR', ...event];
    return { bytes: bytesOf([...lines, 'END:VCALENDAR']) };
  };
  const source = given([meeting('FREQ=HOURLY'), meeting('FREQ=MINUTELY'), meeting('FREQ=DAILY'), {}]);
  const result = await importMail(store, [source], { now: () => NOW });
  assert.deepEqual([result.imported, result.limited], [4, 0]);
  assert.deepEqual(result.recurrence, { 'a rule by hours, minutes or seconds, or by nothing': 2 });
});

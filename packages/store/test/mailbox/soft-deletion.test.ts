import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import type { MailboxEvent } from '../../src/mailbox/model.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import type { Counter } from '../../src/mapi/object-id.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { mail, makeOlder, OWNER, options } from './support.ts';

const { Inbox, Drafts } = FolderId;
const DAY = 86_400_000;

let now: number;
let mailbox: Mailbox;

function open(keepDeleted?: number, path = ':memory:'): Mailbox {
  const { random } = options();
  return Mailbox.create(path, OWNER, { now: () => now, random, ...(keepDeleted !== undefined && { keepDeleted }) });
}

beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  mailbox = open();
});
afterEach(() => mailbox.close());

function add(subject: string, associated = false): Counter {
  return mailbox.messages.add(Inbox, mail(subject), { associated, original: Buffer.from(subject) }).id;
}

/** What a folder says of itself, by name. */
function counts(folder: Counter, of = mailbox) {
  const properties = of.folders.properties(folder);
  const value = (tag: number) => Number(properties.get(tag));
  return {
    content: value(PidTag.ContentCount),
    unread: value(PidTag.ContentUnreadCount),
    associated: value(PidTag.AssociatedContentCount),
    size: value(PidTag.MessageSizeExtended),
    total: value(PidTag.DeletedCountTotal),
    deleted: value(PidTag.DeletedMessageCount),
    deletedAssociated: value(PidTag.DeletedAssociatedMessageCount),
    deletedSize: value(PidTag.DeletedMessageSizeExtended),
  };
}

/** What is stored, counted: what is kept beside it must agree. */
function checkCounts(): void {
  for (const row of mailbox.database.all(
    'SELECT id, content, unread, associated, size, associated_size FROM folders WHERE type <> 2',
  )) {
    const stored = mailbox.database.get(
      `SELECT coalesce(sum(associated = 0), 0) AS content, coalesce(sum(associated = 0 AND flags & 1 = 0), 0) AS unread,
         coalesce(sum(associated), 0) AS associated, coalesce(sum(size), 0) AS size,
         coalesce(sum(size * associated), 0) AS associated_size FROM messages WHERE folder = ?`,
      Number(row.id),
    );
    const { content, unread, associated, size, associated_size } = row;
    assert.deepEqual({ content, unread, associated, size, associated_size }, { ...stored }, `folder ${row.id}`);
    for (const isAssociated of [false, true]) {
      assert.equal(
        mailbox.contents.count(Number(row.id), isAssociated),
        isAssociated ? Number(associated) : Number(content),
      );
    }
  }
  assert.equal(mailbox.database.all('PRAGMA foreign_key_check').length, 0);
}

/** Rows of all that hangs on messages. */
function parts(): number[] {
  return ['messages', 'originals', 'long_values', 'attachments'].map((table) =>
    Number(mailbox.database.get(`SELECT count(*) AS count FROM ${table}`)?.count),
  );
}

test('a message that is deleted is counted among what is deleted, and with all that it has kept', () => {
  const before = counts(Inbox);
  const id = add('One');
  const fai = add('View', true);
  const { size } = counts(Inbox);
  now += 1000;
  assert.equal(mailbox.messages.delete(Inbox, [id, fai, id, 99]), 2);
  checkCounts();
  const after = counts(Inbox);
  assert.deepEqual(
    { ...after, deletedSize: 0 },
    { ...before, total: 2, deleted: 1, deletedAssociated: 1, deletedSize: 0 },
  );
  // Each has PidTagDeletedOn besides.
  assert.ok(after.deletedSize > size && after.deletedSize < size + 64, `${after.deletedSize} of ${size}`);
  const store = mailbox.storeProperties();
  assert.deepEqual(
    [PidTag.DeletedMessageCount, PidTag.DeletedAssociatedMessageCount, PidTag.ContentCount].map((tag) =>
      store.get(tag),
    ),
    [1, 1, 0],
  );
  assert.equal(store.get(PidTag.MessageSizeExtended), 0n);
  assert.equal(store.get(PidTag.DeletedMessageSizeExtended), BigInt(after.deletedSize));
  assert.deepEqual(mailbox.messages.ids(Inbox, false), []);
  assert.deepEqual(mailbox.messages.ids(Inbox, false, true), [id]);
  assert.deepEqual(mailbox.messages.ids(Inbox, true, true), [fai]);
  assert.equal(mailbox.messages.locate(id), undefined);
  assert.deepEqual(mailbox.messages.locate(id, true), { folder: Inbox, associated: false, deleted: true });
  const read = mailbox.messages.get(id);
  assert.equal(read?.folder, Inbox);
  assert.equal(read?.properties.get(PidTag.DeletedOn), fileTime(now));
  assert.equal(read?.properties.get(PidTag.Subject), 'One');
  assert.equal(read?.recipients.length, 1);
  assert.equal(Buffer.from(mailbox.messages.original(id) ?? []).toString(), 'One');
  // It is gone once, for synchronisation too.
  assert.equal(mailbox.messages.delete(Inbox, [id]), 0);
  const buried = () => mailbox.database.all('SELECT object, folder, kind FROM deletions ORDER BY object');
  assert.deepEqual(
    buried().map((row) => ({ ...row })),
    [
      { object: id, folder: Inbox, kind: 1 },
      { object: fai, folder: Inbox, kind: 2 },
    ],
  );
  assert.equal(mailbox.messages.delete(Inbox, [id, fai], true), 2);
  assert.equal(buried().length, 2);
  assert.equal(counts(Inbox).total, 2);
});

test('what is deleted is not changed any more', () => {
  const { id, changeNumber } = mailbox.messages.add(Inbox, mail('One'));
  mailbox.messages.delete(Inbox, [id]);
  const notFound = (error: unknown) => error instanceof StoreError && error.errorCode === ErrorCode.NotFound;
  const change = { id, folder: Inbox, associated: false, expected: changeNumber, set: new Map() };
  assert.throws(() => mailbox.messages.save(change), notFound);
  assert.throws(() => mailbox.messages.setRead(id, true), notFound);
  assert.throws(() => mailbox.messages.setStatus(id, 1, 1), notFound);
  assert.equal(mailbox.messages.save({ folder: Inbox, associated: false, set: new Map() }).id > id, true);
  // Its id is not free either.
  assert.throws(
    () => mailbox.messages.save({ newId: id, folder: Inbox, associated: false, set: new Map() }),
    StoreError,
  );
});

for (const target of [Inbox, Drafts]) {
  for (const how of ['move', 'copy'] as const) {
    test(`a ${how} recovers to ${target === Inbox ? 'the folder itself' : 'another folder'}`, () => {
      const id = add('One');
      mailbox.messages.setRead(id, true);
      const whole = mailbox.messages.get(id);
      mailbox.messages.delete(Inbox, [id]);
      const told: MailboxEvent[] = [];
      mailbox.subscribe((events) => told.push(...events));
      assert.equal(mailbox.messages[how](Inbox, [id], target), 1);
      checkCounts();
      const [back] = mailbox.messages.ids(target, false);
      assert.ok(back !== undefined && back !== id);
      const found = mailbox.messages.get(back);
      assert.equal(found?.properties.get(PidTag.DeletedOn), undefined);
      assert.equal(found?.properties.get(PidTag.Subject), 'One');
      assert.equal(found?.properties.get(PidTag.Read), true);
      assert.ok((found?.changeNumber ?? 0) > (whole?.changeNumber ?? 0));
      assert.deepEqual(found?.recipients, whole?.recipients);
      assert.equal(Buffer.from(mailbox.messages.original(back) ?? []).toString(), 'One');
      assert.equal(counts(Inbox).deleted, how === 'move' ? 0 : 1);
      assert.ok(told.some((event) => event.kind === 'created' && event.folder === target && event.message === back));
      // Whoever is told of a message that was moved would look for it where it is gone from long ago.
      assert.ok(!told.some((event) => event.oldMessage !== undefined || event.folder < 0));
      now += 15 * DAY;
      while (mailbox.retention.proceed());
      assert.equal(mailbox.messages.locate(back)?.folder, target);
      assert.equal(mailbox.messages.delete(target, [back]), 1);
      checkCounts();
    });
  }
}

test('deleted for good: from the folder, and from what was deleted softly', () => {
  const [one, two] = [add('One'), add('Two')];
  const none = [0, 0, 0, 0];
  mailbox.messages.delete(Inbox, [one]);
  assert.equal(mailbox.messages.delete(Drafts, [one, two], true), 0);
  assert.equal(mailbox.messages.delete(Inbox, [one, two], true), 2);
  checkCounts();
  assert.deepEqual(parts(), none);
  assert.equal(mailbox.messages.get(one), undefined);
  assert.equal(mailbox.messages.move(Inbox, [one], Inbox), 0);
});

test('a folder that is deleted for good takes its soft-deleted messages with it', () => {
  const { id } = mailbox.folders.create(Inbox, { name: 'Sub', type: 1 });
  const message = mailbox.messages.add(id, mail('One', [[PidTag.Html, new Uint8Array(20_000)]])).id;
  mailbox.messages.delete(id, [message]);
  mailbox.folders.delete(id, true);
  checkCounts();
  assert.deepEqual(parts(), [0, 0, 0, 0]);
  assert.equal(mailbox.database.get('SELECT 1 AS found FROM folders WHERE id < 0'), undefined);
});

test('a mailbox that keeps nothing deletes for good', () => {
  mailbox.close();
  mailbox = open(0);
  mailbox.messages.delete(Inbox, [add('One')]);
  assert.deepEqual(parts(), [0, 0, 0, 0]);
  assert.equal(counts(Inbox).total, 1);
});

test('what was deleted is kept for its time and no longer, and removed a few at a time', () => {
  const early = Array.from({ length: 100 }, (_, at) => add(`Early ${at}`));
  mailbox.messages.delete(Inbox, early);
  assert.equal(mailbox.retention.isDue, true);
  assert.equal(mailbox.retention.proceed(), false);
  assert.equal(mailbox.retention.isDue, false);
  now += DAY;
  mailbox.messages.delete(Inbox, [add('Late')]);
  now += 13 * DAY - 1;
  assert.equal(mailbox.retention.isDue, true);
  assert.equal(mailbox.retention.proceed(), false);
  assert.equal(counts(Inbox).deleted, 101);
  now += 1;
  assert.equal(mailbox.retention.isDue, false);
  now += 3_600_000;
  assert.equal(mailbox.retention.isDue, true);
  const told: MailboxEvent[] = [];
  mailbox.subscribe((events) => told.push(...events));
  assert.equal(mailbox.retention.proceed(), true);
  assert.equal(counts(Inbox).deleted, 37);
  checkCounts();
  assert.deepEqual(
    told.map(({ kind, folder, message }) => ({ kind, folder, message })),
    [{ kind: 'modified', folder: Inbox, message: undefined }],
  );
  assert.equal(mailbox.retention.proceed(), false);
  assert.equal(counts(Inbox).deleted, 1);
  assert.deepEqual(parts(), [1, 1, 0, 0]);
  // Of large ones there are fewer at a time, but one always.
  const large = (length: number) =>
    mailbox.messages.add(Inbox, mail('Large', [[PidTag.Html, new Uint8Array(length)]])).id;
  mailbox.messages.delete(Inbox, [large(17 << 20), large(10 << 20), large(5 << 20), large(10 << 20)]);
  now += 15 * DAY;
  const left: number[] = [];
  while (mailbox.retention.proceed()) left.push(counts(Inbox).deleted);
  assert.equal(counts(Inbox).deleted, 0);
  // The late one and no large one beside it; the first large one alone; two together.
  assert.deepEqual(left, [4, 3, 1]);
  // A clock that was set back does not stop it for long.
  now -= 300 * DAY;
  assert.equal(mailbox.retention.isDue, true);
});

test('a rolled-back deletion has not been', () => {
  const id = add('One');
  const before = counts(Inbox);
  assert.throws(() =>
    mailbox.transaction(() => {
      mailbox.messages.delete(Inbox, [id]);
      throw new Error('no');
    }),
  );
  assert.deepEqual(counts(Inbox), before);
  checkCounts();
  assert.equal(mailbox.messages.delete(Inbox, [id]), 1);
  checkCounts();
});

test('a mailbox of before soft deletion is brought to it as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-soft-'));
  try {
    const path = join(folder, 'alice.sqlite');
    const made = open(undefined, path);
    const { id } = made.messages.add(Inbox, mail('Old'));
    made.close();
    makeOlder(path, 2);
    const opened = Mailbox.open(path, { now: () => now, random: options().random });
    assert.equal(opened.messages.value(id, PidTag.Subject), 'Old');
    assert.equal(opened.messages.delete(Inbox, [id]), 1);
    assert.equal(counts(Inbox, opened).deleted, 1);
    assert.equal(opened.messages.move(Inbox, [id], Inbox), 1);
    opened.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** A folder with another in it, each with a message, and one that was deleted from it before. */
function plant() {
  const top = mailbox.folders.create(Inbox, { name: 'Top', type: 1 }).id;
  const below = mailbox.folders.create(top, { name: 'Below', type: 1 }).id;
  const one = mailbox.messages.add(top, mail('One')).id;
  const two = mailbox.messages.add(below, mail('Two')).id;
  const early = mailbox.messages.add(top, mail('Early')).id;
  mailbox.messages.delete(top, [early]);
  return { top, below, one, two, early };
}

function names(folder: Counter, deep = false, deleted = false): string[] {
  return mailbox.folders.children(folder, deep, deleted).map((each) => `${each.depth} ${each.folder.name}`);
}

function tombstones(): unknown[] {
  return mailbox.database.all('SELECT object FROM deletions WHERE kind = 0 ORDER BY object').map((row) => row.object);
}

test('a folder that is deleted is kept whole, out of the way', () => {
  const { top, below, one, early } = plant();
  mailbox.receiveFolders.set('IPM.Note.Special', below);
  const told: MailboxEvent[] = [];
  mailbox.subscribe((events) => told.push(...events));
  mailbox.folders.delete(top);
  checkCounts();
  assert.deepEqual(told, [
    { kind: 'deleted', folder: below, parent: top },
    { kind: 'deleted', folder: top, parent: Inbox },
  ]);
  assert.deepEqual(tombstones(), [top, below]);
  for (const id of [top, below]) assert.equal(mailbox.folders.get(id), undefined);
  assert.deepEqual(
    [top, below].map((id) => mailbox.folders.get(id, true)?.parent),
    [Inbox, top],
  );
  assert.deepEqual([names(Inbox), names(Inbox, true)], [[], []]);
  assert.deepEqual([names(Inbox, false, true), names(Inbox, true, true)], [['1 Top'], ['1 Top', '2 Below']]);
  assert.deepEqual(names(FolderId.IpmSubtree, true, true), ['2 Top', '3 Below']);
  const properties = mailbox.folders.properties(top);
  assert.equal(properties.get(PidTag.DeletedOn), fileTime(now));
  assert.equal(properties.get(PidTag.ContentCount), 1);
  assert.equal(properties.get(PidTag.DeletedMessageCount), 1);
  assert.deepEqual(properties.get(PidTag.ParentEntryId), mailbox.folders.properties(Inbox).get(PidTag.EntryId));
  assert.equal(mailbox.folders.properties(Inbox).get(PidTag.DeletedFolderCount), 1);
  assert.equal(mailbox.folders.properties(Inbox).get(PidTag.Subfolders), false);
  const store = mailbox.storeProperties();
  assert.deepEqual([store.get(PidTag.ContentCount), store.get(PidTag.DeletedMessageCount)], [0, 3]);
  assert.equal(mailbox.messages.locate(one), undefined);
  assert.deepEqual(mailbox.messages.locate(one, true), { folder: top, associated: false, deleted: true });
  assert.deepEqual(mailbox.messages.locate(early, true), { folder: top, associated: false, deleted: true });
  assert.equal(mailbox.receiveFolders.find('IPM.Note.Special')?.folder, Inbox);
  assert.throws(() => mailbox.receiveFolders.set('IPM.Note.Special', below), StoreError);
  // Its name is free, and its rights are the owner's.
  mailbox.folders.create(Inbox, { name: 'Top', type: 1 });
  assert.equal(mailbox.folders.rights(top, 'bob'), 0);
  const refused = (work: () => void) =>
    assert.throws(work, (error) => error instanceof StoreError && error.errorCode === ErrorCode.NotFound);
  refused(() => mailbox.folders.delete(top));
  refused(() => mailbox.folders.setProperties(top, new Map()));
  refused(() => mailbox.folders.create(top, { name: 'New', type: 1 }));
  refused(() => mailbox.messages.add(below, mail('New')));
  refused(() => mailbox.messages.move(Inbox, [], top));
});

test('a folder is recovered by moving it, with all that was in it', () => {
  const { top, below, one, two, early } = plant();
  const before = [top, below].map((id) => ({
    ...mailbox.folders.get(id),
    changeNumber: 0,
    commitTime: 0,
    hierarchyChange: 0,
  }));
  const change = mailbox.folders.get(below)?.changeNumber ?? 0;
  mailbox.folders.delete(top);
  mailbox.folders.create(Inbox, { name: 'Top', type: 1 });
  assert.throws(
    () => mailbox.folders.move(top, Inbox, 'Top'),
    (error) => error instanceof StoreError && error.errorCode === ErrorCode.DuplicateName,
  );
  assert.equal(mailbox.folders.get(top), undefined);
  const told: MailboxEvent[] = [];
  mailbox.subscribe((events) => told.push(...events));
  mailbox.folders.move(top, Drafts, 'Back');
  checkCounts();
  assert.deepEqual(
    told.filter(({ kind }) => kind !== 'modified'),
    [
      { kind: 'created', folder: top, parent: Drafts },
      { kind: 'created', folder: below, parent: top },
    ],
  );
  assert.deepEqual(tombstones(), []);
  assert.deepEqual(names(Drafts, true), ['1 Back', '2 Below']);
  assert.deepEqual(
    [top, below].map((id) => ({ ...mailbox.folders.get(id), changeNumber: 0, commitTime: 0, hierarchyChange: 0 })),
    [{ ...before[0], name: 'Back', parent: Drafts }, before[1]],
  );
  assert.ok((mailbox.folders.get(below)?.changeNumber ?? 0) > change);
  assert.equal(mailbox.folders.properties(top).get(PidTag.DeletedOn), undefined);
  assert.equal(mailbox.folders.properties(Inbox).get(PidTag.DeletedFolderCount), 0);
  assert.deepEqual([mailbox.messages.ids(top, false), mailbox.messages.ids(below, false)], [[one], [two]]);
  assert.deepEqual(mailbox.messages.locate(two), { folder: below, associated: false, deleted: false });
  // What was deleted before is deleted still, and recovered by itself.
  assert.equal(mailbox.messages.move(top, [early], top), 1);
  checkCounts();
});

test('a folder is copied from where it was deleted, and messages are moved out of it', () => {
  const { top, two, below } = plant();
  mailbox.folders.delete(top);
  const copy = mailbox.folders.copy(top, Drafts, 'Copy', true);
  assert.deepEqual(names(Drafts, true), ['1 Copy', '2 Below']);
  assert.equal(mailbox.messages.ids(copy.id, false).length, 1);
  assert.equal(mailbox.messages.move(below, [two], Inbox), 1);
  assert.equal(mailbox.messages.ids(Inbox, false).length, 1);
  assert.equal(mailbox.folders.get(below, true)?.contentCount, 0);
  checkCounts();
});

test('search folders find nothing in what is deleted, and find it again when it is recovered', () => {
  const { top } = plant();
  const search = (parent: Counter, name: string) => {
    const { id } = mailbox.folders.create(parent, { name, type: 2 });
    const restriction = { kind: 'exist', tag: PidTag.Subject } as const;
    mailbox.searches.set(id, { restriction, scopes: [Inbox], flags: 4 });
    return id;
  };
  const [found, inside] = [search(FolderId.Finder, 'All'), search(top, 'Inside')];
  const shown = () => mailbox.messages.ids(found, false).map((id) => mailbox.messages.value(id, PidTag.Subject));
  assert.deepEqual(shown().sort(), ['One', 'Two']);
  const { size } = mailbox.folders.get(found) ?? assert.fail();
  mailbox.folders.delete(top);
  assert.deepEqual(shown(), []);
  assert.equal(mailbox.folders.get(found)?.size, 0);
  // A search folder has nothing that could be kept.
  assert.equal(mailbox.folders.get(inside, true), undefined);
  mailbox.folders.move(top, Inbox, 'Top');
  assert.deepEqual(shown().sort(), ['One', 'Two']);
  assert.equal(mailbox.folders.get(found)?.size, size);
  assert.equal(mailbox.folders.get(top)?.subfolderCount, 1);
  checkCounts();
});

test('folders that were deleted are kept for their time and no longer, and removed a few messages at a time', () => {
  const { top, below } = plant();
  for (let at = 0; at < 80; at += 1) mailbox.messages.add(below, mail(`More ${at}`));
  now += DAY;
  mailbox.folders.delete(below);
  now += DAY;
  mailbox.folders.delete(top);
  assert.deepEqual(tombstones(), [top, below]);
  now += 13 * DAY;
  const steps = (): number => {
    let count = 1;
    while (mailbox.retention.proceed()) count += 1;
    return count;
  };
  assert.equal(mailbox.messages.ids(top, false, true).length, 1);
  steps();
  assert.equal(mailbox.folders.get(below, true), undefined);
  assert.equal(mailbox.folders.get(top, true)?.contentCount, 1);
  assert.equal(mailbox.messages.ids(top, false, true).length, 0);
  checkCounts();
  now += DAY;
  assert.equal(steps(), 2);
  assert.equal(mailbox.folders.get(top, true), undefined);
  assert.deepEqual(parts(), [0, 0, 0, 0]);
  assert.equal(mailbox.folders.properties(Inbox).get(PidTag.DeletedFolderCount), 0);
  assert.deepEqual(tombstones(), [top, below]);
  checkCounts();
});

test('a folder is deleted for good with what was deleted in it, or after it was deleted', () => {
  const { top, below } = plant();
  mailbox.folders.delete(below);
  mailbox.folders.delete(top, true);
  assert.deepEqual(parts(), [0, 0, 0, 0]);
  assert.equal(mailbox.folders.get(below, true), undefined);
  const again = plant();
  mailbox.folders.delete(again.top);
  mailbox.folders.delete(again.top, true);
  assert.deepEqual(parts(), [0, 0, 0, 0]);
  assert.equal(mailbox.folders.get(Inbox)?.subfolderCount, 0);
  assert.deepEqual(tombstones(), [top, below, again.top, again.below]);
  assert.equal(mailbox.database.get('SELECT 1 AS found FROM folders WHERE id < 0'), undefined);
});

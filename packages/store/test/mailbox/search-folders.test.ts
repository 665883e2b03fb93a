import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { MAX_SEARCH_FOLDERS } from '../../src/mailbox/limits.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import type { MailboxEvent } from '../../src/mailbox/model.ts';
import { MAX_SCOPE, SearchFlag, SearchState } from '../../src/mailbox/search-criteria.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { FolderType } from '../../src/mapi/property-values.ts';
import { RelOp } from '../../src/mapi/restriction.ts';
import { contains, newSearch, search, subjects, UNREAD } from './searches.ts';
import { mail, makeOlder, newMailbox, options, properties } from './support.ts';

const { Inbox, Drafts, SentItems, SpoolerQueue } = FolderId;
const { Restart, Stop, Recursive, Static } = SearchFlag;

function fails(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

test('[MS-OXCFOLD] 3.2.5.4: a search folder has what matches in its scope, and follows what happens there', () => {
  const mailbox = newMailbox();
  const { messages } = mailbox;
  const one = messages.add(Inbox, mail('One invoice')).id;
  const two = messages.add(Inbox, mail('Two')).id;
  messages.add(Drafts, mail('Drafted invoice'));
  messages.add(Inbox, mail('Associated invoice'), { associated: true });
  const found = search(mailbox, contains(PidTag.Subject, 'INVOICE'), [Inbox]);
  assert.deepEqual(subjects(mailbox, found), ['One invoice']);
  messages.save({
    id: two,
    folder: Inbox,
    associated: false,
    set: properties([PidTag.Subject, 'An invoice too']),
  });
  assert.deepEqual(subjects(mailbox, found), ['An invoice too', 'One invoice']);
  messages.setRead(one, true);
  const { contentCount, unreadCount } = mailbox.folders.get(found) ?? assert.fail();
  assert.deepEqual([contentCount, unreadCount], [2, 1]);
  // What is moved has another id where it arrives.
  messages.move(Inbox, [one], Drafts);
  assert.deepEqual(subjects(mailbox, found), ['An invoice too']);
  messages.move(Drafts, messages.ids(Drafts, false), Inbox);
  assert.deepEqual(subjects(mailbox, found), ['An invoice too', 'Drafted invoice', 'One invoice']);
  messages.delete(Inbox, [two]);
  assert.deepEqual(subjects(mailbox, found), ['Drafted invoice', 'One invoice']);
  assert.ok(messages.ids(found, false).every((id) => mailbox.searches.holds(found, id)));
  assert.ok(!mailbox.searches.holds(found, two));
});

test('a static search changes when it is started again, but for what is gone', () => {
  const mailbox = newMailbox();
  const { messages, searches } = mailbox;
  const first = messages.add(Inbox, mail('x first')).id;
  const second = messages.add(Inbox, mail('x second')).id;
  const found = search(mailbox, contains(PidTag.Subject, 'x'), [Inbox], Restart | Static);
  messages.add(Inbox, mail('x third'));
  messages.save({ id: first, folder: Inbox, associated: false, set: properties([PidTag.Subject, 'another']) });
  assert.deepEqual(subjects(mailbox, found), ['another', 'x second']);
  messages.delete(Inbox, [second]);
  assert.deepEqual(subjects(mailbox, found), ['another']);
  searches.set(found, { restriction: undefined, scopes: [], flags: Restart | Static });
  assert.deepEqual(subjects(mailbox, found), ['x third']);
});

test('other criteria take the place of those before; stopping with them finds nothing, stopping alone changes nothing', () => {
  const mailbox = newMailbox();
  const { messages, searches } = mailbox;
  for (const subject of ['a', 'b', 'ab']) messages.add(Inbox, mail(subject));
  const found = search(mailbox, contains(PidTag.Subject, 'a'), [Inbox], 0);
  searches.set(found, { restriction: undefined, scopes: [], flags: Stop });
  messages.add(Inbox, mail('aa'));
  assert.deepEqual(subjects(mailbox, found), ['a', 'aa', 'ab']);
  searches.set(found, { restriction: contains(PidTag.Subject, 'b'), scopes: [], flags: Restart });
  assert.deepEqual(subjects(mailbox, found), ['ab', 'b']);
  searches.set(found, { restriction: contains(PidTag.Subject, 'a'), scopes: [], flags: Stop });
  messages.add(Inbox, mail('aaa'));
  assert.deepEqual(subjects(mailbox, found), []);
  assert.equal(searches.criteria(found).state, SearchState.Stopped);
  searches.set(found, { restriction: undefined, scopes: [], flags: 0 });
  assert.deepEqual(subjects(mailbox, found), ['a', 'aa', 'aaa', 'ab']);
});

test('a recursive search sees the folders below, as they are made, moved and deleted', () => {
  const mailbox = newMailbox();
  const { messages, folders, searches } = mailbox;
  const below = folders.create(Inbox, { name: 'below', type: FolderType.Generic }).id;
  messages.add(below, mail('in below'));
  const found = search(mailbox, UNREAD, [Inbox], Restart | Recursive);
  const shallow = newSearch(mailbox, 'Shallow', Inbox);
  searches.set(shallow, { restriction: UNREAD, scopes: [Inbox], flags: Restart });
  const deeper = folders.create(below, { name: 'deeper', type: FolderType.Generic }).id;
  messages.add(deeper, mail('in deeper'));
  assert.deepEqual(subjects(mailbox, found), ['in below', 'in deeper']);
  assert.deepEqual(subjects(mailbox, shallow), []);
  folders.move(below, Drafts, 'below');
  assert.deepEqual(subjects(mailbox, found), []);
  messages.add(deeper, mail('elsewhere'));
  assert.deepEqual(subjects(mailbox, found), []);
  folders.move(below, Inbox, 'below');
  assert.deepEqual(subjects(mailbox, found), ['elsewhere', 'in below', 'in deeper']);
  folders.copy(below, Inbox, 'copied', true);
  assert.equal(folders.get(found)?.contentCount, 6);
  folders.delete(below);
  assert.deepEqual(subjects(mailbox, found), ['elsewhere', 'in below', 'in deeper']);
  assert.equal(mailbox.storeProperties().get(PidTag.ContentCount), 3);
});

test('a folder in whose scope a search is may be deleted, and the search folder too', () => {
  const mailbox = newMailbox();
  const { messages, folders, searches } = mailbox;
  const below = folders.create(Inbox, { name: 'below', type: FolderType.Generic }).id;
  messages.add(below, mail('x'));
  const kept = messages.add(Inbox, mail('y')).id;
  const found = search(mailbox, UNREAD, [below, Inbox]);
  folders.delete(below);
  assert.deepEqual(searches.criteria(found).scopes, [Inbox]);
  assert.deepEqual(subjects(mailbox, found), ['y']);
  folders.delete(found);
  assert.ok(messages.locate(kept));
  assert.ok(!searches.exist);
  for (const table of ['searches', 'search_scopes', 'search_links']) {
    assert.deepEqual(mailbox.database.all(`SELECT * FROM ${table}`), []);
  }
});

test('messages are moved, copied and deleted by way of a search folder where they lie, and none is put into one', () => {
  const mailbox = newMailbox();
  const { messages, folders } = mailbox;
  const inInbox = messages.add(Inbox, mail('a')).id;
  const inDrafts = messages.add(Drafts, mail('b')).id;
  const other = messages.add(Inbox, mail('no')).id;
  const found = search(mailbox, { kind: 'not', restriction: contains(PidTag.Subject, 'no') }, [Inbox, Drafts]);
  assert.equal(messages.copy(found, [inInbox, inDrafts, other], SentItems), 2);
  assert.equal(messages.move(found, [inInbox, inDrafts, other], Drafts), 2);
  assert.deepEqual(subjects(mailbox, Drafts), ['a', 'b']);
  assert.equal(messages.delete(found, [...messages.ids(found, false), other]), 2);
  assert.deepEqual(subjects(mailbox, Drafts), []);
  assert.deepEqual(subjects(mailbox, Inbox), ['no']);
  fails(ErrorCode.SearchFolder, () => messages.copy(Inbox, [other], found));
  fails(ErrorCode.SearchFolder, () => messages.move(Inbox, [other], found));
  fails(ErrorCode.NotSupported, () => messages.add(found, mail('x')));
  fails(ErrorCode.NotSupported, () => folders.create(found, { name: 'x', type: FolderType.Generic }));
});

test('what is wrong with criteria is said, and nothing is changed', () => {
  const mailbox = newMailbox();
  const { searches, folders } = mailbox;
  const found = newSearch(mailbox);
  const other = newSearch(mailbox, 'Other');
  const set = (folder: number, more: Partial<Parameters<typeof searches.set>[1]> = {}) =>
    searches.set(folder, { restriction: UNREAD, scopes: [Inbox], flags: Restart, ...more });
  fails(ErrorCode.NotFound, () => set(0x9999));
  fails(ErrorCode.NotFound, () => set(found, { scopes: [0x9999] }));
  fails(ErrorCode.NotSearchFolder, () => set(Inbox));
  fails(ErrorCode.NotSearchFolder, () => searches.criteria(Inbox));
  fails(ErrorCode.NotInitialized, () => searches.criteria(found));
  fails(ErrorCode.NotInitialized, () => set(found, { scopes: [] }));
  fails(ErrorCode.NotInitialized, () => set(found, { restriction: undefined }));
  fails(ErrorCode.AccessDenied, () => set(SpoolerQueue));
  fails(ErrorCode.SearchFolderScopeViolation, () => set(found, { scopes: [Inbox, found] }));
  fails(ErrorCode.SearchFolderScopeViolation, () => set(found, { scopes: [other] }));
  for (const flags of [0x40, 3, 0xc, 0x30, 0x30000]) fails(ErrorCode.InvalidParam, () => set(found, { flags }));
  const tag = PidTag.Importance;
  const regex = { kind: 'property', relOp: RelOp.Regex, tag, valueTag: tag, value: 1 } as const;
  fails(ErrorCode.TooComplex, () => set(found, { restriction: regex }));
  fails(ErrorCode.TooComplex, () => set(found, { restriction: contains(PidTag.Subject, 'x'.repeat(0x4000)) }));
  const many = Array.from({ length: MAX_SCOPE + 1 }, (_, at) => {
    return folders.create(Inbox, { name: `${at}`, type: FolderType.Generic }).id;
  });
  fails(ErrorCode.TooComplex, () => set(found, { scopes: many }));
  assert.ok(!searches.exist);
  set(found);
  fails(ErrorCode.InvalidParam, () => set(found, { restriction: contains(PidTag.Subject, 'x'), flags: 3 }));
  assert.deepEqual(searches.criteria(found).restriction, UNREAD);
});

test('there are so many search folders at most, and a copy of one looks for the same', () => {
  const mailbox = newMailbox();
  mailbox.messages.add(Inbox, mail('x'));
  const found = search(mailbox, UNREAD, [Inbox]);
  const { id } = mailbox.folders.copy(found, FolderId.Finder, 'Copy', false);
  assert.deepEqual(subjects(mailbox, id), ['x']);
  mailbox.messages.add(Inbox, mail('y'));
  assert.deepEqual(subjects(mailbox, id), ['x', 'y']);
  // The spooler queue is one.
  for (let count = 3; count < MAX_SEARCH_FOLDERS; count += 1) newSearch(mailbox, `${count}`);
  fails(ErrorCode.OutOfResources, () => newSearch(mailbox, 'one more'));
  fails(ErrorCode.OutOfResources, () => mailbox.folders.copy(found, FolderId.Finder, 'one more', false));
});

test('a mailbox from before there were search folders is brought to have them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-search-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'mailbox.sqlite');
  const old = newMailbox(path);
  old.messages.add(Inbox, mail('x'));
  old.close();
  makeOlder(path, 1);
  const mailbox = Mailbox.open(path, options());
  assert.deepEqual(subjects(mailbox, search(mailbox, UNREAD, [Inbox])), ['x']);
  mailbox.close();
});

test('who may see a search folder is its owner alone, whatever its permissions say', () => {
  const mailbox = newMailbox();
  const found = search(mailbox, UNREAD, [Inbox]);
  const rights = 0x7fb;
  const permissions = [
    { account: 'bob@example.com', name: 'Bob', rights },
    { account: '', name: '', rights },
  ];
  mailbox.folders.setPermissions(Inbox, permissions);
  mailbox.folders.setPermissions(found, permissions);
  assert.equal(mailbox.folders.rights(Inbox, 'bob@example.com'), rights);
  for (const account of ['bob@example.com', 'carol@example.com', undefined]) {
    assert.equal(mailbox.folders.rights(found, account), 0);
  }
});

test('a large scope is gone through in steps, also after the mailbox was closed meanwhile, and messages come and go', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-search-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'mailbox.sqlite');
  let mailbox = newMailbox(path);
  const ids = mailbox.transaction(() => {
    return Array.from({ length: 5400 }, (_, at) => mailbox.messages.add(Inbox, mail(at % 90 === 0 ? 'yes' : 'no')).id);
  });
  const found = search(mailbox, contains(PidTag.Subject, 'yes'), [Inbox]);
  assert.ok(mailbox.searches.isUnfinished);
  assert.equal(mailbox.searches.criteria(found).state, SearchState.Filling);
  const first = mailbox.folders.get(found)?.contentCount ?? 0;
  assert.ok(first > 0 && first < 60, `${first} after a step`);
  mailbox.messages.delete(Inbox, [ids[0] ?? 0, ids[90 * 59] ?? 0]);
  mailbox.messages.save({
    id: ids[5399] ?? 0,
    folder: Inbox,
    associated: false,
    set: properties([PidTag.Subject, 'yes']),
  });
  mailbox.close();
  mailbox = Mailbox.open(path, options());
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  assert.ok(mailbox.searches.isUnfinished);
  assert.ok(!mailbox.searches.proceed());
  assert.ok(!mailbox.searches.isUnfinished);
  assert.equal(mailbox.searches.criteria(found).state, SearchState.Filled);
  assert.equal(mailbox.folders.get(found)?.contentCount, 59);
  assert.equal(subjects(mailbox, found).length, 59);
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'search-complete').map((event) => event.folder),
    [found],
  );
  // Stopped in the middle it stays as it is.
  mailbox.searches.set(found, { restriction: undefined, scopes: [], flags: Restart });
  mailbox.searches.set(found, { restriction: undefined, scopes: [], flags: Stop });
  const stopped = mailbox.folders.get(found)?.contentCount ?? 0;
  assert.ok(!mailbox.searches.proceed());
  mailbox.messages.add(Inbox, mail('yes'));
  assert.equal(mailbox.folders.get(found)?.contentCount, stopped);
  mailbox.close();
});

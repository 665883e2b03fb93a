import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import type { Mailbox } from '../../src/mailbox/mailbox.ts';
import type { MailboxEvent } from '../../src/mailbox/model.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { mail, newMailbox, properties } from './support.ts';

function refused(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

function create(mailbox: Mailbox, parent: number, name: string): number {
  return mailbox.folders.create(parent, { name, type: 1 }).id;
}

function value(mailbox: Mailbox, id: number, tag: PropertyTag): PropertyValue | undefined {
  return mailbox.folders.properties(id).get(tag);
}

test('a folder is made with what it was given and what every folder has', () => {
  const mailbox = newMailbox();
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  const { folders } = mailbox;
  const before = folders.get(FolderId.Inbox);
  const folder = folders.create(FolderId.Inbox, {
    name: 'Projects',
    type: 1,
    properties: properties([PidTag.Comment, 'of the year'], [PidTag.ContentCount, 99]),
  });
  assert.equal(folder.parent, FolderId.Inbox);
  assert.ok(folder.changeNumber > (before?.changeNumber ?? 0));
  const found = folders.properties(folder.id);
  assert.equal(found.get(PidTag.DisplayName), 'Projects');
  assert.equal(found.get(PidTag.Comment), 'of the year');
  assert.equal(found.get(PidTag.ContentCount), 0);
  assert.equal(found.get(PidTag.FolderType), 1);
  assert.equal(found.get(PidTag.Subfolders), false);
  assert.equal(value(mailbox, FolderId.Inbox, PidTag.Subfolders), true);
  assert.equal(value(mailbox, FolderId.Inbox, PidTag.HierarchyChangeNumber), 1);
  assert.equal(folders.get(FolderId.Inbox)?.subfolderCount, 1);
  assert.equal(folders.childNamed(FolderId.Inbox, 'PROJECTS')?.id, folder.id);
  assert.deepEqual(events, [{ kind: 'created', folder: folder.id, parent: FolderId.Inbox }]);
});

test('names of siblings differ in more than their case', () => {
  const mailbox = newMailbox();
  const { folders } = mailbox;
  create(mailbox, FolderId.Inbox, 'Über');
  refused(ErrorCode.DuplicateName, () => create(mailbox, FolderId.Inbox, 'ÜBER'));
  refused(ErrorCode.DuplicateName, () => create(mailbox, FolderId.Inbox, 'U\u0308ber'));
  const other = create(mailbox, FolderId.Inbox, 'Other');
  refused(ErrorCode.DuplicateName, () => folders.setProperties(other, properties([PidTag.DisplayName, 'über'])));
  folders.setProperties(other, properties([PidTag.DisplayName, 'OTHER']));
  assert.equal(folders.get(other)?.name, 'OTHER');
  for (const name of ['', '  ', 'a\0b', 'x'.repeat(256)]) {
    refused(ErrorCode.InvalidParam, () => create(mailbox, FolderId.Inbox, name));
  }
  refused(ErrorCode.InvalidParam, () => folders.create(FolderId.Inbox, { name: 'x', type: 0 }));
  refused(ErrorCode.NotFound, () => create(mailbox, 0x9999, 'x'));
  refused(ErrorCode.NotSupported, () => create(mailbox, FolderId.SpoolerQueue, 'x'));
});

test('a change of properties is a change of the folder ([MS-OXCFXICS] 3.1.5.3)', () => {
  const mailbox = newMailbox();
  const { folders } = mailbox;
  const id = create(mailbox, FolderId.Inbox, 'One');
  const before = folders.properties(id);
  const number = folders.get(id)?.changeNumber ?? 0;
  const hierarchy = folders.get(FolderId.Inbox);
  folders.setProperties(id, properties([PidTag.Comment, 'x'.repeat(2000)], [PidTag.EntryId, new Uint8Array(3)]));
  const after = folders.properties(id);
  assert.equal(after.get(PidTag.Comment), 'x'.repeat(2000));
  assert.deepEqual(after.get(PidTag.EntryId), before.get(PidTag.EntryId));
  assert.equal(folders.get(id)?.changeNumber, number + 1);
  assert.notDeepEqual(after.get(PidTag.ChangeKey), before.get(PidTag.ChangeKey));
  assert.ok(Number(after.get(PidTag.LastModificationTime)) > Number(before.get(PidTag.LastModificationTime)));
  assert.deepEqual(after.get(PidTag.SourceKey), before.get(PidTag.SourceKey));
  assert.equal(folders.get(FolderId.Inbox)?.changeNumber, hierarchy?.changeNumber);
  folders.deleteProperties(id, [PidTag.Comment, PidTag.PredecessorChangeList]);
  const last = folders.properties(id);
  assert.equal(last.has(PidTag.Comment), false);
  assert.ok(last.has(PidTag.PredecessorChangeList));
  assert.equal(mailbox.database.all('SELECT 1 FROM long_values WHERE owner = ?', id).length, 0);
  refused(ErrorCode.NotFound, () => folders.setProperties(0x9999, properties()));
  refused(ErrorCode.NotFound, () => folders.properties(0x9999));
  refused(ErrorCode.TooBig, () => folders.setProperties(id, properties([PidTag.Comment, 'x'.repeat(2 ** 20)])));
});

test('a folder that was made elsewhere keeps its source key, and what is in it names it by that', () => {
  const mailbox = newMailbox();
  const sourceKey = new Uint8Array(22).fill(9);
  const { id } = mailbox.folders.create(FolderId.Inbox, {
    name: 'Foreign',
    type: 1,
    properties: properties([PidTag.SourceKey, sourceKey]),
  });
  assert.deepEqual(value(mailbox, id, PidTag.SourceKey), sourceKey);
  assert.deepEqual(value(mailbox, create(mailbox, id, 'Below'), PidTag.ParentSourceKey), sourceKey);
  const message = mailbox.messages.add(id, mail('One'));
  assert.deepEqual(mailbox.messages.value(message.id, PidTag.ParentSourceKey), sourceKey);
  mailbox.folders.delete(id);
  const found = mailbox.database.get('SELECT source_key FROM deletions WHERE object = ?', id);
  assert.deepEqual(found?.source_key, sourceKey);
});

test('messages do not change the folder they are in, only its counts and its commit time', () => {
  const mailbox = newMailbox();
  const before = mailbox.folders.get(FolderId.Inbox);
  const time = value(mailbox, FolderId.Inbox, PidTag.LocalCommitTimeMax);
  mailbox.messages.add(FolderId.Inbox, mail('One'));
  const after = mailbox.folders.get(FolderId.Inbox);
  assert.equal(after?.changeNumber, before?.changeNumber);
  assert.equal(after?.contentCount, 1);
  assert.equal(after?.unreadCount, 1);
  assert.ok(Number(value(mailbox, FolderId.Inbox, PidTag.LocalCommitTimeMax)) > Number(time));
});

test('deleting a folder takes all that is in it, and leaves word of it', () => {
  const mailbox = newMailbox();
  const { folders, messages } = mailbox;
  const top = create(mailbox, FolderId.Inbox, 'Top');
  const below = create(mailbox, top, 'Below');
  const { id } = messages.add(below, mail('One', [[PidTag.Html, new Uint8Array(5000)]]));
  mailbox.receiveFolders.set('IPM.Note.Special', below);
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  folders.delete(top, true);
  assert.equal(folders.get(top), undefined);
  assert.equal(folders.get(below), undefined);
  assert.equal(messages.get(id), undefined);
  assert.equal(mailbox.receiveFolders.find('IPM.Note.Special')?.folder, FolderId.Inbox);
  assert.deepEqual(
    mailbox.database.all('SELECT folder, object, kind FROM deletions ORDER BY object').map((row) => ({ ...row })),
    [
      { folder: FolderId.Inbox, object: top, kind: 0 },
      { folder: top, object: below, kind: 0 },
    ],
  );
  assert.equal(mailbox.database.all('SELECT 1 FROM long_values WHERE owner = ?', id).length, 0);
  assert.equal(folders.get(FolderId.Inbox)?.subfolderCount, 0);
  assert.deepEqual(events, [
    { kind: 'deleted', folder: below, parent: top },
    { kind: 'deleted', folder: top, parent: FolderId.Inbox },
  ]);
  refused(ErrorCode.AccessDenied, () => folders.delete(FolderId.Inbox));
  refused(ErrorCode.AccessDenied, () => folders.delete(FolderId.Root));
  refused(ErrorCode.NotFound, () => folders.delete(top));
});

test('moving a folder keeps it what it is, and changes both parents', () => {
  const mailbox = newMailbox();
  const { folders } = mailbox;
  const top = create(mailbox, FolderId.Inbox, 'Top');
  const below = create(mailbox, top, 'Below');
  const sourceKey = value(mailbox, top, PidTag.SourceKey);
  const number = folders.get(top)?.changeNumber ?? 0;
  const events: MailboxEvent[] = [];
  mailbox.subscribe((told) => events.push(...told));
  folders.move(top, FolderId.DeletedItems, 'Gone');
  assert.equal(folders.get(top)?.parent, FolderId.DeletedItems);
  assert.equal(folders.get(top)?.name, 'Gone');
  assert.ok((folders.get(top)?.changeNumber ?? 0) > number);
  assert.deepEqual(value(mailbox, top, PidTag.SourceKey), sourceKey);
  assert.equal(folders.get(FolderId.Inbox)?.subfolderCount, 0);
  assert.equal(folders.get(FolderId.DeletedItems)?.subfolderCount, 1);
  assert.deepEqual(events.at(-1), {
    kind: 'moved',
    folder: top,
    parent: FolderId.DeletedItems,
    oldFolder: top,
    oldParent: FolderId.Inbox,
  });
  refused(ErrorCode.FolderCycle, () => folders.move(top, below, 'x'));
  refused(ErrorCode.FolderCycle, () => folders.move(top, top, 'x'));
  refused(ErrorCode.AccessDenied, () => folders.move(FolderId.Inbox, top, 'x'));
  create(mailbox, FolderId.Inbox, 'Taken');
  refused(ErrorCode.DuplicateName, () => folders.move(top, FolderId.Inbox, 'taken'));
});

test('a copy of a folder has folders and messages of its own', () => {
  const mailbox = newMailbox();
  const { folders, messages } = mailbox;
  const top = create(mailbox, FolderId.Inbox, 'Top');
  const below = create(mailbox, top, 'Below');
  folders.setProperties(top, properties([PidTag.Comment, 'kept']));
  messages.add(top, mail('One'));
  messages.add(below, mail('Two'));
  messages.add(below, mail('View'), { associated: true });
  const copy = folders.copy(top, FolderId.Inbox, 'Copy', true);
  assert.notEqual(copy.id, top);
  assert.equal(copy.contentCount, 1);
  assert.equal(value(mailbox, copy.id, PidTag.Comment), 'kept');
  assert.notDeepEqual(value(mailbox, copy.id, PidTag.SourceKey), value(mailbox, top, PidTag.SourceKey));
  const inner = folders.childNamed(copy.id, 'Below');
  assert.equal(inner?.contentCount, 1);
  assert.equal(inner?.associatedCount, 1);
  assert.equal(messages.ids(below, false).length, 1);
  assert.equal(folders.copy(top, FolderId.Inbox, 'Shallow', false).subfolderCount, 0);
  refused(ErrorCode.FolderCycle, () => folders.copy(top, below, 'x', true));
  refused(ErrorCode.DuplicateName, () => folders.copy(top, FolderId.Inbox, 'Copy', true));
});

test('folders are nested so deep and no deeper', () => {
  const mailbox = newMailbox();
  let parent: number = FolderId.Inbox;
  const grow = (): void => {
    for (let depth = 0; depth < 1000; depth += 1) parent = create(mailbox, parent, 'x');
  };
  refused(ErrorCode.TooComplex, grow);
  assert.equal(mailbox.folders.children(FolderId.Root, true).at(-1)?.depth !== undefined, true);
  const deepest = Math.max(...mailbox.folders.children(FolderId.Inbox, true).map(({ depth }) => depth));
  assert.ok(deepest > 250 && deepest < 300);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId, LOGON_FOLDERS } from '../../src/mailbox/folder-ids.ts';
import { ALL_RIGHTS, Right } from '../../src/mailbox/permissions.ts';
import { parseEntryId } from '../../src/mapi/entry-id.ts';
import { counterOf, objectId } from '../../src/mapi/object-id.ts';
import type { PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { newMailbox, OWNER } from './support.ts';

const ASCII = { codePage: 20127 };

test('a new mailbox has every folder that clients expect, under the ids that they have everywhere', () => {
  const mailbox = newMailbox();
  const tree = mailbox.folders
    .children(FolderId.Root, true)
    .map(({ folder, depth }) => `${depth} ${folder.name} ${folder.id}`);
  assert.deepEqual(tree, [
    '1 Common Views 7',
    '1 Deferred Action 2',
    '1 Finder 5',
    '1 Freebusy Data 24',
    '1 Schedule 8',
    '1 Shortcuts 4',
    '1 Spooler Queue 3',
    '1 Top of Information Store 9',
    '2 Calendar 15',
    '2 Contacts 19',
    '3 GAL Contacts 22',
    '3 IM Contacts List 21',
    '3 Quick Contacts 20',
    '2 Conversation Action Settings 29',
    '2 Deleted Items 11',
    '2 Drafts 14',
    '2 Inbox 13',
    '2 Journal 16',
    '2 Junk E-mail 23',
    '2 Notes 17',
    '2 Outbox 12',
    '2 Sent Items 10',
    '2 Sync Issues 25',
    '3 Conflicts 26',
    '3 Local Failures 27',
    '3 Server Failures 28',
    '2 Tasks 18',
    '1 Views 6',
  ]);
  assert.equal(LOGON_FOLDERS.length, 13);
  for (const id of LOGON_FOLDERS) assert.equal(mailbox.folders.get(id)?.id, id);
  assert.equal(mailbox.folders.get(FolderId.Root)?.type, 0);
  assert.equal(mailbox.folders.get(FolderId.SpoolerQueue)?.type, 2);
});

test('container classes and hidden folders', () => {
  const { folders } = newMailbox();
  for (const [id, container, hidden] of [
    [FolderId.Inbox, 'IPF.Note', false],
    [FolderId.Calendar, 'IPF.Appointment', false],
    [FolderId.Contacts, 'IPF.Contact', false],
    [FolderId.Journal, 'IPF.Journal', false],
    [FolderId.Notes, 'IPF.StickyNote', false],
    [FolderId.Tasks, 'IPF.Task', false],
    [FolderId.ConversationActionSettings, 'IPF.Configuration', true],
    [FolderId.IpmSubtree, undefined, false],
  ] as const) {
    const found = folders.properties(id);
    assert.equal(found.get(PidTag.ContainerClass), container);
    assert.equal(found.get(PidTag.AttributeHidden), hidden);
  }
});

/** The folder that an entry id names, and whether it is one of this mailbox. */
function target(value: PropertyValue | undefined): { id: number; provider: string; database: string } | undefined {
  if (!(value instanceof Uint8Array) || value.length === 0) return undefined;
  const entryId = parseEntryId(value, ASCII);
  assert.equal(entryId.kind, 'folder');
  if (entryId.kind !== 'folder') return undefined;
  return { id: entryId.folder.counter, provider: entryId.provider, database: entryId.folder.guid };
}

test('Inbox and root say where the special folders are ([MS-OXOSFLD] 2.2)', () => {
  const mailbox = newMailbox();
  const own = { provider: mailbox.info.guid, database: mailbox.info.replicaGuid };
  for (const at of [FolderId.Inbox, FolderId.Root]) {
    const found = mailbox.folders.properties(at);
    for (const [tag, id] of [
      [PidTag.IpmDraftsEntryId, FolderId.Drafts],
      [PidTag.IpmAppointmentEntryId, FolderId.Calendar],
      [PidTag.IpmContactEntryId, FolderId.Contacts],
      [PidTag.IpmJournalEntryId, FolderId.Journal],
      [PidTag.IpmNoteEntryId, FolderId.Notes],
      [PidTag.IpmTaskEntryId, FolderId.Tasks],
    ] as const) {
      assert.deepEqual(target(found.get(tag)), { id, ...own });
    }
    const others = found.get(PidTag.AdditionalRenEntryIds);
    assert.ok(Array.isArray(others));
    assert.deepEqual(
      others.map((each: PropertyValue) => target(each)?.id),
      [FolderId.Conflicts, FolderId.SyncIssues, FolderId.LocalFailures, FolderId.ServerFailures, FolderId.JunkEmail],
    );
    const freeBusy = found.get(PidTag.FreeBusyEntryIds);
    assert.ok(Array.isArray(freeBusy));
    assert.deepEqual(
      freeBusy.map((each: PropertyValue) => target(each)?.id),
      [undefined, undefined, undefined, FolderId.FreeBusyData],
    );
    // [MS-OXOSFLD] 2.2.5: PersistID, size, ElementID, size, entry id; a sentinel of four zero bytes.
    const persisted = found.get(PidTag.AdditionalRenEntryIdsEx);
    assert.ok(persisted instanceof Uint8Array);
    const hex = Buffer.from(persisted).toString('hex');
    assert.equal(persisted.length, 3 * 54 + 4);
    assert.equal(hex.slice(0, 16), '0680320001002e00');
    assert.equal(hex.slice(-8), '00000000');
    assert.equal(target(persisted.subarray(8, 54))?.id, FolderId.ConversationActionSettings);
  }
});

test('what a client writes on Inbox or root stays', () => {
  const { folders } = newMailbox();
  const entryId = new Uint8Array(46).fill(3);
  folders.setProperties(FolderId.Root, new Map([[PidTag.RemindersOnlineEntryId, entryId]]));
  assert.deepEqual(folders.properties(FolderId.Root).get(PidTag.RemindersOnlineEntryId), entryId);
});

test('receive folders and permissions of a new mailbox', () => {
  const { folders, receiveFolders } = newMailbox();
  assert.deepEqual(
    receiveFolders.all().map(({ messageClass, folder }) => [messageClass, folder]),
    [
      ['', FolderId.Inbox],
      ['IPC', FolderId.Root],
      ['IPM', FolderId.Inbox],
      ['REPORT.IPM', FolderId.Inbox],
    ],
  );
  assert.equal(folders.rights(FolderId.Inbox, OWNER), ALL_RIGHTS);
  assert.equal(folders.rights(FolderId.Inbox, 'bob@example.com'), 0);
  assert.equal(folders.rights(FolderId.Calendar, 'bob@example.com'), Right.FreeBusySimple | Right.FolderVisible);
  assert.equal(folders.rights(FolderId.Calendar, undefined), 0);
});

test('the store object', () => {
  const mailbox = newMailbox();
  const found = mailbox.storeProperties();
  assert.equal(target(found.get(PidTag.IpmSubtreeEntryId))?.id, FolderId.IpmSubtree);
  assert.equal(target(found.get(PidTag.IpmWastebasketEntryId))?.id, FolderId.DeletedItems);
  assert.equal(found.get(PidTag.ObjectType), 1);
  assert.equal(found.get(PidTag.MessageSizeExtended), 0n);
  mailbox.setStoreProperties(
    new Map<number, PropertyValue>([
      [PidTag.OutOfOfficeState, true],
      [PidTag.Comment, 'x'.repeat(3000)],
      [PidTag.MessageSizeExtended, 5n],
    ]),
  );
  const changed = mailbox.storeProperties();
  assert.equal(changed.get(PidTag.OutOfOfficeState), true);
  assert.equal(changed.get(PidTag.Comment), 'x'.repeat(3000));
  assert.equal(changed.get(PidTag.MessageSizeExtended), 0n);
  mailbox.deleteStoreProperties([PidTag.Comment]);
  assert.equal(mailbox.storeProperties().has(PidTag.Comment), false);
});

test('ids that clients reserve are nobody else’s', () => {
  const mailbox = newMailbox();
  const first = mailbox.clientIds.reserve(1000);
  const folder = mailbox.folders.create(FolderId.Inbox, { name: 'New', type: 1 });
  assert.equal(folder.id, first + 1000);
  assert.throws(() => mailbox.clientIds.reserve(0));
  assert.throws(() => mailbox.clientIds.reserve(1e9));
  assert.equal(counterOf(objectId(first)), first);
});

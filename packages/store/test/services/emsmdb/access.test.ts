import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { NotificationType } from '../../../src/mapi/notification-data.ts';
import type { Counter } from '../../../src/mapi/object-id.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import {
  CopyFolder,
  CreateFolder,
  DeleteFolder,
  DeleteMessages,
  EmptyFolder,
  GetContentsTable,
  GetHierarchyTable,
  MoveCopyMessages,
  OpenFolder,
} from '../../../src/mapi/rops/folder.ts';
import {
  CreateMessage,
  OpenMessage,
  SaveChangesMessage,
  SetMessageReadFlag,
  SetReadFlags,
} from '../../../src/mapi/rops/message.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { GetPermissionsTable, ModifyPermissions } from '../../../src/mapi/rops/permission.ts';
import { GetPropertiesAll, GetPropertiesSpecific, SetProperties } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { GetReceiveFolderTable, SetReceiveFolder } from '../../../src/mapi/rops/store.ts';
import { OpenStream } from '../../../src/mapi/rops/stream.ts';
import { QueryRows, SetColumns } from '../../../src/mapi/rops/table.ts';
import { type RopClient, ropOf, TestStore } from './rop-client.ts';

const READER = Right.FolderVisible | Right.ReadAny;
const INBOX = objectId(FolderId.Inbox);

let store: TestStore;
let bob: RopClient;
let logon: number;
let secret: Counter;
let shown: Counter;

/** Bob may read alice's inbox, and nothing else of hers; each test may give him more. */
beforeEach(() => {
  store = new TestStore();
  grant(FolderId.Inbox, READER);
  shown = add(FolderId.Inbox, 'shown');
  secret = add(FolderId.Drafts, 'secret');
  bob = store.session('bob');
  logon = bob.logon('alice');
});
afterEach(() => store.close());

function grant(folder: Counter, rights: number, account = 'bob'): void {
  store.mailbox('alice').folders.setPermissions(folder, [{ account, name: account, rights }]);
}

function add(folder: Counter, subject: string): Counter {
  const properties = new Map([[PidTag.Subject, subject]]);
  return store.mailbox('alice').messages.add(folder, { properties, recipients: [], attachments: [] }).id;
}

function openInbox(): number {
  return bob.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
}

function messageRequest(folder: Counter, message: Counter, openModeFlags = 0) {
  return {
    codePageId: 0xfff,
    folderId: folder === 0 ? 0n : objectId(folder),
    openModeFlags,
    messageId: objectId(message),
  };
}

test('every folder that may not be seen is as one that is not there, by every id', () => {
  const seen: Counter[] = [];
  for (let id = 0; id < 0x200; id += 1) {
    const { response } = bob.try(OpenFolder, logon, { folderId: objectId(id), openModeFlags: 0 });
    if (response.ok) seen.push(id);
    else assert.equal(response.returnValue, 0x8004010f, `folder ${id}`);
  }
  // A calendar is there for everybody by default, and the two at which clients begin for whoever is let in.
  assert.deepEqual(seen, [FolderId.Root, FolderId.IpmSubtree, FolderId.Inbox, FolderId.Calendar]);
  const refused = store.recorded.lines.filter(({ fields }) => fields.event === 'store.access.refused');
  assert.ok(refused.some(({ fields }) => fields.folder === FolderId.Drafts && fields.account === 'bob'));
});

test('every message that may not be seen is as one that is not there, by every pair of ids', () => {
  const folders = [0, FolderId.Inbox, FolderId.Drafts, FolderId.Calendar, FolderId.Root, 0x7777];
  for (const folder of folders) {
    for (let id = 0; id < 0x200; id += 1) {
      const { response } = bob.try(OpenMessage, logon, messageRequest(folder, id, 3));
      const may = id === shown && (folder === 0 || folder === FolderId.Inbox);
      assert.equal(response.returnValue, may ? 0 : 0x8004010f, `message ${id} of folder ${folder}`);
    }
  }
});

test('who reads does not write: not the folder, not its messages, not what is around them', () => {
  const inbox = openInbox();
  const denied = 'AccessDenied';
  assert.equal(bob.fails(OpenMessage, logon, messageRequest(FolderId.Inbox, shown, 1)), denied);
  const values = new Map([[PidTag.Comment, 'x']]);
  assert.equal(bob.fails(SetProperties, inbox, { propertyValues: values }), denied);
  assert.equal(bob.fails(SetProperties, logon, { propertyValues: values }), denied);
  const create = { codePageId: 0xfff, folderId: INBOX, associatedFlag: false };
  assert.equal(bob.fails(CreateMessage, logon, create), denied);
  const folder = { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'x', comment: '' };
  assert.equal(bob.fails(CreateFolder, inbox, folder), 'NoCreateSubfolderRight');
  assert.equal(bob.fails(EmptyFolder, inbox, { wantAsynchronous: false, wantDeleteAssociated: true }), denied);
  assert.equal(bob.fails(GetPermissionsTable, inbox, { tableFlags: 0 }), denied);
  assert.equal(bob.fails(ModifyPermissions, inbox, { modifyFlags: 0, permissionsData: [] }), denied);
  assert.equal(bob.fails(GetReceiveFolderTable, logon, {}), denied);
  assert.equal(bob.fails(SetReceiveFolder, logon, { folderId: INBOX, messageClass: 'IPM.X' }), denied);
  const read = bob.call(OpenMessage, logon, messageRequest(FolderId.Inbox, shown, 3)).handle;
  assert.equal(bob.fails(SetMessageReadFlag, read, { readFlags: 4 }), denied);
  const ids = { messageIds: [objectId(shown), objectId(secret)] };
  const gone = bob.call(DeleteMessages, inbox, { wantAsynchronous: false, notifyNonRead: false, ...ids });
  assert.equal(gone.response.partialCompletion, true);
  const flags = bob.call(SetReadFlags, inbox, { wantAsynchronous: false, readFlags: 4, ...ids });
  assert.equal(flags.response.partialCompletion, true);
  const { messages } = store.mailbox('alice');
  assert.deepEqual(messages.ids(FolderId.Inbox, false), [shown]);
  assert.deepEqual(messages.ids(FolderId.Drafts, false), [secret]);
});

test('nothing is copied out of a folder that may not be read, nor into one that may not be written', () => {
  grant(FolderId.Outbox, READER | Right.Create | Right.CreateSubfolder);
  const inbox = openInbox();
  const outbox = bob.call(OpenFolder, logon, { folderId: objectId(FolderId.Outbox), openModeFlags: 0 }).handle;
  const copy = { sourceHandleIndex: 0, destHandleIndex: 1, wantAsynchronous: false, wantCopy: true };
  const ids = { messageIds: [objectId(secret), objectId(shown)] };
  bob.payloads([ropOf(MoveCopyMessages, { ...copy, ...ids })], [inbox, outbox]);
  const { messages, folders } = store.mailbox('alice');
  assert.equal(messages.ids(FolderId.Outbox, false).length, 1);
  bob.payloads([ropOf(MoveCopyMessages, { ...copy, ...ids })], [outbox, inbox]);
  assert.equal(messages.ids(FolderId.Inbox, false).length, 1);
  bob.payloads([ropOf(MoveCopyMessages, { ...copy, ...ids, wantCopy: false })], [inbox, outbox]);
  assert.equal(messages.ids(FolderId.Inbox, false).length, 1, 'moving deletes');
  const sub = folders.create(FolderId.Inbox, { name: 'Sub', type: 1 }).id;
  const below = folders.create(sub, { name: 'Hidden', type: 1 }).id;
  grant(below, 0);
  const whole = { ...copy, wantRecursive: true, useUnicode: true, folderId: objectId(sub), newFolderName: 'Copy' };
  bob.payloads([ropOf(CopyFolder, whole)], [inbox, outbox]);
  const made = folders.childNamed(FolderId.Outbox, 'Copy');
  assert.ok(made);
  assert.deepEqual(folders.children(made.id), []);
  const remove = { deleteFolderFlags: 5, folderId: objectId(sub) };
  assert.equal(bob.fails(DeleteFolder, inbox, remove), 'AccessDenied');
});

test('a hierarchy shows what may be seen', () => {
  grant(FolderId.IpmSubtree, Right.FolderVisible);
  const subtree = bob.call(OpenFolder, logon, { folderId: objectId(FolderId.IpmSubtree), openModeFlags: 0 }).handle;
  const table = bob.call(GetHierarchyTable, subtree, { tableFlags: 4 }).handle;
  const columns = [PidTag.DisplayName, PidTag.Rights];
  bob.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  const { response } = bob.call(QueryRows, table, { queryRowsFlags: 0, forwardRead: true, rowCount: 99 }, columns);
  const rows = readRows(response.rowData, response.rowCount, columns, bob.coding);
  assert.deepEqual(
    rows.map(([name]) => name),
    [{ value: 'Calendar' }, { value: 'Inbox' }],
  );
  const calendar = bob.call(OpenFolder, logon, { folderId: objectId(FolderId.Calendar), openModeFlags: 0 }).handle;
  assert.equal(bob.fails(GetContentsTable, calendar, { tableFlags: 0 }), 'AccessDenied');
});

test('where clients begin they find what may be seen, and nothing of the rest', () => {
  const { folders } = store.mailbox('alice');
  const sub = folders.create(FolderId.Drafts, { name: 'Shared', type: 1 }).id;
  grant(sub, READER);
  // Clients write such ids, and these name what may not be seen, and what is none.
  const drafts = folders.properties(FolderId.Drafts).get(PidTag.EntryId) ?? null;
  folders.setProperties(
    FolderId.Root,
    new Map([
      [PidTag.IpmNoteEntryId, drafts],
      [PidTag.IpmTaskEntryId, Buffer.from('x')],
    ]),
  );
  const told = (id: Counter) => {
    const handle = bob.call(OpenFolder, logon, { folderId: objectId(id), openModeFlags: 0 }).handle;
    const { response } = bob.call(GetPropertiesAll, handle, { propertySizeLimit: 0, wantUnicode: true });
    return { handle, properties: response.propertyValues };
  };
  for (const id of [FolderId.Root, FolderId.IpmSubtree]) {
    const before = told(id);
    folders.create(id, { name: 'New', type: 1 });
    add(id, 'new');
    const { handle, properties } = told(id);
    assert.deepEqual(properties, before.properties);
    assert.equal(properties.get(PidTag.Rights), 0);
    assert.equal(bob.fails(GetContentsTable, handle, { tableFlags: 0 }), 'AccessDenied');
    const values = new Map([[PidTag.Comment, 'x']]);
    assert.equal(bob.fails(SetProperties, handle, { propertyValues: values }), 'AccessDenied');
    const columns = [PidTag.DisplayName];
    const table = bob.call(GetHierarchyTable, handle, { tableFlags: 4 });
    assert.equal(table.response.rowCount, 3);
    bob.call(SetColumns, table.handle, { setColumnsFlags: 0, propertyTags: columns });
    const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 99 };
    const { rowData, rowCount } = bob.call(QueryRows, table.handle, query, columns).response;
    assert.deepEqual(
      readRows(rowData, rowCount, columns, bob.coding).flat(),
      ['Calendar', 'Shared', 'Inbox'].map((value) => ({ value })),
    );
  }
  const leads = [...told(FolderId.Root).properties].filter(([tag]) => tag >>> 16 >= 0x36d0 && tag >>> 16 <= 0x36e4);
  const calendar = folders.properties(FolderId.Calendar).get(PidTag.EntryId);
  assert.deepEqual(leads, [[PidTag.IpmAppointmentEntryId, calendar]]);
});

test('rights that are taken away are gone for what is open already', () => {
  grant(FolderId.Inbox, READER | Right.Create | Right.EditOwned | Right.FolderOwner);
  const inbox = openInbox();
  const create = { codePageId: 0xfff, folderId: INBOX, associatedFlag: false };
  const message = bob.call(CreateMessage, logon, create).handle;
  grant(FolderId.Inbox, 0);
  assert.equal(bob.fails(SaveChangesMessage, message, { saveFlags: 0x0a }), 'NotFound');
  assert.equal(bob.fails(GetContentsTable, inbox, { tableFlags: 0 }), 'NotFound');
  assert.equal(bob.fails(GetPropertiesAll, inbox, { propertySizeLimit: 0, wantUnicode: true }), 'NotFound');
  assert.equal(bob.fails(SetProperties, inbox, { propertyValues: new Map([[PidTag.Comment, 'x']]) }), 'NotFound');
});

test('what somebody has made is his: he sees, changes and deletes it with the rights to his own', () => {
  grant(FolderId.Inbox, Right.FolderVisible | Right.Create | Right.EditOwned | Right.DeleteOwned);
  const create = { codePageId: 0xfff, folderId: INBOX, associatedFlag: false };
  const message = bob.call(CreateMessage, logon, create).handle;
  const { messageId } = bob.call(SaveChangesMessage, message, { saveFlags: 0x0a }).response;
  const own = bob.call(OpenMessage, logon, { ...messageRequest(FolderId.Inbox, 0, 1), messageId }).handle;
  bob.call(SetProperties, own, { propertyValues: new Map([[PidTag.Subject, 'mine']]) });
  bob.call(SaveChangesMessage, own, { saveFlags: 0x0a });
  assert.equal(bob.fails(OpenMessage, logon, messageRequest(FolderId.Inbox, shown)), 'NotFound');
  const names = [PidTag.CreatorName, PidTag.LastModifierName];
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: names };
  const { rowData } = bob.call(GetPropertiesSpecific, own, request, names).response;
  assert.deepEqual(readRows(rowData, 1, names, bob.coding), [[{ value: 'bob' }, { value: 'bob' }]]);
  const gone = { wantAsynchronous: false, notifyNonRead: false, messageIds: [messageId, objectId(shown)] };
  assert.equal(bob.call(DeleteMessages, openInbox(), gone).response.partialCompletion, true);
  assert.deepEqual(store.mailbox('alice').messages.ids(FolderId.Inbox, false), [shown]);
});

test('nobody says that a message is his by setting who has made it', () => {
  grant(FolderId.Inbox, READER | Right.Create | Right.EditOwned | Right.EditAny);
  const opened = bob.call(OpenMessage, logon, messageRequest(FolderId.Inbox, shown, 1)).handle;
  const values = new Map<PropertyTag, string>([[PidTag.CreatorName, 'bob']]);
  const { propertyProblems } = bob.call(SetProperties, opened, { propertyValues: values }).response;
  assert.deepEqual(
    propertyProblems.map(({ tag }) => tag),
    [PidTag.CreatorName],
  );
});

test('nobody is told what happens where he may not look', () => {
  const whole = { notificationTypes: 0x7e, wantWholeStore: true };
  bob.call(RegisterNotification, logon, whole);
  const folder = { notificationTypes: NotificationType.ObjectCreated, wantWholeStore: false, messageId: 0n };
  assert.equal(bob.fails(RegisterNotification, logon, { ...folder, folderId: objectId(FolderId.Drafts) }), 'NotFound');
  add(FolderId.Drafts, 'another secret');
  assert.equal(bob.session.notifications.size, 0);
  add(FolderId.Inbox, 'another');
  assert.ok(bob.session.notifications.size > 0);
});

test('a delegate learns of the store how to find things, not how much there is', () => {
  const { propertyValues } = bob.call(GetPropertiesAll, logon, { propertySizeLimit: 0, wantUnicode: true }).response;
  assert.equal(propertyValues.get(PidTag.MailboxOwnerName), 'alice');
  assert.equal(propertyValues.get(PidTag.UserName), 'bob');
  for (const tag of [PidTag.MessageSize, PidTag.MessageSizeExtended, PidTag.ContentCount]) {
    assert.equal(propertyValues.has(tag), false);
  }
});

test('what is open of somebody whose right to read is taken away can no longer be read', () => {
  const table = bob.call(GetContentsTable, openInbox(), { tableFlags: 0 }).handle;
  bob.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: [PidTag.Subject] });
  const message = bob.call(OpenMessage, logon, messageRequest(FolderId.Inbox, shown)).handle;
  grant(FolderId.Inbox, Right.FolderVisible);
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 9 };
  assert.equal(bob.fails(QueryRows, table, query), 'AccessDenied');
  assert.equal(bob.fails(GetPropertiesAll, message, { propertySizeLimit: 0, wantUnicode: true }), 'NotFound');
  assert.equal(bob.fails(OpenStream, message, { propertyTag: PidTag.Subject, openModeFlags: 0 }), 'NotFound');
});

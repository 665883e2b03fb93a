import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { mailboxFile } from '../../../src/mailbox/mailbox-file.ts';
import { readExtendedBuffers } from '../../../src/mapi/extended-buffer.ts';
import { NotificationFlag, NotificationType } from '../../../src/mapi/notification-data.ts';
import { counterOf, type ObjectId, objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { FuzzyHigh, FuzzyLow, type Restriction } from '../../../src/mapi/restriction.ts';
import { NO_HANDLE, readRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import { Notify } from '../../../src/mapi/rops/extra-responses.ts';
import {
  CopyFolder,
  CreateFolder,
  DeleteFolder,
  DeleteMessages,
  EmptyFolder,
  GetContentsTable,
  GetHierarchyTable,
  GetSearchCriteria,
  HardDeleteMessagesAndSubfolders,
  MoveCopyMessages,
  OpenFolder,
  SetSearchCriteria,
} from '../../../src/mapi/rops/folder.ts';
import {
  CreateMessage,
  GetMessageStatus,
  OpenMessage,
  SaveChangesMessage,
  SetReadFlags,
} from '../../../src/mapi/rops/message.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { GetPropertiesSpecific, SetProperties } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { GetStoreState, Logon } from '../../../src/mapi/rops/store.ts';
import { QueryRows, Restrict, SetColumns } from '../../../src/mapi/rops/table.ts';
import { mail, options } from '../../mailbox/support.ts';
import { bufferOf, dnOf, type RopClient, ropOf, TestStore } from './rop-client.ts';
import { RunningStore } from './store-client.ts';

const INBOX = objectId(FolderId.Inbox);
const DRAFTS = objectId(FolderId.Drafts);

/** SearchFlags of both ROPs ([MS-OXCFOLD] 2.2.1.4.1, 2.2.1.5.2). */
const STOP = 0x1;
const RESTART = 0x2;
const RECURSIVE = 0x4;
const STATIC = 0x40000;
const COMPLETE = 0x1000;
const IS_STATIC = 0x10000;
const TWIR_TOTALLY = 0x8000000;

const INVOICES: Restriction = {
  kind: 'content',
  fuzzyLow: FuzzyLow.Substring,
  fuzzyHigh: FuzzyHigh.IgnoreCase,
  tag: PidTag.Subject,
  valueTag: PidTag.Subject,
  value: 'invoice',
};

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

function open(folderId: ObjectId, client = alice, on = logon): number {
  return client.call(OpenFolder, on, { folderId, openModeFlags: 0 }).handle;
}

const CREATE = { folderType: 2, useUnicodeStrings: true, openExisting: false, displayName: 'Found', comment: '' };

function newSearch(displayName = 'Found') {
  const { response, handle } = alice.call(CreateFolder, open(objectId(FolderId.Finder)), { ...CREATE, displayName });
  return { id: response.folderId, handle };
}

function search(restrictionData: Restriction = INVOICES, folderIds = [INBOX], searchFlags = RESTART) {
  const made = newSearch();
  alice.call(SetSearchCriteria, made.handle, { restrictionData, folderIds, searchFlags });
  return made;
}

function criteria(handle: number, useUnicode = true, whole = true) {
  const request = { useUnicode, includeRestriction: whole, includeFolders: whole };
  return alice.call(GetSearchCriteria, handle, request).response;
}

function add(subject: string, folder: number = FolderId.Inbox): ObjectId {
  const properties = new Map([[PidTag.Subject, subject]]);
  return objectId(store.mailbox('alice').messages.add(folder, { properties, recipients: [], attachments: [] }).id);
}

function rows(folder: number, columns: readonly PropertyTag[], restrictionData?: Restriction) {
  const table = alice.call(GetContentsTable, folder, { tableFlags: 0 }).handle;
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  if (restrictionData !== undefined) alice.call(Restrict, table, { restrictFlags: 0, restrictionData });
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 100 };
  const { response } = alice.call(QueryRows, table, query, columns);
  return readRows(response.rowData, response.rowCount, columns, alice.coding).map((row) => row.map(shown));
}

function shown(cell: unknown): unknown {
  return typeof cell === 'object' && cell !== null && 'value' in cell ? cell.value : cell;
}

function get(handle: number, ...propertyTags: PropertyTag[]) {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags };
  const { rowData } = alice.call(GetPropertiesSpecific, handle, request, propertyTags).response;
  return readRows(rowData, 1, propertyTags, alice.coding)[0]?.map(shown);
}

test('[MS-OXCFOLD] 3.1.4.4: a search folder is made, given criteria, and read as any folder', () => {
  const id = add('Invoice 1');
  add('another');
  const { handle } = search();
  add('Invoice 2');
  add('Invoice 3', FolderId.Drafts);
  assert.deepEqual(rows(handle, [PidTag.Subject, PidTag.ParentFolderId]), [
    ['Invoice 1', INBOX],
    ['Invoice 2', INBOX],
  ]);
  assert.deepEqual(
    rows(handle, [PidTag.Subject], { kind: 'property', relOp: 4, tag: PidTag.Mid, valueTag: PidTag.Mid, value: id }),
    [['Invoice 1']],
  );
  const noCreating = 0x7;
  assert.deepEqual(get(handle, PidTag.FolderType, PidTag.ContentCount, PidTag.ContentUnreadCount, PidTag.Access), [
    ...[2, 2, 2, noCreating],
  ]);
  assert.equal(alice.call(GetStoreState, logon, {}).response.storeState, 0x01000000);
  assert.deepEqual(get(logon, PidTag.StoreSupportMask, PidTag.StoreState), [0x73ffd, 0x01000000]);
});

test('[MS-OXCFOLD] 3.2.5.5: criteria are given back as they were set, in the text that is asked for, and with the state', () => {
  const { handle } = search(INVOICES, [DRAFTS, INBOX], RESTART | RECURSIVE);
  const found = criteria(handle);
  assert.deepEqual(found.restrictionData, INVOICES);
  assert.deepEqual([found.logonId, found.folderIds], [0, [DRAFTS, INBOX]]);
  assert.equal(found.searchFlags, COMPLETE | RECURSIVE | TWIR_TOTALLY);
  const tag = (PidTag.Subject & 0xffff0000) | 0x1e;
  assert.deepEqual(criteria(handle, false).restrictionData, { ...INVOICES, tag, valueTag: tag });
  const bare = criteria(handle, true, false);
  assert.deepEqual([bare.restrictionData, bare.folderIds], [undefined, []]);
  alice.call(SetSearchCriteria, handle, { folderIds: [INBOX], searchFlags: RESTART | STATIC });
  const again = criteria(handle);
  assert.deepEqual([again.restrictionData, again.folderIds], [INVOICES, [INBOX]]);
  assert.equal(again.searchFlags, COMPLETE | IS_STATIC | TWIR_TOTALLY);
  alice.call(SetSearchCriteria, handle, { restrictionData: INVOICES, folderIds: [], searchFlags: STOP });
  assert.equal(criteria(handle).searchFlags, TWIR_TOTALLY);
});

test('[MS-OXCFOLD] 3.2.5.4: criteria in the client’s code page are those in Unicode', () => {
  const tag = (PidTag.Subject & 0xffff0000) | 0x1e;
  add('Prüfung');
  const { handle } = search({ ...INVOICES, tag, valueTag: tag, value: 'prüf' } as Restriction);
  assert.deepEqual(rows(handle, [PidTag.Subject]), [['Prüfung']]);
  assert.deepEqual(criteria(handle).restrictionData, { ...INVOICES, value: 'prüf' });
});

test('[MS-OXCFOLD] 3.2.5.4: what is wrong with a request is said', () => {
  const inbox = open(INBOX);
  const { id, handle } = newSearch();
  const other = newSearch('Other');
  const good = { restrictionData: INVOICES, folderIds: [INBOX], searchFlags: RESTART };
  const get1 = { useUnicode: true, includeRestriction: true, includeFolders: true };
  assert.equal(alice.fails(SetSearchCriteria, inbox, good), 'NotSearchFolder');
  assert.equal(alice.fails(GetSearchCriteria, inbox, get1), 'NotSearchFolder');
  assert.equal(alice.fails(GetSearchCriteria, handle, get1), 'NotInitialized');
  assert.equal(alice.fails(SetSearchCriteria, handle, { ...good, folderIds: [] }), 'NotInitialized');
  assert.equal(alice.fails(SetSearchCriteria, handle, { folderIds: [INBOX], searchFlags: RESTART }), 'NotInitialized');
  assert.equal(alice.fails(SetSearchCriteria, handle, { ...good, folderIds: [id] }), 'SearchFolderScopeViolation');
  assert.equal(
    alice.fails(SetSearchCriteria, handle, { ...good, folderIds: [INBOX, other.id] }),
    'SearchFolderScopeViolation',
  );
  assert.equal(alice.fails(SetSearchCriteria, handle, { ...good, folderIds: [objectId(0x9999)] }), 'NotFound');
  assert.equal(alice.fails(SetSearchCriteria, handle, { ...good, folderIds: [objectId(0x0d, 2)] }), 'NotFound');
  for (const searchFlags of [STOP | RESTART, 0xc, 0x30000, 0x80000000]) {
    assert.equal(alice.fails(SetSearchCriteria, handle, { ...good, searchFlags }), 'InvalidParam');
  }
  const spooler = open(objectId(FolderId.SpoolerQueue));
  assert.equal(alice.fails(GetSearchCriteria, spooler, get1), 'NotInitialized');
  assert.equal(alice.fails(SetSearchCriteria, spooler, good), 'AccessDenied');
  assert.equal(alice.fails(SetSearchCriteria, logon, good), 'NotSupported');
});

test('messages are opened, read and changed by way of a search folder', () => {
  const messageId = add('Invoice');
  const other = add('another');
  const { id, handle } = search();
  const request = { codePageId: 0xfff, folderId: id, openModeFlags: 1 };
  const message = alice.call(OpenMessage, logon, { ...request, messageId }).handle;
  assert.equal(alice.fails(OpenMessage, logon, { ...request, messageId: other }), 'NotFound');
  assert.deepEqual(get(message, PidTag.Subject, PidTag.ParentFolderId), ['Invoice', INBOX]);
  assert.equal(alice.call(GetMessageStatus, handle, { messageId }).response.messageStatusFlags, 0);
  const read = alice.call(SetReadFlags, handle, { wantAsynchronous: false, readFlags: 0, messageIds: [] });
  assert.equal(read.response.partialCompletion, false);
  assert.deepEqual(get(handle, PidTag.ContentCount, PidTag.ContentUnreadCount), [1, 0]);
  assert.deepEqual(get(open(INBOX), PidTag.ContentUnreadCount), [1]);
  alice.call(SetProperties, message, { propertyValues: new Map([[PidTag.Subject, 'paid']]) });
  alice.call(SaveChangesMessage, message, { saveFlags: 0x0c });
  assert.deepEqual(rows(handle, [PidTag.Subject]), []);
  assert.equal(alice.fails(OpenMessage, logon, { ...request, messageId }), 'NotFound');
});

test('messages are moved, copied and deleted by way of a search folder; it takes none, and is not emptied', () => {
  const ids = [add('Invoice 1'), add('Invoice 2', FolderId.Drafts)];
  const { id, handle } = search(INVOICES, [INBOX, DRAFTS]);
  const sent = open(objectId(FolderId.SentItems));
  const moveCopy = (from: number, to: number, messageIds: readonly ObjectId[], wantCopy: boolean) => {
    const request = { sourceHandleIndex: 0, destHandleIndex: 1, messageIds, wantAsynchronous: false, wantCopy };
    const [payload] = alice.payloads([ropOf(MoveCopyMessages, request)], [from, to]);
    return MoveCopyMessages.readResponse(new Cursor(payload?.ropsList ?? new Uint8Array(0), 'response', 1), {
      codePage: 1252,
    });
  };
  assert.equal(moveCopy(handle, sent, ids, true).returnValue, 0);
  assert.equal(rows(sent, [PidTag.Subject]).length, 2);
  assert.equal(moveCopy(sent, handle, [ids[0] ?? 0n], true).returnValue, 0x460);
  assert.equal(moveCopy(sent, handle, [ids[0] ?? 0n], false).returnValue, 0x460);
  assert.equal(moveCopy(handle, sent, ids.slice(0, 1), false).returnValue, 0);
  assert.deepEqual(rows(handle, [PidTag.Subject]), [['Invoice 2']]);
  const remove = { wantAsynchronous: false, notifyNonRead: false, messageIds: ids };
  assert.equal(alice.call(DeleteMessages, handle, remove).response.partialCompletion, true);
  assert.deepEqual(rows(open(DRAFTS), [PidTag.Subject]), []);
  const create = { codePageId: 0xfff, folderId: id, associatedFlag: false };
  assert.equal(alice.fails(CreateMessage, logon, create), 'NotSupported');
  assert.equal(alice.fails(CreateFolder, handle, { ...CREATE, folderType: 1 }), 'NotSupported');
  const empty = { wantAsynchronous: false, wantDeleteAssociated: false };
  assert.equal(alice.fails(EmptyFolder, handle, empty), 'NotSupported');
  assert.equal(alice.fails(HardDeleteMessagesAndSubfolders, handle, empty), 'NotSupported');
});

test('a search folder is deleted without what it shows', () => {
  add('Invoice');
  const { id } = search();
  const finder = open(objectId(FolderId.Finder));
  const { partialCompletion } = alice.call(DeleteFolder, finder, { deleteFolderFlags: 0, folderId: id }).response;
  assert.equal(partialCompletion, false);
  assert.deepEqual(rows(open(INBOX), [PidTag.Subject]), [['Invoice']]);
});

test('a search folder that is copied looks for the same', () => {
  add('Invoice');
  const { id } = search();
  const finder = open(objectId(FolderId.Finder));
  const request = { wantAsynchronous: false, wantRecursive: true, useUnicode: true, folderId: id };
  const indexes = { sourceHandleIndex: 0, destHandleIndex: 0 };
  alice.payloads([ropOf(CopyFolder, { ...request, ...indexes, newFolderName: 'Copy' })], [finder]);
  const copy = store.mailbox('alice').folders.childNamed(FolderId.Finder, 'Copy') ?? assert.fail();
  assert.deepEqual(rows(open(objectId(copy.id)), [PidTag.Subject]), [['Invoice']]);
});

test('search folders are the owner’s: who has rights to all folders sees none, and makes none', () => {
  const messageId = add('Invoice');
  const { id } = search();
  const { folders } = store.mailbox('alice');
  const permissions = [{ account: 'bob', name: 'bob', rights: 0x5fb }];
  for (const folder of [FolderId.Root, FolderId.Finder, FolderId.Inbox, counterOf(id)]) {
    folders.setPermissions(folder, permissions);
  }
  const bob = store.session('bob');
  const at = bob.logon('alice');
  const finder = open(objectId(FolderId.Finder), bob, at);
  assert.equal(bob.call(GetHierarchyTable, finder, { tableFlags: 0 }).response.rowCount, 0);
  assert.equal(bob.fails(OpenFolder, at, { folderId: id, openModeFlags: 0 }), 'NotFound');
  assert.equal(bob.fails(CreateFolder, finder, { ...CREATE, displayName: 'His' }), 'AccessDenied');
  const request = { codePageId: 0xfff, openModeFlags: 0, messageId };
  assert.equal(bob.fails(OpenMessage, at, { ...request, folderId: id }), 'NotFound');
  bob.call(OpenMessage, at, { ...request, folderId: INBOX });
});

test('who watches a search folder is told what comes, changes and goes, and when a search is through', () => {
  const { id, handle } = newSearch();
  const table = alice.call(GetContentsTable, handle, { tableFlags: 0 }).handle;
  const types =
    NotificationType.ObjectCreated |
    NotificationType.ObjectModified |
    NotificationType.ObjectDeleted |
    NotificationType.SearchComplete;
  const watching = { notificationTypes: types, wantWholeStore: false, folderId: id, messageId: 0n };
  const watched = alice.call(RegisterNotification, logon, watching).handle;
  const whole = { notificationTypes: NotificationType.ObjectCreated, wantWholeStore: true };
  const everywhere = alice.call(RegisterNotification, logon, whole).handle;
  store.mailbox('alice').searches.set(counterOf(id), {
    restriction: INVOICES,
    scopes: [FolderId.Inbox],
    flags: RESTART,
  });
  assert.ok(told(watched).some((each) => each.notificationFlags === NotificationType.SearchComplete));
  const messageId = add('Invoice');
  const { messages } = store.mailbox('alice');
  const all = notified();
  assert.ok(all.some((each) => each.notificationHandle === table));
  const flags = NotificationFlag.Message | NotificationFlag.SearchFolder;
  const created = all.filter(({ notificationData: data }) => data.messageId === messageId);
  assert.deepEqual(
    created.map(({ notificationHandle, notificationData: data }) => [
      notificationHandle,
      data.notificationFlags,
      data.folderId,
      data.parentFolderId,
    ]),
    [
      [watched, NotificationType.ObjectCreated | flags, INBOX, id],
      [everywhere, NotificationType.ObjectCreated | NotificationFlag.Message, INBOX, undefined],
    ],
  );
  messages.setRead(counterOf(messageId), true);
  assert.ok(told(watched).some((each) => each.notificationFlags === (NotificationType.ObjectModified | flags)));
  messages.delete(FolderId.Inbox, [counterOf(messageId)]);
  assert.ok(told(watched).some((each) => each.notificationFlags === (NotificationType.ObjectDeleted | flags)));
});

test('a large scope is gone through between calls: the client is called back when that is done', async (t) => {
  const running = await RunningStore.start();
  t.after(() => running.close());
  const path = mailboxFile(running.folder, 'alice');
  mkdirSync(dirname(path), { recursive: true });
  const mailbox = Mailbox.create(path, 'alice', options());
  mailbox.transaction(() => {
    for (let count = 0; count < 4500; count += 1) mailbox.messages.add(FolderId.Inbox, mail('Invoice'));
  });
  mailbox.close();
  const connection = running.connection('alice');
  const { pcxh } = await connection.connect();
  const call = async (calls: Parameters<typeof bufferOf>[0], handles: readonly number[]) => {
    const [payload] = readExtendedBuffers((await connection.rpc(pcxh, bufferOf(calls, handles))).rgbOut);
    return readRopBuffer(payload ?? assert.fail());
  };
  const opened = await call(
    [
      ropOf(Logon, { outputHandleIndex: 0, logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf('alice') }),
      ropOf(OpenFolder, { ...to(0, 1), folderId: objectId(FolderId.Finder), openModeFlags: 0 }),
      ropOf(CreateFolder, { ...to(1, 2), ...CREATE }),
      ropOf(RegisterNotification, {
        ...to(0, 3),
        notificationTypes: NotificationType.SearchComplete,
        wantWholeStore: true,
      }),
    ],
    [NO_HANDLE, NO_HANDLE, NO_HANDLE, NO_HANDLE],
  );
  const found = opened.handles[2] ?? NO_HANDLE;
  const { pacxh } = await connection.emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });
  const parked = connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  const get1 = { useUnicode: true, includeRestriction: false, includeFolders: false };
  const set = { restrictionData: INVOICES, folderIds: [INBOX], searchFlags: RESTART };
  const first = await call(
    [
      ropOf(SetSearchCriteria, { inputHandleIndex: 0, ...set }),
      ropOf(GetSearchCriteria, { inputHandleIndex: 0, ...get1 }),
    ],
    [found],
  );
  const answer = new Cursor(first.ropsList, 'answer');
  assert.equal(answer.u8(), SetSearchCriteria.id);
  assert.equal(SetSearchCriteria.readResponse(answer, { codePage: 1252 }).returnValue, 0);
  assert.equal(answer.u8(), GetSearchCriteria.id);
  const begun = GetSearchCriteria.readResponse(answer, { codePage: 1252 });
  assert.ok(begun.ok);
  // SEARCH_RUNNING, SEARCH_REBUILD.
  assert.equal(begun.searchFlags, 0x3 | TWIR_TOTALLY);
  assert.deepEqual(await parked, { pulFlagsOut: 1, result: 0 });
  const second = await call([ropOf(GetSearchCriteria, { inputHandleIndex: 0, ...get1 })], [found]);
  const after = new Cursor(second.ropsList, 'answer');
  assert.equal(after.u8(), GetSearchCriteria.id);
  const done = GetSearchCriteria.readResponse(after, { codePage: 1252 });
  assert.ok(done.ok);
  assert.equal(done.searchFlags, COMPLETE | TWIR_TOTALLY);
  assert.equal(after.u8(), Notify.id);
  const { notificationHandle, notificationData } = Notify.read(after, { codePage: 1252 });
  assert.deepEqual(
    [notificationHandle, notificationData.notificationFlags],
    [opened.handles[3], NotificationType.SearchComplete],
  );
  after.end();
});

function to(inputHandleIndex: number, outputHandleIndex: number) {
  return { inputHandleIndex, outputHandleIndex };
}

/** What an empty call brings. */
function notified(): ReturnType<typeof Notify.read>[] {
  const [payload] = alice.payloads([], []);
  const cursor = new Cursor(payload?.ropsList ?? new Uint8Array(0), 'answer');
  const found: ReturnType<typeof Notify.read>[] = [];
  while (cursor.remaining > 0) {
    assert.equal(cursor.u8(), Notify.id);
    found.push(Notify.read(cursor, alice.coding));
  }
  return found;
}

function told(handle: number) {
  return notified()
    .filter((each) => each.notificationHandle === handle)
    .map(({ notificationData }) => notificationData);
}

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { fileTime } from '../../../src/mailbox/mailbox-context.ts';
import { mailboxFile } from '../../../src/mailbox/mailbox-file.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { NotificationType, TableEventType } from '../../../src/mapi/notification-data.ts';
import { counterOf, type ObjectId, objectId } from '../../../src/mapi/object-id.ts';
import { type PropertyTag, PropertyType } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { Access } from '../../../src/mapi/property-values.ts';
import { NO_HANDLE } from '../../../src/mapi/rop-buffer.ts';
import { Notify } from '../../../src/mapi/rops/extra-responses.ts';
import {
  CopyFolder,
  CreateFolder,
  DeleteFolder,
  DeleteFolderFlags,
  DeleteMessages,
  EmptyFolder,
  GetContentsTable,
  GetHierarchyTable,
  HardDeleteMessages,
  HardDeleteMessagesAndSubfolders,
  MoveCopyMessages,
  MoveFolder,
  OpenFolder,
  OpenFolderFlags,
  TableFlags,
} from '../../../src/mapi/rops/folder.ts';
import {
  CreateMessage,
  GetMessageStatus,
  OpenMessage,
  OpenMessageFlags,
  SaveChangesMessage,
  SetMessageReadFlag,
} from '../../../src/mapi/rops/message.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { CopyTo, GetPropertiesSpecific, SetProperties } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { Logon } from '../../../src/mapi/rops/store.ts';
import { QueryRows, Restrict, SetColumns, SortTable } from '../../../src/mapi/rops/table.ts';
import { mail, options } from '../../mailbox/support.ts';
import { bufferOf, dnOf, NOW, type RopClient, ropOf, TestStore } from './rop-client.ts';
import { RunningStore } from './store-client.ts';

const INBOX = objectId(FolderId.Inbox);
const DRAFTS = objectId(FolderId.Drafts);
const { OpenSoftDeleted } = OpenMessageFlags;
const { SoftDeletes } = TableFlags;
const WHOLE = DeleteFolderFlags.DelMessages | DeleteFolderFlags.DelFolders;

let store: TestStore;
let alice: RopClient;
let logon: number;
let inbox: number;
let drafts: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
  inbox = open(INBOX);
  drafts = open(DRAFTS);
});
afterEach(() => store.close());

function open(folderId: ObjectId, openModeFlags = 0): number {
  return alice.call(OpenFolder, logon, { folderId, openModeFlags }).handle;
}

function add(subject: string, folder: number = FolderId.Inbox, associated = false): ObjectId {
  const properties = new Map([[PidTag.Subject, subject]]);
  const content = { properties, recipients: [], attachments: [] };
  return objectId(store.mailbox('alice').messages.add(folder, content, { associated }).id);
}

function makeFolder(displayName: string, parent = inbox): ObjectId {
  const made = { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName, comment: '' };
  return alice.call(CreateFolder, parent, made).response.folderId;
}

type DeletesMessages = typeof DeleteMessages | typeof HardDeleteMessages;

/** Whether only some of it was done. */
function remove(rop: DeletesMessages, messageIds: readonly ObjectId[], folder = inbox): boolean {
  const request = { wantAsynchronous: false, notifyNonRead: false, messageIds };
  return alice.call(rop as typeof DeleteMessages, folder, request).response.partialCompletion;
}

/** The values that a table has, by its rows. */
function values(table: number, ...columns: PropertyTag[]): unknown[][] {
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 100 };
  const { response } = alice.call(QueryRows, table, query, columns);
  const found = readRows(response.rowData, response.rowCount, columns, alice.coding);
  return found.map((row) => row.map((cell) => (cell as { value?: unknown }).value));
}

function contents(tableFlags: number, folder = inbox): unknown[] {
  const { response, handle } = alice.call(GetContentsTable, folder, { tableFlags });
  const found = values(handle, PidTag.Subject).flat();
  assert.equal(response.rowCount, found.length);
  return found;
}

function hierarchy(tableFlags: number, folder = inbox): unknown[] {
  const { response, handle } = alice.call(GetHierarchyTable, folder, { tableFlags });
  const found = values(handle, PidTag.DisplayName).flat();
  assert.equal(response.rowCount, found.length);
  return found;
}

function get(handle: number, ...tags: PropertyTag[]): unknown[] {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: tags };
  const { response } = alice.call(GetPropertiesSpecific, handle, request, tags);
  const [row] = readRows(response.rowData, 1, tags, alice.coding);
  return (row ?? []).map((cell) => (cell as { value?: unknown }).value);
}

function moveCopy(messageIds: readonly ObjectId[], wantCopy: boolean, from = inbox, to = inbox): boolean {
  const request = { sourceHandleIndex: 0, destHandleIndex: 1, messageIds, wantAsynchronous: false, wantCopy };
  const [payload] = alice.payloads([ropOf(MoveCopyMessages, request)], [from, to]);
  const cursor = new Cursor(payload?.ropsList ?? new Uint8Array(0), 'answer', 1);
  const response = MoveCopyMessages.readResponse(cursor, alice.coding);
  assert.equal(response.returnValue, 0);
  return response.partialCompletion === true;
}

function openMessage(messageId: ObjectId, openModeFlags: number) {
  return { codePageId: 0xfff, folderId: INBOX, openModeFlags, messageId };
}

test('[MS-OXCFOLD] 2.2.1.14.1: a contents table has what is there, or what was soft-deleted from there', () => {
  const [one, two, fai] = [add('One'), add('Two'), add('View', FolderId.Inbox, true)];
  assert.equal(remove(DeleteMessages, [two, fai]), false);
  assert.equal(remove(DeleteMessages, [two]), true);
  assert.deepEqual([contents(0), contents(SoftDeletes)], [['One'], ['Two']]);
  assert.deepEqual([contents(TableFlags.Associated), contents(SoftDeletes | TableFlags.Associated)], [[], ['View']]);
  assert.deepEqual(get(inbox, PidTag.ContentCount, PidTag.DeletedCountTotal, PidTag.DeletedMessageCount), [1, 2, 1]);
  remove(DeleteMessages, [one]);
  const { handle: table } = alice.call(GetContentsTable, inbox, { tableFlags: SoftDeletes });
  const sortOrders = { orders: [{ tag: PidTag.Subject, order: 1 }], categories: 0, expanded: 0 };
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders });
  const columns = [
    PidTag.Subject,
    PidTag.Mid,
    PidTag.FolderId,
    PidTag.ParentFolderId,
    PidTag.DeletedOn,
    PidTag.EntryId,
  ];
  const rows = values(table, ...columns);
  const id = BigInt.asIntN(64, INBOX);
  assert.deepEqual(
    rows.map((row) => row.slice(0, 5)),
    [
      ['Two', BigInt.asIntN(64, two), id, id, fileTime(NOW)],
      ['One', BigInt.asIntN(64, one), id, id, fileTime(NOW)],
    ],
  );
  const entryId = rows[0]?.[5];
  assert.ok(entryId instanceof Uint8Array);
  assert.equal(Buffer.from(entryId).readUIntBE(38, 6), FolderId.Inbox);
  const after = { kind: 'property', relOp: 2, tag: PidTag.DeletedOn, valueTag: PidTag.DeletedOn } as const;
  const restrict = (value: bigint) =>
    alice.call(Restrict, table, { restrictFlags: 0, restrictionData: { ...after, value } });
  restrict(fileTime(NOW - 1000));
  assert.equal(values(table, PidTag.Subject).length, 2);
  restrict(fileTime(NOW));
  assert.equal(values(table, PidTag.Subject).length, 0);
});

test('[MS-OXCMSG] 2.2.3.1.1: a soft-deleted message is opened by whom it is asked for, and to read only', () => {
  const id = add('One');
  const kept = alice.call(OpenMessage, logon, openMessage(id, OpenMessageFlags.BestAccess)).handle;
  remove(DeleteMessages, [id]);
  for (const mode of [0, 1, 3]) assert.equal(alice.fails(OpenMessage, logon, openMessage(id, mode)), 'NotFound');
  assert.equal(alice.fails(OpenMessage, logon, openMessage(id, 1 | OpenSoftDeleted)), 'AccessDenied');
  const elsewhere = { ...openMessage(id, OpenSoftDeleted), folderId: DRAFTS };
  assert.equal(alice.fails(OpenMessage, logon, elsewhere), 'NotFound');
  const best = openMessage(id, OpenMessageFlags.BestAccess | OpenSoftDeleted);
  const { response, handle } = alice.call(OpenMessage, logon, best);
  assert.equal(response.normalizedSubject, 'One');
  assert.deepEqual(get(handle, PidTag.DeletedOn, PidTag.Access), [fileTime(NOW), Access.Read | Access.Delete]);
  const set = { propertyValues: new Map([[PidTag.Subject, 'Two']]) };
  assert.equal(alice.fails(SetProperties, handle, set), 'AccessDenied');
  assert.equal(alice.fails(SetMessageReadFlag, handle, { readFlags: 0 }), 'NotFound');
  assert.equal(alice.fails(GetMessageStatus, inbox, { messageId: id }), 'NotFound');
  // One that was open is not saved where it is gone from.
  alice.call(SetProperties, kept, set);
  assert.equal(alice.fails(SaveChangesMessage, kept, { saveFlags: 0 }), 'NotFound');
  // One that is there is opened as well, to be changed.
  const there = openMessage(add('There'), OpenMessageFlags.ReadWrite | OpenSoftDeleted);
  alice.call(SetProperties, alice.call(OpenMessage, logon, there).handle, set);
});

test('[MS-OXCFOLD] 2.2.1.11: it is recovered by copying what was opened to a new message', () => {
  const id = add('One');
  remove(DeleteMessages, [id]);
  const from = alice.call(OpenMessage, logon, openMessage(id, OpenSoftDeleted)).handle;
  const to = alice.call(CreateMessage, inbox, { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }).handle;
  const copy = { sourceHandleIndex: 0, destHandleIndex: 1, wantAsynchronous: false, wantSubObjects: true };
  alice.payloads([ropOf(CopyTo, { ...copy, copyFlags: 0, excludedTags: [] })], [from, to]);
  alice.call(SaveChangesMessage, to, { saveFlags: 0 });
  assert.deepEqual(contents(0), ['One']);
  assert.deepEqual(get(to, PidTag.DeletedOn), [undefined]);
});

test('RopMoveCopyMessages recovers, to the folder itself and to others, and what it moves is no more deleted', () => {
  const [one, two] = [add('One'), add('Two')];
  remove(DeleteMessages, [one, two]);
  assert.equal(moveCopy([one, objectId(0xffff)], false), true);
  assert.deepEqual([contents(0), contents(SoftDeletes)], [['One'], ['Two']]);
  assert.equal(moveCopy([two], true, inbox, drafts), false);
  assert.deepEqual([contents(0, drafts), contents(SoftDeletes)], [['Two'], ['Two']]);
  assert.equal(moveCopy([two], false, drafts, inbox), true);
  assert.equal(moveCopy([two], false, inbox, drafts), false);
  assert.deepEqual([contents(0, drafts), contents(SoftDeletes)], [['Two', 'Two'], []]);
});

test('[MS-OXCFOLD] 3.2.5.12: what is deleted for good is gone, and so is what was soft-deleted', () => {
  const [one, two] = [add('One'), add('Two')];
  remove(DeleteMessages, [one]);
  assert.equal(remove(HardDeleteMessages, [one, two]), false);
  assert.deepEqual([contents(0), contents(SoftDeletes)], [[], []]);
  assert.equal(moveCopy([one, two], false), true);
  assert.equal(alice.fails(OpenMessage, logon, openMessage(one, OpenSoftDeleted)), 'NotFound');
});

test('[MS-OXCFOLD] 3.2.5.9, 3.2.5.10: a folder is emptied softly, and for good', () => {
  add('One');
  add('View', FolderId.Inbox, true);
  makeFolder('Sub');
  const empty = (rop: typeof EmptyFolder | typeof HardDeleteMessagesAndSubfolders, wantDeleteAssociated: boolean) => {
    const request = { wantAsynchronous: false, wantDeleteAssociated };
    assert.equal(alice.call(rop as typeof EmptyFolder, inbox, request).response.partialCompletion, false);
    return [contents(SoftDeletes), contents(SoftDeletes | TableFlags.Associated), hierarchy(SoftDeletes)];
  };
  assert.deepEqual(empty(EmptyFolder, false), [['One'], [], ['Sub']]);
  assert.deepEqual(empty(EmptyFolder, true), [['One'], ['View'], ['Sub']]);
  add('Two');
  makeFolder('Sub');
  assert.deepEqual(empty(HardDeleteMessagesAndSubfolders, false), [[], ['View'], []]);
  assert.deepEqual(empty(HardDeleteMessagesAndSubfolders, true), [[], [], []]);
  assert.deepEqual([contents(0), hierarchy(0)], [[], []]);
});

test('[MS-OXCFOLD] 3.2.5.1, 3.2.5.3, 3.2.5.13: a soft-deleted folder is listed and opened where it is asked for', () => {
  const sub = makeFolder('Sub');
  const one = add('One', counterOf(sub));
  makeFolder('Below', open(sub));
  const before = open(sub);
  alice.call(DeleteFolder, inbox, { deleteFolderFlags: WHOLE, folderId: sub });
  assert.deepEqual([hierarchy(0), hierarchy(TableFlags.Depth)], [[], []]);
  assert.deepEqual([hierarchy(SoftDeletes), hierarchy(SoftDeletes | TableFlags.Depth)], [['Sub'], ['Sub', 'Below']]);
  assert.equal(alice.fails(OpenFolder, logon, { folderId: sub, openModeFlags: 0 }), 'NotFound');
  assert.equal(alice.fails(GetContentsTable, before, { tableFlags: 0 }), 'NotFound');
  const again = { deleteFolderFlags: WHOLE, folderId: sub };
  assert.equal(alice.fails(DeleteFolder, inbox, again), 'NotFound');
  const deleted = open(sub, OpenFolderFlags.OpenSoftDeleted);
  assert.deepEqual(get(deleted, PidTag.DisplayName, PidTag.DeletedOn, PidTag.ParentFolderId), [
    'Sub',
    fileTime(NOW),
    BigInt.asIntN(64, INBOX),
  ]);
  assert.deepEqual([contents(0, deleted), hierarchy(0, deleted)], [['One'], ['Below']]);
  const made = { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'New', comment: '' };
  assert.equal(alice.fails(CreateFolder, deleted, made), 'NotFound');
  assert.equal(alice.fails(SetProperties, deleted, { propertyValues: new Map([[PidTag.Comment, 'x']]) }), 'NotFound');
  assert.equal(moveCopy([one], false, deleted, inbox), false);
  assert.deepEqual([contents(0), contents(0, deleted)], [['One'], []]);
  // Who opens a folder that is there so can do all that he could.
  alice.call(SetProperties, open(INBOX, OpenFolderFlags.OpenSoftDeleted), {
    propertyValues: new Map([[PidTag.Comment, 'x']]),
  });
  alice.call(DeleteFolder, inbox, { deleteFolderFlags: WHOLE | DeleteFolderFlags.DeleteHardDelete, folderId: sub });
  assert.deepEqual(hierarchy(SoftDeletes | TableFlags.Depth), []);
  assert.equal(alice.fails(GetContentsTable, deleted, { tableFlags: 0 }), 'NotFound');
});

test('RopMoveFolder and RopCopyFolder recover a folder', () => {
  const sub = makeFolder('Sub');
  add('One', counterOf(sub));
  alice.call(DeleteFolder, inbox, { deleteFolderFlags: WHOLE, folderId: sub });
  const request = {
    sourceHandleIndex: 0,
    destHandleIndex: 1,
    wantAsynchronous: false,
    useUnicode: true,
    folderId: sub,
  };
  const copy = { ...request, wantRecursive: true, newFolderName: 'Copy' };
  alice.payloads([ropOf(CopyFolder, copy)], [inbox, drafts]);
  assert.deepEqual([hierarchy(0, drafts), hierarchy(SoftDeletes)], [['Copy'], ['Sub']]);
  alice.payloads([ropOf(MoveFolder, { ...request, newFolderName: '' })], [inbox, inbox]);
  assert.deepEqual([hierarchy(0), hierarchy(SoftDeletes)], [['Sub'], []]);
  assert.deepEqual(contents(0, open(sub)), ['One']);
});

test('a delegate recovers what he may delete, and sees no soft-deleted folder', () => {
  const id = add('One');
  const sub = makeFolder('Sub');
  const { folders } = store.mailbox('alice');
  const rights = (given: number) =>
    folders.setPermissions(FolderId.Inbox, [{ account: 'bob', name: 'bob', rights: given }]);
  folders.setPermissions(counterOf(sub), [{ account: 'bob', name: 'bob', rights: 0x7ff }]);
  remove(DeleteMessages, [id]);
  alice.call(DeleteFolder, inbox, { deleteFolderFlags: WHOLE, folderId: sub });
  rights(Right.FolderVisible | Right.ReadAny | Right.Create);
  const bob = store.session('bob');
  const there = bob.logon('alice');
  const folder = bob.call(OpenFolder, there, { folderId: INBOX, openModeFlags: 0 }).handle;
  const move = (wantCopy: boolean) => {
    const request = { sourceHandleIndex: 0, destHandleIndex: 1, messageIds: [id], wantAsynchronous: false, wantCopy };
    bob.payloads([ropOf(MoveCopyMessages, request)], [folder, folder]);
  };
  assert.equal(bob.call(GetContentsTable, folder, { tableFlags: SoftDeletes }).response.rowCount, 1);
  assert.equal(bob.call(GetHierarchyTable, folder, { tableFlags: SoftDeletes }).response.rowCount, 0);
  const softly = { folderId: sub, openModeFlags: OpenFolderFlags.OpenSoftDeleted };
  assert.equal(bob.fails(OpenFolder, there, softly), 'NotFound');
  const message = bob.call(OpenMessage, there, openMessage(id, OpenSoftDeleted)).handle;
  move(false);
  assert.deepEqual(contents(SoftDeletes), ['One']);
  move(true);
  assert.deepEqual(contents(0), ['One']);
  rights(Right.FolderVisible | Right.ReadAny | Right.Create | Right.DeleteAny);
  move(false);
  assert.deepEqual([contents(0), contents(SoftDeletes)], [['One', 'One'], []]);
  // The message that he had open is there no more.
  const subject = { propertySizeLimit: 0, wantUnicode: true, propertyTags: [PidTag.Subject] };
  assert.equal(bob.fails(GetPropertiesSpecific, message, subject), 'NotFound');
});

test('clients are told that it is deleted, that it is there again, and that the table of what is deleted has changed', () => {
  const id = add('One');
  const { handle: table } = alice.call(GetContentsTable, inbox, { tableFlags: SoftDeletes });
  const { ObjectDeleted, ObjectCreated, ObjectMoved, TableModified } = NotificationType;
  const all = { notificationTypes: ObjectDeleted | ObjectCreated | ObjectMoved, wantWholeStore: true };
  alice.call(RegisterNotification, logon, all);
  /** What has happened since, each kind once. */
  const told = (): number[] => {
    const [payload] = alice.payloads([], []);
    const cursor = new Cursor(payload?.ropsList ?? new Uint8Array(0), 'answer');
    const found = new Set<number>();
    while (cursor.remaining > 0 && cursor.u8() === Notify.id) {
      const { notificationHandle, notificationData: data } = Notify.read(cursor, alice.coding);
      const type = data.notificationFlags & 0xfff;
      if (type !== TableModified) assert.equal(data.folderId, INBOX);
      else assert.deepEqual([notificationHandle, data.tableEventType], [table, TableEventType.TableChanged]);
      found.add(type);
    }
    return [...found].sort((a, b) => a - b);
  };
  assert.deepEqual(told(), []);
  const { messages } = store.mailbox('alice');
  messages.delete(FolderId.Inbox, [counterOf(id)]);
  assert.deepEqual(told(), [ObjectDeleted, TableModified]);
  messages.move(FolderId.Inbox, [counterOf(id)], FolderId.Inbox);
  assert.deepEqual(told(), [ObjectCreated, TableModified]);
  const [back = 0] = messages.ids(FolderId.Inbox, false);
  messages.delete(FolderId.Inbox, [back]);
  told();
  messages.delete(FolderId.Inbox, [back], true);
  assert.deepEqual(told(), [TableModified]);
});

test('what a client says of when something was deleted counts for nothing', () => {
  const id = add('One');
  const message = alice.call(OpenMessage, logon, openMessage(id, OpenMessageFlags.ReadWrite)).handle;
  const propertyValues = new Map([[PidTag.DeletedOn, 1n]]);
  for (const handle of [message, inbox]) {
    const { propertyProblems } = alice.call(SetProperties, handle, { propertyValues }).response;
    assert.deepEqual(
      propertyProblems.map(({ tag }) => tag),
      [PidTag.DeletedOn],
    );
    assert.deepEqual(get(handle, PidTag.DeletedOn), [undefined]);
  }
  assert.equal(PidTag.DeletedOn & 0xffff, PropertyType.Time);
});

test('whoever opens a mailbox brings it to forget what was deleted long enough ago, for as long as the store keeps it', async (t) => {
  const running = await RunningStore.start({ keepDeleted: 3 });
  t.after(() => running.close());
  const path = mailboxFile(running.folder, 'alice');
  mkdirSync(dirname(path), { recursive: true });
  let now = NOW - 4 * 86_400_000;
  const mailbox = Mailbox.create(path, 'alice', { now: () => now, random: options().random });
  t.after(() => mailbox.close());
  const deleteSome = (count: number) =>
    mailbox.transaction(() => {
      const ids = Array.from({ length: count }, () => mailbox.messages.add(FolderId.Inbox, mail('x')).id);
      mailbox.messages.delete(FolderId.Inbox, ids);
    });
  deleteSome(150);
  now = NOW - 2 * 86_400_000;
  deleteSome(1);
  const kept = () => mailbox.messages.ids(FolderId.Inbox, false, true).length;
  const connection = running.connection('alice');
  const { pcxh } = await connection.connect();
  const ropLogon = { outputHandleIndex: 0, logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf('alice') };
  const { result } = await connection.rpc(pcxh, bufferOf([ropOf(Logon, ropLogon)], [NO_HANDLE]));
  assert.equal(result, 0);
  for (let turn = 0; turn < 10 && kept() > 1; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(kept(), 1);
  assert.deepEqual(
    running.recorded.lines.filter(({ level }) => level === 'error'),
    [],
  );
});

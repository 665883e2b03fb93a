import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { type ObjectId, objectId } from '../../../src/mapi/object-id.ts';
import type { Properties, PropertyTag } from '../../../src/mapi/property.ts';
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
  MoveFolder,
  OpenFolder,
} from '../../../src/mapi/rops/folder.ts';
import { GetPermissionsTable, GetRulesTable, ModifyPermissions, RowFlags } from '../../../src/mapi/rops/permission.ts';
import {
  GetNamesFromPropertyIds,
  GetPropertiesSpecific,
  GetPropertyIdsFromNames,
  QueryNamedProperties,
  SetProperties,
} from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import {
  Abort,
  CreateBookmark,
  FindRow,
  QueryColumnsAll,
  QueryPosition,
  QueryRows,
  ResetTable,
  Restrict,
  SeekRow,
  SeekRowBookmark,
  SeekRowFractional,
  SetColumns,
  SortTable,
} from '../../../src/mapi/rops/table.ts';
import { userEntryId } from '../../../src/services/emsmdb/user-entry-id.ts';
import { dnOf, type RopClient, ropOf, TestStore } from './rop-client.ts';

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

function openFolder(id: number | ObjectId): number {
  const folderId = typeof id === 'bigint' ? id : objectId(id);
  return alice.call(OpenFolder, logon, { folderId, openModeFlags: 0 }).handle;
}

function createFolder(parent: number, displayName: string, openExisting = false) {
  return alice.call(CreateFolder, parent, {
    folderType: 1,
    useUnicodeStrings: true,
    openExisting,
    displayName,
    comment: 'made by a test',
  });
}

function add(folder: number, subject: string, more: Properties = new Map()): ObjectId {
  const properties = new Map([[PidTag.Subject, subject], ...more]);
  return objectId(store.mailbox('alice').messages.add(folder, { properties, recipients: [], attachments: [] }).id);
}

function rows(table: number, columns: readonly PropertyTag[], rowCount = 100) {
  const { response } = alice.call(QueryRows, table, { queryRowsFlags: 0, forwardRead: true, rowCount }, columns);
  return readRows(response.rowData, response.rowCount, columns, alice.coding);
}

function get(handle: number, ...tags: PropertyTag[]) {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: tags };
  return readRows(alice.call(GetPropertiesSpecific, handle, request, tags).response.rowData, 1, tags, alice.coding)[0];
}

test('[MS-OXCFOLD] 3.2.5.2: a folder is made, opened if it is there, and refused by its name', () => {
  const inbox = openFolder(FolderId.Inbox);
  const { response, handle } = createFolder(inbox, 'Projekte');
  assert.equal(response.isExistingFolder, false);
  assert.deepEqual(get(handle, PidTag.DisplayName, PidTag.Comment), [
    { value: 'Projekte' },
    { value: 'made by a test' },
  ]);
  const again = createFolder(inbox, 'PROJEKTE', true).response;
  assert.deepEqual([again.isExistingFolder, again.folderId], [true, response.folderId]);
  const request = {
    folderType: 1,
    useUnicodeStrings: false,
    openExisting: false,
    displayName: 'projekte',
    comment: '',
  };
  assert.equal(alice.fails(CreateFolder, inbox, request), 'DuplicateName');
  assert.equal(alice.fails(CreateFolder, inbox, { ...request, folderType: 7 }), 'InvalidParam');
});

test('a folder that is not there, and an id of another replica, are NotFound', () => {
  assert.equal(alice.fails(OpenFolder, logon, { folderId: objectId(0xffff), openModeFlags: 0 }), 'NotFound');
  assert.equal(alice.fails(OpenFolder, logon, { folderId: objectId(FolderId.Inbox, 2), openModeFlags: 0 }), 'NotFound');
});

test('[MS-OXCFOLD] 3.2.5.3: a folder with something in it goes only where the flags say so', () => {
  const inbox = openFolder(FolderId.Inbox);
  const { folderId } = createFolder(inbox, 'Full').response;
  add(Number(store.mailbox('alice').folders.childNamed(FolderId.Inbox, 'Full')?.id), 'x');
  const remove = (deleteFolderFlags: number) =>
    alice.call(DeleteFolder, inbox, { deleteFolderFlags, folderId }).response;
  assert.equal(remove(0).partialCompletion, true);
  assert.equal(alice.fails(DeleteFolder, inbox, { deleteFolderFlags: 2, folderId }), 'InvalidParam');
  assert.equal(remove(1).partialCompletion, false);
  assert.equal(alice.fails(DeleteFolder, inbox, { deleteFolderFlags: 1, folderId }), 'NotFound');
  const subtree = openFolder(FolderId.IpmSubtree);
  const special = { deleteFolderFlags: 5, folderId: objectId(FolderId.Inbox) };
  assert.equal(alice.fails(DeleteFolder, subtree, special), 'AccessDenied');
});

test('folders are moved and copied, with a new name or their own', () => {
  const inbox = openFolder(FolderId.Inbox);
  const drafts = openFolder(FolderId.Drafts);
  const { folderId } = createFolder(inbox, 'A').response;
  const flags = { wantAsynchronous: false, useUnicode: true, folderId };
  const move = ropOf(MoveFolder, { sourceHandleIndex: 0, destHandleIndex: 1, ...flags, newFolderName: 'B' });
  alice.payloads([move], [inbox, drafts]);
  const { folders } = store.mailbox('alice');
  assert.equal(folders.childNamed(FolderId.Inbox, 'A'), undefined);
  assert.ok(folders.childNamed(FolderId.Drafts, 'B'));
  const copy = ropOf(CopyFolder, {
    sourceHandleIndex: 0,
    destHandleIndex: 1,
    wantRecursive: true,
    ...flags,
    newFolderName: '',
  });
  alice.payloads([copy], [drafts, inbox]);
  assert.ok(folders.childNamed(FolderId.Inbox, 'B') && folders.childNamed(FolderId.Drafts, 'B'));
});

test('[MS-OXCROPS] 2.2.4.6: without a destination the answer is DstNullObject with the index of its slot', () => {
  const inbox = openFolder(FolderId.Inbox);
  const request = { destHandleIndex: 1, sourceHandleIndex: 0, messageIds: [], wantAsynchronous: false, wantCopy: true };
  const { response } = alice.try(MoveCopyMessages, inbox, request);
  assert.deepEqual(
    { ...response },
    { handleIndex: 0, returnValue: 0x503, ok: false, destHandleIndex: 1, partialCompletion: false },
  );
});

test('messages are copied, moved and deleted; ids that are not there are passed over', () => {
  const id = add(FolderId.Inbox, 'x');
  const inbox = openFolder(FolderId.Inbox);
  const drafts = openFolder(FolderId.Drafts);
  const request = { sourceHandleIndex: 0, destHandleIndex: 1, messageIds: [id], wantAsynchronous: false };
  alice.payloads([ropOf(MoveCopyMessages, { ...request, wantCopy: true })], [inbox, drafts]);
  const { messages } = store.mailbox('alice');
  const counts = () => [messages.ids(FolderId.Inbox, false).length, messages.ids(FolderId.Drafts, false).length];
  assert.deepEqual(counts(), [1, 1]);
  alice.payloads([ropOf(MoveCopyMessages, { ...request, wantCopy: false })], [inbox, drafts]);
  assert.deepEqual(counts(), [0, 2]);
  const gone = { wantAsynchronous: false, notifyNonRead: false, messageIds: [id] };
  assert.equal(alice.call(DeleteMessages, drafts, gone).response.partialCompletion, true);
  const all = messages.ids(FolderId.Drafts, false).map((each) => objectId(each));
  assert.equal(alice.call(DeleteMessages, drafts, { ...gone, messageIds: all }).response.partialCompletion, false);
  assert.deepEqual(counts(), [0, 0]);
});

test('[MS-OXCFOLD] 3.2.5.9: a folder is emptied of messages and folders, associated messages if they are meant', () => {
  const inbox = openFolder(FolderId.Inbox);
  createFolder(inbox, 'Sub');
  add(FolderId.Inbox, 'x');
  const content = { properties: new Map([[PidTag.Subject, 'fai']]), recipients: [], attachments: [] };
  const { messages, folders } = store.mailbox('alice');
  messages.add(FolderId.Inbox, content, { associated: true });
  const empty = (wantDeleteAssociated: boolean) =>
    alice.call(EmptyFolder, inbox, { wantAsynchronous: false, wantDeleteAssociated }).response.partialCompletion;
  assert.equal(empty(false), false);
  assert.deepEqual(folders.children(FolderId.Inbox), []);
  assert.equal(messages.ids(FolderId.Inbox, false).length, 0);
  assert.equal(messages.ids(FolderId.Inbox, true).length, 1);
  assert.equal(empty(true), false);
  assert.equal(messages.ids(FolderId.Inbox, true).length, 0);
});

test('the hierarchy below a folder, flat and deep', () => {
  const inbox = openFolder(FolderId.Inbox);
  const sub = createFolder(inbox, 'Sub').handle;
  createFolder(sub, 'Subsub');
  const columns = [PidTag.DisplayName, PidTag.Depth];
  const list = (tableFlags: number) => {
    const { response, handle } = alice.call(GetHierarchyTable, inbox, { tableFlags });
    alice.call(SetColumns, handle, { setColumnsFlags: 0, propertyTags: columns });
    const found = rows(handle, columns);
    assert.equal(found.length, response.rowCount);
    return found;
  };
  assert.deepEqual(list(0), [[{ value: 'Sub' }, { value: 1 }]]);
  assert.deepEqual(list(4), [
    [{ value: 'Sub' }, { value: 1 }],
    [{ value: 'Subsub' }, { value: 2 }],
  ]);
});

test('a contents table with columns, order, restriction, find, seek and bookmarks', () => {
  for (const subject of ['b', 'd', 'a', 'c', 'e']) add(FolderId.Inbox, subject);
  const { response, handle: table } = alice.call(GetContentsTable, openFolder(FolderId.Inbox), { tableFlags: 0 });
  assert.equal(response.rowCount, 5);
  const columns = [PidTag.Subject];
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 2 };
  assert.equal(alice.fails(QueryRows, table, query), 'NullObject');
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  const sortOrders = { orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 };
  alice.call(SortTable, table, { sortTableFlags: 0, sortOrders });
  const subjects = (count?: number) => rows(table, columns, count).map(([cell]) => (cell as { value: string }).value);
  assert.deepEqual(subjects(2), ['a', 'b']);
  assert.deepEqual(
    { ...alice.call(QueryPosition, table, {}).response, ok: 0 },
    { handleIndex: 0, returnValue: 0, ok: 0, numerator: 2, denominator: 5 },
  );
  const { bookmark } = alice.call(CreateBookmark, table, {}).response;
  assert.deepEqual(subjects(), ['c', 'd', 'e']);
  const sought = alice.call(SeekRow, table, { origin: 0, rowCount: 9, wantRowMovedCount: true }).response;
  assert.deepEqual([sought.hasSoughtLess, sought.rowsSought], [true, 5]);
  alice.call(SeekRowBookmark, table, { bookmark, rowCount: 1, wantRowMovedCount: false });
  assert.deepEqual(subjects(1), ['d']);
  alice.call(SeekRowFractional, table, { numerator: 1, denominator: 5 });
  assert.deepEqual(subjects(1), ['b']);
  const restriction = (relOp: number, value: string) => {
    return { kind: 'property', relOp, tag: PidTag.Subject, valueTag: PidTag.Subject, value } as const;
  };
  const find = { findRowFlags: 0, origin: 0, bookmark: new Uint8Array(0), restrictionData: restriction(4, 'd') };
  const { response: hit } = alice.call(FindRow, table, find, columns);
  assert.deepEqual(readRows(hit.rowData ?? new Uint8Array(0), 1, columns, alice.coding), [[{ value: 'd' }]]);
  assert.equal(alice.fails(FindRow, table, { ...find, restrictionData: restriction(4, 'z') }), 'NotFound');
  alice.call(Restrict, table, { restrictFlags: 0, restrictionData: restriction(2, 'c') });
  assert.deepEqual(subjects(), ['d', 'e']);
  alice.call(ResetTable, table, {});
  assert.equal(alice.fails(QueryRows, table, query), 'NullObject');
  assert.equal(alice.fails(Abort, table, {}), 'UnableToAbort');
  const tags = alice.call(QueryColumnsAll, table, {}).response.propertyTags;
  assert.ok(tags.includes(PidTag.Subject));
});

test('[MS-OXCPERM]: rights are given by the entry ids of users, and shown again', () => {
  const inbox = openFolder(FolderId.Inbox);
  const modify = (permissionDataFlags: number, values: Properties, modifyFlags = 0) =>
    ({ modifyFlags, permissionsData: [{ permissionDataFlags, propertyValues: values }] }) as const;
  const bob: Properties = new Map<PropertyTag, Uint8Array | number>([
    [PidTag.EntryId, userEntryId(dnOf('bob'))],
    [PidTag.MemberRights, Right.ReadAny | Right.FolderVisible],
  ]);
  alice.call(ModifyPermissions, inbox, modify(RowFlags.Add, bob));
  const columns = [PidTag.MemberName, PidTag.MemberRights, PidTag.MemberId, PidTag.EntryId];
  const list = () => {
    const table = alice.call(GetPermissionsTable, inbox, { tableFlags: 0 }).handle;
    alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
    return rows(table, columns).map((row) => row.map((cell) => (cell as { value: unknown }).value));
  };
  const found = list().find(([name]) => name === 'bob');
  assert.ok(found);
  assert.deepEqual(found.slice(1, 2).concat(found.slice(3)), [
    Right.ReadAny | Right.FolderVisible,
    userEntryId(dnOf('bob')),
  ]);
  assert.equal(store.mailbox('alice').folders.rights(FolderId.Inbox, 'bob'), Right.ReadAny | Right.FolderVisible);
  const id = found[2] as bigint;
  const lesser = new Map<PropertyTag, bigint | number>([
    [PidTag.MemberId, id],
    [PidTag.MemberRights, Right.FolderVisible],
  ]);
  alice.call(ModifyPermissions, inbox, modify(RowFlags.Modify, lesser));
  assert.equal(store.mailbox('alice').folders.rights(FolderId.Inbox, 'bob'), Right.FolderVisible);
  alice.call(ModifyPermissions, inbox, modify(RowFlags.Remove, new Map([[PidTag.MemberId, id]])));
  assert.ok(!list().some(([name]) => name === 'bob'));
  const nobody = new Map<PropertyTag, Uint8Array | number>([
    [PidTag.EntryId, userEntryId(dnOf('nobody'))],
    [PidTag.MemberRights, 1],
  ]);
  assert.equal(alice.fails(ModifyPermissions, inbox, modify(RowFlags.Add, nobody)), 'InvalidParam');
});

test('there are no rules', () => {
  const inbox = openFolder(FolderId.Inbox);
  const table = alice.call(GetRulesTable, inbox, { tableFlags: 0 }).handle;
  const columns = [PidTag.RuleName];
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  assert.deepEqual(rows(table, columns), []);
});

test('[MS-OXCPRPT] 3.2.5.10: named properties have ids, and ids names', () => {
  const names = [
    { guid: '00062008-0000-0000-c000-000000000046', lid: 0x8503 },
    { guid: '00020329-0000-0000-c000-000000000046', name: 'Färbung' },
    { guid: '00020328-0000-0000-c000-000000000046', lid: 0x37 },
  ];
  const ids = (flags: number) => alice.try(GetPropertyIdsFromNames, logon, { flags, propertyNames: names }).response;
  const before = ids(0);
  assert.deepEqual([before.returnValue, before.ok && before.propertyIds], [0x00040380, [0, 0, 0x37]]);
  const made = ids(2);
  assert.ok(made.ok && made.propertyIds.every((id) => id !== 0));
  const known = ids(0);
  assert.deepEqual(known.ok && known.propertyIds, made.propertyIds);
  const back = alice.call(GetNamesFromPropertyIds, logon, { propertyIds: [...made.propertyIds, 0xfffe] }).response;
  assert.deepEqual(back.propertyNames, [...names, undefined]);
  const strings = alice.call(QueryNamedProperties, logon, { queryFlags: 2, hasGuid: false }).response.properties;
  assert.ok(strings.some(({ name }) => name !== undefined && 'name' in name && name.name === 'Färbung'));
  assert.ok(strings.every(({ name }) => name === undefined || 'name' in name));
});

test('properties of a folder are stored at once, and counts are not set', () => {
  const inbox = openFolder(FolderId.Inbox);
  const { propertyProblems } = alice.call(SetProperties, inbox, {
    propertyValues: new Map<PropertyTag, string | number>([
      [PidTag.Comment, 'of mine'],
      [PidTag.ContentCount, 7],
    ]),
  }).response;
  assert.deepEqual(
    propertyProblems.map(({ tag }) => tag),
    [PidTag.ContentCount],
  );
  assert.deepEqual(get(openFolder(FolderId.Inbox), PidTag.Comment, PidTag.ContentCount), [
    { value: 'of mine' },
    { value: 0 },
  ]);
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { MAX_RESERVED_IDS } from '../../../src/mailbox/limits.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { counterOf, objectId } from '../../../src/mapi/object-id.ts';
import { CreateFolder, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { CreateMessage, SaveChangesMessage } from '../../../src/mapi/rops/message.ts';
import { IdFromLongTermId, LongTermIdFromId } from '../../../src/mapi/rops/store.ts';
import { GetLocalReplicaIds, SetLocalReplicaMidsetDeleted } from '../../../src/mapi/rops/synchronization.ts';
import { type RopClient, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);
const OTHER = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

let store: TestStore;
let alice: RopClient;
let logon: number;
let inbox: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
  inbox = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
});
afterEach(() => store.close());

/** The range of ids that is reserved. */
function reserve(idCount: number, client = alice, handle = logon) {
  const { replGuid, globalCount } = client.call(GetLocalReplicaIds, handle, { idCount }).response;
  return { guid: replGuid, first: globalCount, last: globalCount + idCount - 1 };
}

function rangeOf(guid: string, first: number, last: number, maxGuid = guid) {
  return { minLongTermId: { guid, counter: first }, maxLongTermId: { guid: maxGuid, counter: last } };
}

function makeMessage(): number {
  const request = { codePageId: 0xfff, folderId: INBOX, associatedFlag: false };
  const message = alice.call(CreateMessage, logon, request).handle;
  return counterOf(alice.call(SaveChangesMessage, message, { saveFlags: 0x0a }).response.messageId);
}

function makeFolder(displayName: string): number {
  const request = { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName, comment: '' };
  return counterOf(alice.call(CreateFolder, inbox, request).response.folderId);
}

test('[MS-OXCFXICS] 3.2.5.9.4.7: ids are reserved from those that messages and folders get, and are nobody else’s', () => {
  const taken: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { guid, first, last } = reserve(0x200);
    assert.equal(guid, store.mailbox('alice').info.replicaGuid);
    for (let id = first; id <= last; id += 1) taken.push(id);
    taken.push(makeMessage(), makeFolder(`Folder ${round}`));
  }
  assert.equal(new Set(taken).size, taken.length);
});

test('ids that were reserved have both forms', () => {
  const { guid, last } = reserve(MAX_RESERVED_IDS);
  const longTermId = { guid, counter: last };
  const { objectId: id } = alice.call(IdFromLongTermId, logon, { longTermId }).response;
  assert.equal(counterOf(id), last);
  assert.deepEqual(alice.call(LongTermIdFromId, logon, { objectId: id }).response.longTermId, longTermId);
});

test('what is no number of ids, and no logon', () => {
  for (const idCount of [0, MAX_RESERVED_IDS + 1, 0xffffffff]) {
    assert.equal(alice.fails(GetLocalReplicaIds, logon, { idCount }), 'InvalidParam');
  }
  assert.equal(alice.fails(GetLocalReplicaIds, inbox, { idCount: 1 }), 'NotSupported');
  const { guid, first } = reserve(1);
  const longTermIdRanges = [rangeOf(guid, first, first)];
  assert.equal(alice.fails(SetLocalReplicaMidsetDeleted, logon, { longTermIdRanges }), 'NotSupported');
});

test('[MS-OXCFXICS] 3.2.5.9.4.8: ids that clients will not use get into the folder’s deleted item list', () => {
  const { guid, first, last } = reserve(0x200);
  const report = (...longTermIdRanges: readonly ReturnType<typeof rangeOf>[]) =>
    alice.call(SetLocalReplicaMidsetDeleted, inbox, { longTermIdRanges });
  report(rangeOf(guid, first, first + 1), rangeOf(guid, first + 10, last));
  report(rangeOf(guid, first + 2, first + 2));
  const { clientIds } = store.mailbox('alice');
  assert.deepEqual(clientIds.deleted(FolderId.Inbox), [
    { first, last: first + 2 },
    { first: first + 10, last },
  ]);
  const fails = (...longTermIdRanges: readonly ReturnType<typeof rangeOf>[]) =>
    alice.fails(SetLocalReplicaMidsetDeleted, inbox, { longTermIdRanges });
  assert.equal(fails(), 'InvalidParam');
  assert.equal(fails(rangeOf(OTHER, first, last)), 'InvalidParam');
  assert.equal(fails(rangeOf(guid, first, last, OTHER)), 'InvalidParam');
  assert.equal(fails(rangeOf(guid, last, first)), 'InvalidParam');
  assert.equal(fails(rangeOf(guid, first, last + 1)), 'InvalidParam');
  const made = makeMessage();
  assert.equal(fails(rangeOf(guid, first + 3, first + 3), rangeOf(guid, made, made)), 'InvalidParam');
  assert.equal(clientIds.deleted(FolderId.Inbox)[0]?.last, first + 2);
});

test('a delegate gets ids where he may make something somewhere, and reports them where he may make messages', () => {
  const { folders, clientIds } = store.mailbox('alice');
  const grant = (folder: number, rights: number) =>
    folders.setPermissions(folder, [{ account: 'bob', name: 'Bob', rights: rights | Right.FolderVisible }]);
  grant(FolderId.Inbox, Right.ReadAny);
  const bob = store.session('bob');
  const delegate = bob.logon('alice');
  assert.equal(bob.fails(GetLocalReplicaIds, delegate, { idCount: 1 }), 'AccessDenied');
  grant(FolderId.Drafts, Right.CreateSubfolder);
  const { guid, first } = reserve(1, bob, delegate);
  const theirs = bob.call(OpenFolder, delegate, { folderId: INBOX, openModeFlags: 0 }).handle;
  const request = { longTermIdRanges: [rangeOf(guid, first, first)] };
  assert.equal(bob.fails(SetLocalReplicaMidsetDeleted, theirs, request), 'AccessDenied');
  grant(FolderId.Inbox, Right.ReadAny | Right.Create);
  bob.call(SetLocalReplicaMidsetDeleted, theirs, request);
  assert.deepEqual(clientIds.deleted(FolderId.Inbox), [{ first, last: first }]);
  // What everybody may, he may, unless the list says otherwise of him.
  grant(FolderId.Drafts, 0);
  folders.setPermissions(FolderId.Inbox, [
    { account: '', name: '', rights: Right.Create | Right.FolderVisible },
    { account: 'bob', name: 'Bob', rights: Right.ReadAny | Right.FolderVisible },
  ]);
  assert.equal(bob.fails(GetLocalReplicaIds, delegate, { idCount: 1 }), 'AccessDenied');
  folders.setPermissions(FolderId.Inbox, [{ account: '', name: '', rights: Right.Create | Right.FolderVisible }]);
  reserve(1, bob, delegate);
});

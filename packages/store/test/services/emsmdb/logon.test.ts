import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { GetPropertiesSpecific } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import {
  GetReceiveFolder,
  GetStoreState,
  IdFromLongTermId,
  LongTermIdFromId,
  Release,
} from '../../../src/mapi/rops/store.ts';
import { GetAddressTypes, GetTransportFolder } from '../../../src/mapi/rops/transport.ts';
import { TestStore } from './rop-client.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

test('the first logon of a user of the directory makes his mailbox', () => {
  assert.equal(store.mailboxes.size, 0);
  const alice = store.session('alice');
  alice.logon();
  assert.deepEqual([...store.mailboxes.keys()], ['alice']);
});

test('[MS-OXCSTOR] 2.2.1.1.3: the response names the mailbox and its folders', () => {
  const alice = store.session('alice');
  const handle = alice.logon();
  const opened = alice.call(OpenFolder, handle, { folderId: objectId(FolderId.Inbox), openModeFlags: 0 });
  const tags = [PidTag.DisplayName, PidTag.FolderId];
  const { response } = alice.call(
    GetPropertiesSpecific,
    opened.handle,
    { propertySizeLimit: 0, wantUnicode: true, propertyTags: tags },
    tags,
  );
  assert.deepEqual(readRows(response.rowData, 1, tags, alice.coding), [
    [{ value: 'Inbox' }, { value: BigInt.asIntN(64, objectId(FolderId.Inbox)) }],
  ]);
});

test('[MS-OXCSTOR] 3.2.5.1: who is refused, and why', () => {
  const alice = store.session('alice');
  assert.equal(alice.tryLogon('nobody'), 'UnknownUser');
  assert.equal(alice.tryLogon('alice', { logonFlags: 0 }), 'LoginFailure');
  assert.equal(alice.tryLogon('alice', { logonFlags: 0x81 }), 'Error');
  assert.equal(alice.tryLogon('alice', { openFlags: 1 }), 'LoginPerm');
  assert.equal(alice.tryLogon('bob'), 'AccessDenied');
  assert.equal(store.mailboxes.has('bob'), false, "another user's logon makes no mailbox");
  store.mailbox('bob');
  assert.equal(alice.tryLogon('bob'), 'AccessDenied');
  const refused = store.recorded.lines.filter(({ fields }) => fields.event === 'store.logon.refused');
  assert.equal(refused.length, 4);
});

test('who has a right to a folder may log on to its mailbox; free/busy rights and being its contact are none', () => {
  const bob = store.mailbox('bob');
  const alice = store.session('alice');
  const grant = (rights: number) => {
    bob.folders.setPermissions(FolderId.Calendar, [{ account: 'alice', name: 'alice', rights }]);
  };
  grant(Right.FreeBusySimple | Right.FreeBusyDetailed | Right.FolderContact | Right.FolderVisible);
  assert.equal(alice.tryLogon('bob'), 'AccessDenied');
  grant(Right.FolderVisible | Right.ReadAny);
  assert.equal(alice.tryLogon('bob'), 'Success');
});

test('a second mailbox takes USE_PER_MDB_REPLID_MAPPING', () => {
  store
    .mailbox('bob')
    .folders.setPermissions(FolderId.Inbox, [
      { account: 'alice', name: 'alice', rights: Right.FolderVisible | Right.ReadAny },
    ]);
  const alice = store.session('alice');
  alice.logon();
  assert.equal(alice.tryLogon('bob', { openFlags: 0, logonId: 1 }), 'InvalidParam');
  assert.equal(alice.tryLogon('bob', { openFlags: 0x01000000, logonId: 1 }), 'Success');
});

test('[MS-OXCROPS] 3.2.5.3: handles that were never given, were released, or are of another logon', () => {
  const alice = store.session('alice');
  const first = alice.logon('alice', 0);
  const second = alice.logon('alice', 1);
  assert.equal(alice.fails(GetStoreState, 0x12345, {}), 'NullObject');
  assert.equal(alice.fails(GetStoreState, second, {}), 'AccessDenied');
  const folder = alice.call(OpenFolder, first, { folderId: objectId(FolderId.Inbox), openModeFlags: 0 }).handle;
  assert.equal(alice.fails(GetStoreState, folder, {}), 'NotSupported');
  alice.payloads([{ rop: Release, request: { inputHandleIndex: 0 } }], [folder]);
  assert.equal(alice.fails(GetStoreState, folder, {}), 'InvalidObject');
});

test('a logon that is released takes everything with it', () => {
  const alice = store.session('alice');
  const logon = alice.logon();
  const folder = alice.call(OpenFolder, logon, { folderId: objectId(FolderId.Inbox), openModeFlags: 0 }).handle;
  alice.payloads([{ rop: Release, request: { inputHandleIndex: 0 } }], [logon]);
  alice.logon('alice', 0);
  assert.equal(alice.fails(GetStoreState, folder, {}), 'InvalidObject');
});

test('a LogonId that is logged on again releases what it was', () => {
  const alice = store.session('alice');
  const before = alice.logon();
  alice.logon();
  assert.equal(alice.fails(GetStoreState, before, {}), 'InvalidObject');
});

test('ids in their long form and back', () => {
  const alice = store.session('alice');
  const logon = alice.logon();
  const id = objectId(FolderId.Inbox);
  const { longTermId } = alice.call(LongTermIdFromId, logon, { objectId: id }).response;
  assert.deepEqual(longTermId, { guid: store.mailbox('alice').info.replicaGuid, counter: FolderId.Inbox });
  assert.equal(alice.call(IdFromLongTermId, logon, { longTermId }).response.objectId, id);
  assert.equal(alice.fails(LongTermIdFromId, logon, { objectId: id + 1n }), 'NotFound');
  const foreign = { ...longTermId, guid: '11111111-2222-3333-4444-555555555555' };
  assert.equal(alice.fails(IdFromLongTermId, logon, { longTermId: foreign }), 'NotFound');
});

test('receive folder, transport folder and address types', () => {
  const alice = store.session('alice');
  const logon = alice.logon();
  const { response } = alice.call(GetReceiveFolder, logon, { messageClass: 'IPM.Note.Special' });
  assert.deepEqual([response.folderId, response.explicitMessageClass], [objectId(FolderId.Inbox), 'IPM']);
  assert.equal(alice.call(GetTransportFolder, logon, {}).response.folderId, objectId(FolderId.Outbox));
  assert.deepEqual(alice.call(GetAddressTypes, logon, {}).response.addressTypes, ['SMTP', 'EX']);
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import {
  GetOwningServers,
  GetReceiveFolder,
  GetReceiveFolderTable,
  PublicFolderIsGhosted,
  SetReceiveFolder,
} from '../../../src/mapi/rops/store.ts';
import { OptionsData, SetSpooler } from '../../../src/mapi/rops/transport.ts';
import { type RopClient, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);
const DRAFTS = objectId(FolderId.Drafts);

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

/** Which folder a class of message goes to, and by which entry of the table. */
function found(messageClass: string) {
  const { folderId, explicitMessageClass } = alice.call(GetReceiveFolder, logon, { messageClass }).response;
  return [folderId, explicitMessageClass];
}

/** Folders by their classes, as the table has them. */
function listed(): ReadonlyMap<unknown, unknown> {
  const { rows } = alice.call(GetReceiveFolderTable, logon, {}).response;
  const value = (cell: (typeof rows)[number][number] | undefined) =>
    typeof cell === 'object' && 'value' in cell ? cell.value : undefined;
  return new Map(
    rows.map(([folder, messageClass]) => [value(messageClass), BigInt.asUintN(64, value(folder) as bigint)]),
  );
}

test('[MS-OXCSTOR] 3.2.5.2, 3.2.5.3: a receive folder is set, found by the longest class, and taken away', () => {
  const before = listed();
  assert.ok(before.size > 0);
  alice.call(SetReceiveFolder, logon, { folderId: DRAFTS, messageClass: 'IPM.Note.Sample' });
  assert.deepEqual(found('IPM.Note.Sample.Special'), [DRAFTS, 'IPM.Note.Sample']);
  assert.deepEqual(found('ipm.note.sample'), [DRAFTS, 'IPM.Note.Sample']);
  assert.equal(found('IPM.Note.Samples')[0], INBOX);
  assert.deepEqual(listed(), new Map([...before, ['IPM.Note.Sample', DRAFTS]]));
  alice.call(SetReceiveFolder, logon, { folderId: 0n, messageClass: 'IPM.Note.Sample' });
  assert.equal(found('IPM.Note.Sample')[0], INBOX);
  assert.deepEqual(listed(), before);
});

test('[MS-OXCSTOR] 3.2.5.3: receive folders that cannot be', () => {
  const set = (messageClass: string, folderId = DRAFTS) =>
    alice.fails(SetReceiveFolder, logon, { folderId, messageClass });
  assert.equal(set('IPM..Note'), 'InvalidParam');
  assert.equal(set('.IPM'), 'InvalidParam');
  assert.equal(set('x'.repeat(256)), 'InvalidParam');
  assert.equal(set('IPM', objectId(0xffff)), 'NotFound');
});

test('what a mailbox has not answers so: ghosts, owning servers, options of address types', () => {
  // [MS-OXCSTOR] 3.2.5.7: of a private mailbox whatever folder is asked for.
  for (const folderId of [INBOX, objectId(0xffff), objectId(1, 7)]) {
    assert.equal(alice.call(PublicFolderIsGhosted, logon, { folderId }).response.isGhosted, false);
  }
  assert.equal(alice.fails(GetOwningServers, logon, { folderId: INBOX }), 'NotSupported');
  const options = alice.call(OptionsData, logon, { addressType: 'SMTP', wantWin32: true }).response;
  assert.deepEqual([options.optionsInfo.length, options.helpFile.length, options.helpFileName], [0, 0, undefined]);
  alice.call(SetSpooler, logon, {});
  const folder = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  assert.equal(alice.fails(SetSpooler, folder, {}), 'NotSupported');
});

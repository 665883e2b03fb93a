import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import {
  CreateFolder,
  HardDeleteMessages,
  HardDeleteMessagesAndSubfolders,
  OpenFolder,
} from '../../../src/mapi/rops/folder.ts';
import { CreateMessage } from '../../../src/mapi/rops/message.ts';
import {
  DeletePropertiesNoReplicate,
  GetPropertiesSpecific,
  SetPropertiesNoReplicate,
} from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import {
  GetStreamSize,
  OpenStream,
  SeekStream,
  WriteAndCommitStream,
  WriteStreamExtended,
} from '../../../src/mapi/rops/stream.ts';
import { type RopClient, TestStore } from './rop-client.ts';

/** ROPs that do what others do, in another form ([MS-OXCROPS] 2.2.4.10, 2.2.4.12, 2.2.8.7, 2.2.8.9, 2.2.9.4, 2.2.9.12). */

const INBOX = objectId(FolderId.Inbox);

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

function add(associated = false) {
  const content = { properties: new Map([[PidTag.Subject, 'x']]), recipients: [], attachments: [] };
  return objectId(store.mailbox('alice').messages.add(FolderId.Inbox, content, { associated }).id);
}

function get(handle: number, tag: PropertyTag) {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: [tag] };
  const { rowData } = alice.call(GetPropertiesSpecific, handle, request, [tag]).response;
  return readRows(rowData, 1, [tag], alice.coding)[0]?.[0];
}

test('messages are deleted for good; one that is not there leaves it partial', () => {
  const [first, second] = [add(), add()];
  const remove = (...messageIds: bigint[]) =>
    alice.call(HardDeleteMessages, inbox, { wantAsynchronous: false, notifyNonRead: false, messageIds }).response
      .partialCompletion;
  const left = () =>
    store
      .mailbox('alice')
      .messages.ids(FolderId.Inbox, false)
      .map((id) => objectId(id));
  assert.equal(remove(first), false);
  assert.deepEqual(left(), [second]);
  assert.equal(remove(first, second), true);
  assert.deepEqual(left(), []);
});

test('a folder is emptied for good, of the folders below it too', () => {
  add();
  add(true);
  const made = { folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'Below', comment: '' };
  alice.call(CreateFolder, inbox, made);
  const empty = (wantDeleteAssociated: boolean) =>
    alice.call(HardDeleteMessagesAndSubfolders, inbox, { wantAsynchronous: false, wantDeleteAssociated }).response
      .partialCompletion;
  const { messages, folders } = store.mailbox('alice');
  const left = () => [messages.ids(FolderId.Inbox, false).length, messages.ids(FolderId.Inbox, true).length];
  assert.equal(empty(false), false);
  assert.deepEqual(left(), [0, 1]);
  assert.deepEqual(folders.children(FolderId.Inbox), []);
  assert.equal(empty(true), false);
  assert.deepEqual(left(), [0, 0]);
});

test('properties that are not to be replicated are set and deleted all the same', () => {
  const values = new Map<PropertyTag, string | number>([
    [PidTag.Comment, 'of mine'],
    [PidTag.ContentCount, 7],
  ]);
  const { propertyProblems } = alice.call(SetPropertiesNoReplicate, inbox, { propertyValues: values }).response;
  assert.deepEqual(
    propertyProblems.map(({ index, tag }) => [index, tag]),
    [[1, PidTag.ContentCount]],
  );
  assert.deepEqual(get(inbox, PidTag.Comment), { value: 'of mine' });
  const removed = alice.call(DeletePropertiesNoReplicate, inbox, { propertyTags: [PidTag.Comment] }).response;
  assert.deepEqual(removed.propertyProblems, []);
  assert.deepEqual(get(inbox, PidTag.Comment), { error: 0x8004010f });
});

test('a stream is written and committed at once, or with a count of 32 bits', () => {
  const tag = PidTag.FolderWebViewInfo;
  const stored = () => store.mailbox('alice').folders.properties(FolderId.Inbox).get(tag);
  const stream = alice.call(OpenStream, inbox, { propertyTag: tag, openModeFlags: 2 }).handle;
  assert.equal(alice.call(WriteStreamExtended, stream, { data: Uint8Array.of(1, 2, 3) }).response.writtenSize, 3);
  assert.equal(stored(), undefined, 'a folder has it when the stream is committed');
  assert.equal(alice.call(WriteAndCommitStream, stream, { data: Uint8Array.of(4) }).response.writtenSize, 1);
  assert.deepEqual(stored(), Uint8Array.of(1, 2, 3, 4));
  alice.call(SeekStream, stream, { origin: 0, offset: 2n });
  alice.call(WriteAndCommitStream, stream, { data: Uint8Array.of(9) });
  assert.deepEqual(stored(), Uint8Array.of(1, 2, 9, 4));
});

test('what is written to a stream that is to be read alone is refused, with nothing written', () => {
  const message = alice.call(CreateMessage, logon, {
    codePageId: 0xfff,
    folderId: INBOX,
    associatedFlag: false,
  }).handle;
  const create = alice.call(OpenStream, message, { propertyTag: PidTag.Html, openModeFlags: 2 }).handle;
  alice.call(WriteStreamExtended, create, { data: Uint8Array.of(1) });
  const reader = alice.call(OpenStream, message, { propertyTag: PidTag.Html, openModeFlags: 0 }).handle;
  for (const rop of [WriteStreamExtended, WriteAndCommitStream]) {
    assert.equal(alice.fails(rop, reader, { data: Uint8Array.of(2) }), 'StreamAccessDenied');
  }
  assert.equal(alice.call(GetStreamSize, reader, {}).response.streamSize, 1);
});

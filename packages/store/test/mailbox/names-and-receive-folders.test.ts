import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { PropertySet } from '../../src/mapi/property-name.ts';
import { newMailbox } from './support.ts';

const COMMON = PropertySet.PSETID_Common;
const PUBLIC = PropertySet.PS_PUBLIC_STRINGS;

function refused(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

test('names get ids from 0x8000 on, and keep them ([MS-OXCPRPT] 3.2.5.9)', () => {
  const { names } = newMailbox();
  assert.equal(names.idOf({ guid: COMMON, lid: 0x8503 }, false), 0);
  assert.equal(names.idOf({ guid: COMMON, lid: 0x8503 }, true), 0x8000);
  assert.equal(names.idOf({ guid: PUBLIC, name: 'Keywords' }, true), 0x8001);
  assert.equal(names.idOf({ guid: COMMON.toUpperCase(), lid: 0x8503 }, false), 0x8000);
  assert.deepEqual(names.nameOf(0x8001), { guid: PUBLIC, name: 'Keywords' });
  assert.equal(names.nameOf(0x8002), undefined);
  assert.deepEqual(names.all(), [
    { id: 0x8000, name: { guid: COMMON, lid: 0x8503 } },
    { id: 0x8001, name: { guid: PUBLIC, name: 'Keywords' } },
  ]);
});

test('names differ in their case, but for header fields; in PS_MAPI the id is the number', () => {
  const { names } = newMailbox();
  assert.notEqual(
    names.idOf({ guid: PUBLIC, name: 'keywords' }, true),
    names.idOf({ guid: PUBLIC, name: 'Keywords' }, true),
  );
  assert.equal(
    names.idOf({ guid: PropertySet.PS_INTERNET_HEADERS, name: 'X-Mailer' }, true),
    names.idOf({ guid: PropertySet.PS_INTERNET_HEADERS, name: 'x-mailer' }, true),
  );
  assert.equal(names.idOf({ guid: PropertySet.PS_MAPI, lid: 0x37 }, true), 0x37);
  assert.equal(names.idOf({ guid: PropertySet.PS_MAPI, lid: 0x8000 }, true), 0);
  assert.equal(names.idOf({ guid: PropertySet.PS_MAPI, name: 'x' }, true), 0);
  assert.deepEqual(names.nameOf(0x37), { guid: PropertySet.PS_MAPI, lid: 0x37 });
  refused(ErrorCode.InvalidParam, () => names.idOf({ guid: PUBLIC, name: 'x'.repeat(127) }, true));
});

test('a name that was made in a transaction that came to nothing is not remembered', () => {
  const mailbox = newMailbox();
  assert.throws(() =>
    mailbox.transaction(() => {
      assert.equal(mailbox.names.idOf({ guid: PUBLIC, name: 'a' }, true), 0x8000);
      throw new Error('no');
    }),
  );
  assert.equal(mailbox.names.nameOf(0x8000), undefined);
  assert.equal(mailbox.names.idOf({ guid: PUBLIC, name: 'b' }, true), 0x8000);
});

test('ids come to an end', () => {
  const mailbox = newMailbox();
  mailbox.database.run('INSERT INTO property_names (id, guid, lid) VALUES (?, ?, ?)', 0xfffe, COMMON, 1);
  refused(ErrorCode.OutOfResources, () => mailbox.names.idOf({ guid: PUBLIC, name: 'a' }, true));
  assert.equal(mailbox.names.idOf({ guid: COMMON, lid: 1 }, true), 0xfffe);
});

test('the receive folder is that of the longest class that the message’s class begins with ([MS-OXCSTOR] 3.2.5.2)', () => {
  const { receiveFolders } = newMailbox();
  receiveFolders.set('IPM.Note.Custom', FolderId.Drafts);
  for (const [messageClass, explicit, folder] of [
    ['IPM.Note.Custom.More', 'IPM.Note.Custom', FolderId.Drafts],
    ['ipm.note.CUSTOM', 'IPM.Note.Custom', FolderId.Drafts],
    ['IPM.Note.Customer', 'IPM', FolderId.Inbox],
    ['IPM.Note', 'IPM', FolderId.Inbox],
    ['IPC.x', 'IPC', FolderId.Root],
    ['REPORT.IPM.Note.NDR', 'REPORT.IPM', FolderId.Inbox],
    ['REPORT', '', FolderId.Inbox],
    ['', '', FolderId.Inbox],
  ] as const) {
    const found = receiveFolders.find(messageClass);
    assert.equal(found?.messageClass, explicit);
    assert.equal(found?.folder, folder);
  }
  receiveFolders.set('IPM.Note.Custom', undefined);
  assert.equal(receiveFolders.find('IPM.Note.Custom')?.messageClass, 'IPM');
});

test('what may not be set', () => {
  const { receiveFolders } = newMailbox();
  for (const messageClass of ['.IPM', 'IPM.', 'IPM..Note', 'IPM.\u00e4', 'IPM\n', 'x'.repeat(255)]) {
    refused(ErrorCode.InvalidParam, () => receiveFolders.set(messageClass, FolderId.Inbox));
    refused(ErrorCode.InvalidParam, () => receiveFolders.find(messageClass));
  }
  refused(ErrorCode.AccessDenied, () => receiveFolders.set('ipm', FolderId.Drafts));
  refused(ErrorCode.AccessDenied, () => receiveFolders.set('REPORT.IPM', undefined));
  refused(ErrorCode.Error, () => receiveFolders.set('', undefined));
  refused(ErrorCode.Error, () => receiveFolders.set('IPM.X', 0x9999));
  receiveFolders.set('', FolderId.Drafts);
  assert.equal(receiveFolders.find('x')?.folder, FolderId.Drafts);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { ALL_RIGHTS, Right } from '../../src/mailbox/permissions.ts';
import { newMailbox, OWNER } from './support.ts';

const BOB = { account: 'bob@example.com', name: 'Bob', rights: Right.ReadAny | Right.FolderVisible };
const CAROL = { account: 'carol@example.com', name: 'Carol', rights: Right.ReadAny };

test('a list is replaced but for the default entry, and members keep their ids ([MS-OXCPERM] 2.2.2.1)', () => {
  const { folders } = newMailbox();
  folders.setPermissions(FolderId.Inbox, [BOB, CAROL]);
  assert.deepEqual(folders.permissions(FolderId.Inbox), [
    { memberId: 0n, account: '', name: '', rights: 0 },
    { memberId: 1n, ...BOB },
    { memberId: 2n, ...CAROL },
  ]);
  folders.setPermissions(FolderId.Inbox, [
    { memberId: 2n, ...CAROL, rights: 0 },
    { memberId: 0n, account: '', name: '', rights: Right.FolderVisible },
    { memberId: -1n, account: '', name: '', rights: Right.ReadAny },
  ]);
  assert.deepEqual(folders.permissions(FolderId.Inbox), [
    { memberId: 0n, account: '', name: '', rights: Right.FolderVisible },
    { memberId: -1n, account: '', name: 'Anonymous', rights: Right.ReadAny },
    { memberId: 2n, ...CAROL, rights: 0 },
  ]);
  // As the wire has it.
  folders.setPermissions(FolderId.Inbox, [{ memberId: 2n ** 64n - 1n, account: '', name: '', rights: Right.Create }]);
  assert.equal(folders.permissions(FolderId.Inbox)[1]?.memberId, -1n);
});

test('rights are the owner’s, those of the list, or the default ones; anonymous is a member of its own', () => {
  const { folders } = newMailbox();
  folders.setPermissions(FolderId.Inbox, [
    BOB,
    { account: '', name: '', rights: Right.FolderVisible },
    { account: '', name: 'Anonymous', rights: Right.Create },
  ]);
  assert.equal(folders.rights(FolderId.Inbox, OWNER), ALL_RIGHTS);
  assert.equal(folders.rights(FolderId.Inbox, BOB.account), BOB.rights);
  assert.equal(folders.rights(FolderId.Inbox, CAROL.account), Right.FolderVisible);
  assert.equal(folders.rights(FolderId.Inbox, undefined), Right.Create);
  assert.equal(folders.rights(FolderId.Inbox, ''), Right.Create);
  assert.equal(folders.rights(0x9999, BOB.account), 0);
});

test('a member whose rights are less than the default ones has those', () => {
  const { folders } = newMailbox();
  folders.setPermissions(FolderId.Inbox, [
    { ...BOB, rights: 0 },
    { account: '', name: '', rights: Right.ReadAny },
  ]);
  assert.equal(folders.rights(FolderId.Inbox, BOB.account), 0);
});

test('a new folder may be read by whom its parent may, but does not tell when somebody is busy', () => {
  const { folders } = newMailbox();
  folders.setPermissions(FolderId.Calendar, [{ ...BOB, rights: BOB.rights | Right.FreeBusyDetailed }]);
  const { id } = folders.create(FolderId.Calendar, { name: 'Team', type: 1 });
  assert.equal(folders.rights(id, BOB.account), BOB.rights);
  assert.equal(folders.rights(id, CAROL.account), Right.FolderVisible);
});

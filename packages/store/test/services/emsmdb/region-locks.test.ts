import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { Right } from '../../../src/mailbox/permissions.ts';
import { ErrorCode, errorName } from '../../../src/mapi/error-code.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { CreateAttachment, OpenAttachment, SaveChangesAttachment } from '../../../src/mapi/rops/attachment.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { CreateMessage, OpenMessage, SaveChangesMessage } from '../../../src/mapi/rops/message.ts';
import { Release } from '../../../src/mapi/rops/store.ts';
import {
  CloneStream,
  CommitStream,
  CopyToStream,
  LockRegionStream,
  OpenStream,
  ReadStream,
  SeekStream,
  SetStreamSize,
  UnlockRegionStream,
  WriteAndCommitStream,
  WriteStream,
} from '../../../src/mapi/rops/stream.ts';
import { MailboxPool } from '../../../src/services/emsmdb/mailbox-pool.ts';
import { MAX_LOCKS } from '../../../src/services/emsmdb/objects/region-locks.ts';
import { countingBytes, NOW, type RopClient, ropOf, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);
const DATA = PidTag.Html;
const TEXT = '0123456789';
/** LockFlags: others may read; others may do nothing. */
const WRITES = 1;
const ALL = 0;
const NETWORK_ERROR = errorName(ErrorCode.NetworkError);

/** A session of somebody, with one stream over the same property as those of all others. */
interface Opened {
  readonly client: RopClient;
  readonly logon: number;
  readonly stream: number;
}

let store: TestStore;
let messageId: bigint;
let one: Opened;
let other: Opened;

beforeEach(() => {
  store = new TestStore();
  const client = store.session('alice');
  const logon = client.logon();
  const made = client.call(CreateMessage, logon, { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }).handle;
  const written = client.call(OpenStream, made, { propertyTag: DATA, openModeFlags: 2 }).handle;
  client.call(WriteStream, written, { data: Buffer.from(TEXT) });
  const attached = client.call(CreateAttachment, made, {}).handle;
  const attachedData = client.call(OpenStream, attached, { propertyTag: DATA, openModeFlags: 2 }).handle;
  client.call(WriteStream, attachedData, { data: Buffer.from(TEXT) });
  client.call(SaveChangesAttachment, attached, { saveFlags: 0x0a });
  messageId = client.call(SaveChangesMessage, made, { saveFlags: 0x0a }).response.messageId;
  one = open('alice');
  other = open('alice');
});
afterEach(() => store.close());

function openMessage(client: RopClient, logon: number, openModeFlags = 1): number {
  const request = { codePageId: 0xfff, folderId: INBOX, openModeFlags, messageId };
  return client.call(OpenMessage, logon, request).handle;
}

function open(account: string, openModeFlags = 1, propertyTag: PropertyTag = DATA): Opened {
  const client = store.session(account);
  const logon = client.logon('alice');
  const message = openMessage(client, logon, openModeFlags);
  return { client, logon, stream: client.call(OpenStream, message, { propertyTag, openModeFlags }).handle };
}

function region(from: number, to: number, lockFlags: number) {
  return { regionOffset: BigInt(from), regionSize: BigInt(to - from), lockFlags };
}

function lock({ client, stream }: Opened, from: number, to: number, flags = ALL): void {
  client.call(LockRegionStream, stream, region(from, to, flags));
}

function lockFails({ client, stream }: Opened, from: number, to: number, flags = ALL): string {
  return client.fails(LockRegionStream, stream, region(from, to, flags));
}

function unlock({ client, stream }: Opened, from: number, to: number, flags = ALL): void {
  client.call(UnlockRegionStream, stream, region(from, to, flags));
}

function seek({ client, stream }: Opened, at: number): void {
  client.call(SeekStream, stream, { origin: 0, offset: BigInt(at) });
}

function read(from: Opened, at: number, byteCount: number): string {
  seek(from, at);
  return Buffer.from(from.client.call(ReadStream, from.stream, { byteCount }).response.data).toString();
}

function readFails(from: Opened, at: number, byteCount: number): string {
  seek(from, at);
  return from.client.fails(ReadStream, from.stream, { byteCount });
}

function write(to: Opened, at: number, text: string): void {
  seek(to, at);
  to.client.call(WriteStream, to.stream, { data: Buffer.from(text) });
}

function writeFails(to: Opened, at: number, text: string): string {
  seek(to, at);
  return to.client.fails(WriteStream, to.stream, { data: Buffer.from(text) });
}

function release({ client }: Opened, handle: number): void {
  client.payloads([ropOf(Release, { inputHandleIndex: 0 })], [handle]);
}

test('[MS-OXCPRPT] 2.2.24.1: a region that is locked against writing is read by all, and written by its owner', () => {
  lock(one, 2, 4, WRITES);
  assert.equal(read(other, 0, 10), TEXT);
  assert.equal(writeFails(other, 3, 'x'), 'StreamAccessDenied');
  assert.equal(writeFails(other, 0, 'xyz'), 'StreamAccessDenied');
  write(other, 0, 'AB');
  write(other, 4, 'EF');
  assert.equal(read(other, 0, 10), 'AB23EF6789');
  write(one, 0, 'abcde');
  // His other streams too.
  const message = openMessage(one.client, one.logon);
  const stream = one.client.call(OpenStream, message, { propertyTag: DATA, openModeFlags: 1 }).handle;
  write({ ...one, stream }, 2, 'cd');
});

test('[MS-OXCPRPT] 2.2.24.1: one that is locked with any other flags is not read by others either', () => {
  for (const flags of [0, 2, 3, 0xffffffff]) {
    lock(one, 2, 4, flags);
    assert.equal(readFails(other, 0, 10), 'AccessDenied');
    assert.equal(readFails(other, 3, 1), 'AccessDenied');
    assert.equal(read(other, 0, 2), '01');
    assert.equal(read(other, 4, 10), '456789');
    assert.equal(writeFails(other, 2, 'x'), 'StreamAccessDenied');
    assert.equal(read(one, 0, 10), TEXT);
    unlock(one, 2, 4, flags);
    assert.equal(read(other, 0, 10), TEXT);
  }
});

test('what writes without RopWriteStream', () => {
  lock(one, 2, 4, WRITES);
  const { client, stream } = other;
  const sizeTo = (streamSize: bigint) => client.fails(SetStreamSize, stream, { streamSize });
  assert.equal(sizeTo(3n), 'StreamAccessDenied');
  client.call(SetStreamSize, stream, { streamSize: 4n });
  client.call(SetStreamSize, stream, { streamSize: 10n });
  seek(other, 0);
  assert.equal(client.fails(WriteAndCommitStream, stream, { data: Buffer.from('abc') }), 'StreamAccessDenied');
  // From one stream to another: what is read counts where it is from, what is written where it goes.
  const message = openMessage(client, other.logon);
  const free = client.call(OpenStream, message, { propertyTag: PidTag.Body, openModeFlags: 2 }).handle;
  const copy = (source: number, destination: number) => {
    const rop = ropOf(CopyToStream, { sourceHandleIndex: 0, destHandleIndex: 1, byteCount: 4n });
    const [payload] = client.payloads([rop], [source, destination]);
    assert.ok(payload);
    return Buffer.from(payload.ropsList).readUInt32LE(2);
  };
  seek(other, 0);
  assert.equal(copy(stream, free), 0);
  client.call(SeekStream, free, { origin: 0, offset: 0n });
  seek(other, 0);
  assert.equal(copy(free, stream), 0x80030005);
  // Beyond the end of the stream regions are locked as well: what fills the gap is written.
  lock(one, 20, 30, WRITES);
  assert.equal(writeFails(other, 40, 'x'), 'StreamAccessDenied');
  assert.equal(sizeTo(21n), 'StreamAccessDenied');
  client.call(SetStreamSize, stream, { streamSize: 20n });
});

test('[MS-OXCPRPT] 3.2.5.21: a region of which any byte is locked is not locked again, by whomever', () => {
  lock(one, 2, 4, WRITES);
  for (const [from, to] of [
    [3, 4],
    [0, 3],
    [0, 10],
    [2, 4],
  ] as const) {
    assert.equal(lockFails(other, from, to, WRITES), 'AccessDenied');
    assert.equal(lockFails(one, from, to, WRITES), 'AccessDenied');
  }
  lock(other, 0, 2, ALL);
  lock(other, 4, 10, WRITES);
  assert.equal(readFails(one, 0, 10), 'AccessDenied');
  assert.equal(read(one, 2, 8), '23456789');
});

test('regions at the ends of what there can be', () => {
  const { client, stream } = one;
  const most = 2n ** 64n - 1n;
  client.call(LockRegionStream, stream, { regionOffset: most, regionSize: most, lockFlags: ALL });
  const again = { regionOffset: 2n ** 63n, regionSize: 2n ** 63n, lockFlags: ALL };
  assert.equal(other.client.fails(LockRegionStream, other.stream, again), 'AccessDenied');
  // No bytes, no lock.
  lock(one, 5, 5);
  lock(other, 5, 5);
  assert.equal(read(other, 0, 10), TEXT);
  lock(other, 0, 10);
});

test('[MS-OXCPRPT] 3.2.5.22: a session unlocks what is its own of a region, and nothing else', () => {
  lock(one, 0, 2);
  lock(one, 4, 6);
  lock(other, 2, 4);
  unlock(one, 0, 5);
  assert.equal(read(other, 0, 10), TEXT);
  assert.equal(readFails(one, 2, 1), 'AccessDenied');
  unlock(one, 0, 10);
  assert.equal(readFails(one, 2, 1), 'AccessDenied');
  unlock(other, 3, 4);
  assert.equal(read(one, 0, 10), TEXT);
});

test('locks end with their stream, their logon and their session', () => {
  const ends: readonly ((locked: Opened) => void)[] = [
    (locked) => release(locked, locked.stream),
    (locked) => release(locked, locked.logon),
    ({ client }) => client.session.close(),
  ];
  for (const end of ends) {
    const locked = open('alice');
    lock(locked, 2, 4);
    assert.equal(readFails(other, 2, 1), 'AccessDenied');
    end(locked);
    assert.equal(read(other, 2, 1), '2');
  }
  // Those that another stream of the session has taken stay.
  const clone = one.client.call(CloneStream, one.stream, {}).handle;
  lock({ ...one, stream: clone }, 2, 4);
  lock(one, 6, 8);
  release(one, clone);
  assert.equal(read(other, 2, 4), '2345');
  assert.equal(readFails(other, 6, 1), 'AccessDenied');
});

test('only streams over the same property of the same object have locks in common', () => {
  lock(one, 0, 10);
  const attachment = (openedBy: Opened) => {
    const message = openMessage(openedBy.client, openedBy.logon);
    const request = { openAttachmentFlags: 1, attachmentId: 0 };
    const handle = openedBy.client.call(OpenAttachment, message, request).handle;
    const stream = openedBy.client.call(OpenStream, handle, { propertyTag: DATA, openModeFlags: 1 }).handle;
    return { ...openedBy, stream };
  };
  const attached = attachment(other);
  lock(attached, 0, 10);
  assert.equal(readFails(attachment(one), 0, 1), 'AccessDenied');
  lock(open('alice', 3, PidTag.MessageClass), 0, 10);
  // Of what is not stored nobody else has anything.
  const created = [one, other].map(({ client, logon }) => {
    const request = { codePageId: 0xfff, folderId: INBOX, associatedFlag: false };
    const message = client.call(CreateMessage, logon, request).handle;
    return { client, logon, stream: client.call(OpenStream, message, { propertyTag: DATA, openModeFlags: 2 }).handle };
  });
  for (const each of created) lock(each, 0, 10);
});

test('[MS-OXCPRPT] 3.2.5.21: a lock expires when another wants it and its owner did nothing for more than 30 seconds', () => {
  lock(one, 2, 4);
  write(one, 0, 'abcd');
  store.now += 30_000;
  assert.equal(lockFails(other, 0, 4), 'AccessDenied');
  store.now += 1;
  // Nobody wants it: it stays.
  assert.equal(readFails(other, 2, 1), 'AccessDenied');
  // What its owner does anywhere keeps it.
  one.client.call(SeekStream, one.stream, { origin: 0, offset: 0n });
  assert.equal(lockFails(other, 0, 4), 'AccessDenied');
  store.now += 30_001;
  lock(other, 3, 6, WRITES);
  // What the owner wrote is discarded, and he is told where he meets the region.
  assert.equal(read(one, 4, 6), '456789');
  assert.equal(read(one, 0, 2), '01');
  assert.equal(readFails(one, 0, 3), NETWORK_ERROR);
  assert.equal(writeFails(one, 2, 'x'), NETWORK_ERROR);
  const { client, stream } = one;
  assert.equal(client.fails(SetStreamSize, stream, { streamSize: 3n }), NETWORK_ERROR);
  assert.equal(client.fails(CommitStream, stream, {}), NETWORK_ERROR);
  assert.equal(client.fails(UnlockRegionStream, stream, region(2, 4, ALL)), NETWORK_ERROR);
  assert.equal(lockFails(one, 0, 10), NETWORK_ERROR);
  // A stream that he opens anew is like any other's.
  release(one, stream);
  const message = openMessage(client, one.logon);
  const again = { ...one, stream: client.call(OpenStream, message, { propertyTag: DATA, openModeFlags: 1 }).handle };
  assert.equal(read(again, 0, 10), TEXT);
  assert.equal(writeFails(again, 3, 'x'), 'StreamAccessDenied');
  lock(again, 2, 3);
});

test("a folder's stream is not stored over what another has locked, whether it is committed or released", () => {
  const stored = () => store.mailbox('alice').folders.properties(FolderId.Inbox).get(PidTag.FolderWebViewInfo);
  const openStream = ({ client, logon }: Opened): Opened => {
    const folder = client.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
    const request = { propertyTag: PidTag.FolderWebViewInfo, openModeFlags: 2 };
    return { client, logon, stream: client.call(OpenStream, folder, request).handle };
  };
  const [mine, theirs] = [openStream(one), openStream(other)];
  write(mine, 0, 'mine');
  write(theirs, 0, 'theirs');
  lock(theirs, 100, 200, WRITES);
  assert.equal(mine.client.fails(CommitStream, mine.stream, {}), 'StreamAccessDenied');
  release(mine, mine.stream);
  assert.equal(stored(), undefined);
  theirs.client.call(CommitStream, theirs.stream, {});
  assert.deepEqual(stored(), new Uint8Array(Buffer.from('theirs')));
  // What is discarded of an expired lock is not stored by the release either.
  write(theirs, 0, 'more of it');
  store.now += 30_001;
  const third = openStream(one);
  lock(third, 0, 200);
  release(theirs, theirs.stream);
  assert.deepEqual(stored(), new Uint8Array(Buffer.from('theirs')));
});

test('who may only read locks nothing, but in his own mailbox', () => {
  const { folders } = store.mailbox('alice');
  folders.setPermissions(FolderId.Inbox, [
    { account: 'bob', name: 'Bob', rights: Right.ReadAny | Right.FolderVisible },
  ]);
  assert.equal(lockFails(open('bob', 3), 0, 1), 'AccessDenied');
  lock(open('alice', 0), 0, 1);
  unlock(open('bob', 3), 0, 10);
  assert.equal(readFails(open('bob', 0), 0, 1), 'AccessDenied');
  // A folder's properties are its owners' to write.
  const tag = PidTag.FolderWebViewInfo;
  folders.setProperties(FolderId.Inbox, new Map([[tag, new Uint8Array(10)]]));
  const bob = store.session('bob');
  const logon = bob.logon('alice');
  const folder = bob.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  for (const openModeFlags of [1, 2]) {
    assert.equal(bob.fails(OpenStream, folder, { propertyTag: tag, openModeFlags }), 'AccessDenied');
  }
  const best = bob.call(OpenStream, folder, { propertyTag: tag, openModeFlags: 3 }).handle;
  assert.equal(lockFails({ client: bob, logon, stream: best }, 0, 1), 'AccessDenied');
  const rights = Right.ReadAny | Right.EditAny | Right.FolderVisible;
  folders.setPermissions(FolderId.Inbox, [{ account: 'bob', name: 'Bob', rights }]);
  lock(open('bob'), 2, 4);
  assert.equal(readFails(one, 2, 1), 'AccessDenied');
});

test('a worker has one set of locks for a mailbox, however many have it open', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-locks-'));
  const pool = new MailboxPool(folder, { index: 0, count: 1 }, { now: () => NOW, random: countingBytes });
  t.after(() => {
    pool.close();
    rmSync(folder, { recursive: true });
  });
  const locks = ['alice', 'alice', 'bob'].map((account) => pool.open(account, true)?.locks);
  assert.ok(locks[0] !== undefined && locks[0] === locks[1] && locks[0] !== locks[2]);
});

test('a session has a bound to its locks', () => {
  for (let at = 0; at < MAX_LOCKS; at += 1) lock(one, 2 * at, 2 * at + 1);
  assert.equal(lockFails(one, 1, 2), 'MaxObjsExceeded');
  lock(other, 1, 2);
  unlock(one, 0, 1);
  lock(one, 0, 1);
});

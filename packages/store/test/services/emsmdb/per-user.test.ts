import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { parseGuid } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { MAX_PER_USER_ENTRIES, MAX_PER_USER_SIZE } from '../../../src/mailbox/limits.ts';
import { ALL_RIGHTS } from '../../../src/mailbox/permissions.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import {
  GetPerUserGuid,
  GetPerUserLongTermIds,
  ReadPerUserInformation,
  Release,
  WritePerUserInformation,
} from '../../../src/mapi/rops/store.ts';
import { bufferOf, type RopClient, ropOf, TestStore } from './rop-client.ts';

const DATABASE = '11111111-2222-3333-4444-555555555555';
const OTHER = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const FOLDER = { guid: OTHER, counter: 7 };

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

/** A set of so many ranges, which takes about 13 bytes for each. */
function setOf(ranges: number): Uint8Array {
  const commands = Array.from({ length: ranges }, (_, at) => [0x52, 0, 0, 0, 0, at >> 8, at, 1, 0, 0, 0, at >> 8, at]);
  return Uint8Array.of(...parseGuid(DATABASE), ...commands.flat(), 0);
}

function request(dataOffset: number, data: Uint8Array, hasFinished: boolean, folderId = FOLDER, replGuid = DATABASE) {
  return { folderId, hasFinished, dataOffset, data, ...(dataOffset === 0 && { replGuid }) };
}

function write(...part: Parameters<typeof request>): void {
  alice.call(WritePerUserInformation, logon, request(...part));
}

function writeFails(...part: Parameters<typeof request>): string {
  return alice.fails(WritePerUserInformation, logon, request(...part));
}

function read(dataOffset: number, maxDataSize = 0, folderId = FOLDER) {
  const { response } = alice.call(ReadPerUserInformation, logon, { folderId, dataOffset, maxDataSize });
  return { hasFinished: response.hasFinished, data: response.data.slice() };
}

function readAll(maxDataSize = 0): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const { hasFinished, data } = read(at, maxDataSize);
    parts.push(data);
    at += data.length;
    if (hasFinished) return new Uint8Array(Buffer.concat(parts));
    assert.ok(data.length > 0);
  }
}

test('[MS-OXCSTOR] 3.1.4.3: what was read of a public folder is put by in parts, and taken back in others', () => {
  const data = setOf(1000);
  for (let at = 0; at < data.length; at += 3000) write(at, data.subarray(at, at + 3000), at + 3000 >= data.length);
  assert.deepEqual(readAll(), data);
  assert.deepEqual(readAll(999), data);
  assert.equal(alice.call(GetPerUserGuid, logon, { longTermId: FOLDER }).response.databaseGuid, DATABASE);
  const { longTermIds } = alice.call(GetPerUserLongTermIds, logon, { databaseGuid: DATABASE }).response;
  assert.deepEqual(longTermIds, [FOLDER]);
  assert.deepEqual(alice.call(GetPerUserLongTermIds, logon, { databaseGuid: OTHER }).response.longTermIds, []);
  // Written anew, it is in the place of what was there.
  write(0, setOf(1), true, FOLDER, OTHER);
  assert.deepEqual(readAll(), setOf(1));
  assert.equal(alice.call(GetPerUserGuid, logon, { longTermId: FOLDER }).response.databaseGuid, OTHER);
});

test('[MS-OXCSTOR] 3.2.5.12.1: sizes and offsets of what is read', () => {
  const data = setOf(1000);
  store.mailbox('alice').perUser.set(FOLDER, { replica: DATABASE, data });
  for (const maxDataSize of [0, 4096, 4097, 0xffff]) {
    assert.deepEqual(read(0, maxDataSize), { hasFinished: false, data: data.slice(0, 4096) });
  }
  assert.deepEqual(read(5, 10), { hasFinished: false, data: data.slice(5, 15) });
  const last = data.length - 10;
  assert.deepEqual(read(last, 9), { hasFinished: false, data: data.slice(last, last + 9) });
  assert.deepEqual(read(last, 10), { hasFinished: true, data: data.slice(last) });
  assert.deepEqual(read(data.length, 10), { hasFinished: true, data: new Uint8Array(0) });
  const beyond = { folderId: FOLDER, dataOffset: data.length + 1, maxDataSize: 0 };
  assert.equal(alice.fails(ReadPerUserInformation, logon, beyond), 'Error');
  // As much as there is room for.
  const whole = ropOf(ReadPerUserInformation, { inputHandleIndex: 0, folderId: FOLDER, dataOffset: 0, maxDataSize: 0 });
  const [payload] = alice.payloads([whole], [logon], { room: 1024 });
  assert.ok(payload !== undefined && payload.ropsList.length > 512 && payload.ropsList.length < 1024);
});

test('[MS-OXCSTOR] 3.2.5.11, 3.2.5.12.2: of a folder without an entry', () => {
  assert.deepEqual(read(0), { hasFinished: true, data: new Uint8Array(0) });
  assert.equal(
    alice.fails(ReadPerUserInformation, logon, { folderId: FOLDER, dataOffset: 1, maxDataSize: 0 }),
    'Error',
  );
  assert.equal(alice.fails(GetPerUserGuid, logon, { longTermId: FOLDER }), 'NotFound');
  // Nothing is there before the last part is.
  write(0, setOf(10), false);
  assert.equal(read(0).data.length, 0);
});

test('[MS-OXCSTOR] 3.2.5.13.1: parts that do not follow each other end what was begun', () => {
  const data = setOf(10);
  const other = { guid: OTHER, counter: 8 };
  assert.equal(writeFails(1, data, true), 'Error');
  write(0, data.subarray(0, 20), false);
  assert.equal(writeFails(21, data.subarray(21), true), 'Error');
  assert.equal(writeFails(20, data.subarray(20), true), 'Error');
  write(0, data.subarray(0, 20), false);
  assert.equal(writeFails(20, data.subarray(20), true, other), 'Error');
  assert.equal(writeFails(20, data.subarray(20), true), 'Error');
  write(0, data.subarray(0, 20), false);
  write(0, data.subarray(0, 30), false);
  write(30, data.subarray(30), true);
  assert.deepEqual(readAll(), data);
  // At offset 0 it begins anew, though nothing was written yet.
  write(0, data.subarray(0, 0), false, FOLDER, OTHER);
  write(0, data, true);
  assert.equal(alice.call(GetPerUserGuid, logon, { longTermId: FOLDER }).response.databaseGuid, DATABASE);
  // What was finished is not gone on with.
  assert.equal(writeFails(data.length, data, true), 'Error');
  // Each logon has its own.
  const second = alice.logon('alice', 1);
  write(0, data.subarray(0, 20), false, other);
  const rest = request(20, data.subarray(20), true, other);
  assert.equal(alice.fails(WritePerUserInformation, second, { ...rest, logonId: 1 }), 'Error');
  write(20, data.subarray(20), true, other);
});

test('[MS-OXCSTOR] 3.2.5.13.1: what is no serialized IDSET is CorruptData, and is not kept', () => {
  assert.equal(writeFails(0, setOf(3).subarray(0, 30), true), 'CorruptData');
  write(0, setOf(3).subarray(0, 30), false);
  assert.equal(writeFails(30, Uint8Array.of(0x50), true), 'CorruptData');
  assert.equal(read(0).data.length, 0);
});

test('parts have bounds, and their memory is given back', () => {
  const { allowance } = alice.session;
  const before = allowance.memory;
  const part = new Uint8Array(16_384);
  let at = 0;
  for (; at + part.length <= MAX_PER_USER_SIZE; at += part.length) write(at, part, false);
  assert.equal(allowance.memory, before + MAX_PER_USER_SIZE);
  assert.equal(writeFails(at, part, false), 'TooBig');
  assert.equal(allowance.memory, before);
  write(0, part, false);
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [logon]);
  assert.equal(allowance.memory, 0);
});

test('the folders of one database fit into one answer, or the client is told how large it must be', () => {
  const { perUser } = store.mailbox('alice');
  store.mailbox('alice').transaction(() => {
    for (let counter = 1; counter <= MAX_PER_USER_ENTRIES; counter += 1) {
      perUser.set({ guid: OTHER, counter }, { replica: DATABASE, data: new Uint8Array(0) });
    }
  });
  const { longTermIds } = alice.call(GetPerUserLongTermIds, logon, { databaseGuid: DATABASE }).response;
  assert.equal(longTermIds.length, MAX_PER_USER_ENTRIES);
  const call = ropOf(GetPerUserLongTermIds, { inputHandleIndex: 0, databaseGuid: DATABASE });
  const [payload] = alice.payloads([call], [logon], { room: 4096 });
  // RopBufferTooSmall.
  assert.equal(payload?.ropsList[0], 0xff);
  const more = { guid: OTHER, counter: MAX_PER_USER_ENTRIES + 1 };
  assert.equal(writeFails(0, new Uint8Array(0), true, more), 'QuotaExceeded');
});

test('they are asked of a logon, and are its mailbox’s owner’s alone', () => {
  const id = { guid: DATABASE, counter: 1 };
  const folder = alice.call(OpenFolder, logon, { folderId: objectId(FolderId.Inbox), openModeFlags: 0 }).handle;
  store.mailbox('alice').folders.setPermissions(FolderId.Inbox, [{ account: 'bob', name: 'Bob', rights: ALL_RIGHTS }]);
  const bob = store.session('bob');
  const delegate = bob.logon('alice');
  for (const [client, object, expected] of [
    [alice, folder, 'NotSupported'],
    [bob, delegate, 'AccessDenied'],
  ] as const) {
    assert.equal(client.fails(GetPerUserLongTermIds, object, { databaseGuid: DATABASE }), expected);
    assert.equal(client.fails(GetPerUserGuid, object, { longTermId: id }), expected);
    assert.equal(
      client.fails(ReadPerUserInformation, object, { folderId: id, dataOffset: 0, maxDataSize: 0 }),
      expected,
    );
    assert.equal(client.fails(WritePerUserInformation, object, request(0, new Uint8Array(0), true)), expected);
  }
  assert.deepEqual(store.mailbox('alice').perUser.foldersOf(DATABASE), []);
});

test('a part without the GUID that it must have is not a request', () => {
  const rop = ropOf(WritePerUserInformation, { inputHandleIndex: 0, ...request(1, new Uint8Array(0), true) });
  const bytes = bufferOf([rop], [logon]);
  // DataOffset 0 makes the GUID follow.
  bytes[8 + 2 + 3 + 24 + 1] = 0;
  assert.equal(alice.raw(bytes).result, 0x4b6);
});

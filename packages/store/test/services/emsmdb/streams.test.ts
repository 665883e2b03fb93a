import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { type PropertyTag, PropertyType, withType } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { CreateMessage, OpenMessage, SaveChangesMessage } from '../../../src/mapi/rops/message.ts';
import { GetPropertiesSpecific } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { Release } from '../../../src/mapi/rops/store.ts';
import {
  CloneStream,
  CommitStream,
  CopyToStream,
  GetStreamSize,
  OpenStream,
  ReadStream,
  SeekStream,
  SetStreamSize,
  WriteStream,
} from '../../../src/mapi/rops/stream.ts';
import { MAX_OBJECTS } from '../../../src/services/emsmdb/limits.ts';
import { bufferOf, type RopClient, ropOf, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);
const DATA = PidTag.Html;

let store: TestStore;
let alice: RopClient;
let logon: number;
let message: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
  message = alice.call(CreateMessage, logon, { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }).handle;
});
afterEach(() => store.close());

function open(propertyTag: PropertyTag, openModeFlags: number, object = message) {
  return alice.call(OpenStream, object, { propertyTag, openModeFlags });
}

function write(stream: number, data: Uint8Array) {
  return alice.call(WriteStream, stream, { data }).response.writtenSize;
}

function read(stream: number, byteCount = 0xffff): Uint8Array {
  return alice.call(ReadStream, stream, { byteCount }).response.data.slice();
}

function value(tag: PropertyTag, object = message) {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: [tag] };
  const { response } = alice.call(GetPropertiesSpecific, object, request, [tag]);
  return readRows(response.rowData, 1, [tag], alice.coding)[0]?.[0];
}

test('what is written belongs to the message at once, and is stored when the message is saved', () => {
  const stream = open(DATA, 2).handle;
  assert.equal(write(stream, Buffer.from('<p>')), 3);
  assert.equal(write(stream, Buffer.from('Hello')), 5);
  assert.deepEqual(value(DATA), { value: new Uint8Array(Buffer.from('<p>Hello')) });
  const { messageId } = alice.call(SaveChangesMessage, message, { saveFlags: 0x0a }).response;
  const request = { codePageId: 0xfff, folderId: INBOX, openModeFlags: 0, messageId };
  const opened = alice.call(OpenMessage, logon, request).handle;
  assert.equal(Buffer.from(read(open(DATA, 0, opened).handle)).toString(), '<p>Hello');
  assert.equal(alice.fails(OpenStream, opened, { propertyTag: DATA, openModeFlags: 1 }), 'AccessDenied');
  const best = open(DATA, 3, opened).handle;
  assert.equal(alice.fails(WriteStream, best, { data: Uint8Array.of(1) }), 'StreamAccessDenied');
});

test('[MS-OXCPRPT] 3.2.5.9: text is UTF-16 without its terminator, or bytes of the code page', () => {
  const stream = open(PidTag.Body, 2).handle;
  write(stream, Buffer.from('Grüße', 'utf16le'));
  assert.deepEqual(value(PidTag.Body), { value: 'Grüße' });
  const string8 = withType(PidTag.Body, PropertyType.String8);
  assert.deepEqual(Buffer.from(read(open(string8, 0).handle)), Buffer.from('Grüße', 'latin1'));
  assert.equal(open(PidTag.Body, 0).response.streamSize, 10);
});

test('properties that are not there, and those that have no streams', () => {
  const fails = (propertyTag: PropertyTag, openModeFlags: number, object = message) =>
    alice.fails(OpenStream, object, { propertyTag, openModeFlags });
  assert.equal(fails(DATA, 0), 'NotFound');
  assert.equal(fails(DATA, 1), 'NotFound');
  assert.equal(fails(PidTag.Importance, 0), 'NotSupported');
  assert.equal(fails(DATA, 0, logon), 'NotSupported');
  assert.equal(fails(PidTag.EntryId, 2), 'AccessDenied');
  const folder = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  assert.equal(fails(PidTag.Comment, 2, folder), 'NotSupported');
});

test("a folder's stream is stored when it is committed, or released", () => {
  const folder = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  const stored = () => store.mailbox('alice').folders.properties(FolderId.Inbox).get(PidTag.FolderWebViewInfo);
  const stream = open(PidTag.FolderWebViewInfo, 2, folder).handle;
  write(stream, Uint8Array.of(1));
  assert.equal(stored(), undefined);
  alice.call(CommitStream, stream, {});
  assert.deepEqual(stored(), Uint8Array.of(1));
  write(stream, Uint8Array.of(2));
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [stream]);
  assert.deepEqual(stored(), Uint8Array.of(1, 2));
});

test('position and size', () => {
  const stream = open(DATA, 2).handle;
  const seek = (origin: number, offset: bigint) =>
    alice.call(SeekStream, stream, { origin, offset }).response.newPosition;
  write(stream, Buffer.from('0123456789'));
  assert.equal(seek(0, 4n), 4n);
  assert.equal(Buffer.from(read(stream, 2)).toString(), '45');
  assert.equal(seek(1, -1n), 5n);
  assert.equal(seek(2, -1n), 9n);
  assert.equal(seek(2, 3n), 13n);
  assert.equal(read(stream).length, 0);
  write(stream, Buffer.from('x'));
  assert.equal(alice.call(GetStreamSize, stream, {}).response.streamSize, 14);
  assert.equal(alice.fails(SeekStream, stream, { origin: 3, offset: 0n }), 'StreamInvalidParam');
  assert.equal(alice.fails(SeekStream, stream, { origin: 0, offset: -1n }), 'StreamSeekError');
  assert.equal(alice.fails(SeekStream, stream, { origin: 0, offset: 1n << 31n }), 'StreamSeekError');
  alice.call(SetStreamSize, stream, { streamSize: 2n });
  alice.call(SetStreamSize, stream, { streamSize: 4n });
  seek(0, 0n);
  assert.deepEqual([...read(stream)], [0x30, 0x31, 0, 0]);
  assert.equal(alice.fails(SetStreamSize, stream, { streamSize: 1n << 40n }), 'TooBig');
});

test('streams are copied and cloned', () => {
  const source = open(DATA, 2).handle;
  write(source, Buffer.from('0123456789'));
  alice.call(SeekStream, source, { origin: 0, offset: 2n });
  const destination = open(PidTag.Body, 2).handle;
  const request = { sourceHandleIndex: 0, destHandleIndex: 1, byteCount: 4n };
  const { response } = alice.try(CopyToStream, source, request);
  assert.deepEqual([response.returnValue, response.ok], [0x503, false]);
  alice.payloads([ropOf(CopyToStream, request)], [source, destination]);
  assert.equal(alice.call(GetStreamSize, destination, {}).response.streamSize, 4);
});

test('[MS-OXCPRPT] 3.2.5.24: a clone has the same bytes, and a position of its own', () => {
  const source = open(DATA, 2).handle;
  write(source, Buffer.from('0123456789'));
  alice.call(SeekStream, source, { origin: 0, offset: 6n });
  const clone = alice.call(CloneStream, source, {}).handle;
  write(clone, Buffer.from('ab'));
  assert.equal(Buffer.from(read(source)).toString(), 'ab89');
  assert.equal(Buffer.from(read(clone)).toString(), '89');
  alice.call(CommitStream, source, {});
  const { memory } = alice.session.allowance;
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [source]);
  assert.equal(alice.session.allowance.memory, memory);
  write(clone, Buffer.from('c'));
  assert.deepEqual(value(DATA), { value: new Uint8Array(Buffer.from('012345ab89c')) });
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [clone]);
  assert.ok(alice.session.allowance.memory < memory);
  // What is for reading alone stays so.
  const reader = alice.call(CloneStream, open(DATA, 0).handle, {}).handle;
  assert.equal(alice.fails(WriteStream, reader, { data: Uint8Array.of(1) }), 'StreamAccessDenied');
});

test('[MS-OXCRPC] 3.1.4.2.1.2: a long stream is read by one call where chaining is wanted', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  const stream = open(DATA, 2).handle;
  for (let at = 0; at < bytes.length; at += 30_000) write(stream, bytes.subarray(at, at + 30_000));
  alice.call(SeekStream, stream, { origin: 0, offset: 0n });
  const call = ropOf(ReadStream, { inputHandleIndex: 0, byteCount: 0xbabe, maximumByteCount: 90_000 });
  const chained = alice.payloads([call], [stream], { flags: 7, room: 0x20000 });
  assert.ok(chained.length > 1);
  const data = chained.map(({ ropsList, handles }) => {
    assert.deepEqual(handles, [stream]);
    const response = ReadStream.readResponse(cursorOf(ropsList), alice.coding);
    assert.ok(response.ok);
    return response.data;
  });
  assert.deepEqual(new Uint8Array(Buffer.concat(data)), bytes.subarray(0, 90_000));
  const single = alice.payloads([call], [stream], { flags: 3, room: 0x20000 });
  assert.equal(single.length, 1);
});

function cursorOf(ropsList: Uint8Array): Cursor {
  return new Cursor(ropsList, 'response', 1);
}

test('MaximumByteCount beyond its bound fails the whole call', () => {
  const stream = open(DATA, 2).handle;
  const call = ropOf(ReadStream, { inputHandleIndex: 0, byteCount: 0xbabe, maximumByteCount: 0x80000001 });
  assert.equal(alice.raw(bufferOf([call], [stream])).result, 0x4b6);
});

test('there is a bound to streams and messages that are open, and to their memory', () => {
  const stream = open(DATA, 2).handle;
  write(stream, Uint8Array.of(1));
  for (let i = 1; i < MAX_OBJECTS.stream; i += 1) open(DATA, 0);
  assert.equal(alice.fails(OpenStream, message, { propertyTag: DATA, openModeFlags: 0 }), 'MaxObjsExceeded');
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [stream]);
  const second = open(DATA, 1).handle;
  alice.call(SetStreamSize, second, { streamSize: 64n * 1024n * 1024n });
  assert.ok(alice.session.allowance.memory >= 64 * 1024 * 1024);
  alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [logon]);
  assert.equal(alice.session.allowance.memory, 0);
});

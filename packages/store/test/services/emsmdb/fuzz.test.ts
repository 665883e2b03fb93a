import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { readExtendedBuffers, writeExtendedBuffer } from '../../../src/mapi/extended-buffer.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { NO_HANDLE, readRopBuffer, writeRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import { ROPS } from '../../../src/mapi/rops/all.ts';
import { GetContentsTable, GetHierarchyTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { CreateMessage, OpenMessage } from '../../../src/mapi/rops/message.ts';
import { GetPropertiesAll, SetProperties } from '../../../src/mapi/rops/property.ts';
import { OpenStream, ReadStream, WriteStream } from '../../../src/mapi/rops/stream.ts';
import { QueryRows, SetColumns, SortTable } from '../../../src/mapi/rops/table.ts';
import { bufferOf, type Call, type RopClient, ropOf, TestStore } from './rop-client.ts';

/** Marsaglia's xorshift32: the same buffers each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const INBOX = objectId(FolderId.Inbox);
/** What a call may return as a whole. */
const RESULTS: ReadonlySet<number> = new Set([ErrorCode.Success, ErrorCode.RpcFormat, ErrorCode.BufferTooSmall]);

const FOLDER = { inputHandleIndex: 0, outputHandleIndex: 1, folderId: INBOX, openModeFlags: 0 };
const SESSION: readonly Call[] = [
  ropOf(OpenFolder, FOLDER),
  ropOf(GetContentsTable, { inputHandleIndex: 1, outputHandleIndex: 2, tableFlags: 0 }),
  ropOf(SetColumns, { inputHandleIndex: 2, setColumnsFlags: 0, propertyTags: [PidTag.Subject, PidTag.Mid] }),
  ropOf(SortTable, {
    inputHandleIndex: 2,
    sortTableFlags: 0,
    sortOrders: { orders: [{ tag: PidTag.Subject, order: 0 }], categories: 0, expanded: 0 },
  }),
  ropOf(QueryRows, { inputHandleIndex: 2, queryRowsFlags: 0, forwardRead: true, rowCount: 10 }),
  ropOf(GetHierarchyTable, { inputHandleIndex: 1, outputHandleIndex: 3, tableFlags: 4 }),
  ropOf(CreateMessage, {
    inputHandleIndex: 0,
    outputHandleIndex: 4,
    codePageId: 0xfff,
    folderId: INBOX,
    associatedFlag: false,
  }),
  ropOf(SetProperties, { inputHandleIndex: 4, propertyValues: new Map([[PidTag.Subject, 'fuzz']]) }),
  ropOf(OpenStream, { inputHandleIndex: 4, outputHandleIndex: 5, propertyTag: PidTag.Html, openModeFlags: 2 }),
  ropOf(WriteStream, { inputHandleIndex: 5, data: new Uint8Array(40) }),
  ropOf(ReadStream, { inputHandleIndex: 5, byteCount: 100 }),
  ropOf(GetPropertiesAll, { inputHandleIndex: 4, propertySizeLimit: 0, wantUnicode: true }),
  ropOf(OpenMessage, {
    inputHandleIndex: 0,
    outputHandleIndex: 6,
    codePageId: 0xfff,
    folderId: INBOX,
    openModeFlags: 3,
    messageId: objectId(0x100),
  }),
];

function setUp(): { readonly store: TestStore; readonly client: RopClient; readonly logon: number } {
  const store = new TestStore();
  const client = store.session('alice');
  const logon = client.logon();
  for (let i = 0; i < 5; i += 1) {
    const properties = new Map([[PidTag.Subject, `message ${i}`]]);
    store.mailbox('alice').messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] });
  }
  return { store, client, logon };
}

/** Sends it; whatever it is, the call returns, and what it answers can be read. */
function survives(client: RopClient, rgbIn: Uint8Array): void {
  const { result, rgbOut } = client.raw(rgbIn);
  assert.ok(RESULTS.has(result), `result ${result}`);
  if (result === ErrorCode.Success) for (const payload of readExtendedBuffers(rgbOut)) readRopBuffer(payload);
}

test('buffers of which some bytes are others: no worse than an error, and the session goes on', () => {
  const { store, client, logon } = setUp();
  const random = randomFrom(1);
  const handles = [logon, ...new Array<number>(6).fill(NO_HANDLE)];
  const [payload] = readExtendedBuffers(bufferOf(SESSION, handles));
  assert.ok(payload);
  for (let round = 0; round < 3000; round += 1) {
    const bytes = payload.slice();
    const changes = 1 + Math.floor(random() * 4);
    for (let i = 0; i < changes; i += 1) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    survives(client, writeExtendedBuffer(bytes));
    if (round % 50 === 0) {
      client.session.close();
      handles[0] = client.logon();
      payload.set(payloadHandles(handles), payload.length - 4 * handles.length);
    }
  }
  store.close();
});

function payloadHandles(handles: readonly number[]): Uint8Array {
  const writer = new Writer();
  for (const handle of handles) writer.u32(handle);
  return writer.finish();
}

test('every ROP with random bytes behind it, on each kind of object', () => {
  const { store, client, logon } = setUp();
  const random = randomFrom(2);
  const [opened] = client.payloads(SESSION, [logon, ...new Array<number>(6).fill(NO_HANDLE)]);
  assert.ok(opened);
  const { handles } = opened;
  const ids = [...ROPS.keys()].filter((id) => id !== 0x01 && id !== 0xfe);
  for (let round = 0; round < 6000; round += 1) {
    const id = ids[Math.floor(random() * ids.length)] ?? 0;
    const slot = Math.floor(random() * handles.length);
    const body = Uint8Array.from({ length: Math.floor(random() * 60) }, () =>
      random() < 0.5 ? Math.floor(random() * 4) : Math.floor(random() * 256),
    );
    const ropsList = Uint8Array.from([id, 0, slot, ...body]);
    survives(client, writeExtendedBuffer(writeRopBuffer({ ropsList, handles })));
  }
  store.close();
});

test('random bytes in place of a payload, and of all', () => {
  const { store, client } = setUp();
  const random = randomFrom(3);
  for (let round = 0; round < 3000; round += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
    survives(client, round % 2 === 0 ? bytes : writeExtendedBuffer(bytes));
  }
  store.close();
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Cursor, Writer } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { errorName } from '../../../src/mapi/error-code.ts';
import { readExtendedBuffers, writeExtendedBuffer } from '../../../src/mapi/extended-buffer.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { NO_HANDLE, writeRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import { BufferTooSmall } from '../../../src/mapi/rops/extra-responses.ts';
import { GetContentsTable, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { GetPropertiesList } from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { GetStoreState, LongTermIdFromId } from '../../../src/mapi/rops/store.ts';
import { QueryRows, SetColumns } from '../../../src/mapi/rops/table.ts';
import { bufferOf, type Call, type RopClient, ropOf, TestStore } from './rop-client.ts';

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

const STATE = ropOf(GetStoreState, { inputHandleIndex: 0 });
const INBOX = objectId(FolderId.Inbox);

function repeated(call: Call, count: number): Call[] {
  return new Array<Call>(count).fill(call);
}

test('[MS-OXCROPS] 3.2.5: a ROP that fails does not stop those after it; those that need its object fail with NullObject', () => {
  const folder = { inputHandleIndex: 0, outputHandleIndex: 1, openModeFlags: 0 };
  const calls = [
    ropOf(OpenFolder, { ...folder, folderId: objectId(0xffff) }),
    ropOf(GetContentsTable, { inputHandleIndex: 1, outputHandleIndex: 2, tableFlags: 0 }),
    STATE,
    ropOf(GetStoreState, { inputHandleIndex: 200 }),
  ];
  const [payload] = alice.payloads(calls, [logon, NO_HANDLE, NO_HANDLE]);
  assert.ok(payload);
  const cursor = new Cursor(payload.ropsList, 'answer');
  const next = () => [cursor.u8(), cursor.u8(), errorName(cursor.u32())];
  assert.deepEqual(next(), [OpenFolder.id, 1, 'NotFound']);
  assert.deepEqual(next(), [GetContentsTable.id, 2, 'NullObject']);
  assert.deepEqual([...next(), cursor.u32()], [GetStoreState.id, 0, 'Success', 0]);
  assert.deepEqual(next(), [GetStoreState.id, 200, 'NullObject']);
  cursor.end();
  assert.deepEqual(payload.handles, [logon, NO_HANDLE, NO_HANDLE]);
});

test('an empty list of ROPs is answered with an empty one', () => {
  assert.deepEqual(
    alice.payloads([], []).map(({ ropsList }) => ropsList.length),
    [0],
  );
});

test('what cannot be read fails the call with RpcFormat, before anything is done', () => {
  const good = bufferOf([STATE], [logon]);
  for (let end = 0; end < good.length - 4; end += 1) {
    assert.equal(errorName(alice.raw(good.subarray(0, end)).result), 'RpcFormat', `cut at ${end}`);
  }
  const twoHeaders = Buffer.concat([good, good]);
  assert.equal(errorName(alice.raw(twoHeaders).result), 'RpcFormat');
});

test('an unknown RopId fails the call with RpcFormat and is logged with its bytes', () => {
  const ropsList = Uint8Array.of(0x83, 0, 0, 1, 2, 3);
  const rgbIn = writeExtendedBuffer(writeRopBuffer({ ropsList, handles: [logon] }));
  assert.equal(errorName(alice.raw(rgbIn).result), 'RpcFormat');
  const line = store.recorded.lines.find(({ fields }) => fields.event === 'store.rop.unknown');
  assert.deepEqual([line?.level, line?.fields.rop, line?.fields.bytes], ['warn', 0x83, '830000010203']);
});

test('requests may be compressed and XORed; answers are compressed unless that is not wanted', () => {
  const payload = readExtendedBuffers(bufferOf(repeated(STATE, 500), [logon]))[0];
  assert.ok(payload);
  for (const options of [{}, { compress: true }, { xorMagic: true }, { compress: true, xorMagic: true }]) {
    const { result, rgbOut } = alice.raw(writeExtendedBuffer(payload, options));
    assert.equal(result, 0);
    assert.equal(readExtendedBuffers(rgbOut)[0]?.length, 2 + 500 * 10 + 4);
  }
  const plain = alice.raw(writeExtendedBuffer(payload), { flags: 1 }).rgbOut.length;
  const compressed = alice.raw(writeExtendedBuffer(payload), { flags: 0 }).rgbOut.length;
  assert.ok(compressed < plain / 10);
});

test('[MS-OXCROPS] 3.1.5.1.2: what has no room is sent back, and done when it is sent again', () => {
  const calls = repeated(STATE, 100);
  const room = 800;
  let left = [...calls];
  let done = 0;
  while (left.length > 0) {
    const [payload] = alice.payloads(left, [logon], { room });
    assert.ok(payload);
    const cursor = new Cursor(payload.ropsList, 'answer');
    let back = 0;
    while (cursor.remaining > 0) {
      const id = cursor.u8();
      if (id === BufferTooSmall.id) {
        const { sizeNeeded, requestBuffers } = BufferTooSmall.read(cursor, alice.coding);
        assert.ok(sizeNeeded > room - 8);
        back = requestBuffers.length / 3;
      } else {
        assert.deepEqual([id, cursor.u8(), cursor.u32(), cursor.u32()], [GetStoreState.id, 0, 0, 0]);
        done += 1;
      }
    }
    assert.ok(back < left.length);
    left = left.slice(left.length - back);
  }
  assert.equal(done, 100);
});

test('[MS-OXCRPC] 3.1.4.2: one answer that cannot fit even the largest buffer fails the call with BufferTooSmall', () => {
  const names = Array.from({ length: 9000 }, (_, i) => [((i + 0x1000) << 16) | 3, i] as const);
  const set = new Map(names.map(([tag, value]) => [tag >>> 0, value]));
  const content = { properties: set, recipients: [], attachments: [] };
  store.mailbox('alice').messages.add(FolderId.Inbox, content);
  const open = ropOf(OpenFolder, { inputHandleIndex: 0, outputHandleIndex: 1, openModeFlags: 0, folderId: INBOX });
  const folder = alice.payloads([open], [logon, NO_HANDLE])[0]?.handles[1] ?? NO_HANDLE;
  store.mailbox('alice').folders.setProperties(FolderId.Inbox, set);
  const call = bufferOf([ropOf(GetPropertiesList, { inputHandleIndex: 0 })], [folder]);
  assert.equal(errorName(alice.raw(call).result), 'BufferTooSmall');
  const before = bufferOf([STATE, ropOf(GetPropertiesList, { inputHandleIndex: 1 })], [logon, folder]);
  assert.equal(errorName(alice.raw(before).result), 'Success');
});

test('rows come by many payloads where chaining is wanted, and by as many as fit where it is not', () => {
  const { messages } = store.mailbox('alice');
  const count = 400;
  for (let i = 0; i < count; i += 1) {
    const subject = `${String(i).padStart(4, '0')}${'x'.repeat(200)}`;
    const properties = new Map([[PidTag.Subject, subject]]);
    messages.add(FolderId.Inbox, { properties, recipients: [], attachments: [] });
  }
  const columns = [PidTag.Subject];
  const calls = [
    ropOf(OpenFolder, { inputHandleIndex: 0, outputHandleIndex: 1, openModeFlags: 0, folderId: INBOX }),
    ropOf(GetContentsTable, { inputHandleIndex: 1, outputHandleIndex: 2, tableFlags: 0 }),
    ropOf(SetColumns, { inputHandleIndex: 2, setColumnsFlags: 0, propertyTags: columns }),
  ];
  const table = alice.payloads(calls, [logon, NO_HANDLE, NO_HANDLE])[0]?.handles[2] ?? NO_HANDLE;
  const query = ropOf(QueryRows, { inputHandleIndex: 0, queryRowsFlags: 0, forwardRead: true, rowCount: 350 });
  const rows = (payloads: readonly { readonly ropsList: Uint8Array }[]) =>
    payloads.flatMap(({ ropsList }) => {
      const response = QueryRows.readResponse(new Cursor(ropsList, 'answer', 1), { ...alice.coding, columns });
      assert.ok(response.ok && response.rowCount > 0);
      return readRows(response.rowData, response.rowCount, columns, alice.coding);
    });
  const chained = alice.payloads([query], [table], { flags: 7, room: 0x40000 });
  assert.ok(chained.length >= 4);
  for (const { ropsList } of chained) assert.ok(ropsList.length <= 0x8000);
  assert.equal(rows(chained).length, 350);
  assert.equal(rows(alice.payloads([query], [table], { flags: 7, room: 0x40000 })).length, 50);
});

test('[MS-OXCROPS] 3.2.5: 255 slots are served, and the answer has them all', () => {
  const handles = new Array<number>(255).fill(NO_HANDLE);
  handles[254] = logon;
  const [payload] = alice.payloads([ropOf(GetStoreState, { inputHandleIndex: 254 })], handles);
  assert.deepEqual(payload?.handles, handles);
  assert.deepEqual([...(payload?.ropsList.subarray(0, 6) ?? [])], [GetStoreState.id, 254, 0, 0, 0, 0]);
});

test('a ROP under a LogonId that nobody logged on with', () => {
  const writer = new Writer();
  const rop = LongTermIdFromId;
  rop.writeRequest(writer, { logonId: 9, inputHandleIndex: 0, objectId: INBOX }, alice.coding);
  const rgbIn = writeExtendedBuffer(writeRopBuffer({ ropsList: writer.finish(), handles: [logon] }));
  const [payload] = readExtendedBuffers(alice.raw(rgbIn).rgbOut);
  const cursor = new Cursor(payload ?? new Uint8Array(0), 'answer', 4);
  assert.equal(errorName(cursor.u32()), 'AccessDenied');
});

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FaultStatus, RpcFaultError } from '@rpch/rpc';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { mailboxFile } from '../../../src/mailbox/mailbox-file.ts';
import { readAuxBlocks } from '../../../src/mapi/aux-blocks.ts';
import { errorName } from '../../../src/mapi/error-code.ts';
import { readExtendedBuffers } from '../../../src/mapi/extended-buffer.ts';
import { NotificationType } from '../../../src/mapi/notification-data.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { NO_HANDLE, readRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import { Notify } from '../../../src/mapi/rops/extra-responses.ts';
import { CreateFolder, OpenFolder } from '../../../src/mapi/rops/folder.ts';
import { RegisterNotification } from '../../../src/mapi/rops/notification.ts';
import { GetStoreState, Logon } from '../../../src/mapi/rops/store.ts';
import { ASYNC_WAIT, MAX_WAITING_CALLS } from '../../../src/services/emsmdb/client-session.ts';
import { workerOf } from '../../../src/services/emsmdb/messages.ts';
import { MAX_SESSIONS_PER_ACCOUNT } from '../../../src/services/emsmdb/session-registry.ts';
import { bufferOf, dnOf, ropOf } from './rop-client.ts';
import { type Connection, RunningStore } from './store-client.ts';

let store: RunningStore;
beforeEach(async () => {
  store = await RunningStore.start();
});
afterEach(() => store.close());

const NULL_HANDLE = { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' };

function fault(status: number) {
  return (error: unknown) => error instanceof RpcFaultError && error.status === status;
}

function logonTo(account: string, logonId = 0) {
  const request = { outputHandleIndex: 0, logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf(account) };
  return { rop: ropOf(Logon, request).rop, request: { ...request, logonId } };
}

/** A connection with a session that has logged on to the caller's mailbox, and the handle of the logon. */
async function logged(account: string): Promise<{ connection: Connection; pcxh: typeof NULL_HANDLE; logon: number }> {
  const connection = store.connection(account);
  const { pcxh } = await connection.connect();
  const { rgbOut } = await connection.rpc(pcxh, bufferOf([logonTo(account)], [NO_HANDLE]));
  return { connection, pcxh, logon: payloadOf(rgbOut).handles[0] ?? NO_HANDLE };
}

function payloadOf(rgbOut: Uint8Array) {
  const [payload] = readExtendedBuffers(rgbOut);
  assert.ok(payload);
  return readRopBuffer(payload);
}

test('[MS-OXCRPC] 3.1.4.1: a session, and what its client learns of the server', async () => {
  const connected = await store.connection('alice').connect();
  assert.equal(connected.result, 0);
  assert.notDeepEqual(connected.pcxh, NULL_HANDLE);
  assert.deepEqual([connected.pcmsPollsMax, connected.pcRetry, connected.pcmsRetryDelay], [60000, 6, 10000]);
  assert.equal(connected.szDisplayName, 'alice');
  assert.deepEqual(connected.rgwServerVersion, [0x0800, 0x82b4, 0x0003]);
  assert.deepEqual(connected.rgwBestVersion, [0x000c, 0x183e, 0x03e8]);
  const [aux] = readExtendedBuffers(connected.rgbAuxOut, { payloads: 1 });
  assert.deepEqual(
    readAuxBlocks(aux ?? new Uint8Array(0)).map(({ name }) => name),
    ['EXORGINFO', 'CLIENT_CONTROL'],
  );
});

test('piCxr is unique among live sessions', async () => {
  const connection = store.connection('alice');
  const indexes = new Set<number>();
  for (let i = 0; i < 5; i += 1) indexes.add((await connection.connect()).piCxr);
  assert.equal(indexes.size, 5);
});

test('[MS-OXCRPC] 3.1.4.1: who gets no session', async () => {
  const alice = store.connection('alice');
  const refused = async (connection: Connection, changes: Parameters<Connection['connect']>[0]) => {
    const { result, pcxh } = await connection.connect(changes);
    assert.deepEqual(pcxh, NULL_HANDLE);
    return errorName(result);
  };
  assert.equal(await refused(alice, { szUserDN: '' }), 'AccessDenied');
  assert.equal(await refused(alice, { szUserDN: dnOf('bob') }), 'AccessDenied');
  assert.equal(await refused(alice, { szUserDN: dnOf('nobody') }), 'UnknownUser');
  assert.equal(await refused(alice, { ulFlags: 1 }), 'LoginPerm');
  assert.equal(await refused(alice, { ulCpid: 12345 }), 'UnknownCodePage');
  assert.equal(await refused(alice, { rgbAuxIn: new Uint8Array(7) }), 'RpcFailed');
  assert.equal(await refused(store.connection(undefined), {}), 'AccessDenied');
  const old = await alice.connect({ rgwClientVersion: [6, 0, 0] });
  assert.equal(errorName(old.result), 'VersionMismatch');
  assert.deepEqual(old.rgwBestVersion, [0x0b00, 0x8000, 0]);
  assert.equal(store.host.sessions, 0);
});

test('an account has so many sessions and no more; those of others are not touched', async () => {
  const alice = store.connection('alice');
  for (let i = 0; i < MAX_SESSIONS_PER_ACCOUNT; i += 1) assert.equal((await alice.connect()).result, 0);
  assert.equal(errorName((await alice.connect()).result), 'ServerBusy');
  assert.equal((await store.connection('bob').connect()).result, 0);
  alice.handles.rundown();
  assert.equal(store.host.sessions, 1);
  assert.equal((await alice.connect()).result, 0);
});

test('[MS-OXCRPC] 2.2.2: sizes beyond their ranges are rpc_x_bad_stub_data, within them RpcFailed and RpcFormat', async () => {
  const { connection, pcxh } = await logged('alice');
  const result = async (rgbIn: Uint8Array, changes: Parameters<Connection['rpc']>[2] = {}) => {
    const answer = await connection.rpc(pcxh, rgbIn, changes);
    assert.deepEqual([answer.pcxh, answer.rgbOut.length], [pcxh, 0]);
    return errorName(answer.result);
  };
  assert.equal(await result(new Uint8Array(7)), 'RpcFailed');
  assert.equal(await result(new Uint8Array(0x8008)), 'RpcFormat');
  assert.equal(await result(new Uint8Array(8), { pcbOut: 7 }), 'RpcFailed');
  assert.equal(await result(new Uint8Array(8), { rgbAuxIn: new Uint8Array(3) }), 'RpcFailed');
  assert.equal(await result(new Uint8Array(8)), 'RpcFormat');
  const stub = { attributes: 0, uuid: pcxh.uuid };
  const tooLarge = connection.rpc(stub, new Uint8Array(8), { pcbOut: 0x40000 });
  assert.equal(errorName((await tooLarge).result), 'RpcFormat');
});

test('reserved opnums are nca_s_op_rng_error', async () => {
  const served = store.host.emsmdb();
  for (const opnum of [0, 2, 3, 5, 7, 8, 9, 12, 13, 15]) {
    await assert.rejects(
      async () => served.handle(opnum, new Uint8Array(0), true, {} as never),
      fault(FaultStatus.nca_s_op_rng_error),
    );
  }
});

test('a handle of another association, a released one and a session of another account', async () => {
  const { connection, pcxh } = await logged('alice');
  const other = store.connection('bob');
  await assert.rejects(other.rpc(pcxh, new Uint8Array(8)), fault(FaultStatus.nca_s_fault_context_mismatch));
  const shared = store.connection('bob', connection.handles);
  await assert.rejects(shared.rpc(pcxh, new Uint8Array(8)), fault(FaultStatus.access_denied));
  assert.ok(store.recorded.lines.some(({ fields }) => fields.event === 'store.session.foreign'));
  const gone = await connection.emsmdb.ecDoDisconnect({ pcxh });
  assert.deepEqual(gone, { pcxh: NULL_HANDLE, result: 0 });
  await assert.rejects(connection.rpc(pcxh, new Uint8Array(8)), fault(FaultStatus.nca_s_fault_context_mismatch));
  assert.equal(store.host.sessions, 0);
});

test('EcDummyRpc, and push notifications that cannot pass a proxy', async () => {
  const { connection, pcxh } = await logged('alice');
  assert.equal((await connection.emsmdb.ecDummyRpc()).result, 0);
  const push = async (context: number, address: number[]) => {
    const { result } = await connection.emsmdb.ecRRegisterPushNotification({
      pcxh,
      iRpc: 0,
      rgbContext: new Uint8Array(context),
      grbitAdviseBits: 0xffffffff,
      rgbCallbackAddress: Uint8Array.from(address),
    });
    return errorName(result);
  };
  assert.equal(await push(4, [2, 0, 0, 0]), 'NotSupported');
  assert.equal(await push(17, [2, 0, 0, 0]), 'TooBig');
  assert.equal(await push(4, [99, 0]), 'InvalidParam');
});

test('what happens completes the parked call, and rides on the next answer', async () => {
  const { connection, pcxh, logon } = await logged('alice');
  const register = ropOf(RegisterNotification, {
    inputHandleIndex: 0,
    outputHandleIndex: 1,
    notificationTypes: NotificationType.ObjectCreated,
    wantWholeStore: true,
  });
  const registered = payloadOf((await connection.rpc(pcxh, bufferOf([register], [logon, NO_HANDLE]))).rgbOut);
  const { pacxh } = await connection.emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });
  const parked = connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  const again = await connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  assert.equal(errorName(again.result), 'Rejected');

  const second = await logged('alice');
  await second.connection.rpc(
    second.pcxh,
    bufferOf(
      [
        ropOf(OpenFolder, {
          inputHandleIndex: 0,
          outputHandleIndex: 1,
          folderId: objectId(FolderId.Inbox),
          openModeFlags: 0,
        }),
        ropOf(CreateFolder, {
          inputHandleIndex: 1,
          outputHandleIndex: 2,
          folderType: 1,
          useUnicodeStrings: true,
          openExisting: false,
          displayName: 'New',
          comment: '',
        }),
      ],
      [second.logon, NO_HANDLE, NO_HANDLE],
    ),
  );
  assert.deepEqual(await parked, { pulFlagsOut: 1, result: 0 });
  const { ropsList } = payloadOf((await connection.rpc(pcxh, bufferOf([], []))).rgbOut);
  const cursor = new Cursor(ropsList, 'answer');
  assert.equal(cursor.u8(), Notify.id);
  const notify = Notify.read(cursor, { codePage: 1252 });
  assert.equal(notify.notificationHandle, registered.handles[1]);
  assert.equal(notify.notificationData.parentFolderId, objectId(FolderId.Inbox));
  cursor.end();
});

test('a parked call ends without events after five minutes without EcDoRpcExt2, and with its session', async () => {
  const { connection, pcxh, logon } = await logged('alice');
  const { pacxh } = await connection.emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });
  const wait = () => connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  const first = wait();
  store.time.pass(ASYNC_WAIT - 1);
  await connection.rpc(pcxh, bufferOf([ropOf(GetStoreState, { inputHandleIndex: 0 })], [logon]));
  store.time.pass(ASYNC_WAIT - 1);
  store.time.pass(1);
  assert.deepEqual(await first, { pulFlagsOut: 0, result: 0 });
  const second = wait();
  await connection.emsmdb.ecDoDisconnect({ pcxh });
  assert.equal(errorName((await second).result), 'Exiting');
});

test('a cancelled wait leaves the session as it was', async () => {
  const { connection, pcxh } = await logged('alice');
  const { pacxh } = await connection.emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });
  const abort = new AbortController();
  const parked = connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 }, { signal: abort.signal });
  abort.abort();
  await assert.rejects(parked, { name: 'AbortError' });
  const wait = connection.asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  store.time.pass(ASYNC_WAIT);
  assert.equal((await wait).result, 0);
});

test('a crashed worker takes its sessions with it and nothing else, and is started again', async () => {
  const accounts = ['alice', 'bob', 'carol'];
  const [mine, other] = [0, 1].map((index) => accounts.find((account) => workerOf(account, 2) === index));
  assert.ok(mine !== undefined && other !== undefined);
  const lost = await logged(mine);
  const kept = await logged(other);
  store.workers.live.get(workerOf(mine, 2))?.crash(new Error('for the test'));
  const answer = await lost.connection.rpc(lost.pcxh, bufferOf([], []));
  assert.deepEqual([answer.pcxh, errorName(answer.result)], [NULL_HANDLE, 'RpcFailed']);
  assert.equal((await kept.connection.rpc(kept.pcxh, bufferOf([], []))).result, 0);
  assert.ok(
    store.recorded.lines.some(({ level, fields }) => level === 'error' && fields.event === 'store.worker.lost'),
  );
  assert.equal((await logged(mine)).logon > 0, true);
  assert.equal(store.workers.started, 3);
});

test('one session, mailboxes of two workers: each ROP is done where its logon is', async () => {
  const accounts = ['alice', 'bob', 'carol'];
  const [mine, other] = [0, 1].map((index) => accounts.find((account) => workerOf(account, 2) === index));
  assert.ok(mine !== undefined && other !== undefined);
  const owner = await logged(other);
  await owner.connection.rpc(owner.pcxh, bufferOf([ropOf(GetStoreState, { inputHandleIndex: 0 })], [owner.logon]));
  const { connection, pcxh, logon } = await logged(mine);
  const state = (index: number, logonId: number) => ({
    rop: ropOf(GetStoreState, { inputHandleIndex: index }).rop,
    request: { inputHandleIndex: index, logonId },
  });
  const both = bufferOf(
    [
      state(0, 0),
      { ...logonTo(other, 1), request: { ...logonTo(other, 1).request, outputHandleIndex: 1 } },
      state(0, 0),
    ],
    [logon, NO_HANDLE],
  );
  const { ropsList, handles } = payloadOf((await connection.rpc(pcxh, both)).rgbOut);
  const cursor = new Cursor(ropsList, 'answer');
  assert.deepEqual([cursor.u8(), cursor.u8(), cursor.u32(), cursor.u32()], [GetStoreState.id, 0, 0, 0]);
  // He has no rights there: that is what the other worker says.
  assert.deepEqual([cursor.u8(), cursor.u8(), errorName(cursor.u32())], [Logon.id, 1, 'AccessDenied']);
  assert.deepEqual([cursor.u8(), cursor.u8(), cursor.u32(), cursor.u32()], [GetStoreState.id, 0, 0, 0]);
  cursor.end();
  assert.deepEqual(handles, [logon, NO_HANDLE]);
});

test('a mailbox that cannot be opened ends the session that wanted it, is logged, and harms no other', async () => {
  const file = mailboxFile(store.folder, 'alice');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, 'this is no database, and long enough to look like one'.repeat(100));
  const bob = await logged('bob');
  const connection = store.connection('alice');
  const { pcxh } = await connection.connect();
  const answer = await connection.rpc(pcxh, bufferOf([logonTo('alice')], [NO_HANDLE]));
  assert.deepEqual([answer.pcxh, errorName(answer.result)], [NULL_HANDLE, 'RpcFailed']);
  assert.ok(
    store.recorded.lines.some(({ level, fields }) => level === 'error' && fields.event === 'store.session.broken'),
  );
  assert.equal((await bob.connection.rpc(bob.pcxh, bufferOf([], []))).result, 0);
  assert.equal(store.host.sessions, 1);
});

test('more calls of one session than may wait for each other are refused', async () => {
  const { connection, pcxh } = await logged('alice');
  const calls = Array.from({ length: MAX_WAITING_CALLS + 1 }, () => connection.rpc(pcxh, bufferOf([], [])));
  const settled = await Promise.allSettled(calls);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, MAX_WAITING_CALLS);
  await assert.rejects(calls[MAX_WAITING_CALLS] ?? Promise.resolve(), fault(FaultStatus.nca_s_server_too_busy));
});

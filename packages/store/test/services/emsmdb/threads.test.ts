import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExtendedBuffers } from '../../../src/mapi/extended-buffer.ts';
import { NO_HANDLE, readRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import { GetStoreState, Logon } from '../../../src/mapi/rops/store.ts';
import { startThread, type WorkerPort } from '../../../src/services/worker-link.ts';
import { bufferOf, dnOf, ropOf } from './rop-client.ts';
import { RunningStore } from './store-client.ts';

test('mailboxes in worker threads: they are made, closed in order, opened again, and a thread that dies is replaced', async () => {
  const ports: WorkerPort[] = [];
  const ended: Promise<void>[] = [];
  const store = await RunningStore.start({
    startWorker: (start, listener) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      ended.push(promise);
      const port = startThread(start, {
        message: (message) => listener.message(message),
        ended: (error) => {
          listener.ended(error);
          resolve();
        },
      });
      ports.push(port);
      return port;
    },
    workers: 1,
  });
  try {
    const logon = async () => {
      const connection = store.connection('alice');
      const { pcxh } = await connection.connect();
      const request = { outputHandleIndex: 0, logonFlags: 1, openFlags: 0, essdn: dnOf('alice') };
      const calls = [ropOf(Logon, request), ropOf(GetStoreState, { inputHandleIndex: 0 })];
      const { rgbOut, result } = await connection.rpc(pcxh, bufferOf(calls, [NO_HANDLE]));
      assert.equal(result, 0);
      const [payload] = readExtendedBuffers(rgbOut);
      assert.ok(payload);
      assert.equal(readRopBuffer(payload).ropsList.length, 166 + 10);
      return { connection, pcxh };
    };
    const { connection, pcxh } = await logon();
    assert.equal(ports.length, 1);
    await ports[0]?.terminate();
    await ended[0];
    const lost = await connection.rpc(pcxh, bufferOf([], []));
    assert.equal(lost.result, 0x80040115);
    assert.equal(store.host.sessions, 0);
    await logon();
    assert.equal(ports.length, 2);
  } finally {
    await store.close();
  }
  await Promise.all(ended);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthLevel, ProtocolError, type RpcCall, RpcFaultError } from '@rpch/rpc';
import { ContextHandles, emsmdbDeclaration } from '@rpch/rpc/internal';
import { NO_HANDLE } from '../../../src/mapi/rop-buffer.ts';
import { Logon } from '../../../src/mapi/rops/store.ts';
import { bufferOf, dnOf, ropOf } from './rop-client.ts';
import { RunningStore } from './store-client.ts';

/** Marsaglia's xorshift32: the same stubs each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test('stubs of which some bytes are others are faults or answers, and the session goes on', async () => {
  const store = await RunningStore.start();
  const handles = new ContextHandles();
  const connection = store.connection('alice', handles);
  const { pcxh } = await connection.connect();
  const rgbIn = bufferOf(
    [ropOf(Logon, { outputHandleIndex: 0, logonFlags: 1, openFlags: 0, essdn: dnOf('alice') })],
    [NO_HANDLE],
  );
  const { procedures } = emsmdbDeclaration;
  const request = { pcxh, pulFlags: 3, rgbIn, pcbOut: 0x8007, rgbAuxIn: new Uint8Array(0), pcbAuxOut: 0 };
  const stub = procedures.ecDoRpcExt2.encodeRequest(request);
  const call: RpcCall = {
    identity: { user: 'alice', domain: '', workstation: '' },
    authType: 10,
    authLevel: AuthLevel.privacy,
    object: undefined,
    associationGroup: 1,
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    signal: AbortSignal.abort(new DOMException('cancelled', 'AbortError')),
    contextHandles: handles,
  };
  const random = randomFrom(7);
  const served = [store.host.emsmdb(), store.host.asyncEmsmdb()];
  for (let round = 0; round < 2000; round += 1) {
    const bytes = stub.slice(0, random() < 0.2 ? Math.floor(random() * stub.length) : stub.length);
    const changes = Math.floor(random() * 6);
    for (let i = 0; i < changes; i += 1) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const opnum = random() < 0.6 ? 11 : Math.floor(random() * 16);
    // The session itself is not to be ended.
    if (opnum === 1) continue;
    try {
      await served[round % 7 === 0 ? 1 : 0]?.handle(opnum, bytes, true, call);
    } catch (error) {
      const expected = error instanceof RpcFaultError || error instanceof ProtocolError;
      assert.ok(expected || (error instanceof DOMException && error.name === 'AbortError'), String(error));
    }
  }
  assert.equal((await connection.rpc(pcxh, rgbIn)).result, 0);
  assert.ok(store.recorded.lines.every(({ level }) => level !== 'error'));
  await store.close();
});

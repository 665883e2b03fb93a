import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import { readExtendedBuffers, writeExtendedBuffer } from '../../src/mapi/extended-buffer.ts';
import { NO_HANDLE, readRopBuffer, ropBufferSize, writeRopBuffer } from '../../src/mapi/rop-buffer.ts';
import { readRops } from '../../src/mapi/rops/read-rops.ts';
import { Logon } from '../../src/mapi/rops/store.ts';
import { hex, survives, WESTERN, written } from './support.ts';

test('RopLogon alone, from the header of the payload to the handle', () => {
  const essdn = '/o=X/ou=Y/cn=Recipients/cn=a';
  // RPC_HEADER_EXT, RopSize, RopLogon, Essdn of 29 bytes, one empty handle.
  const bytes = hex(`
    0000 0400 3100 3100  2d00  fe 00 00 01 0c040001 00000000 1d00
    ${Buffer.from(`${essdn}\0`).toString('hex')}  ffffffff`);
  const request = { logonId: 0, outputHandleIndex: 0, logonFlags: 1, openFlags: 0x0100_040c, essdn };

  const ropsList = written((writer) => Logon.writeRequest(writer, request, WESTERN));
  assert.deepEqual(writeExtendedBuffer(writeRopBuffer({ ropsList, handles: [NO_HANDLE] })), bytes);

  const [payload] = readExtendedBuffers(bytes, { payloads: 1 });
  assert.ok(payload !== undefined);
  const buffer = readRopBuffer(payload);
  assert.deepEqual(buffer.handles, [NO_HANDLE]);
  assert.deepEqual(readRops(buffer.ropsList, WESTERN), [{ rop: Logon, request, start: 0, end: 43 }]);
});

test('an empty list without handles, which fetches notifications', () => {
  assert.deepEqual(writeRopBuffer({ ropsList: new Uint8Array(), handles: [] }), hex('0200'));
  assert.deepEqual(readRopBuffer(hex('0200')), { ropsList: new Uint8Array(), handles: [] });
});

test('what is written is read', () => {
  const handles = fc.array(fc.nat(0xffff_ffff), { maxLength: 255 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), handles, (ropsList, all) => {
      const payload = writeRopBuffer({ ropsList, handles: all });
      assert.equal(payload.length, ropBufferSize(ropsList.length, all.length));
      assert.deepEqual(readRopBuffer(payload), { ropsList, handles: all });
    }),
  );
});

test('a size that is none, or more than there is, and more handles than an index can name', () => {
  for (const bytes of [
    hex(''),
    hex('02'),
    hex('0000'),
    hex('0100'),
    hex('0500 0100'),
    hex(`0200${'00'.repeat(1028)}`),
  ]) {
    assert.throws(() => readRopBuffer(bytes), ProtocolError);
  }
  survives((cursor) => readRopBuffer(cursor.rest()));
});

test("a list that RopSize cannot count is the caller's mistake", () => {
  const mistake = { code: 'RPCH_ROP_NOT_WRITABLE', fault: 'caller' };
  assert.throws(() => writeRopBuffer({ ropsList: new Uint8Array(0xfffe), handles: [] }), mistake);
  assert.throws(() => writeRopBuffer({ ropsList: new Uint8Array(), handles: new Array(257).fill(0) }), mistake);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import {
  readGlobalId,
  readLongTermId,
  writeGlobalCounter,
  writeGlobalId,
  writeLongTermId,
} from '../../src/mapi/long-term-id.ts';
import { counterOf, MAX_COUNTER, objectId, replidOf } from '../../src/mapi/object-id.ts';
import {
  changeXid,
  formPredecessorChangeList,
  formXid,
  globalIdBytes,
  parsePredecessorChangeList,
  parseXid,
} from '../../src/mapi/xid.ts';
import { counter, guid, hex, read, refusesEveryPrefix, survives, written } from './support.ts';

const REPLICA = '03020100-0504-0706-0809-0a0b0c0d0e0f';
const REPLICA_BYTES = '000102030405060708090a0b0c0d0e0f';

test('[MS-OXCDATA] 2.2.1.1: REPLID 1 and counter 0x0D', () => {
  const id = objectId(0x0d);
  assert.deepEqual(
    written((writer) => writer.u64(id)),
    hex('0100 00000000000d'),
  );
  assert.equal(replidOf(id), 1);
  assert.equal(counterOf(id), 0x0d);
  assert.equal(counterOf(BigInt.asIntN(64, objectId(MAX_COUNTER, 0xffff))), MAX_COUNTER, 'read as a signed Integer64');
});

test('[MS-OXCDATA] 2.2.1.3: GIDs and LongTermIDs', () => {
  const id = { guid: REPLICA, counter: 0x010203040506 };
  assert.deepEqual(
    written((writer) => writeGlobalId(writer, id)),
    hex(`${REPLICA_BYTES} 010203040506`),
  );
  assert.deepEqual(
    written((writer) => writeLongTermId(writer, id)),
    hex(`${REPLICA_BYTES} 010203040506 0000`),
  );
  fc.assert(
    fc.property(fc.record({ guid, counter }, { noNullPrototype: true }), (value) => {
      const bytes = written((writer) => writeLongTermId(writer, value));
      assert.deepEqual(read(bytes, readLongTermId), value);
      assert.deepEqual(read(bytes.slice(0, 22), readGlobalId), value);
      refusesEveryPrefix(bytes, readLongTermId);
      // The counter of an id on the wire has the same bytes.
      const short = written((writer) => writer.u64(objectId(value.counter)));
      assert.deepEqual(
        short.slice(2),
        written((writer) => writeGlobalCounter(writer, value.counter)),
      );
    }),
  );
  survives(readLongTermId);
});

test('[MS-OXCFXICS] 2.2.2.2: change keys', () => {
  const bytes = hex(`${REPLICA_BYTES} 000000000007`);
  assert.deepEqual(globalIdBytes({ guid: REPLICA, counter: 7 }), bytes);
  assert.deepEqual(formXid(changeXid(REPLICA, 7)), bytes);
  for (const length of [0, 16, 25]) assert.throws(() => parseXid(new Uint8Array(length)), ProtocolError);
});

test('[MS-OXCFXICS] 2.2.2.3: a predecessor change list is sorted by its GUIDs', () => {
  const late = { guid: 'ffffffff-0000-0000-0000-000000000000', localId: hex('01') };
  const early = { guid: REPLICA, localId: hex('000000000007') };
  const bytes = hex(`16 ${REPLICA_BYTES} 000000000007 11 ffffffff000000000000000000000000 01`);
  assert.deepEqual(formPredecessorChangeList([late, early]), bytes);
  assert.deepEqual(parsePredecessorChangeList(bytes), [early, late]);
  assert.deepEqual(parsePredecessorChangeList(hex('')), []);
  for (let length = 1; length < bytes.length; length += 1) {
    if (length !== 23) assert.throws(() => parsePredecessorChangeList(bytes.slice(0, length)), ProtocolError);
  }
  survives((cursor) => parsePredecessorChangeList(cursor.rest()));
});

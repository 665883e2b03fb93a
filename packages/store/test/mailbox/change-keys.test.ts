import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeChanges, stampChange } from '../../src/mailbox/change-keys.ts';
import type { MutableProperties } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { changeXid, formPredecessorChangeList, formXid, parsePredecessorChangeList } from '../../src/mapi/xid.ts';
import { properties } from './support.ts';

const HERE = '11111111-1111-4111-8111-111111111111';
const THERE = '99999999-9999-4999-8999-999999999999';

function list(set: MutableProperties): string[] {
  const bytes = set.get(PidTag.PredecessorChangeList);
  assert.ok(bytes instanceof Uint8Array);
  return parsePredecessorChangeList(bytes).map(
    ({ guid, localId }) => `${guid[0]}:${Buffer.from(localId).toString('hex')}`,
  );
}

test('a change made here has the key that its number makes, and is the last of ours in the list', () => {
  const first = properties();
  stampChange(first, properties(), HERE, 0x102);
  assert.equal(
    Buffer.from(first.get(PidTag.ChangeKey) as Uint8Array).toString('hex'),
    '11111111111111418111111111111111000000000102',
  );
  assert.deepEqual(list(first), ['1:000000000102']);
  const second = properties();
  stampChange(second, first, HERE, 0x103);
  assert.deepEqual(list(second), ['1:000000000103']);
});

test('a change that was made elsewhere brings its key, and the lists are merged ([MS-OXCFXICS] 3.1.5.3)', () => {
  const theirs = changeXid(THERE, 7);
  const stored = properties([
    PidTag.PredecessorChangeList,
    formPredecessorChangeList([changeXid(HERE, 5), changeXid(THERE, 3)]),
  ]);
  const set = properties(
    [PidTag.ChangeKey, formXid(theirs)],
    [PidTag.PredecessorChangeList, formPredecessorChangeList([changeXid(HERE, 4), theirs])],
  );
  stampChange(set, stored, HERE, 9);
  assert.deepEqual(set.get(PidTag.ChangeKey), formXid(theirs));
  assert.deepEqual(list(set), ['1:000000000005', '9:000000000007']);
});

test('of two changes of one replica the later one is the greater number, whatever its length', () => {
  const long = { guid: HERE, localId: new Uint8Array([0, 0, 0, 0, 0, 0, 1, 0]) };
  const short = { guid: HERE, localId: new Uint8Array([255]) };
  assert.deepEqual(mergeChanges([short, long]), [long]);
  assert.deepEqual(mergeChanges([long, short]), [long]);
});

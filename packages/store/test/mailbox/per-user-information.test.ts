import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_PER_USER_ENTRIES, MAX_PER_USER_SIZE, MAX_PER_USER_TOTAL } from '../../src/mailbox/limits.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { newMailbox } from './support.ts';

const GUID = '11111111-2222-3333-4444-555555555555';
const REPLICA = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const NOTHING = new Uint8Array(0);

/** Bytes of a set beside its ranges, and of each of them. */
const EMPTY = 17;
const RANGE = 13;

/** A set of so many ranges. */
function setOf(ranges: number): Uint8Array {
  const bytes = new Uint8Array(EMPTY + ranges * RANGE);
  for (let at = 0; at < ranges; at += 1) bytes.set([0x52], EMPTY - 1 + at * RANGE);
  return bytes;
}

function refused(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

test('[MS-OXCSTOR] 3.2.5.13.2: one entry for each folder, the last one written', () => {
  const { database, perUser } = newMailbox();
  const folder = { guid: GUID, counter: 2 ** 48 - 1 };
  assert.equal(perUser.get(folder), undefined);
  const data = setOf(2);
  perUser.set(folder, { replica: GUID, data: NOTHING });
  perUser.set(folder, { replica: REPLICA, data });
  assert.deepEqual(perUser.get(folder), { replica: REPLICA, data });
  assert.equal(perUser.get({ guid: REPLICA, counter: folder.counter }), undefined);
  perUser.set({ guid: GUID, counter: 1 }, { replica: REPLICA, data: NOTHING });
  assert.deepEqual(perUser.foldersOf(REPLICA), [folder, { guid: GUID, counter: 1 }]);
  assert.deepEqual(perUser.foldersOf(GUID), []);
  const times = database.all('SELECT CAST(modified AS TEXT) AS modified FROM per_user');
  assert.ok(times.every(({ modified }) => BigInt(String(modified)) > 130_000_000_000_000_000n));
});

test('[MS-OXCSTOR] 3.2.5.13.1: what is no set is not kept', () => {
  const { perUser } = newMailbox();
  const folder = { guid: GUID, counter: 1 };
  refused(ErrorCode.CorruptData, () => perUser.set(folder, { replica: REPLICA, data: Uint8Array.of(1, 2, 3) }));
  assert.equal(perUser.get(folder), undefined);
});

test('entries have bounds: each of them, their number and all together', () => {
  const { perUser } = newMailbox();
  const set = (counter: number, data: Uint8Array) => perUser.set({ guid: GUID, counter }, { replica: REPLICA, data });
  const most = Math.floor((MAX_PER_USER_SIZE - EMPTY) / RANGE);
  refused(ErrorCode.TooBig, () => set(1, setOf(most + 1)));
  const large = setOf(most);
  const entries = Math.floor(MAX_PER_USER_TOTAL / large.length);
  for (let counter = 1; counter <= entries; counter += 1) set(counter, large);
  refused(ErrorCode.QuotaExceeded, () => set(entries + 1, large));
  // In place of another there is room.
  set(entries, large);
  for (let counter = 1; counter <= MAX_PER_USER_ENTRIES; counter += 1) set(counter, NOTHING);
  refused(ErrorCode.QuotaExceeded, () => set(MAX_PER_USER_ENTRIES + 1, NOTHING));
  set(MAX_PER_USER_ENTRIES, NOTHING);
});

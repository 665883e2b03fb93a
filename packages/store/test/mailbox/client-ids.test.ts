import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { FolderId } from '../../src/mailbox/folder-ids.ts';
import { MAX_DELETED_RANGES, MAX_RESERVED_IDS } from '../../src/mailbox/limits.ts';
import { Mailbox } from '../../src/mailbox/mailbox.ts';
import { ErrorCode, StoreError } from '../../src/mapi/error-code.ts';
import { newMailbox, options } from './support.ts';

const { Inbox, Drafts } = FolderId;

function refused(code: number, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof StoreError && error.errorCode === code);
}

test('ids are reserved once, whatever is made or opened meanwhile', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rpch-ids-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'alice.sqlite');
  const mailbox = newMailbox(path);
  const first = mailbox.clientIds.reserve(MAX_RESERVED_IDS);
  const made = mailbox.folders.create(Inbox, { name: 'New', type: 1 }).id;
  assert.equal(made, first + MAX_RESERVED_IDS);
  assert.equal(mailbox.clientIds.reserve(2), made + 1);
  mailbox.close();
  const again = Mailbox.open(path, options());
  t.after(() => again.close());
  assert.equal(again.clientIds.reserve(1), made + 3);
  assert.equal(again.folders.create(Inbox, { name: 'Newer', type: 1 }).id, made + 4);
});

test('[MS-OXCFXICS] 3.2.5.9.4.7: the ids of one batch have a bound', () => {
  const { clientIds } = newMailbox();
  for (const count of [0, MAX_RESERVED_IDS + 1, 0xffffffff]) {
    refused(ErrorCode.InvalidParam, () => clientIds.reserve(count));
  }
});

test('[MS-OXCFXICS] 3.2.5.9.4.8: only ids that were reserved get into a deleted item list', () => {
  const mailbox = newMailbox();
  const { clientIds, folders } = mailbox;
  const first = clientIds.reserve(10);
  const next = clientIds.reserve(10);
  const made = folders.create(Inbox, { name: 'New', type: 1 }).id;
  const last = clientIds.reserve(10);
  // Two batches that touch are one range.
  clientIds.addDeleted(Inbox, [{ first: next - 1, last: next }]);
  assert.deepEqual(clientIds.deleted(Inbox), [{ first: next - 1, last: next }]);
  assert.deepEqual(clientIds.deleted(Drafts), []);
  for (const wrong of [
    { first: first - 1, last: first },
    { first: made, last: made },
    { first, last },
    { first: last, last: last + 10 },
    { first: first + 1, last: first },
  ]) {
    refused(ErrorCode.InvalidParam, () => clientIds.addDeleted(Inbox, [{ first: last, last }, wrong]));
  }
  assert.deepEqual(clientIds.deleted(Inbox), [{ first: next - 1, last: next }]);
});

test('a deleted item list goes when its folder is gone for good, and has a bound', () => {
  const mailbox = newMailbox();
  const { clientIds, folders } = mailbox;
  const { id } = folders.create(Inbox, { name: 'New', type: 1 });
  const first = clientIds.reserve(2 * MAX_DELETED_RANGES + 2);
  const ranges = Array.from({ length: MAX_DELETED_RANGES }, (_, at) => ({
    first: first + 2 * at,
    last: first + 2 * at,
  }));
  clientIds.addDeleted(id, ranges);
  const more = { first: first + 2 * MAX_DELETED_RANGES, last: first + 2 * MAX_DELETED_RANGES };
  refused(ErrorCode.TooComplex, () => clientIds.addDeleted(id, [more]));
  assert.equal(clientIds.deleted(id).length, MAX_DELETED_RANGES);
  folders.delete(id, true);
  assert.equal(clientIds.deleted(id).length, 0);
});

test('ranges that touch become one, in whatever order they come', () => {
  const mailbox = newMailbox();
  const first = mailbox.clientIds.reserve(200);
  const range = fc
    .tuple(fc.nat(99), fc.nat(12))
    .map(([at, length]) => ({ first: first + at, last: first + at + length }));
  fc.assert(
    fc.property(fc.array(fc.array(range, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), (calls) => {
      mailbox.database.run('DELETE FROM deleted_ids');
      const expected = new Set<number>();
      for (const ranges of calls) {
        mailbox.clientIds.addDeleted(Inbox, ranges);
        for (const each of ranges) for (let id = each.first; id <= each.last; id += 1) expected.add(id);
      }
      const found = mailbox.clientIds.deleted(Inbox);
      const ids = found.flatMap((each) =>
        Array.from({ length: each.last - each.first + 1 }, (_, at) => each.first + at),
      );
      assert.deepEqual(
        ids,
        [...expected].sort((a, b) => a - b),
      );
      for (const [at, each] of found.entries()) assert.ok(at === 0 || each.first > (found[at - 1]?.last ?? 0) + 1);
    }),
    { numRuns: 100 },
  );
});

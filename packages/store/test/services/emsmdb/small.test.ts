import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileName } from '../../../src/mailbox/mailbox-file.ts';
import { ErrorCode, StoreError } from '../../../src/mapi/error-code.ts';
import { NO_HANDLE } from '../../../src/mapi/rop-buffer.ts';
import { HandleNumbers } from '../../../src/services/emsmdb/handles.ts';
import { Allowance, MAX_OBJECTS, MemoryPool } from '../../../src/services/emsmdb/limits.ts';
import { isAtLeast, versionOf, versionWords } from '../../../src/services/emsmdb/version.ts';

test('[MS-OXCRPC] 3.1.4.1.3: three words are four numbers, in an old and a new form', () => {
  assert.deepEqual(versionOf([0x000c, 0x183e, 0x03e8]), [12, 0, 6206, 1000]);
  assert.deepEqual(versionOf([0x0f00, 0x834f, 0x0fc8]), [15, 0, 847, 4040]);
  assert.deepEqual(versionWords([15, 0, 847, 4040]), [0x0f00, 0x834f, 0x0fc8]);
  assert.ok(isAtLeast([12, 0, 6206, 1000], [11, 0, 0, 0]));
  assert.ok(isAtLeast([11, 0, 0, 0], [11, 0, 0, 0]));
  assert.ok(!isAtLeast([10, 9, 9999, 9], [11, 0, 0, 0]));
});

test('handles of several workers never meet, and each is given once', () => {
  const workers = [0, 1, 2].map((index) => new HandleNumbers(index, 3));
  const given = workers.flatMap((worker) => [worker.take(), worker.take(), worker.take()]);
  assert.equal(new Set(given).size, 9);
  for (const handle of given) assert.equal(workers.filter((worker) => worker.wasGiven(handle)).length, 1);
  assert.ok(workers.every((worker) => !worker.wasGiven(NO_HANDLE) && !worker.wasGiven(0) && !worker.wasGiven(1000)));
});

test('a mailbox is in a file of its own whatever its account is called', () => {
  assert.equal(fileName('alice'), 'alice.sqlite');
  assert.equal(fileName('other\\alice'), 'other%5calice.sqlite');
  assert.equal(fileName('..'), '%2e..sqlite');
  assert.equal(fileName('a/../../b'), 'a%2f..%2f..%2fb.sqlite');
  assert.equal(fileName('jürgen'), 'j%c3%bcrgen.sqlite');
  const long = ['a'.repeat(256), `${'a'.repeat(255)}b`, 'ü'.repeat(256), `${'ü'.repeat(255)}ö`].map(fileName);
  for (const name of long) assert.match(name, /^[a-z0-9%]{120}~[0-9a-f]{64}\.sqlite$/);
  assert.equal(new Set(long).size, long.length);
  assert.equal(fileName('a%2fb'), 'a%252fb.sqlite');
});

const isCode = (code: number) => (error: unknown) => error instanceof StoreError && error.errorCode === code;

test('objects are counted by their kinds, memory for all sessions of an account', () => {
  const pool = new MemoryPool(1000);
  const [first, second] = [new Allowance(pool), new Allowance(pool)];
  for (let i = 0; i < MAX_OBJECTS.folder; i += 1) first.open('folder');
  assert.throws(() => first.open('folder'), isCode(ErrorCode.MaxObjsExceeded));
  first.open('message');
  second.open('folder');
  first.close('folder');
  first.open('folder');
  first.use(600);
  assert.throws(() => second.use(401), isCode(ErrorCode.NotEnoughMemory));
  second.use(400);
  first.use(-600);
  second.use(600);
  assert.deepEqual([first.memory, second.memory, pool.used], [0, 1000, 1000]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileName } from '../../../src/mailbox/mailbox-file.ts';
import { ErrorCode, StoreError } from '../../../src/mapi/error-code.ts';
import { NO_HANDLE } from '../../../src/mapi/rop-buffer.ts';
import { HandleNumbers } from '../../../src/services/emsmdb/handles.ts';
import {
  AccountAllowance,
  Allowance,
  MAX_ACCOUNT_OBJECTS,
  MAX_OBJECTS,
  MAX_TABLES_AT_WORK,
  MAX_TABLES_MEMORY,
  MemoryPool,
  TablesAtWork,
} from '../../../src/services/emsmdb/limits.ts';
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

test('objects are counted by their kinds, for a session and for all of an account in one mailbox', () => {
  const account = new AccountAllowance();
  const [first, second, third] = [new Allowance(account), new Allowance(account), new Allowance(account)];
  const alices = account.in('alice');
  assert.equal(third.in('alice'), alices);
  for (let i = 0; i < MAX_OBJECTS.table; i += 1) first.open('table', alices);
  assert.throws(() => first.open('table', alices), isCode(ErrorCode.MaxObjsExceeded));
  first.open('message', alices);
  for (let i = MAX_OBJECTS.table; i < MAX_ACCOUNT_OBJECTS.table; i += 1) second.open('table', alices);
  assert.throws(() => third.open('table', alices), isCode(ErrorCode.MaxObjsExceeded));
  // In another mailbox it begins anew; what was refused is not counted.
  for (let i = 0; i < MAX_OBJECTS.table; i += 1) third.open('table', account.in('bob'));
  assert.throws(() => third.open('table', account.in('bob')), isCode(ErrorCode.MaxObjsExceeded));
  third.close('table', account.in('bob'));
  first.close('table', alices);
  third.open('table', alices);
  assert.throws(() => first.open('table', alices), isCode(ErrorCode.MaxObjsExceeded));
});

test('memory is counted for a session, an account and a worker', () => {
  const worker = new MemoryPool(1000);
  const account = new AccountAllowance(worker);
  const [first, second] = [new Allowance(account), new Allowance(account)];
  first.use(600);
  assert.throws(() => second.use(401), isCode(ErrorCode.NotEnoughMemory));
  second.use(400);
  first.use(-600);
  second.use(600);
  assert.deepEqual([first.memory, second.memory, account.memory.used, worker.used], [0, 1000, 1000, 1000]);
});

test('of the tables that have rows in memory those give them up that were not used for longest', () => {
  const rested: number[] = [];
  const tables = Array.from({ length: MAX_TABLES_AT_WORK + 2 }, (_, i) => ({ bytes: 1, rest: () => rested.push(i) }));
  const atWork = new TablesAtWork();
  for (const table of tables.slice(0, MAX_TABLES_AT_WORK)) atWork.use(table);
  const [first, second, third] = tables;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  atWork.use(first);
  assert.equal(rested.length, 0);
  for (const table of tables.slice(MAX_TABLES_AT_WORK)) atWork.use(table);
  assert.deepEqual(rested, [1, 2]);
  first.bytes = MAX_TABLES_MEMORY;
  atWork.forget(second);
  atWork.use(third);
  assert.ok(rested.includes(0));
  assert.ok(!rested.slice(2).includes(2), 'the one in use keeps its rows');
});

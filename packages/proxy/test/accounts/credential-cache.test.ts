import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CREDENTIAL_LIFETIME, CredentialCache } from '../../src/accounts/credential-cache.ts';
import type { Account } from '../../src/accounts/provider.ts';
import { counting, settle } from './support.ts';

const ALICE: Account = { name: 'alice', groups: ['staff'] };

/** A check that counts, and answers what it was told. */
function checking(answer: Account | undefined) {
  let calls = 0;
  const check = async () => {
    calls++;
    return answer;
  };
  return { check, calls: () => calls };
}

test('a right credential is computed once, until its time is over', async () => {
  const cache = new CredentialCache({ random: counting() });
  const { check, calls } = checking(ALICE);
  assert.deepEqual(await cache.verify(cache.keyOf('alice', 'pw'), 0, check), { account: ALICE, cached: false });
  assert.deepEqual(await cache.verify(cache.keyOf('alice', 'pw'), CREDENTIAL_LIFETIME - 1, check), {
    account: ALICE,
    cached: true,
  });
  assert.equal(calls(), 1);
  assert.equal(
    (await cache.verify(cache.keyOf('alice', 'pw'), CREDENTIAL_LIFETIME, check)).cached,
    false,
    'use does not prolong it',
  );
  assert.equal(calls(), 2);
});

test('wrong credentials are never remembered, and neither are errors', async () => {
  const cache = new CredentialCache({ random: counting() });
  const { check, calls } = checking(undefined);
  for (let at = 0; at < 3; at++)
    assert.equal((await cache.verify(cache.keyOf('alice', 'pw'), at, check)).account, undefined);
  assert.equal(calls(), 3);
  const broken = () => Promise.reject(new Error('down'));
  await assert.rejects(cache.verify(cache.keyOf('alice', 'pw'), 0, broken), /down/);
  assert.equal((await cache.verify(cache.keyOf('alice', 'pw'), 0, checking(ALICE).check)).account, ALICE);
  assert.equal(cache.size, 1);
});

test('no other password and no other account is let in by a remembered credential', async () => {
  const cache = new CredentialCache({ random: counting() });
  await cache.verify(cache.keyOf('alice', 'pw'), 0, async () => ALICE);
  for (const [account, password] of [
    ['alice', 'pw2'],
    ['alice', ''],
    ['alicep', 'w'],
    ['alic', 'epw'],
    ['bob', 'pw'],
  ] as const) {
    const { check, calls } = checking(undefined);
    assert.equal((await cache.verify(cache.keyOf(account, password), 1, check)).account, undefined);
    assert.equal(calls(), 1);
  }
});

test('equal credentials at the same time share one check, and its error', async () => {
  const cache = new CredentialCache({ random: counting() });
  let calls = 0;
  let end: (account: Account | undefined) => void = () => assert.fail();
  const check = () => {
    calls++;
    return new Promise<Account | undefined>((resolve) => {
      end = resolve;
    });
  };
  const all = Array.from({ length: 20 }, () => cache.verify(cache.keyOf('alice', 'pw'), 0, check));
  await settle();
  end(ALICE);
  assert.deepEqual(new Set((await Promise.all(all)).map(({ account }) => account)), new Set([ALICE]));
  assert.equal(calls, 1);
  const failing = async () => {
    await Promise.resolve();
    throw new Error('down');
  };
  const both = await Promise.allSettled([
    cache.verify(cache.keyOf('bob', 'x'), 0, failing),
    cache.verify(cache.keyOf('bob', 'x'), 0, failing),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
});

test('what was begun before a reload is not remembered after it', async () => {
  const cache = new CredentialCache({ random: counting() });
  await cache.verify(cache.keyOf('bob', 'pw'), 0, async () => ({ name: 'bob', groups: [] }));
  let end: (account: Account) => void = () => assert.fail();
  const begun = cache.verify(
    cache.keyOf('alice', 'pw'),
    0,
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  cache.clear();
  const after = checking(undefined);
  assert.equal(
    (await cache.verify(cache.keyOf('alice', 'pw'), 0, after.check)).account,
    undefined,
    'not joined to the old check',
  );
  end(ALICE);
  assert.equal((await begun).account, ALICE);
  assert.equal((await cache.verify(cache.keyOf('alice', 'pw'), 0, after.check)).account, undefined);
  assert.equal((await cache.verify(cache.keyOf('bob', 'pw'), 0, after.check)).account, undefined);
  assert.equal(after.calls(), 3);
  assert.equal(cache.size, 0);
});

test('memory is bounded; what was used longest ago goes first', async () => {
  const cache = new CredentialCache({ random: counting(), capacity: 3 });
  const put = (name: string) => cache.verify(cache.keyOf(name, 'pw'), 0, async () => ({ name, groups: [] }));
  for (const name of ['a', 'b', 'c', 'a', 'd']) await put(name);
  assert.equal(cache.size, 3);
  assert.equal((await put('a')).cached, true);
  assert.equal((await put('b')).cached, false);
});

test('keys are under a key of the process and tell nothing of the password', () => {
  const random = counting();
  const [one, two] = [new CredentialCache({ random }), new CredentialCache({ random })];
  assert.equal(one.keyOf('alice', 'pw'), one.keyOf('alice', 'pw'));
  assert.notEqual(one.keyOf('alice', 'pw'), two.keyOf('alice', 'pw'));
  assert.match(one.keyOf('alice', 'pw'), /^[\w+/]{43}=$/);
});

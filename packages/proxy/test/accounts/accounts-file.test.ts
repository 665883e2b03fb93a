import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { type AccountRecord, formatAccounts, parseAccounts } from '../../src/accounts/account-record.ts';
import { ACCOUNTS_FILE, changeAccounts, readAccounts } from '../../src/accounts/accounts-file.ts';
import { makeRecord } from '../../src/accounts/local-provider.ts';
import { countedHasher } from './support.ts';

const { hasher } = countedHasher();
const ALICE = await makeRecord({ name: 'Alice', password: 'pw', groups: ['Staff', 'staff'], ntlm: true }, hasher);
const BOB = await makeRecord({ name: 'bob', password: 'pw', groups: [], ntlm: false }, hasher);

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'rpch-accounts-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function sentence(work: Promise<unknown>, code: string): Promise<string> {
  const error = await work.then(
    () => assert.fail('succeeded'),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof RpchError, String(error));
  assert.equal(error.code, code);
  return error.message;
}

const plain = (records: readonly AccountRecord[]) => JSON.parse(formatAccounts(records)) as unknown;

test('accounts come back as they were written, and nobody else may read the file', async () => {
  await inDirectory(async (parent) => {
    const directory = join(parent, 'a', 'data');
    assert.deepEqual(await readAccounts(directory), []);
    await changeAccounts(directory, () => [BOB, ALICE]);
    assert.deepEqual(plain(await readAccounts(directory)), plain([ALICE, BOB]));
    const path = join(directory, ACCOUNTS_FILE);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.deepEqual(await readdir(directory), [ACCOUNTS_FILE]);
  });
});

test('an NT hash is kept only for accounts marked for NTLM', async () => {
  const text = formatAccounts([ALICE, BOB]);
  assert.deepEqual(
    JSON.parse(text).accounts.map(({ name, groups, ntHash }: Record<string, unknown>) => [name, groups, typeof ntHash]),
    [
      ['alice', ['staff'], 'string'],
      ['bob', [], 'undefined'],
    ],
  );
});

test('writers take turns: none of their changes is lost', async () => {
  await inDirectory(async (directory) => {
    const writers = Array.from({ length: 8 }, (_, at) =>
      changeAccounts(directory, (accounts) => [...accounts, { ...BOB, name: `user${at}` }], {
        wait: () => new Promise(setImmediate),
      }).catch((error: unknown) => error),
    );
    const failures = (await Promise.all(writers)).filter((error) => error !== undefined);
    for (const error of failures)
      assert.ok(error instanceof RpchError && error.code === 'RPCH_ACCOUNTS_LOCKED', String(error));
    assert.equal((await readAccounts(directory)).length, 8 - failures.length);
    assert.ok(failures.length < 8);
  });
});

test('a lock that stays is named, and the file stays as it was', async () => {
  await inDirectory(async (directory) => {
    await changeAccounts(directory, () => [ALICE]);
    const lock = join(directory, `${ACCOUNTS_FILE}.lock`);
    await writeFile(lock, '');
    let waits = 0;
    const wait = async () => void waits++;
    const said = await sentence(
      changeAccounts(directory, () => [], { wait }),
      'RPCH_ACCOUNTS_LOCKED',
    );
    assert.equal(said, `${lock} exists; if no "rpch users" is running, a crash left it behind: remove it`);
    assert.equal(waits, 49);
    assert.deepEqual(plain(await readAccounts(directory)), plain([ALICE]));
    assert.equal(await readFile(lock, 'utf8'), '', 'another writer owns it');
  });
});

test('a change that fails leaves the file as it was and no lock behind', async () => {
  await inDirectory(async (directory) => {
    await changeAccounts(directory, () => [ALICE]);
    const broken = changeAccounts(directory, () => {
      throw new RpchError('RPCH_X', 'caller', 'no');
    });
    await sentence(broken, 'RPCH_X');
    assert.deepEqual(await readdir(directory), [ACCOUNTS_FILE]);
    await changeAccounts(directory, (accounts) => [...accounts, BOB]);
    assert.equal((await readAccounts(directory)).length, 2);
  });
});

test('a file that others may read is refused with the cure', { skip: process.platform === 'win32' }, async () => {
  await inDirectory(async (directory) => {
    await changeAccounts(directory, () => [ALICE]);
    const path = join(directory, ACCOUNTS_FILE);
    await chmod(path, 0o640);
    const said = await sentence(readAccounts(directory), 'RPCH_BAD_ACCOUNTS');
    assert.equal(said, `${path} is open to others than its owner (mode 0640); run: chmod 600 ${path}`);
  });
});

test('a damaged file is refused with its place and without its secrets', () => {
  const good = JSON.parse(formatAccounts([ALICE])) as { accounts: Record<string, unknown>[] };
  const [account = {}] = good.accounts;
  const whole = (accounts: unknown) => JSON.stringify({ version: 1, accounts });
  const rows: [string, RegExp][] = [
    ['', /^F is not JSON$/],
    [formatAccounts([ALICE]).slice(0, -20), /^F is not JSON$/],
    ['[]', /^F: /],
    ['{"version":2,"accounts":[]}', /^F: version: expected version 1$/],
    [whole({}), /^F: accounts: expected a list of accounts$/],
    [whole([{ ...account, name: 'Alice' }]), /^F: accounts\.0\.name: expected an account name in lower case/],
    [whole([{ ...account, name: 'peer\\alice' }]), /^F: accounts\.0\.name/],
    [whole([{ ...account, verifier: 'hunter2' }]), /^F: accounts\.0\.verifier: expected a verifier such as/],
    [whole([{ ...account, ntHash: 'hunter2' }]), /^F: accounts\.0\.ntHash: expected an NT hash/],
    [whole([{ ...account, groups: ['A B '] }]), /^F: accounts\.0\.groups\.0: expected a group name/],
    [whole([{ ...account, password: 'hunter2' }]), /^F: accounts\.0\.password: unknown key$/],
    [whole([{ ...account, verifier: undefined }]), /^F: accounts\.0\.verifier: /],
    [whole([account, account]), /^F: account alice is there twice$/],
  ];
  for (const [text, message] of rows) {
    assert.throws(
      () => parseAccounts(text, 'F'),
      (error) =>
        error instanceof RpchError &&
        message.test(error.message) &&
        !/hunter2|\$scrypt\$ln=15,r=8,p=1\$[^s]/.test(error.message) &&
        error.cause === undefined,
      text,
    );
  }
});

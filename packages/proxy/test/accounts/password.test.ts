import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import { Gate } from '../../src/accounts/gate.ts';
import { ntHash } from '../../src/accounts/nt-hash.ts';
import { formatVerifier, PasswordHasher, parseVerifier, SCRYPT_COST } from '../../src/accounts/password.ts';
import { countedHasher, counting, settle } from './support.ts';

test('scrypt itself: a vector of RFC 7914 12', async () => {
  const text = `$scrypt$ln=14,r=8,p=1$${Buffer.from('SodiumChloride').toString('base64').replace(/=+$/, '')}$${Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex',
  )
    .toString('base64')
    .replace(/=+$/, '')}`;
  // The salt of the vector is shorter than what parseVerifier takes from a file.
  assert.equal(parseVerifier(text), undefined);
  const hasher = new PasswordHasher({ random: counting() });
  const [, , , salt = '', hash = ''] = text.split('$');
  const verifier = {
    cost: { logN: 14, r: 8, p: 1 },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
  assert.ok(await hasher.matches(verifier, 'pleaseletmein'));
  assert.ok(!(await hasher.matches(verifier, 'pleaseletmeiN')));
});

test('a verifier made at full cost is matched by its password after a trip through text', async () => {
  const hasher = new PasswordHasher({ random: counting() });
  const text = formatVerifier(await hasher.make('pw'));
  assert.match(text, /^\$scrypt\$ln=15,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.ok(await hasher.matches(parseVerifier(text), 'pw'));
});

test('each verifier has its own salt, and one password typed on different systems is one password', async () => {
  const { hasher } = countedHasher();
  const [one, two] = [await hasher.make('p\u00e9'), await hasher.make('p\u00e9')];
  assert.notDeepEqual(one.salt, two.salt);
  assert.notDeepEqual(one.hash, two.hash);
  assert.ok(await hasher.matches(one, 'pe\u0301'));
  assert.deepEqual(ntHash('p\u00e9'), ntHash('pe\u0301'));
});

test('NT hash: [MS-NLMP] 4.2.2.1.2', () => {
  assert.equal(Buffer.from(ntHash('Password')).toString('hex'), 'a4f49c406510bdcab6824ee7c30fd852');
});

test('an account that does not exist, an empty and an over-long password cost one run as well', async () => {
  const { hasher, runs } = countedHasher();
  const verifier = await hasher.make('pw');
  const rows: [Parameters<typeof hasher.matches>[0], string][] = [
    [undefined, 'pw'],
    [verifier, ''],
    [verifier, 'x'.repeat(1_000_000)],
    [verifier, 'pw '],
  ];
  for (const [of, password] of rows) {
    const before = runs();
    assert.ok(!(await hasher.matches(of, password)));
    assert.equal(runs() - before, 1);
  }
  const longest = await hasher.make('x'.repeat(256));
  assert.ok(!(await hasher.matches(longest, 'x'.repeat(257))), 'what is cut off counts');
  for (const password of ['', 'x'.repeat(257)]) {
    await assert.rejects(
      hasher.make(password),
      (error) => error instanceof RpchError && error.code === 'RPCH_BAD_PASSWORD',
    );
  }
});

test('verifiers state their cost; costs beyond reason and other text are no verifiers', () => {
  const salt = 'A'.repeat(22);
  const hash = 'B'.repeat(43);
  assert.deepEqual(parseVerifier(`$scrypt$ln=17,r=8,p=2$${salt}$${hash}`)?.cost, { logN: 17, r: 8, p: 2 });
  assert.deepEqual(parseVerifier(`$scrypt$ln=15,r=8,p=1$${salt}$${hash}`)?.cost, SCRYPT_COST);
  for (const text of [
    '',
    `$argon2id$ln=15,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=31,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=19,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=17$${salt}$${hash}`,
    `$scrypt$ln=0,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=8,p=1$AAAA$${hash}`,
    `$scrypt$ln=15,r=8,p=1$${salt}$BBBB`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${hash}\n`,
  ]) {
    assert.equal(parseVerifier(text), undefined, text);
  }
});

test('a gate lets so many run, so many wait in line, and refuses the rest at once', async () => {
  const gate = new Gate(2, 3);
  const begun: number[] = [];
  const ends: ((fail: boolean) => void)[] = [];
  const task = (id: number) => () =>
    new Promise<number>((resolve, reject) => {
      begun.push(id);
      ends.push((fail) => (fail ? reject(new Error('no')) : resolve(id)));
    });
  const runs = [0, 1, 2, 3, 4].map((id) => gate.run(task(id)).catch((error: Error) => error.message));
  await settle();
  assert.deepEqual(begun, [0, 1]);
  assert.equal(gate.waiting, 3);
  await assert.rejects(
    gate.run(task(5)),
    (error) => error instanceof RpchError && error.code === 'RPCH_ACCOUNTS_BUSY' && error.fault === 'peer',
  );
  ends[1]?.(true);
  await settle();
  assert.deepEqual(begun, [0, 1, 2], 'one that failed makes room too');
  for (let at = 0; at < 5; at++) {
    ends[at]?.(false);
    await settle();
  }
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  assert.deepEqual(await Promise.all(runs), [0, 'no', 2, 3, 4]);
  assert.equal(gate.waiting, 0);
});

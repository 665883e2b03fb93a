import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, RpchError } from '@rpch/rpc';
import { NtlmAcceptor } from '@rpch/rpc/internal';
import { Initiator, type Script } from '@rpch/testkit/ntlm-initiator';
import { type AcceptNtlm, LocalProvider, makeRecord, withTrialAccounts } from '../../src/accounts/local-provider.ts';
import { ntHash } from '../../src/accounts/nt-hash.ts';
import type { NtlmContext, NtlmResult } from '../../src/accounts/provider.ts';
import { countedHasher, counting } from './support.ts';

const DOMAINS = { netbios: 'PEER', dns: 'peer.test' };
const { hasher, runs } = countedHasher();
const acceptNtlm: AcceptNtlm = (options) =>
  new NtlmAcceptor({
    target: { netbiosDomain: 'PEER', netbiosComputer: 'GATE' },
    now: () => Date.UTC(2026, 0, 1),
    random: counting(),
    ...options,
  });
const accounts = [
  await makeRecord({ name: 'alice', password: 'pw', groups: ['staff'], ntlm: true }, hasher),
  await makeRecord({ name: 'bob', password: 'pw', groups: [], ntlm: false }, hasher),
];
const provider = new LocalProvider({ accounts, domains: DOMAINS, hasher, acceptNtlm });
const ALICE: Script = { user: 'alice', domain: 'PEER', ntHash: ntHash('pw') };

async function ntlm(script: Script, context: NtlmContext = {}): Promise<NtlmResult> {
  const exchange = provider.startNtlm(context) ?? assert.fail('no NTLM');
  const initiator = new Initiator(script);
  const challenge = await exchange.step(initiator.negotiate);
  assert.ok(challenge.kind === 'challenge');
  return exchange.step(initiator.authenticate(challenge.token));
}

test('Basic: the right password gives the account with its groups', async () => {
  assert.deepEqual(await provider.checkBasic('alice', 'pw'), { name: 'alice', groups: ['staff'] });
  assert.deepEqual(await provider.checkBasic('bob', 'pw'), { name: 'bob', groups: [] });
});

test('Basic: a wrong password and an account that is not there are the same, down to the work', async () => {
  for (const [name, password] of [
    ['alice', 'PW'],
    ['alice', ''],
    ['nobody', 'pw'],
    ['other\\alice', 'pw'],
    ['__proto__', 'pw'],
  ] as const) {
    const before = runs();
    assert.equal(await provider.checkBasic(name, password), undefined);
    assert.equal(runs() - before, 1, name);
  }
});

test('NTLM: each way to write the account is the account', async () => {
  for (const [user, domain] of [
    ['alice', 'PEER'],
    ['ALICE', 'peer.test'],
    ['Alice', ''],
    ['alice@peer.test', ''],
  ] as const) {
    const result = await ntlm({ ...ALICE, user, domain });
    assert.deepEqual(result, { kind: 'accepted', account: { name: 'alice', groups: ['staff'] } }, `${user} ${domain}`);
  }
});

test('NTLM: refusals name the account in its canonical form', async () => {
  const rows: [Partial<Script>, string | undefined][] = [
    [{ ntHash: ntHash('wrong') }, 'alice'],
    [{ user: 'BOB' }, 'bob'],
    [{ user: 'nobody' }, 'nobody'],
    [{ domain: 'OTHER' }, 'other\\alice'],
    [{ user: '' }, undefined],
    [{ user: 'a\nb' }, undefined],
  ];
  for (const [changes, name] of rows) {
    const result = await ntlm({ ...ALICE, ...changes });
    assert.ok(result.kind === 'refused');
    assert.equal(result.name, name);
  }
});

test('NTLM: an account whose hash is not kept cannot log in with it', async () => {
  const result = await ntlm({ ...ALICE, user: 'bob' });
  assert.equal(result.kind, 'refused');
});

test('NTLM: what is malformed behind a right proof is a refused guess and no protocol error', async () => {
  const broken: Partial<Script> = { encryptedKey: Buffer.alloc(3) };
  const right = await ntlm({ ...ALICE, ...broken });
  const wrong = await ntlm({ ...ALICE, ...broken, ntHash: ntHash('wrong') });
  assert.ok(right.kind === 'refused' && wrong.kind === 'refused');
  assert.equal(right.name, 'alice');
  const exchange = provider.startNtlm({}) ?? assert.fail();
  await assert.rejects(exchange.step(Buffer.from('garbage')), ProtocolError);
});

test('NTLM: channel bindings reach the acceptor', async () => {
  const channelBindings = { applicationData: [Buffer.from('tls-server-end-point:x')], policy: 'required' } as const;
  assert.equal((await ntlm(ALICE, { channelBindings })).kind, 'refused');
});

test('NTLM is not spoken where no acceptor was given', () => {
  assert.equal(new LocalProvider({ accounts, domains: DOMAINS, hasher }).startNtlm({}), undefined);
});

test('an acceptor is not believed about an account that has no hash', async () => {
  const lying = new LocalProvider({
    accounts,
    domains: DOMAINS,
    hasher,
    acceptNtlm: () => ({ step: async () => ({ kind: 'accepted', user: 'bob', domain: '' }) }),
  });
  const result = await lying.startNtlm({})?.step(Buffer.alloc(0));
  assert.deepEqual(result, { kind: 'refused', name: 'bob', why: 'no such account for NTLM' });
});

test('an acceptor that lets nobody in is not followed', async () => {
  const anonymous = new LocalProvider({
    accounts,
    domains: DOMAINS,
    hasher,
    acceptNtlm: () => ({ step: async () => ({ kind: 'anonymous' }) }),
  });
  const result = await anonymous.startNtlm({})?.step(Buffer.alloc(0));
  assert.deepEqual(result, { kind: 'refused', why: 'anonymous logon' });
});

test('a trial account takes the place of one in the file, with none of its groups', async () => {
  const both = await withTrialAccounts(accounts, [{ name: 'ALICE', password: 'trial' }], hasher);
  const trial = new LocalProvider({ accounts: both, domains: DOMAINS, hasher, acceptNtlm });
  assert.deepEqual(await trial.checkBasic('alice', 'trial'), { name: 'alice', groups: [] });
  assert.equal(await trial.checkBasic('alice', 'pw'), undefined);
  assert.deepEqual(await trial.checkBasic('bob', 'pw'), { name: 'bob', groups: [] });
  assert.equal(both.find(({ name }) => name === 'alice')?.ntHash?.length, 16);
});

test('records are made of bare names only', async () => {
  for (const name of ['PEER\\alice', 'alice@peer.test', '', 'a\nb', ' a', 'a:b']) {
    await assert.rejects(
      makeRecord({ name, password: 'pw', groups: [], ntlm: false }, hasher),
      (error) =>
        error instanceof RpchError &&
        error.code === 'RPCH_BAD_ACCOUNT_NAME' &&
        error.message.endsWith('expected a bare account name without domain'),
    );
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, RpchError } from '@rpch/rpc';
import type { AuthEvent } from '../../src/accounts/auth-result.ts';
import { Authenticator } from '../../src/accounts/authenticator.ts';
import { CREDENTIAL_LIFETIME, CredentialCache } from '../../src/accounts/credential-cache.ts';
import type { Account, AccountProvider, NtlmResult } from '../../src/accounts/provider.ts';
import { Throttle } from '../../src/accounts/throttle.ts';
import { MAX_WAITING_PER_ADDRESS } from '../../src/accounts/turns.ts';
import { counting, settle, VirtualClock } from './support.ts';

const HERE = '192.0.2.1';
const THERE = '198.51.100.7';

/** Knows alice (pw) and bob (pw), counts what it is asked, and answers when told to where `held` is set. */
class ScriptedProvider implements AccountProvider {
  readonly asked: string[] = [];
  failure: Error | undefined;
  held = false;
  #answers: (() => void)[] = [];
  /** Outcomes of the NTLM steps to come. */
  ntlm: (NtlmResult | Error)[] = [];

  async checkBasic(name: string, password: string): Promise<Account | undefined> {
    this.asked.push(`${name}:${password}`);
    if (this.held) await new Promise<void>((answer) => this.#answers.push(answer));
    if (this.failure !== undefined) throw this.failure;
    return password === 'pw' && ['alice', 'bob'].includes(name) ? { name, groups: [] } : undefined;
  }

  async answerAll(): Promise<void> {
    while (this.#answers.length > 0) {
      for (const answer of this.#answers.splice(0)) answer();
      await settle();
    }
  }

  startNtlm() {
    const step = async () => {
      const next = this.ntlm.shift() ?? assert.fail('one step too many');
      if (next instanceof Error) throw next;
      return next;
    };
    return { step };
  }
}

function setUp() {
  const clock = new VirtualClock();
  const provider = new ScriptedProvider();
  const events: AuthEvent[] = [];
  const authenticator = new Authenticator({
    provider,
    domains: { netbios: 'PEER', dns: 'peer.test' },
    cache: new CredentialCache({ random: counting() }),
    throttle: new Throttle(),
    now: clock.now,
    wait: clock.wait,
    onEvent: (event) => events.push(event),
  });
  const basic = (user: string, password: string, address = HERE) => authenticator.basic({ address, user, password });
  /** What became of a login in that many milliseconds of virtual time. */
  const within = async (ms: number, login: Promise<{ kind: string }>) => {
    let outcome = 'waiting';
    login.then(
      ({ kind }) => {
        outcome = kind;
      },
      () => {
        outcome = 'rejected';
      },
    );
    await clock.advance(ms);
    return outcome;
  };
  return { clock, provider, events, authenticator, basic, within };
}

test('the forms of a name are one account, and many channels cost one check', async () => {
  const { basic, provider, events } = setUp();
  for (const user of ['alice', 'PEER\\Alice', 'alice@peer.test']) {
    assert.deepEqual(await basic(user, 'pw'), { kind: 'accepted', account: { name: 'alice', groups: [] } });
  }
  assert.deepEqual(provider.asked, ['alice:pw']);
  assert.deepEqual(events[0], {
    scheme: 'basic',
    address: HERE,
    delayed: 0,
    cached: false,
    outcome: 'accepted',
    name: 'alice',
  });
  assert.deepEqual(
    events.map(({ cached }) => cached),
    [false, true, true],
  );
});

test('a refusal has a reason for the log, and no secret in it', async () => {
  const { basic, events, provider } = setUp();
  const wrong = await basic('alice', 'hunter2');
  assert.deepEqual(wrong, {
    kind: 'refused',
    reason: 'bad-credentials',
    why: 'unknown account or wrong password',
    name: 'alice',
  });
  const unknown = await basic('nobody', 'hunter2');
  assert.deepEqual({ ...unknown, name: 'alice' }, wrong, 'an unknown account looks the same');
  const name = await basic('al\nice', 'hunter2');
  assert.ok(name.kind === 'refused' && name.reason === 'bad-name' && name.name === undefined);
  assert.deepEqual(await basic('alice', ''), wrong);
  assert.deepEqual(provider.asked, ['alice:hunter2', 'nobody:hunter2'], 'no provider sees an empty password');
  assert.equal(events.length, 4);
  assert.ok(!JSON.stringify(events).includes('hunter2'));
});

test('failures hold back the next attempt, a right one included', async () => {
  const { basic, provider, within, events } = setUp();
  for (let at = 0; at < 5; at++) await within(60_000, basic('alice', `guess${at}`));
  provider.asked.length = 0;
  await within(0, basic('alice', 'guess5'));
  const right = basic('alice', 'pw');
  assert.equal(await within(999, right), 'waiting');
  assert.deepEqual(provider.asked.includes('alice:pw'), false);
  assert.equal(await within(60_000, right), 'accepted');
  assert.ok((events.at(-1)?.delayed ?? 0) >= 1000);
  assert.equal(await within(0, basic('alice', 'pw')), 'accepted', 'and a success forgives');
});

test('a slowed guesser is slowed for a cached credential too', async () => {
  const { basic, within } = setUp();
  await basic('alice', 'pw', THERE);
  for (let at = 0; at < 4; at++) await within(0, basic('alice', `guess${at}`));
  const guess = basic('alice', 'pw');
  assert.equal(await within(999, guess), 'waiting');
  assert.equal(await within(1, guess), 'accepted');
  assert.equal(await within(0, basic('alice', 'pw', THERE)), 'accepted', 'alice elsewhere never notices');
});

test('guesses made at the same time pass one by one, each after the delay that the ones before earned', async () => {
  const { basic, provider, clock } = setUp();
  const guesses = Array.from({ length: 10 }, (_, at) => basic('alice', `guess${at}`));
  const checked = async (ms: number) => {
    await clock.advance(ms);
    return provider.asked.length;
  };
  assert.equal(await checked(0), 4, 'three are free; the fourth earns the first delay');
  assert.equal(await checked(999), 4);
  assert.equal(await checked(1), 5);
  assert.equal(await checked(2000), 6);
  assert.equal(await checked(4000), 7);
  await clock.advance(1_000_000);
  assert.equal((await Promise.all(guesses)).length, 10);
});

test('equal attempts from one address share one turn', async () => {
  const { basic, provider, within, clock } = setUp();
  for (let at = 0; at < 4; at++) await within(0, basic('alice', `guess${at}`));
  const channels = Array.from({ length: 200 }, () => basic('alice', 'pw'));
  await clock.advance(1000);
  assert.deepEqual(new Set((await Promise.all(channels)).map(({ kind }) => kind)), new Set(['accepted']));
  assert.equal(provider.asked.filter((asked) => asked === 'alice:pw').length, 1);
});

test('attempts that wait are bounded per address; beyond that they are busy, not wrong', async () => {
  const { basic, within, clock, provider, events } = setUp();
  for (let at = 0; at < 4; at++) await within(0, basic('alice', `guess${at}`));
  const waiting = Array.from({ length: MAX_WAITING_PER_ADDRESS }, (_, at) => basic('alice', `more${at}`));
  const over = await basic('alice', 'pw');
  assert.deepEqual(over, { kind: 'refused', reason: 'busy', why: 'too many attempts wait', name: 'alice' });
  assert.equal(await within(0, basic('bob', 'pw')), 'accepted', 'who need not wait is let through');
  assert.equal(await within(0, basic('alice', 'pw', THERE)), 'accepted');
  const asked = provider.asked.length;
  await clock.advance(10_000_000);
  assert.equal((await Promise.all(waiting)).length, MAX_WAITING_PER_ADDRESS);
  assert.equal(provider.asked.length - asked, MAX_WAITING_PER_ADDRESS);
  assert.equal(events.filter(({ outcome }) => outcome === 'busy').length, 1);
  assert.equal(await within(60_000, basic('alice', 'pw')), 'accepted', 'the room is given back');
});

test('a provider that is busy or broken decides nothing: no failure is counted', async () => {
  const { basic, provider, events } = setUp();
  const rows: [Error, string][] = [
    [new RpchError('RPCH_ACCOUNTS_BUSY', 'peer', 'line is full'), 'busy'],
    [new Error('helper died'), 'provider-failed'],
  ];
  for (const [failure, reason] of rows) {
    provider.failure = failure;
    for (let at = 0; at < 10; at++) {
      const result = await basic('alice', 'pw');
      assert.ok(result.kind === 'refused' && result.reason === reason);
    }
  }
  assert.deepEqual(events.at(-1)?.cause, new Error('helper died'));
  provider.failure = undefined;
  assert.equal((await basic('alice', 'pw')).kind, 'accepted', 'without delay');
});

test('after a reload, remembered credentials and checks under way count no longer', async () => {
  const { basic, provider, authenticator, clock } = setUp();
  await basic('alice', 'pw');
  provider.held = true;
  const begun = basic('bob', 'pw');
  await settle();
  const emptied = new ScriptedProvider();
  emptied.checkBasic = async () => undefined;
  authenticator.reload(emptied, {});
  assert.equal((await basic('alice', 'pw')).kind, 'refused');
  const afterwards = basic('bob', 'pw', THERE);
  assert.equal((await afterwards).kind, 'refused');
  await provider.answerAll();
  assert.equal((await begun).kind, 'accepted');
  await clock.advance(0);
  assert.equal((await basic('bob', 'pw')).kind, 'refused', 'its outcome was not remembered');
});

test('a remembered credential is asked for again when its time is over', async () => {
  const { basic, provider, clock } = setUp();
  await basic('alice', 'pw');
  await clock.advance(CREDENTIAL_LIFETIME - 1);
  await basic('alice', 'pw');
  assert.equal(provider.asked.length, 1);
  await clock.advance(1);
  await basic('alice', 'pw');
  assert.equal(provider.asked.length, 2);
});

test('NTLM: a verdict is told when its turn has come, right or wrong', async () => {
  const { provider, authenticator, within, events } = setUp();
  const attempt = (result: NtlmResult) => {
    provider.ntlm.push(result);
    const login = authenticator.startNtlm({ address: HERE }) ?? assert.fail();
    return login.step(Buffer.alloc(1));
  };
  const challenge = await attempt({ kind: 'challenge', token: Buffer.from('c') });
  assert.deepEqual(challenge, { kind: 'challenge', token: Buffer.from('c') });
  assert.equal(events.length, 0);
  for (let at = 0; at < 4; at++) {
    assert.equal(await within(0, attempt({ kind: 'refused', name: 'alice', why: 'wrong password' })), 'refused');
  }
  const right = attempt({ kind: 'accepted', account: { name: 'alice', groups: [] } });
  const wrong = attempt({ kind: 'refused', name: 'alice', why: 'wrong password' });
  assert.equal(await within(999, Promise.race([right, wrong])), 'waiting');
  assert.equal(await within(1, right), 'accepted');
  assert.equal(await within(0, wrong), 'refused');
  const { outcome, scheme, delayed } = events.at(-2) ?? assert.fail();
  assert.deepEqual({ outcome, scheme, delayed }, { outcome: 'accepted', scheme: 'ntlm', delayed: 1000 });
});

test('NTLM and Basic failures of an account count together', async () => {
  const { provider, authenticator, basic, within } = setUp();
  for (let at = 0; at < 4; at++) {
    provider.ntlm.push({ kind: 'refused', name: 'alice', why: 'wrong password' });
    await authenticator.startNtlm({ address: HERE })?.step(Buffer.alloc(1));
  }
  assert.equal(await within(999, basic('alice', 'pw')), 'waiting');
});

test('NTLM: what names no account is refused without being counted; a broken provider is told apart', async () => {
  const { provider, authenticator, events } = setUp();
  const rows: [NtlmResult | Error, string][] = [
    [new ProtocolError('RPCH_X', 'malformed', '[MS-NLMP] 2.2.1'), 'bad-token'],
    [{ kind: 'refused', why: 'anonymous logon' }, 'bad-token'],
    [new Error('helper died'), 'provider-failed'],
  ];
  for (const [step, reason] of rows) {
    provider.ntlm.push(step);
    const result = await authenticator.startNtlm({ address: HERE })?.step(Buffer.alloc(1));
    assert.ok(result?.kind === 'refused' && result.reason === reason && result.name === undefined);
  }
  assert.deepEqual(
    events.map(({ outcome }) => outcome),
    ['bad-token', 'bad-token', 'provider-failed'],
  );
  assert.deepEqual(events[2]?.cause, new Error('helper died'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessPolicy } from '../../src/access/policy.ts';
import { makeRule, parseMap } from '../../src/access/rule.ts';

const ALICE = { name: 'alice', groups: ['staff'] };
const MALLORY = { name: 'mallory', groups: ['guests'] };

test('without rules nothing may be reached', () => {
  assert.deepEqual(new AccessPolicy([]).check({ server: '127.0.0.1', port: 135, account: ALICE }), {
    allowed: false,
    why: 'no rule for server 127.0.0.1',
  });
});

test('other spellings of an address are not the address', () => {
  const policy = new AccessPolicy([makeRule('ncacn_ip_tcp:127.0.0.1[135]'), makeRule('ncacn_ip_tcp:::1[135]')]);
  const check = (server: string) => policy.check({ server, port: 135, account: ALICE }).allowed;
  for (const server of ['127.0.0.1', '127.0.0.1.', '::1']) assert.ok(check(server), server);
  for (const server of [
    'localhost',
    '2130706433',
    '0x7f.1',
    '127.1',
    '127.0.0.1..',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '127.0.0.1.nip.io',
    '0177.0.0.1',
  ]) {
    assert.ok(!check(server), server);
  }
});

test('the connection goes to the name in the form that was compared, or where the rule says', () => {
  const rules = [makeRule('ncacn_ip_tcp:dc01[135]'), parseMap('exchange01:6001=10.0.0.5:6101')];
  const policy = new AccessPolicy(rules);
  const direct = policy.check({ server: 'DC01.', port: 135, account: ALICE });
  assert.deepEqual(direct, { allowed: true, rule: rules[0], connect: { host: 'dc01', port: 135 } });
  const mapped = policy.check({ server: 'EXCHANGE01', port: 6001, account: ALICE });
  assert.deepEqual(mapped, { allowed: true, rule: rules[1], connect: { host: '10.0.0.5', port: 6101 } });
  assert.deepEqual(policy.check({ server: 'exchange01', port: 6002, account: ALICE }), {
    allowed: false,
    why: 'no rule for port 6002 of server exchange01',
  });
  assert.ok(!policy.check({ server: '10.0.0.5', port: 6101, account: ALICE }).allowed);
});

test('accounts and groups of a rule are alternatives, and a later rule may still admit', () => {
  const policy = new AccessPolicy([
    makeRule('ncacn_ip_tcp:dc01[135]', { accounts: ['bob'], groups: ['staff'] }),
    makeRule('ncacn_ip_tcp:dc01[135]', { accounts: ['carol'], connect: { host: 'other', port: 1 } }),
    makeRule('ncacn_ip_tcp:dc02[135]', { accounts: [] }),
  ]);
  const check = (name: string, groups: string[], server = 'dc01') =>
    policy.check({ server, port: 135, account: { name, groups } });
  assert.ok(check('alice', ['staff']).allowed);
  assert.ok(check('bob', []).allowed);
  const carol = check('carol', []);
  assert.ok(carol.allowed && carol.connect.host === 'other');
  assert.deepEqual(check('mallory', ['guests', 'bob']), {
    allowed: false,
    why: 'no rule for account mallory on dc01[135]',
  });
  assert.ok(!check('alice', ['staff'], 'dc02').allowed, 'an empty list admits nobody');
  assert.ok(!policy.check({ server: 'dc01', port: 135, account: MALLORY }).allowed);
});

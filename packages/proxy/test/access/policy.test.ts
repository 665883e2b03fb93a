import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessPolicy } from '../../src/access/policy.ts';
import { makeRule, parseMap } from '../../src/access/rule.ts';
import { parseValidPorts } from '../../src/access/valid-ports.ts';

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
  assert.deepEqual(direct, {
    allowed: true,
    rule: rules[0],
    protocol: 'ncacn_ip_tcp',
    endpoints: [{ host: 'dc01', port: 135 }],
  });
  const mapped = policy.check({ server: 'EXCHANGE01', port: 6001, account: ALICE });
  assert.deepEqual(mapped, {
    allowed: true,
    rule: rules[1],
    protocol: 'ncacn_ip_tcp',
    endpoints: [{ host: '10.0.0.5', port: 6101 }],
  });
  assert.deepEqual(policy.check({ server: 'exchange01', port: 6002, account: ALICE }), {
    allowed: false,
    why: 'no rule for port 6002 of server exchange01',
  });
  assert.ok(!policy.check({ server: '10.0.0.5', port: 6101, account: ALICE }).allowed);
});

test('accounts and groups of a rule are alternatives, and a later rule may still admit', () => {
  const policy = new AccessPolicy([
    makeRule('ncacn_ip_tcp:dc01[135]', { accounts: ['bob'], groups: ['staff'] }),
    makeRule('ncacn_ip_tcp:dc01[135]', { accounts: ['carol'], connect: [{ host: 'other', port: 1 }] }),
    makeRule('ncacn_ip_tcp:dc02[135]', { accounts: [] }),
  ]);
  const check = (name: string, groups: string[], server = 'dc01') =>
    policy.check({ server, port: 135, account: { name, groups } });
  assert.ok(check('alice', ['staff']).allowed);
  assert.ok(check('bob', []).allowed);
  const carol = check('carol', []);
  assert.ok(carol.allowed);
  assert.deepEqual(carol.endpoints, [{ host: 'other', port: 1 }]);
  assert.deepEqual(check('mallory', ['guests', 'bob']), {
    allowed: false,
    why: 'no rule for account mallory on dc01[135]',
  });
  assert.ok(!check('alice', ['staff'], 'dc02').allowed, 'an empty list admits nobody');
  assert.ok(!policy.check({ server: 'dc01', port: 135, account: MALLORY }).allowed);
});

test('one URL leads to both kinds of back end, by server name and port', () => {
  const shared = parseMap('ncacn_http:dc1:135=10.0.0.1:7135,unix:/run/b.sock');
  const policy = new AccessPolicy([
    makeRule('ncacn_ip_tcp:dc1[49152-65535]'),
    shared,
    ...parseValidPorts('exch01:593;exch01:6001-6002'),
    makeRule('ncacn_ip_tcp:exch01[593]'),
  ]);
  const check = (server: string, port: number) => {
    const decision = policy.check({ server, port, account: ALICE });
    assert.ok(decision.allowed, `${server}[${port}]`);
    return [decision.protocol, decision.endpoints];
  };
  assert.deepEqual(check('DC1', 50_000), ['ncacn_ip_tcp', [{ host: 'dc1', port: 50_000 }]]);
  assert.deepEqual(check('dc1', 135), ['ncacn_http', [{ host: '10.0.0.1', port: 7135 }, { path: '/run/b.sock' }]]);
  assert.deepEqual(check('exch01', 593), ['ncacn_http', [{ host: 'exch01', port: 593 }]]);
  assert.deepEqual(check('exch01', 6002), ['ncacn_http', [{ host: 'exch01', port: 6002 }]]);
  assert.ok(!policy.check({ server: 'exch01', port: 6003, account: ALICE }).allowed);
});

test('a client without login gets past no rule that names anyone', () => {
  const policy = new AccessPolicy([
    makeRule('ncacn_http:a[1]', { accounts: ['alice'] }),
    makeRule('ncacn_http:a[1]', { groups: ['staff'] }),
    makeRule('ncacn_http:a[1]', { accounts: [], groups: [] }),
    makeRule('ncacn_http:a[2]', { groups: [] }),
    makeRule('ncacn_http:a[3]'),
  ]);
  const check = (port: number) => policy.check({ server: 'a', port, account: undefined });
  assert.deepEqual(check(1), { allowed: false, why: 'no rule for a client without login on a[1]' });
  assert.ok(!check(2).allowed);
  assert.ok(check(3).allowed);
  assert.deepEqual(check(4), { allowed: false, why: 'no rule for port 4 of server a' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cidr, isLoopback, parseCidr, parseIp } from '../../src/access/ip.ts';
import { type Lookup, MAX_ADDRESSES, resolveHost } from '../../src/access/resolve.ts';

function cidrs(...texts: string[]): Cidr[] {
  return texts.map((text) => parseCidr(text) ?? assert.fail(text));
}

const never: Lookup = (host) => assert.fail(`looked up ${host}`);

/** Answers every name with these addresses and counts. */
function answering(...addresses: string[]): Lookup & { readonly asked: string[] } {
  const asked: string[] = [];
  const lookup = async (host: string) => {
    asked.push(host);
    return addresses.map((address) => ({ address }));
  };
  return Object.assign(lookup, { asked });
}

test('address literals are dialled as they are and never looked up', async () => {
  assert.deepEqual(await resolveHost('10.1.2.3', undefined, never), {
    kind: 'resolved',
    addresses: [{ family: 4, address: '10.1.2.3' }],
  });
  assert.deepEqual(await resolveHost('fe80::1', cidrs('fe80::/10'), never), {
    kind: 'resolved',
    addresses: [{ family: 6, address: 'fe80::1' }],
  });
});

test('numbers that getaddrinfo would take for an address never reach it', async () => {
  for (const host of [
    '2130706433',
    '0x7f.1',
    '127.1',
    '010.0.0.1',
    '0x7f000001',
    '127.0.0.1.2',
    'fe80::1%eth0',
    'a:b',
    '127.1.',
  ]) {
    assert.equal((await resolveHost(host, undefined, never)).kind, 'refused', host);
  }
});

test('a name is looked up once, and exactly what passed the limits is dialled, in order', async () => {
  const lookup = answering('192.168.0.1', '10.0.0.2', 'fe80::1', '10.0.0.1');
  assert.deepEqual(await resolveHost('dc01', cidrs('10.0.0.0/8'), lookup), {
    kind: 'resolved',
    addresses: [
      { family: 4, address: '10.0.0.2' },
      { family: 4, address: '10.0.0.1' },
    ],
  });
  assert.deepEqual(lookup.asked, ['dc01']);
  const outside = await resolveHost('dc01', cidrs('172.16.0.0/12', '2001:db8::/32'), lookup);
  assert.deepEqual(outside, {
    kind: 'refused',
    why: "dc01 is 192.168.0.1, 10.0.0.2, fe80::1, 10.0.0.1, outside the rule's address limits",
  });
});

test('IPv4-mapped IPv6 is judged and dialled as IPv4, in every spelling', async () => {
  for (const spelling of ['::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:127.0.0.1']) {
    const literal = await resolveHost(spelling, cidrs('127.0.0.0/8'), never);
    assert.deepEqual(literal, { kind: 'resolved', addresses: [{ family: 4, address: '127.0.0.1' }] }, spelling);
    const named = await resolveHost('dc01', cidrs('::/0'), answering(spelling));
    assert.equal(named.kind, 'refused', `${spelling} is not IPv6`);
  }
});

test('what a resolver gives is not believed beyond its bounds', async () => {
  assert.equal((await resolveHost('dc01', undefined, answering())).kind, 'refused');
  assert.equal((await resolveHost('dc01', undefined, answering('dc02', '127.1', ''))).kind, 'refused');
  const many = Array.from({ length: 100 }, (_, at) => `10.0.0.${at}`);
  const bounded = await resolveHost('dc01', undefined, answering(...many));
  assert.ok(bounded.kind === 'resolved' && bounded.addresses.length === MAX_ADDRESSES);
  const cause = new Error('ENOTFOUND');
  const failed = await resolveHost('dc01', undefined, () => Promise.reject(cause));
  assert.deepEqual(failed, { kind: 'failed', why: 'looking up dc01 failed', cause });
});

test('address ranges are read strictly', () => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '192.168.1.5', '2001:db8::/32', '::/0', '::1']) {
    assert.ok(parseCidr(text) !== undefined, text);
  }
  for (const text of [
    '',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.1/16',
    'dc01',
    '::/129',
    '::ffff:10.0.0.0/104',
    '/8',
    '10.0.0.0/-1',
  ]) {
    assert.equal(parseCidr(text), undefined, text);
  }
  const [net] = cidrs('10.0.0.0/9');
  assert.ok(net?.contains({ family: 4, address: '10.127.255.255' }));
  assert.ok(!net?.contains({ family: 4, address: '10.128.0.0' }));
});

test('loopback is 127.0.0.0/8 and ::1', () => {
  const loopback = (text: string) => isLoopback(parseIp(text) ?? assert.fail(text));
  for (const text of ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.2'])
    assert.ok(loopback(text), text);
  for (const text of ['0.0.0.0', '128.0.0.1', '::', '::2', '1::1', '::ffff:10.0.0.1', '::127.0.0.1'])
    assert.ok(!loopback(text), text);
});

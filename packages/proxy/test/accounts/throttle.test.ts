import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ADDRESS_CURVE,
  MAX_ADDRESSES,
  MAX_PAIRS,
  PAIR_CURVE,
  Throttle,
  TRUST_LIFETIME,
  throttleKey,
} from '../../src/accounts/throttle.ts';

const HERE = '192.0.2.1';
const NOW = 5_000_000;

function fail(throttle: Throttle, times: number, address = HERE, account = 'alice', now = NOW): void {
  for (let at = 0; at < times; at++) throttle.failed(address, account, now);
}

test('a few failures are free, then each doubles the delay up to a cap', () => {
  const throttle = new Throttle();
  const delays = Array.from({ length: 12 }, () => {
    throttle.failed(HERE, 'alice', NOW);
    return throttle.delayFor(HERE, 'alice', NOW);
  });
  assert.deepEqual(delays, [0, 0, 0, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
});

test('the delay counts from the last failure, and a clock set back does not lengthen it', () => {
  const throttle = new Throttle();
  fail(throttle, 5);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW + 500), 1500);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW + 2000), 0);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW - 1_000_000), 2000);
});

test('nobody can lock an account out from another address', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(254), fc.constantFrom('alice', 'bob', 'x')), { maxLength: 300 }),
      (failures) => {
        const throttle = new Throttle();
        for (const [host, account] of failures) throttle.failed(`198.51.100.${host}`, account, NOW);
        assert.equal(throttle.delayFor(HERE, 'alice', NOW), 0);
      },
    ),
    { numRuns: 50 },
  );
});

test('other accounts at the same address are slowed only past the wider limit', () => {
  const throttle = new Throttle();
  for (let at = 0; at < ADDRESS_CURVE.free; at++) throttle.failed(HERE, `guess${at}`, NOW);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 0);
  throttle.failed(HERE, 'another', NOW);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 250);
  throttle.failed(HERE, 'another', NOW);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 500);
});

test('who has logged in here before is not slowed by others at the address, but by own failures', () => {
  const throttle = new Throttle();
  throttle.succeeded(HERE, 'alice', NOW);
  for (let at = 0; at < 80; at++) throttle.failed(HERE, `guess${at}`, NOW);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 0);
  assert.equal(throttle.delayFor(HERE, 'bob', NOW), 30_000);
  fail(throttle, 4);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 1000);
  const later = NOW + TRUST_LIFETIME;
  for (let at = 0; at < 80; at++) throttle.failed(HERE, `guess${at}`, later);
  assert.equal(throttle.delayFor(HERE, 'alice', later), 30_000, 'trust ends');
});

test('a success forgives the pair and not the address', () => {
  const throttle = new Throttle();
  fail(throttle, 10);
  for (let at = 0; at < 80; at++) {
    throttle.failed(HERE, `guess${at}`, NOW);
    throttle.succeeded(HERE, 'mallory', NOW);
  }
  assert.equal(throttle.delayFor(HERE, 'bob', NOW), 30_000, 'a valid account buys no guesses at others');
  throttle.succeeded(HERE, 'alice', NOW);
  assert.equal(throttle.delayFor(HERE, 'alice', NOW), 0);
});

test('failures are forgotten one by one, and however many there were, in bounded time', () => {
  const throttle = new Throttle();
  fail(throttle, 5);
  const later = NOW + 3 * PAIR_CURVE.forget;
  fail(throttle, 1, HERE, 'alice', later);
  assert.equal(throttle.delayFor(HERE, 'alice', later), 0, '5 - 3 + 1 are free');
  fail(throttle, 10_000, HERE, 'alice', later);
  const much = later + 13 * PAIR_CURVE.forget;
  fail(throttle, 1, HERE, 'alice', much);
  assert.equal(throttle.delayFor(HERE, 'alice', much), 0);
});

test('memory is bounded, however many names and addresses come', () => {
  const throttle = new Throttle();
  for (let at = 0; at < MAX_PAIRS + 100; at++)
    throttle.failed(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, 'x', NOW);
  assert.deepEqual(throttle.size, { pairs: MAX_PAIRS, addresses: MAX_ADDRESSES });
});

test('IPv6 counts by /64, IPv4-mapped as IPv4', () => {
  const same = [
    '2001:db8:1:2::1',
    '2001:DB8:1:2:ffff:ffff:ffff:ffff',
    '2001:db8:1:2:a::%eth0',
    '2001:0db8:0001:0002::',
  ];
  assert.deepEqual(new Set(same.map(throttleKey)), new Set(['2001:db8:1:2::/64']));
  assert.notEqual(throttleKey('2001:db8:1:3::1'), throttleKey('2001:db8:1:2::1'));
  assert.equal(throttleKey('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(throttleKey('::ffff:c000:201'), '192.0.2.1');
  assert.notEqual(throttleKey('192.0.2.2'), throttleKey('192.0.2.1'));
  assert.equal(throttleKey('x'.repeat(1000)).length, 64);
  const throttle = new Throttle();
  for (let at = 0; at < 5; at++) throttle.failed(`2001:db8:1:2::${at}`, 'alice', NOW);
  assert.equal(throttle.delayFor('2001:db8:1:2::abcd', 'alice', NOW), 2000);
});

test('no history makes a delay negative or longer than the cap', () => {
  const step = fc.tuple(
    fc.constantFrom('failed', 'succeeded') as fc.Arbitrary<'failed' | 'succeeded'>,
    fc.nat(200_000),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const throttle = new Throttle();
      let now = NOW;
      for (const [what, pause] of steps) {
        now += pause;
        throttle[what](HERE, 'alice', now);
        const delay = throttle.delayFor(HERE, 'alice', now);
        assert.ok(delay >= 0 && delay <= 30_000);
        if (what === 'succeeded') assert.equal(delay, 0);
      }
    }),
  );
});

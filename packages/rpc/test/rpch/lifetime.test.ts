import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifetime } from '../../src/rpch/lifetime.ts';

const KIB = 1024;

test('a successor is due when a quarter is left, of long lifetimes 64 MiB', () => {
  for (const [bytes, margin] of [
    [128 * KIB, 32 * KIB],
    [1024 ** 2, 256 * KIB],
    [1024 ** 3, 64 * KIB ** 2],
    [2 * 1024 ** 3, 64 * KIB ** 2],
  ] as const) {
    const lifetime = new Lifetime(bytes);
    lifetime.use(bytes - margin - 1);
    assert.equal(lifetime.nearEnd, false, `${bytes}`);
    lifetime.use(1);
    assert.equal(lifetime.nearEnd, true, `${bytes}`);
    assert.deepEqual([lifetime.used, lifetime.left], [bytes - margin, margin]);
  }
});

test('8 KiB are kept back for RTS PDUs', () => {
  const lifetime = new Lifetime(128 * KIB);
  lifetime.use(100 * KIB);
  assert.deepEqual([lifetime.leftForRpc, lifetime.left], [20 * KIB, 28 * KIB]);
  lifetime.use(20 * KIB);
  assert.deepEqual([lifetime.leftForRpc, lifetime.left], [0, 8 * KIB]);
});

test('what the outbound proxy has sent brings the successor, and takes from RPC PDUs, but is no end by itself', () => {
  const lifetime = new Lifetime(128 * KIB);
  lifetime.tell(0xffff_ffff);
  assert.equal(lifetime.nearEnd, true);
  assert.ok(lifetime.leftForRpc < 0);
  assert.equal(lifetime.left, 128 * KIB);
});

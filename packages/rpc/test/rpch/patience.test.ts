import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Patience } from '../../src/rpch/patience.ts';

test('patience that has not begun has no end', () => {
  const patience = new Patience();
  assert.equal(patience.exhausted(0), false);
  assert.equal(patience.exhausted(Number.MAX_SAFE_INTEGER), false);
});

test('it counts from the first tick after its beginning', () => {
  const patience = new Patience();
  patience.begin(1000);
  assert.equal(patience.exhausted(5000), false);
  assert.equal(patience.exhausted(5999), false);
  assert.equal(patience.exhausted(6000), true);
});

test('progress and excuses make it count anew', () => {
  const patience = new Patience();
  patience.begin(1000);
  assert.equal(patience.exhausted(0, 7), false);
  assert.equal(patience.exhausted(900, 8), false);
  assert.equal(patience.exhausted(1800, 8, true), false);
  assert.equal(patience.exhausted(2799, 8), false);
  assert.equal(patience.exhausted(2800, 8), true);
});

test('it ends, and begins again', () => {
  const patience = new Patience();
  patience.begin(1000);
  patience.exhausted(0);
  patience.end();
  assert.equal(patience.exhausted(2000), false);
  patience.begin(500);
  assert.equal(patience.exhausted(3000), false);
  assert.equal(patience.exhausted(3500), true);
});

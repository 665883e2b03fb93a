import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Batch } from '../../src/services/batch.ts';

interface Sent {
  readonly messages: readonly number[];
  readonly transfer: readonly ArrayBuffer[];
}

function collecting(): { readonly batch: Batch<number>; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  return { batch: new Batch<number>((messages, transfer) => sent.push({ messages, transfer })), sent };
}

test('messages of one turn go together, in their order, with what they transfer', async () => {
  const { batch, sent } = collecting();
  const [one, two] = [new ArrayBuffer(1), new ArrayBuffer(2)];
  batch.add(1, [one]);
  batch.add(2, []);
  batch.add(3, [two]);
  batch.later();
  batch.later();
  assert.equal(sent.length, 0);
  await nextTurn();
  assert.deepEqual(sent, [{ messages: [1, 2, 3], transfer: [one, two] }]);
  assert.equal(sent[0]?.transfer[1], two);
  batch.add(4, []);
  batch.later();
  await nextTurn();
  assert.deepEqual(sent.at(-1), { messages: [4], transfer: [] });
  await nextTurn();
  assert.equal(sent.length, 2);
});

test('many do not wait for the turn to end', async () => {
  const { batch, sent } = collecting();
  const all = Array.from({ length: 20 }, (_, at) => at);
  for (const message of all) {
    batch.add(message, []);
    batch.later();
  }
  assert.ok(sent.length >= 2);
  await nextTurn();
  assert.deepEqual(
    sent.flatMap(({ messages }) => messages),
    all,
  );
});

test('what is flushed goes at once and only once', async () => {
  const { batch, sent } = collecting();
  batch.flush();
  assert.deepEqual(sent, []);
  batch.add(1, []);
  batch.later();
  batch.flush();
  assert.deepEqual(sent, [{ messages: [1], transfer: [] }]);
  await nextTurn();
  assert.equal(sent.length, 1);
});

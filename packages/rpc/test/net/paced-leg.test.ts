import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { PacedLeg } from '../../src/net/paced-leg.ts';
import { socketPair } from './loopback.ts';

const KIB = 1024;

async function scene(t: TestContext, sendBuffer?: number) {
  const { ours, theirs } = await socketPair(t);
  const received: Buffer[] = [];
  const drains: number[] = [];
  const closed = Promise.withResolvers<Error | undefined>();
  let wake = (): void => {};
  const leg: PacedLeg = new PacedLeg(ours, sendBuffer, {
    data: (chunk) => {
      received.push(Buffer.from(chunk));
      wake();
    },
    drained: () => {
      drains.push(leg.unsent);
      wake();
    },
    closed: closed.resolve,
  });
  leg.start();
  /** Waits until an event makes it so. */
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) {
      await new Promise<void>((again) => {
        wake = again;
      });
    }
  };
  return { leg, ours, theirs, received, drains, closed: closed.promise, until };
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sum = 0;
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    parts.push(part as Buffer);
    sum += (part as Buffer).length;
    if (sum >= length) break;
  }
  return Buffer.concat(parts);
}

test('what is sent in one turn goes out at its end, in order, and counts as unsent until then', async (t) => {
  const { leg, ours, theirs } = await scene(t);
  assert.equal(leg.send(Buffer.from('one ')), true);
  assert.equal(leg.send(Buffer.from('two')), true);
  assert.deepEqual([leg.unsent, ours.bytesWritten], [7, 0]);
  assert.equal((await read(theirs, 7)).toString(), 'one two');
  assert.equal(leg.unsent, 0);
});

test('a sender that is too quick is told to wait, and once told to go on', async (t) => {
  const { leg, theirs, drains, until } = await scene(t);
  const piece = new Uint8Array(100 * KIB);
  let sent = 0;
  // The kernel takes some megabytes while nobody reads.
  for (let refused = 0; refused < 3; ) {
    if (leg.send(piece)) await new Promise(setImmediate);
    else refused++;
    sent += piece.length;
  }
  assert.ok(leg.unsent > 256 * KIB);
  assert.deepEqual(drains, []);
  let read = 0;
  theirs.on('data', (chunk) => {
    read += chunk.length;
  });
  await until(() => drains.length > 0);
  assert.ok((drains[0] ?? Infinity) <= 128 * KIB, `${drains}`);
  while (read < sent) await once(theirs, 'data');
  assert.deepEqual([read, drains.length, leg.unsent], [sent, 1, 0]);
});

test('where the kernel takes all at once, the sender is told too', async (t) => {
  const { leg, theirs, drains, until } = await scene(t, 0);
  theirs.resume();
  assert.equal(leg.send(new Uint8Array(300 * KIB)), false);
  assert.deepEqual(drains, []);
  await until(() => drains.length === 1);
  assert.equal(leg.send(new Uint8Array(300 * KIB)), false);
  await until(() => drains.length === 2);
});

test('a sender that does not wait is told to go on when half of the send buffer is free', async (t) => {
  const { leg, theirs, drains, until } = await scene(t);
  // The kernel takes the first at once, and of the second what it likes.
  assert.equal(leg.send(new Uint8Array(300 * KIB)), false);
  leg.send(new Uint8Array(12 * KIB * KIB));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual(drains, []);
  assert.ok(leg.unsent > 256 * KIB);
  theirs.resume();
  await until(() => drains.length > 0);
  assert.deepEqual(drains, [0]);
});

test('a send buffer that no event could tell of is made larger', async (t) => {
  const { leg, ours } = await scene(t, 1);
  assert.equal(leg.send(new Uint8Array(2 * ours.writableHighWaterMark)), true);
  assert.equal(leg.send(new Uint8Array(2 * ours.writableHighWaterMark + 1)), false);
});

test('of a turn that makes much, what is there goes out before the turn ends', async (t) => {
  const { leg, ours } = await scene(t);
  leg.send(new Uint8Array(8 * KIB));
  assert.equal(ours.bytesWritten, 0);
  leg.send(new Uint8Array(8 * KIB));
  assert.equal(ours.bytesWritten, 16 * KIB);
});

test('16 MiB may wait, and no byte more', async (t) => {
  const { leg } = await scene(t);
  assert.equal(leg.send(new Uint8Array(16 * KIB * KIB)), false);
  assert.throws(() => leg.send(new Uint8Array(1)), { code: 'RPCH_SEND_OVERFLOW', fault: 'caller' });
});

test('paused, it reads no more than what was under way; asking twice is asking once', async (t) => {
  const { leg, theirs, received, until } = await scene(t);
  leg.pause(true);
  leg.pause(true);
  theirs.write('later');
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual(received, []);
  leg.pause(false);
  await until(() => received.length > 0);
  assert.equal(Buffer.concat(received).toString(), 'later');
});

test('closed, it still sends what was written, and reports nothing', async (t) => {
  const { leg, theirs, received, closed } = await scene(t);
  void closed.then(() => assert.fail('reported'));
  leg.send(Buffer.from('last words'));
  leg.close();
  leg.close();
  leg.pause(true);
  assert.equal((await read(theirs, 10)).toString(), 'last words');
  theirs.end('too late');
  await once(theirs, 'close');
  assert.deepEqual(received, []);
});

test('the end of the connection is told once: without an error, or with it', async (t) => {
  const orderly = await scene(t);
  orderly.theirs.end();
  assert.equal(await orderly.closed, undefined);
  const broken = await scene(t);
  broken.leg.keepAlive(1000);
  broken.theirs.resetAndDestroy();
  assert.match(String(await broken.closed), /ECONNRESET/);
});

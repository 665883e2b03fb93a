import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SendWindow } from '../../src/rpch/flow-control.ts';
import { Lifetime } from '../../src/rpch/lifetime.ts';
import { SendQueue } from '../../src/rpch/send-queue.ts';
import { OUT, rpc, run } from './support.ts';

const ack = (bytesReceived: number, availableWindow: number) => ({
  bytesReceived,
  availableWindow,
  channelCookie: OUT,
});

/** A queue and what came out of it, as `COUNT/BYTES`. */
function recorded(window?: number) {
  const sent: string[] = [];
  const queue = new SendQueue((bytes, count) => sent.push(`${count}/${bytes.length}`));
  if (window !== undefined) queue.window = new SendWindow(window);
  return { queue, sent };
}

test('a queue begins plugged and lets everything go in order when it is unplugged', () => {
  const { queue, sent } = recorded(10_000);
  queue.offer(run(100, 200), 2);
  queue.offer(run(300), 1);
  queue.pump();
  assert.deepEqual(sent, []);
  assert.equal(queue.bytes, 600);
  queue.unplug();
  assert.deepEqual(sent, ['2/300', '1/300']);
  assert.equal(queue.bytes, 0);
});

test('an empty queue passes runs through untouched, as the view that came in', () => {
  const seen: Uint8Array[] = [];
  const queue = new SendQueue((bytes) => seen.push(bytes));
  queue.window = new SendWindow(10_000);
  queue.unplug();
  const bytes = run(100, 200, 300);
  queue.offer(bytes, 3);
  assert.equal(seen.length, 1);
  assert.equal(seen[0], bytes);
});

test('a queue without a window, unplugged, sends everything', () => {
  const { queue, sent } = recorded();
  queue.unplug();
  queue.offer(run(60_000, 60_000, 60_000), 3);
  assert.deepEqual(sent, ['3/180000']);
});

test('of a run the PDUs that fit go, in one piece; the rest waits for the acknowledgement', () => {
  const { queue, sent } = recorded(1000);
  queue.unplug();
  queue.offer(run(300, 300, 300, 300), 4);
  assert.deepEqual(sent, ['3/900']);
  assert.equal(queue.bytes, 300);
  queue.offer(run(50), 1);
  assert.equal(queue.bytes, 350, 'nothing overtakes what waits');
  queue.window?.acknowledged(ack(900, 1000));
  queue.pump();
  assert.deepEqual(sent, ['3/900', '1/300', '1/50']);
});

test('equality with the window waits, for PDUs that pass through and for those that waited', () => {
  const { queue, sent } = recorded(1000);
  queue.unplug();
  queue.offer(run(500), 1);
  queue.offer(run(500), 1);
  assert.deepEqual(sent, ['1/500']);
  queue.window?.acknowledged(ack(400, 600));
  queue.pump();
  assert.deepEqual(sent, ['1/500'], '500 are left');
  queue.window?.acknowledged(ack(500, 501));
  queue.pump();
  assert.deepEqual(sent, ['1/500', '1/500']);
});

test('what waits is a copy, also of a Buffer', () => {
  const seen: Uint8Array[] = [];
  const queue = new SendQueue((bytes) => seen.push(new Uint8Array(bytes)));
  const lent = Buffer.from(rpc(100, { fill: 7 }));
  queue.offer(lent, 1);
  lent.fill(0);
  queue.unplug();
  assert.deepEqual(seen, [rpc(100, { fill: 7 })]);
});

test('a window that is not heeded is counted all the same', () => {
  const { queue, sent } = recorded(1000);
  queue.heedsWindow = false;
  queue.unplug();
  queue.offer(run(600), 1);
  queue.offer(run(600, 600), 2);
  assert.deepEqual(sent, ['1/600', '2/1200']);
  assert.equal(queue.window?.bytesSent, 1800);
  assert.equal(queue.window?.available, 0);
  queue.heedsWindow = true;
  queue.offer(run(16), 1);
  assert.equal(queue.bytes, 16);
  queue.window?.acknowledged(ack(1800, 1000));
  queue.pump();
  assert.equal(queue.bytes, 0);
});

test('an acknowledgement that comes while a PDU is being sent lets the next one go, in order', () => {
  const order: number[] = [];
  let received = 0;
  const window = new SendWindow(1000);
  const queue = new SendQueue((bytes) => {
    order.push(bytes.length);
    received += bytes.length;
    window.acknowledged(ack(received, 1000));
    queue.pump();
  });
  queue.window = window;
  const lengths = [900, 950, 20, 990, 400, 999];
  for (const length of lengths) queue.offer(run(length), 1);
  queue.unplug();
  assert.deepEqual(order, lengths);
  assert.equal(queue.bytes, 0);
  queue.offer(run(700, 700), 2);
  assert.deepEqual(order.slice(lengths.length), [700, 700]);
});

test('PDUs offered while others are being sent come after them', () => {
  const order: number[] = [];
  const queue = new SendQueue((bytes) => {
    order.push(bytes.length);
    if (bytes.length === 100) queue.offer(run(300), 1);
  });
  queue.offer(run(100), 1);
  queue.offer(run(200), 1);
  queue.unplug();
  assert.deepEqual(order, [100, 200, 300]);
  assert.equal(queue.bytes, 0);
});

test('clear drops what waits, also from within send', () => {
  const order: number[] = [];
  const window = new SendWindow(1000);
  const queue = new SendQueue((bytes) => {
    order.push(bytes.length);
    queue.clear();
  });
  queue.window = window;
  queue.offer(run(600, 600), 2);
  queue.offer(run(700), 1);
  queue.unplug();
  assert.equal(queue.bytes, 0);
  window.acknowledged(ack(600, 1000));
  queue.pump();
  assert.deepEqual(order, [600]);
  assert.equal(queue.bytes, 0);
});

test('whatever is offered and acknowledged, PDUs go in order, once, within the window', () => {
  const runs = fc.array(fc.array(fc.integer({ min: 16, max: 3000 }), { minLength: 1, maxLength: 5 }), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(fc.integer({ min: 500, max: 8000 }), runs, fc.infiniteStream(fc.boolean()), (size, offered, acks) => {
      const window = new SendWindow(size);
      const out: number[] = [];
      let promised = size;
      let taken = 0;
      const acknowledge = () => {
        promised = size;
        window.acknowledged(ack(taken, size));
      };
      const queue = new SendQueue((bytes, count) => {
        for (let at = 0, n = 0; n < count; n++) {
          const length = (bytes[at + 8] ?? 0) | ((bytes[at + 9] ?? 0) << 8);
          assert.ok(promised > length || promised === size, 'more than the window allows');
          promised -= length;
          taken += length;
          out.push(length);
          at += length;
        }
        if (acks.next().value === true) {
          acknowledge();
          queue.pump();
        }
      });
      queue.window = window;
      queue.unplug();
      for (const lengths of offered) queue.offer(run(...lengths), lengths.length);
      for (let i = 0; queue.bytes > 0; i++) {
        assert.ok(i < 200, 'waits for ever');
        acknowledge();
        queue.pump();
      }
      assert.deepEqual(out, offered.flat());
    }),
  );
});

test('what is left of the lifetime holds PDUs back until a successor’s takes its place', () => {
  const sent: number[] = [];
  const queue = new SendQueue((bytes) => {
    sent.push(bytes.length);
    queue.lifetime?.use(bytes.length);
  });
  const first = new Lifetime(131_072);
  first.use(131_072 - 8192 - 1000);
  queue.lifetime = first;
  queue.unplug();
  queue.offer(run(600), 1);
  assert.equal(queue.waitsForSuccessor, false);
  queue.offer(run(300, 101, 16), 3);
  assert.deepEqual(sent, [600, 300], 'not even a small one overtakes');
  assert.equal(queue.waitsForSuccessor, true);
  queue.pump();
  assert.equal(queue.bytes, 117);
  queue.lifetime = new Lifetime(131_072);
  assert.equal(queue.waitsForSuccessor, false);
  queue.pump();
  assert.deepEqual(sent, [600, 300, 117]);
});

test('what waits for the window alone does not wait for a successor', () => {
  const { queue } = recorded(1000);
  queue.lifetime = new Lifetime(131_072);
  queue.unplug();
  queue.offer(run(900, 900), 2);
  assert.equal(queue.bytes, 900);
  assert.equal(queue.waitsForSuccessor, false);
});

test('a queue that is plugged again keeps everything, in order', () => {
  const { queue, sent } = recorded(10_000);
  queue.unplug();
  queue.offer(run(100), 1);
  queue.plug();
  queue.offer(run(200), 1);
  queue.pump();
  queue.offer(run(300), 1);
  assert.deepEqual(sent, ['1/100']);
  queue.unplug();
  assert.deepEqual(sent, ['1/100', '1/200', '1/300']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReceiveWindow, SendWindow } from '../../src/rpch/flow-control.ts';
import { OUT, refused } from './support.ts';

const ack = (bytesReceived: number, availableWindow: number) => ({
  bytesReceived,
  availableWindow,
  channelCookie: OUT,
});

test('the worked numbers of the specification, on both ends', () => {
  const sender = new SendWindow(1000);
  const receiver = new ReceiveWindow(1000);
  sender.sent(250);
  assert.deepEqual([sender.available, sender.bytesSent], [750, 250]);

  receiver.received(250, 1);
  receiver.setBlocked(true);
  receiver.setBlocked(false);
  receiver.handedOn(100);
  const first = receiver.acknowledge(OUT);
  assert.deepEqual(first, ack(250, 850));

  sender.sent(500);
  assert.deepEqual([sender.available, sender.bytesSent], [250, 750]);
  sender.acknowledged(first);
  assert.equal(sender.available, 350);

  receiver.received(500, 1);
  receiver.handedOn(200);
  const second = receiver.acknowledge(OUT);
  assert.deepEqual(second, ack(750, 550));
  sender.acknowledged(second);
  assert.equal(sender.available, 550);

  receiver.handedOn(450);
  const third = receiver.acknowledge(OUT);
  assert.deepEqual(third, ack(750, 1000));
  sender.acknowledged(third);
  assert.equal(sender.available, 1000);
});

test('a PDU goes while the window is greater than it, not when it is equal', () => {
  const sender = new SendWindow(1000);
  sender.sent(400);
  assert.ok(sender.fits(599));
  assert.ok(!sender.fits(600));
  assert.ok(!sender.fits(601));
});

test('a PDU as large as the window or larger goes when nothing is in flight', () => {
  const sender = new SendWindow(1000);
  assert.ok(sender.fits(1000));
  assert.ok(sender.fits(5000));
  sender.sent(5000);
  assert.equal(sender.available, 0);
  assert.ok(!sender.fits(0));
  sender.acknowledged(ack(5000, 1000));
  assert.ok(sender.fits(5000));
});

test('the receiver takes such a PDU for what it is, and nothing beside it', () => {
  const alone = new ReceiveWindow(1000);
  assert.ok(alone.received(5000, 1));
  assert.ok(!alone.received(1, 1));

  const two = new ReceiveWindow(1000);
  assert.ok(!two.received(1001, 2));

  const late = new ReceiveWindow(1000);
  assert.ok(late.received(1, 1));
  assert.ok(late.received(999, 5));
  assert.ok(!late.received(1, 1));
});

test('an acknowledgement of more than was sent, or with more window than there is, is refused', () => {
  const sender = new SendWindow(1000);
  sender.sent(500);
  refused(() => sender.acknowledged(ack(501, 1000)), 'RPCH_FLOW_CONTROL_ACK');
  refused(() => sender.acknowledged(ack(500, 1001)), 'RPCH_FLOW_CONTROL_ACK');
  refused(() => sender.acknowledged(ack(0xffff_ffff, 0)), 'RPCH_FLOW_CONTROL_ACK');
  assert.equal(sender.available, 500);
});

test('an acknowledgement that leaves less than nothing leaves nothing', () => {
  const sender = new SendWindow(1000);
  sender.sent(900);
  // A PDU that is larger than the window goes alone, and then more than was promised is under way.
  sender.sent(900);
  sender.acknowledged(ack(100, 1000));
  assert.equal(sender.available, 0);
  sender.acknowledged(ack(1800, 1000));
  assert.equal(sender.available, 1000);
});

test('an acknowledgement that a later one has overtaken takes nothing back', () => {
  const sender = new SendWindow(65_536);
  sender.sent(48_402);
  sender.acknowledged(ack(48_402, 65_536));
  assert.equal(sender.available, 65_536);
  sender.acknowledged(ack(33_186, 39_584));
  assert.equal(sender.available, 65_536);
});

test('an acknowledgement is due at exactly half the window, not before', () => {
  const receiver = new ReceiveWindow(1000);
  const take = (length: number) => {
    receiver.received(length, 1);
    receiver.handedOn(length);
  };
  take(499);
  assert.ok(!receiver.ackDue);
  take(1);
  assert.ok(receiver.ackDue);
  assert.deepEqual(receiver.acknowledge(OUT), ack(500, 1000));
  assert.ok(!receiver.ackDue);
});

test('a sender with half the window left for a PDU of half the window gets its acknowledgement', () => {
  const sender = new SendWindow(8192);
  const receiver = new ReceiveWindow(8192);
  let sent = 0;
  while (sent < 100 && sender.fits(4096)) {
    sender.sent(4096);
    assert.ok(receiver.received(4096, 1));
    receiver.handedOn(4096);
    if (receiver.ackDue) sender.acknowledged(receiver.acknowledge(OUT));
    sent++;
  }
  assert.equal(sent, 100);
});

test('what is held is not promised again until whoever comes next takes it', () => {
  const receiver = new ReceiveWindow(1000);
  receiver.setBlocked(true);
  receiver.received(800, 1);
  receiver.handedOn(800);
  assert.equal(receiver.held, 800);
  assert.ok(!receiver.ackDue);
  assert.ok(!receiver.ackUseful);
  assert.deepEqual(receiver.acknowledge(OUT), ack(800, 200));
  receiver.setBlocked(false);
  assert.equal(receiver.held, 0);
  assert.ok(receiver.ackDue);
  assert.deepEqual(receiver.acknowledge(OUT), ack(800, 1000));
});

test('a receiver that holds more than its window offers nothing, never less', () => {
  const receiver = new ReceiveWindow(1000);
  receiver.received(5000, 1);
  assert.deepEqual(receiver.acknowledge(OUT), ack(5000, 0));
});

test('an acknowledgement is overdue when what is left may be too little and nothing has come for a tick', () => {
  const receiver = new ReceiveWindow(65_536);
  receiver.received(30_000, 1);
  receiver.handedOn(30_000);
  assert.ok(!receiver.ackDue);
  assert.ok(!receiver.ackOverdue(), 'something came since the last tick');
  assert.ok(receiver.ackOverdue());
  receiver.acknowledge(OUT);
  assert.ok(!receiver.ackOverdue(), 'the whole window is offered');

  const large = new ReceiveWindow(131_072);
  large.received(65_535, 1);
  large.handedOn(65_535);
  assert.ok(!large.ackOverdue());
  assert.ok(!large.ackOverdue(), 'any PDU fits into what is left');
});

test('whatever is sent and whenever it is consumed, the sender never overruns and never starves', () => {
  const pdus = fc.array(fc.integer({ min: 16, max: 65_535 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      fc.integer({ min: 8192, max: 262_144 }),
      pdus,
      fc.infiniteStream(fc.nat(3)),
      (window, lengths, choices) => {
        const sender = new SendWindow(window);
        const receiver = new ReceiveWindow(window);
        const held: number[] = [];
        const consume = () => {
          receiver.handedOn(held.shift() ?? 0);
          if (receiver.ackDue) sender.acknowledged(receiver.acknowledge(OUT));
        };
        for (const length of lengths) {
          let patience = 0;
          while (!sender.fits(length)) {
            if (held.length > 0) consume();
            else if (receiver.ackOverdue()) sender.acknowledged(receiver.acknowledge(OUT));
            assert.ok(patience++ < lengths.length + 3, 'waits for ever');
          }
          sender.sent(length);
          assert.ok(receiver.received(length, 1), 'overrun');
          held.push(length);
          assert.ok(receiver.held <= Math.max(window, length));
          for (let n = choices.next().value ?? 0; n > 0; n--) consume();
        }
      },
    ),
  );
});

test('counts are 32-bit numbers and wrap around, at both ends', () => {
  const sender = new SendWindow(262_144);
  const receiver = new ReceiveWindow(262_144);
  const length = 65_000;
  let last = 0;
  while (sender.bytesSent < 2 ** 32 + 10 * length) {
    sender.sent(length);
    assert.ok(receiver.received(length, 1));
    receiver.handedOn(length);
    const acknowledgement = receiver.acknowledge(OUT);
    last = acknowledgement.bytesReceived;
    assert.ok(last <= 0xffff_ffff);
    sender.acknowledged(acknowledgement);
    assert.equal(sender.available, 262_144);
  }
  assert.equal(last, sender.bytesSent - 2 ** 32);
  refused(() => sender.acknowledged(ack(last + 1, 262_144)), 'RPCH_FLOW_CONTROL_ACK');
  sender.sent(1000);
  sender.acknowledged(ack(last, 262_144));
  assert.equal(sender.available, 261_144);
});

test('an acknowledgement from before the wrap-around is understood after it', () => {
  const sender = new SendWindow(1000);
  sender.sent(2 ** 32 - 100);
  sender.acknowledged(ack(2 ** 32 - 100, 1000));
  sender.sent(300);
  sender.acknowledged(ack(2 ** 32 - 100, 1000));
  assert.equal(sender.available, 700);
  sender.acknowledged(ack(200, 1000));
  assert.equal(sender.available, 1000);
});

test('under another cookie a peer’s counts may go on', () => {
  const sender = new SendWindow(1000);
  sender.sent(800);
  sender.renamed();
  sender.acknowledged(ack(500, 700), true);
  assert.equal(sender.available, 400);
  sender.sent(300);
  sender.acknowledged(ack(800, 1000));
  assert.equal(sender.available, 700);
  sender.acknowledged(ack(1100, 1000));
  assert.equal(sender.available, 1000);
  refused(() => sender.acknowledged(ack(1101, 1000)), 'RPCH_FLOW_CONTROL_ACK');
});

test('or begin anew', () => {
  const sender = new SendWindow(1000);
  sender.sent(800);
  sender.acknowledged(ack(800, 1000));
  sender.renamed();
  sender.sent(300);
  sender.acknowledged(ack(100, 900));
  assert.equal(sender.available, 700);
  sender.acknowledged(ack(300, 1000));
  assert.equal(sender.available, 1000);
  refused(() => sender.acknowledged(ack(301, 1000)), 'RPCH_FLOW_CONTROL_ACK');
  sender.renamed();
  sender.sent(50);
  sender.acknowledged(ack(0, 1000));
  assert.equal(sender.available, 950, 'and anew again');
  sender.acknowledged(ack(50, 1000));
  assert.equal(sender.available, 1000);
});

test('whatever was renamed, nothing is acknowledged that was never sent', () => {
  for (const former of [false, true]) {
    const sender = new SendWindow(1000);
    sender.sent(500);
    sender.renamed();
    sender.sent(200);
    refused(() => sender.acknowledged(ack(701, 1000), former), 'RPCH_FLOW_CONTROL_ACK');
    refused(() => sender.acknowledged(ack(0xffff_ffff, 0), former), 'RPCH_FLOW_CONTROL_ACK');
  }
});

test('a peer’s counts under new cookies, whatever it does with them: everything is available again in the end', () => {
  const steps = fc.array(fc.constantFrom('send', 'take', 'ack', 'rename'), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.boolean(), (names, anew) => {
      const sender = new SendWindow(1000);
      let inFlight = 0;
      let count = 0;
      const acknowledge = () => sender.acknowledged(ack(count, 1000));
      const take = () => {
        count += inFlight;
        inFlight = 0;
      };
      for (const name of names) {
        if (name === 'send' && sender.fits(100)) {
          sender.sent(100);
          inFlight += 100;
        } else if (name === 'take') {
          take();
        } else if (name === 'ack') {
          acknowledge();
        } else if (name === 'rename') {
          // The new cookie follows what was sent before it.
          take();
          sender.renamed();
          if (anew) count = 0;
          acknowledge();
        }
      }
      take();
      acknowledge();
      assert.equal(sender.available, 1000);
    }),
  );
});

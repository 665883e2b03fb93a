import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ackDestination, encodeAck, readAck, readAckWithDestination } from '../../src/rpch/ack-codec.ts';
import type { Destination } from '../../src/rpch/commands.ts';
import { FLOW_CONTROL_ACK, FLOW_CONTROL_ACK_WITH_DESTINATION, RTS_PDUS } from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';

const ack = fc.record(
  {
    bytesReceived: fc.integer({ min: 0, max: 0xffff_ffff }),
    availableWindow: fc.integer({ min: 0, max: 0xffff_ffff }),
    channelCookie: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  },
  { noNullPrototype: true },
);
const destination = fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<Destination>;

test('both acknowledgements are written as the table has them', () => {
  fc.assert(
    fc.property(ack, destination, (value, to) => {
      assert.deepEqual(encodeAck(value), FLOW_CONTROL_ACK.encode({ ack: value }));
      assert.deepEqual(encodeAck(value, to), FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination: to, ack: value }));
    }),
  );
});

test('both are read as the table reads them, whatever their call_id', () => {
  fc.assert(
    fc.property(ack, destination, fc.uint8Array({ minLength: 4, maxLength: 4 }), (value, to, callId) => {
      const plain = encodeAck(value);
      plain.set(callId, 12);
      assert.deepEqual(readAck(plain), FLOW_CONTROL_ACK.decode(parseRts(plain)).ack);
      assert.equal(ackDestination(plain), undefined);
      const relayed = encodeAck(value, to);
      relayed.set(callId, 12);
      assert.equal(readAck(relayed), undefined);
      assert.equal(ackDestination(relayed), to);
      assert.deepEqual(readAckWithDestination(relayed), value);
    }),
  );
});

test('one bit changed in what is fixed, and neither takes it for an acknowledgement', () => {
  const value = { bytesReceived: 1, availableWindow: 2, channelCookie: new Uint8Array(16) };
  const isCallId = (at: number): boolean => at >= 12 && at < 16;
  for (let at = 0; at < 24; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const plain = encodeAck(value);
      plain[at] = (plain[at] ?? 0) ^ (1 << bit);
      if (!isCallId(at)) assert.equal(readAck(plain), undefined, `byte ${at}, bit ${bit}`);
    }
  }
  for (let at = 0; at < 32; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const relayed = encodeAck(value, 0);
      relayed[at] = (relayed[at] ?? 0) ^ (1 << bit);
      const otherDestination = at === 24 && bit < 2;
      if (!isCallId(at) && !otherDestination)
        assert.equal(ackDestination(relayed), undefined, `byte ${at}, bit ${bit}`);
    }
  }
});

test('no other row of the table is taken for an acknowledgement, nor any prefix of one', () => {
  const value = { bytesReceived: 1, availableWindow: 2, channelCookie: new Uint8Array(16) };
  for (const bytes of [encodeAck(value), encodeAck(value, 3)]) {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(readAck(bytes.subarray(0, length)), undefined);
      assert.equal(ackDestination(bytes.subarray(0, length)), undefined);
    }
  }
  assert.deepEqual(
    RTS_PDUS.filter((row) => row.matches(parseRts(encodeAck(value))) || row.matches(parseRts(encodeAck(value, 1)))).map(
      (row) => row.name,
    ),
    ['FlowControlAck', 'FlowControlAckWithDestination'],
  );
});

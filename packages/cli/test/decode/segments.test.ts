import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datagramOf, guessLinkType, knowsLinkType } from '../../src/decode/frames.ts';
import { endpointText, type Segment, segmentOf } from '../../src/decode/segment.ts';
import { ethernet, ipv4, tcp } from './support.ts';

const SPEC = { fromClient: true, sequence: 5, data: Buffer.from('hello') } as const;
const V4 = ipv4(SPEC);

function segment(linkType: number, frame: Uint8Array): Segment {
  const datagram = datagramOf(linkType, frame);
  assert.ok(datagram !== undefined);
  const found = segmentOf(datagram);
  assert.ok(typeof found !== 'string', String(found));
  return found;
}

function ipv6(next: number, rest: Uint8Array, source = '20010db8000000000000000000000001'): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt8(0x60, 0);
  head.writeUInt16BE(rest.length, 4);
  head.writeUInt8(next, 6);
  head.set(Buffer.from(source, 'hex'), 8);
  head.set(Buffer.from('fe80000000000000000100000000000a', 'hex'), 24);
  return Buffer.concat([head, rest]);
}

const FRAMES: readonly (readonly [name: string, linkType: number, frame: Uint8Array])[] = [
  ['Ethernet', 1, ethernet(V4)],
  ['Ethernet, padded', 1, Buffer.concat([ethernet(V4), Buffer.alloc(6, 0x55)])],
  ['Ethernet, 802.1Q', 1, ethernet(Buffer.concat([Buffer.from('00640800', 'hex'), V4]), 0x8100)],
  ['Ethernet, two tags', 1, ethernet(Buffer.concat([Buffer.from('0064810000650800', 'hex'), V4]), 0x88a8)],
  ['BSD loopback', 0, Buffer.concat([Buffer.from('02000000', 'hex'), V4])],
  ['OpenBSD loopback', 108, Buffer.concat([Buffer.from('00000002', 'hex'), V4])],
  ['raw IP', 101, V4],
  [
    'Linux cooked v1',
    113,
    Buffer.concat([Buffer.from('000000010006020000000001000008 00'.replace(' ', ''), 'hex'), V4]),
  ],
  ['Linux cooked v2', 276, Buffer.concat([Buffer.from('0800000000000001000100060200000000010000', 'hex'), V4])],
];

for (const [name, linkType, frame] of FRAMES) {
  test(`${name}: the segment is found`, () => {
    const found = segment(linkType, frame);
    assert.equal(endpointText(found.from), '192.0.2.1:50000');
    assert.equal(endpointText(found.to), '198.51.100.2:80');
    assert.equal(Buffer.from(found.data).toString(), 'hello');
    assert.equal(found.length, 5);
    assert.ok(knowsLinkType(linkType));
    for (let length = 0; length < frame.length; length++) {
      const datagram = datagramOf(linkType, frame.subarray(0, length));
      if (datagram !== undefined) segmentOf(datagram);
    }
  });
}

test('IPv6: extension headers are skipped, fragments and others are not read', () => {
  const data = tcp(SPEC);
  const hopByHop = Buffer.from('3c00010400000000', 'hex');
  const destination = Buffer.from('0600010400000000', 'hex');
  const found = segment(101, ipv6(0, Buffer.concat([hopByHop, destination, data])));
  assert.equal(endpointText(found.from), '[2001:db8::1]:50000');
  assert.equal(endpointText(found.to), '[fe80::1:0:0:a]:80');
  assert.equal(Buffer.from(found.data).toString(), 'hello');
  const atomic = Buffer.from('0600000000000001', 'hex');
  assert.equal(segment(101, ipv6(44, Buffer.concat([atomic, data]))).length, 5);
  const fragment = Buffer.from('0600000100000001', 'hex');
  assert.equal(segmentOf(ipv6(44, Buffer.concat([fragment, data]))), 'fragment');
  assert.equal(segmentOf(ipv6(58, data)), 'other');
  assert.equal(endpointText(segment(101, ipv6(6, data, '00000000000000000000000000000000')).from), '[::]:50000');
  assert.equal(
    endpointText(segment(101, ipv6(6, data, '20010db8000000000001000000000000')).from),
    '[2001:db8:0:0:1::]:50000',
  );
});

test('IPv4: fragments and other protocols are not read; what the capture cut off is known', () => {
  const fragment = Buffer.from(V4);
  fragment.writeUInt16BE(0x2000, 6);
  assert.equal(segmentOf(fragment), 'fragment');
  const udp = Buffer.from(V4);
  udp.writeUInt8(17, 9);
  assert.equal(segmentOf(udp), 'other');
  const cut = segment(101, V4.subarray(0, -2));
  assert.equal(cut.length, 5);
  assert.equal(Buffer.from(cut.data).toString(), 'hel');
});

test('the link type of a frame without a file is guessed by what fits', () => {
  assert.equal(guessLinkType(ethernet(V4)), 1);
  assert.equal(guessLinkType(V4), 101);
  assert.equal(guessLinkType(ipv6(6, tcp(SPEC))), 101);
  for (const text of ['ncacn_http/1.0', 'RPC_IN_DATA / HTTP/1.1\r\n\r\n', 'E'.repeat(60)])
    assert.equal(guessLinkType(Buffer.from(text)), undefined);
});

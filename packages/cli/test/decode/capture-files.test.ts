import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError, type Packet } from '../../src/decode/packet.ts';
import { PcapReader } from '../../src/decode/pcap.ts';
import { PcapngReader } from '../../src/decode/pcapng.ts';
import { decode, pcap } from './support.ts';

const FRAMES = [Buffer.from('first'), Buffer.from('second one'), Buffer.alloc(0), Buffer.alloc(70_000, 7)];
/** 2024-01-01T00:00:00Z in µs. */
const BEGUN = 1_704_067_200_000_000;

function read(reader: PcapReader | PcapngReader, file: Uint8Array, piece: number): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < file.length; at += piece) {
    reader.push(file.subarray(at, at + piece), (packet) =>
      packets.push({ ...packet, bytes: Buffer.from(packet.bytes) }),
    );
  }
  assert.equal(reader.pending, 0);
  return packets;
}

for (const littleEndian of [true, false]) {
  for (const nanoseconds of [true, false]) {
    test(`pcap, ${littleEndian ? 'little' : 'big'}-endian, ${nanoseconds ? 'ns' : 'µs'}`, () => {
      const file = pcap(FRAMES, { littleEndian, nanoseconds, linkType: 113 });
      for (const piece of [1, 7, 65_536, file.length]) {
        const packets = read(new PcapReader(), file, piece);
        assert.deepEqual(
          packets.map(({ bytes }) => Buffer.from(bytes)),
          FRAMES,
        );
        assert.deepEqual(
          packets.map(({ time }) => time),
          [0, 1, 2, 3].map((ms) => BEGUN + ms * 1000),
        );
        assert.ok(packets.every(({ linkType }) => linkType === 113));
      }
    });
  }
  test(`pcapng, ${littleEndian ? 'little' : 'big'}-endian: interfaces, resolutions, and blocks of all kinds`, () => {
    const file = pcapng(littleEndian);
    for (const piece of [1, 13, file.length]) {
      const packets = read(new PcapngReader(), file, piece);
      assert.deepEqual(
        packets.map(({ time, linkType, bytes }) => [time, linkType, Buffer.from(bytes).toString()]),
        [
          [BEGUN, 1, 'micro'],
          [BEGUN + 1_000_001, 101, 'nano1'],
          [undefined, 1, 'simple'],
          [BEGUN, 1, 'obsolete'],
          [BEGUN, 228, 'section 2'],
        ],
      );
    }
  });
}

test('a damaged capture is told with a sentence', () => {
  const file = pcap(FRAMES);
  file.writeUInt32LE(0x7fff_ffff, 24 + 8);
  assert.throws(() => read(new PcapReader(), file, 100), InputError);
  const next = pcapng(true);
  next.writeUInt32LE(3, 4);
  assert.throws(() => read(new PcapngReader(), next, 100), InputError);
});

test('a capture that ends in mid-packet is told up to there', () => {
  const { summary } = decode(pcap(FRAMES).subarray(0, -1));
  assert.equal(summary.packets, 3);
  assert.ok(summary.noteworthy.includes('the capture file ends in mid-packet'));
});

/** A file of two sections by hand (draft-ietf-opsawg-pcapng 4). */
function pcapng(littleEndian: boolean): Buffer {
  const u16 = (value: number) => number(value, 2);
  const u32 = (value: number) => number(value, 4);
  function number(value: number, length: 2 | 4): Buffer {
    const bytes = Buffer.alloc(length);
    bytes.writeUIntBE(value, 0, length);
    return littleEndian ? bytes.reverse() : bytes;
  }
  const block = (type: number, ...parts: Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    return Buffer.concat([u32(type), u32(12 + padded.length), padded, u32(12 + padded.length)]);
  };
  const section = block(0x0a0d0d0a, u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff));
  const option = (code: number, value: Uint8Array) =>
    Buffer.concat([u16(code), u16(value.length), value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  const described = (linkType: number, ...options: Buffer[]) => block(1, u16(linkType), u16(0), u32(0), ...options);
  const stamp = (units: bigint) => Buffer.concat([u32(Number(units >> 32n)), u32(Number(units & 0xffff_ffffn))]);
  const enhanced = (on: number, units: bigint, text: string) =>
    block(
      6,
      u32(on),
      stamp(units),
      u32(text.length),
      u32(text.length),
      Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4, '\0')),
      u16(0),
      u16(0),
    );
  const begun = BigInt(BEGUN);
  return Buffer.concat([
    section,
    described(1, option(2, Buffer.from('eth0'))),
    described(101, option(9, Uint8Array.of(9)), u16(0), u16(0)),
    block(5, u32(0), Buffer.alloc(8)),
    enhanced(0, begun, 'micro'),
    enhanced(1, begun * 1000n + 1_000_001_000n, 'nano1'),
    block(3, u32(6), Buffer.from('simple')),
    block(2, u16(0), u16(0), stamp(begun), u32(8), u32(8), Buffer.from('obsolete')),
    block(0x0bad, Buffer.from('unknown')),
    section,
    described(
      228,
      option(9, Uint8Array.of(0x80)),
      option(14, littleEndian ? Buffer.from('0a00000000000000', 'hex') : Buffer.from('000000000000000a', 'hex')),
    ),
    enhanced(0, begun / 1_000_000n - 10n, 'section 2'),
  ]);
}

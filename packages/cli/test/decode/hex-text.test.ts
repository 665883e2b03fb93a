import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hexDump } from '@rpch/rpc/internal';
import fc from 'fast-check';
import { looksLikeHex, readHex } from '../../src/decode/hex-text.ts';
import { connection, decode, names, pcap } from './support.ts';

const pair = (byte: number): string => byte.toString(16).padStart(2, '0');
const ascii = (bytes: readonly number[]): string =>
  bytes.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('');

/** One line of a dump, as each program writes it: taken from xxd 2022, util-linux 2.38, tshark 4.0 and coreutils 9.1. */
const STYLES: Readonly<Record<string, (offset: number, bytes: readonly number[]) => string>> = {
  xxd: (offset, bytes) => {
    const groups = bytes.map(pair).join('').replace(/.{4}/g, '$& ').trim();
    return `${offset.toString(16).padStart(8, '0')}: ${groups.padEnd(39)}  ${ascii(bytes)}`;
  },
  'hexdump -C': (offset, bytes) => {
    const halves = [bytes.slice(0, 8), bytes.slice(8)].map((half) => half.map(pair).join(' '));
    return `${offset.toString(16).padStart(8, '0')}  ${halves.join('  ').padEnd(48)}  |${ascii(bytes)}|`;
  },
  'tshark -x': (offset, bytes) =>
    `${offset.toString(16).padStart(4, '0')}  ${bytes.map(pair).join(' ').padEnd(47)}   ${ascii(bytes)}`,
  'od -Ax -tx1': (offset, bytes) => `${offset.toString(16).padStart(6, '0')} ${bytes.map(pair).join(' ')}`,
  'our own': (offset, bytes) => hexDump(Uint8Array.from(bytes), [], offset)[0] ?? '',
};

function dumped(style: string, bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) lines.push(STYLES[style]?.(at, [...bytes.subarray(at, at + 16)]) ?? '');
  if (style === 'hexdump -C' || style.startsWith('od')) lines.push(bytes.length.toString(16).padStart(8, '0'));
  return `${lines.join('\n')}\n`;
}

for (const style of Object.keys(STYLES)) {
  test(`${style}: any bytes are read back, whatever the text column looks like`, () => {
    const hexLike = fc
      .array(fc.constantFrom(0x30, 0x61, 0x66, 0x20, 0x7c, 0x2a), { minLength: 1, maxLength: 100 })
      .map((a) => Uint8Array.from(a));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 200 }), hexLike), (bytes) => {
        const text = dumped(style, bytes);
        assert.ok(looksLikeHex(text), text);
        const read = readHex(text);
        assert.ok('blocks' in read, text);
        assert.deepEqual(Buffer.concat(read.blocks.map((block) => block.bytes)), Buffer.from(bytes), text);
      }),
    );
  });
}

test('plain digits in the usual groupings', () => {
  for (const text of ['05001403', '05 00 14 03', '0x05, 0x00,\n0x14, 0x03\n', '05:00:14:03', '0500\n1403\n']) {
    assert.ok(looksLikeHex(text), text);
    assert.deepEqual(readHex(text), { blocks: [{ label: '', bytes: Buffer.from('05001403', 'hex') }] }, text);
  }
});

test('a repeated line is what * stands for', () => {
  const read = readHex(
    '00000000  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n*\n00000030  62  |b|\n00000031\n',
  );
  assert.ok('blocks' in read);
  assert.equal(Buffer.from(read.blocks[0]?.bytes ?? []).toString(), `${'a'.repeat(48)}b`);
});

test('what is no dump is told by its line', () => {
  assert.deepEqual(readHex('0000  05 00 14\n0008  05\n'), { line: 2 });
  assert.deepEqual(readHex('05 00\nzz\n'), { line: 2 });
  for (const text of ['# a heading', '{ "a": 1 }', 'the quick brown fox', '']) assert.ok(!looksLikeHex(text), text);
});

test('random text does no worse than naming a line', () => {
  const line = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.constantFrom('*', '0000  05 00', '00000010: 0500 1403', 'Frame (60 bytes):', 'ffffffff  00'),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const read = readHex(lines.join('\n'));
      assert.ok('blocks' in read || read.line <= lines.length);
    }),
  );
});

test('a dump of frames, with the other sources that tshark prints, is a capture', () => {
  const bind = Buffer.from(
    '05000b031000000048000000010000 00d016d016000000000100000000000100c55ea160e84dd711a637005056a2018201000000045d888aeb1cc9119fe808002b10486002000000'.replace(
      ' ',
      '',
    ),
    'hex',
  );
  const frames = connection([{ fromClient: true, data: bind }], { serverPort: 49_001 });
  const text = frames
    .map(
      (frame) =>
        `Frame (${frame.length} bytes):\n${dumped('tshark -x', frame)}Reassembled TCP (4 bytes):\n0000  de ad be ef   ....\n`,
    )
    .join('\n');
  const told = decode(text);
  assert.deepEqual(names(told), ['bind']);
  assert.match(told.text, /192\.0\.2\.1:50000 → 198\.51\.100\.2:49001/);
  const ofFile = decode(dumped('xxd', pcap(frames)));
  assert.deepEqual(names(ofFile), ['bind']);
  assert.match(ofFile.text, /^00:00:00\.002000 {2}#1 {2}client → server {2}bind /m);
});

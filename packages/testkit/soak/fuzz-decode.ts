import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Decoder, FORMATS } from 'rpch/src/decode/decoder.ts';
import { InputError } from 'rpch/src/decode/packet.ts';
import { eventJson, eventText, summaryJson, summaryText } from 'rpch/src/decode/report.ts';
import { readSession } from 'rpch/src/decode/session-text.ts';
import { type Conversation, pcapOf } from '../src/peers/pcap.ts';
import { must, type Target } from './fuzz-target.ts';

const CAPTURES = fileURLToPath(new URL('../peers/captures/', import.meta.url));
/** What a seed holds at most, bytes, so that many inputs are made of it in a second. */
const ENOUGH = 3000;
const SERVER_PORT = 593;
const CLIENT_PORT = 10_000;

/** Captures of real clients as the decoder takes them: a packet capture, the stream of a direction, and text. */
const SEEDS = globSync('*/session.txt', { cwd: CAPTURES })
  .sort()
  .slice(0, 4)
  .flatMap((path) => {
    const text = readFileSync(`${CAPTURES}/${path}`, 'utf8');
    const session = readSession(text);
    if ('line' in session) throw new Error(`${path}: ${session.line}`);
    const conversations = (['in', 'out'] as const).map((channel, i): Conversation => {
      const said = session.filter((record) => record.channel === channel);
      const of = (fromClient: boolean) =>
        upTo(said.filter((record) => record.fromClient === fromClient).map(({ bytes }) => bytes));
      return { clientPort: CLIENT_PORT + i, serverPort: SERVER_PORT, fromClient: of(true), fromServer: of(false) };
    });
    const capture = pcapOf(conversations);
    const streams = conversations.flatMap(({ fromClient, fromServer }) => [fromClient, fromServer]);
    return [
      seed(0, capture),
      seed(0, pcapng(capture)),
      seed(4, Buffer.concat(streams[0] ?? [])),
      seed(0, Buffer.from(wholeRecords(text.slice(0, ENOUGH)))),
      seed(3, Buffer.from(Buffer.concat(streams[1] ?? []).toString('hex'))),
    ];
  });

/** The text up to its last record, which may not be whole. */
function wholeRecords(text: string): string {
  return text.slice(0, Math.max(text.lastIndexOf('\nin '), text.lastIndexOf('\nout ')) + 1);
}

/** The first of them that are not too long together. */
function upTo(pieces: readonly Uint8Array[]): Uint8Array[] {
  let length = 0;
  return pieces.filter((piece) => {
    length += piece.length;
    return length <= ENOUGH;
  });
}

/** The first byte chooses the format, 0 for whatever it looks like. */
function seed(format: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(format), bytes]);
}

/** The first packet of a pcap file in pcapng's blocks: section header, interface, packet. */
function pcapng(capture: Buffer): Buffer {
  const length = capture.readUInt32LE(32);
  const data = Buffer.concat([capture.subarray(40, 40 + length), Buffer.alloc((4 - (length % 4)) % 4)]);
  const words = (...values: readonly number[]): Buffer =>
    Buffer.concat(
      values.map((value) => {
        const word = Buffer.alloc(4);
        word.writeUInt32LE(value >>> 0);
        return word;
      }),
    );
  const total = 32 + data.length;
  return Buffer.concat([
    words(0x0a0d0d0a, 28, 0x1a2b3c4d, 1, -1, -1, 28),
    words(1, 20, 101, 0, 20),
    words(6, total, 0, 0, 0, length, length),
    data,
    words(total),
  ]);
}

function decode(input: Uint8Array): void {
  const choice = (input[0] ?? 0) % (FORMATS.length + 1);
  const format = choice === 0 ? undefined : FORMATS[choice - 1];
  const piece = ((input.length * 7) % 300) + 1;
  let text = '';
  const decoder = new Decoder(format, (event) => {
    text += eventText(event, true);
    JSON.parse(eventJson(event, true));
  });
  for (let at = 1; at < input.length; at += piece) decoder.push(input.subarray(at, at + piece));
  decoder.end();
  const summary = decoder.summary();
  JSON.parse(summaryJson(summary));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  must(!/[\x00-\x09\x0b-\x1f\x7f]/.test(text + summaryText(summary)), 'nothing is told that a terminal would obey');
}

/** What `rpch decode` makes of a capture. */
export const DECODE_TARGETS: readonly Target[] = [
  { name: 'decode', seeds: SEEDS, mayThrow: (error) => error instanceof InputError, run: decode },
];

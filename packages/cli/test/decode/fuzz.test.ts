import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { FORMATS, type Format } from '../../src/decode/decoder.ts';
import { InputError } from '../../src/decode/packet.ts';
import { readSession } from '../../src/decode/session-text.ts';
import { connection, decode, pcap, type Said } from './support.ts';

/** Decodes, and takes no more than the one foreseen error for an answer. */
function survives(bytes: Uint8Array, format: Format | undefined, piece: number): void {
  try {
    const { text } = decode(bytes, format, piece);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f]/);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    assert.match(error.message, /^\S.*\S$/);
  }
}

const session = readSession(
  readFileSync(
    fileURLToPath(new URL('../../../testkit/peers/captures/samba-http-ntlm/session.txt', import.meta.url)),
    'utf8',
  ),
);
assert.ok(!('line' in session));
const said = (channel: 'in' | 'out'): Said[] =>
  session.filter((record) => record.channel === channel).map(({ fromClient, bytes }) => ({ fromClient, data: bytes }));
const real = pcap([...connection(said('in'), { clientPort: 1 }), ...connection(said('out'), { clientPort: 2 })]);
const stream = Buffer.concat(session.map(({ bytes }) => bytes));

const format = fc.constantFrom(undefined, ...FORMATS);
const piece = fc.integer({ min: 1, max: 300 });
const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 });

function changed(bytes: Buffer, list: readonly (readonly [number, number])[]): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of list) copy[at % copy.length] = value;
  return copy;
}

test('random bytes of every format end in sentences', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), format, piece, (bytes, as, size) => survives(bytes, as, size)),
    { numRuns: 400 },
  );
});

test('damaged captures, cut anywhere, end in sentences', () => {
  fc.assert(
    fc.property(changes, fc.nat(real.length), piece, (list, end, size) =>
      survives(changed(real, list).subarray(0, end), 'pcap', size),
    ),
    { numRuns: 300 },
  );
});

test('damaged streams, cut anywhere, end in sentences', () => {
  fc.assert(
    fc.property(changes, fc.nat(stream.length), piece, (list, end, size) =>
      survives(changed(stream, list).subarray(0, end), 'raw', size),
    ),
    { numRuns: 300 },
  );
});

test('the size of the pieces makes no difference', () => {
  const whole = decode(real);
  for (const size of [1, 3, 17, 1000]) {
    const cut = decode(real, undefined, size);
    assert.equal(cut.verbose, whole.verbose);
    assert.deepEqual(cut.summary, whole.summary);
  }
});

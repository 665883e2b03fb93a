import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type FromQuoting,
  looksLikeMbox,
  type MboxMessage,
  MboxSplitter,
} from '../../src/import/sources/mbox-splitter.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import { bytesOf } from './support.ts';

const FROM = 'From a@x.example Mon Mar  2 09:00:00 2026\n';

/** Splits bytes that come in chunks of that size. */
function split(
  bytes: Uint8Array,
  size = bytes.length || 1,
  quoting: FromQuoting = 'mboxrd',
  limit?: number,
): MboxMessage[] {
  const splitter = new MboxSplitter(quoting, limit);
  const found: MboxMessage[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...splitter.push(bytes.slice(at, at + size)));
  return [...found, ...splitter.end()];
}

const texts = (messages: readonly MboxMessage[]): (string | undefined)[] =>
  messages.map(({ bytes }) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')));

const BOX = `${FROM}Subject: one\n\nFrom the start, this is text\nFrom b@x Mon Mar  2 10:00:00 2026\n>From quoted\n>>From twice\n>not\n\n${FROM}Subject: two\n\nlast\n\n\nFrom nobody without a date\n`;

test('messages between separators, at every size of chunks', () => {
  const expected = [
    // A separator without an empty line before it is text.
    'Subject: one\n\nFrom the start, this is text\nFrom b@x Mon Mar  2 10:00:00 2026\nFrom quoted\n>From twice\n>not\n',
    'Subject: two\n\nlast\n\n\nFrom nobody without a date\n',
  ];
  const bytes = bytesOf(BOX);
  for (let size = 1; size <= bytes.length; size += 1) {
    const messages = split(bytes, size);
    assert.deepEqual(texts(messages), expected, `chunks of ${size}`);
    assert.equal(
      messages.reduce((sum, message) => sum + message.size, 0),
      bytes.length,
    );
  }
});

test('mboxo takes one > away from From, and nothing from >From', () => {
  const [message] = split(bytesOf(BOX), 7, 'mboxo');
  assert.ok(message?.bytes && Buffer.from(message.bytes).toString('latin1').includes('\nFrom quoted\n>>From twice\n'));
});

test('CR LF, a missing last line end, an empty file, what is before the first separator', () => {
  const dos = `${FROM.replace('\n', '\r\n')}Subject: a\r\n\r\nx\r\n\r\n`;
  assert.deepEqual(texts(split(bytesOf(dos + dos), 3)), ['Subject: a\r\n\r\nx\r\n', 'Subject: a\r\n\r\nx\r\n']);
  assert.deepEqual(texts(split(bytesOf(`${FROM}a: b\n\nend`))), ['a: b\n\nend']);
  assert.deepEqual(texts(split(bytesOf(`${FROM}`))), ['']);
  assert.deepEqual(split(bytesOf('')), []);
  assert.deepEqual(texts(split(bytesOf(`\n\n${FROM}x`))), ['x']);
});

test('separators of several programs, with their times', () => {
  const time = (line: string) => split(bytesOf(`${line}\nx`))[0]?.received;
  const nine = fileTime(Date.UTC(2026, 2, 2, 9));
  assert.equal(time('From a@x.example Mon Mar  2 09:00:00 2026'), nine);
  assert.equal(time('From - Mon Mar 02 09:00:00 2026'), nine);
  assert.equal(time('From 177@xxx Mon Mar 02 09:00:00 +0000 2026'), nine);
  assert.equal(time('From a@x Mon Mar  2 10:00:00 2026 +0100'), nine);
  assert.equal(looksLikeMbox(bytesOf(FROM)), true);
  assert.equal(looksLikeMbox(bytesOf('From here on, Mon is a day')), false);
  assert.equal(looksLikeMbox(bytesOf('Subject: From a@x Mon Mar  2 09:00:00 2026')), false);
});

test('a message over the limit is told, not kept; those around it are', () => {
  const big = 'x'.repeat(5000);
  const box = bytesOf(`${FROM}one\n\n${FROM}${big}${big}\n\n${FROM}three\n`);
  const messages = split(box, 700, 'mboxrd', 6000);
  assert.deepEqual(texts(messages), ['one\n', undefined, 'three\n']);
  assert.equal(
    messages.reduce((sum, message) => sum + message.size, 0),
    box.length,
  );
});

test('a message of very many quoted lines comes back whole', () => {
  const lines = 'From \n'.repeat(20_000);
  const [message] = split(bytesOf(FROM + lines.replaceAll('From', '>From')), 5000);
  assert.equal(Buffer.from(message?.bytes ?? []).toString('latin1'), lines);
});

test('what is quoted and written comes back, however it is cut', () => {
  const line = fc.oneof(
    fc.constantFrom('', 'From a Mon Mar  2 09:00:00 2026', '>From x', '>>From ', '>', 'From ', 'x'.repeat(1500)),
    fc.stringMatching(/^[ -~]{0,30}$/),
  );
  const message = fc.array(line, { minLength: 1, maxLength: 12 }).map((lines) => `${lines.join('\n')}\n`);
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 2000 }),
      (messages, size) => {
        const box = messages.map((text) => `${FROM}${text.replace(/^(>*From )/gm, '>$1')}\n`).join('');
        assert.deepEqual(texts(split(bytesOf(box), size)), messages);
      },
    ),
    { numRuns: 500 },
  );
});

test('random bytes are cut into something', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.integer({ min: 1, max: 100 }), (bytes, size) => {
      split(Uint8Array.from([...bytesOf(FROM), ...bytes]), size);
      split(bytes, size);
    }),
  );
});

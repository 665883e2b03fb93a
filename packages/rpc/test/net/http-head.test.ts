import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endOfHead, type HttpHead, HttpHeadError, parseHead } from '../../src/net/http-head.ts';

const LIMIT = 16 * 1024;

function head(...lines: readonly string[]): HttpHead {
  return parseHead(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
}

/** A head with that one field. */
function withField(line: string): HttpHead {
  return head('RPC_IN_DATA /rpc/rpcproxy.dll?a:1 HTTP/1.1', line);
}

function refusedWith(status: 400 | 431, work: () => unknown): void {
  assert.throws(work, (error) => error instanceof HttpHeadError && error.status === status && error.fault === 'peer');
}

const GOOD = Buffer.from(
  [
    'RPC_IN_DATA /rpc/rpcproxy.dll?mail01:6001 HTTP/1.1',
    'Accept: application/rpc',
    'Cache-Control: no-cache',
    'Connection: Keep-Alive',
    'Content-Length: 1073741824',
    'Host: proxy.example.org',
    'Pragma: No-cache',
    'Pragma:MinConnTimeout=120',
    'User-Agent: MSRPC',
    '',
    '',
  ].join('\r\n'),
  'latin1',
);

test('the head of a client', () => {
  assert.equal(endOfHead(GOOD, 0, LIMIT), GOOD.length);
  const parsed = parseHead(GOOD);
  assert.equal(parsed.method, 'RPC_IN_DATA');
  assert.equal(parsed.target, '/rpc/rpcproxy.dll?mail01:6001');
  assert.equal(parsed.minorVersion, 1);
  assert.equal(parsed.contentLength, 1_073_741_824);
  assert.equal(parsed.expectsContinue, false);
  assert.equal(parsed.field('user-agent'), 'MSRPC');
  assert.equal(parsed.field('authorization'), undefined);
  assert.deepEqual(parsed.fields('pragma'), ['No-cache', 'MinConnTimeout=120']);
  assert.deepEqual(parsed.fields('cookie'), []);
});

test('every prefix of a good head is "not yet", wherever the search went on', () => {
  for (let length = 0; length < GOOD.length; length++) {
    const prefix = GOOD.subarray(0, length);
    assert.equal(endOfHead(prefix, 0, LIMIT), -1);
    assert.equal(endOfHead(GOOD, length, LIMIT), GOOD.length);
  }
});

test('a head may be exactly as long as the limit, and is given up as soon as it cannot end in time', () => {
  assert.equal(endOfHead(GOOD, 0, GOOD.length), GOOD.length);
  refusedWith(431, () => endOfHead(GOOD, 0, GOOD.length - 1));
  assert.equal(endOfHead(Buffer.alloc(99, 'a'), 0, 100), -1);
  refusedWith(431, () => endOfHead(Buffer.alloc(100, 'a'), 0, 100));
  refusedWith(431, () => endOfHead(Buffer.alloc(5000, 'a'), 4000, 100));
});

test('what follows the head is not looked at', () => {
  const more = Buffer.concat([GOOD, Buffer.from([5, 0, 20, 13, 10, 13, 10])]);
  assert.equal(endOfHead(more, 0, LIMIT), GOOD.length);
});

const LINES: readonly (readonly [what: string, line: string])[] = [
  ['HTTP/0.9', 'RPC_IN_DATA /rpc'],
  ['HTTP/2.0', 'RPC_IN_DATA /rpc HTTP/2.0'],
  ['HTTP/1.2', 'RPC_IN_DATA /rpc HTTP/1.2'],
  ['no version number', 'RPC_IN_DATA /rpc HTTP/'],
  ['a lower-case version', 'RPC_IN_DATA /rpc http/1.1'],
  ['a lower-case method', 'rpc_in_data /rpc HTTP/1.1'],
  ['a method with a digit', 'RPC_1 /rpc HTTP/1.1'],
  ['a method too long', `${'A'.repeat(25)} /rpc HTTP/1.1`],
  ['no method', ' /rpc HTTP/1.1'],
  ['no target', 'RPC_IN_DATA  HTTP/1.1'],
  ['two spaces', 'RPC_IN_DATA  /rpc HTTP/1.1'],
  ['a tab', 'RPC_IN_DATA\t/rpc HTTP/1.1'],
  ['a space in the target', 'RPC_IN_DATA /r pc HTTP/1.1'],
  ['a space at the end', 'RPC_IN_DATA /rpc HTTP/1.1 '],
  ['a control character in the target', 'RPC_IN_DATA /r\x01pc HTTP/1.1'],
  ['a byte beyond ASCII in the target', 'RPC_IN_DATA /r\xe4pc HTTP/1.1'],
  ['a target too long', `RPC_IN_DATA /${'a'.repeat(4096)} HTTP/1.1`],
  ['an empty line first', '\r\nRPC_IN_DATA /rpc HTTP/1.1'],
  ['a bare LF at the end', 'RPC_IN_DATA /rpc HTTP/1.1\nHost: a'],
  ['a bare CR at the end', 'RPC_IN_DATA /rpc HTTP/1.1\r'],
];
for (const [what, line] of LINES)
  test(`refused: a request line with ${what}`, () => refusedWith(400, () => head(line)));

const FIELDS: readonly (readonly [what: string, line: string])[] = [
  ['a bare LF within', 'A: b\nC: d'],
  ['a bare LF before the value', 'A:\nb'],
  ['a bare LF after the value', 'A: b\n'],
  ['a bare CR within', 'A: b\rc'],
  ['a bare CR at the end', 'A: b\r'],
  ['a NUL', 'A: b\0c'],
  ['a vertical tab at the end', 'A: b\x0b'],
  ['a form feed at the start', 'A: \x0cb'],
  ['a DEL', 'A: b\x7f'],
  ['a folded line', 'A: b\r\n c'],
  ['a line folded with a tab', 'A: b\r\n\tc'],
  ['a space before the name', ' A: b'],
  ['a space before the colon', 'A : b'],
  ['a tab before the colon', 'A\t: b'],
  ['a space in the name', 'A B: c'],
  ['no name', ': b'],
  ['no colon', 'A'],
  ['a NUL in the name', 'A\0: b'],
  ['a byte beyond ASCII in the name', 'A\xe4: b'],
  ['a name too long', `${'A'.repeat(65)}: b`],
  ['two Content-Lengths', 'Content-Length: 5\r\nContent-Length: 6'],
  ['two equal Content-Lengths', 'Content-Length: 5\r\ncontent-length: 5'],
  ['a list as Content-Length', 'Content-Length: 5, 5'],
  ['a sign before Content-Length', 'Content-Length: +5'],
  ['a negative Content-Length', 'Content-Length: -5'],
  ['a hexadecimal Content-Length', 'Content-Length: 0x5'],
  ['an empty Content-Length', 'Content-Length:'],
  ['a fraction as Content-Length', 'Content-Length: 5.0'],
  ['a Content-Length of eleven digits', 'Content-Length: 10000000000'],
  ['a no-break space in Content-Length', 'Content-Length:\xa05'],
  ['a form feed after Content-Length', 'Content-Length: 5\x0c'],
  ['Transfer-Encoding', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding of any kind', 'transfer-encoding: identity'],
];
for (const [what, line] of FIELDS) test(`refused: a field with ${what}`, () => refusedWith(400, () => withField(line)));

test('white space around a value is not part of it; inside it and beyond ASCII it may be anything', () => {
  assert.equal(withField('A: \t b  c\xe4\xa0 \t').field('a'), 'b  c\xe4\xa0');
  assert.equal(withField('A:b').field('a'), 'b');
  assert.equal(withField('A:').field('a'), '');
  assert.equal(withField('A:   ').field('a'), '');
  assert.equal(withField(`${'A'.repeat(64)}: b`).field('a'.repeat(64)), 'b');
});

test('a long value of spaces takes no long time', () => {
  const spaces = ' '.repeat(100_000);
  const began = process.cpuUsage();
  assert.equal(withField(`A: b${spaces}c`).field('a')?.length, 100_002);
  assert.ok(process.cpuUsage(began).user < 500_000, 'CPU time, microseconds');
});

test('at most 64 fields', () => {
  const fields = Array.from({ length: 64 }, (_, i) => `F${i}: v`);
  assert.equal(head('RPC_IN_DATA / HTTP/1.0', ...fields).field('f63'), 'v');
  refusedWith(431, () => head('RPC_IN_DATA / HTTP/1.0', ...fields, 'One: more'));
});

test('a request without Content-Length has an empty body; 100-continue is for HTTP/1.1 alone', () => {
  assert.equal(head('RPC_IN_DATA / HTTP/1.0').contentLength, 0);
  assert.equal(withField('Content-Length: 0076').contentLength, 76);
  assert.equal(withField('Expect: 100-Continue').expectsContinue, true);
  assert.equal(withField('Expect: something').expectsContinue, false);
  const old = head('RPC_IN_DATA / HTTP/1.0', 'Expect: 100-continue');
  assert.equal(old.minorVersion, 0);
  assert.equal(old.expectsContinue, false);
});

test('random heads do no worse than the error', () => {
  const piece = fc.oneof(
    fc.constantFrom('RPC_IN_DATA', ' ', '/', 'HTTP/1.1', '\r\n', ':', 'Content-Length', '1', '\r', '\n', '\t', '\0'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const bytes = Buffer.from(`${pieces.join('')}\r\n\r\n`, 'latin1');
      try {
        parseHead(bytes.subarray(0, endOfHead(bytes, 0, LIMIT)));
      } catch (error) {
        assert.ok(error instanceof HttpHeadError, String(error));
      }
    }),
  );
});

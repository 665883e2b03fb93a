import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import { MAX_V2_LENGTH, parseProxyHeader } from '../../src/front/proxy-protocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const v2 = (rest: string): Buffer => bytes(`${SIGNATURE} ${rest}`);
const line = (text: string): Buffer => Buffer.from(text, 'latin1');
const V4 = 'c0000207 cb007109 dc04 01bb';
const V6 = '20010db8000000000000000000000007 20010db8000000000000000000000009 dc04 01bb';
const MAPPED = '00000000000000000000ffffc0000207 00000000000000000000ffffcb007109 dc04 01bb';

/** Headers, and the client's address in them. */
const HEADERS: readonly (readonly [string, Buffer, string | undefined])[] = [
  // proxy-protocol.txt 2.1, with its example of IPv4 and its longest lines.
  ['TCP4', line('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n'), '192.168.0.1'],
  ['the longest TCP4', line('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'), '255.255.255.255'],
  ['TCP6', line('PROXY TCP6 2001:DB8::7 ::1 0 443\r\n'), '2001:db8::7'],
  ['the longest TCP6', line(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ::1 65535 65535\r\n`), `${'ffff:'.repeat(7)}ffff`],
  ['TCP6 with IPv4 in it', line('PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n'), '192.0.2.7'],
  ['UNKNOWN', line('PROXY UNKNOWN\r\n'), undefined],
  [
    'the longest UNKNOWN',
    line(`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    undefined,
  ],
  ['UNKNOWN with anything behind', line('PROXY UNKNOWN \x00\r\xff\n\r\n'), undefined],
  // 2.2
  ['TCP over IPv4', v2(`21 11 000c ${V4}`), '192.0.2.7'],
  ['TCP over IPv6', v2(`21 21 0024 ${V6}`), '2001:db8::7'],
  ['TCP over IPv6 with IPv4 in it', v2(`21 21 0024 ${MAPPED}`), '192.0.2.7'],
  ['with TLVs: PP2_TYPE_ALPN, PP2_TYPE_NOOP', v2(`21 11 0015 ${V4} 01 0003 683220 04 0000`), '192.0.2.7'],
  ['with what is no TLV', v2(`21 11 000d ${V4} ff`), '192.0.2.7'],
  ['as long as it may be', v2(`21 11 1000 ${V4} ${'00'.repeat(MAX_V2_LENGTH - 12)}`), '192.0.2.7'],
  ['LOCAL', v2('20 00 0000'), undefined],
  ['LOCAL with addresses', v2(`20 11 000c ${V4}`), undefined],
  ['LOCAL of a family that is none', v2('20 ff 0001 00'), undefined],
  ['UNSPEC', v2('21 00 0000'), undefined],
  ['UDP over IPv4', v2(`21 12 000c ${V4}`), undefined],
  ['IPv4 without transport', v2(`21 10 000c ${V4}`), undefined],
  ['Unix stream', v2(`21 31 00d8 ${'2f'.repeat(216)}`), undefined],
];

for (const [what, header, source] of HEADERS) {
  test(`${what}: the address, and where the client's bytes begin`, () => {
    assert.deepEqual(parseProxyHeader(header), { length: header.length, source });
    const followed = Buffer.concat([header, line('PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n')]);
    assert.deepEqual(parseProxyHeader(followed), { length: header.length, source });
    for (let cut = 0; cut < header.length; cut++) {
      assert.equal(parseProxyHeader(header.subarray(0, cut)), undefined, `cut at ${cut}`);
    }
  });
}

const WRONG: readonly (readonly [Buffer, RegExp])[] = [
  [line('GET / HTTP/1.1\r\n\r\n'), /^no header of the PROXY protocol$/],
  [bytes('16030100'), /^no header/],
  [line('PROXX'), /^no header/],
  [line('PROXY\t'), /^no header/],
  [bytes('0d0a0d0a000d0a51554954 0d'), /^no header/],
  [line(`PROXY TCP4 ${'1'.repeat(96)}`), /^no CRLF in the first 107 bytes$/],
  [line(`PROXY UNKNOWN ${' '.repeat(92)}\r\n`), /^no CRLF/],
  [line('PROXY \r\n'), /^malformed line$/],
  [line('PROXY UNKNOWNX\r\n'), /^malformed/],
  [line('PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 ::1 2.2.2.2 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 ::1 1 2\r\n'), /^malformed/],
  [line('PROXY TCP6 1.1.1.1 ::1 1 2\r\n'), /^malformed/],
  [line('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n'), /^malformed/],
  [line('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n\r\n'), /^malformed/],
  [v2('11 11 000c'), /^version and command 0x11$/],
  [v2('22 11 000c'), /^version and command 0x22$/],
  [v2('2f 11 000c'), /^version and command/],
  [v2('21 41 000c'), /^family and transport 0x41$/],
  [v2('21 13 000c'), /^family and transport 0x13$/],
  [v2('21 11 000b'), /^11 bytes for addresses of 12$/],
  [v2('21 21 0023'), /^35 bytes for addresses of 36$/],
  [v2('21 31 00d7'), /^215 bytes for addresses of 216$/],
  [v2('21 11 1001'), /^4097 bytes, more than 4096$/],
  [v2('20 00 ffff'), /^65535 bytes, more than 4096$/],
];

test('what is no header is refused as soon as it can be told', () => {
  for (const [header, message] of WRONG) {
    assert.throws(() => parseProxyHeader(header), { name: 'ProtocolError', code: 'RPCH_PROXY_HEADER', message });
  }
});

test('whatever comes is a header, the beginning of one, or a ProtocolError; and no longer than it may be', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(...HEADERS), fc.nat(), fc.nat(255))
      .map(([[, header], at, value]) =>
        Uint8Array.from(header).fill(value, at % header.length, (at % header.length) + 1),
      ),
    fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([v2(''), rest])),
    fc.string({ maxLength: 120 }).map((rest) => line(`PROXY TCP4 ${rest}\r\n`)),
  );
  fc.assert(
    fc.property(anything, (input) => {
      try {
        const header = parseProxyHeader(input);
        if (header === undefined) assert.ok(input.length < 16 + MAX_V2_LENGTH);
        else assert.ok(header.length <= input.length);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

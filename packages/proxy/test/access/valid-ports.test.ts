import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '@rpch/rpc';
import fc from 'fast-check';
import { coversName } from '../../src/access/rule.ts';
import { parseValidPorts } from '../../src/access/valid-ports.ts';

/** The sentence that the administrator reads. */
function sentence(text: string): string {
  try {
    parseValidPorts(text);
  } catch (error) {
    assert.ok(error instanceof RpchError, String(error));
    assert.equal(error.code, 'RPCH_BAD_RULE');
    return error.message;
  }
  return assert.fail(`accepted: ${text}`);
}

test('each entry becomes a rule for a native back end', () => {
  const rules = parseValidPorts('Exch01:593;exch01:6001-6002; exch01.example.org.:6004;;10.0.0.5:6001-6001;');
  assert.deepEqual(
    rules.map(({ text, pattern: { protocol, name, wildcard, ports } }) => [text, protocol, name, wildcard, ports]),
    [
      ['Exch01:593', 'ncacn_http', 'exch01', false, [{ low: 593, high: 593 }]],
      ['exch01:6001-6002', 'ncacn_http', 'exch01', false, [{ low: 6001, high: 6002 }]],
      ['exch01.example.org.:6004', 'ncacn_http', 'exch01.example.org', false, [{ low: 6004, high: 6004 }]],
      ['10.0.0.5:6001-6001', 'ncacn_http', '10.0.0.5', false, [{ low: 6001, high: 6001 }]],
    ],
  );
  for (const rule of rules) assert.deepEqual(Object.keys(rule), ['text', 'pattern'], 'no limits');
});

test('an asterisk covers the rest of one label, and never every name', () => {
  const [rule] = parseValidPorts('Data*:4000-8000');
  assert.ok(rule !== undefined && coversName(rule, 'data07'));
  assert.ok(!coversName(rule, 'data.attacker.example'));
  for (const text of ['*:593', 'a:1;**:593']) {
    assert.match(
      sentence(text),
      /^expected the name of a server, found "\*+" in "\*+:593": it would open every computer/,
    );
  }
  assert.match(sentence('10.0.*:593'), /limit a range of addresses with addresses:$/);
  assert.match(sentence('*.example.org:593'), /^expected a host name or an address .* found "\*\.example\.org"/);
  assert.match(sentence('a*b:593'), /^expected a host name or an address/);
});

test('what cannot be expressed is refused with a sentence', () => {
  const ports = 'expected a port from 1 to 65535 or a range such as 49152-65535, found';
  const rows: [string, string][] = [
    ['', 'expected entries such as exchange01:593;exchange01:6001-6002, found ""'],
    [' ; ;', 'expected entries such as exchange01:593;exchange01:6001-6002, found " ; ;"'],
    ['exch01', 'expected server:port or server:low-high, such as exchange01:593;exchange01:6001-6002, found "exch01"'],
    [':593', 'expected server:port or server:low-high, such as exchange01:593;exchange01:6001-6002, found ":593"'],
    ['a:1;b:', `${ports} "" in "b:"`],
    ['a:0', `${ports} "0" in "a:0"`],
    ['a:1-65536', `${ports} "1-65536" in "a:1-65536"`],
    ['a:1-2-3', `${ports} "1-2-3" in "a:1-2-3"`],
    ['a: 1', `${ports} " 1" in "a: 1"`],
    ['a:9-8', 'expected a range from low to high, found "9-8" in "a:9-8"'],
    ['a:*', `${ports} "*" in "a:*"`],
    ['a:1, 2-3', 'expected one port or range after each server, a:1;a:2-3, found "a:1, 2-3"'],
    [
      '[::1]:593',
      'expected a host name or an IPv4 address, which is all that ValidPorts knows, found "[::1]" in "[::1]:593"; ' +
        'write a rule with the pattern ncacn_http:[address][ports]',
    ],
    [
      'ncacn_http:a:593',
      'expected a host name or an IPv4 address, which is all that ValidPorts knows, found "ncacn_http:a" in ' +
        '"ncacn_http:a:593"; write a rule with the pattern ncacn_http:[address][ports]',
    ],
    ['a b:1', 'expected a host name or an address between the colon and the port list, found "a b" in "a b:1"'],
    ['127.1:1', 'expected an IPv4 address as four decimal numbers or a host name, found "127.1" in "127.1:1"'],
  ];
  for (const [text, message] of rows) assert.equal(sentence(text), message);
  assert.equal(sentence('a:1;'.repeat(1025)), 'expected at most 1024 entries, found 1025');
});

test('any text gives rules or the configuration error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a1:;*-,[].') })), (text) => {
      try {
        for (const { pattern } of parseValidPorts(text)) {
          assert.equal(pattern.protocol, 'ncacn_http');
          assert.notEqual(pattern.name, '');
        }
      } catch (error) {
        assert.ok(error instanceof RpchError, String(error));
      }
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import { normaliseServerName, parseTarget } from '../../src/access/target.ts';

test('a query is split at its last colon', () => {
  const rows: [string, string, number][] = [
    ['exchange01:6001', 'exchange01', 6001],
    ['Exchange01.Peer.Test.:593', 'Exchange01.Peer.Test.', 593],
    ['127.0.0.1:1', '127.0.0.1', 1],
    ['::1:135', '::1', 135],
    ['[::1]:135', '::1', 135],
    ['fe80::DEAD:49152', 'fe80::DEAD', 49152],
    ['::ffff:127.0.0.1:65535', '::ffff:127.0.0.1', 65535],
    ['3f2a@peer.test:6004', '3f2a@peer.test', 6004],
    ['a:00135', 'a', 135],
    [`${'a'.repeat(1023)}:1`, 'a'.repeat(1023), 1],
  ];
  for (const [query, server, port] of rows) assert.deepEqual(parseTarget(query), { server, port }, query);
});

test('what is no server-name and server-port is refused, and says why', () => {
  const rows: [string, RegExp][] = [
    ['', /no colon/],
    ['exchange01', /no colon/],
    [':135', /name is empty/],
    ['.:135', /is a dot/],
    ['a:', /not 1 to 6 digits/],
    ['a:+1', /not 1 to 6 digits/],
    ['a:1 ', /not 1 to 6 digits/],
    ['a:0x10', /not 1 to 6 digits/],
    ['a:1234567', /not 1 to 6 digits/],
    ['a:٣', /not 1 to 6 digits/],
    ['a:0', /port 0 is not between/],
    ['a:00000', /port 00000 is not between/],
    ['a:65536', /port 65536 is not between/],
    ['a:000135', /port 000135 is not between/],
    ['a b:1', /not allowed/],
    ['a/b:1', /not allowed/],
    ['a?b:1', /not allowed/],
    ['a%00:1', /not allowed/],
    ['a\0:1', /not allowed/],
    ['a\r\nb:1', /not allowed/],
    ['ä:1', /not allowed/],
    ['fe80::1%eth0:1', /not allowed/],
    ['a:b:1', /no IPv6 address/],
    ['[a]:1', /no IPv6 address/],
    ['[127.0.0.1]:1', /no IPv6 address/],
    ['[::1:1', /no IPv6 address/],
    ['[[::1]]:1', /no IPv6 address/],
    [`${'a'.repeat(1024)}:1`, /1024 characters/],
  ];
  for (const [query, why] of rows) {
    assert.throws(
      () => parseTarget(query),
      (error) => error instanceof ProtocolError && error.code === 'RPCH_BAD_TARGET' && why.test(error.message),
      JSON.stringify(query),
    );
  }
});

test('any text gives a bounded target or the protocol error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'a1:.[]%/ ') })), (query) => {
      try {
        const { server, port } = parseTarget(query);
        assert.ok(port >= 1 && port <= 65535 && Number.isInteger(port));
        assert.match(server, /^[\x21-\x7e]{1,1023}$/);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
  );
});

test('names are compared without case and one trailing dot, and nothing else', () => {
  assert.equal(normaliseServerName('EXCHANGE01.Peer.test.'), 'exchange01.peer.test');
  assert.equal(normaliseServerName('a..'), 'a.');
  for (const other of ['localhost', '2130706433', '0x7f.1', '127.1', '127.0.0.01', '::1', ' 127.0.0.1']) {
    assert.notEqual(normaliseServerName(other), '127.0.0.1');
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Cidr, isListed, parseCidr, parseIp } from '../../src/access/ip.ts';
import { type Forwarded, forwardedFor } from '../../src/front/forwarded-for.ts';

const PROXIES: readonly Cidr[] = ['10.0.0.0/24', '2001:db8:1::/48'].flatMap((range) => parseCidr(range) ?? []);
const from = (address: string): Forwarded => ({ kind: 'address', address });
const malformed = (found: string): Forwarded => ({ kind: 'malformed', found });

const ROWS: readonly (readonly [string, readonly string[], Forwarded])[] = [
  ['no field', [], { kind: 'none' }],
  ['one address', ['192.0.2.7'], from('192.0.2.7')],
  ['what the client made up is not read', ['198.51.100.1, 192.0.2.7'], from('192.0.2.7')],
  ['not even where it is nonsense', ['<script>,,"x", 192.0.2.7'], from('192.0.2.7')],
  ['nor where it names a trusted proxy', ['10.0.0.1, 192.0.2.7'], from('192.0.2.7')],
  ['the last field counts', ['198.51.100.1', '192.0.2.7'], from('192.0.2.7')],
  ['trusted proxies are passed over', ['198.51.100.1, 192.0.2.7, 10.0.0.2', '10.0.0.3'], from('192.0.2.7')],
  ['a request that a trusted proxy made', ['10.0.0.2, 10.0.0.3'], from('10.0.0.2')],
  ['a port', ['192.0.2.7:50000'], from('192.0.2.7')],
  ['a trusted proxy with a port', ['192.0.2.7, 10.0.0.2:443'], from('192.0.2.7')],
  ['IPv6', ['2001:DB8::7'], from('2001:db8::7')],
  ['IPv6 in brackets', ['[2001:db8::7]'], from('2001:db8::7')],
  ['IPv6 with a port', ['192.0.2.7 , [2001:db8::7]:443'], from('2001:db8::7')],
  ['IPv6 of a trusted proxy', ['192.0.2.7, [2001:db8:1::9]:443,2001:db8:1::8'], from('192.0.2.7')],
  ['IPv4 in IPv6', ['192.0.2.7, ::ffff:10.0.0.2'], from('192.0.2.7')],
  ['no spaces, and too many', ['198.51.100.1,192.0.2.7,\t10.0.0.2 '], from('192.0.2.7')],
  ['an empty field', [''], malformed('')],
  ['an empty element', ['192.0.2.7,'], malformed('')],
  ['a name', ['192.0.2.7, unknown'], malformed('unknown')],
  ['a name before a trusted proxy', ['192.0.2.7, client.example, 10.0.0.2'], malformed('client.example')],
  ['an address in an unusual form', ['192.0.2.07'], malformed('192.0.2.07')],
  ['IPv4 in brackets', ['[192.0.2.7]'], malformed('[192.0.2.7]')],
  ['a zone', ['fe80::1%eth0'], malformed('fe80::1%eth0')],
  ['quotes', ['"192.0.2.7"'], malformed('"192.0.2.7"')],
  ['something endless', ['1'.repeat(10_000)], malformed('1'.repeat(80))],
];

test('the client is the right-most address that is no trusted proxy', () => {
  for (const [what, values, expected] of ROWS) assert.deepEqual(forwardedFor(values, PROXIES), expected, what);
});

test('whatever a client sends, the address that a trusted proxy appends is the one that counts', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 40 })), fc.ipV4(), (forged, real) => {
      fc.pre(!isListed(real, PROXIES));
      assert.deepEqual(forwardedFor([...forged, real], PROXIES), from(real));
      assert.deepEqual(forwardedFor([[...forged, real].join(', ')], PROXIES), from(real));
    }),
  );
});

test('what comes out is an address, or nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6())), (values) => {
      const said = forwardedFor(values, PROXIES);
      assert.ok(said.kind !== 'address' || parseIp(said.address)?.address === said.address);
    }),
  );
});

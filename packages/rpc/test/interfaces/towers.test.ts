import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ifVersion, NDR } from '../../src/dcerpc/syntax-id.ts';
import { decodeTower, encodeTower, MAX_TOWER_LENGTH, questionTower, type Tower } from '../../src/interfaces/towers.ts';
import { hex, valueOrProtocolError } from '../dcerpc/support.ts';

/** C706 appendix L, with [MS-RPCE] 2.2.1.2.6's floor for ncacn_http: the address book's referral service on port 6001. */
const OCTETS = hex(`05 00 13 00 0d 00 db f1 a4 47 ca 67 10 b3 1f 00
  dd 01 06 62 da 00 00 02 00 00 00 13 00 0d 04 5d
  88 8a eb 1c c9 11 9f e8 08 00 2b 10 48 60 02 00
  02 00 00 00 01 00 0b 02 00 00 00 01 00 1f 02 00
  17 71 01 00 09 04 00 c0 a8 02 0a`);
const TOWER: Tower = {
  interface: { uuid: 'a4f1db00-ca47-1067-b31f-00dd010662da', version: 0 },
  transferSyntax: NDR,
  protocol: 'ncacn_http',
  port: 6001,
  address: '192.168.2.10',
};

test('a tower of ncacn_http', () => {
  assert.deepEqual(encodeTower(TOWER), OCTETS);
  assert.deepEqual(decodeTower(OCTETS), TOWER);
});

test('a question has neither port nor address', () => {
  const syntax = { uuid: TOWER.interface.uuid, version: ifVersion(3, 7) };
  const asked = decodeTower(questionTower(syntax, 'ncacn_ip_tcp'));
  assert.deepEqual(asked, {
    interface: syntax,
    transferSyntax: NDR,
    protocol: 'ncacn_ip_tcp',
    port: 0,
    address: '0.0.0.0',
  });
});

test('towers of other protocol sequences are read, without saying more than their interface', () => {
  const pipe = new Uint8Array(OCTETS);
  pipe[61] = 0x0f;
  const ncalrpc = new Uint8Array(OCTETS);
  ncalrpc[54] = 0x0c;
  for (const octets of [pipe, ncalrpc]) {
    assert.deepEqual(decodeTower(octets), { ...TOWER, protocol: undefined, port: 0, address: '0.0.0.0' });
  }
});

test('an address is IPv4', () => {
  for (const address of ['localhost', '1.2.3', '1.2.3.256', '1.2.3.-4', '::1', '1.2.3.x']) {
    assert.throws(() => encodeTower({ ...TOWER, address }), { code: 'RPCH_BAD_TOWER', fault: 'caller' });
  }
});

test('every prefix, too many floors, too many bytes, other first floors', () => {
  for (let length = 0; length < OCTETS.length; length++) {
    assert.throws(() => decodeTower(OCTETS.subarray(0, length)), { name: 'ProtocolError' });
  }
  assert.throws(() => decodeTower(Buffer.concat([OCTETS, hex('00')])), { code: 'RPCH_TRAILING_BYTES' });
  const floors = (count: number) => decodeTower(Uint8Array.of(count, 0));
  assert.throws(() => floors(1), { code: 'RPCH_BAD_TOWER' });
  assert.throws(() => floors(7), { code: 'RPCH_BAD_TOWER' });
  assert.throws(() => decodeTower(new Uint8Array(MAX_TOWER_LENGTH + 1)), { code: 'RPCH_BAD_TOWER' });
  assert.throws(() => decodeTower(hex('0200 0100 0b 0000 0100 0b 0000')), { code: 'RPCH_BAD_TOWER' });
});

test('towers come back as they went; other bytes never do worse than a ProtocolError', () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.nat(0xffffffff),
      fc.nat(0xffff),
      fc.constantFrom('ncacn_http', 'ncacn_ip_tcp'),
      fc.ipV4(),
      (uuid, version, port, protocol, address) => {
        const tower = { interface: { uuid, version }, transferSyntax: NDR, protocol, port, address } as const;
        assert.deepEqual(decodeTower(encodeTower(tower)), tower);
      },
    ),
  );
  const damage = fc.array(fc.tuple(fc.nat(OCTETS.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, (changes) => {
      const octets = new Uint8Array(OCTETS);
      for (const [at, value] of changes) octets[at] = value;
      valueOrProtocolError(() => decodeTower(octets));
    }),
    { numRuns: 1000 },
  );
});

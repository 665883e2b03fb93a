import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeMechTypeList,
  encodeNegTokenInit,
  encodeNegTokenResp,
} from '../../../src/security/spnego/neg-token.ts';

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
/** MS Kerberos, Kerberos, NTLMSSP: what Windows offers, and the list as it travels. */
const MECHS = ['1.2.840.48018.1.2.2', '1.2.840.113554.1.2.2', '1.3.6.1.4.1.311.2.2.10'];
const LIST = '302206092a864882f71201020206092a864886f712010202060a2b06010401823702020a';

test('a NegTokenInit: framing, list and token (RFC 4178 4.2.1)', () => {
  const mechTypeList = encodeMechTypeList(MECHS);
  assert.equal(hex(mechTypeList), LIST);
  const token = encodeNegTokenInit({ mechTypeList, mechToken: Buffer.from('token') });
  assert.equal(hex(token), `603b06062b0601050502a031302fa024${LIST}a2070405746f6b656e`);
  const read = decodeNegTokenInit(token);
  assert.deepEqual([read.mechTypes, hex(read.mechTypeList), hex(read.mechToken)], [MECHS, LIST, '746f6b656e']);
});

test('fields that nobody needs are passed over: reqFlags, negHints and mechListMIC', () => {
  const fields = `a024${LIST}a10403020560a20604040a0b0c0da3083006a0041b026162a4040402aabb`;
  const token = Buffer.from(`605006062b0601050502a0463044${fields}`, 'hex');
  const read = decodeNegTokenInit(token);
  assert.deepEqual([read.mechTypes, hex(read.mechToken)], [MECHS, '0a0b0c0d']);
});

test('other mechanisms, too many of them, and tokens that are too large', () => {
  const mechTypeList = encodeMechTypeList(Array.from({ length: 33 }, () => '1.2.3'));
  assert.throws(() => decodeNegTokenInit(encodeNegTokenInit({ mechTypeList, mechToken: undefined })), {
    code: 'RPCH_SPNEGO_MECHANISMS',
  });
  const foreign = Buffer.from('600c06062b0601050503a0023000', 'hex');
  assert.throws(() => decodeNegTokenInit(foreign), { name: 'ProtocolError', code: 'RPCH_SPNEGO_OID' });
  assert.throws(() => decodeNegTokenResp(new Uint8Array(65_536)), { code: 'RPCH_SPNEGO_TOKEN_SIZE' });
});

const octets = fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 }), { nil: undefined });
const resp = fc.record(
  {
    negState: fc.option(fc.nat(3), { nil: undefined }),
    supportedMech: fc.option(fc.constantFrom(...MECHS), { nil: undefined }),
    responseToken: octets,
    mechListMIC: octets,
  },
  { noNullPrototype: true },
);

test('any NegTokenResp comes back, and cut anywhere is the typed error', () => {
  fc.assert(
    fc.property(resp, fc.nat(), (message, at) => {
      const token = encodeNegTokenResp(message);
      assert.deepEqual(decodeNegTokenResp(token), message);
      assert.throws(() => decodeNegTokenResp(token.subarray(0, at % token.length)), { name: 'ProtocolError' });
    }),
  );
});

test('bytes changed or random are no worse than the typed error', () => {
  const whole = encodeNegTokenInit({ mechTypeList: encodeMechTypeList(MECHS), mechToken: Buffer.from('token') });
  const read = (bytes: Uint8Array) => {
    for (const decode of [decodeNegTokenInit, decodeNegTokenResp]) {
      try {
        decode(bytes);
      } catch (error) {
        assert.equal((error as Error).name, 'ProtocolError');
      }
    }
  };
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 60 }), (at, byte, random) => {
      read(whole.map((old, i) => (i === at ? byte : old)));
      read(random);
    }),
  );
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../src/errors.ts';
import { nspiDeclaration } from '../../src/interfaces/nspi.ts';
import {
  MAX_NSPI_BINARY,
  MAX_NSPI_VALUES,
  propertyRowSet,
  propertyTagArray,
  propertyValue,
  type RestrictionR,
  restriction,
  stat,
  stringsArray,
} from '../../src/interfaces/nspi-types.ts';
import { rfrDeclaration } from '../../src/interfaces/rfr.ts';
import { decodeValue, encodeValue, NULL_CONTEXT_HANDLE, struct, uint32, unique } from '../../src/ndr/mod.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

const STAT = {
  ...{ SortType: 0, ContainerID: 0, CurrentRec: 2, Delta: -1, NumPos: 3, TotalRecs: 4 },
  ...{ CodePage: 1252, TemplateLocale: 0x409, SortLocale: 0x409 },
};
const STAT_HEX = '00000000 00000000 02000000 ffffffff 03000000 04000000 e4040000 09040000 09040000';

describe('marshalling ([MS-OXNSPI] 2.2, NDR 2.0)', () => {
  test('STAT is 36 bytes in place', () => {
    assert.equal(hex(encodeValue(stat, STAT)), hex(bytes(STAT_HEX)));
  });

  test('PropertyTagArray_r has room for one more than it says', () => {
    const encoded = encodeValue(propertyTagArray, { aulPropTag: [0x3001001f, 0x0ffe0003] });
    assert.equal(hex(encoded), hex(bytes('03000000 02000000 00000000 02000000 1f000130 0300fe0f')));
    const short = bytes('02000000 02000000 00000000 02000000 1f000130 0300fe0f');
    assert.throws(() => decodeValue(propertyTagArray, short, true), { code: 'RPCH_BAD_CONFORMANCE' });
  });

  test('StringsArray_r: counts, pointers, then each string', () => {
    const encoded = encodeValue(stringsArray, { Strings: ['ab', null] });
    const expected = '02000000 02000000 00000200 00000000 03000000 00000000 03000000 616200';
    assert.equal(hex(encoded), hex(bytes(expected)));
  });

  test('PropertyRowSet_r: heads, then for each row its values and what they point to', () => {
    const rows = unique(propertyRowSet);
    const value = {
      aRow: [
        {
          Reserved: 0,
          lpProps: [
            { ulPropTag: 0x3001001f, ulReserved: 0, Value: { case: 0x1f, value: 'é' } },
            { ulPropTag: 0x0ff60102, ulReserved: 0, Value: { case: 0x102, value: { lpb: bytes('20000000') } } },
          ],
        },
        { Reserved: 0, lpProps: [{ ulPropTag: 0x3001000a, ulReserved: 0, Value: { case: 0x0a, value: 0x8004010f } }] },
      ],
    } as const;
    const expected = `
      00000200 02000000 02000000
      00000000 02000000 04000200
      00000000 01000000 08000200
      02000000
      1f000130 00000000 1f000000 0c000200
      0201f60f 00000000 02010000 04000000 10000200
      02000000 00000000 02000000 e9000000
      04000000 20000000
      01000000
      0a000130 00000000 0a000000 0f010480`;
    assert.equal(hex(encodeValue(rows, value)), hex(bytes(expected)));
    assert.deepEqual(decodeValue(rows, bytes(expected), true), value);
  });

  test('every arm of PROP_VAL_UNION there and back', () => {
    const ab = Uint8Array.from({ length: 16 }, (_, i) => i);
    const arms = [
      [0x0001, 0],
      [0x0002, -5],
      [0x0003, -70000],
      [0x000a, 0x8004010f],
      [0x000b, 1],
      [0x000d, 0],
      [0x001e, 'caf\xe9'],
      [0x001e, null],
      [0x001f, 'Зоя'],
      [0x0040, { dwLowDateTime: 1, dwHighDateTime: 2 }],
      [0x0048, { ab }],
      [0x0102, { lpb: ab }],
      [0x1002, { lpi: [1, -2] }],
      [0x1003, { lpl: [1, -2, 3] }],
      [0x101e, { lppszA: ['a', null, 'b'] }],
      [0x101f, { lppszW: ['ä', 'b'] }],
      [0x1040, { lpft: [{ dwLowDateTime: 1, dwHighDateTime: 2 }] }],
      [0x1048, { lpguid: [{ ab }, null] }],
      [0x1102, { lpbin: [{ lpb: ab }, { lpb: null }] }],
    ] as const;
    for (const [type, value] of arms) {
      for (const littleEndian of [true, false]) {
        const given = { ulPropTag: 0x30010000 | type, ulReserved: 0, Value: { case: type, value } } as never;
        const encoded = encodeValue(propertyValue, given, littleEndian);
        assert.deepEqual(decodeValue(propertyValue, encoded, littleEndian), given, type.toString(16));
      }
    }
  });

  test('a tag of another type than its value, and types without an arm', () => {
    const value = { ulPropTag: 0x3001001e, ulReserved: 0, Value: { case: 0x1f, value: 'x' } } as const;
    assert.throws(() => encodeValue(propertyValue, value), { code: 'RPCH_NDR_VALUE' });
    assert.throws(() => decodeValue(propertyValue, bytes('1e000130 00000000 1f000000 00000000'), true), {
      code: 'RPCH_BAD_DISCRIMINANT',
    });
    assert.throws(() => decodeValue(propertyValue, bytes('14000130 00000000 14000000 0000000000000000'), true), {
      code: 'RPCH_BAD_DISCRIMINANT',
    });
  });

  test('ranges', () => {
    const tooMany = bytes(`${hex(u32(MAX_NSPI_VALUES + 2))} ${hex(u32(MAX_NSPI_VALUES + 2))} 00000000 00000000`);
    assert.throws(() => decodeValue(propertyTagArray, tooMany, true), { code: 'RPCH_OUT_OF_RANGE' });
    const blob = bytes(`0201f60f 00000000 02010000 ${hex(u32(MAX_NSPI_BINARY + 1))} 00000200`);
    assert.throws(() => decodeValue(propertyValue, blob, true), { code: 'RPCH_OUT_OF_RANGE' });
  });

  test('restrictions, nested, there and back', () => {
    const text = { ulPropTag: 0x3001001f, ulReserved: 0, Value: { case: 0x1f, value: 'x' } } as const;
    const exist: RestrictionR = { res: { case: 8, value: { ulReserved1: 0, ulPropTag: 0x3001001f, ulReserved2: 0 } } };
    const expected = '08000000 08000000 00000000 1f000130 00000000';
    assert.equal(hex(encodeValue(restriction, exist)), hex(bytes(expected)));
    const leaf = fc.constantFrom<RestrictionR>(
      exist,
      { res: { case: 3, value: { ulFuzzyLevel: 0x10001, ulPropTag: 0x3001001f, lpProp: text } } },
      { res: { case: 4, value: { relop: 4, ulPropTag: 0x3001001f, lpProp: null } } },
      { res: { case: 5, value: { relop: 4, ulPropTag1: 0x3001001f, ulPropTag2: 0x3a20001f } } },
      { res: { case: 6, value: { relBMR: 1, ulPropTag: 0x39050003, ulMask: 0x40000000 } } },
      { res: { case: 7, value: { relop: 2, ulPropTag: 0x3001001f, cb: 12 } } },
    );
    const { tree } = fc.letrec<{ tree: RestrictionR }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }).map((lpRes): RestrictionR => ({ res: { case: 0, value: { lpRes } } })),
        fc.array(tie('tree'), { maxLength: 4 }).map((lpRes): RestrictionR => ({ res: { case: 1, value: { lpRes } } })),
        tie('tree').map((lpRes): RestrictionR => ({ res: { case: 2, value: { lpRes } } })),
        tie('tree').map((lpRes): RestrictionR => ({ res: { case: 9, value: { ulSubObject: 0x0e12000d, lpRes } } })),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.boolean(), (value, littleEndian) => {
        assert.deepEqual(decodeValue(restriction, encodeValue(restriction, value, littleEndian), littleEndian), value);
      }),
    );
  });
});

describe('operations', () => {
  const { procedures } = nspiDeclaration;
  const hRpc = { attributes: 0, uuid: '00112233-4455-4677-8899-aabbccddeeff' };

  test('NspiQueryRows asks as [MS-OXNSPI] 3.1.4.1.8 has it', () => {
    const request = procedures.queryRows.encodeRequest({
      ...{ hRpc, dwFlags: 2, pStat: STAT, lpETable: [0x20], Count: 50, pPropTags: { aulPropTag: [0x3001001f] } },
    });
    const expected = `
      00000000 33221100554477468899aabbccddeeff 02000000 ${STAT_HEX}
      01000000 00000200 01000000 20000000 32000000
      00000200 02000000 01000000 00000000 01000000 1f000130`;
    // A stub's referents count on from parameter to parameter.
    assert.equal(hex(request), hex(bytes(expected.replace('00000200 02000000', '04000200 02000000'))));
  });

  test('NspiBind and NspiUnbind', () => {
    const ab = Uint8Array.from({ length: 16 }, (_, i) => i);
    const request = procedures.bind.encodeRequest({ dwFlags: 0, pStat: STAT, pServerGuid: { ab } });
    assert.equal(hex(request), hex(bytes(`00000000 ${STAT_HEX} 00000200 000102030405060708090a0b0c0d0e0f`)));
    const unbind = procedures.unbind.encodeRequest({ contextHandle: hRpc, Reserved: 0 });
    const ended = procedures.unbind.encodeResponse(
      { contextHandle: NULL_CONTEXT_HANDLE, result: 1 },
      { contextHandle: hRpc, Reserved: 0 },
    );
    assert.equal(unbind.length, 24);
    assert.equal(hex(ended), hex(bytes(`${'00'.repeat(20)} 01000000`)));
  });

  test('opnums 0 to 20, without 15', () => {
    const opnums = Object.values(procedures).map(({ opnum }) => opnum);
    assert.deepEqual(opnums, [...Array.from({ length: 15 }, (_, i) => i), 16, 17, 18, 19, 20]);
    assert.equal(nspiDeclaration.syntax.version, 56);
  });

  test('bytes that are no request are a ProtocolError', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(procedures)),
        fc.uint8Array({ maxLength: 300 }),
        (procedure, stub) => {
          try {
            procedure.decodeRequest(stub, true);
          } catch (error) {
            assert.ok(error instanceof ProtocolError, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('RFR', () => {
  const { getNewDSA, getFQDNFromServerDN } = rfrDeclaration.procedures;

  test('a pointer to a pointer: both, the inner null, the outer null ([MS-OXABREF] 3.1.4.1)', () => {
    const dn = '05000000 00000000 05000000 2f6f3d5800 000000';
    const head = `00000000 ${dn}`;
    const decode = (rest: string) => getNewDSA.decodeRequest(bytes(`${head} ${rest}`), true);
    const empty = { ulFlags: 0, pUserDN: '/o=X', ppszUnused: null, ppszServer: null };
    assert.deepEqual(decode('00000000 00000000'), empty);
    assert.deepEqual(decode('00000000 00000200 00000000'), empty);
    const named = decode('00000000 00000200 04000200 03000000 00000000 03000000 616200');
    assert.deepEqual(named, { ...empty, ppszServer: 'ab' });
    const answer = getNewDSA.encodeResponse({ ppszUnused: null, ppszServer: 'ab', result: 0 }, empty);
    assert.equal(hex(answer), hex(bytes('00000000 00000200 04000200 03000000 00000000 03000000 61620000 00000000')));
  });

  test("a server's DN has 10 to 1024 characters, and as many as it says", () => {
    const szMailboxServerDN = '/o=X/cn=Y';
    const request = getFQDNFromServerDN.encodeRequest({ ulFlags: 0, szMailboxServerDN });
    assert.equal(hex(request), hex(bytes('00000000 0a000000 0a000000 00000000 0a000000 2f6f3d582f636e3d5900')));
    assert.deepEqual(getFQDNFromServerDN.decodeRequest(request, true), { ulFlags: 0, szMailboxServerDN });
    assert.throws(() => getFQDNFromServerDN.encodeRequest({ ulFlags: 0, szMailboxServerDN: 'short' }), {
      code: 'RPCH_NDR_VALUE',
    });
    const long = bytes('00000000 01040000 01040000 00000000 0a000000 2f6f3d582f636e3d5900');
    assert.throws(() => getFQDNFromServerDN.decodeRequest(long, true), { code: 'RPCH_OUT_OF_RANGE' });
    const unequal = bytes('00000000 0b000000 0a000000 00000000 0a000000 2f6f3d582f636e3d5900');
    assert.throws(() => getFQDNFromServerDN.decodeRequest(unequal, true), { code: 'RPCH_BAD_CONFORMANCE' });
  });
});

function u32(value: number): Uint8Array {
  return encodeValue(struct({ value: uint32 }), { value });
}

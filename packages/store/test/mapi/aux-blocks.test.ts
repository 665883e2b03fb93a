import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import fc from 'fast-check';
import {
  AUX_LAYOUTS,
  type AuxBlock,
  type AuxFieldKind,
  EnableFlags,
  EndpointCapabilities,
  readAuxBlocks,
  writeAuxBlocks,
} from '../../src/mapi/aux-blocks.ts';
import { guid, hex, unicodeText } from './support.ts';

const GUID = '00112233-4455-6677-8899-aabbccddeeff';

function valueOfKind(kind: AuxFieldKind): fc.Arbitrary<unknown> | undefined {
  switch (kind) {
    case 'u8':
      return fc.nat(0xff);
    case 'u16':
      return fc.nat(0xffff);
    case 'u32':
      return fc.nat(0xffff_ffff);
    case 'guid':
      return guid;
    case 'text':
      return unicodeText;
    case 'data':
      return fc.uint8Array({ maxLength: 16 });
    default:
      return undefined;
  }
}

const blocks: fc.Arbitrary<AuxBlock> = fc.oneof(
  ...Object.entries(AUX_LAYOUTS).map(([name, { fields }]) => {
    const model: Record<string, fc.Arbitrary<unknown>> = { name: fc.constant(name) };
    for (const [field, kind] of Object.entries(fields)) {
      const value = valueOfKind(kind);
      if (value !== undefined) model[field] = value;
    }
    return fc.record(model, { noNullPrototype: true }) as unknown as fc.Arbitrary<AuxBlock>;
  }),
);

test('what a server answers EcDoConnectEx with', () => {
  const answer: AuxBlock[] = [
    {
      name: 'EXORGINFO',
      orgFlags: 0x03,
    },
    {
      name: 'CLIENT_CONTROL',
      enableFlags: EnableFlags.Compression | EnableFlags.HttpTunneling,
      expiryTime: 604_800_000,
    },
    { name: 'ENDPOINT_CAPABILITIES', endpointCapabilityFlag: EndpointCapabilities.SingleEndpoint },
  ];
  const bytes = hex('0800 01 17 03000000  0c00 01 0a 0c000000 00840c24  0800 01 48 01000000');
  assert.deepEqual(writeAuxBlocks(answer), bytes);
  assert.deepEqual(readAuxBlocks(bytes), answer);
});

test('strings and bytes stand behind the fields, by offsets from the header; what is absent has the offset 0', () => {
  const block: AuxBlock = {
    name: 'PERF_CLIENTINFO',
    adapterSpeed: 100_000,
    clientId: 1,
    machineName: 'A',
    userName: '',
    clientIp: hex('7f000001'),
    clientIpMask: hex(''),
    adapterName: 'B',
    macAddress: hex('010203040506'),
    clientMode: 2,
  };
  const bytes = hex(`
    3400 01 02  a0860100 0100 2000 0000  0400 2400  0000 0000  2800  0600 2c00  0200 0000
    4100 0000  7f000001  4200 0000  010203040506 0000`);
  assert.deepEqual(writeAuxBlocks([block]), bytes);
  assert.deepEqual(readAuxBlocks(bytes), [block]);
});

test('blocks of what nobody knows are passed by', () => {
  const known = '0800 01 01 0100 0200';
  const bytes = hex(`0600 01 52 abcd  ${known}  0400 09 01  0a00 02 01 010203040506`);
  assert.deepEqual(readAuxBlocks(bytes), [{ name: 'PERF_REQUESTID', sessionId: 1, requestId: 2 }]);
});

test('the attempts and flags of a connection are not looked at: they are two bytes or four', () => {
  const guidBytes = '33221100 5544 7766 8899aabbccddeeff';
  const block = { name: 'CLIENT_CONNECTION_INFO', connectionGuid: GUID, connectionContextInfo: 'A' };
  assert.deepEqual(readAuxBlocks(hex(`2200 01 4a ${guidBytes} 1e00 0000 0100 01000000 4100 0000`)), [block]);
  assert.deepEqual(readAuxBlocks(hex(`2400 01 4a ${guidBytes} 2000 0000 01000000 01000000 4100 0000`)), [block]);
});

test('blocks of every kind are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(blocks, { maxLength: 4 }), (all) => {
      const bytes = writeAuxBlocks(all);
      assert.equal(bytes.length % 4, 0);
      assert.deepEqual(readAuxBlocks(bytes), all);
    }),
    { numRuns: 300 },
  );
});

test('a prefix is fewer blocks, or an error', () => {
  fc.assert(
    fc.property(blocks, blocks, (first, second) => {
      const bytes = writeAuxBlocks([first, second]);
      const end = writeAuxBlocks([first]).length;
      for (let length = 1; length < bytes.length; length += 1) {
        const cut = bytes.subarray(0, length);
        if (length === end) assert.deepEqual(readAuxBlocks(cut), [first]);
        else assert.throws(() => readAuxBlocks(cut), ProtocolError);
      }
    }),
    { numRuns: 20 },
  );
});

test('offsets that leave the block, strings that do not end in it, and sizes that are none', () => {
  for (const bytes of [
    '0600 01 4b 0800',
    '0600 01 4b 0200',
    '0800 01 4b 0600 4100',
    '0300 01 4b 00',
    '0000 01 4b',
    '0600 01 01 0100',
    'ff00 01 17 00000000',
  ]) {
    assert.throws(() => readAuxBlocks(hex(bytes)), ProtocolError, bytes);
  }
});

test('random bytes cause a ProtocolError and nothing else', () => {
  const kinds = Object.values(AUX_LAYOUTS);
  const likely = fc
    .tuple(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 60 }))
    .map(([{ version, type }, body]) => Uint8Array.of(body.length + 4, 0, version, type, ...body));
  fc.assert(
    fc.property(fc.oneof(likely, fc.uint8Array({ maxLength: 80 })), (bytes) => {
      try {
        readAuxBlocks(bytes);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("a block that its size cannot count is the caller's mistake", () => {
  const block: AuxBlock = { name: 'SERVER_SESSION_INFO', serverSessionContextInfo: 'x'.repeat(40_000) };
  assert.throws(() => writeAuxBlocks([block]), { code: 'RPCH_AUX_NOT_WRITABLE', fault: 'caller' });
});

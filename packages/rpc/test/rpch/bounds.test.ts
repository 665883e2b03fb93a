import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Writer } from '../../src/bytes/writer.ts';
import { ProtocolError } from '../../src/errors.ts';
import { type CommandName, CommandType } from '../../src/rpch/commands.ts';
import { RTS_PDUS } from '../../src/rpch/pdus.ts';
import { parseRts, type RtsCommand } from '../../src/rpch/rts.ts';
import { encodeRow, hex, refused, sampleOf } from './support.ts';

const u32 = (min = 0, max = 0xffff_ffff) => fc.integer({ min, max });
const cookies = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** Random values of each command that carries one, within what the specification allows. */
const VALUES: Readonly<Partial<Record<CommandName, fc.Arbitrary<unknown>>>> = {
  ReceiveWindowSize: u32(8192, 1024 ** 3),
  FlowControlAck: fc.record(
    { bytesReceived: u32(), availableWindow: u32(), channelCookie: cookies },
    { noNullPrototype: true },
  ),
  ConnectionTimeout: u32(30_000, 14_400_000),
  Cookie: cookies,
  ChannelLifetime: u32(128 * 1024, 2 * 1024 ** 3),
  ClientKeepalive: u32(),
  Version: u32(),
  ClientAddress: fc.oneof(
    // An address that begins 0.0.0 0 cannot be told from the padding before it.
    fc.record(
      { family: fc.constant(4), address: fc.uint8Array({ minLength: 4, maxLength: 4 }) },
      { noNullPrototype: true },
    ),
    fc.record({ family: fc.constant(6), address: cookies }, { noNullPrototype: true }),
  ),
  AssociationGroupId: cookies,
  Destination: u32(0, 3),
  PingTrafficSentNotify: u32(),
};

const filledRow = fc.integer({ min: 0, max: RTS_PDUS.length - 1 }).chain((i) => {
  const row = RTS_PDUS[i];
  assert.ok(row !== undefined);
  const fields = row.fields.flatMap(([command, field]) => {
    const values = VALUES[command];
    return values === undefined ? [] : [[field, values] as const];
  });
  return fc.record(Object.fromEntries(fields), { noNullPrototype: true }).map((values) => ({ row, values }));
});

test('every row survives the round trip with any values', () => {
  fc.assert(
    fc.property(filledRow, ({ row, values }) => {
      const decoded = Object.entries(row.decode(parseRts(encodeRow(row, values))));
      assert.deepEqual(Object.fromEntries(decoded.filter(([, value]) => value !== undefined)), values);
    }),
    { numRuns: 500 },
  );
});

test('every prefix of every row, and one byte too many, is a protocol error', () => {
  for (const row of RTS_PDUS) {
    const bytes = encodeRow(row, sampleOf(row));
    for (let length = 0; length < bytes.length; length++) refused(() => parseRts(bytes.subarray(0, length)));
    refused(() => parseRts(Buffer.concat([bytes, Uint8Array.of(0)])), 'RPCH_TRAILING_BYTES');
  }
});

test('mutations do no worse than a protocol error', () => {
  const edits = fc.array(fc.tuple(fc.nat(139), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(filledRow, edits, ({ row, values }, changes) => {
      const bytes = encodeRow(row, values);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      try {
        const pdu = parseRts(bytes);
        for (const other of RTS_PDUS) if (other.matches(pdu)) other.decode(pdu);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

/** An RTS PDU of these commands, each a number and the bytes that follow it. */
function rts(...commands: readonly (readonly [type: number, body: Uint8Array])[]): Uint8Array {
  const writer = new Writer();
  writer.u8(5).u8(0).u8(20).u8(3).u32(0x10).u16(0).u16(0).u32(0).u16(0).u16(commands.length);
  for (const [type, body] of commands) writer.u32(type).bytes(body);
  return writer.patchU16(8, writer.length).finish();
}

function number(value: number): Uint8Array {
  return new Writer().u32(value).finish();
}

const BOUNDS: readonly (readonly [name: CommandName, accepted: readonly number[], refused: readonly number[]])[] = [
  ['ReceiveWindowSize', [8192, 262_144, 1024 ** 3], [0, 8191, 1024 ** 3 + 1, 0xffff_ffff]],
  ['ConnectionTimeout', [30_000, 120_000, 14_400_000], [0, 29_999, 14_400_001, 0xffff_ffff]],
  ['ChannelLifetime', [131_072, 2 * 1024 ** 3], [0, 131_071, 2 * 1024 ** 3 + 1]],
  ['ClientKeepalive', [0, 1, 60_000, 0xffff_ffff], []],
  ['Version', [0, 1, 0xffff_ffff], []],
  ['Destination', [0, 1, 2, 3], [4, 0xffff_ffff]],
  ['PingTrafficSentNotify', [0, 0xffff_ffff], []],
];

for (const [name, accepted, outOfRange] of BOUNDS) {
  test(`bounds of ${name}`, () => {
    for (const value of accepted) {
      assert.deepEqual(parseRts(rts([CommandType[name], number(value)])).commands, [{ name, value }]);
    }
    for (const value of outOfRange) refused(() => parseRts(rts([CommandType[name], number(value)])), 'RPCH_RTS_VALUE');
  });
}

test('padding is skipped, and bounded', () => {
  const padding = (count: number, given = count) =>
    rts([CommandType.Padding, new Writer().u32(count).zeros(given).finish()], [CommandType.Empty, new Uint8Array(0)]);
  assert.deepEqual(
    parseRts(padding(7)).commands.map(({ name }) => name),
    ['Padding', 'Empty'],
  );
  refused(() => parseRts(padding(0x1_0000, 0)), 'RPCH_RTS_VALUE');
  refused(() => parseRts(padding(100, 10)));
});

test('a client address is found where Windows writes it and where the specification does', () => {
  const read = (body: string): RtsCommand | undefined =>
    parseRts(rts([CommandType.ClientAddress, hex(body)])).commands[0];
  const expected = { family: 4, address: Uint8Array.of(192, 168, 2, 254) };
  assert.deepEqual(read('00000000 00000000 c0a802fe 0000000000000000')?.value, expected);
  assert.deepEqual(read('00000000 c0a802fe 000000000000000000000000')?.value, expected);
  refused(() => read('02000000 c0a802fe 000000000000000000000000'), 'RPCH_RTS_VALUE');
});

test('a header that is not as specified is refused; a call_id is not looked at', () => {
  const ping = hex('05 00 14 03 10 00 00 00 14 00 00 00 00 00 00 00 01 00 00 00');
  const changed = (at: number, value: number) => {
    const bytes = ping.slice();
    bytes[at] = value;
    return bytes;
  };
  assert.equal(parseRts(changed(12, 9)).flags, 1);
  for (const [at, value] of [
    [3, 0x01],
    [3, 0x07],
    [4, 0x00],
    [4, 0x11],
    [7, 1],
    [10, 1],
    [18, 8],
  ] as const) {
    refused(() => parseRts(changed(at, value)), 'RPCH_RTS_HEADER');
  }
});

test('commands that do not exist are refused, and more commands than any PDU has', () => {
  refused(() => parseRts(rts([15, new Uint8Array(0)])), 'RPCH_RTS_COMMAND');
  refused(() => parseRts(rts([0xffff_ffff, new Uint8Array(0)])), 'RPCH_RTS_COMMAND');
  const empties = Array.from({ length: 8 }, () => [CommandType.Empty, new Uint8Array(0)] as const);
  assert.equal(parseRts(rts(...empties.slice(1))).commands.length, 7);
  refused(() => parseRts(rts(...empties)), 'RPCH_RTS_HEADER');
});

test('decoded values do not lie in the bytes that they came from', () => {
  for (const row of RTS_PDUS) {
    const values = sampleOf(row);
    // What comes from a socket is a Buffer, whose slice() is no copy.
    const bytes = Buffer.from(encodeRow(row, values));
    const decoded = Object.entries(row.decode(parseRts(bytes)));
    bytes.fill(0xee);
    assert.deepEqual(Object.fromEntries(decoded.filter(([, value]) => value !== undefined)), values, row.name);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandName } from '../../src/rpch/commands.ts';
import { namesOf, RTS_PDUS } from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { encodeRow, refused, sampleOf } from './support.ts';

/** Columns of [MS-RPCH] 2.2.4: flags, commands in order (by the letters below), size in bytes. */
const LETTERS: Readonly<Record<string, CommandName>> = {
  W: 'ReceiveWindowSize',
  F: 'FlowControlAck',
  T: 'ConnectionTimeout',
  C: 'Cookie',
  L: 'ChannelLifetime',
  K: 'ClientKeepalive',
  V: 'Version',
  E: 'Empty',
  N: 'NegativeANCE',
  A: 'ANCE',
  I: 'ClientAddress',
  G: 'AssociationGroupId',
  D: 'Destination',
  P: 'PingTrafficSentNotify',
};

const TABLE: readonly (readonly [name: string, section: string, flags: number, commands: string, size: number])[] = [
  ['CONN/A1', '2.2.4.2', 0x00, 'VCCW', 76],
  ['CONN/A2', '2.2.4.3', 0x10, 'VCCLW', 84],
  ['CONN/A3', '2.2.4.4', 0x00, 'T', 28],
  ['CONN/B1', '2.2.4.5', 0x00, 'VCCLKG', 104],
  ['CONN/B2', '2.2.4.6', 0x08, 'VCCWTGI', 128],
  ['CONN/B3', '2.2.4.7', 0x00, 'WV', 36],
  ['CONN/C1', '2.2.4.8', 0x00, 'VWT', 44],
  ['CONN/C2', '2.2.4.9', 0x00, 'VWT', 44],
  ['IN_R1/A1', '2.2.4.10', 0x04, 'VCCC', 88],
  ['IN_R1/A2', '2.2.4.11', 0x0c, 'VCCCWT', 104],
  ['IN_R1/A3', '2.2.4.12', 0x00, 'DVWT', 52],
  ['IN_R1/A4', '2.2.4.13', 0x00, 'DVWT', 52],
  ['IN_R1/A5', '2.2.4.14', 0x00, 'C', 40],
  ['IN_R1/A6', '2.2.4.15', 0x00, 'C', 40],
  ['IN_R1/B1', '2.2.4.16', 0x00, 'E', 24],
  ['IN_R1/B2', '2.2.4.17', 0x00, 'W', 28],
  ['IN_R2/A1', '2.2.4.18', 0x04, 'VCCC', 88],
  ['IN_R2/A2', '2.2.4.19', 0x00, 'C', 40],
  ['IN_R2/A3', '2.2.4.20', 0x00, 'D', 28],
  ['IN_R2/A4', '2.2.4.21', 0x00, 'D', 28],
  ['IN_R2/A5', '2.2.4.22', 0x00, 'C', 40],
  ['OUT_R1/A1', '2.2.4.23', 0x04, 'D', 28],
  ['OUT_R1/A2', '2.2.4.24', 0x04, 'D', 28],
  ['OUT_R1/A3', '2.2.4.25', 0x04, 'VCCCW', 96],
  ['OUT_R1/A4', '2.2.4.26', 0x14, 'VCCCLWT', 112],
  ['OUT_R1/A5', '2.2.4.27', 0x10, 'DVT', 44],
  ['OUT_R1/A6', '2.2.4.28', 0x10, 'DVT', 44],
  ['OUT_R1/A7', '2.2.4.29', 0x10, 'DC', 48],
  ['OUT_R1/A8', '2.2.4.30', 0x10, 'DC', 48],
  ['OUT_R1/A9', '2.2.4.31', 0x00, 'A', 24],
  ['OUT_R1/A10', '2.2.4.32', 0x00, 'A', 24],
  ['OUT_R1/A11', '2.2.4.33', 0x00, 'A', 24],
  ['OUT_R2/A1', '2.2.4.34', 0x04, 'D', 28],
  ['OUT_R2/A2', '2.2.4.35', 0x04, 'D', 28],
  ['OUT_R2/A3', '2.2.4.36', 0x04, 'VCCCW', 96],
  ['OUT_R2/A4', '2.2.4.37', 0x00, 'C', 40],
  ['OUT_R2/A5', '2.2.4.38', 0x00, 'DA', 32],
  ['OUT_R2/A6', '2.2.4.39', 0x00, 'DA', 32],
  ['OUT_R2/A7', '2.2.4.40', 0x10, 'DCV', 56],
  ['OUT_R2/A8', '2.2.4.41', 0x10, 'DC', 48],
  ['OUT_R2/B1', '2.2.4.42', 0x00, 'A', 24],
  ['OUT_R2/B2', '2.2.4.43', 0x00, 'N', 24],
  ['OUT_R2/B3', '2.2.4.44', 0x20, 'A', 24],
  ['OUT_R2/C1', '2.2.4.45', 0x01, 'E', 24],
  ['Keep-Alive', '2.2.4.46', 0x02, 'K', 28],
  ['Ping Traffic Sent Notify', '2.2.4.47', 0x02, 'P', 28],
  ['Echo', '2.2.4.48', 0x40, '', 20],
  ['Ping', '2.2.4.49', 0x01, '', 20],
  ['FlowControlAck', '2.2.4.50', 0x02, 'F', 48],
  ['FlowControlAckWithDestination', '2.2.4.51', 0x02, 'DF', 56],
];

test('the table has every PDU of the specification, once, in its order', () => {
  assert.deepEqual(
    RTS_PDUS.map(({ name }) => name),
    TABLE.map(([name]) => name),
  );
});

TABLE.forEach(([name, section, flags, commands, size], i) => {
  test(`${name}: section, flags, commands, size`, () => {
    const row = RTS_PDUS[i];
    assert.ok(row?.name === name);
    assert.equal(row.section, `[MS-RPCH] ${section}`);
    const bytes = encodeRow(row, sampleOf(row));
    assert.equal(bytes.length, size);
    assert.equal(bytes[8], size);
    assert.equal(bytes[18], commands.length);
    const pdu = parseRts(bytes);
    assert.equal(pdu.flags, flags);
    assert.deepEqual(
      pdu.commands.map((command) => command.name),
      [...commands].map((letter) => LETTERS[letter]),
    );
    assert.ok(row.matches(pdu));
    assert.ok(namesOf(pdu).includes(name));
  });
});

test('CONN/B2 of a client with an IPv6 address has 140 bytes', () => {
  const row = RTS_PDUS.find(({ name }) => name === 'CONN/B2');
  assert.ok(row !== undefined);
  const clientAddress = { family: 6, address: new Uint8Array(16).fill(0xfe) };
  const bytes = encodeRow(row, { ...sampleOf(row), clientAddress });
  assert.equal(bytes.length, 140);
  assert.equal(bytes[8], 140);
  const decoded: Readonly<Record<string, unknown>> = row.decode(parseRts(bytes));
  assert.deepEqual(decoded.clientAddress, clientAddress);
});

test('PDUs of one size differ in flags or commands; those that do not are told apart by state alone', () => {
  const groups = new Map<string, string[]>();
  for (const row of RTS_PDUS) {
    const names = namesOf(parseRts(encodeRow(row, sampleOf(row))));
    groups.set(names.join(' '), [...names]);
  }
  const shared = [...groups.values()].filter((names) => names.length > 1);
  assert.deepEqual(shared, [
    ['CONN/C1', 'CONN/C2'],
    ['IN_R1/A1', 'IN_R2/A1'],
    ['IN_R1/A3', 'IN_R1/A4'],
    ['IN_R1/A5', 'IN_R1/A6', 'IN_R2/A2', 'IN_R2/A5', 'OUT_R2/A4'],
    ['IN_R2/A3', 'IN_R2/A4'],
    ['OUT_R1/A1', 'OUT_R1/A2', 'OUT_R2/A1', 'OUT_R2/A2'],
    ['OUT_R1/A3', 'OUT_R2/A3'],
    ['OUT_R1/A5', 'OUT_R1/A6'],
    ['OUT_R1/A7', 'OUT_R1/A8', 'OUT_R2/A8'],
    ['OUT_R1/A9', 'OUT_R1/A10', 'OUT_R1/A11', 'OUT_R2/B1'],
    ['OUT_R2/A5', 'OUT_R2/A6'],
  ]);
});

test('a row refuses every PDU that is not its own', () => {
  for (const row of RTS_PDUS) {
    const own = parseRts(encodeRow(row, sampleOf(row)));
    for (const other of RTS_PDUS) {
      if (other.matches(own)) continue;
      refused(() => other.decode(own), 'RPCH_RTS_UNEXPECTED');
    }
  }
});

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CONN_A1,
  CONN_A3,
  CONN_B1,
  CONN_B2,
  CONN_B3,
  CONN_C1,
  CONN_C2,
  ECHO_PDU,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  IN_R1_A1,
  IN_R2_A1,
  KEEP_ALIVE,
  namesOf,
  OUT_R1_A2,
  OUT_R1_A3,
  OUT_R1_A11,
  OUT_R2_A2,
  OUT_R2_A3,
  OUT_R2_A7,
  OUT_R2_B3,
  OUT_R2_C1,
  PING_PDU,
} from '../../src/rpch/pdus.ts';
import { type Field, type FieldValues, parseRts, type RtsDefinition } from '../../src/rpch/rts.ts';
import { GROUP, hex, IN, NEXT_IN, NEXT_OUT, OUT, VC } from './support.ts';

const WINDOW = 65_536;
const LIFETIME = 1024 ** 3;
const TIMEOUT = 120_000;

/** Encodes to exactly these bytes, and these bytes decode to exactly these values. */
function vector<Fields extends readonly Field[]>(
  row: RtsDefinition<Fields>,
  values: FieldValues<Fields>,
  bytes: string,
) {
  test(`${row.name}, byte for byte`, () => {
    assert.deepEqual(row.encode(values), hex(bytes));
    const pdu = parseRts(hex(bytes));
    const decoded = Object.entries(row.decode(pdu)).filter(([, value]) => value !== undefined);
    assert.deepEqual(Object.fromEntries(decoded), values);
    assert.ok(namesOf(pdu).includes(row.name));
  });
}

vector(
  CONN_A1,
  { version: 1, virtualConnectionCookie: VC, outChannelCookie: OUT, receiveWindowSize: WINDOW },
  `05 00 14 03 10 00 00 00 4c 00 00 00 00 00 00 00  00 00 04 00 06 00 00 00 01 00 00 00 03 00 00 00
   11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  03 00 00 00 22 22 22 22 22 22 22 22 22 22 22 22
   22 22 22 22 00 00 00 00 00 00 01 00`,
);
vector(
  CONN_A3,
  { connectionTimeout: TIMEOUT },
  '05 00 14 03 10 00 00 00 1c 00 00 00 00 00 00 00  00 00 01 00 02 00 00 00 c0 d4 01 00',
);
vector(
  CONN_B1,
  {
    version: 1,
    virtualConnectionCookie: VC,
    inChannelCookie: IN,
    channelLifetime: LIFETIME,
    clientKeepalive: 300_000,
    associationGroupId: GROUP,
  },
  `05 00 14 03 10 00 00 00 68 00 00 00 00 00 00 00  00 00 06 00 06 00 00 00 01 00 00 00 03 00 00 00
   11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  03 00 00 00 33 33 33 33 33 33 33 33 33 33 33 33
   33 33 33 33 04 00 00 00 00 00 00 40 05 00 00 00  e0 93 04 00 0c 00 00 00 44 44 44 44 44 44 44 44
   44 44 44 44 44 44 44 44`,
);
vector(
  CONN_B2,
  {
    version: 1,
    virtualConnectionCookie: VC,
    inChannelCookie: IN,
    receiveWindowSize: WINDOW,
    connectionTimeout: TIMEOUT,
    associationGroupId: GROUP,
    clientAddress: { family: 4, address: Uint8Array.of(192, 168, 2, 254) },
  },
  `05 00 14 03 10 00 00 00 80 00 00 00 00 00 00 00  08 00 07 00 06 00 00 00 01 00 00 00 03 00 00 00
   11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  03 00 00 00 33 33 33 33 33 33 33 33 33 33 33 33
   33 33 33 33 00 00 00 00 00 00 01 00 02 00 00 00  c0 d4 01 00 0c 00 00 00 44 44 44 44 44 44 44 44
   44 44 44 44 44 44 44 44 0b 00 00 00 00 00 00 00  00 00 00 00 c0 a8 02 fe 00 00 00 00 00 00 00 00`,
);
vector(
  CONN_B3,
  { receiveWindowSize: WINDOW, version: 1 },
  '05 00 14 03 10 00 00 00 24 00 00 00 00 00 00 00  00 00 02 00 00 00 00 00 00 00 01 00 06 00 00 00 01 00 00 00',
);
for (const row of [CONN_C1, CONN_C2]) {
  vector(
    row,
    { version: 1, receiveWindowSize: WINDOW, connectionTimeout: TIMEOUT },
    `05 00 14 03 10 00 00 00 2c 00 00 00 00 00 00 00  00 00 03 00 06 00 00 00 01 00 00 00 00 00 00 00
     00 00 01 00 02 00 00 00 c0 d4 01 00`,
  );
}
const ack = { bytesReceived: 32_914, availableWindow: 65_536, channelCookie: OUT };
vector(
  FLOW_CONTROL_ACK,
  { ack },
  `05 00 14 03 10 00 00 00 30 00 00 00 00 00 00 00  02 00 01 00 01 00 00 00 92 80 00 00 00 00 01 00
   22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22`,
);
vector(
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  { destination: 3, ack },
  `05 00 14 03 10 00 00 00 38 00 00 00 00 00 00 00  02 00 02 00 0d 00 00 00 03 00 00 00 01 00 00 00
   92 80 00 00 00 00 01 00 22 22 22 22 22 22 22 22  22 22 22 22 22 22 22 22`,
);
vector(
  KEEP_ALIVE,
  { clientKeepalive: 300_000 },
  '05 00 14 03 10 00 00 00 1c 00 00 00 00 00 00 00  02 00 01 00 05 00 00 00 e0 93 04 00',
);
vector(PING_PDU, {}, '05 00 14 03 10 00 00 00 14 00 00 00 00 00 00 00  01 00 00 00');
vector(ECHO_PDU, {}, '05 00 14 03 10 00 00 00 14 00 00 00 00 00 00 00  40 00 00 00');
for (const row of [IN_R1_A1, IN_R2_A1]) {
  vector(
    row,
    { version: 1, virtualConnectionCookie: VC, predecessorCookie: IN, successorCookie: NEXT_IN },
    `05 00 14 03 10 00 00 00 58 00 00 00 00 00 00 00  04 00 04 00 06 00 00 00 01 00 00 00 03 00 00 00
     11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  03 00 00 00 33 33 33 33 33 33 33 33 33 33 33 33
     33 33 33 33 03 00 00 00 66 66 66 66 66 66 66 66  66 66 66 66 66 66 66 66`,
  );
}
for (const row of [OUT_R1_A2, OUT_R2_A2]) {
  vector(
    row,
    { destination: 0 },
    '05 00 14 03 10 00 00 00 1c 00 00 00 00 00 00 00  04 00 01 00 0d 00 00 00 00 00 00 00',
  );
}
for (const row of [OUT_R1_A3, OUT_R2_A3]) {
  vector(
    row,
    {
      version: 1,
      virtualConnectionCookie: VC,
      predecessorCookie: OUT,
      successorCookie: NEXT_OUT,
      receiveWindowSize: WINDOW,
    },
    `05 00 14 03 10 00 00 00 60 00 00 00 00 00 00 00  04 00 05 00 06 00 00 00 01 00 00 00 03 00 00 00
     11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  03 00 00 00 22 22 22 22 22 22 22 22 22 22 22 22
     22 22 22 22 03 00 00 00 55 55 55 55 55 55 55 55  55 55 55 55 55 55 55 55 00 00 00 00 00 00 01 00`,
  );
}
vector(
  OUT_R2_A7,
  { destination: 2, successorCookie: NEXT_OUT, version: 1 },
  `05 00 14 03 10 00 00 00 38 00 00 00 00 00 00 00  10 00 03 00 0d 00 00 00 02 00 00 00 03 00 00 00
   55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55  06 00 00 00 01 00 00 00`,
);
vector(OUT_R1_A11, {}, '05 00 14 03 10 00 00 00 18 00 00 00 00 00 00 00  00 00 01 00 0a 00 00 00');
vector(OUT_R2_C1, {}, '05 00 14 03 10 00 00 00 18 00 00 00 00 00 00 00  01 00 01 00 07 00 00 00');
vector(OUT_R2_B3, {}, '05 00 14 03 10 00 00 00 18 00 00 00 00 00 00 00  20 00 01 00 0a 00 00 00');

const captures = fileURLToPath(new URL('../../../testkit/peers/captures/', import.meta.url));
const PDU_LINE = /^(in|out) (from-client|to-client) pdu (\w+) frag_length=(\d+)/;

/** What clients of other makes send first, and what they were answered. */
const OPENINGS: Readonly<Record<string, RtsDefinition<readonly Field[]>>> = {
  'out from-client 76': CONN_A1 as unknown as RtsDefinition<readonly Field[]>,
  'in from-client 104': CONN_B1 as unknown as RtsDefinition<readonly Field[]>,
  'out to-client 28': CONN_A3 as unknown as RtsDefinition<readonly Field[]>,
  'out to-client 44': CONN_C2 as unknown as RtsDefinition<readonly Field[]>,
};

for (const path of globSync('*/session.txt', { cwd: captures }).sort()) {
  test(`RTS PDUs captured from ${path.split('/')[0]}`, () => {
    const lines = readFileSync(`${captures}/${path}`, 'utf8').split('\n');
    const seen = new Set<string>();
    lines.forEach((line, i) => {
      const [, channel, direction, ptype, length] = PDU_LINE.exec(line) ?? [];
      if (ptype !== 'rts') return;
      const bytes = hex(lines[i + 1] ?? '');
      assert.equal(bytes.length, Number(length));
      const opening = `${channel} ${direction} ${length}`;
      seen.add(opening);
      const row = OPENINGS[opening];
      assert.ok(row !== undefined, `no such PDU is part of the opening: ${opening}`);
      assert.deepEqual(row.encode(row.decode(parseRts(bytes))), bytes);
    });
    for (const opening of Object.keys(OPENINGS)) assert.ok(seen.has(opening), `${opening} is missing`);
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenStart } from '../../src/rpch/open-start.ts';
import { CONN_A1, PING_PDU, RTS_PDUS } from '../../src/rpch/pdus.ts';
import { readOutOpening } from '../../src/rpch/proxy-opening.ts';
import { readServerOpening } from '../../src/rpch/server-opening.ts';
import { encodeRow, Journal, refused, rpc, sampleOf } from './support.ts';

test('the first PDU says who takes the rest', () => {
  const journal = new Journal();
  const start = new OpenStart((pdu) => {
    journal.note(`first ${pdu.length}`);
    return journal.sink('role');
  });
  start.rts(encodeRow(CONN_A1 as never, sampleOf(CONN_A1 as never)));
  start.rpc(rpc(16), 1);
  start.rts(PING_PDU.encode({}));
  assert.deepEqual(journal.take(), ['first 76', 'role rpc 1/16', 'role Ping']);
});

test('an RPC PDU cannot be the first', () => {
  const start = new OpenStart(() => assert.fail('begun'));
  refused(() => start.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
});

test('a first PDU that is refused begins nothing: the next one is the first again', () => {
  const journal = new Journal();
  const start = new OpenStart((pdu) => {
    readOutOpening(pdu);
    return journal.sink('role');
  });
  refused(() => start.rts(PING_PDU.encode({})), 'RPCH_RTS_UNEXPECTED');
  refused(() => start.rpc(rpc(16), 1), 'RPCH_RPC_TOO_EARLY');
});

test('a proxy’s connection to the server begins with CONN/A2, CONN/B2, IN_R1/A2 or OUT_R1/A4; every other one is refused', () => {
  const openings = ['CONN/A2', 'CONN/B2', 'IN_R1/A2', 'OUT_R1/A4'];
  for (const row of RTS_PDUS) {
    const read = () => readServerOpening(encodeRow(row, sampleOf(row)));
    if (openings.includes(row.name)) assert.equal(read().kind, row.name);
    else assert.throws(read, { name: 'ProtocolError' }, row.name);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import { Deframer } from '../../src/dcerpc/deframer.ts';
import { PduType } from '../../src/dcerpc/header.ts';
import { EchoOpnum } from '../../src/interfaces/echo.ts';
import {
  bindPdu,
  ECHO_ELEMENT,
  hex,
  Recorder,
  requestRun,
  serverAssociation,
  sizedBytes,
  u32,
  valueOrProtocolError,
} from './support.ts';

/** bind, alter_context, calls whole and in fragments in both byte orders, faults: everything a session has. */
function session(littleEndian: boolean): Uint8Array {
  const elements = [{ ...ECHO_ELEMENT, contextId: 1 }];
  const data = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
  return new Uint8Array(
    Buffer.concat([
      bindPdu({ littleEndian }),
      bindPdu({ ptype: PduType.alter_context, callId: 2, littleEndian, elements }),
      requestRun(3, EchoOpnum.AddOne, u32(41, littleEndian), { littleEndian }),
      requestRun(4, EchoOpnum.EchoData, sizedBytes(data, littleEndian), { littleEndian, contextId: 1, maxFrag: 100 }),
      requestRun(5, 10, hex(''), { littleEndian }),
      requestRun(6, EchoOpnum.SourceData, u32(2000, littleEndian), { littleEndian }),
      requestRun(7, EchoOpnum.SinkData, sizedBytes(data, littleEndian), { littleEndian, contextId: 2, maxFrag: 100 }),
      requestRun(8, EchoOpnum.AddOne, u32(1, littleEndian), { littleEndian }),
    ]),
  );
}

function serve(chunks: readonly Uint8Array[]): Recorder {
  const output = new Recorder();
  const groups = new AssociationGroups();
  const association = serverAssociation(output, { groups });
  const deframer = new Deframer();
  for (const chunk of chunks) deframer.push(chunk, association);
  association.close();
  assert.equal(groups.size, 0);
  return output;
}

test('a session is answered the same, wherever it is cut', () => {
  for (const littleEndian of [true, false]) {
    const bytes = session(littleEndian);
    const whole = serve([bytes]);
    assert.equal(whole.ended, undefined);
    assert.deepEqual(
      whole.take().map(({ ptype, callId }) => [ptype, callId]),
      [
        [PduType.bind_ack, 1],
        [PduType.alter_context_resp, 2],
        [PduType.response, 3],
        [PduType.response, 4],
        [PduType.fault, 5],
        [PduType.response, 6],
        [PduType.fault, 7],
        [PduType.response, 8],
      ],
    );
    const expected = serve([bytes]).pdus;
    for (let at = 0; at <= bytes.length; at++) {
      assert.deepEqual(serve([bytes.subarray(0, at), bytes.subarray(at)]).pdus, expected);
    }
  }
});

test('every prefix of a session is answered with a prefix of the answers, and no complaint', () => {
  const bytes = session(true);
  const expected = serve([bytes]).pdus;
  for (let at = 0; at <= bytes.length; at++) {
    const output = serve([bytes.subarray(0, at)]);
    assert.equal(output.ended, undefined);
    assert.deepEqual(output.pdus, expected.slice(0, output.pdus.length));
  }
});

test('a session with damage is answered in PDUs, or ends by a ProtocolError', () => {
  const damage = fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.boolean(), damage, (littleEndian, changes) => {
      const bytes = session(littleEndian);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      valueOrProtocolError(() => serve([bytes]));
    }),
    { numRuns: 1000 },
  );
});

test('random bytes never do worse than a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      valueOrProtocolError(() => serve([bindPdu(), bytes]));
      valueOrProtocolError(() => serve([bytes]));
    }),
    { numRuns: 500 },
  );
});

import { FLOW_CONTROL_ACK } from '@rpch/rpc/internal';
import { callIdOf, requestPdu, responsePdu } from '../../src/plain-pdus.ts';
import type { StubConnection } from '../../src/rpc-server-stub.ts';
import type { ScriptedClient } from '../../src/scripted-client.ts';
import { LATEST_WHEN_FULL, type Row, type Stage, sessionRow, TIMEOUT } from './row.ts';

/** What a client must see of a server that fails: both channels closed in order. */
const CLOSED = { in: 'FIN', out: 'FIN' };

/** Rows in which the RPC server is at fault. */
export const SERVER_ROWS: readonly Row[] = [
  sessionRow(
    'server process killed in mid-call',
    { ...CLOSED, server: '-', log: 'session.ended server-closed' },
    inMidCall((connection) => connection.cut('FIN')),
  ),
  sessionRow(
    'server resets its connection in mid-call',
    { ...CLOSED, server: '-', log: 'session.ended server-reset' },
    inMidCall((connection) => connection.cut('RST')),
  ),
  sessionRow(
    'server answers with what is no PDU',
    { ...CLOSED, server: 'FIN', log: 'session.ended protocol-error' },
    inMidCall((connection) => connection.send('HTTP/1.1 400 Bad Request\r\n\r\n')),
  ),
  sessionRow(
    'server answers with a frag_length shorter than a header',
    { ...CLOSED, server: 'FIN', log: 'session.ended protocol-error' },
    inMidCall((connection, request) => {
      const pdu = responsePdu(callIdOf(request), new Uint8Array(8));
      pdu.writeUInt16LE(15, 8);
      connection.send(pdu);
    }),
  ),
  sessionRow(
    'server sends an RTS PDU',
    { ...CLOSED, server: 'FIN', log: 'session.ended protocol-error' },
    inMidCall((connection) => {
      const ack = { bytesReceived: 0, availableWindow: 65_536, channelCookie: new Uint8Array(16) };
      connection.send(FLOW_CONTROL_ACK.encode({ ack }));
    }),
  ),
  sessionRow(
    'server stops reading for ever',
    { ...CLOSED, in: 'RST', server: 'FIN', log: 'session.ended server-stalled' },
    async (stage, client) => {
      const connection = await stage.server.connection();
      connection.stopReading();
      const at = performance.now();
      // More than the buffers of both kernels and the windows between them take.
      for (let callId = 1; callId <= 256; callId++) client.in.send(requestPdu(callId, Buffer.alloc(65_000)));
      return at;
    },
    { timeout: TIMEOUT.stall, latest: LATEST_WHEN_FULL },
  ),
  sessionRow(
    'server stops in mid-PDU',
    { ...CLOSED, server: 'FIN', log: 'session.ended server-stalled' },
    inMidCall((connection, request) => {
      connection.send(responsePdu(callIdOf(request), Buffer.alloc(1000)).subarray(0, 500));
    }),
    { timeout: TIMEOUT.stall },
  ),
];

function inMidCall(fault: (connection: StubConnection, request: Buffer) => void) {
  return (stage: Stage, client: ScriptedClient): Promise<number> =>
    new Promise((resolve) => {
      stage.server.onRequest = (connection, request) => {
        fault(connection, request);
        resolve(performance.now());
      };
      client.in.send(requestPdu(100, Buffer.from('a call')));
    });
}

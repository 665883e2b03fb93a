import { callIdOf, requestPdu, responsePdu } from '../../src/plain-pdus.ts';
import type { ScriptedClient } from '../../src/scripted-client.ts';
import { LATEST_WHEN_FULL, type Row, type Stage, sessionRow, TIMEOUT } from './row.ts';

/** Rows in which the client is at fault, or the network between it and the proxy. */
export const CLIENT_ROWS: readonly Row[] = [
  sessionRow(
    'client process killed in mid-call',
    { in: '-', out: '-', server: 'FIN', log: 'session.ended in-closed' },
    cutting('FIN', 'in', 'out'),
  ),
  sessionRow(
    'client process killed, its connections reset',
    { in: '-', out: '-', server: 'FIN', log: 'session.ended in-reset' },
    cutting('RST', 'in', 'out'),
  ),
  sessionRow(
    'IN closed, OUT left alone',
    { in: '-', out: 'FIN', server: 'FIN', log: 'session.ended in-closed' },
    cutting('FIN', 'in'),
  ),
  sessionRow(
    'IN reset, OUT left alone',
    { in: '-', out: 'FIN', server: 'FIN', log: 'session.ended in-reset' },
    cutting('RST', 'in'),
  ),
  sessionRow(
    'OUT closed, IN left alone',
    { in: 'FIN', out: '-', server: 'FIN', log: 'session.ended out-closed' },
    cutting('FIN', 'out'),
  ),
  sessionRow(
    'OUT reset, IN left alone',
    { in: 'FIN', out: '-', server: 'FIN', log: 'session.ended out-reset' },
    cutting('RST', 'out'),
  ),
  sessionRow(
    'client acknowledges nothing though it takes acknowledgements itself',
    { in: 'FIN', out: 'FIN', server: 'RST', log: 'session.ended out-stalled' },
    (stage, client) => flood(stage, client, 1024 * 1024),
    { timeout: TIMEOUT.stall, latest: LATEST_WHEN_FULL, client: { acks: false } },
  ),
  sessionRow(
    'conforming client stops reading OUT for ever',
    { in: 'FIN', out: 'FIN', server: 'RST', log: 'session.ended out-stalled' },
    (stage, client) => {
      client.out.stopReading();
      return flood(stage, client, 1024 * 1024);
    },
    { timeout: TIMEOUT.stall, latest: LATEST_WHEN_FULL },
  ),
  sessionRow(
    'client of HTTP/1.0 that never acknowledges stops reading OUT for ever: zero window of TCP',
    { in: 'FIN', out: 'FIN', server: 'RST', log: 'session.ended out-stalled' },
    (stage, client) => {
      client.out.stopReading();
      return flood(stage, client, 16 * 1024 * 1024);
    },
    { timeout: TIMEOUT.stall, latest: LATEST_WHEN_FULL, client: { version: '1.0', acks: false } },
  ),
  sessionRow(
    'client stops in mid-PDU',
    { in: 'FIN', out: 'FIN', server: 'FIN', log: 'session.ended in-stalled' },
    async (_, client) => {
      client.in.send(requestPdu(100, Buffer.alloc(1000)).subarray(0, 500));
      return performance.now();
    },
    { timeout: TIMEOUT.stall },
  ),
  sessionRow(
    'client sends what is no PDU on IN',
    { in: 'FIN', out: 'FIN', server: 'FIN', log: 'session.ended protocol-error' },
    async (_, client) => {
      client.in.send(Buffer.alloc(64, 0xff));
      return performance.now();
    },
  ),
  sessionRow(
    'client sends more on OUT than its Content-Length',
    { in: 'FIN', out: 'FIN', server: 'FIN', log: 'session.ended out-channel-used-up' },
    async (_, client) => {
      client.out.send(requestPdu(100, Buffer.alloc(8)));
      return performance.now();
    },
  ),
];

/** Cuts channels while a call is under way that is never answered. */
function cutting(how: 'FIN' | 'RST', ...channels: readonly ('in' | 'out')[]) {
  return (stage: Stage, client: ScriptedClient): Promise<number> =>
    new Promise((resolve) => {
      stage.server.onRequest = () => {
        for (const channel of channels) client[channel].cut(how);
        resolve(performance.now());
      };
      client.in.send(requestPdu(100, Buffer.from('a call')));
    });
}

/** Has the server answer with so many bytes, which the client leaves where they are. */
function flood(stage: Stage, client: ScriptedClient, length: number): Promise<number> {
  return new Promise((resolve) => {
    stage.server.onRequest = (connection, request) => {
      const pdu = responsePdu(callIdOf(request), Buffer.alloc(60_000));
      for (let sent = 0; sent < length; sent += pdu.length) connection.send(pdu);
      resolve(performance.now());
    };
    client.in.send(requestPdu(100, Buffer.from('a call')));
  });
}

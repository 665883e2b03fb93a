import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpchError } from '../../src/errors.ts';
import { echoDeclaration } from '../../src/interfaces/echo.ts';
import type { PduTransport } from '../../src/net/pdu-transport.ts';
import { RpcConnection } from '../../src/net/rpc-connection.ts';
import { openOverTcp } from '../../src/net/tcp-client.ts';
import { SleepyServer } from './association-scene.ts';
import { listenOn } from './loopback.ts';

const LOST = new RpchError('RPCH_CONNECTION_LOST', 'network', 'lost by the test');
const interfaces = [echoDeclaration];

test('a transport that ends before it was handed over is the reason why there is no connection', async () => {
  const ended: RpcConnection[] = [];
  const transport: PduTransport = {
    send: () => assert.fail('nothing can be sent'),
    unsent: 0,
    pause: () => {},
    resume: () => {},
    close: () => assert.fail('it is over'),
  };
  const opening = RpcConnection.open(
    async ({ onClosed }) => {
      onClosed(LOST);
      return transport;
    },
    { interfaces },
    (connection) => ended.push(connection),
  );
  await assert.rejects(opening, LOST);
  assert.equal(ended.length, 1);
});

test('a bind that is refused, or not answered in time, closes the transport', async (t) => {
  const { port } = await SleepyServer.start(t);
  let ended = 0;
  const open = (to: number, uuid: string, bindTimeout: number) =>
    RpcConnection.open(
      (events) => openOverTcp({ server: { host: '127.0.0.1', port: to }, ...events }),
      { interfaces: [{ name: 'wanted', syntax: { uuid, version: 1 } }], bindTimeout },
      () => ended++,
    );
  const nobody = '00000000-1111-2222-3333-444444444444';
  await assert.rejects(open(port, nobody, 10_000), { code: 'RPCH_CONTEXT_REFUSED' });
  const closed = Promise.withResolvers<void>();
  const silent = await listenOn(t, (socket) => socket.on('close', () => closed.resolve()).resume());
  await assert.rejects(open(silent, nobody, 1), { code: 'RPCH_BIND_TIMED_OUT', fault: 'network' });
  await closed.promise;
  assert.equal(ended, 2);
});

test('closing tells once, and again never', async (t) => {
  const { port } = await SleepyServer.start(t);
  let ended = 0;
  const connection = await RpcConnection.open(
    (events) => openOverTcp({ server: { host: '127.0.0.1', port }, ...events }),
    { interfaces },
    () => ended++,
  );
  assert.equal(connection.association.bound, true);
  connection.close();
  connection.close();
  assert.deepEqual([ended, connection.association.bound], [1, false]);
});

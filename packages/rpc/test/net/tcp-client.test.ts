import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { RpchError } from '../../src/errors.ts';
import { openOverTcp, type TcpClientOptions } from '../../src/net/tcp-client.ts';
import { cut } from '../dcerpc/support.ts';
import { rpc } from '../rpch/support.ts';
import { listenOn } from './loopback.ts';

/** RTS with no commands: ptype 20 ([MS-RPCH] 2.2.3.6). */
const RTS = Buffer.from('0500140310000000140000000000000000000000', 'hex');

async function open(t: TestContext, options: Partial<TcpClientOptions> = {}) {
  const accepted = Promise.withResolvers<Socket>();
  const port = await listenOn(t, (socket) => accepted.resolve(socket));
  const pdus: Uint8Array[] = [];
  const closed = Promise.withResolvers<RpchError>();
  let wake = (): void => {};
  const transport = await openOverTcp({
    server: { host: '127.0.0.1', port },
    onPdus: (run, count) => {
      const whole = cut(run);
      assert.equal(whole.length, count);
      pdus.push(...whole);
      wake();
    },
    onClosed: closed.resolve,
    ...options,
  });
  t.after(() => transport.close());
  const pdu = async (): Promise<Uint8Array> => {
    for (;;) {
      const next = pdus.shift();
      if (next !== undefined) return next;
      await new Promise<void>((again) => {
        wake = again;
      });
    }
  };
  return { transport, server: await accepted.promise, pdu, closed: closed.promise };
}

test('the hops, and PDUs both ways however they are cut', async (t) => {
  const hops: string[] = [];
  const { transport, server, pdu } = await open(t, { onHop: (hop) => hops.push(hop) });
  assert.deepEqual(hops, ['DNS', 'TCP']);
  const [one, two] = [rpc(100), rpc(3000)];
  server.setNoDelay(true);
  for (const byte of one) server.write(Uint8Array.of(byte));
  server.write(Buffer.concat([two, one, two.subarray(0, 50)]));
  assert.deepEqual([await pdu(), await pdu(), await pdu()].map(Buffer.from), [one, two, one].map(Buffer.from));
  server.write(two.subarray(50));
  assert.equal((await pdu()).length, 3000);

  assert.equal(transport.send(Buffer.concat([one, two]), 2), true);
  let got = 0;
  while (got < 3100) got += ((await once(server, 'data')) as [Buffer])[0].length;
  assert.deepEqual([got, transport.unsent], [3100, 0]);
});

test('nobody listens, or the name is none', async (t) => {
  const nothing = { onPdus: () => {}, onClosed: () => assert.fail('it was never open') };
  const port = await listenOn(t, () => {});
  const refused = openOverTcp({ server: { host: '127.0.0.1', port: 1 }, ...nothing });
  await assert.rejects(refused, { code: 'RPCH_CONNECT', fault: 'network' });
  const nameless = openOverTcp({ server: { host: 'no.such.host.invalid', port }, ...nothing });
  await assert.rejects(nameless, { code: 'RPCH_CONNECT', fault: 'network' });
});

test('a signal ends the opening, before it has begun and while it is under way', async (t) => {
  const nothing = { onPdus: () => {}, onClosed: () => assert.fail('it was never open') };
  const port = await listenOn(t, () => {});
  const server = { host: '127.0.0.1', port };
  const why = new Error('changed my mind');
  await assert.rejects(openOverTcp({ server, signal: AbortSignal.abort(why), ...nothing }), why);
  const controller = new AbortController();
  const opening = openOverTcp({ server, signal: controller.signal, ...nothing });
  controller.abort(why);
  await assert.rejects(opening, why);

  // It has no say in an open connection.
  const later = new AbortController();
  const { transport, server: other } = await open(t, { signal: later.signal });
  later.abort(why);
  transport.send(rpc(30));
  await once(other, 'data');
});

test('the server closes, or is cut off: told once, with how', async (t) => {
  const orderly = await open(t);
  orderly.server.end();
  const closed = await orderly.closed;
  assert.deepEqual([closed.code, closed.fault], ['RPCH_CONNECTION_LOST', 'network']);
  assert.match(closed.message, /closed by the server/);
  assert.equal(orderly.transport.send(rpc(30)), false);

  const broken = await open(t);
  broken.server.resetAndDestroy();
  assert.match((await broken.closed).message, /ECONNRESET/);
});

test('what is no PDU of RPC ends the connection', async (t) => {
  const garbage = await open(t);
  garbage.server.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  const error = await garbage.closed;
  assert.deepEqual([error.name, error.fault], ['ProtocolError', 'peer']);
  await once(garbage.server.resume(), 'close');

  const rts = await open(t);
  rts.server.write(RTS);
  assert.equal((await rts.closed).code, 'RPCH_RTS_ON_TCP');
});

test('closed by its user: what was sent arrives, nothing more is reported', async (t) => {
  const { transport, server, closed } = await open(t);
  void closed.then(() => assert.fail('reported'));
  transport.send(rpc(500));
  transport.close();
  transport.close();
  assert.equal(transport.send(rpc(30)), false);
  let got = 0;
  server.on('data', (chunk) => {
    got += chunk.length;
  });
  await once(server, 'end');
  assert.equal(got, 500);
});

test('PDUs that come while it is closed by a handler are not handed on', async (t) => {
  const counts: number[] = [];
  let begun = (): void => {};
  const first = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const { transport, server } = await open(t, {
    onPdus: (_run, count) => {
      counts.push(count);
      if (counts.length === 1) begun();
      else transport.close();
    },
  });
  const pdu = rpc(100);
  server.write(Buffer.concat([pdu, pdu.subarray(0, 50)]));
  await first;
  // The rest of one PDU, which is handed on by itself, and two more behind it.
  server.write(Buffer.concat([pdu.subarray(50), pdu, pdu]));
  await once(server.resume(), 'close');
  assert.deepEqual(counts, [1, 1]);
});

test('back-pressure both ways', async (t) => {
  const drained = Promise.withResolvers<void>();
  const { transport, server, pdu } = await open(t, { sendBuffer: 200_000, onDrain: drained.resolve });
  server.pause();
  const large = rpc(60_000);
  let sent = 0;
  do {
    sent += large.length;
    await new Promise(setImmediate);
  } while (transport.send(large));
  assert.ok(transport.unsent > 200_000 && sent > 200_000);
  server.resume();
  await drained.promise;

  transport.pause();
  server.write(rpc(100));
  const first = pdu();
  let came = false;
  void first.then(() => {
    came = true;
  });
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.equal(came, false);
  transport.resume();
  assert.equal((await first).length, 100);
});

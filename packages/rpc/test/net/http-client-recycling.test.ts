import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { HttpClientOptions } from '../../src/net/http-client.ts';
import { rpc } from '../rpch/support.ts';
import { open, Scene, SHORT_LIFETIME } from './client-scene.ts';

/** What goes each way: fifteen lifetimes of a channel. */
const TOTAL = 15 * SHORT_LIFETIME;
const LENGTHS = [24, 5840, 1432, 4280, 333];

/** Sends PDUs of several lengths, waiting where it is told to; everything must come back as it was. Returns the counters. */
async function roundTrip(t: TestContext, scene: Scene, options: Partial<HttpClientOptions> = {}) {
  const done = Promise.withResolvers<void>();
  const sent: Uint8Array[] = [];
  let bytes = 0;
  const { client, connection } = await open(t, scene.ports[0] ?? 0, {
    channelLifetime: SHORT_LIFETIME,
    onDrain: () => pump(),
    ...options,
  });
  function pump(): void {
    while (bytes < TOTAL) {
      const pdu = rpc(LENGTHS[sent.length % LENGTHS.length] ?? 24, { fill: sent.length & 0xff });
      sent.push(pdu);
      bytes += pdu.length;
      if (!connection.send(pdu)) return;
    }
  }
  client.onReceived = () => {
    if (bytes >= TOTAL && client.bytes === bytes) done.resolve();
  };
  client.onClosed = (error) => done.reject(error);
  pump();
  await done.promise;
  assert.ok(Buffer.concat(client.received).equals(Buffer.concat(sent)), 'what came back is not what was sent');
  assert.deepEqual(scene.ends, []);
  return connection.counters;
}

/** A function of the number of a channel to the proxies of a scene. */
function proxies(scene: Scene, index: (channel: 'IN' | 'OUT', number: number) => number): Partial<HttpClientOptions> {
  return {
    proxyFor: (channel, number) => ({ host: '127.0.0.1', port: scene.ports[index(channel, number)] ?? 0 }),
  };
}

test('both channels are recycled at one proxy, with the same credentials and the lengths that belong to them', async (t) => {
  const scene = await Scene.start(t, 1, { lifetime: SHORT_LIFETIME });
  const { recycledIn, recycledOut } = await roundTrip(t, scene, { authorization: 'Basic YTpi' });
  assert.ok(recycledIn.R2 >= 15, `IN was recycled ${recycledIn.R2} times`);
  assert.ok(recycledOut.R2 >= 15, `OUT was recycled ${recycledOut.R2} times`);
  assert.deepEqual([recycledIn.R1, recycledOut.R1], [0, 0]);
  const [first, ...successors] = scene.heads('RPC_OUT_DATA');
  assert.equal(first?.contentLength, 76);
  assert.ok(successors.length >= recycledOut.R2);
  for (const { contentLength } of successors) assert.equal(contentLength, 120);
  for (const { contentLength } of scene.heads('RPC_IN_DATA')) assert.equal(contentLength, SHORT_LIFETIME);
  for (const { head } of scene.requests) {
    assert.equal(head.field('authorization'), 'Basic YTpi');
    assert.equal(head.target, '/rpc/rpcproxy.dll?srv:6001');
  }
});

test('every successor goes to the other of two proxies', async (t) => {
  const scene = await Scene.start(t, 2, { lifetime: SHORT_LIFETIME });
  const alternate = proxies(scene, (channel, number) => (number + (channel === 'IN' ? 0 : 1)) % 2);
  const { recycledIn, recycledOut } = await roundTrip(t, scene, alternate);
  assert.ok(recycledIn.R1 >= 15, `IN was recycled ${recycledIn.R1} times`);
  assert.ok(recycledOut.R1 >= 15, `OUT was recycled ${recycledOut.R1} times`);
  assert.deepEqual([recycledIn.R2, recycledOut.R2], [0, 0]);
});

test('IN channels at one proxy, OUT channels at another', async (t) => {
  const scene = await Scene.start(t, 2, { lifetime: SHORT_LIFETIME });
  const { recycledIn, recycledOut } = await roundTrip(
    t,
    scene,
    proxies(scene, (channel) => (channel === 'IN' ? 0 : 1)),
  );
  assert.ok(recycledIn.R2 >= 15 && recycledOut.R2 >= 15);
  assert.deepEqual([recycledIn.R1, recycledOut.R1], [0, 0]);
  for (const { head, proxy } of scene.requests) assert.equal(proxy, head.method === 'RPC_IN_DATA' ? 0 : 1);
});

test('a successor that the proxy refuses ends the connection with the reason', async (t) => {
  let seen = 0;
  const scene = await Scene.start(t, 1, {
    answer: (head) => {
      if (head.method !== 'RPC_IN_DATA' || ++seen < 3) return undefined;
      return { statusLine: 'HTTP/1.0 503 RPC Error: 5', close: true };
    },
  });
  await assert.rejects(roundTrip(t, scene), {
    code: 'RPCH_HTTP_STATUS',
    channel: 'IN',
    rpcError: 5,
    message: 'the proxy answered 503 RPC Error: 5 on the IN channel',
    meaning: /access denied/,
  });
});

test('a successor that cannot be reached ends the connection', async (t) => {
  const scene = await Scene.start(t, 2, { lifetime: SHORT_LIFETIME });
  const nobody = { host: '127.0.0.1', port: 1 };
  const there = { host: '127.0.0.1', port: scene.ports[0] ?? 0 };
  await assert.rejects(
    roundTrip(t, scene, { proxyFor: (channel, number) => (channel === 'OUT' && number === 2 ? nobody : there) }),
    {
      code: 'RPCH_CONNECT',
      fault: 'network',
      message:
        'the successor of the OUT channel (number 2) could not be opened to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    },
  );
});

test('a name is asked for at each channel, and its addresses are tried in turn', async (t) => {
  const scene = await Scene.start(t, 1, { lifetime: SHORT_LIFETIME });
  // localhost has an IPv6 address on many machines; nobody listens there.
  const localhost = { host: 'localhost', port: scene.ports[0] ?? 0 };
  const { recycledIn, recycledOut } = await roundTrip(t, scene, { proxy: localhost });
  assert.ok(recycledIn.R2 >= 15 && recycledOut.R2 >= 15);
});

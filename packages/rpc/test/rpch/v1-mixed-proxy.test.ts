import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BannerReader, LEGACY_SERVER_RESPONSE } from '../../src/rpch/banner.ts';
import { MAX_HELD, MixedProxy, type MixedProxyOptions } from '../../src/rpch/mixed-proxy.ts';
import { PING_PDU } from '../../src/rpch/pdus.ts';
import { refused, rpc, run } from './support.ts';

const BANNER = Buffer.from('ncacn_http/1.0', 'latin1');

/** A mixed proxy, and one line for each thing that it did. */
function start(options: Partial<MixedProxyOptions> = {}) {
  const lines: string[] = [];
  const sent = { server: [] as Uint8Array[], client: [] as Uint8Array[] };
  const proxy = new MixedProxy(
    {
      respond: () => lines.push('200'),
      toServer: (bytes) => {
        lines.push(`server ${bytes.length}`);
        sent.server.push(bytes.slice());
      },
      toClient: (bytes) => {
        lines.push(`client ${bytes.length}`);
        sent.client.push(bytes.slice());
      },
      pauseClient: (paused) => lines.push(`client ${paused ? 'pause' : 'resume'}`),
      pauseServer: (paused) => lines.push(`server ${paused ? 'pause' : 'resume'}`),
      ended: (end) => lines.push(end),
    },
    { banner: true, setupTimeout: 1000, ...options },
  );
  return { proxy, lines, sent, take: () => lines.splice(0) };
}

function opened() {
  const scene = start();
  scene.proxy.serverConnected();
  scene.proxy.fromServer(BANNER);
  assert.deepEqual(scene.take(), ['200']);
  return scene;
}

test('the banner is that of [MS-RPCH] 2.1.1.2.1', () => {
  assert.deepEqual(Buffer.from(LEGACY_SERVER_RESPONSE), BANNER);
  assert.equal(LEGACY_SERVER_RESPONSE.length, 14);
});

test('it opens with the banner, and answers then and not before', () => {
  const { proxy, take } = start();
  assert.deepEqual([proxy.state, proxy.responded], ['Connecting', false]);
  proxy.serverConnected();
  assert.deepEqual([proxy.state, proxy.responded, take()], ['Banner_Wait', false, []]);
  proxy.fromServer(BANNER);
  assert.deepEqual([proxy.state, proxy.responded, take()], ['Opened', true, ['200']]);
});

test('the banner may be cut anywhere, and PDUs may come with it', () => {
  const stream = Buffer.concat([BANNER, rpc(50), rpc(60)]);
  for (let at = 1; at < stream.length; at++) {
    const { proxy, take } = start();
    proxy.serverConnected();
    proxy.fromServer(stream.subarray(0, at));
    assert.equal(proxy.state, at < BANNER.length ? 'Banner_Wait' : 'Opened');
    proxy.fromServer(stream.subarray(at));
    assert.equal(take().join().replaceAll('client 50,client 60', 'client 110'), '200,client 110');
  }
  const { proxy, sent } = start();
  proxy.serverConnected();
  for (const byte of stream) proxy.fromServer(Uint8Array.of(byte));
  assert.deepEqual(Buffer.concat(sent.client), stream.subarray(14));
});

test('a wrong banner fails at its first wrong byte', () => {
  for (let at = 0; at < BANNER.length; at++) {
    const { proxy, take } = start();
    proxy.serverConnected();
    const wrong = Buffer.from(BANNER.subarray(0, at + 1));
    wrong[at] = 0x05;
    refused(() => proxy.fromServer(wrong), 'RPCH_BANNER');
    assert.deepEqual([proxy.responded, take()], [false, []]);
  }
});

test('what the client sends before it opens is held, and goes first', () => {
  const { proxy, lines, sent, take } = start();
  const early = [rpc(100, { fill: 1 }), rpc(200, { fill: 2 })];
  const lent = Buffer.concat(early);
  proxy.fromClient(lent.subarray(0, 150));
  lent.fill(0xee, 0, 150); // The view was only lent.
  proxy.fromClient(lent.subarray(150));
  assert.deepEqual([lines, proxy.held, proxy.bytesIn], [[], 300, 300]);
  proxy.serverConnected();
  proxy.fromServer(BANNER.subarray(0, 5));
  assert.deepEqual(take(), []);
  proxy.fromServer(BANNER.subarray(5));
  assert.deepEqual(take(), ['200', 'server 100', 'server 200']);
  assert.deepEqual(Buffer.concat(sent.server), Buffer.concat(early));
  assert.equal(proxy.held, 0);
});

test('the client is told to wait before too much is held, and goes on when it opens', () => {
  const { proxy, take } = start();
  proxy.fromClient(run(30_000));
  assert.deepEqual(take(), []);
  proxy.fromClient(run(40_000));
  assert.deepEqual(take(), ['client pause']);
  proxy.serverConnected();
  proxy.fromServer(BANNER);
  assert.deepEqual(take(), ['200', 'server 30000', 'server 40000', 'client resume']);
});

test('a client that is not held back is an error, half a PDU included', () => {
  const { proxy } = start();
  proxy.fromClient(run(60_000, 60_000));
  const half = rpc(60_000);
  refused(() => {
    for (let at = 0; at < half.length; at += 1000) proxy.fromClient(half.subarray(at, at + 1000));
  }, 'RPCH_TOO_EARLY');
  assert.ok(proxy.held + proxy.pending.client <= MAX_HELD + 1000);
});

test('a server on plain TCP sends no banner, and none is waited for', () => {
  const { proxy, take } = start({ banner: false });
  proxy.fromClient(rpc(100));
  proxy.serverConnected();
  assert.deepEqual(take(), ['200', 'server 100']);
  proxy.fromServer(rpc(80));
  assert.deepEqual(take(), ['client 80']);
  refused(() => start({ banner: false }).proxy.fromServer(BANNER));
});

test('runs of whole PDUs pass in one view, and halves wait', () => {
  const { proxy, take } = opened();
  proxy.fromClient(run(50, 60, 70));
  proxy.fromServer(run(80, 90));
  assert.deepEqual(take(), ['server 180', 'client 170']);
  const pdu = rpc(100);
  proxy.fromClient(pdu.subarray(0, 99));
  proxy.fromServer(pdu.subarray(0, 5));
  assert.deepEqual([take(), proxy.pending], [[], { client: 99, server: 5 }]);
  proxy.fromClient(pdu.subarray(99));
  proxy.fromServer(pdu.subarray(5));
  assert.deepEqual(take(), ['server 100', 'client 100']);
  assert.deepEqual([proxy.bytesIn, proxy.bytesOut], [280, 14 + 270]);
});

test('a side that takes no more holds up the other', () => {
  const { proxy, take } = opened();
  proxy.clientBlocked(true);
  proxy.clientBlocked(false);
  proxy.serverBlocked(true);
  proxy.serverBlocked(false);
  assert.deepEqual(take(), ['server pause', 'server resume', 'client pause', 'client resume']);
});

test('an RTS PDU has no place in version 1', () => {
  refused(() => opened().proxy.fromClient(PING_PDU.encode({})), 'RPCH_RTS_IN_V1');
  refused(() => opened().proxy.fromServer(PING_PDU.encode({})), 'RPCH_RTS_IN_V1');
  refused(() => start().proxy.fromClient(PING_PDU.encode({})), 'RPCH_RTS_IN_V1');
});

test('garbage is an error', () => {
  refused(() => opened().proxy.fromClient(Buffer.alloc(16, 0xff)));
  refused(() => opened().proxy.fromServer(Buffer.alloc(16, 0xff)));
});

test('one side closes, and it is over', () => {
  for (const side of ['client', 'server'] as const) {
    for (const scene of [start(), opened()]) {
      const { proxy, take } = scene;
      if (side === 'client') proxy.clientClosed();
      else proxy.serverClosed();
      assert.deepEqual([proxy.state, take()], ['Finished', [`${side}-closed`]]);
      proxy.fromClient(rpc(50));
      proxy.fromServer(rpc(50));
      proxy.serverConnected();
      proxy.clientClosed();
      proxy.serverClosed();
      proxy.clientBlocked(true);
      proxy.serverBlocked(true);
      proxy.tick(1e9);
      assert.deepEqual(take(), []);
    }
  }
});

test('a server that is not there, or silent, is not waited for for ever', () => {
  for (const connected of [false, true]) {
    const { proxy, take } = start();
    if (connected) proxy.serverConnected();
    proxy.tick(5000);
    proxy.tick(5999);
    assert.deepEqual(take(), []);
    proxy.tick(6000);
    assert.deepEqual(take(), ['setup-timeout']);
  }
  const { proxy, take } = opened();
  proxy.tick(0);
  proxy.tick(1e9);
  assert.deepEqual(take(), []);
});

test('version 2 takes the banner off where there is one, and does not miss it where there is none', () => {
  const stream = Buffer.concat([BANNER, rpc(40)]);
  for (let at = 1; at < stream.length; at++) {
    const reader = new BannerReader(false);
    const first = reader.take(stream.subarray(0, at));
    assert.equal(first + reader.take(stream.subarray(at)), 14);
    assert.ok(reader.done);
  }
  const none = new BannerReader(false);
  assert.deepEqual([none.take(rpc(40)), none.done, none.take(BANNER)], [0, true, 0]);
  const wrong = new BannerReader(false);
  refused(() => wrong.take(Buffer.from('ncacn_ip')), 'RPCH_BANNER');
});

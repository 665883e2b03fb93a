import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { ProtocolError, RpchError } from '../../src/errors.ts';
import type {
  EndpointRuntime,
  RuntimeConnection,
  RuntimeFactory,
  RuntimePeer,
} from '../../src/net/endpoint-runtime.ts';
import { type HttpEndpointOptions, openHttpEndpoint } from '../../src/net/http-endpoint.ts';
import { readAck } from '../../src/rpch/ack-codec.ts';
import { cookie, GROUP, rpc } from '../rpch/support.ts';
import { a2, b2, empty, openSession, outAck, Peer } from './support.ts';

/** A run-time in the hands of a test: keeps what it is told, and does what it is asked to. */
class Probe implements EndpointRuntime {
  readonly peer: RuntimePeer;
  readonly connection: RuntimeConnection;
  readonly lines: string[] = [];
  received = 0;
  onReceive = (_run: Uint8Array, _count: number): void => {};

  constructor(peer: RuntimePeer, connection: RuntimeConnection) {
    this.peer = peer;
    this.connection = connection;
  }

  receive(run: Uint8Array, count: number): void {
    this.received += run.length;
    this.onReceive(run, count);
  }

  blocked(blocked: boolean): void {
    this.lines.push(blocked ? 'blocked' : 'free');
  }

  flush(): void {}

  tick(): void {}

  close(): void {
    this.lines.push('closed');
  }
}

async function start(t: TestContext, options: Partial<HttpEndpointOptions> = {}) {
  const probes: Probe[] = [];
  const lines: string[] = [];
  const runtimes: RuntimeFactory = {
    open: (peer, connection) => {
      const probe = new Probe(peer, connection);
      probes.push(probe);
      return probe;
    },
  };
  const endpoint = await openHttpEndpoint({
    listen: { host: '127.0.0.1', port: 0 },
    runtimes,
    log: (line) => lines.push(line),
    ...options,
  });
  t.after(() => endpoint.close());
  const dial = () => Peer.dial(t, { host: '127.0.0.1', port: endpoint.port });
  const probe = (): Probe => {
    const [first] = probes;
    assert.ok(first !== undefined, 'no run-time was opened');
    return first;
  };
  return { endpoint, probes, probe, lines, dial };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a run-time is opened with the virtual connection, and told who is there', async (t) => {
  const { dial, probes, probe } = await start(t);
  await openSession(dial);
  assert.equal(probes.length, 1);
  const { transport, address, label, clientAddressHint, associationGroupId } = probe().peer;
  assert.deepEqual(
    { transport, address, clientAddressHint },
    {
      transport: 'http-v2',
      address: '127.0.0.1',
      clientAddressHint: '192.0.2.9',
    },
  );
  assert.match(label, /^127\.0\.0\.1:\d+ \(session 1\)$/);
  assert.deepEqual(associationGroupId, GROUP);
});

test('of version 1 it is opened with the first PDU, which it gets', { timeout: 10_000 }, async (t) => {
  const { dial, probe, probes } = await start(t);
  const client = await dial();
  client.send(rpc(100), rpc(200));
  while (probes[0]?.received !== 300) await turn();
  assert.equal(probe().peer.transport, 'http-v1');
  assert.equal(probe().peer.clientAddressHint, undefined);
});

for (const version of ['1', '2'] as const) {
  test(`version ${version}: views that are sent and flushed within the turn arrive unharmed`, async (t) => {
    const runtimes: RuntimeFactory = {
      open: (peer, connection) => {
        const probe = new Probe(peer, connection);
        probe.onReceive = (run, count) => {
          connection.send(run, count);
          connection.flush();
        };
        return probe;
      },
    };
    const { dial } = await start(t, { runtimes });
    const client = version === '1' ? await dial() : undefined;
    const session = client === undefined ? await openSession(dial) : { in: client, out: client };
    let [sent, received] = [0, 0];
    // Many different PDUs in one write: what is read fills the buffers that are read into again.
    for (let round = 0; round < 20; round++) {
      const pdus = Array.from({ length: 10 }, (_, i) => rpc(4000, { fill: (sent + i) & 0xff }));
      session.in.send(...pdus);
      for (let i = 0; i < pdus.length; i++) {
        const pdu = await session.out.rpc();
        assert.deepEqual(new Uint8Array(pdu), rpc(4000, { fill: (sent + i) & 0xff }));
        received += pdu.length;
      }
      sent += pdus.length;
      if (version === '2') session.out.send(outAck(received));
    }
  });
}

test('a run-time that pauses is left alone: no acknowledgement, until it goes on', async (t) => {
  const { dial, probe } = await start(t);
  const session = await openSession(dial);
  probe().connection.pause(true);
  const pdu = rpc(4000);
  for (let i = 0; i < 16; i++) session.in.send(pdu);
  while (probe().received < 64_000) await turn();
  await turn();
  assert.equal(session.in.waiting, 0);
  probe().connection.pause(false);
  const ack = readAck(await session.in.pdu());
  assert.deepEqual([ack?.bytesReceived, ack?.availableWindow], [64_000, 65_536]);
});

test('of version 1 a run-time that pauses is not read for', async (t) => {
  let given = 0;
  let resume = (): void => {};
  const runtimes: RuntimeFactory = {
    open: (peer, connection) => {
      const probe = new Probe(peer, connection);
      probe.onReceive = (run) => {
        given += run.length;
        if (given > 10_000) connection.pause(true);
      };
      resume = () => connection.pause(false);
      return probe;
    },
  };
  const { dial } = await start(t, { runtimes });
  const client = await dial();
  const bulk = Buffer.concat(Array.from({ length: 2000 }, () => rpc(4000)));
  client.send(bulk);
  while (given === 0) await turn();
  for (let i = 0; i < 50; i++) await turn();
  assert.ok(given <= 256 * 1024, `${given} bytes were given to a run-time that had paused`);
  while (given < bulk.length) {
    resume();
    await turn();
  }
});

test('a run-time hears when the client takes no more, and again when it does', async (t) => {
  const { dial, probe } = await start(t);
  const session = await openSession(dial);
  for (let i = 0; i < 20; i++) probe().connection.send(rpc(4000), 1);
  assert.deepEqual(probe().lines, ['blocked']);
  for (let i = 1; i <= 16; i++) await session.out.rpc();
  session.out.send(outAck(64_000));
  for (let i = 17; i <= 20; i++) await session.out.rpc();
  assert.deepEqual(probe().lines, ['blocked', 'free']);
});

test('an outbound proxy with a window of a gigabyte that reads nothing blocks the run-time all the same', async (t) => {
  const { dial, probe } = await start(t);
  const session = await openSession(dial, cookie(1), { receiveWindowSize: 1024 ** 3 });
  session.out.socket.pause();
  const pdu = rpc(60_000);
  let sent = 0;
  while (!probe().lines.includes('blocked')) {
    probe().connection.send(pdu, 1);
    sent += pdu.length;
    if (sent % 300_000 === 0) await turn();
    assert.ok(sent < 64 * 1024 * 1024, 'nothing stops the run-time');
  }
  session.out.socket.resume();
  for (let got = 0; got < sent; got += pdu.length) await session.out.rpc();
  while (!probe().lines.includes('free')) await turn();
});

test('what a run-time throws ends its connection alone', async (t) => {
  const { dial, endpoint, probe, probes, lines } = await start(t);
  const session = await openSession(dial);
  const other = await openSession(dial, cookie(2));
  probe().onReceive = () => {
    throw new TypeError('a defect');
  };
  session.in.send(rpc(100));
  await Promise.all([session.in.closed(), session.out.closed()]);
  assert.deepEqual(probe().lines, ['closed']);
  assert.ok(lines.some((line) => line.includes('RPCH_INTERNAL') && line.includes('a defect')));
  assert.equal(endpoint.sessions, 1);
  const [, second] = probes;
  assert.ok(second !== undefined);
  second.onReceive = () => {
    throw new ProtocolError('RPCH_TEST', 'a broken rule', 'none');
  };
  other.in.send(rpc(100));
  await other.in.closed();
  await empty(endpoint);
  assert.ok(lines.some((line) => line.includes('RPCH_TEST')));
});

test('a run-time that cannot be opened ends the virtual connection', async (t) => {
  const runtimes: RuntimeFactory = {
    open: () => {
      throw new RpchError('RPCH_TEST', 'configuration', 'nothing stands behind');
    },
  };
  const { dial, endpoint, lines } = await start(t, { runtimes });
  const [out, inbound] = [await dial(), await dial()];
  out.send(a2(cookie(1)));
  inbound.send(b2(cookie(1)));
  await Promise.all([out.closed(), inbound.closed()]);
  const client = await dial();
  client.send(rpc(100));
  await client.closed();
  await empty(endpoint);
  assert.ok(lines.some((line) => line.startsWith('session 1: RPCH_TEST')));
  assert.ok(lines.some((line) => line.startsWith('127.0.0.1:') && line.includes('nothing stands behind')));
});

test('a run-time may end the connection: what it sent before arrives', async (t) => {
  const { dial, endpoint, probe, lines } = await start(t);
  const session = await openSession(dial);
  probe().connection.send(rpc(500), 1);
  probe().connection.end();
  assert.equal((await session.out.rpc()).length, 500);
  await Promise.all([session.in.closed(), session.out.closed()]);
  await empty(endpoint);
  assert.deepEqual([probe().lines, lines], [['closed'], []]);
});

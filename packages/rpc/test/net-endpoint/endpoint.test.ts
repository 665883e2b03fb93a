import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PduType } from '../../src/dcerpc/header.ts';
import { EchoOpnum } from '../../src/interfaces/echo.ts';
import { readAck } from '../../src/rpch/ack-codec.ts';
import { CONN_B3, CONN_C1 } from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { bindPdu, requestRun, sizedBytes, u32 } from '../dcerpc/support.ts';
import { cookie } from '../rpch/support.ts';
import {
  a2,
  BANNER,
  b2,
  bind,
  call,
  empty,
  openSession,
  outAck,
  type Peer,
  PROXY,
  type Session,
  start,
} from './support.ts';

test('the banner is the first thing on each connection, and all of it', async (t) => {
  const { dial, server } = await start(t);
  const peer = await dial();
  assert.equal(await peer.banner(), BANNER);
  assert.equal(peer.socket.bytesRead, BANNER.length);
  assert.equal(server.counts.accepted, 1);
});

test('version 1: the connection is the whole channel', async (t) => {
  const { dial, server } = await start(t);
  const client = await dial();
  client.send(bindPdu());
  const ack = await client.pdu();
  assert.equal(ack[2], PduType.bind_ack);
  assert.ok(Buffer.from(ack).includes(`${server.port}\0`), 'bind_ack names the port');
  client.send(requestRun(2, EchoOpnum.AddOne, u32(41)));
  assert.deepEqual(new Uint8Array(await client.response(2)), u32(42));
  const data = new Uint8Array(100_000).fill(7);
  client.send(requestRun(3, EchoOpnum.EchoData, sizedBytes(data)));
  assert.deepEqual(new Uint8Array((await client.response(3)).subarray(4)), data);
  assert.deepEqual([server.counts.version1, server.sessions], [1, 0]);
  client.socket.end();
  await empty(server);
  assert.equal(server.counts.failed, 0);
});

test('version 2: either half may come first, and calls pass', async (t) => {
  const { dial, server, lines } = await start(t);
  const firsts = { out: a2(cookie(1)), in: b2(cookie(1)) };
  for (const first of ['out', 'in'] as const) {
    const [out, inbound] = [await dial(), await dial()];
    const session = { in: inbound, out, cookie: cookie(1) };
    const second = first === 'out' ? 'in' : 'out';
    session[first].send(firsts[first]);
    await session[first].banner();
    session[second].send(firsts[second]);
    const c1 = CONN_C1.decode(parseRts(await out.rts('CONN/C1')));
    assert.equal(c1.receiveWindowSize, PROXY.receiveWindowSize);
    assert.equal(CONN_B3.decode(parseRts(await inbound.rts('CONN/B3'))).version, 1);
    assert.equal(server.sessions, 1);
    await bind(session);
    assert.deepEqual(new Uint8Array(await call(session, 2, EchoOpnum.AddOne, u32(1))), u32(2));
    session[first].socket.end();
    await session[second].closed();
    await empty(server);
  }
  assert.deepEqual([server.counts.opened, server.counts.version1, server.counts.failed], [2, 0, 0]);
  assert.deepEqual(lines, []);
});

test('sessions side by side, each with its own calls', async (t) => {
  const { dial, server } = await start(t);
  const sessions = await Promise.all(Array.from({ length: 20 }, (_, i) => openSession(dial, cookie(i + 1))));
  await Promise.all(sessions.map(bind));
  assert.equal(server.sessions, 20);
  const answers = await Promise.all(sessions.map((session, i) => call(session, 9, EchoOpnum.AddOne, u32(i))));
  answers.forEach((answer, i) => {
    assert.equal(answer.readUInt32LE(), i + 1);
  });
  for (const session of sessions) session.in.socket.destroy();
  await empty(server);
});

test('the server sends what the outbound proxy has a window for, and the rest as it is acknowledged', async (t) => {
  const { dial } = await start(t);
  const session = await openSession(dial, cookie(1), { receiveWindowSize: 16_384 });
  await bind(session);
  const size = 1_000_000;
  session.in.send(requestRun(2, EchoOpnum.SourceData, u32(size)));
  let received = 60; // bind_ack
  let acknowledged = 0;
  const stub = await session.out.response(2, (pdu) => {
    received += pdu.length;
    assert.ok(received - acknowledged <= 16_384, `${received - acknowledged} bytes without an acknowledgement`);
    if (received - acknowledged < 8192) return;
    acknowledged = received;
    session.out.send(outAck(received, 16_384));
  });
  assert.equal(stub.length, size + 4);
  assert.equal(stub[4 + 999_999], 999_999 & 255);
});

test('the inbound proxy is acknowledged, so that a request larger than its window gets through', async (t) => {
  const { dial } = await start(t);
  const session = await openSession(dial);
  await bind(session);
  const data = new Uint8Array(1_000_000).fill(3);
  const run = Buffer.from(requestRun(2, EchoOpnum.SinkData, sizedBytes(data)));
  let sent = 72; // bind
  let mayHave = 65_536;
  for (let at = 0; at < run.length; ) {
    const length = run.readUInt16LE(at + 8);
    while (sent + length >= mayHave) {
      const ack = readAck(await session.in.pdu());
      assert.ok(ack !== undefined, 'no acknowledgement');
      mayHave = ack.bytesReceived + ack.availableWindow;
    }
    session.in.send(run.subarray(at, at + length));
    sent += length;
    at += length;
  }
  assert.equal((await session.out.response(2)).length, 0);
});

test('a broken rule of RPC is answered, and then both connections close', async (t) => {
  const { dial, server, lines } = await start(t);
  const session = await openSession(dial);
  session.in.send(requestRun(1, EchoOpnum.AddOne, u32(1)));
  assert.equal((await session.out.rpc())[2], PduType.fault);
  await session.out.closed();
  await session.in.closed();
  await empty(server);
  assert.equal(lines.filter((line) => line.includes('RPCH_NOT_BOUND')).length, 1);
});

/** A session whose association has ended with an answer that there is no window for: 8,192 bytes less 60, 4,028 and 4,088. */
async function endedWithoutWindow(dial: () => Promise<Peer>): Promise<Session> {
  const session = await openSession(dial, cookie(1), { receiveWindowSize: 8192 });
  await bind(session);
  await call(session, 2, EchoOpnum.SourceData, u32(4000));
  await call(session, 3, EchoOpnum.SourceData, u32(4060));
  session.in.send(bindPdu());
  return session;
}

test('a last answer waits for the window before the session ends', async (t) => {
  const { dial, server, lines } = await start(t);
  const session = await endedWithoutWindow(dial);
  session.out.send(outAck(60 + 4028 + 4088, 8192));
  assert.equal((await session.out.rpc())[2], PduType.bind_nak);
  await session.out.closed();
  await empty(server);
  assert.ok(lines.some((line) => line.includes('RPCH_SECOND_BIND')));
});

test('... though not for ever', { timeout: 20_000 }, async (t) => {
  const { dial, server, lines } = await start(t, { limits: { lingerTimeout: 200 } });
  const session = await endedWithoutWindow(dial);
  await session.out.closed();
  await empty(server);
  assert.ok(lines.some((line) => line.includes('RPCH_SECOND_BIND')));
});

test('an outbound proxy that acknowledges nothing ends its session', { timeout: 20_000 }, async (t) => {
  const { dial, server, lines } = await start(t, { limits: { stallTimeout: 600 } });
  const session = await openSession(dial);
  await bind(session);
  session.in.send(requestRun(2, EchoOpnum.SourceData, u32(100_000)));
  await session.out.closed();
  await empty(server);
  assert.ok(lines.some((line) => line.includes('wait for acknowledgements')));
});

test('association groups are shared by virtual connections with one AssociationGroupId or one client address, and no others', async (t) => {
  const { dial } = await start(t);
  const groupOf = (ack: Uint8Array): number => Buffer.from(ack).readUInt32LE(20);
  const joins = async (n: number, assocGroupId: number, group: Uint8Array, host: number): Promise<Uint8Array> => {
    const [out, inbound] = [await dial(), await dial()];
    out.send(a2(cookie(n)));
    inbound.send(b2(cookie(n), group, host), bindPdu({ assocGroupId }));
    return await out.rpc();
  };
  const first = await joins(1, 0, cookie(0xaa), 9);
  assert.equal(first[2], PduType.bind_ack);
  // Through another network, and as Samba does it: with another AssociationGroupId each time.
  const others = [
    [cookie(0xaa), 10],
    [cookie(0xbb), 9],
  ] as const;
  for (const [i, [group, host]] of others.entries()) {
    const same = await joins(2 + i, groupOf(first), group, host);
    assert.equal(same[2], PduType.bind_ack);
    assert.equal(groupOf(same), groupOf(first));
  }
  assert.equal((await joins(4, groupOf(first), cookie(0xbb), 10))[2], PduType.bind_nak);
});

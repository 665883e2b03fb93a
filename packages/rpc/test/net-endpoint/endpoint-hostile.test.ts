import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PduType } from '../../src/dcerpc/header.ts';
import { EchoOpnum } from '../../src/interfaces/echo.ts';
import { encodeAck } from '../../src/rpch/ack-codec.ts';
import { Destination } from '../../src/rpch/commands.ts';
import { IN_R1_A2, OUT_R1_A4, PING_PDU } from '../../src/rpch/pdus.ts';
import { bindPdu, requestRun, u32 } from '../dcerpc/support.ts';
import { cookie, IN, NEXT_IN, NEXT_OUT, OUT } from '../rpch/support.ts';
import { a2, b2, bind, call, empty, openSession, type Peer, PROXY, start } from './support.ts';

test('a peer that is not listed is closed at once, and learns nothing', async (t) => {
  const { dial, server, lines } = await start(t, { proxies: ['127.0.0.2', '::1'] });
  for (let i = 0; i < 3; i++) {
    const stranger = await dial();
    await stranger.closed();
    assert.equal(stranger.socket.bytesRead, 0);
  }
  assert.deepEqual([server.counts.unlisted, server.counts.accepted], [3, 0]);
  assert.equal(lines[0], '127.0.0.1: closed at once, it is not listed as a proxy');
  const session = await openSession(() => dial('127.0.0.2'));
  await bind(session);
});

test('a proxy list that is none is an error', async (t) => {
  for (const wrong of ['localhost', '10.0.0.0/33', '10.0.0.0/', '::1/129', '10.0.0.1/8/9', '']) {
    await assert.rejects(start(t, { proxies: [wrong] }), { code: 'RPCH_BAD_ADDRESS', fault: 'configuration' });
  }
});

test('version 1 may be open to anyone; version 2 is not', async (t) => {
  const { dial, server, lines } = await start(t, { proxies: ['127.0.0.2'], version1: 'anyone' });
  const client = await dial();
  assert.equal((await client.send(bindPdu()).pdu())[2], PduType.bind_ack);
  const proxy = await dial();
  proxy.send(a2(cookie(1)));
  await proxy.closed();
  assert.equal(server.sessions, 0);
  assert.ok(lines.some((line) => line.includes('RPCH_NOT_A_PROXY')));
});

test('version 1 may be off', async (t) => {
  const { dial, server, lines } = await start(t, { version1: 'off' });
  const client = await dial();
  client.send(bindPdu());
  await client.closed();
  assert.equal(client.waiting, 0);
  assert.equal(server.counts.version1, 0);
  assert.ok(lines.some((line) => line.includes('RPCH_V1_REFUSED')));
  await bind(await openSession(dial));
});

/** What must end a connection as its first bytes, and the code in the log. */
const firsts: readonly (readonly [string, Uint8Array, string])[] = [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'RPCH_BAD_VERSION'],
  ['a Ping', PING_PDU.encode({}), 'RPCH_RTS_UNEXPECTED'],
  ['half of CONN/A2 and garbage', Buffer.concat([a2(cookie(1)).subarray(0, 40), Buffer.alloc(44, 0xff)]), 'RPCH_RTS'],
  [
    'IN_R1/A2 of an unknown virtual connection',
    IN_R1_A2.encode({
      version: 1,
      virtualConnectionCookie: cookie(9),
      predecessorCookie: IN,
      successorCookie: NEXT_IN,
      ...PROXY,
    }),
    'RPCH_COOKIE',
  ],
  [
    'OUT_R1/A4 of an unknown virtual connection',
    OUT_R1_A4.encode({
      version: 1,
      virtualConnectionCookie: cookie(9),
      predecessorCookie: OUT,
      successorCookie: NEXT_OUT,
      ...PROXY,
    }),
    'RPCH_COOKIE',
  ],
];
for (const [what, bytes, code] of firsts) {
  test(`${what} at first ends that connection, and no other`, async (t) => {
    const { dial, server, lines } = await start(t);
    const good = await openSession(dial, cookie(2));
    await bind(good);
    const bad = await dial();
    bad.send(bytes);
    await bad.closed();
    assert.deepEqual([server.sessions, server.connections], [1, 2]);
    assert.ok(
      lines.some((line) => line.includes(code)),
      lines.join('\n'),
    );
    assert.deepEqual(new Uint8Array(await call(good, 2, EchoOpnum.AddOne, u32(1))), u32(2));
  });
}

/** What must end a whole virtual connection: sent when it is open, by whom. */
const laters: readonly (readonly [string, 'in' | 'out', Uint8Array])[] = [
  ['CONN/A2 once more on its own connection', 'out', a2(cookie(0x11))],
  ['CONN/B2 once more on its own connection', 'in', b2(cookie(0x11))],
  ['an RPC PDU from the outbound proxy', 'out', bindPdu()],
  ['garbage from the inbound proxy', 'in', Buffer.alloc(16, 0xee)],
  [
    'an acknowledgement of what was never sent',
    'out',
    encodeAck({ bytesReceived: 5000, availableWindow: 65_536, channelCookie: OUT }),
  ],
];
for (const [what, who, bytes] of laters) {
  test(`${what} ends the virtual connection on both legs`, async (t) => {
    const { dial, server, lines } = await start(t);
    const session = await openSession(dial);
    session[who].send(bytes);
    await Promise.all([session.in.closed(), session.out.closed()]);
    await empty(server);
    assert.equal(lines.filter((line) => line.startsWith('session 1: RPCH_')).length, 1, lines.join('\n'));
  });
}

for (const [name, pdu] of [
  ['CONN/A2', a2(cookie(0x11))],
  ['CONN/B2', b2(cookie(0x11))],
] as const) {
  test(`a second ${name} for an open virtual connection ends all of it`, async (t) => {
    const { dial, server } = await start(t);
    const session = await openSession(dial);
    await bind(session);
    const intruder = await dial();
    intruder.send(pdu);
    await Promise.all([intruder.closed(), session.in.closed(), session.out.closed()]);
    await empty(server);
  });
}

test('an RTS PDU in version 1 ends the connection', async (t) => {
  const { dial, server, lines } = await start(t);
  const client = await dial();
  assert.equal((await client.send(bindPdu()).pdu())[2], PduType.bind_ack);
  client.send(PING_PDU.encode({}));
  await client.closed();
  await empty(server);
  assert.ok(lines.some((line) => line.includes('RPCH_RTS_ON_TCP')));
});

test('whoever lets things wait is cut off', { timeout: 20_000 }, async (t) => {
  const limits = { firstPduTimeout: 600, setupTimeout: 600, stallTimeout: 600 };
  const { dial, server, lines } = await start(t, { limits });
  const silent = await dial();
  const half = (await dial()).send(a2(cookie(1)).subarray(0, 30));
  const alone = (await dial()).send(a2(cookie(2)));
  const other = (await dial()).send(b2(cookie(3)));
  const unbound = await openSession(dial, cookie(4));
  const idle = await openSession(dial, cookie(5));
  await bind(idle);
  const halfPdu = await openSession(dial, cookie(6));
  await bind(halfPdu);
  halfPdu.in.send(requestRun(2, EchoOpnum.AddOne, u32(1)).subarray(0, 20));
  await Promise.all(
    [silent, half, alone, other, unbound.in, unbound.out, halfPdu.in, halfPdu.out].map((p) => p.closed()),
  );
  // A bound session may be idle; all that goes on longer than the times above.
  assert.deepEqual(new Uint8Array(await call(idle, 2, EchoOpnum.AddOne, u32(1))), u32(2));
  assert.deepEqual([server.sessions, server.connections], [1, 2]);
  const count = (text: string): number => lines.filter((line) => line.includes(text)).length;
  assert.deepEqual(
    [count('first PDU does not come') + count('rest of a PDU'), count('setup-timeout'), count('does not bind')],
    [3, 2, 1],
    lines.join('\n'),
  );
});

test('sessions and connections are limited', async (t) => {
  const { dial, server, lines } = await start(t, { limits: { sessions: 2, connections: 5 } });
  await openSession(dial, cookie(1));
  await openSession(dial, cookie(2));
  const third = (await dial()).send(a2(cookie(3)));
  await third.closed();
  assert.equal(server.counts.refused, 1);
  const fifth = await dial();
  await fifth.banner();
  const sixth = await dial();
  await sixth.closed();
  assert.equal(sixth.socket.bytesRead, 0);
  assert.ok(lines.some((line) => line.includes('too many')));
});

test('while it drains nothing begins, and what is under way goes on', async (t) => {
  const { dial, server } = await start(t);
  const session = await openSession(dial);
  await bind(session);
  const halfway = (await dial()).send(a2(cookie(2)));
  await halfway.banner();
  while (server.sessions < 2) await new Promise((resolve) => setImmediate(resolve));
  server.drain();
  const next = (await dial()).send(a2(cookie(3)));
  const next1 = (await dial()).send(bindPdu());
  await Promise.all([next.closed(), next1.closed()]);
  (await dial()).send(b2(cookie(2)));
  await halfway.rts('CONN/C1');
  assert.deepEqual(new Uint8Array(await call(session, 2, EchoOpnum.AddOne, u32(1))), u32(2));
  assert.deepEqual([server.sessions, server.counts.refused], [2, 2]);
});

test('proxies that are cut at any byte of opening, bind and call leave nothing behind', async (t) => {
  const { dial, server } = await start(t);
  const scripts = {
    in: Buffer.concat([b2(cookie(1)), bindPdu(), requestRun(2, EchoOpnum.SourceData, u32(50_000))]),
    out: Buffer.from(a2(cookie(1))),
  };
  const cut = async (who: 'in' | 'out', at: number, order: readonly ('in' | 'out')[], how: 'end' | 'reset') => {
    const peers = new Map<string, Peer>();
    for (const side of order) {
      const peer = await dial();
      peers.set(side, peer);
      peer.send(side === who ? scripts[side].subarray(0, at) : scripts[side]);
      await peer.banner();
    }
    const victim = peers.get(who)?.socket;
    if (how === 'end') victim?.end();
    else victim?.resetAndDestroy();
    for (const [side, peer] of peers) if (side !== who && at < scripts[who].length) peer.socket.end();
    await empty(server);
    for (const peer of peers.values()) peer.socket.destroy();
  };
  let n = 0;
  for (const who of ['in', 'out'] as const) {
    for (let at = 0; at <= scripts[who].length; at += at % 20 === 0 ? 1 : 19) {
      n++;
      await cut(who, at, n % 2 === 0 ? ['in', 'out'] : ['out', 'in'], n % 3 === 0 ? 'reset' : 'end');
    }
  }
  assert.ok(n > 20);
  assert.equal(server.sessions, 0);
  const session = await openSession(dial);
  await bind(session);
});

test('a proxy that reads nothing of what is relayed to it holds up the other, not our memory', {
  timeout: 30_000,
}, async (t) => {
  const { dial, server, lines } = await start(t, { limits: { stallTimeout: 1000 } });
  const session = await openSession(dial);
  await bind(session);
  session.out.socket.pause();
  const ack = encodeAck({ bytesReceived: 0, availableWindow: 65_536, channelCookie: OUT }, Destination.FDOutProxy);
  const flood = Buffer.concat(Array.from({ length: 1000 }, () => ack));
  let accepted = 0;
  const pump = (): void => {
    while (!session.in.over && session.in.socket.write(flood)) accepted += flood.length;
    accepted += flood.length;
  };
  session.in.socket.on('drain', pump);
  pump();
  await session.in.closed();
  // What the kernel's buffers take on both sides of the server, and the little that the server leaves waiting.
  assert.ok(accepted < 20 * 1024 * 1024, `${accepted} bytes were taken`);
  session.out.socket.destroy();
  await empty(server);
  assert.ok(
    lines.some((line) => line.includes('it leaves') && line.includes('bytes waiting')),
    lines.join('\n'),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EchoOpnum } from '../../src/interfaces/echo.ts';
import { Destination } from '../../src/rpch/commands.ts';
import { IN_R1_A2, IN_R1_A6, IN_R1_B1, OUT_R1_A4, OUT_R1_A8 } from '../../src/rpch/pdus.ts';
import { requestRun, u32 } from '../dcerpc/support.ts';
import { IN, NEXT_IN, NEXT_OUT, OUT } from '../rpch/support.ts';
import { bind, call, empty, openSession, outAck, PROXY, type Session, start } from './support.ts';

test('an inbound proxy is replaced: its connection is closed, and calls pass through the other', async (t) => {
  const { dial, server } = await start(t);
  const session = await openSession(dial);
  await bind(session);
  const successor = await dial();
  successor.send(
    IN_R1_A2.encode({
      version: 1,
      virtualConnectionCookie: session.cookie,
      predecessorCookie: IN,
      successorCookie: NEXT_IN,
      ...PROXY,
    }),
  );
  await session.out.rts('IN_R1/A3');
  session.in.send(
    requestRun(2, EchoOpnum.AddOne, u32(1)),
    IN_R1_A6.encode({ successorCookie: NEXT_IN }),
    IN_R1_B1.encode({}),
  );
  await successor.rts('IN_R1/B2');
  await session.in.closed();
  assert.deepEqual(new Uint8Array(await session.out.response(2)), u32(2));
  const renewed: Session = { ...session, in: successor };
  assert.deepEqual(new Uint8Array(await call(renewed, 3, EchoOpnum.AddOne, u32(5))), u32(6));
  assert.deepEqual([server.sessions, server.connections, server.counts.failed], [1, 2, 0]);
  successor.socket.end();
  await session.out.closed();
  await empty(server);
});

/** Opens a session with a short-lived OUT channel and has its outbound proxy replaced, up to OUT_R1/A9. */
async function replaceOutboundProxy(
  dial: Parameters<typeof openSession>[0],
): Promise<Session & { predecessor: Session }> {
  const session = await openSession(dial, undefined, { channelLifetime: 131_072 });
  await bind(session);
  // Three quarters of the lifetime, and the server asks for a successor.
  session.in.send(requestRun(2, EchoOpnum.SourceData, u32(100_000)));
  let received = 60;
  await session.out.response(2, (pdu) => {
    received += pdu.length;
    session.out.send(outAck(received));
  });
  await session.out.rts('OUT_R1/A1');
  const successor = await dial();
  successor.send(
    OUT_R1_A4.encode({
      version: 1,
      virtualConnectionCookie: session.cookie,
      predecessorCookie: OUT,
      successorCookie: NEXT_OUT,
      ...PROXY,
    }),
  );
  await session.out.rts('OUT_R1/A5');
  session.in.send(OUT_R1_A8.encode({ destination: Destination.FDServer, successorCookie: NEXT_OUT }));
  await session.out.rts('OUT_R1/A9');
  return { ...session, out: successor, predecessor: session };
}

test('an outbound proxy is replaced: it may close its connection when it likes', async (t) => {
  const { dial, server } = await start(t);
  const session = await replaceOutboundProxy(dial);
  assert.deepEqual(new Uint8Array(await call(session, 3, EchoOpnum.AddOne, u32(5))), u32(6));
  session.predecessor.out.socket.end();
  await session.predecessor.out.closed();
  while (server.connections > 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(new Uint8Array(await call(session, 4, EchoOpnum.AddOne, u32(6))), u32(7));
  assert.deepEqual([server.sessions, server.counts.failed], [1, 0]);
});

test('... though it may not stay for ever', { timeout: 20_000 }, async (t) => {
  const { dial, server } = await start(t, { limits: { lingerTimeout: 200 } });
  const session = await replaceOutboundProxy(dial);
  await session.predecessor.out.closed();
  assert.deepEqual(new Uint8Array(await call(session, 3, EchoOpnum.AddOne, u32(5))), u32(6));
  assert.deepEqual([server.sessions, server.connections, server.counts.failed], [1, 2, 0]);
});

test('a recycling that is begun and not carried through ends the session', { timeout: 20_000 }, async (t) => {
  const { dial, server, lines } = await start(t, { limits: { recyclingTimeout: 300, setupTimeout: 300 } });
  const session = await openSession(dial);
  await bind(session);
  const successor = await dial();
  successor.send(
    IN_R1_A2.encode({
      version: 1,
      virtualConnectionCookie: session.cookie,
      predecessorCookie: IN,
      successorCookie: NEXT_IN,
      ...PROXY,
    }),
  );
  await Promise.all([successor, session.in, session.out].map((peer) => peer.closed()));
  await empty(server);
  assert.ok(
    lines.some((line) => line.includes('timeout')),
    lines.join('\n'),
  );
});

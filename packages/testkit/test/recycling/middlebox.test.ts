import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Forgetting, Middlebox } from '../../src/middlebox.ts';
import { RawConnection } from '../../src/raw-connection.ts';

const SILENCE = 150;

test('relays bytes and ends both ways, one direction after the other', async (t) => {
  const { client, server, middlebox } = await scene(t, 'resets', Number.POSITIVE_INFINITY);
  client.send('request');
  assert.equal((await server.take(7)).toString(), 'request');
  client.finish();
  assert.equal(await server.untilOver(), 'FIN');
  server.send('answer');
  assert.equal((await client.take(6)).toString(), 'answer');
  server.finish();
  assert.equal(await client.untilOver(), 'FIN');
  const [connection] = middlebox.connections;
  assert.deepEqual(
    [connection?.fromClient, connection?.fromServer],
    [
      { bytes: 7, pieces: 1 },
      { bytes: 6, pieces: 1 },
    ],
  );
});

test("a reset of one side is the other one's", async (t) => {
  const { client, server, middlebox } = await scene(t, 'swallows', 10_000);
  server.cut('RST');
  assert.equal(await client.untilOver(), 'RST');
  assert.equal(middlebox.connections[0]?.open, false);
});

test('a silent connection is reset, at both sides', async (t) => {
  const { client, server, middlebox } = await scene(t, 'resets', SILENCE);
  assert.deepEqual(await Promise.all([client.untilOver(), server.untilOver()]), ['RST', 'RST']);
  const [connection] = middlebox.connections;
  assert.ok((connection?.longestSilence ?? 0) >= SILENCE - 5);
});

test('a byte in either direction is a sign of life', async (t) => {
  const { client, server, middlebox } = await scene(t, 'resets', SILENCE * 2);
  const begun = performance.now();
  for (let i = 0; performance.now() - begun < SILENCE * 5; i++) {
    const [from, to] = i % 2 === 0 ? [client, server] : [server, client];
    from.send('.');
    await to.take(1);
    await new Promise((resolve) => setTimeout(resolve, SILENCE / 2));
  }
  assert.ok(middlebox.connections[0]?.open);
  assert.deepEqual(await Promise.all([client.untilOver(), server.untilOver()]), ['RST', 'RST']);
});

test('what is swallowed tells neither side anything, not even of an end', async (t) => {
  const { client, server, middlebox } = await scene(t, 'swallows', SILENCE);
  client.send('before');
  await server.take(6);
  await waitFor(() => middlebox.connections[0]?.forgottenAt !== undefined);
  client.send('after');
  server.send('after');
  client.finish();
  await new Promise((resolve) => setTimeout(resolve, SILENCE));
  for (const side of [client, server]) assert.deepEqual([side.received.length, side.over], [0, undefined]);
  assert.equal(middlebox.connections[0]?.fromClient.bytes, 6);
});

async function scene(
  t: TestContext,
  forgetting: Forgetting,
  silence: number,
): Promise<{ client: RawConnection; server: RawConnection; middlebox: Middlebox }> {
  const accepted = Promise.withResolvers<RawConnection>();
  const listener: Server = createServer({ allowHalfOpen: true }, (socket) =>
    accepted.resolve(new RawConnection(socket)),
  );
  await new Promise<void>((resolve) => listener.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  const middlebox = await Middlebox.start({ target: { host: '127.0.0.1', port: address.port }, silence, forgetting });
  t.after(async () => {
    await middlebox.stop();
    listener.close();
  });
  const client = await RawConnection.connect({ port: middlebox.port });
  return { client, server: await accepted.promise, middlebox };
}

async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

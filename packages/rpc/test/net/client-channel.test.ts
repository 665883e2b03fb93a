import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ClientChannel, type ClientChannelEvents, MAX_WAITING } from '../../src/net/client-channel.ts';
import type { HttpResponseHead } from '../../src/net/http-response.ts';
import { listen } from './client-scene.ts';

/** A channel to a listener of the test, what it told, and the listener's side. */
async function dial(t: TestContext, asked = true) {
  const told: string[] = [];
  const heads: HttpResponseHead[] = [];
  const accepted = Promise.withResolvers<Socket>();
  const port = await listen(t, (socket) => accepted.resolve(socket));
  const connected = Promise.withResolvers<void>();
  let onTold: () => void = () => {};
  const tell = (what: string): void => {
    told.push(what);
    onTold();
  };
  const events: ClientChannelEvents = {
    connected: () => connected.resolve(),
    challenged: () => tell('challenged'),
    response: (head) => {
      heads.push(head);
      tell(`response ${head.status}`);
    },
    body: (chunk) => tell(`body ${Buffer.from(chunk).toString('latin1')}`),
    drained: () => tell('drained'),
    unreachable: (error) => tell(error.code),
    failed: (error) => tell(String(error)),
    lost: ({ how }) => tell(how),
  };
  const options = { tls: undefined, timeout: 5000, onHop: undefined };
  const request = { server: { host: 'srv', port: 6001 } };
  const channel = new ClientChannel(
    { kind: 'OUT', number: 2, proxy: { host: '127.0.0.1', port } },
    options,
    request,
    events,
  );
  if (asked) channel.request(120);
  t.after(() => channel.close());
  /** Waits until that has been told. */
  const until = (what: string): Promise<void> =>
    new Promise((resolve) => {
      onTold = () => {
        if (told.join(', ').includes(what)) resolve();
      };
      onTold();
    });
  return { channel, told, heads, until, peer: accepted.promise, connected: connected.promise };
}

/** Everything that comes behind the request's head until the other side has finished. */
async function body(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  const bytes = Buffer.concat(chunks);
  return bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
}

test('what is written before TCP is open is sent first, and counts as unsent until then', async (t) => {
  const { channel, peer, connected } = await dial(t);
  channel.write(Buffer.from('one '));
  channel.write(Buffer.from('two '));
  channel.flush();
  assert.deepEqual([channel.unsent, channel.congested], [8, 8]);
  const received = body(await peer);
  await connected;
  channel.write(Buffer.from('three'));
  assert.equal(channel.unsent, 5);
  channel.retire();
  assert.equal((await received).toString(), 'one two three');
});

test('nothing is sent before the request is asked for', async (t) => {
  const { channel, peer, connected } = await dial(t, false);
  channel.write(Buffer.from('one'));
  channel.flush();
  await connected;
  assert.equal(channel.unsent, 3);
  const received = body(await peer);
  channel.request(120);
  channel.write(Buffer.from(' two'));
  channel.retire();
  assert.equal((await received).toString(), 'one two');
});

test('no more than a bound waits for TCP', async (t) => {
  const { channel } = await dial(t);
  channel.write(Buffer.alloc(MAX_WAITING));
  assert.throws(() => channel.write(Buffer.alloc(1)), { code: 'RPCH_CHANNEL_NOT_OPEN' });
});

test('a retired channel sends all of what was written, however slowly it is read, and tells nothing more', async (t) => {
  const { channel, told, peer, connected } = await dial(t);
  await connected;
  const bytes = Buffer.alloc(32 * 1024 * 1024, 7);
  channel.write(bytes);
  channel.flush();
  assert.ok(channel.unsent > 0 && channel.congested > 0);
  channel.retire();
  assert.ok(channel.unsent > 0, 'its bytes must not change yet');
  const socket = await peer;
  socket.write('late');
  assert.ok((await body(socket)).equals(bytes));
  socket.destroy();
  assert.deepEqual(told, []);
  assert.equal(channel.unsent, 0);
});

test('a channel that is closed while it is dialled tells nothing', async (t) => {
  const { channel, told } = await dial(t);
  channel.close();
  channel.write(Buffer.from('nothing'));
  assert.equal(channel.unsent, 0);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, []);
});

test('the response is found wherever it is cut; interim responses are passed over', async (t) => {
  const text = 'HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 Success\r\nA: b\r\n\r\n';
  for (const size of [1, 7, text.length]) {
    const { heads, told, until, peer } = await dial(t);
    const socket = await peer;
    for (let at = 0; at < text.length; at += size) {
      socket.write(text.slice(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('response 200');
    socket.write('body');
    await until('body body');
    assert.deepEqual(told, ['response 200', 'body body']);
    assert.equal(heads[0]?.field('a'), 'b');
  }
});

test('how a connection ended', async (t) => {
  const closed = await dial(t);
  (await closed.peer).end();
  await closed.until('closed');
  const reset = await dial(t);
  await reset.connected;
  (await reset.peer).resetAndDestroy();
  await reset.until('reset');
  assert.deepEqual([closed.told, reset.told], [['closed'], ['reset']]);
});

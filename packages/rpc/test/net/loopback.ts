import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Listens on loopback; everything is closed after the test. Returns the port. */
export async function listenOn(t: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A pair of connected sockets: ours, paused and with nobody listening, and the other side's. */
export async function socketPair(t: TestContext): Promise<{ ours: Socket; theirs: Socket }> {
  const accepted = Promise.withResolvers<Socket>();
  const port = await listenOn(t, (socket) => accepted.resolve(socket));
  const ours = connect({ port, host: '127.0.0.1', noDelay: true });
  ours.pause();
  t.after(() => ours.destroy());
  await once(ours, 'connect');
  return { ours, theirs: await accepted.promise };
}

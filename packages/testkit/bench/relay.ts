import { connect, createServer, type Socket } from 'node:net';

/**
 * A byte relay over TCP in bare Node: what any program in Node must pay for a hop, before it understands a byte.
 *
 *     node relay.ts LISTEN_PORT SERVER_PORT     loopback only; prints `ready` on stderr when it accepts
 */
const BACKLOG = 4096;

function portArgument(at: number): number {
  const port = Number(process.argv[at]);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  console.error('usage: relay.ts LISTEN_PORT SERVER_PORT');
  process.exit(2);
}

function carry(from: Socket, to: Socket): void {
  from.on('data', (chunk) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  // An error is followed by close, which is where both ends go together.
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

const listenPort = portArgument(2);
const serverPort = portArgument(3);
const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port: serverPort, noDelay: true });
  carry(client, upstream);
  carry(upstream, client);
});
server.listen({ host: '127.0.0.1', port: listenPort, backlog: BACKLOG }, () => console.error('ready'));

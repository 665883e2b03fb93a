import type { Socket } from 'node:net';
import { requestHead, ScriptedClient } from '../../src/scripted-client.ts';
import type { Arena } from './arena.ts';
import { ended } from './stream-attacks.ts';

type Job = () => Promise<void>;

/** Where attacks come from that use up the quotas of their address. */
const ELSEWHERE = '127.0.0.66';
/** Who takes nothing for so long takes nothing more, ms. */
const STUCK = 50;

/** Heads that are too long, have too many fields, or break the grammar: 4xx and the end, at once. */
export function* badHeads(arena: Arena): Iterable<Job> {
  const good = requestHead('RPC_IN_DATA', { ...arena.options(), contentLength: 0 });
  const heads: Readonly<Record<string, string>> = {
    'a thousand fields': good.replace('\r\n\r\n', `\r\n${'X: y\r\n'.repeat(1000)}\r\n`),
    'one field of a megabyte': good.replace('\r\n\r\n', `\r\nX: ${'y'.repeat(1024 * 1024)}\r\n\r\n`),
    'a request line without end': `RPC_IN_DATA /${'x'.repeat(1024 * 1024)}`,
    'a target too long': good.replace('rpcproxy.dll', 'x'.repeat(5000)),
    'a folded field': good.replace('\r\n\r\n', '\r\nX: y\r\n z\r\n\r\n'),
    'a space before the colon': good.replace('\r\n\r\n', '\r\nX : y\r\n\r\n'),
    'a field without name': good.replace('\r\n\r\n', '\r\n: y\r\n\r\n'),
    'a NUL in a field': good.replace('\r\n\r\n', '\r\nX: \0\r\n\r\n'),
    'bare line feeds': good.replaceAll('\r\n', '\n'),
    'another version': good.replace('HTTP/1.1', 'HTTP/2.0'),
    'no version': good.replace(' HTTP/1.1', ''),
    'a method too long': good.replace('RPC_IN_DATA', `RPC_${'X'.repeat(100)}`),
    'a port that is none': good.replace(/\?[^ ]*/, '?server:65536').replace('Content-Length: 0', 'Content-Length: 100'),
  };
  for (const [what, head] of Object.entries(heads)) {
    yield async () => {
      const connection = await arena.connect();
      connection.send(head);
      await ended(connection, what);
    };
  }
}

/** Heads that come a byte at a time and never end: the time for a head is for the whole of it. */
export function* slowHeads(arena: Arena, count: number): Iterable<Job> {
  const head = requestHead('RPC_IN_DATA', arena.options());
  for (let i = 0; i < count; i++) {
    yield async () => {
      const connection = await arena.connect({ localAddress: ELSEWHERE });
      let sent = 0;
      const timer = setInterval(() => connection.send(head.charAt(sent++ % (head.length - 4))), 20);
      await ended(connection, 'a slow head').finally(() => clearInterval(timer));
    };
  }
}

/** Connections that say nothing, more than one address may have: each is gone in the end, the oldest first. */
export function* idleConnections(arena: Arena, count: number): Iterable<Job> {
  for (let i = 0; i < count; i++) {
    yield async () => {
      const connection = await arena.connect({ localAddress: ELSEWHERE });
      await ended(connection, 'an idle connection');
    };
  }
}

/** Requests without end on one connection, whose answers nobody reads: until nothing more is taken. */
export function* unreadAnswers(arena: Arena): Iterable<Job> {
  const requests: readonly string[] = [
    requestHead('RPC_IN_DATA', { ...arena.options(), contentLength: 0 }),
    requestHead('RPC_IN_DATA', { server: '', contentLength: 0 }),
    requestHead('GET', { server: '', contentLength: 0 }),
    'RPC_ / HTTP/1.1\r\n\r\n',
  ];
  for (const request of requests) {
    yield async () => {
      const connection = await arena.connect();
      connection.stopReading();
      const many = Buffer.from(request.repeat(Math.ceil((64 * 1024) / request.length)));
      for (let sent = 0; sent < 64 && (await isTaken(connection.socket, many)); sent++);
      connection.cut('RST');
    };
  }
}

/** Logins that are wrong, from an address of their own, and refused sessions: what is refused leaves nothing. */
export function* refusals(arena: Arena, count: number): Iterable<Job> {
  for (let i = 0; i < count; i++) {
    yield async () => {
      const server = i % 2 === 0 ? `127.0.0.2:${arena.server.port}` : 'elsewhere:135';
      const client = new ScriptedClient({ ...arena.options(), server });
      await client.openOut();
      await client.openIn();
      await Promise.all([client.in, client.out].map((connection) => ended(connection, 'a refused channel')));
    };
  }
}

/** Writes, and waits for room for as long as there is hope of it. */
function isTaken(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (taken: boolean): void => {
      clearTimeout(timer);
      socket.off('drain', onDrain);
      socket.off('close', onClose);
      resolve(taken);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = setTimeout(onClose, STUCK);
    socket.on('drain', onDrain);
    socket.on('close', onClose);
    if (socket.destroyed || socket.write(bytes)) settle(!socket.destroyed);
  });
}

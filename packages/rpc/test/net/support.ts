import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A client's side of a loopback connection: keeps what came in as text. */
export class TextClient {
  readonly socket: Socket;
  /** How the connection ended; undefined while it has not. */
  ended: 'end' | 'error' | undefined;
  #text = '';
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      this.#wake();
    });
    socket.on('error', () => {
      this.ended ??= 'error';
    });
    socket.on('end', () => {
      this.ended ??= 'end';
      this.#wake();
    });
    socket.on('close', () => {
      this.ended ??= 'error';
      this.#wake();
    });
  }

  /** Sends, and waits until the kernel has it. */
  send(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve) =>
      this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, () => resolve()),
    );
  }

  /** Takes what came up to and with the first match; fails when the connection ends before. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text);
      if (match !== null) {
        const end = match.index + match[0].length;
        const taken = this.#text.slice(0, end);
        this.#text = this.#text.slice(end);
        return taken;
      }
      assert.equal(this.ended, undefined, `ended before ${pattern}; got ${JSON.stringify(this.#text)}`);
      await this.#more();
    }
  }

  /** One reply without a body. */
  reply(): Promise<string> {
    return this.until(/\r\n\r\n/);
  }

  /** Waits for the end and returns what came before it. */
  async rest(): Promise<string> {
    while (this.ended === undefined) await this.#more();
    return this.#text;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A server on loopback that hands each connection to `accept`, and a way to dial it. Both are gone when the test is over. */
export async function serve(t: TestContext, accept: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Waited for: a socket that closed only during the next test would stop timers that are mocked there.
  t.after(async () => {
    server.close();
    for (const socket of sockets) await gone(socket);
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const { port } = address;
  return async (): Promise<TextClient> => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    t.after(() => gone(socket));
    const client = new TextClient(socket);
    await once(socket, 'connect');
    return client;
  };
}

async function gone(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.destroy();
  await closed;
}

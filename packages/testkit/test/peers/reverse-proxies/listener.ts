import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { RawConnection } from '../../../src/raw-connection.ts';

/** A TCP server that keeps what comes and says nothing. */
export class Listener {
  readonly port: number;
  readonly #server: Server;
  readonly #connections: RawConnection[] = [];
  readonly #waiting: RawConnection[] = [];
  #wake: (() => void) | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      const connection = new RawConnection(socket);
      this.#connections.push(connection);
      this.#waiting.push(connection);
      this.#wake?.();
    });
  }

  static async open(): Promise<Listener> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Listener(server);
  }

  /** The next connection on which something came: those that only knock are passed over. */
  async next(): Promise<RawConnection> {
    for (;;) {
      const connection = this.#waiting.shift();
      if (connection === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      await Promise.race([connection.ended, connection.until((bytes) => bytes.length > 0 || undefined, 'a byte')]);
      if (connection.received.length > 0) return connection;
    }
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.cut('FIN');
  }
}

import { createServer, type Server } from 'node:net';
import { PduType } from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH, callIdOf, pduLength, responsePdu } from './plain-pdus.ts';
import { RawConnection } from './raw-connection.ts';

/** What the script does when a request is in; the default sends its stub back. */
export type OnRequest = (connection: StubConnection, request: Buffer) => void;

/** One connection that the proxy opened. */
export class StubConnection extends RawConnection {
  /** Sends a request's stub back as its response. */
  reply(request: Buffer): void {
    this.send(responsePdu(callIdOf(request), request.subarray(CALL_HEADER_LENGTH)));
  }
}

/** A plain TCP RPC server (`ncacn_ip_tcp`) that does what a script says: replies, stalls, cuts, speaks nonsense. */
export class RpcServerStub {
  readonly port: number;
  /** All connections so far, in order. */
  readonly connections: StubConnection[] = [];
  onRequest: OnRequest = (connection, request) => connection.reply(request);
  readonly #server: Server;
  #wakers: (() => void)[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('connection', (socket) => {
      const connection = new StubConnection(socket);
      this.connections.push(connection);
      socket.on('data', () => this.#requests(connection));
      for (const wake of this.#wakers.splice(0)) wake();
    });
  }

  static async listen(host = '127.0.0.1'): Promise<RpcServerStub> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new RpcServerStub(server, address.port);
  }

  /** The connection of that number, once there is one. */
  async connection(number = 0): Promise<StubConnection> {
    for (;;) {
      const connection = this.connections[number];
      if (connection !== undefined) return connection;
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }

  /** Takes whole PDUs off what came in. An RTS PDU has no business here: it fails the test loudly. */
  #requests(connection: StubConnection): void {
    for (;;) {
      const length = pduLength(connection.received);
      if (length === undefined || connection.received.length < length) return;
      const pdu = connection.takeNow(length);
      if (pdu[2] === PduType.rts) throw new Error('the proxy sent an RTS PDU to a plain TCP server');
      if (pdu[2] === PduType.request) this.onRequest(connection, pdu);
    }
  }
}

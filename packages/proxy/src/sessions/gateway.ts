import {
  Deframer,
  type EndpointRuntime,
  Leg,
  MAX_IN_FLIGHT,
  type PduSink,
  ProtocolError,
  RpchError,
  type RuntimeConnection,
  type RuntimeFactory,
} from '@rpch/rpc/internal';
import type { HostPort } from '../access/connect-to.ts';
import type { Lookup } from '../access/resolve.ts';
import { dial, KEEPALIVE_DELAY } from './backend.ts';
import { LINGER } from './channel.ts';
import { Deadline } from './deadline.ts';

export interface GatewayOptions {
  /** The plain TCP server (`ncacn_ip_tcp`). */
  readonly connect: HostPort;
  /** How long dialling may take, ms. */
  readonly connectTimeout: number;
  readonly lookup: Lookup;
}

/**
 * What stands behind an `ncacn_http` endpoint of the proxy: plain TCP to an RPC server that knows nothing of HTTP, one
 * connection for each virtual connection. So several proxies share such a server: the server's role is where the endpoint is.
 */
export function gatewayRuntimes(options: GatewayOptions): RuntimeFactory {
  return { open: (_, connection) => new GatewayRuntime(connection, options) };
}

class GatewayRuntime implements EndpointRuntime {
  readonly #connection: RuntimeConnection;
  readonly #deadline: Deadline;
  readonly #deframer = new Deframer();
  readonly #fromServer: PduSink;
  #server: Leg | undefined;
  /** PDUs that came before the server was connected. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #blocked = false;
  #over = false;

  constructor(connection: RuntimeConnection, options: GatewayOptions) {
    this.#connection = connection;
    this.#deadline = new Deadline(options.connectTimeout);
    this.#fromServer = {
      rpc: (run, count) => connection.send(run, count),
      rts: () => {
        throw new ProtocolError('RPCH_RTS_ON_TCP', 'RTS PDU from a plain TCP server', '[MS-RPCH] 3.2.5');
      },
    };
    connection.pause(true);
    this.#dial(options).catch((cause: unknown) => {
      this.#fail(new RpchError('RPCH_INTERNAL', 'caller', String(cause), { cause }));
    });
  }

  receive(run: Uint8Array): void {
    if (this.#server !== undefined) {
      this.#server.write(run);
      return;
    }
    this.#heldBytes += run.length;
    if (this.#heldBytes > MAX_IN_FLIGHT) {
      throw new ProtocolError('RPCH_WINDOW_OVERRUN', 'more came than the window allows', '[MS-RPCH] 3.2.1.4.1');
    }
    this.#held.push(new Uint8Array(run));
  }

  blocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#server?.pause(blocked);
  }

  flush(): void {
    this.#server?.flush();
  }

  tick(): void {}

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.pass();
    this.#server?.close(LINGER);
  }

  async #dial({ connect, lookup }: GatewayOptions): Promise<void> {
    const dialled = await dial(connect, {}, lookup, this.#deadline);
    this.#deadline.lift();
    if (dialled.kind === 'failed') {
      this.#fail(new RpchError('RPCH_CONNECT', 'network', dialled.why));
      return;
    }
    if (this.#over) {
      dialled.socket.destroy();
      return;
    }
    const server = new Leg(dialled.socket, {
      data: (chunk) => this.#data(chunk),
      blocked: (blocked) => this.#connection.pause(blocked),
      closed: (error) => this.#closed(error),
    });
    this.#server = server;
    server.keepAlive(KEEPALIVE_DELAY);
    for (const run of this.#held) server.write(run);
    this.#held = [];
    server.flush();
    this.#connection.pause(false);
    server.start();
    if (this.#blocked) server.pause(true);
  }

  #data(chunk: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#deframer.push(chunk, this.#fromServer);
    } catch (error) {
      this.#fail(
        error instanceof RpchError ? error : new RpchError('RPCH_INTERNAL', 'caller', String(error), { cause: error }),
      );
      return;
    }
    this.#connection.flush();
  }

  #closed(error: Error | undefined): void {
    this.#fail(
      error && new RpchError('RPCH_CONNECTION_LOST', 'network', `the server: ${error.message}`, { cause: error }),
    );
  }

  #fail(why: RpchError | undefined): void {
    if (this.#over) return;
    this.close();
    this.#connection.end(why);
  }
}

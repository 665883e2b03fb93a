import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Deframer, type PduSink } from '../../src/dcerpc/deframer.ts';
import type { RpchError } from '../../src/errors.ts';
import { type HttpClientOptions, type HttpVirtualConnection, openOverHttp } from '../../src/net/http-client.ts';
import type { HttpHead } from '../../src/net/http-head.ts';
import type { Leg } from '../../src/net/leg.ts';
import { type HttpReply, RpcHttpConnection } from '../../src/net/rpc-http-connection.ts';
import { ClientConduct } from '../../src/rpch/client-conduct.ts';
import { InboundProxy } from '../../src/rpch/inbound-proxy.ts';
import { OpenStart } from '../../src/rpch/open-start.ts';
import { OutboundProxy } from '../../src/rpch/outbound-proxy.ts';
import { readInOpening, readOutOpening } from '../../src/rpch/proxy-opening.ts';
import type { RoleEnd } from '../../src/rpch/role.ts';
import { Server, type ServerLeg } from '../../src/rpch/server.ts';
import { readServerOpening } from '../../src/rpch/server-opening.ts';

/** The least that a channel may live ([MS-RPCH] 2.2.3.5.5), bytes. */
export const SHORT_LIFETIME = 128 * 1024;
const LIMITS = { headBytes: 4096, headTimeout: 30_000, idleTimeout: 30_000 };
const CLIENT_ADDRESS = { family: 4, address: Uint8Array.of(127, 0, 0, 1) } as const;

export interface SceneOptions {
  /** Content-Length of OUT channels, bytes. */
  readonly lifetime?: number;
  /** Receive window of proxies and server, bytes. */
  readonly window?: number;
  /** What a proxy answers to a request instead of taking it as a channel; `proxy` counts from 0. */
  readonly answer?: (head: HttpHead, proxy: number) => HttpReply | undefined;
}

/** A request that a proxy got. */
export interface SeenRequest {
  readonly proxy: number;
  readonly head: HttpHead;
  readonly socket: Socket;
}

/**
 * The other three roles on real sockets: proxies that accept HTTP, and behind them, joined in memory, the server's role with
 * a run-time that a test makes: by default it sends every PDU back.
 */
export class Scene {
  readonly requests: SeenRequest[] = [];
  /** Ports of the proxies. */
  readonly ports: number[] = [];
  readonly servers = new Map<string, Server>();
  /** What a proxy or server role ended with, but for `recycled`. */
  readonly ends: (RoleEnd | Error)[] = [];
  /** Whether the end of one channel ends the other. */
  endsTogether = true;
  /** The server's run-time. */
  toRuntime: (server: Server, run: Uint8Array, count: number) => void = (server, run, count) => {
    server.fromRuntime(new Uint8Array(run), count);
  };
  readonly #options: SceneOptions;
  readonly #inbound = new Map<string, InboundProxy>();
  readonly #outbound = new Map<string, OutboundProxy>();
  readonly #legs = new Set<Leg>();

  private constructor(options: SceneOptions) {
    this.#options = options;
  }

  /** Starts so many proxies; all is gone when the test is over. */
  static async start(t: TestContext, proxies: number, options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(options);
    for (let number = 0; number < proxies; number++) {
      scene.ports.push(await listen(t, (socket) => scene.#accept(socket, number)));
    }
    return scene;
  }

  /** Sends what all legs were given. */
  flush(): void {
    for (const leg of this.#legs) leg.flush();
  }

  /** Heads of the requests with this method so far, in order. */
  heads(method: 'RPC_IN_DATA' | 'RPC_OUT_DATA'): HttpHead[] {
    return this.requests.filter(({ head }) => head.method === method).map(({ head }) => head);
  }

  #accept(socket: Socket, number: number): void {
    new RpcHttpConnection(socket, Buffer.alloc(0), LIMITS, {
      request: (connection, head) => {
        this.requests.push({ proxy: number, head, socket });
        const reply = this.#options.answer?.(head, number);
        if (reply !== undefined) connection.reply(reply);
        else if (head.method === 'RPC_IN_DATA')
          this.#channel(connection, (leg, deframer) => this.#beginIn(leg, deframer, number));
        else this.#channel(connection, (leg) => this.#beginOut(leg, number));
      },
      closed: () => {},
    });
  }

  #channel(connection: RpcHttpConnection, begin: (leg: Leg, deframer: Deframer) => ChannelStart): void {
    const deframer = new Deframer();
    let over = (): boolean => false;
    const leg = connection.accept({
      data: (chunk) => {
        try {
          if (!over()) deframer.push(chunk, start);
        } catch (error) {
          this.#end(error instanceof Error ? error : new Error(String(error)));
        }
        this.flush();
      },
      blocked: () => {},
      closed: () => {
        this.#legs.delete(leg);
        if (!over() && this.endsTogether) this.#closeAll();
      },
    });
    this.#legs.add(leg);
    const { start, isOver } = begin(leg, deframer);
    over = isOver;
    leg.start();
  }

  #beginIn(leg: Leg, deframer: Deframer, number: number): ChannelStart {
    const { window: receiveWindow = 65_536 } = this.#options;
    let handle: { readonly from: PduSink; readonly over: boolean } | undefined;
    const start = new OpenStart((pdu) => {
      const opening = readInOpening(pdu);
      const key = keyOf(number, opening.virtualConnectionCookie);
      const client = {
        pauseClient: (paused: boolean) => leg.pause(paused),
        get pending() {
          return deframer.pending;
        },
        close: () => leg.close(1000, true),
      };
      const known = this.#inbound.get(key);
      if (opening.kind === 'IN_R/A1' && known !== undefined) {
        handle = known.succeed(client, opening);
        return handle.from;
      }
      const server = new ServerSide(this, () => role.fromServer);
      const role: InboundProxy = new InboundProxy(
        {
          toServer: server.sink,
          opened: () => {},
          keepAlive: () => {},
          wakeAfter: () => {},
          leaving: () => this.#inbound.delete(key),
          ended: (end) => {
            if (end !== 'recycled') {
              this.#end(end);
              return;
            }
            leg.close(1000, true);
            server.closed();
          },
        },
        {
          receiveWindow,
          connectionTimeout: 120_000,
          clientAddress: CLIENT_ADDRESS,
          conduct: new ClientConduct(1),
          recyclingTimeout: 10_000,
        },
        client,
        opening,
      );
      this.#inbound.set(key, role);
      handle = role.client;
      role.serverConnected();
      return role.client.from;
    });
    return { start, isOver: () => handle?.over === true };
  }

  #beginOut(leg: Leg, number: number): ChannelStart {
    const { lifetime: channelLifetime = 1024 ** 3, window: receiveWindow = 65_536 } = this.#options;
    let handle: { readonly from: PduSink; readonly over: boolean } | undefined;
    const start = new OpenStart((pdu) => {
      const opening = readOutOpening(pdu);
      const key = keyOf(number, opening.virtualConnectionCookie);
      const client = {
        toClient: { rpc: (run: Uint8Array) => leg.write(run), rts: (rts: Uint8Array) => leg.write(rts) },
        respond: () => leg.write(okHead(channelLifetime)),
        close: () => leg.close(1000, true),
      };
      const known = this.#outbound.get(key);
      if (opening.kind === 'OUT_R/A3' && known !== undefined) {
        handle = known.succeed(client, opening);
        return handle.from;
      }
      const server = new ServerSide(this, () => role.fromServer);
      const role: OutboundProxy = new OutboundProxy(
        {
          toServer: server.sink,
          opened: () => {},
          wakeAfter: () => {},
          leaving: () => this.#outbound.delete(key),
          ended: (end) => {
            if (end !== 'recycled') {
              this.#end(end);
              return;
            }
            leg.close(1000, true);
            server.closed();
          },
        },
        {
          receiveWindow,
          channelLifetime,
          connectionTimeout: 120_000,
          conduct: new ClientConduct(1),
          recyclingTimeout: 10_000,
        },
        client,
        opening,
      );
      this.#outbound.set(key, role);
      handle = role.client;
      role.serverConnected();
      return role.client.from;
    });
    return { start, isOver: () => handle?.over === true };
  }

  /** The server role of the virtual connection with this cookie; made where there is none. */
  server(cookie: Uint8Array): Server {
    const key = Buffer.from(cookie).toString('hex');
    const server = this.servers.get(key) ?? this.#newServer();
    this.servers.set(key, server);
    return server;
  }

  #newServer(): Server {
    const server: Server = new Server(
      {
        toRuntime: (run, count) => this.toRuntime(server, run, count),
        opened: () => {},
        pauseRuntime: () => {},
        mayRecycle: true,
        ended: (end) => this.#end(end),
      },
      { receiveWindow: this.#options.window ?? 65_536, setupTimeout: 10_000, recyclingTimeout: 10_000 },
    );
    return server;
  }

  #end(end: RoleEnd | Error): void {
    this.ends.push(end);
    this.#closeAll();
  }

  #closeAll(): void {
    for (const leg of this.#legs) leg.close(1000);
    this.#legs.clear();
  }
}

/** A proxy's leg to the server: its first PDU finds the role. */
class ServerSide {
  readonly sink: PduSink;
  #leg: ServerLeg | undefined;

  constructor(scene: Scene, back: () => PduSink) {
    this.sink = new OpenStart((pdu) => {
      const opening = readServerOpening(pdu);
      const port = {
        rpc: (run: Uint8Array, count: number) => back().rpc(run, count),
        rts: (rts: Uint8Array) => back().rts(rts),
        close: () => {},
      };
      this.#leg = scene.server(opening.virtualConnectionCookie).attach(port, opening);
      return this.#leg.from;
    });
  }

  /** The proxy has left; a connection would tell the server a little later. */
  closed(): void {
    process.nextTick(() => this.#leg?.closed());
  }
}

interface ChannelStart {
  readonly start: PduSink;
  isOver(): boolean;
}

function keyOf(proxy: number, cookie: Uint8Array): string {
  return `${proxy} ${Buffer.from(cookie).toString('hex')}`;
}

function okHead(contentLength: number): Buffer {
  const fields = `Content-Type: application/rpc\r\nContent-Length: ${contentLength}`;
  return Buffer.from(`HTTP/1.1 200 Success\r\n${fields}\r\n\r\n`, 'latin1');
}

/** A client of a test: what came in, and how it ended. */
export class TestClient {
  readonly received: Uint8Array[] = [];
  bytes = 0;
  closed: RpchError | undefined;
  /** Told after every run. */
  onReceived: () => void = () => {};
  /** Told when the connection has ended. */
  onClosed: (error: RpchError) => void = () => {};
}

/** A listener on loopback; it and its connections are gone when the test is over. Returns its port. */
export async function listen(t: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Waited for: a socket that closed only during the next test would stop timers that are mocked there.
  t.after(async () => {
    server.close();
    for (const socket of sockets) {
      if (socket.closed) continue;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    }
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Opens a virtual connection to port `port` of this machine; closed when the test is over. */
export async function open(
  t: TestContext,
  port: number,
  options: Partial<HttpClientOptions> = {},
): Promise<{ readonly client: TestClient; readonly connection: HttpVirtualConnection }> {
  const client = new TestClient();
  const connection = await openOverHttp({
    proxy: { host: '127.0.0.1', port },
    server: { host: 'srv', port: 6001 },
    random: randomBytes,
    onPdus: (run) => {
      client.received.push(new Uint8Array(run));
      client.bytes += run.length;
      client.onReceived();
    },
    onClosed: (error) => {
      client.closed = error;
      client.onClosed(error);
    },
    ...options,
  });
  t.after(() => connection.close());
  return { client, connection };
}

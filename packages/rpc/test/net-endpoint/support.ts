import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Deframer } from '../../src/dcerpc/deframer.ts';
import { PduType } from '../../src/dcerpc/header.ts';
import { openPdu } from '../../src/dcerpc/pdu.ts';
import { decodeResponse } from '../../src/dcerpc/response.ts';
import { echoInterface } from '../../src/interfaces/echo.ts';
import type { HttpEndpoint } from '../../src/net/http-endpoint.ts';
import { type HttpServerOptions, serveHttp } from '../../src/net/http-server.ts';
import type { ListenAddress } from '../../src/net/listening.ts';
import { encodeAck } from '../../src/rpch/ack-codec.ts';
import { CONN_A2, CONN_B2, CONN_B3, CONN_C1, namesOf } from '../../src/rpch/pdus.ts';
import { parseRts } from '../../src/rpch/rts.ts';
import { bindPdu, cut, requestRun } from '../dcerpc/support.ts';
import { cookie, GROUP, IN, OUT } from '../rpch/support.ts';

export const BANNER = 'ncacn_http/1.0';
/** How long a test waits for what must come, ms. */
const PATIENCE = 10_000;

/** Everything but the interfaces may be changed; what the server logged is in `lines`. */
export async function start(t: TestContext, options: Partial<HttpServerOptions> = {}) {
  const lines: string[] = [];
  const server = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    interfaces: [echoInterface],
    log: (line) => lines.push(line),
    ...options,
  } as HttpServerOptions);
  t.after(() => server.close());
  return { server, lines, dial: (from?: string) => Peer.dial(t, { host: '127.0.0.1', port: server.port }, from) };
}

/** A proxy's connection to the server, or a client's of version 1, in the hands of a test. */
export class Peer {
  readonly socket: Socket;
  readonly #pdus: Uint8Array[] = [];
  readonly #deframer = new Deframer();
  #banner = Buffer.alloc(0);
  #wake = (): void => {};
  #over = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      const missing = Math.min(BANNER.length - this.#banner.length, chunk.length);
      this.#banner = Buffer.concat([this.#banner, chunk.subarray(0, missing)]);
      const keep = (bytes: Uint8Array): void => {
        this.#pdus.push(...cut(bytes));
      };
      if (missing < chunk.length) this.#deframer.push(chunk.subarray(missing), { rpc: keep, rts: keep });
      this.#wake();
    });
    // A connection that the server cuts off may end in a reset here; what matters is that it closes.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#over = true;
      this.#wake();
    });
  }

  static async dial(t: TestContext, to: ListenAddress, localAddress?: string): Promise<Peer> {
    const socket = connect({ ...to, ...(localAddress === undefined ? {} : { localAddress }) });
    t.after(() => socket.destroy());
    const peer = new Peer(socket);
    await once(socket, 'connect');
    return peer;
  }

  get over(): boolean {
    return this.#over;
  }

  /** PDUs that came and were not taken. */
  get waiting(): number {
    return this.#pdus.length;
  }

  send(...pieces: readonly Uint8Array[]): this {
    this.socket.write(Buffer.concat(pieces));
    return this;
  }

  async banner(): Promise<string> {
    while (this.#banner.length < BANNER.length) await this.#more();
    return this.#banner.toString('latin1');
  }

  /** The next PDU; fails when the connection closes without one. */
  async pdu(): Promise<Uint8Array> {
    for (;;) {
      const next = this.#pdus.shift();
      if (next !== undefined) return next;
      await this.#more();
    }
  }

  /** The next RTS PDU, which must be of that name. */
  async rts(name: string): Promise<Uint8Array> {
    const pdu = await this.pdu();
    assert.equal(pdu[2], PduType.rts, `an RPC PDU in place of ${name}`);
    assert.ok(namesOf(parseRts(pdu)).includes(name), `${namesOf(parseRts(pdu)).join('/')} in place of ${name}`);
    return pdu;
  }

  /** The next RPC PDU. */
  async rpc(): Promise<Uint8Array> {
    for (;;) {
      const pdu = await this.pdu();
      if (pdu[2] !== PduType.rts) return pdu;
    }
  }

  /** The connection is closed; what came before is dropped. */
  async closed(): Promise<void> {
    while (!this.#over) await this.#more(true);
  }

  /** The stub of a whole response. */
  async response(callId: number, onPdu?: (pdu: Uint8Array) => void): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const pdu = await this.rpc();
      onPdu?.(pdu);
      const response = decodeResponse(openPdu(pdu));
      assert.equal(response.callId, callId);
      parts.push(response.stub);
      if ((response.pfcFlags & 2) !== 0) return Buffer.concat(parts);
    }
  }

  async #more(mayClose = false): Promise<void> {
    if (this.#over) {
      assert.ok(mayClose, 'the connection has closed');
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nothing came')), PATIENCE);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Windows and times of the proxies' first PDUs. */
export const PROXY = { receiveWindowSize: 65_536, connectionTimeout: 120_000, channelLifetime: 1024 ** 3 };

export function a2(virtualConnectionCookie: Uint8Array, changes: Partial<typeof PROXY> = {}): Uint8Array {
  return CONN_A2.encode({ version: 1, virtualConnectionCookie, outChannelCookie: OUT, ...PROXY, ...changes });
}

export function b2(virtualConnectionCookie: Uint8Array, associationGroupId = GROUP, host = 9): Uint8Array {
  return CONN_B2.encode({
    version: 1,
    virtualConnectionCookie,
    inChannelCookie: IN,
    ...PROXY,
    associationGroupId,
    clientAddress: { family: 4, address: Uint8Array.of(192, 0, 2, host) },
  });
}

/** A session in the hands of a test that plays both proxies. */
export interface Session {
  readonly in: Peer;
  readonly out: Peer;
  readonly cookie: Uint8Array;
}

/** Opens a virtual connection and takes CONN/C1 and B3. */
export async function openSession(
  dial: () => Promise<Peer>,
  vc: Uint8Array = cookie(0x11),
  changes: Partial<typeof PROXY> = {},
): Promise<Session> {
  const [out, inbound] = [await dial(), await dial()];
  out.send(a2(vc, changes));
  inbound.send(b2(vc));
  const c1 = CONN_C1.decode(parseRts(await out.rts('CONN/C1')));
  assert.deepEqual(c1, {
    version: 1,
    receiveWindowSize: PROXY.receiveWindowSize,
    connectionTimeout: PROXY.connectionTimeout,
  });
  const b3 = CONN_B3.decode(parseRts(await inbound.rts('CONN/B3')));
  assert.deepEqual(b3, { receiveWindowSize: 65_536, version: 1 });
  return { in: inbound, out, cookie: vc };
}

/** Binds rpcecho. */
export async function bind(session: Session): Promise<void> {
  session.in.send(bindPdu());
  assert.equal((await session.out.rpc())[2], PduType.bind_ack);
}

export async function call(session: Session, callId: number, opnum: number, stub: Uint8Array): Promise<Buffer> {
  session.in.send(requestRun(callId, opnum, stub));
  return await session.out.response(callId);
}

/** What the outbound proxy says after it has received so many bytes of RPC PDUs. */
export function outAck(bytesReceived: number, availableWindow = 65_536, channelCookie = OUT): Uint8Array {
  return encodeAck({ bytesReceived, availableWindow, channelCookie });
}

/** Waits until nothing of an endpoint is left: its sessions and connections end with events that come later than ours. */
export async function empty(server: HttpEndpoint): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (server.sessions > 0 || server.connections > 0) {
    assert.ok(performance.now() < deadline, `${server.sessions} sessions, ${server.connections} connections are left`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

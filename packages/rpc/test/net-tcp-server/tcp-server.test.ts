import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { decodeBindAck } from '../../src/dcerpc/bind-ack.ts';
import { Deframer } from '../../src/dcerpc/deframer.ts';
import { PduType } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import { decodeResponse } from '../../src/dcerpc/response.ts';
import type { RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import { NDR } from '../../src/dcerpc/syntax-id.ts';
import { ECHO, EchoOpnum, echoInterface } from '../../src/interfaces/echo.ts';
import { EndpointRegistry } from '../../src/interfaces/endpoint-registry.ts';
import { mgmtDeclaration } from '../../src/interfaces/mgmt.ts';
import { serveTcp, type TcpServerOptions } from '../../src/net/tcp-server.ts';
import { bindPdu, cut, requestRun, sizedBytes, u32 } from '../dcerpc/support.ts';

async function start(t: TestContext, options: Partial<TcpServerOptions> = {}) {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [echoInterface], log, ...options });
  t.after(() => server.close());
  return { server, lines, dial: () => Client.dial(t, server.port) };
}

/** A client that sends bytes and collects PDUs. */
class Client {
  readonly socket: Socket;
  readonly #pdus: Uint8Array[] = [];
  readonly #deframer = new Deframer();
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Uint8Array) => {
      this.#deframer.push(chunk, {
        rpc: (run) => this.#pdus.push(...cut(run)),
        rts: () => assert.fail('an RTS PDU'),
      });
      this.#wake();
    });
    socket.on('close', () => this.#wake());
    // A connection that the server cuts off may end in a reset here; what matters is that it closes.
    socket.on('error', () => {});
  }

  static async dial(t: TestContext, port: number): Promise<Client> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    t.after(() => socket.destroy());
    const client = new Client(socket);
    await once(socket, 'connect');
    return client;
  }

  /** The next PDU; fails when the connection closes without one. */
  async pdu(): Promise<Pdu> {
    for (;;) {
      const next = this.#pdus.shift();
      if (next !== undefined) return openPdu(next);
      assert.ok(!this.socket.destroyed, 'the connection has closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async bind(): Promise<void> {
    this.socket.write(bindPdu());
    assert.equal((await this.pdu()).ptype, PduType.bind_ack);
  }

  /** One call; returns the stub of all fragments of its response. */
  async call(callId: number, opnum: number, stub: Uint8Array): Promise<Uint8Array> {
    this.socket.write(requestRun(callId, opnum, stub));
    return this.response(callId);
  }

  async response(callId: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const { callId: answered, pfcFlags, stub } = decodeResponse(await this.pdu());
      assert.equal(answered, callId);
      parts.push(stub);
      if ((pfcFlags & 2) !== 0) return Buffer.concat(parts);
    }
  }
}

test('calls over a socket', async (t) => {
  const { dial } = await start(t);
  const client = await dial();
  await client.bind();
  assert.deepEqual(new Uint8Array(await client.call(2, EchoOpnum.AddOne, u32(41))), u32(42));
  const data = new Uint8Array(100_000).fill(7);
  assert.deepEqual(new Uint8Array((await client.call(3, EchoOpnum.EchoData, sizedBytes(data))).subarray(4)), data);
  assert.equal((await client.call(4, EchoOpnum.SinkData, sizedBytes(data))).length, 0);
  assert.equal((await client.call(5, EchoOpnum.SourceData, u32(1_000_000))).length, 1_000_004);
});

test('garbage and broken rules end one connection, and no other', async (t) => {
  const { dial, lines } = await start(t);
  const good = await dial();
  await good.bind();
  const garbage = await dial();
  garbage.socket.write('GET / HTTP/1.1\r\n\r\n');
  await once(garbage.socket, 'close');
  const early = await dial();
  early.socket.write(requestRun(1, 0, u32(1)));
  assert.equal((await early.pdu()).ptype, PduType.fault);
  await once(early.socket, 'close');
  assert.deepEqual(new Uint8Array(await good.call(2, EchoOpnum.AddOne, u32(1))), u32(2));
  assert.equal(lines.filter((line) => line.includes('RPCH_BAD_VERSION')).length, 1);
  assert.equal(lines.filter((line) => line.includes('RPCH_NOT_BOUND')).length, 1);
});

test('a client that does not read stops being served, until it reads', async (t) => {
  const answer = new Uint8Array(1024 * 1024);
  let calls = 0;
  const bulk: RpcInterface = {
    name: 'bulk',
    syntax: ECHO,
    handle() {
      calls++;
      return answer;
    },
  };
  const { dial } = await start(t, { interfaces: [bulk] });
  const client = await dial();
  await client.bind();
  client.socket.pause();
  const total = 64;
  const requests = Array.from({ length: total }, (_, i) => requestRun(i + 2, 0, u32(0)));
  await new Promise((resolve) => client.socket.write(Buffer.concat(requests), resolve));
  const other = await dial();
  await other.bind();
  // The other connection's call passes through the same event loop behind the first one's requests.
  await other.call(2, 0, u32(0));
  // What the kernel's buffers and MAX_UNSENT take, and one answer more.
  assert.ok(calls > 1 && calls < total / 2, `${calls} calls were served`);
  client.socket.resume();
  for (let i = 0; i < total; i++) assert.equal((await client.response(i + 2)).length, answer.length);
  assert.equal(calls, total + 1);
});

test('what a client sends while it reads nothing stays in the kernel, however much', async (t) => {
  const { dial, lines } = await start(t);
  const client = await dial();
  await client.bind();
  client.socket.pause();
  client.socket.write(requestRun(2, EchoOpnum.SourceData, u32(8_000_000)));
  const data = sizedBytes(new Uint8Array(100_000));
  const total = 100;
  for (let i = 0; i < total; i++) client.socket.write(requestRun(i + 3, EchoOpnum.SinkData, data));
  const other = await dial();
  await other.bind();
  for (let i = 2; i < 20; i++) await other.call(i, EchoOpnum.AddOne, u32(0));
  client.socket.resume();
  assert.equal((await client.response(2)).length, 8_000_004);
  for (let i = 0; i < total; i++) assert.equal((await client.response(i + 3)).length, 0);
  assert.deepEqual(lines, []);
});

test('a connection that does not bind is cut off', { timeout: 30_000 }, async (t) => {
  const { dial, lines } = await start(t, { stallTimeout: 200 });
  const silent = await dial();
  await once(silent.socket, 'close');
  assert.ok(lines.some((line) => line.includes('no progress')));
});

test('a connection that does not take its answers is cut off', { timeout: 30_000 }, async (t) => {
  const cutOff = Promise.withResolvers<string>();
  const { dial } = await start(t, { stallTimeout: 200, log: cutOff.resolve });
  const deaf = await dial();
  await deaf.bind();
  deaf.socket.pause();
  for (let i = 2; i < 6; i++) deaf.socket.write(requestRun(i, EchoOpnum.SourceData, u32(8_000_000)));
  assert.match(await cutOff.promise, /no progress/);
});

test('a bound connection may be idle', async (t) => {
  const { dial } = await start(t, { stallTimeout: 200 });
  const idle = await dial();
  await idle.bind();
  const silent = await dial();
  await once(silent.socket, 'close');
  assert.deepEqual(new Uint8Array(await idle.call(2, EchoOpnum.AddOne, u32(1))), u32(2));
});

test('connections are limited', async (t) => {
  const { dial, lines } = await start(t, { maxConnections: 1 });
  const first = await dial();
  await first.bind();
  const second = await dial();
  await once(second.socket, 'close');
  assert.ok(lines.some((line) => line.includes('too many')));
  assert.deepEqual(new Uint8Array(await first.call(2, EchoOpnum.AddOne, u32(1))), u32(2));
});

test('a handler that fails is logged with its cause', async (t) => {
  const failing: RpcInterface = {
    name: 'failing',
    syntax: ECHO,
    handle: async () => {
      throw new TypeError('a defect');
    },
  };
  const { dial, lines } = await start(t, { interfaces: [failing] });
  const client = await dial();
  await client.bind();
  client.socket.write(requestRun(2, 0, u32(0)));
  assert.equal((await client.pdu()).ptype, PduType.fault);
  assert.ok(lines.some((line) => line.includes('RPCH_HANDLER_FAILED: failing, opnum 0') && line.includes('a defect')));
});

test('close cuts the connections, and the port is free again', async (t) => {
  const { server, dial } = await start(t);
  const client = await dial();
  await client.bind();
  const closed = once(client.socket, 'close');
  const again = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [] });
  await again.close();
  await server.close().then(() => closed);
  const next = await serveTcp({ host: '127.0.0.1', port: server.port, interfaces: [] });
  const taken = serveTcp({ host: '127.0.0.1', port: server.port, interfaces: [] });
  await assert.rejects(taken, { code: 'RPCH_LISTEN_FAILED', fault: 'configuration' });
  await next.close();
});

/** An interface whose calls are answered when the test says so. */
function waiting() {
  const answers: PromiseWithResolvers<Uint8Array>[] = [];
  const begun = Promise.withResolvers<void>();
  const served: RpcInterface = {
    name: 'waiting',
    syntax: ECHO,
    handle() {
      const answer = Promise.withResolvers<Uint8Array>();
      answers.push(answer);
      begun.resolve();
      return answer.promise;
    },
  };
  return { served, answers, begun: begun.promise };
}

test('close with grace lets calls in progress finish, and nobody else in', async (t) => {
  const { served, answers, begun } = waiting();
  const { server, dial } = await start(t, { interfaces: [served] });
  const idle = await dial();
  await idle.bind();
  const busy = await dial();
  await busy.bind();
  busy.socket.write(requestRun(2, 0, u32(1)));
  await begun;
  const idleClosed = once(idle.socket, 'close');
  const busyClosed = once(busy.socket, 'close');
  const closed = server.close({ grace: 60_000 });
  await idleClosed;
  const late = connect({ host: '127.0.0.1', port: server.port });
  await assert.rejects(once(late, 'connect'), { code: 'ECONNREFUSED' });
  answers[0]?.resolve(u32(42));
  assert.deepEqual(new Uint8Array(await busy.response(2)), u32(42));
  await busyClosed;
  await closed;
});

test('grace comes to an end', async (t) => {
  const { served, begun } = waiting();
  const { server, dial } = await start(t, { interfaces: [served] });
  const client = await dial();
  await client.bind();
  client.socket.write(requestRun(2, 0, u32(1)));
  await begun;
  const cut = once(client.socket, 'close');
  await server.close({ grace: 10 });
  await cut;
});

test('the management interface is there unless it is switched off, and counts calls', async (t) => {
  const mgmt = { contextId: 0, abstractSyntax: mgmtDeclaration.syntax, transferSyntaxes: [NDR] };
  const offered = await (await start(t)).dial();
  offered.socket.write(bindPdu({ elements: [mgmt] }));
  assert.equal(decodeBindAck(await offered.pdu()).results[0]?.result, 0);
  await offered.call(2, 2, u32(0));
  // count, maximum count, calls in, calls out, packets in, packets out, status
  const stats = Buffer.from(await offered.call(3, 1, u32(4)));
  assert.deepEqual([stats.readUInt32LE(0), stats.readUInt32LE(8), stats.readUInt32LE(16)], [4, 2, 3]);

  const without = await (await start(t, { management: false })).dial();
  without.socket.write(bindPdu({ elements: [mgmt] }));
  assert.equal(decodeBindAck(await without.pdu()).results[0]?.result, 2);
});

test('a server is in the registry while it listens', async (t) => {
  const registry = new EndpointRegistry();
  const { server } = await start(t, { registry });
  assert.deepEqual(registry.entries, [
    {
      syntax: ECHO,
      protocol: 'ncacn_ip_tcp',
      port: server.port,
      address: '127.0.0.1',
      annotation: echoInterface.name,
    },
  ]);
  await server.close();
  assert.deepEqual(registry.entries, []);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CONN_A2,
  CONN_B2,
  CONN_B3,
  CONN_C1,
  Destination,
  FLOW_CONTROL_ACK,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  type FlowControlAck,
  PduType,
  PfcFlag,
  PING_TRAFFIC_SENT_NOTIFY,
  parseRts,
} from '@rpch/rpc/internal';
import { startServer } from '../bench/candidates.ts';
import { Children } from '../bench/children.ts';
import { missingPrograms, preparePrograms } from '../bench/programs.ts';
import { CALL_HEADER_LENGTH, callIdOf, pduLength, requestPdu } from '../src/plain-pdus.ts';
import { RawConnection } from '../src/raw-connection.ts';

const missing = process.env.RPCH_REQUIRE_PEERS === '1' ? [] : await missingPrograms();
const BANNER = 'ncacn_http/1.0';
const LARGEST = 5840;
const SERVER_WINDOW = 65_536;
const [IN_WINDOW, OUT_WINDOW] = [32_768, 8192];

test('echod --native plays the server of [MS-RPCH]', {
  skip: missing.length > 0 ? `not installed: ${missing.join(', ')}` : false,
}, async (t) => {
  const children = new Children();
  const folder = await mkdtemp(join(tmpdir(), 'rpch-bench-'));
  t.after(async () => {
    await children.endAll();
    await rm(folder, { recursive: true });
  });
  const { port } = await startServer(children, await preparePrograms(children, folder), 'native');

  for (const first of ['in', 'out'] as const) {
    await t.test(`pairs two connections, ${first.toUpperCase()} first, and answers on OUT`, async () => {
      const proxies = await Proxies.open(port, 1, first);
      proxies.call(7, 0, Buffer.from([41, 0, 0, 0]));
      const answer = await proxies.answer();
      assert.deepEqual([answer[2], callIdOf(answer), answer.readUInt32LE(CALL_HEADER_LENGTH)], [2, 7, 42]);
      await proxies.end();
    });
  }

  await t.test('keeps to the window of the outbound proxy, and goes on when that acknowledges', async () => {
    const proxies = await Proxies.open(port, 2);
    // A count, and so many bytes: five whole fragments, and one of 4,024 bytes.
    const size = 5 * (LARGEST - CALL_HEADER_LENGTH) + 4000 - 4;
    proxies.call(1, 3, Buffer.from(new Uint32Array([size]).buffer));
    let [received, stub] = [0, 0];
    while (stub < size + 4) {
      const fragment = await proxies.answer();
      received += fragment.length;
      stub += fragment.length - CALL_HEADER_LENGTH;
      // No second fragment fits into a window of 8,192 bytes: nothing more may come before the acknowledgement.
      await proxies.nothingComes();
      proxies.out.send(FLOW_CONTROL_ACK.encode({ ack: proxies.ackOf(received) }));
    }
    assert.equal(stub, size + 4);
    await proxies.end();
  });

  await t.test('drops the acknowledgement of another channel, and notices of pings', async () => {
    const proxies = await Proxies.open(port, 3);
    proxies.call(1, 3, Buffer.from(new Uint32Array([9000]).buffer));
    const first = await proxies.answer();
    const ack = proxies.ackOf(first.length);
    proxies.out.send(FLOW_CONTROL_ACK.encode({ ack: { ...ack, channelCookie: new Uint8Array(16) } }));
    proxies.out.send(PING_TRAFFIC_SENT_NOTIFY.encode({ pingTrafficSent: 1040 }));
    await proxies.nothingComes();
    proxies.out.send(FLOW_CONTROL_ACK.encode({ ack }));
    assert.equal((await proxies.answer()).length, 9004 + 2 * CALL_HEADER_LENGTH - first.length);
    await proxies.end();
  });

  await t.test('acknowledges to the inbound proxy once half its window is used', async () => {
    const proxies = await Proxies.open(port, 4);
    const [size, fragments] = [4000, 9];
    const sent = fragments * (size + CALL_HEADER_LENGTH);
    for (let i = 0; i < fragments; i++) proxies.call(1, 2, Buffer.alloc(size), i === 0 ? PfcFlag.FIRST_FRAG : 0);
    const { ack } = FLOW_CONTROL_ACK.decode(parseRts(await proxies.in.take(48, 'a FlowControlAck')));
    assert.ok(ack.bytesReceived >= SERVER_WINDOW / 2 && ack.bytesReceived <= sent);
    assert.equal(ack.availableWindow, SERVER_WINDOW);
    assert.deepEqual(Buffer.from(ack.channelCookie), proxies.inCookie);
    await proxies.end();
  });

  await t.test('relays between the two proxies', async () => {
    const proxies = await Proxies.open(port, 5);
    await proxies.relays('in', Destination.FDClient);
    await proxies.relays('in', Destination.FDOutProxy);
    await proxies.relays('out', Destination.FDInProxy);
    await proxies.end();
  });

  for (const side of ['in', 'out'] as const) {
    await t.test(`ends both connections when ${side.toUpperCase()} closes`, async () => {
      const proxies = await Proxies.open(port, 6);
      proxies[side].cut('FIN');
      assert.equal(await proxies[side === 'in' ? 'out' : 'in'].untilOver(), 'FIN');
    });
  }

  await t.test('ends a connection that begins with something else, and one that is there already', async () => {
    const rpc = await RawConnection.connect({ port });
    await rpc.take(BANNER.length);
    rpc.send(requestPdu(1, Buffer.alloc(4)));
    assert.equal(await rpc.untilOver(), 'FIN');
    const proxies = await Proxies.open(port, 7);
    const second = await RawConnection.connect({ port });
    await second.take(BANNER.length);
    second.send(proxies.a2());
    assert.equal(await second.untilOver(), 'FIN');
    proxies.call(1, 0, Buffer.alloc(4));
    await proxies.answer();
    await proxies.end();
  });
});

/** An inbound and an outbound proxy, played by hand. */
class Proxies {
  readonly in: RawConnection;
  readonly out: RawConnection;
  readonly cookie: Buffer;
  readonly inCookie: Buffer;
  readonly outCookie: Buffer;

  private constructor(inbound: RawConnection, outbound: RawConnection, seed: number) {
    this.in = inbound;
    this.out = outbound;
    [this.cookie, this.inCookie, this.outCookie] = [Buffer.alloc(16, seed), Buffer.alloc(16, 65), Buffer.alloc(16, 66)];
  }

  static async open(port: number, seed: number, first: 'in' | 'out' = 'in'): Promise<Proxies> {
    const [inbound, outbound] = [await RawConnection.connect({ port }), await RawConnection.connect({ port })];
    const proxies = new Proxies(inbound, outbound, seed);
    for (const connection of [inbound, outbound]) {
      assert.equal((await connection.take(BANNER.length, 'the banner')).toString(), BANNER);
    }
    if (first === 'in') inbound.send(proxies.b2());
    outbound.send(proxies.a2());
    if (first === 'out') inbound.send(proxies.b2());
    const c1 = CONN_C1.decode(parseRts(await outbound.take(44, 'CONN/C1')));
    assert.deepEqual(c1, { version: 1, receiveWindowSize: IN_WINDOW, connectionTimeout: 120_000 });
    const b3 = CONN_B3.decode(parseRts(await inbound.take(36, 'CONN/B3')));
    assert.deepEqual(b3, { version: 1, receiveWindowSize: SERVER_WINDOW });
    return proxies;
  }

  a2(): Uint8Array {
    return CONN_A2.encode({
      version: 1,
      virtualConnectionCookie: this.cookie,
      outChannelCookie: this.outCookie,
      channelLifetime: 2 ** 31,
      receiveWindowSize: OUT_WINDOW,
    });
  }

  b2(): Uint8Array {
    return CONN_B2.encode({
      version: 1,
      virtualConnectionCookie: this.cookie,
      inChannelCookie: this.inCookie,
      receiveWindowSize: IN_WINDOW,
      connectionTimeout: 120_000,
      associationGroupId: new Uint8Array(16),
      clientAddress: { family: 4, address: Uint8Array.of(127, 0, 0, 1) },
    });
  }

  ackOf(bytesReceived: number): FlowControlAck {
    return { bytesReceived, availableWindow: OUT_WINDOW, channelCookie: this.outCookie };
  }

  call(callId: number, opnum: number, stub: Uint8Array, flags?: number): void {
    const request = requestPdu(callId, stub, flags);
    request.writeUInt16LE(opnum, 22);
    this.in.send(request);
  }

  /** The next PDU on OUT, which must be a response. */
  async answer(): Promise<Buffer> {
    const length = await this.out.until((bytes) => pduLength(bytes), 'a PDU on OUT');
    const pdu = await this.out.take(length, 'a whole PDU on OUT');
    assert.ok(pdu[2] === PduType.response && length <= LARGEST);
    return pdu;
  }

  /** Sends a PDU that the server must pass on to the other proxy, and waits until it comes there, with nothing before it. */
  async relays(from: 'in' | 'out', destination: Destination): Promise<void> {
    const marker = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination, ack: this.ackOf(0) });
    this[from].send(marker);
    const other = this[from === 'in' ? 'out' : 'in'];
    assert.deepEqual(await other.take(marker.length, 'what is relayed'), Buffer.from(marker));
  }

  /** Proves that the server has worked off what OUT sent it, and has sent no PDU on OUT. */
  async nothingComes(): Promise<void> {
    await this.relays('out', Destination.FDInProxy);
    await this.relays('in', Destination.FDClient);
  }

  async end(): Promise<void> {
    this.in.cut('FIN');
    await this.out.untilOver();
  }
}

import { createServer, type Server } from 'node:net';
import {
  CONN_A1,
  CONN_A3,
  CONN_B1,
  CONN_C2,
  Destination,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  formatGuid,
  IN_R2_A1,
  IN_R2_A4,
  KEEP_ALIVE,
  OUT_R2_A2,
  OUT_R2_A3,
  OUT_R2_A6,
  OUT_R2_A7,
  OUT_R2_B3,
  OUT_R2_C1,
  PING_PDU,
  ProtocolError,
  parseGuid,
  parseRts,
  type RtsPdu,
} from '@rpch/rpc/internal';
import { callIdOf } from '../plain-pdus.ts';
import { PATIENCE } from '../raw-connection.ts';
import { GromoxChannel, isRts } from './gromox-channel.ts';

/** gromox' constants: lengths in bytes, the time-out (its default) in ms. */
const OUT_LENGTH = 0x4000_0000;
const RECYCLE_AT = 0x400_0000;
const CONNECTION_TIMEOUT = 180_000;

export interface GromoxOptions {
  /** The answer of the RPC run-time to an RPC PDU: whole PDUs; none for a fragment that is not the last. */
  readonly answer: (pdu: Buffer) => readonly Buffer[];
  /** Content-Length of the response to RPC_OUT_DATA, bytes; default as gromox has it, 1 GiB. */
  readonly outLength?: number;
  /** What is left of that when the OUT channel is to be replaced, bytes; default as gromox has it, 64 MiB. */
  readonly recycleAt?: number;
}

/** A PDU that the network may take its time with: one that comes in, or the predecessor's last one. */
export type SlowPdu = 'OUT_R2/A3' | 'OUT_R2/A7' | 'OUT_R2/C1' | 'OUT_R2/B3';

interface VirtualConnection {
  in: GromoxChannel | undefined;
  inSuccessor: GromoxChannel | undefined;
  out: GromoxChannel | undefined;
  outSuccessor: GromoxChannel | undefined;
}

/**
 * The web server of gromox, which is proxy and RPC server in one, replayed: its states, its dispatch by length, what it
 * counts and how it cuts, and what it does wrong, as its sources have it. Left out are TLS, authentication (everybody is let
 * in), time (`ping` stands for its keep-alive) and its threads: one channel at a time goes as far as it can.
 */
export class GromoxServer {
  readonly port: number;
  /** Recycling as this server sees it: `< ` received, `> ` sent, `! ` what it did besides. */
  readonly steps: string[] = [];
  /** The most that was sent to it without being acknowledged, bytes: what the client's view of its window allowed. */
  mostUnacknowledged = 0;
  readonly #options: GromoxOptions;
  readonly #server: Server;
  readonly #channels = new Set<GromoxChannel>();
  readonly #wakers = new Set<() => void>();
  #slow: SlowPdu | undefined;
  readonly #connections = new Map<string, VirtualConnection>();

  private constructor(server: Server, port: number, options: GromoxOptions) {
    this.#server = server;
    this.port = port;
    this.#options = options;
    server.on('connection', (socket) => {
      const channel = new GromoxChannel(socket, {
        pdu: (of, pdu) => {
          const verdict = this.#pdu(of, pdu);
          setImmediate(() => this.#wake());
          return verdict;
        },
        drained: (of) => this.#recycleIfDue(of),
        over: (of) => {
          this.#over(of);
          this.#wake();
        },
      });
      this.#channels.add(channel);
    });
  }

  static async listen(options: GromoxOptions): Promise<GromoxServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new GromoxServer(server, address.port, options);
  }

  /** Connections that are open. */
  get open(): number {
    return this.#channels.size;
  }

  /** Has the network delay a PDU that comes after this, and what follows it on its connection, until `hurry`. */
  delay(pdu: SlowPdu): void {
    this.#slow = pdu;
  }

  hurry(): void {
    this.#slow = undefined;
    for (const channel of [...this.#channels]) {
      channel.delay(false);
      channel.goOn();
    }
  }

  /** What the client can take on the OUT channel that is in use, by gromox' count, and where it has cut a PDU; bytes. */
  get window(): { readonly left: number; readonly cutAt: number } | undefined {
    for (const { out } of this.#connections.values()) {
      if (out !== undefined) return { left: out.window, cutAt: out.cutAt };
    }
    return undefined;
  }

  /** PDUs that wait on the OUT channel that is in use. */
  get waiting(): number {
    let waiting = 0;
    for (const { out } of this.#connections.values()) waiting += out?.list.length ?? 0;
    return waiting;
  }

  /** Waits until something is so; throws after ten seconds. */
  until(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#wakers.delete(look);
        clearTimeout(timer);
      };
      const look = (): void => {
        if (!isSo()) return;
        settle();
        resolve();
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`expected ${what} within ${PATIENCE} ms: ${JSON.stringify(this.steps)}`));
      }, PATIENCE);
      this.#wakers.add(look);
      look();
    });
  }

  untilStep(step: string): Promise<void> {
    return this.until(() => this.steps.includes(step), step);
  }

  /** RPC PDUs from the server's own initiative, as a notification's answer that was pending. */
  notify(...pdus: readonly Buffer[]): void {
    for (const connection of this.#connections.values()) {
      const { out } = connection;
      const holder = out?.obsolete ? connection.in : out;
      for (const bytes of pdus) holder?.list.push({ bytes, rts: false });
      out?.pump();
    }
  }

  /** The Ping that it sends when half of the client's keep-alive has passed without anything else. */
  ping(): void {
    for (const { out } of this.#connections.values()) if (out !== undefined) this.#send(out, PING_PDU.encode({}));
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const channel of [...this.#channels]) channel.close();
    await closed;
  }

  #wake(): void {
    for (const look of [...this.#wakers]) look();
  }

  #pdu(channel: GromoxChannel, pdu: Buffer): boolean | 'later' {
    if (!isRts(pdu)) return channel.kind === 'in' && this.#rpc(channel, pdu);
    try {
      const rts = parseRts(pdu);
      if ([OUT_R2_A3, OUT_R2_A7, OUT_R2_C1].some((row) => row.name === this.#slow && row.matches(rts))) return 'later';
      return channel.kind === 'out' ? this.#rtsOnOut(channel, pdu, rts) : this.#rtsOnIn(channel, pdu, rts);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // On an IN channel that is opened, an RTS PDU that is not understood is passed over.
      return channel.kind === 'in' && channel.stat === 'opened';
    }
  }

  #rtsOnOut(channel: GromoxChannel, pdu: Buffer, rts: RtsPdu): boolean {
    if (pdu.length === 76 && channel.stat === 'openstart') return this.#connA1(channel, pdu, rts);
    if (pdu.length === 96 && channel.stat === 'openstart') return this.#outR2A3(channel, rts);
    if (pdu.length === 24 && channel.stat === 'recycling') return this.#outR2C1(channel, pdu, rts);
    return false;
  }

  /** By length, and only then by what it is. On a channel that is opened nothing is refused. */
  #rtsOnIn(channel: GromoxChannel, pdu: Buffer, rts: RtsPdu): boolean {
    const opened = channel.stat === 'opened';
    if (pdu.length === 104 && !opened) return this.#connB1(channel, rts);
    if (pdu.length === 88 && !opened) return this.#inR2A1(channel, pdu, rts);
    if (pdu.length === 28 && KEEP_ALIVE.matches(rts)) return true;
    if (pdu.length === 20 && PING_PDU.matches(rts)) return true;
    if (!opened) return false;
    if (pdu.length === 40) this.steps.push('< IN_R2/A5', '! IN_R2/A5 is not understood');
    else if (pdu.length === 56 && FLOW_CONTROL_ACK_WITH_DESTINATION.matches(rts)) this.#acknowledged(channel, rts);
    else if (pdu.length === 56 && OUT_R2_A7.matches(rts)) this.#outR2A7(channel, rts);
    return true;
  }

  #connA1(channel: GromoxChannel, pdu: Buffer, rts: RtsPdu): boolean {
    const a1 = CONN_A1.decode(rts);
    channel.cookie = formatGuid(a1.outChannelCookie);
    channel.windowSize = a1.receiveWindowSize;
    channel.window = a1.receiveWindowSize;
    this.#join(channel, a1.virtualConnectionCookie).out = channel;
    channel.callId = callIdOf(pdu);
    this.#respond(channel, CONN_A3.encode({ connectionTimeout: CONNECTION_TIMEOUT }));
    channel.stat = 'waitinchannel';
    this.#goOn(channel);
    return true;
  }

  #connB1(channel: GromoxChannel, rts: RtsPdu): boolean {
    const b1 = CONN_B1.decode(rts);
    channel.cookie = formatGuid(b1.inChannelCookie);
    const connection = this.#join(channel, b1.virtualConnectionCookie);
    connection.in = channel;
    channel.stat = 'opened';
    if (connection.out !== undefined) this.#goOn(connection.out);
    return true;
  }

  /** What waits for its other half goes on: CONN/C2, or what was held back while the OUT channel was replaced. */
  #goOn(out: GromoxChannel): void {
    const connection = this.#connections.get(out.connectionCookie);
    const inbound = connection?.in;
    if (connection?.out !== out || inbound === undefined) return;
    if (out.stat === 'waitinchannel') {
      // Both windows are the client's own: the one it announced for OUT is what it may send on IN.
      inbound.window = out.windowSize;
      const c2 = { version: 1, receiveWindowSize: out.windowSize, connectionTimeout: CONNECTION_TIMEOUT };
      out.list.push({ bytes: withCallId(CONN_C2.encode(c2), out.callId), rts: true });
    } else if (out.stat === 'waitrecycled') {
      out.list.push(...inbound.list.splice(0));
      this.steps.push('! successor opened');
    } else {
      return;
    }
    out.stat = 'opened';
    out.pump();
  }

  #recycleIfDue(channel: GromoxChannel): void {
    const { recycleAt = RECYCLE_AT } = this.#options;
    if (channel.obsolete || channel.left < 0 || channel.left > recycleAt) return;
    channel.obsolete = true;
    this.steps.push('> OUT_R2/A2');
    this.#send(channel, OUT_R2_A2.encode({ destination: Destination.FDClient }));
  }

  /** The window in it is overwritten with the first one. */
  #outR2A3(channel: GromoxChannel, rts: RtsPdu): boolean {
    const a3 = OUT_R2_A3.decode(rts);
    const connection = this.#known(channel, a3.virtualConnectionCookie);
    const out = connection?.out;
    if (connection === undefined || out?.cookie !== formatGuid(a3.predecessorCookie) || !out.obsolete) return false;
    channel.cookie = formatGuid(a3.successorCookie);
    channel.windowSize = out.windowSize;
    channel.window = out.windowSize;
    connection.outSuccessor = channel;
    channel.stat = 'recycling';
    this.steps.push('< OUT_R2/A3', '> OUT_R2/A6');
    this.#send(out, OUT_R2_A6.encode({ destination: Destination.FDClient }));
    return true;
  }

  /** The response's head goes out now, whether or not OUT_R2/B3 has. */
  #outR2C1(channel: GromoxChannel, pdu: Buffer, rts: RtsPdu): boolean {
    OUT_R2_C1.decode(rts);
    this.steps.push('< OUT_R2/C1');
    if (channel.spoiled) {
      this.steps.push('! successor taken for lost');
      return false;
    }
    channel.callId = callIdOf(pdu);
    this.steps.push('> 200');
    this.#respond(channel, new Uint8Array(0));
    channel.stat = 'waitrecycled';
    this.#goOn(channel);
    return true;
  }

  #outR2A7(channel: GromoxChannel, rts: RtsPdu): void {
    const a7 = OUT_R2_A7.decode(rts);
    const connection = this.#connections.get(channel.connectionCookie);
    const [out, successor] = [connection?.out, connection?.outSuccessor];
    this.steps.push('< OUT_R2/A7');
    if (connection?.in !== channel || out === undefined || successor?.cookie !== formatGuid(a7.successorCookie)) {
      this.steps.push('! OUT_R2/A7 passed over');
      return;
    }
    this.steps.push('> OUT_R2/B3');
    if (this.#slow === 'OUT_R2/B3') out.delay(true);
    this.#send(out, OUT_R2_B3.encode({}));
    connection.out = successor;
    connection.outSuccessor = undefined;
    this.#goOn(successor);
  }

  #inR2A1(channel: GromoxChannel, pdu: Buffer, rts: RtsPdu): boolean {
    const a1 = IN_R2_A1.decode(rts);
    const connection = this.#known(channel, a1.virtualConnectionCookie);
    const inbound = connection?.in;
    if (connection === undefined || inbound?.cookie !== formatGuid(a1.predecessorCookie)) return false;
    channel.cookie = formatGuid(a1.successorCookie);
    channel.window = inbound.window;
    channel.counted = inbound.counted;
    connection.inSuccessor = channel;
    channel.stat = 'opened';
    this.steps.push('< IN_R2/A1');
    const a4 = withCallId(IN_R2_A4.encode({ destination: Destination.FDClient }), callIdOf(pdu));
    return this.#output(channel, [{ bytes: a4, rts: true }], 'IN_R2/A4');
  }

  /** No cookie is compared: what names the predecessor counts for the successor. */
  #acknowledged(channel: GromoxChannel, rts: RtsPdu): void {
    const { ack } = FLOW_CONTROL_ACK_WITH_DESTINATION.decode(rts);
    const out = this.#connections.get(channel.connectionCookie)?.out;
    if (out === undefined) return;
    out.window = Math.max(0, ack.bytesReceived + ack.availableWindow - out.counted);
    out.pump();
  }

  #rpc(channel: GromoxChannel, pdu: Buffer): boolean {
    const connection = this.#connections.get(channel.connectionCookie);
    if (channel.stat !== 'opened') return false;
    if (connection?.in !== channel) {
      this.steps.push('! RPC PDU on a channel that is not the IN channel: closed');
      return false;
    }
    const answer = this.#options.answer(pdu).map((bytes) => ({ bytes, rts: false }));
    const { out } = connection;
    const unacknowledged = (out?.windowSize ?? 0) - channel.window + pdu.length;
    this.mostUnacknowledged = Math.max(this.mostUnacknowledged, unacknowledged);
    channel.window = (channel.window - pdu.length) >>> 0;
    channel.counted += pdu.length;
    if (out === undefined || channel.window >= out.windowSize / 2) return this.#output(channel, answer);
    channel.window = out.windowSize;
    const ack = {
      bytesReceived: channel.counted,
      availableWindow: channel.window,
      channelCookie: parseGuid(channel.cookie),
    };
    const bytes = FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination: Destination.FDClient, ack });
    return this.#output(channel, [...answer, { bytes, rts: true }]);
  }

  /** What IN brought about goes to the OUT channel, or, while that is being replaced, onto IN's own list until later. */
  #output(channel: GromoxChannel, pdus: GromoxChannel['list'], what?: string): boolean {
    if (pdus.length === 0) return true;
    const out = this.#connections.get(channel.connectionCookie)?.out;
    if (out === undefined) return false;
    if (out.obsolete) {
      channel.list.push(...pdus);
      if (what !== undefined) this.steps.push(`! ${what} held back`);
      return true;
    }
    out.list.push(...pdus);
    if (what !== undefined) this.steps.push(`> ${what}`);
    if (out.stat === 'opened') out.pump();
    else out.spoiled = true;
    return true;
  }

  #respond(channel: GromoxChannel, pdu: Uint8Array): void {
    const { outLength = OUT_LENGTH } = this.#options;
    const head = [
      'HTTP/1.1 200 Success',
      `Date: ${new Date().toUTCString()}`,
      'Cache-Control: private',
      'Content-Type: application/rpc',
      'Persistent-Auth: true',
      `Content-Length: ${outLength}`,
      '\r\n',
    ].join('\r\n');
    channel.respond(head, outLength, pdu.length === 0 ? pdu : withCallId(pdu, channel.callId));
  }

  /** An RTS PDU on an OUT channel: it passes whatever the client's window is. */
  #send(channel: GromoxChannel, pdu: Uint8Array): void {
    channel.list.push({ bytes: withCallId(pdu, channel.callId), rts: true });
    channel.pump();
  }

  #join(channel: GromoxChannel, cookie: Uint8Array): VirtualConnection {
    channel.connectionCookie = formatGuid(cookie);
    const known = this.#connections.get(channel.connectionCookie);
    if (known !== undefined) return known;
    const made = { in: undefined, inSuccessor: undefined, out: undefined, outSuccessor: undefined };
    this.#connections.set(channel.connectionCookie, made);
    return made;
  }

  #known(channel: GromoxChannel, cookie: Uint8Array): VirtualConnection | undefined {
    channel.connectionCookie = formatGuid(cookie);
    return this.#connections.get(channel.connectionCookie);
  }

  /** The other channels of the virtual connection stay. */
  #over(channel: GromoxChannel): void {
    this.#channels.delete(channel);
    const connection = this.#connections.get(channel.connectionCookie);
    if (connection === undefined) return;
    if (connection.in === channel) connection.in = undefined;
    if (connection.out === channel) connection.out = undefined;
    if (channel.obsolete) this.steps.push('! predecessor OUT closed');
  }
}

/** gromox echoes the call_id of what it answers; elsewhere that is always 0. */
function withCallId(pdu: Uint8Array, callId: number): Uint8Array {
  Buffer.from(pdu.buffer, pdu.byteOffset, pdu.length).writeUInt32LE(callId, CALL_ID_AT);
  return pdu;
}

/** Offset of call_id in the common header (C706 12.6.3.1). */
const CALL_ID_AT = 12;

import { randomBytes } from 'node:crypto';
import {
  CONN_A1,
  CONN_A3,
  CONN_B1,
  CONN_C2,
  Destination,
  FLOW_CONTROL_ACK_WITH_DESTINATION,
  PduType,
  parseRts,
} from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH, callIdOf, pduLength, requestPdu } from './plain-pdus.ts';
import { RawConnection, type RawTarget } from './raw-connection.ts';

/** Content-Length of the first OUT request, which is the size of CONN/A1 ([MS-RPCH] 2.1.2.1.2), bytes. */
export const OUT_CONTENT_LENGTH = 76;
/** Content-Length of IN requests as Windows has it, bytes. */
export const IN_CONTENT_LENGTH = 1024 ** 3;

export interface RequestOptions {
  /** RPC server's name and port. */
  readonly server: string;
  /** Default 1.1. */
  readonly version?: '1.0' | '1.1';
  /** Value of Authorization; none when undefined. */
  readonly authorization?: string | undefined;
  readonly contentLength?: number;
  /** Path; default as in the specification. */
  readonly path?: string;
  /** Further lines, each `Name: value`. */
  readonly fields?: readonly string[];
}

/** The head of an RPC_IN_DATA or RPC_OUT_DATA request ([MS-RPCH] 2.1.2.1.1, 2.1.2.1.2). */
export function requestHead(method: string, options: RequestOptions): string {
  const { server, version = '1.1', authorization, path = '/rpc/rpcproxy.dll', fields = [] } = options;
  const contentLength = options.contentLength ?? (method === 'RPC_OUT_DATA' ? OUT_CONTENT_LENGTH : IN_CONTENT_LENGTH);
  return [
    `${method} ${path}${server === '' ? '' : `?${server}`} HTTP/${version}`,
    'Accept: application/rpc',
    'Cache-Control: no-cache',
    'Connection: Keep-Alive',
    `Content-Length: ${contentLength}`,
    'Host: proxy',
    'Pragma: No-cache',
    'User-Agent: MSRPC',
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    ...fields,
    '\r\n',
  ].join('\r\n');
}

/** `Basic …` for an account. */
export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

export interface ScriptedClientOptions extends RequestOptions, RawTarget {
  /** ReceiveWindowSize of CONN/A1, bytes. Default 65,536. */
  readonly window?: number;
  /** Acknowledge what comes on OUT, as conforming clients do. Default true. */
  readonly acks?: boolean;
  /** Default: random. */
  readonly cookie?: Uint8Array;
}

/**
 * An RPC over HTTP v2 client that a test plays by hand: each step is a call, nothing happens by itself but the reading of
 * OUT and, where asked for, its acknowledgements. Shares no code with the client role, only the codecs of RTS PDUs.
 */
export class ScriptedClient {
  readonly options: ScriptedClientOptions;
  readonly virtualConnectionCookie: Uint8Array;
  readonly inChannelCookie = randomBytes(16);
  readonly outChannelCookie = randomBytes(16);
  #in: RawConnection | undefined;
  #out: RawConnection | undefined;
  #callId = 0;
  #received = 0;
  #unacknowledged = 0;
  #pumping = false;
  readonly #calls = new Map<number, { resolve: (stub: Buffer) => void; reject: (error: Error) => void }>();

  constructor(options: ScriptedClientOptions) {
    this.options = options;
    this.virtualConnectionCookie = options.cookie ?? randomBytes(16);
  }

  /** Opens both channels, OUT first unless `first` says otherwise, and reads up to CONN/C2. */
  static async open(options: ScriptedClientOptions, first: 'in' | 'out' = 'out'): Promise<ScriptedClient> {
    const client = new ScriptedClient(options);
    if (first === 'out') await client.openOut();
    await client.openIn();
    if (first === 'in') await client.openOut();
    await client.opened();
    return client;
  }

  get in(): RawConnection {
    if (this.#in === undefined) throw new Error('the script has not opened IN');
    return this.#in;
  }

  get out(): RawConnection {
    if (this.#out === undefined) throw new Error('the script has not opened OUT');
    return this.#out;
  }

  /** Bytes of the OUT request: head and CONN/A1. */
  outBytes(): Buffer {
    return Buffer.concat([Buffer.from(requestHead('RPC_OUT_DATA', this.options)), this.connA1()]);
  }

  /** Bytes of the IN request so far: head and CONN/B1. */
  inBytes(): Buffer {
    return Buffer.concat([Buffer.from(requestHead('RPC_IN_DATA', this.options)), this.connB1()]);
  }

  connA1(): Uint8Array {
    return CONN_A1.encode({
      version: 1,
      virtualConnectionCookie: this.virtualConnectionCookie,
      outChannelCookie: this.outChannelCookie,
      receiveWindowSize: this.options.window ?? 65_536,
    });
  }

  connB1(): Uint8Array {
    return CONN_B1.encode({
      version: 1,
      virtualConnectionCookie: this.virtualConnectionCookie,
      inChannelCookie: this.inChannelCookie,
      channelLifetime: 1024 ** 3,
      clientKeepalive: 300_000,
      associationGroupId: new Uint8Array(16),
    });
  }

  async openOut(): Promise<void> {
    this.#out = await RawConnection.connect(this.options);
    this.#out.send(this.outBytes());
  }

  async openIn(): Promise<void> {
    this.#in = await RawConnection.connect(this.options);
    this.#in.send(this.inBytes());
  }

  /** Takes a connection as a channel whose request the script has sent by itself. */
  adopt(channel: 'in' | 'out', connection: RawConnection): void {
    if (channel === 'in') this.#in = connection;
    else this.#out = connection;
  }

  /** Reads the response's head, CONN/A3 and CONN/C2; from then on calls can be made. */
  async opened(): Promise<void> {
    const { out } = this;
    const head = await out.takeHead();
    if (!head.startsWith('HTTP/1.1 200 Success\r\n')) throw new Error(`OUT was answered with ${JSON.stringify(head)}`);
    CONN_A3.decode(parseRts(await this.#takePdu('CONN/A3')));
    CONN_C2.decode(parseRts(await this.#takePdu('CONN/C2')));
    out.socket.on('data', () => this.#pump());
    out.ended.then(({ how }) => this.#fail(new Error(`OUT ended with ${how} in mid-call`)));
    this.#pump();
  }

  /** Calls the server: sends a request in one fragment and waits for the response's stub. */
  call(stub: Uint8Array = Buffer.from('hello')): Promise<Buffer> {
    const callId = ++this.#callId;
    const answer = this.#answer(callId);
    this.in.send(requestPdu(callId, stub));
    return answer;
  }

  /** Like {@link call}, but the request's first `cutAt` bytes are a write of their own. */
  async callInPieces(stub: Uint8Array, cutAt: number): Promise<Buffer> {
    const request = requestPdu(++this.#callId, stub);
    const answer = this.#answer(this.#callId);
    await this.in.sendInPieces(cutAt > 0 ? [request.subarray(0, cutAt), request.subarray(cutAt)] : [request]);
    return answer;
  }

  /** Ends both connections, as the end of a process would. */
  cut(how: 'FIN' | 'RST'): void {
    this.#in?.cut(how);
    this.#out?.cut(how);
  }

  #answer(callId: number): Promise<Buffer> {
    return new Promise((resolve, reject) => this.#calls.set(callId, { resolve, reject }));
  }

  async #takePdu(what: string): Promise<Buffer> {
    const { out } = this;
    const length = await out.until((bytes) => pduLength(bytes), what);
    return out.take(length, what);
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      const length = pduLength(this.out.received);
      if (length === undefined || this.out.received.length < length) break;
      const pdu = this.out.takeNow(length);
      if (pdu[2] !== PduType.rts) this.#receivedRpc(pdu);
    }
    this.#pumping = false;
  }

  #receivedRpc(pdu: Buffer): void {
    this.#received += pdu.length;
    this.#unacknowledged += pdu.length;
    if (this.options.acks !== false && this.#unacknowledged >= (this.options.window ?? 65_536) / 2) this.acknowledge();
    const call = this.#calls.get(callIdOf(pdu));
    this.#calls.delete(callIdOf(pdu));
    call?.resolve(pdu.subarray(CALL_HEADER_LENGTH));
  }

  /** Acknowledges what came on OUT ([MS-RPCH] 3.2.1.5.1.1). */
  acknowledge(): void {
    this.#unacknowledged = 0;
    const ack = {
      bytesReceived: this.#received,
      availableWindow: this.options.window ?? 65_536,
      channelCookie: this.outChannelCookie,
    };
    this.in.send(FLOW_CONTROL_ACK_WITH_DESTINATION.encode({ destination: Destination.FDOutProxy, ack }));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

import { randomBytes } from 'node:crypto';
import {
  type ConnectionCounters,
  ContextResult,
  decodeBindAck,
  decodeFault,
  decodeResponse,
  describeFaultStatus,
  encodeBind,
  encodeRequest,
  type HttpVirtualConnection,
  NDR,
  openOverHttp,
  openPdu,
  PduType,
  PfcFlag,
  type ProxyAddress,
  pduTypeAt,
  type RpchError,
} from '@rpch/rpc/internal';
import { RequestSource } from './request-source.ts';
import { eachPdu, ResponseCheck } from './response-check.ts';
import { TRANSFER, TransferOpnum } from './traffic.ts';
import type { TransferDigest } from './transfer-interface.ts';

/** Fragments that the client offers to take and send, bytes. */
const MAX_FRAG = 5840;
/** Kept small: what is made too early waits in a copy. Bytes. */
const SEND_BUFFER = 64 * 1024;

/**
 * Which proxy a channel goes to: `one` for all; `split`: IN channels to the first, OUT channels to the second; `alternate`:
 * the first IN channel to the first and the first OUT channel to the second, and every successor to the other proxy.
 */
export type Layout = 'one' | 'split' | 'alternate';

/** When a transfer ends: after so much data each way, or after so many recyclings of each channel. */
export type Goal = { readonly bytes: number } | { readonly recyclings: number };

/** A transfer, as the process that makes it is told. */
export interface TransferOptions {
  readonly proxies: readonly ProxyAddress[];
  readonly layout: Layout;
  readonly https: boolean;
  readonly server: { readonly host: string; readonly port: number };
  readonly authorization: string;
  /** Content-Length of IN channels, bytes. */
  readonly lifetime: number;
  /** Window for OUT channels, bytes. */
  readonly window: number;
  readonly goal: Goal;
}

/** How far a transfer is. Bytes are data of calls, without headers. */
export interface TransferProgress {
  readonly sent: number;
  readonly received: number;
  readonly calls: number;
  readonly counters: ConnectionCounters;
}

/** What both ends saw. */
export interface TransferOutcome extends TransferProgress {
  readonly sentSha256: string;
  readonly receivedSha256: string;
  readonly server: TransferDigest;
  /** From the first call to the last answer. */
  readonly seconds: number;
}

/** The client's side of one transfer: one virtual connection, both directions at once, as fast as it goes. */
export class TransferClient {
  readonly #options: TransferOptions;
  readonly #source = new RequestSource();
  readonly #check = new ResponseCheck();
  readonly #ended = Promise.withResolvers<never>();
  #answer: PromiseWithResolvers<Uint8Array> | undefined;
  #exchanged: PromiseWithResolvers<void> | undefined;
  #connection: HttpVirtualConnection | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#ended.promise.catch(() => {});
  }

  get progress(): TransferProgress | undefined {
    if (this.#connection === undefined) return undefined;
    return {
      sent: this.#source.data.offset,
      received: this.#check.data.offset,
      calls: this.#check.calls,
      counters: this.#connection.counters,
    };
  }

  /** Transfers until the goal is reached. Rejects with whatever goes wrong, in the transport or in the data. */
  async run(): Promise<TransferOutcome> {
    const { proxies, layout, https, server, authorization, lifetime, window } = this.#options;
    const [first] = proxies;
    if (first === undefined) throw new Error('a transfer needs a proxy');
    const connection = await openOverHttp({
      proxy: first,
      proxyFor: (channel, number) => proxies[proxyIndex(layout, channel, number)] ?? first,
      ...(https ? { tls: { insecure: true } } : {}),
      server,
      authorization,
      random: randomBytes,
      channelLifetime: lifetime,
      receiveWindow: window,
      sendBuffer: SEND_BUFFER,
      onPdus: (run) => eachPdu(run, (at, end) => this.#take(run, at, end)),
      onDrain: () => this.#pump(),
      onClosed: (error: RpchError) => this.#ended.reject(error),
    });
    this.#connection = connection;
    try {
      await this.#bind(connection);
      const begun = performance.now();
      this.#exchanged = Promise.withResolvers<void>();
      this.#pump();
      await Promise.race([this.#exchanged.promise, this.#ended.promise]);
      const seconds = (performance.now() - begun) / 1000;
      const digest = JSON.parse(Buffer.from(await this.#callDigest(connection)).toString()) as TransferDigest;
      return {
        sent: this.#source.data.offset,
        received: this.#check.data.offset,
        calls: this.#check.calls,
        counters: connection.counters,
        sentSha256: this.#source.data.digest,
        receivedSha256: this.#check.data.digest,
        server: digest,
        seconds,
      };
    } finally {
      connection.close();
    }
  }

  /** Sends until the connection has enough for now. */
  #pump(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#exchanged === undefined) return;
    while (!(this.#source.betweenCalls && this.#reached(connection.counters))) {
      if (connection.unsent > this.#source.room)
        throw new Error(`${connection.unsent} bytes wait: PDUs would be overwritten`);
      const { bytes, count } = this.#source.next();
      if (!connection.send(bytes, count)) return;
    }
  }

  /** Whether no further call is to begin. */
  #reached({ recycledIn, recycledOut }: ConnectionCounters): boolean {
    const { goal } = this.#options;
    if ('bytes' in goal) return this.#source.data.offset >= goal.bytes && this.#source.calls % 12 === 0;
    return recycledIn.R1 + recycledIn.R2 >= goal.recyclings && recycledOut.R1 + recycledOut.R2 >= goal.recyclings;
  }

  #take(run: Uint8Array, at: number, end: number): void {
    const answer = this.#answer;
    if (answer !== undefined) {
      this.#answer = undefined;
      answer.resolve(run.slice(at, end));
      return;
    }
    if (pduTypeAt(run, at) === PduType.fault) {
      const { status } = decodeFault(openPdu(run.subarray(at, end)));
      throw new Error(`call ${this.#check.calls + 1} is answered with a fault: ${describeFaultStatus(status)}`);
    }
    this.#check.take(run, at, end);
    if (!this.#source.betweenCalls || this.#check.calls < this.#source.calls || this.#connection === undefined) return;
    if (this.#reached(this.#connection.counters)) this.#exchanged?.resolve();
  }

  async #bind(connection: HttpVirtualConnection): Promise<void> {
    const answer = this.#exchange(
      connection,
      encodeBind({
        ptype: PduType.bind,
        pfcFlags: PfcFlag.CONC_MPX,
        callId: 0,
        littleEndian: true,
        maxXmitFrag: MAX_FRAG,
        maxRecvFrag: MAX_FRAG,
        assocGroupId: 0,
        elements: [{ contextId: 0, abstractSyntax: TRANSFER, transferSyntaxes: [NDR] }],
      }),
    );
    const [result] = decodeBindAck(openPdu(await answer)).results;
    if (result?.result !== ContextResult.acceptance)
      throw new Error('the server does not offer the transfer interface');
  }

  async #callDigest(connection: HttpVirtualConnection): Promise<Uint8Array> {
    const call = { callId: this.#source.calls + 1, littleEndian: true, contextId: 0, opnum: TransferOpnum.Digest };
    const { bytes } = encodeRequest({ ...call, stub: new Uint8Array(0) }, MAX_FRAG);
    return decodeResponse(openPdu(await this.#exchange(connection, bytes))).stub;
  }

  #exchange(connection: HttpVirtualConnection, pdu: Uint8Array): Promise<Uint8Array> {
    this.#answer = Promise.withResolvers<Uint8Array>();
    connection.send(pdu);
    return Promise.race([this.#answer.promise, this.#ended.promise]);
  }
}

function proxyIndex(layout: Layout, channel: 'IN' | 'OUT', number: number): number {
  if (layout === 'one') return 0;
  const first = channel === 'IN' ? 0 : 1;
  return layout === 'split' ? first : (first + number - 1) % 2;
}

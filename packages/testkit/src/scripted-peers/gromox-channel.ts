import type { Socket } from 'node:net';
import { endOfHead, PduType } from '@rpch/rpc/internal';
import { pduLength } from '../plain-pdus.ts';

/** States of a channel, by gromox' names. `openstart` is before the first PDU. */
export type ChannelStat = 'openstart' | 'waitinchannel' | 'recycling' | 'waitrecycled' | 'opened';

/** One PDU that waits for its turn on an OUT channel. */
export interface QueuedPdu {
  readonly bytes: Uint8Array;
  readonly rts: boolean;
}

/** Less window than this, in bytes, and no RPC PDU is begun or gone on with. */
const LEAST_WINDOW = 1024;
/** Bodies up to this length, bytes, are echo requests ([MS-RPCH] 2.1.2.1.5). */
const ECHO_BODY = 0x10;
const MAX_HEAD = 64 * 1024;
const FRAG_LENGTH_END = 10;

/** What a channel tells the server of. */
export interface GromoxChannelEvents {
  /** A whole PDU; false ends the connection, 'later' leaves it where it is until {@link GromoxChannel.goOn}. */
  pdu(channel: GromoxChannel, pdu: Buffer): boolean | 'later';
  /** All that waited on an OUT channel was written. */
  drained(channel: GromoxChannel): void;
  over(channel: GromoxChannel): void;
}

/** One connection to gromox and the RPC_IN_DATA or RPC_OUT_DATA request on it. */
export class GromoxChannel {
  stat: ChannelStat = 'openstart';
  cookie = '';
  connectionCookie = '';
  /** OUT: what the client can take, and what it said first. IN: the same of gromox. Bytes. */
  window = 0;
  windowSize = 0;
  /** RPC PDU bytes written (OUT) or received (IN). */
  counted = 0;
  /** OUT: its replacement has been asked for. */
  obsolete = false;
  /** OUT: call_id of the PDU that brought the response's head, which all RTS PDUs of the channel carry. */
  callId = 0;
  /** Something was put on its list before it was opened: gromox then takes it for a connection that is lost. */
  spoiled = false;
  kind: 'in' | 'out' | undefined;
  readonly list: QueuedPdu[] = [];
  readonly #socket: Socket;
  readonly #events: GromoxChannelEvents;
  #received: Buffer = Buffer.alloc(0);
  /** Of the request's body; once a response has begun, of the response, head and all. Bytes. */
  #total = 0;
  #bytes = 0;
  /** What was written of the first PDU of the list. */
  #written = 0;
  #over = false;

  constructor(socket: Socket, events: GromoxChannelEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#data(chunk));
    socket.on('end', () => this.close());
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
  }

  get over(): boolean {
    return this.#over;
  }

  /** Bytes that the response may still have, its head included. */
  get left(): number {
    return this.#total - this.#bytes;
  }

  /** Begins the response: its head, and what goes out with it. */
  respond(head: string, contentLength: number, pdus: Uint8Array): void {
    this.#total = head.length + contentLength;
    this.#bytes = 0;
    this.#write(Buffer.concat([Buffer.from(head, 'latin1'), pdus]));
  }

  /** Writes what waits, as far as the client's window goes: a PDU is cut where the window ends. */
  pump(): void {
    if (this.stat !== 'opened') return;
    for (;;) {
      const first = this.list[0];
      if (first === undefined || this.#over) return;
      if (!first.rts && this.window < LEAST_WINDOW) return;
      const rest = first.bytes.length - this.#written;
      const length = first.rts ? rest : Math.min(rest, this.window);
      this.#write(first.bytes.subarray(this.#written, this.#written + length));
      this.#written += length;
      if (!first.rts) {
        this.window -= length;
        this.counted += length;
      }
      if (this.#written < first.bytes.length) continue;
      this.#written = 0;
      this.list.shift();
      if (this.list.length === 0) this.#events.drained(this);
    }
  }

  /** Bytes of the first PDU of the list that have gone, where its rest waits for the client's window. */
  get cutAt(): number {
    return this.#written;
  }

  /** What was put off is looked at again. */
  goOn(): void {
    this.#takePdus();
  }

  /** What is written stays here, as if the network took its time, until it is let go. */
  delay(delayed: boolean): void {
    if (delayed) this.#socket.cork();
    else this.#socket.uncork();
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#events.over(this);
  }

  #write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#socket.write(bytes);
  }

  #data(chunk: Buffer): void {
    if (this.#over) return;
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.kind === undefined && !this.#takeHead()) return;
    this.#takePdus();
  }

  /** The request's head; whoever asks is let in. */
  #takeHead(): boolean {
    const end = endOfHead(this.#received, 0, MAX_HEAD);
    if (end < 0) return false;
    const head = this.#received.toString('latin1', 0, end);
    const request = /^RPC_(IN|OUT)_DATA \/rpc(?:withcert)?\/rpcproxy\.dll\?[^ :]+:\d+ /.exec(head);
    this.#total = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (request === null || this.#total <= ECHO_BODY) {
      this.close();
      return false;
    }
    this.#received = this.#received.subarray(end);
    this.kind = request[1] === 'IN' ? 'in' : 'out';
    return true;
  }

  #takePdus(): void {
    // Once its response has begun, the body of an OUT request is not looked at any more.
    while (!this.#over && (this.kind === 'in' || this.stat === 'openstart' || this.stat === 'recycling')) {
      const length = this.#received.length < FRAG_LENGTH_END ? undefined : pduLength(this.#received);
      if (length === undefined || this.#received.length < length) return;
      const pdu = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      this.#bytes += length;
      const verdict = this.#bytes <= this.#total && this.#events.pdu(this, pdu);
      if (verdict === 'later') {
        this.#received = Buffer.concat([pdu, this.#received]);
        this.#bytes -= length;
        return;
      }
      if (!verdict) this.close();
    }
  }
}

/** Whether a PDU is one of this protocol's own. */
export function isRts(pdu: Uint8Array): boolean {
  return pdu[2] === PduType.rts;
}

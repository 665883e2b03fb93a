import type { Socket } from 'node:net';
import { endOfHead, type HttpHead, HttpHeadError, parseHead } from './http-head.ts';
import { Leg, type LegEvents } from './leg.ts';

/** A body up to this size is read and dropped so that the connection can be used again; beyond it is closed, bytes. */
const DRAIN_LIMIT = 64 * 1024;
/** Bytes of answers that a client may leave unread: one that sends requests and reads nothing costs no more than this. */
const MAX_UNREAD = 64 * 1024;
/** How long a connection that was refused stays open for the client to read why, ms. */
const LINGER = 1000;

/** Limits of one connection before it has become a channel. */
export interface RpcHttpLimits {
  /** Largest head, bytes. */
  readonly headBytes: number;
  /** Time for a whole head, ms. */
  readonly headTimeout: number;
  /** Time between two requests, ms. */
  readonly idleTimeout: number;
}

/** A response other than the endless one of an OUT channel. */
export interface HttpReply {
  /** The status line, for instance `HTTP/1.1 401 Unauthorized`. */
  readonly statusLine: string;
  /** Header fields besides Content-Length and Connection. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** Close afterwards even though the client could go on. */
  readonly close?: boolean;
}

export interface RpcHttpHandler {
  /** A request's head is in. One of `reply` and `accept` must follow, at once or later; nothing is read until then. */
  request(connection: RpcHttpConnection, head: HttpHead): void;
  /** The connection ended without having become a channel. `why` is for the log. */
  closed(connection: RpcHttpConnection, why: string): void;
}

/**
 * HTTP/1.x on a connection whose requests use RPC_IN_DATA, RPC_OUT_DATA and their like, which node:http refuses to serve:
 * one request after the other, keep-alive, `Expect: 100-continue`, and at last the change into a channel of endless bodies.
 */
export class RpcHttpConnection {
  readonly socket: Socket;
  readonly #limits: RpcHttpLimits;
  readonly #handler: RpcHttpHandler;
  #state: 'head' | 'handling' | 'draining' | 'over' = 'head';
  #buffered: Buffer = Buffer.alloc(0);
  #searched = 0;
  #toDrain = 0;
  #head: HttpHead | undefined;
  #continued = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param socket connected; TLS done.
   * @param first what was read of it already.
   */
  constructor(socket: Socket, first: Buffer, limits: RpcHttpLimits, handler: RpcHttpHandler) {
    this.socket = socket;
    this.#limits = limits;
    this.#handler = handler;
    socket.on('data', this.#onData);
    socket.on('error', this.#onError);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    this.#armTimer(limits.headTimeout, 'no whole request head in time');
    this.#onData(first);
  }

  /** Whether it has neither ended nor become a channel. */
  get active(): boolean {
    return this.#state !== 'over';
  }

  /** Tells a client that waits for it to send the body ([RFC 9110] 10.1.1). Others wait for no such thing. */
  continue(): void {
    if (this.#head?.expectsContinue !== true || this.#continued || !this.active) return;
    this.#continued = true;
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  /** Answers the request; the connection then waits for the next one where that is possible. */
  reply(reply: HttpReply): void {
    const head = this.#head;
    if (this.#state !== 'handling' || head === undefined) return;
    const bodyFollows = head.contentLength > 0 && (!head.expectsContinue || this.#continued);
    const wanted = (head.field('connection') ?? (head.minorVersion === 1 ? 'keep-alive' : 'close')).toLowerCase();
    const close = reply.close === true || wanted.includes('close') || (bodyFollows && head.contentLength > DRAIN_LIMIT);
    this.socket.write(encodeReply(reply, close));
    if (close || this.socket.writableLength > MAX_UNREAD) {
      this.end(close ? 'refused' : 'does not read its answers');
      return;
    }
    this.#head = undefined;
    this.#toDrain = bodyFollows ? head.contentLength : 0;
    this.#state = 'draining';
    this.#armTimer(this.#limits.idleTimeout, 'idle between requests');
    this.#next();
  }

  /** Turns the connection into a channel: from `start` of the leg on, its bytes are bodies. */
  accept(events: LegEvents): Leg {
    this.#detach();
    this.socket.pause();
    return new Leg(this.socket, events, this.#buffered);
  }

  /** Ends the connection; what was written still goes out. */
  end(why: string): void {
    if (!this.active) return;
    this.#detach();
    this.socket.on('error', () => this.socket.destroy());
    this.socket.resume();
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), LINGER);
    this.socket.once('close', () => clearTimeout(timer));
    this.#handler.closed(this, why);
  }

  #detach(): void {
    this.#state = 'over';
    clearTimeout(this.#timer);
    this.socket.off('data', this.#onData);
    this.socket.off('error', this.#onError);
    this.socket.off('end', this.#onEnd);
    this.socket.off('close', this.#onEnd);
  }

  #armTimer(ms: number, why: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.end(why), ms);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    this.#proceed();
  };

  /** Goes on after an answer. One request a turn: a client that sends thousands at once must not keep the others waiting. */
  #next(): void {
    if (this.#buffered.length === 0) {
      this.socket.resume();
      return;
    }
    this.socket.pause();
    setImmediate(() => {
      if (!this.active) return;
      this.socket.resume();
      this.#proceed();
    });
  }

  /** Works off what was read, up to the next request. */
  #proceed(): void {
    if (this.#state === 'draining' && !this.#drain()) return;
    if (this.#state === 'head' && this.#buffered.length > 0) this.#readHead();
    if (this.#state === 'handling' && this.#buffered.length > DRAIN_LIMIT) this.socket.pause();
  }

  /** Drops what is there of the body. Whether that was all of it. */
  #drain(): boolean {
    const drained = Math.min(this.#buffered.length, this.#toDrain);
    this.#toDrain -= drained;
    this.#buffered = this.#buffered.subarray(drained);
    if (this.#toDrain > 0) return false;
    this.#state = 'head';
    return true;
  }

  /** Hands on the request whose head has come in whole. */
  #readHead(): void {
    if (this.#searched === 0) this.#armTimer(this.#limits.headTimeout, 'no whole request head in time');
    try {
      const end = endOfHead(this.#buffered, this.#searched, this.#limits.headBytes);
      if (end < 0) {
        this.#searched = this.#buffered.length;
        return;
      }
      this.#head = parseHead(this.#buffered.subarray(0, end));
      this.#buffered = this.#buffered.subarray(end);
    } catch (error) {
      if (!(error instanceof HttpHeadError)) throw error;
      const statusLine = `HTTP/1.1 ${error.status} ${error.status === 400 ? 'Bad Request' : 'Request Header Fields Too Large'}`;
      this.socket.write(encodeReply({ statusLine }, true));
      this.end(error.message);
      return;
    }
    this.#searched = 0;
    this.#continued = false;
    this.#state = 'handling';
    clearTimeout(this.#timer);
    this.#handler.request(this, this.#head);
  }

  readonly #onError = (error: Error): void => {
    this.#detach();
    this.socket.destroy();
    this.#handler.closed(this, error.message);
  };

  readonly #onEnd = (): void => {
    this.#detach();
    this.socket.destroy();
    this.#handler.closed(this, 'closed by the client');
  };
}

/** The bytes of a reply. `close` says whether the connection is closed afterwards. */
export function encodeReply({ statusLine, fields = [], body }: HttpReply, close: boolean): Buffer {
  const lines = [statusLine, ...fields.map(([name, value]) => `${name}: ${value}`)];
  lines.push(`Content-Length: ${body?.length ?? 0}`, `Connection: ${close ? 'close' : 'Keep-Alive'}`, '', '');
  const head = Buffer.from(lines.join('\r\n'), 'latin1');
  return body === undefined ? head : Buffer.concat([head, body]);
}

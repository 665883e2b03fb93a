import { ProtocolError } from '../errors.ts';
import { type HttpResponseHead, ResponseHeadReader } from './http-response.ts';

/** Longest body of a response that is read only to get at what follows it, bytes: pages for people are longer than one thinks. */
const MAX_BODY = 256 * 1024;
/** Longest line of a chunked body that is not data, bytes. */
const MAX_LINE = 1024;

/** A response that has come in whole. */
export interface DrainedResponse {
  readonly head: HttpResponseHead;
  /** Whether another request can be made on the connection. */
  readonly reusable: boolean;
  /** What came behind it. */
  readonly rest: Buffer;
}

/**
 * Reads one response of which only the head matters, and drops its body, so that the next request can be made on the
 * connection (RFC 9112 6.3). A body that only the connection's end ends is not read: the connection is of no use then.
 */
export class ResponseDrain {
  /** A 2xx to this request is followed by no body, whatever its fields say: it is the answer to CONNECT (RFC 9110 9.3.6). */
  readonly #connect: boolean;
  readonly #reader = new ResponseHeadReader();
  #head: HttpResponseHead | undefined;
  #body: { take(bytes: Buffer): Buffer | undefined } | undefined;

  constructor(connect: boolean) {
    this.#connect = connect;
  }

  /** The response, once it is in whole; the drain is of no use afterwards. Throws ProtocolError: malformed, or too long. */
  push(chunk: Uint8Array): DrainedResponse | undefined {
    let bytes: Buffer | undefined = Buffer.from(chunk);
    if (this.#head === undefined) {
      const response = this.#reader.read(chunk);
      if (response === undefined) return undefined;
      this.#head = response.head;
      bytes = response.body;
      this.#body = this.#bodyOf(response.head);
      if (this.#body === undefined) return { head: response.head, reusable: false, rest: Buffer.alloc(0) };
    }
    const rest = this.#body?.take(bytes);
    return rest && { head: this.#head, reusable: this.#head.keepsConnection, rest: Buffer.from(rest) };
  }

  #bodyOf(head: HttpResponseHead): { take(bytes: Buffer): Buffer | undefined } | undefined {
    const tunnel = this.#connect && head.status >= 200 && head.status <= 299;
    if (tunnel || head.status === 204 || head.status === 304) return new SizedBody(0);
    const coding = head.field('transfer-encoding');
    if (coding !== undefined) return coding.toLowerCase() === 'chunked' ? new ChunkedBody() : undefined;
    const length = head.field('content-length');
    if (length === undefined) return undefined;
    if (!/^\d{1,10}$/.test(length)) throw badBody(`Content-Length of a response is "${length.slice(0, 20)}"`);
    if (Number(length) > MAX_BODY) throw badBody(`a body of ${length} bytes where none is expected`);
    return new SizedBody(Number(length));
  }
}

class SizedBody {
  #left: number;

  constructor(length: number) {
    this.#left = length;
  }

  /** What follows the body, where it ends within `bytes`. */
  take(bytes: Buffer): Buffer | undefined {
    const taken = Math.min(this.#left, bytes.length);
    this.#left -= taken;
    return this.#left === 0 ? bytes.subarray(taken) : undefined;
  }
}

/** RFC 9112 7.1 */
class ChunkedBody {
  #bytes: Buffer = Buffer.alloc(0);
  #state: 'size' | 'data' | 'trailer' = 'size';
  /** Of the chunk and its line end, bytes. */
  #left = 0;
  #total = 0;

  take(bytes: Buffer): Buffer | undefined {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      if (this.#state === 'data') {
        const taken = Math.min(this.#left, this.#bytes.length);
        this.#left -= taken;
        this.#bytes = this.#bytes.subarray(taken);
        if (this.#left > 0) return undefined;
        this.#state = 'size';
      }
      const line = this.#line();
      if (line === undefined) return undefined;
      if (this.#state === 'size') this.#begin(line);
      else if (line === '') return this.#bytes;
    }
  }

  #begin(line: string): void {
    const digits = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (digits === undefined) throw badBody('malformed chunk of a response');
    const size = Number.parseInt(digits, 16);
    this.#count(size);
    this.#left = size + 2;
    this.#state = size === 0 ? 'trailer' : 'data';
  }

  #line(): string | undefined {
    const end = this.#bytes.indexOf('\r\n');
    if (end < 0 ? this.#bytes.length > MAX_LINE : end > MAX_LINE) throw badBody('a chunked body has too long a line');
    if (end < 0) return undefined;
    this.#count(end);
    const line = this.#bytes.toString('latin1', 0, end);
    this.#bytes = this.#bytes.subarray(end + 2);
    return line;
  }

  #count(bytes: number): void {
    this.#total += bytes;
    if (this.#total > MAX_BODY) throw badBody(`a body of more than ${MAX_BODY} bytes where none is expected`);
  }
}

function badBody(what: string): ProtocolError {
  return new ProtocolError('RPCH_HTTP_BODY', what, 'RFC 9112 6');
}

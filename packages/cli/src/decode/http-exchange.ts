import type { Body } from './direction-reader.ts';
import type { HttpMessage } from './http-message.ts';
import type { Notes } from './notes.ts';
import { rpcErrorOf } from './tell-http.ts';
import { printable } from './told.ts';
import type { Channel } from './virtual-connections.ts';

/** [MS-RPCH] 2.1.2.1.5: a request with no more content than this is an echo request, or a leg of an authentication. */
const MAX_ECHO = 16;
/** [MS-RPCH] 2.1.2.1.4: what has less is no channel. */
const MIN_LIFETIME = 128 * 1024;
/** A channel of which less than this part is left was used up. */
const NEARLY_ALL = 0.99;
/** Requests that may wait for their answers: HTTP pipelining is nothing that clients of RPC over HTTP do. */
const MAX_WAITING = 64;

interface Asked {
  readonly method: string;
  /** Whether it carried credentials. */
  readonly authorized: boolean;
}

/** The requests and responses of one connection: what follows each head, and what came of them in the end. */
export class HttpExchange {
  readonly #name: string;
  readonly #notes: Notes;
  readonly #waiting: Asked[] = [];
  #channel: Channel | undefined;
  /** Why the last request was refused, until something better comes. */
  #refusal: string | undefined;
  readonly #declared = { client: 0, server: 0 };
  readonly #used = { client: 0, server: 0 };

  readonly #headsOnly: boolean;

  /** @param headsOnly whether neither fields of heads nor bodies that are not PDUs were kept. */
  constructor(name: string, notes: Notes, headsOnly: boolean) {
    this.#name = name;
    this.#notes = notes;
    this.#headsOnly = headsOnly;
  }

  /** The channel that the last RPC request asked for. */
  get channel(): Channel | undefined {
    return this.#channel;
  }

  /** Takes a head; returns what follows it. */
  take(message: HttpMessage): Body {
    const body =
      message.request === undefined ? this.#response(message) : this.#request(message, message.request.method);
    return this.#headsOnly ? { kind: 'pdus', chunked: false } : body;
  }

  /** A PDU went by. */
  pdu(fromClient: boolean, length: number): void {
    this.#used[fromClient ? 'client' : 'server'] += length;
    // The IN channel has no response while it lives: that it goes on is all that tells of success.
    if (!fromClient || this.#waiting.length > 0) this.#refusal = undefined;
  }

  /** Notes what came of it, at the end. */
  judge(): void {
    if (this.#refusal !== undefined) this.#notes.add(`${this.#name}: ${this.#refusal}`);
    for (const side of ['client', 'server'] as const) {
      const declared = this.#declared[side];
      if (declared >= MIN_LIFETIME && this.#used[side] > declared * NEARLY_ALL) {
        const which = side === 'client' ? 'IN' : 'OUT';
        this.#notes.add(`${this.#name}: the ${which} channel is used up: ${this.#used[side]} of ${declared} bytes`);
      }
    }
  }

  #request(message: HttpMessage, method: string): Body {
    const authorized = message.field('authorization') !== undefined;
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ method, authorized });
    if (method === 'RPC_IN_DATA') this.#channel = 'in';
    if (method === 'RPC_OUT_DATA') this.#channel = 'out';
    const length = message.contentLength ?? 0;
    if (method === 'RPC_IN_DATA' || method === 'RPC_OUT_DATA') {
      this.#declared.client = length;
      this.#used.client = 0;
      if (message.chunked)
        this.#notes.add(`${this.#name}: ${method} with chunked transfer coding, which RPC over HTTP forbids`);
      return length <= MAX_ECHO ? { kind: 'skipped', length } : { kind: 'pdus', chunked: message.chunked };
    }
    if (method === 'RPC_CONNECT' || method === 'CONNECT') return { kind: 'pdus', chunked: false };
    return message.chunked ? { kind: 'skipped-chunks' } : { kind: 'skipped', length };
  }

  #response(message: HttpMessage): Body {
    const status = message.response?.status ?? 0;
    if (status < 200) return { kind: 'skipped', length: 0 };
    const asked = this.#waiting.shift();
    this.#remember(message, status, asked);
    const isRpc = (message.field('content-type') ?? '').toLowerCase().startsWith('application/rpc');
    const opens = status < 300 && (asked?.method === 'RPC_CONNECT' || asked?.method === 'CONNECT');
    if (status < 300 && (isRpc || opens)) {
      this.#declared.server = message.contentLength ?? 0;
      this.#used.server = 0;
      if (message.chunked)
        this.#notes.add(
          `${this.#name}: the OUT channel came in chunked transfer coding: an intermediary has put it on`,
        );
      return { kind: 'pdus', chunked: message.chunked };
    }
    if (status === 204 || status === 304 || asked?.method === 'HEAD') return { kind: 'skipped', length: 0 };
    if (message.chunked) return { kind: 'skipped-chunks' };
    return message.contentLength === undefined ? { kind: 'rest' } : { kind: 'skipped', length: message.contentLength };
  }

  /** A 401 is a part of every authentication; it says something only where nothing follows. */
  #remember(message: HttpMessage, status: number, asked: Asked | undefined): void {
    if (status < 400) {
      this.#refusal = undefined;
      return;
    }
    const what =
      asked === undefined
        ? 'a request'
        : asked.method === 'RPC_IN_DATA'
          ? 'the IN channel'
          : asked.method === 'RPC_OUT_DATA'
            ? 'the OUT channel'
            : asked.method;
    const { reason = '' } = message.response ?? {};
    const answer = `${status} ${printable(reason, 80)}`.trim();
    const why = status === 401 ? about401(message, asked) : rpcErrorOf(message);
    this.#refusal = `${what} was answered with ${answer}${why === undefined ? '' : `: ${why}`}`;
  }
}

function about401(message: HttpMessage, asked: Asked | undefined): string {
  const challenged = message.all('www-authenticate').some((value) => /^(?:ntlm|negotiate) \S/i.test(value));
  if (challenged) return 'the client did not go on with the authentication on that connection';
  if (asked?.authorized === true) return 'the credentials were refused';
  return 'it came without credentials, and nothing followed on that connection';
}

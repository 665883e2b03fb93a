import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  type HttpClientOptions,
  type HttpVirtualConnection,
  openOverHttp,
  PfcFlag,
  RpchError,
} from '@rpch/rpc/internal';
import { CALL_HEADER_LENGTH, callIdOf, pduLength, requestPdu, responsePdu } from '../../src/plain-pdus.ts';
import { type GromoxOptions, GromoxServer } from '../../src/scripted-peers/gromox-server.ts';

/** Stub of a response's fragment, bytes: with its header the 5,840 that Windows negotiates. */
export const FRAGMENT = 5840 - CALL_HEADER_LENGTH;

/** A request whose stub says how many bytes are wanted is answered with as many, each its index modulo 251. */
export function answer(request: Buffer): readonly Buffer[] {
  if (((request[3] ?? 0) & PfcFlag.LAST_FRAG) === 0) return [];
  const wanted = pattern(request.readUInt32LE(CALL_HEADER_LENGTH));
  const fragments: Buffer[] = [];
  for (let at = 0; at === 0 || at < wanted.length; at += FRAGMENT) {
    const last = at + FRAGMENT >= wanted.length ? PfcFlag.LAST_FRAG : 0;
    const flags = (at === 0 ? PfcFlag.FIRST_FRAG : 0) | last;
    fragments.push(responsePdu(callIdOf(request), wanted.subarray(at, at + FRAGMENT), flags));
  }
  return fragments;
}

function pattern(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => at % 251));
}

interface Call {
  readonly data: Buffer[];
  readonly resolve: (stub: Buffer) => void;
  readonly reject: (error: RpchError) => void;
}

/** Our client over real sockets, which calls what {@link answer} serves. */
export class CallingClient {
  /** Fulfilled with the reason when the virtual connection ends by itself. */
  readonly ended = Promise.withResolvers<RpchError>();
  /** Transitions of its state machines, `machine: event`. */
  readonly events: string[] = [];
  #connection: HttpVirtualConnection | undefined;
  #callId = 0;
  readonly #calls = new Map<number, Call>();

  static async open(port: number, options: Partial<HttpClientOptions> = {}): Promise<CallingClient> {
    const client = new CallingClient();
    client.#connection = await openOverHttp({
      proxy: { host: '127.0.0.1', port },
      server: { host: 'mailbox.example.org', port: 6001 },
      random: randomBytes,
      onPdus: (run) => client.#received(Buffer.from(run)),
      onClosed: (error) => client.#ended(error),
      onTransition: (machine, _, event) => client.events.push(`${machine}: ${event}`),
      ...options,
    });
    return client;
  }

  get connection(): HttpVirtualConnection {
    if (this.#connection === undefined) throw new Error('not open yet');
    return this.#connection;
  }

  /**
   * Sends a request with a stub of `sent` bytes and waits for the `wanted` bytes that come back, which must be right. Rejects
   * with the reason where the virtual connection ends meanwhile.
   */
  async call(wanted: number, sent = 4): Promise<void> {
    const stub = Buffer.alloc(sent);
    stub.writeUInt32LE(wanted);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.#calls.set(++this.#callId, { data: [], resolve, reject });
    this.connection.send(requestPdu(this.#callId, stub));
    assert.ok((await promise).equals(pattern(wanted)), `the ${wanted} bytes are not those that were sent`);
  }

  /** Calls again and again until the virtual connection ends; returns why it did. */
  async callUntilEnded(wanted: number, sent: number): Promise<RpchError> {
    try {
      for (;;) await this.call(wanted, sent);
    } catch (error) {
      if (error instanceof RpchError) return error;
      throw error;
    }
  }

  #ended(error: RpchError): void {
    this.ended.resolve(error);
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }

  #received(run: Buffer): void {
    for (let at = 0; at < run.length; ) {
      const pdu = run.subarray(at, at + (pduLength(run.subarray(at)) ?? run.length));
      at += pdu.length;
      const call = this.#calls.get(callIdOf(pdu));
      call?.data.push(pdu.subarray(CALL_HEADER_LENGTH));
      if (call === undefined || ((pdu[3] ?? 0) & PfcFlag.LAST_FRAG) === 0) continue;
      this.#calls.delete(callIdOf(pdu));
      call.resolve(Buffer.concat(call.data));
    }
  }
}

/** Runs a script with gromox and our client, and ends both. */
export async function withGromox(
  options: Partial<GromoxOptions>,
  clientOptions: Partial<HttpClientOptions>,
  script: (gromox: GromoxServer, client: CallingClient) => Promise<void>,
): Promise<void> {
  const gromox = await GromoxServer.listen({ answer, ...options });
  try {
    const client = await CallingClient.open(gromox.port, clientOptions);
    await script(gromox, client);
    client.connection.close();
  } finally {
    await gromox.close();
  }
}

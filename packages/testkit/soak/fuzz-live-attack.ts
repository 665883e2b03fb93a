import { connect, type Socket } from 'node:net';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { Deframer, type MessageProtection, type PduSink, ProtocolError } from '@rpch/rpc/internal';
import type { RpcServerPorts } from '../src/rpc-server-child.ts';
import { protect, protectedConduct, protectionOf } from './fuzz-associations.ts';
import type { LivePlan } from './fuzz-live-plan.ts';
import { type ClientSide, clientSide } from './fuzz-pair.ts';
import { piecesOf } from './fuzz-sequence.ts';

/** A server that has not closed a connection so long after its client has is stuck, ms. */
const PATIENCE = 30_000;
/** Time for a server to answer, where a plan gives it some, ms. */
const ANSWERS = 20;
/** Time for a virtual connection to open, ms; one that is damaged never does. */
const OPENING = 50;
/** Time for an honest bind, ms; over connections that are damaged there may be none. */
const BIND = 2000;

const BANNER = 'ncacn_http/1.0'.length;

/** The server's connections are not closed; it is named by what was waited for. */
export class HangError extends Error {
  override readonly name = 'HangError';
}

/**
 * Carries out a plan; says whether its honest bind, where it has one, succeeded. Rejects with a {@link HangError}; whatever the
 * server does else is its right.
 */
export async function attack(plan: LivePlan, ports: RpcServerPorts, host: string): Promise<boolean> {
  const [first, ...pieces] = piecesOf(Buffer.from(plan.input, 'base64'));
  const http = plan.transport === 'http';
  const inbound = new Connection(host, http ? ports.http : ports.tcp, http ? BANNER : 0);
  const out = http ? new Connection(host, ports.http, BANNER) : inbound;
  let bound = false;
  try {
    if (http) {
      out.send(Buffer.from(plan.openings[0], 'base64'), 0);
      inbound.send(Buffer.from(plan.openings[1], 'base64'), 0);
      // CONN/B3: what comes before is too early, and so is most of a damaged opening's
      await Promise.race([inbound.spoken, pause(OPENING)]);
    }
    if (plan.mode === 'sealed') {
      const conduct = protectedConduct(first?.[0] ?? 0);
      const client = clientSide({ ...conduct, isFull: false });
      out.sink = client.association;
      bound = await bind(client, inbound);
      if (bound) {
        const protection = protectionOf(conduct.level, client.initiator?.protection as MessageProtection);
        for (const piece of pieces) protect(protection, piece);
      }
      out.sink = undefined;
      client.association.close();
    }
    for (const piece of pieces) {
      inbound.send(piece, plan.chunk);
      await turn();
    }
    if (plan.ending === 'after answers') await pause(ANSWERS);
  } finally {
    for (const connection of new Set([inbound, out])) connection.end(plan.ending === 'reset');
  }
  await Promise.all([inbound, out].map((connection) => connection.closed()));
  return bound;
}

async function bind(client: ClientSide, to: Connection): Promise<boolean> {
  const until = performance.now() + BIND;
  while (!client.association.bound && !client.wire.over && !to.over && performance.now() < until) {
    for (const pdu of client.wire.take()) to.send(pdu, 0);
    await Promise.race([to.change(), pause(5)]);
  }
  // the last leg of NTLM, and the calls of the client's own, which are as good as others
  for (const pdu of client.wire.take()) to.send(pdu, 0);
  return client.association.bound;
}

/** One connection of an attacker. */
class Connection {
  readonly #socket: Socket;
  readonly #deframer = new Deframer();
  readonly #spoken = Promise.withResolvers<void>();
  #banner: number;
  readonly #closed: Promise<void>;
  #wake = (): void => {};
  /** Who takes what the server sends; else nobody does. */
  sink: PduSink | undefined;
  over = false;

  /** @param banner length of what comes before PDUs. */
  constructor(host: string, port: number, banner: number) {
    this.#banner = banner;
    this.#socket = connect({ host, port, noDelay: true });
    // resets are what attackers get
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk) => {
      this.#take(chunk);
      this.#wake();
    });
    this.#closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.over = true;
        this.#spoken.resolve();
        this.#wake();
        resolve();
      });
    });
  }

  /** A server of `ncacn_http` begins with its banner; what it says to damaged openings is not for the sink. */
  #take(chunk: Uint8Array): void {
    const banner = Math.min(this.#banner, chunk.length);
    this.#banner -= banner;
    if (banner === chunk.length) return;
    this.#spoken.resolve();
    const { sink } = this;
    if (sink === undefined) return;
    try {
      const bytes = Uint8Array.from(chunk.subarray(banner));
      this.#deframer.push(bytes, { rpc: (run, count) => sink.rpc(run, count), rts: () => {} });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.sink = undefined;
    }
  }

  /** Something came behind the banner, or it is over. */
  get spoken(): Promise<void> {
    return this.#spoken.promise;
  }

  /** Something came, or it is over. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  send(bytes: Uint8Array, chunk: number): void {
    if (this.over) return;
    if (chunk === 0) this.#socket.write(bytes);
    else for (let at = 0; at < bytes.length; at += chunk) this.#socket.write(bytes.subarray(at, at + chunk));
  }

  end(reset: boolean): void {
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.end();
  }

  async closed(): Promise<void> {
    const late = new AbortController();
    const { signal } = late;
    const hang = pause(PATIENCE, undefined, { signal }).then(() => {
      this.#socket.destroy();
      throw new HangError(`the server has not closed a connection ${PATIENCE} ms after its client did`);
    });
    hang.catch(() => {});
    try {
      await Promise.race([this.#closed, hang]);
    } finally {
      late.abort();
    }
  }
}

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RpchError } from '@rpch/rpc';
import type { ConnectionCounters, OnTransition } from '@rpch/rpc/internal';
import { EchoSession } from './echo-session.ts';

/** Where a session goes, and how its calls are. */
export interface FarmTarget {
  /** The load balancer, on 127.0.0.1. */
  readonly port: number;
  readonly server: { readonly host: string; readonly port: number };
  readonly authorization: string;
  /** Content-Length of IN channels, bytes. */
  readonly channelLifetime: number;
  /** Pause after each call, ms. */
  readonly pause: number;
}

/** A call that has no answer after this time has failed, ms: many times what recycling takes. */
const CALL_TIMEOUT = 15_000;
/** Largest echo and largest answer, bytes: several fragments, and small beside a channel's lifetime. */
const [MOST_ECHOED, MOST_SOURCED] = [12_000, 16_000];
const SESSION_NUMBER = 4;

/** One session that calls all the time, by its number; what became of it is kept. Times on `performance.now()`. */
export class FarmSession {
  readonly number: number;
  /** Calls that were answered rightly. */
  calls = 0;
  /** The call that failed, and when: its session does not call again. */
  failure: { readonly at: number; readonly error: RpchError } | undefined;
  /** When the client was told that the session had ended. */
  endedAt: number | undefined;
  readonly #session: EchoSession;
  #stopping = false;
  #running: Promise<void>;

  private constructor(number: number, session: EchoSession, target: FarmTarget) {
    this.number = number;
    this.#session = session;
    this.#running = this.#run(target.pause);
  }

  /** Opens it and begins to call. Its cookies begin with its number, so that whoever sees one knows whose it is. */
  static async open(number: number, target: FarmTarget, onTransition?: OnTransition): Promise<FarmSession> {
    let opened: FarmSession | undefined;
    let endedAt: number | undefined;
    const session = await EchoSession.open(
      {
        proxy: { host: '127.0.0.1', port: target.port },
        server: target.server,
        authorization: target.authorization,
        channelLifetime: target.channelLifetime,
        callTimeout: CALL_TIMEOUT,
        random: (length) => numbered(number, length),
        ...(onTransition === undefined ? {} : { onTransition }),
      },
      () => {
        endedAt = performance.now();
        if (opened !== undefined) opened.endedAt = endedAt;
      },
    );
    opened = new FarmSession(number, session, target);
    opened.endedAt = endedAt;
    return opened;
  }

  get counters(): ConnectionCounters | undefined {
    return this.#session.counters;
  }

  /** Lets the call under way finish, then closes. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#session.close();
  }

  async #run(pause: number): Promise<void> {
    try {
      while (!this.#stopping) {
        await this.#call();
        this.calls++;
        await delay(pause);
      }
    } catch (error) {
      if (!(error instanceof RpchError)) throw error;
      this.failure = { at: performance.now(), error };
    }
  }

  #call(): Promise<void> {
    const kind = Math.random();
    if (kind < 0.6) return this.#session.addOne(this.calls);
    if (kind < 0.8) return this.#session.echo(randomBytes(Math.floor(Math.random() * MOST_ECHOED)));
    return this.#session.source(Math.floor(Math.random() * MOST_SOURCED));
  }
}

/** The session's number, which is also its virtual connection cookie's first bytes and its association group's. */
function numbered(number: number, length: number): Uint8Array {
  const bytes = randomBytes(length);
  if (length >= SESSION_NUMBER) bytes.writeUInt32BE(number, 0);
  return bytes;
}

import assert from 'node:assert/strict';
import type { Settings } from '@rpch/proxy';
import { ALICE, LiveProxy, SHORT_LIMITS } from '../../src/live-proxy.ts';
import type { RawConnection } from '../../src/raw-connection.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { basic, ScriptedClient, type ScriptedClientOptions } from '../../src/scripted-client.ts';

/** What one party saw, and how many ms after the cause. */
export interface Seen {
  readonly what: string;
  readonly after?: number;
}

/** What came of a fault. */
export interface Outcome {
  readonly in: Seen;
  readonly out: Seen;
  readonly server: Seen;
  /** Event and reason of the one line in the log that tells of it. */
  readonly log: string;
  /** When nothing of it was left in the proxy, ms after the cause; absent where the session goes on. */
  readonly gone?: number;
}

/** One row of the table of faults: what happens, what must come of it, and how to make it happen. */
export interface Row {
  readonly name: string;
  /** The time-out that applies, and its length in ms. Without one the proxy acts at once. */
  readonly timeout?: readonly [name: string, ms: number];
  /** How late a party may learn of it, where the kernel's timers are coarser than ours or its buffers have to fill first, ms. */
  readonly latest?: number;
  readonly expected: { readonly in: string; readonly out: string; readonly server: string; readonly log: string };
  run(): Promise<Outcome>;
}

/** How late a party may learn of a fault, and the proxy have forgotten the session, ms. */
export const LATEST = 1000;
/** The same where the proxy has to fill the kernels' buffers before anything stands still, ms. */
export const LATEST_WHEN_FULL = 2 * LATEST;
/** Timers of the two sides may disagree by so much, ms. */
const EARLIEST = 20;
/** Mark of a party that caused the fault or took no part. */
export const NOBODY: Seen = { what: '-' };
export const GOES_ON: Seen = { what: 'goes on' };

/** Short time-outs of the proxies in the table, as rows name them. */
export const TIMEOUT = {
  stall: ['stallTimeout', SHORT_LIMITS.stallTimeout * 1000],
  pair: ['pairTimeout', SHORT_LIMITS.pairTimeout * 1000],
  connect: ['connectTimeout', SHORT_LIMITS.connectTimeout * 1000],
  drain: ['drainTimeout', SHORT_LIMITS.drainTimeout * 1000],
} as const;

/** Asserts that a row's outcome is the expected one, and in time. */
export function check(row: Row, outcome: Outcome): void {
  const { in: inSaw, out, server, log } = outcome;
  assert.deepEqual({ in: inSaw.what, out: out.what, server: server.what, log }, row.expected);
  const timeout = row.timeout?.[1] ?? 0;
  const latest = timeout + (row.latest ?? LATEST);
  const times = { in: inSaw.after, out: out.after, server: server.after, gone: outcome.gone };
  for (const [who, after] of Object.entries(times)) {
    if (after === undefined) continue;
    assert.ok(after >= timeout - EARLIEST, `${who}: ${after} ms is before the time-out of ${timeout} ms`);
    assert.ok(after <= latest, `${who}: ${after} ms is after ${latest} ms`);
  }
}

/** A proxy and a server of their own, so that what is left at the end is this row's. */
export class Stage {
  readonly server: RpcServerStub;
  readonly live: LiveProxy;

  private constructor(server: RpcServerStub, live: LiveProxy) {
    this.server = server;
    this.live = live;
  }

  static async open(limits: Partial<Settings['limits']> = {}, allow: readonly string[] = []): Promise<Stage> {
    const server = await RpcServerStub.listen();
    const flags = { allow: [`ncacn_ip_tcp:127.0.0.1[${server.port}]`, ...allow] };
    return new Stage(server, await LiveProxy.start({ flags, limits }));
  }

  options(options: Partial<ScriptedClientOptions> = {}): ScriptedClientOptions {
    const authorization = basic(ALICE.name, ALICE.password);
    return { port: this.live.port, server: `127.0.0.1:${this.server.port}`, authorization, ...options };
  }

  /** A client of alice's with its session open and one call made. */
  async session(options: Partial<ScriptedClientOptions> = {}): Promise<ScriptedClient> {
    const client = await ScriptedClient.open(this.options(options));
    await client.call();
    return client;
  }

  /** Ends the stage. Nothing may be left of the row, and the proxy itself must not have failed. */
  async close(): Promise<void> {
    await this.server.close();
    await this.live.stop();
    const faults = this.live.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields);
    assert.deepEqual(faults, [], 'the proxy logged a fault of its own');
  }
}

/** How a connection ended, as its own side saw it. */
export async function seen(connection: RawConnection, cause: number): Promise<Seen> {
  const { how, at } = await connection.ended;
  return how === 'own' ? NOBODY : { what: how, after: at - cause };
}

/** `503` when it comes, and when that was. */
export async function seenRefusal(connection: RawConnection, cause: number): Promise<Seen & { readonly head: string }> {
  const head = await connection.takeHead();
  return { what: head.split(' ', 2)[1] ?? '', after: performance.now() - cause, head };
}

export interface SessionRowOptions {
  readonly timeout?: readonly [name: string, ms: number];
  readonly latest?: number;
  readonly client?: Partial<ScriptedClientOptions>;
}

/**
 * A row about an open session that a fault ends.
 * @param cause makes the fault happen and returns when it did, on the clock of `performance.now()`.
 */
export function sessionRow(
  name: string,
  expected: Row['expected'],
  cause: (stage: Stage, client: ScriptedClient) => Promise<number>,
  { timeout, latest, client: clientOptions = {} }: SessionRowOptions = {},
): Row {
  const run = async (): Promise<Outcome> => {
    const stage = await Stage.open();
    try {
      const client = await stage.session(clientOptions);
      const server = await stage.server.connection();
      const at = await cause(stage, client);
      const line = await stage.live.line('session.ended');
      // Whoever had stopped reading looks at last, or it could not tell how its connection ended.
      for (const connection of [client.in, client.out, server]) connection.goOnReading();
      const [inSaw, out, serverSaw] = await Promise.all([client.in, client.out, server].map((leg) => seen(leg, at)));
      const gone = (await stage.live.empty()) - at;
      assert.equal(stage.live.logged('session.ended').length, 1, 'one line for one session');
      if (inSaw === undefined || out === undefined || serverSaw === undefined) throw new Error('three legs');
      return { in: inSaw, out, server: serverSaw, gone, log: describeLine(line.fields) };
    } finally {
      await stage.close();
    }
  };
  return { name, expected, run, ...(timeout && { timeout }), ...(latest && { latest }) };
}

/** `event reason` of a line. */
export function describeLine(fields: Readonly<Record<string, unknown>>): string {
  return fields.reason === undefined ? String(fields.event) : `${fields.event} ${fields.reason}`;
}

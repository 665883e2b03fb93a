import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { echoDeclaration, RpcClient } from '@rpch/rpc';
import { ALICE, LiveProxy } from '../src/live-proxy.ts';
import type { RpcServerChildOptions, RpcServerPorts } from '../src/rpc-server-child.ts';
import { SeededRandom } from '../src/simulation/random.ts';
import { TransferChild } from '../src/transfer/children.ts';
import type { KeptMemory } from '../src/transfer/inspector.ts';
import { ACCOUNT } from './fuzz-accounts.ts';
import { attack } from './fuzz-live-attack.ts';
import { type LivePlan, LivePlanner } from './fuzz-live-plan.ts';
import { corpusOf } from './fuzzer.ts';

const HOST = '127.0.0.1';
const ATTACKERS = 12;
/** Between two calls of a good client, ms. */
const CALL_EVERY = 50;
/** Patience of a good client, ms: another may have the processor. */
const CALL_TIMEOUT = 30_000;
/** Patience with connections that are to close, ms. */
const EMPTY_WITHIN = 30_000;
/** Plans that are kept when the server fails: those under way, and those before them. */
const PLANS_KEPT = 64;
/** What the server may keep more at the end than half-way, bytes. */
const MAX_GROWTH = 4 * 1024 * 1024;
/** A shorter run says nothing about growth, sessions. */
const ENOUGH_FOR_GROWTH = 2000;
const ASSOCIATION = fileURLToPath(import.meta.resolve('@rpch/rpc/internal')).replace(
  'internal_mod.ts',
  'dcerpc/server-association.ts',
);

export interface LiveOptions {
  readonly seed: number;
  /** When it is over: after so many ms, or so many sessions. */
  readonly until: { readonly milliseconds: number } | { readonly sessions: number };
}

/** What came of it. */
export interface LiveReport {
  /** Sessions of attackers. */
  readonly sessions: number;
  /** Those whose honest bind succeeded, so that what followed was protected with the right keys. */
  readonly bound: number;
  /** Calls of good clients that were answered. */
  readonly calls: number;
  /** What the server keeps: early, half-way, at the end. */
  readonly memory: readonly KeptMemory[];
  /** What went wrong. */
  readonly findings: readonly string[];
}

/** An RPC server in a process of its own that is attacked over TCP and `ncacn_http` while good clients call it. */
export class LiveFuzz {
  readonly #child: TransferChild;
  readonly #ports: RpcServerPorts;
  readonly #recent: LivePlan[] = [];
  readonly #findings: string[] = [];
  #bound = 0;
  #gone: string | undefined;

  private constructor(child: TransferChild, ports: RpcServerPorts) {
    this.#child = child;
    this.#ports = ports;
    void child.ended().then((how) => {
      this.#gone = how;
    });
  }

  static async start(): Promise<LiveFuzz> {
    const options: RpcServerChildOptions = {
      host: HOST,
      mapperPort: 0,
      domain: ACCOUNT.domain,
      realm: 'PEER.TEST',
      user: ACCOUNT.user,
      password: ALICE.password,
    };
    const child = TransferChild.program('RPC server', '../rpc-server-child.ts', JSON.stringify(options));
    return new LiveFuzz(child, (await child.message()) as RpcServerPorts);
  }

  /** Carries out plans that were kept. Returns what went wrong. */
  async replay(plans: readonly LivePlan[]): Promise<readonly string[]> {
    for (const plan of plans) await this.#attack(plan);
    if (this.#gone === undefined) await this.#expectEmpty();
    else this.#found(this.#gone);
    return this.#findings;
  }

  async run({ seed, until }: LiveOptions): Promise<LiveReport> {
    const planner = new LivePlanner(new SeededRandom(seed));
    const proxy = await LiveProxy.start({ flags: { allow: [`ncacn_http:${HOST}[${this.#ports.http}]`] } });
    const good = [
      new GoodClient(`ncacn_ip_tcp:${HOST}[${this.#ports.tcp}]`),
      new GoodClient(
        `ncacn_http:${HOST}[${this.#ports.http},RpcProxy=${HOST}:${proxy.port},HttpUseTls=false,HttpAuthOption=basic]`,
      ),
    ];
    const began = performance.now();
    let sessions = 0;
    const share = (): number =>
      'sessions' in until ? sessions / until.sessions : (performance.now() - began) / until.milliseconds;
    const memory: KeptMemory[] = [];
    try {
      await Promise.all(good.map((client) => client.begin()));
      // nobody attacks while it is looked at: what is under way is not kept
      for (const mark of [0.1, 0.5, 1]) {
        const attacker = async (): Promise<void> => {
          while (share() < mark && this.#findings.length === 0 && this.#gone === undefined) {
            sessions++;
            await this.#attack(planner.next());
            const failed = good.find(({ failure }) => failure !== undefined);
            if (failed !== undefined && this.#findings.length === 0) this.#found(`a good client: ${failed.failure}`);
          }
        };
        await Promise.all(Array.from({ length: ATTACKERS }, attacker));
        if (this.#gone !== undefined || this.#findings.length > 0) break;
        const inspector = await this.#child.inspector();
        memory.push(await inspector.keptMemory());
        const associations = await inspector.instancesOf(ASSOCIATION, 'ServerAssociation');
        if (associations < good.length) throw new Error(`the inspector sees ${associations} associations`);
      }
      if (this.#gone !== undefined) this.#found(`${this.#gone}: ${this.#child.lastLines}`);
    } finally {
      await Promise.all(good.map((client) => client.end()));
      await proxy.stop();
    }
    if (this.#gone === undefined) await this.#expectEmpty();
    const [, half, end] = memory;
    const grew = half === undefined || end === undefined ? 0 : end.kept - half.kept;
    if (sessions >= ENOUGH_FOR_GROWTH && grew > MAX_GROWTH)
      this.#found(`the server keeps ${grew} bytes more in the second half`);
    const calls = good.reduce((sum, { calls: own }) => sum + own, 0);
    return { sessions, bound: this.#bound, calls, memory, findings: this.#findings };
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  async #attack(plan: LivePlan): Promise<void> {
    this.#recent.push(plan);
    if (this.#recent.length > PLANS_KEPT) this.#recent.shift();
    try {
      if (await attack(plan, this.#ports, HOST)) this.#bound++;
    } catch (error) {
      this.#found(error instanceof Error ? (error.stack ?? error.message) : String(error), [plan]);
    }
  }

  /** No connection and no association is left. */
  async #expectEmpty(): Promise<void> {
    const inspector = await this.#child.inspector();
    const until = performance.now() + EMPTY_WITHIN;
    // the inspector's own connection is none of these
    while ((await inspector.tcpConnections()) > 0 && performance.now() < until) await pause(20);
    const connections = await inspector.tcpConnections();
    if (connections > 0) this.#found(`${connections} connections are left`);
    const associations = await inspector.instancesOf(ASSOCIATION, 'ServerAssociation');
    if (associations > 0) this.#found(`${associations} associations are left`);
  }

  #found(what: string, plans: readonly LivePlan[] = this.#recent): void {
    const folder = corpusOf('live');
    mkdirSync(folder, { recursive: true });
    const text = JSON.stringify(plans);
    const file = join(folder, `finding-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.json`);
    writeFileSync(file, text);
    this.#findings.push(`${what} (npm run soak -- fuzz --live --replay ${file})`);
  }
}

/** Calls on and on; notes the first call that is not answered right. */
class GoodClient {
  readonly #client: RpcClient;
  #over = false;
  #loop: Promise<void> | undefined;
  calls = 0;
  failure: string | undefined;

  constructor(binding: string) {
    const credentials = { user: `${ACCOUNT.domain}\\${ACCOUNT.user}`, password: ALICE.password };
    this.#client = new RpcClient(binding, {
      credentials,
      callTimeout: CALL_TIMEOUT,
      http: { credentials: { user: ALICE.name, password: ALICE.password } },
    });
  }

  /** Resolves when its first call was answered. */
  async begin(): Promise<void> {
    const echo = await this.#client.bind(echoDeclaration);
    const call = async (): Promise<void> => {
      const { out_data } = await echo.addOne({ in_data: this.calls });
      if (out_data !== ++this.calls) throw new Error(`${out_data} in place of ${this.calls}`);
    };
    await call();
    this.#loop = (async () => {
      try {
        for (; !this.#over; await pause(CALL_EVERY)) await call();
      } catch (error) {
        this.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
    })();
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#loop;
    this.#client.close();
  }
}

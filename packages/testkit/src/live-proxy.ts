import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, type ProxyFlags, type RpcProxy, type Settings, settingsFromFlags, startProxy } from '@rpch/proxy';
import { PATIENCE } from './raw-connection.ts';

/** One line that the proxy logged. */
export interface ProxyLogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LiveProxyOptions {
  readonly flags?: ProxyFlags;
  readonly limits?: Partial<Settings['limits']>;
}

/** Limits short enough to wait for, in seconds. */
export const SHORT_LIMITS = { headTimeout: 1, pairTimeout: 2, connectTimeout: 1, stallTimeout: 2, drainTimeout: 1 };
/** The accounts of every proxy that is started here. */
export const ALICE = { name: 'alice', password: 'secret-of-alice' };
export const BOB = { name: 'bob', password: 'secret-of-bob' };

/** The proxy in this process, on a port of its own, with its log kept and its limits short. */
export class LiveProxy {
  readonly proxy: RpcProxy;
  readonly port: number;
  readonly settings: Settings;
  readonly lines: ProxyLogLine[];
  readonly #wakers: Set<() => void>;
  readonly #folder: string;

  private constructor(
    proxy: RpcProxy,
    settings: Settings,
    lines: ProxyLogLine[],
    wakers: Set<() => void>,
    folder: string,
  ) {
    this.proxy = proxy;
    this.settings = settings;
    this.lines = lines;
    this.#wakers = wakers;
    this.#folder = folder;
    this.port = proxy.listening[0]?.port ?? 0;
  }

  static async start({ flags = {}, limits = {} }: LiveProxyOptions = {}): Promise<LiveProxy> {
    const folder = mkdtempSync(join(tmpdir(), 'rpch-live-'));
    const defaults = settingsFromFlags({
      listen: ['http://127.0.0.1:0'],
      user: [ALICE, BOB].map(({ name, password }) => `${name}:${password}`),
      data: folder,
      ...flags,
    });
    const settings = { ...defaults, limits: { ...defaults.limits, ...SHORT_LIMITS, ...limits } };
    const lines: ProxyLogLine[] = [];
    const wakers = new Set<() => void>();
    const at = (level: ProxyLogLine['level']) => (fields: Record<string, unknown>) => {
      lines.push({ level, at: performance.now(), fields });
      for (const wake of [...wakers]) wake();
    };
    const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    return new LiveProxy(await startProxy(settings, log), settings, lines, wakers, folder);
  }

  /** Lines of an event so far. */
  logged(event: string): ProxyLogLine[] {
    return this.lines.filter(({ fields }) => fields.event === event);
  }

  /** Waits for the first line that fits. */
  line(event: string, fits: (fields: ProxyLogLine['fields']) => boolean = () => true): Promise<ProxyLogLine> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const line = this.logged(event).find(({ fields }) => fits(fields));
        if (line === undefined) return;
        this.#wakers.delete(look);
        clearTimeout(timer);
        resolve(line);
      };
      const timer = setTimeout(() => {
        this.#wakers.delete(look);
        const last = this.lines.slice(-5).map(({ fields }) => JSON.stringify(fields));
        reject(new Error(`expected a line ${event} within ${PATIENCE} ms; the last lines are\n${last.join('\n')}`));
      }, PATIENCE);
      this.#wakers.add(look);
      look();
    });
  }

  /** Waits until just that is open: connections of clients; sessions, counting channels that have none. */
  async untilLoad(wanted: RpcProxy['load'], patience = PATIENCE): Promise<void> {
    await eventually(
      () => this.proxy.load.sessions === wanted.sessions && this.proxy.load.connections === wanted.connections,
      () => `expected ${JSON.stringify(wanted)}, the proxy has ${JSON.stringify(this.proxy.load)}`,
      patience,
    );
  }

  /** Waits until no session and no connection is left; returns when that was. Throws after `patience` ms. */
  async empty(patience = PATIENCE): Promise<number> {
    await this.untilLoad({ connections: 0, sessions: 0 }, patience);
    return performance.now();
  }

  async stop(): Promise<void> {
    this.proxy.stop();
    await this.empty();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Looks again and again until something is so; for what no event tells of. */
export async function eventually(isSo: () => boolean, otherwise: () => string, patience = PATIENCE): Promise<void> {
  const until = performance.now() + patience;
  while (!isSo()) {
    if (performance.now() > until) throw new Error(`${otherwise()} after ${patience} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

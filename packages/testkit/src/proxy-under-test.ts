import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ProxyFlags, RpcProxy, Settings } from '@rpch/proxy';

export interface ChildOptions {
  readonly flags: ProxyFlags;
  readonly limits: Partial<Settings['limits']>;
}

/** What the proxy's process says of itself, after a garbage collection. */
export interface ChildStatus {
  readonly port: number;
  readonly load: RpcProxy['load'];
  /** Its counters. */
  readonly counts: Readonly<Record<string, number>>;
  /** Lines that it logged as faults of its own. */
  readonly faults: readonly string[];
  /** Bytes. */
  readonly rss: number;
  /** JavaScript's heap and what hangs on it, bytes. */
  readonly heap: number;
}

/** A proxy in a process of its own, for attacks: neither its memory nor its event loop is the test's. */
export class ProxyUnderTest {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  static async start(options: ChildOptions): Promise<ProxyUnderTest> {
    const child = fork(fileURLToPath(new URL('proxy-child.ts', import.meta.url)), [JSON.stringify(options)]);
    const proxy = new ProxyUnderTest(child);
    await Promise.race([
      once(child, 'message'),
      proxy.#exited.then(() => Promise.reject(new Error('it did not start'))),
    ]);
    return proxy;
  }

  async status(): Promise<ChildStatus> {
    if (!this.#child.connected) throw new Error(`the proxy is gone: ${this.#child.exitCode ?? this.#child.signalCode}`);
    this.#child.send('status');
    const [status] = (await once(this.#child, 'message')) as [ChildStatus];
    return status;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

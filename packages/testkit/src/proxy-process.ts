import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ALICE, eventually } from './live-proxy.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/bin/rpch.js', import.meta.url));
const READY_PATIENCE = 20_000;

/** `rpch proxy` as a process of its own, with a configuration file that can be rewritten, and signals. */
export class ProxyProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** Lines of its log, parsed; what it printed otherwise is in `printed`. */
  readonly lines: Record<string, unknown>[] = [];
  readonly printed: string[] = [];
  /** Its exit code, or the signal that killed it; and when. */
  readonly exit: Promise<{ readonly code: number | string; readonly at: number }>;

  private constructor(folder: string) {
    this.#folder = folder;
    const args = [PROGRAM, 'proxy', '--config', join(folder, 'rpch.yaml'), '--user', `${ALICE.name}:${ALICE.password}`];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.exit = once(this.#child, 'exit').then(([code, signal]) => ({ code: code ?? signal, at: performance.now() }));
    if (this.#child.stderr === null) throw new Error('stderr is a pipe');
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Record<string, unknown>);
      else this.printed.push(line);
    });
  }

  /** Starts it and waits until it is ready. @param config the YAML configuration. */
  static async start(config: string): Promise<ProxyProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'rpch-process-'));
    writeFileSync(join(folder, 'rpch.yaml'), config);
    const process = new ProxyProcess(folder);
    await eventually(
      () => process.printed.some((line) => line.includes('http://')),
      () => `the proxy is not ready; it said ${process.printed.join('\n')}`,
      READY_PATIENCE,
    );
    return process;
  }

  /** Port of its first listener. */
  get port(): number {
    const url = this.printed.map((line) => /https?:\/\/[^ ]*/.exec(line)?.[0]).find((found) => found !== undefined);
    return Number(new URL(url ?? '').port);
  }

  configure(config: string): void {
    writeFileSync(join(this.#folder, 'rpch.yaml'), config);
  }

  signal(name: 'SIGTERM' | 'SIGHUP'): void {
    this.#child.kill(name);
  }

  /** Waits for a line of its log. */
  async line(event: string): Promise<Record<string, unknown>> {
    const find = () => this.lines.find((line) => line.event === event);
    await eventually(
      () => find() !== undefined,
      () => `no line ${event}; the last is ${JSON.stringify(this.lines.at(-1))}`,
    );
    return find() ?? {};
  }

  /** Removes what it left; kills it if it still runs. */
  async dispose(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

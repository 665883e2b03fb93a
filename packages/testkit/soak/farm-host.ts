import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '../src/live-proxy.ts';

const PROGRAM = fileURLToPath(new URL('../../cli/bin/rpch.js', import.meta.url));
const READY_PATIENCE = 20_000;

/** A line of a proxy's log, and when it was read, ms on the clock of `performance.now()`. */
export interface HostLogLine {
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** `rpch proxy` as a process of its own, on a host of its own where it is started in a network namespace. */
export class ProxyHost {
  readonly name: string;
  readonly lines: HostLogLine[] = [];
  /** What it printed on stderr besides its log. */
  readonly printed: string[] = [];
  /** Its exit code, or the signal that ended it, and when. */
  readonly exit: Promise<{ readonly code: number | string; readonly at: number }>;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(name: string, enter: readonly string[], config: object, flags: readonly string[]) {
    this.name = name;
    this.#folder = mkdtempSync(join(tmpdir(), 'rpch-host-'));
    // JSON is YAML.
    writeFileSync(join(this.#folder, 'rpch.yaml'), JSON.stringify(config));
    const command = [process.execPath, PROGRAM, 'proxy', '--config', join(this.#folder, 'rpch.yaml'), ...flags];
    const [program = '', ...args] = [...enter, ...command];
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let at = 0;
    this.#child.on('exit', () => {
      at = performance.now();
    });
    // The last lines of its log are in by then.
    this.exit = once(this.#child, 'close').then(([code, signal]) => ({ code: code ?? signal, at }));
    if (this.#child.stderr === null) throw new Error('stderr is a pipe');
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      if (!line.startsWith('{')) this.printed.push(line);
      else this.lines.push({ at: performance.now(), fields: JSON.parse(line) as HostLogLine['fields'] });
    });
  }

  /**
   * Starts it and waits until it accepts.
   * @param enter the words that enter its namespace; none for this machine's.
   * @param config the configuration file's contents; `flags` come on top, accounts for trials above all.
   */
  static async start(
    name: string,
    enter: readonly string[],
    config: object,
    flags: readonly string[],
  ): Promise<ProxyHost> {
    const host = new ProxyHost(name, enter, config, flags);
    try {
      await eventually(
        () => host.printed.includes('ready'),
        () => `${name} is not ready; it said ${host.printed.join('\n')}`,
        READY_PATIENCE,
      );
    } catch (error) {
      await host.dispose();
      throw error;
    }
    return host;
  }

  /** Lines of an event so far. */
  logged(event: string): HostLogLine[] {
    return this.lines.filter(({ fields }) => fields.event === event);
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(name);
  }

  /** Removes what it left; kills it if it still runs. */
  async dispose(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Inspector } from './inspector.ts';

/** Lines of stderr that are kept of each process, for the message when something fails. */
const LINES_KEPT = 20;
/** Patience with a process that starts, ms. */
const START_TIMEOUT = 20_000;
/**
 * What every process is started with: what it keeps can be looked at from outside; and V8's young generation, which otherwise
 * grows from 1 MiB to 32 MiB in steps when a run's garbage happens to ask for it, has its full size from the start.
 */
const NODE_ARGS = ['--inspect=127.0.0.1:0', '--min-semi-space-size=16', '--max-semi-space-size=16'];
/** What Node itself says about the inspector. */
const INSPECTOR_LINE = /^(Debugger (listening on|attached|ending on)|For help, see: https:)/;
const RPCH = fileURLToPath(new URL('../../../cli/bin/rpch.js', import.meta.url));

/** One process of a transfer. */
export class TransferChild {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #reader: Interface;
  readonly #lines: string[] = [];
  readonly #inspectorUrl = Promise.withResolvers<string>();
  #inspector: Promise<Inspector> | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.#exited.catch(() => {});
    if (child.stderr === null) throw new Error('stderr is a pipe');
    this.#reader = createInterface({ input: child.stderr });
    this.#reader.on('line', (line) => {
      const [, url] = /^Debugger listening on (ws:.*)$/.exec(line) ?? [];
      if (url !== undefined) this.#inspectorUrl.resolve(url);
      if (INSPECTOR_LINE.test(line)) return;
      this.#lines.push(line);
      if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    });
  }

  /** Starts one of the programs beside this file. */
  static program(name: string, file: string, argument: string): TransferChild {
    const program = fileURLToPath(new URL(file, import.meta.url));
    const child = fork(program, [argument], { execArgv: NODE_ARGS, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    return new TransferChild(name, child);
  }

  /** Starts `rpch proxy`. */
  static proxy(name: string, args: readonly string[]): TransferChild {
    return new TransferChild(
      name,
      spawn(process.execPath, [...NODE_ARGS, RPCH, 'proxy', ...args], { stdio: ['ignore', 'ignore', 'pipe'] }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it wrote last on stderr. */
  get lastLines(): string {
    return this.#lines.join('\n');
  }

  onMessage(take: (message: unknown) => void): void {
    this.#child.on('message', take);
  }

  /** The port that a proxy says it listens on, once it accepts. */
  listeningPort(): Promise<number> {
    const find = (): string | undefined => this.#lines.find((line) => /^ +https?:\/\//.test(line));
    return this.#within(START_TIMEOUT, async () => {
      for (let line = find(); ; line = find()) {
        if (line !== undefined) return Number(new URL(line.trim()).port);
        await once(this.#reader, 'line');
      }
    });
  }

  /** Its first message. */
  message(): Promise<unknown> {
    return this.#within(START_TIMEOUT, async () => (await once(this.#child, 'message'))[0] as unknown);
  }

  /** Fulfilled with how it ended, should it end by itself. */
  async ended(): Promise<string> {
    await this.#exited;
    return `${this.name} ended with ${this.#child.exitCode ?? this.#child.signalCode}`;
  }

  /** Resident memory, bytes; undefined when it is gone. */
  get rss(): number | undefined {
    try {
      const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'));
      return match === null ? undefined : Number(match[1]) * 1024;
    } catch {
      return undefined;
    }
  }

  /** The inspector of the process. */
  inspector(): Promise<Inspector> {
    this.#inspector ??= this.#within(START_TIMEOUT, async () => Inspector.open(await this.#inspectorUrl.promise));
    return this.#inspector;
  }

  async stop(): Promise<void> {
    this.#inspector?.then(
      (inspector) => inspector.close(),
      () => {},
    );
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #within<T>(ms: number, work: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.name} is not ready after ${ms} ms:\n${this.lastLines}`)), ms);
    });
    const gone = this.ended().then((how) => Promise.reject(new Error(`${how}:\n${this.lastLines}`)));
    gone.catch(() => {});
    try {
      return await Promise.race([work(), late, gone]);
    } finally {
      clearTimeout(timer);
    }
  }
}

import { spawn } from 'node:child_process';

/** How a child process ended and what it said. `code` is null when a signal ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  readonly timedOut: boolean;
}

export interface CommandOptions {
  /** After so many milliseconds the child gets SIGTERM, and SIGKILL 5 seconds later. */
  readonly timeoutMs: number;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Bytes of stdout and of stderr that are kept, each; what follows is dropped and said so at the end. */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const KILL_AFTER_MS = 5000;

/**
 * Runs a program to its end, never through a shell, and collects its output as UTF-8. `env` is added to this process's
 * environment. Rejects only when the program cannot be started; how it ended is for the caller to judge.
 */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout = new Collected(maxBytes);
    const stderr = new Collected(maxBytes);
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    let timedOut = false;
    let killer: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGTERM');
      killer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    }, options.timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      clearTimeout(killer);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code, signal) => {
      settle();
      const seconds = (performance.now() - begun) / 1000;
      resolve({ code, signal, stdout: stdout.text(), stderr: stderr.text(), seconds, timedOut });
    });
  });
}

/**
 * Runs a program that has to succeed and returns what it printed on stdout. Throws with both outputs when it ends with
 * anything but 0.
 */
export async function runOrThrow(file: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const result = await runCommand(file, args, options);
  if (result.code !== 0) throw new Error(describeFailure([file, ...args], result));
  return result.stdout;
}

/** One paragraph for a failed command: how it ended, and the last 4,000 characters of each output. */
export function describeFailure(command: readonly string[], result: CommandResult): string {
  const how = result.timedOut
    ? `was stopped after ${result.seconds.toFixed(0)} s`
    : `ended with ${result.code ?? result.signal}`;
  const tail = (name: string, text: string) => (text === '' ? '' : `\n--- ${name}\n${text.slice(-4000)}`);
  return `${command.join(' ')}\n${how}${tail('stdout', result.stdout)}${tail('stderr', result.stderr)}`;
}

class Collected {
  readonly #chunks: Buffer[] = [];
  readonly #limit: number;
  #size = 0;
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#limit - this.#size);
    if (kept.length > 0) this.#chunks.push(kept);
    this.#size += kept.length;
    this.#dropped += chunk.length - kept.length;
  }

  text(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    return this.#dropped === 0 ? text : `${text}\n(${this.#dropped} more bytes were dropped)\n`;
  }
}

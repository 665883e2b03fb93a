import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Inspector } from './transfer/inspector.ts';

/** The program of this project. */
export const RPCH = fileURLToPath(new URL('../../cli/bin/rpch.js', import.meta.url));
/** Patience with the program's start, ms. */
const START_TIMEOUT = 30_000;
/** Lines of its log that are kept: of one that is under attack there are hundreds of thousands. */
const LINES_KEPT = 20_000;
const PRINTED_KEPT = 20;
const INSPECTOR_LINE = /^(Debugger (listening on|attached|ending on)|For help, see: https:)/;

/** Where it listens, and who may log in. */
export interface MailServerOptions {
  readonly dataDir: string;
  readonly users: readonly { readonly name: string; readonly password: string }[];
  /** NetBIOS name of the accounts' domain. Default: the program's. */
  readonly domain?: string;
  /** The least security of calls to the mail interfaces. Default: privacy. */
  readonly mailLevel?: 'connect' | 'privacy';
}

/** A line of its log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly event?: string };

/** `rpch serve` as a process of its own, with a TCP listener of the loopback interface, its log, and its inspector. */
export class MailServerProcess {
  readonly host = '127.0.0.1';
  readonly #child: ChildProcess;
  readonly #reader: Interface;
  readonly #exited: Promise<unknown>;
  readonly #url = Promise.withResolvers<string>();
  readonly #counts = new Map<string, number>();
  readonly #printed: string[] = [];
  #lines: LogLine[] = [];
  #inspector: Promise<Inspector> | undefined;
  #port = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.#exited.catch(() => {});
    if (child.stderr === null) throw new Error('stderr is a pipe');
    this.#reader = createInterface({ input: child.stderr });
    this.#reader.on('line', (line) => this.#hear(line));
  }

  /** Starts it; resolves when it listens. */
  static async start({ dataDir, users, domain, mailLevel = 'privacy' }: MailServerOptions): Promise<MailServerProcess> {
    const args = ['serve', '--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--data', dataDir, '--mail-level', mailLevel];
    if (domain !== undefined) args.push('--domain', domain);
    for (const { name, password } of users) args.push('--user', `${name}:${password}`);
    const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', RPCH, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new MailServerProcess(child);
    await server.#untilReady();
    return server;
  }

  /** Port of its listener. */
  get port(): number {
    return this.#port;
  }

  get binding(): string {
    return `ncacn_ip_tcp:${this.host}[${this.#port}]`;
  }

  /** The last of the lines of its log, the oldest first. */
  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** What it wrote on stderr beside its log. */
  get printed(): string {
    return this.#printed.join('\n');
  }

  /** Lines so far with this event, those among them that were left out and told of. */
  count(event: string): number {
    return this.#counts.get(event) ?? 0;
  }

  /** Lines so far by their events. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Forgets the lines so far, not their counts. */
  forgetLines(): void {
    this.#lines = [];
  }

  /** How it ended, if it has. */
  get end(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null ? undefined : `rpch serve ended with ${exitCode ?? signalCode}`;
  }

  /** The inspector of the process. */
  inspector(): Promise<Inspector> {
    this.#inspector ??= this.#url.promise.then((url) => Inspector.open(url));
    return this.#inspector;
  }

  /** Asks it to end, with grace; returns its exit code, or the signal that killed it. */
  async stop(): Promise<number | string | null> {
    this.#inspector?.then(
      (inspector) => inspector.close(),
      () => {},
    );
    if (this.end === undefined) this.#child.kill('SIGTERM');
    await this.#exited;
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #untilReady(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`not ready after ${START_TIMEOUT} ms: ${this.printed}`)),
      START_TIMEOUT,
    );
    const gone = this.#exited.then(() => Promise.reject(new Error(`${this.end}: ${this.printed}`)));
    gone.catch(() => {});
    try {
      while (this.#port === 0) await Promise.race([once(this.#reader, 'line'), late, gone]);
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #hear(line: string): void {
    const [, url] = /^Debugger listening on (ws:.*)$/.exec(line) ?? [];
    if (url !== undefined) this.#url.resolve(url);
    if (INSPECTOR_LINE.test(line)) return;
    if (line.startsWith('{')) {
      const parsed = JSON.parse(line) as LogLine;
      this.#count(parsed.event ?? '', 1);
      if (parsed.event === 'store.refused.more') {
        for (const [what, lines] of Object.entries(parsed.more as Record<string, number>)) {
          this.#count(what.split(':', 1)[0] ?? '', lines);
        }
      }
      this.#lines.push(parsed);
      if (this.#lines.length > 2 * LINES_KEPT) this.#lines = this.#lines.slice(-LINES_KEPT);
      return;
    }
    const [, port] = /^ {2}ncacn_ip_tcp:127\.0\.0\.1\[(\d+)\]$/.exec(line) ?? [];
    if (port !== undefined) this.#port = Number(port);
    this.#printed.push(line);
    if (this.#printed.length > PRINTED_KEPT) this.#printed.shift();
  }

  #count(event: string, lines: number): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + lines);
  }
}

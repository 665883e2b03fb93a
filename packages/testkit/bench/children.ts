import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { RpchError } from '@rpch/rpc';

/** How long a child may take until it accepts, and how long it may take to end after SIGTERM, in milliseconds. */
const START_LIMIT = 15_000;
const END_LIMIT = 5_000;
const POLL_INTERVAL = 20;
/** What is kept of a child's stderr for an error message, in characters. */
const STDERR_KEPT = 4_000;

/** How to tell that a child accepts: it listens on a port of 127.0.0.1, or it says so on stderr. */
export type Readiness = { port: number } | { says: RegExp };

/** A running child. */
export interface Child {
  readonly name: string;
  readonly pid: number;
}

/** What a program that ran to its end left. `code` is null when a signal ended it. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started extends Child {
  readonly process: ChildProcess;
  readonly ended: Promise<string>;
  stderr: string;
}

/** The processes of one benchmark: started here, and ended here by their pid. */
export class Children {
  readonly #running = new Set<Started>();

  /**
   * Starts a program that keeps running, and waits until it accepts. Throws RpchError `RPCH_BENCH_START` when the program
   * is missing, ends, or does not accept within `limit` ms, by default 15 s; what it wrote on stderr is in the message.
   */
  async start(
    name: string,
    command: string,
    args: readonly string[],
    readiness: Readiness,
    limit = START_LIMIT,
  ): Promise<Child> {
    const child = this.#spawn(name, command, args, 'ignore');
    const abandoned = new AbortController();
    try {
      await Promise.race([
        'port' in readiness ? accepting(readiness.port, abandoned.signal) : says(child, readiness.says),
        child.ended.then((how) => {
          throw startError(child, how);
        }),
        delay(limit, undefined, { signal: abandoned.signal }).then(() => {
          throw startError(child, `did not accept within ${limit / 1000} s`);
        }),
      ]);
    } finally {
      abandoned.abort();
    }
    return child;
  }

  /** Runs a program to its end, for at most `limit` milliseconds; then it is killed and `code` is null. */
  async run(name: string, command: string, args: readonly string[], limit: number): Promise<Finished> {
    const child = this.#spawn(name, command, args, 'pipe');
    let stdout = '';
    child.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const timer = setTimeout(() => child.process.kill('SIGKILL'), limit);
    try {
      const how = await child.ended;
      if (child.process.pid === undefined) throw startError(child, how);
    } finally {
      clearTimeout(timer);
    }
    return { code: child.process.exitCode, stdout, stderr: child.stderr };
  }

  /** Ends the child with this pid: SIGTERM, and SIGKILL after 5 s. Returns when it is gone; at once if it was not ours. */
  async end(pid: number): Promise<void> {
    for (const child of this.#running) if (child.pid === pid) await stop(child);
  }

  /** Ends every child. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map(stop));
  }

  /** Kills every child without waiting: for the moment before this process goes itself. */
  killAll(): void {
    for (const child of this.#running) child.process.kill('SIGKILL');
  }

  #spawn(name: string, command: string, args: readonly string[], stdout: 'ignore' | 'pipe'): Started {
    const child = spawn(command, args, { stdio: ['ignore', stdout, 'pipe'] });
    // 'close' comes after the last byte of stdout and stderr; 'error' alone when there was nothing to start.
    const ended = new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(`did not start: ${error.message}`));
      child.on('close', (code, signal) => resolve(signal === null ? `ended with code ${code}` : `ended by ${signal}`));
    });
    const started: Started = { name, pid: child.pid ?? 0, process: child, ended, stderr: '' };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      started.stderr = (started.stderr + text).slice(-STDERR_KEPT);
    });
    this.#running.add(started);
    ended.then(() => this.#running.delete(started));
    return started;
  }
}

function startError(child: Started, what: string): RpchError {
  const said = child.stderr.trim();
  return new RpchError('RPCH_BENCH_START', 'configuration', `${child.name} ${what}${said === '' ? '' : `: ${said}`}`);
}

async function stop(child: Started): Promise<void> {
  child.process.kill('SIGTERM');
  const timer = setTimeout(() => child.process.kill('SIGKILL'), END_LIMIT);
  await child.ended;
  clearTimeout(timer);
}

async function accepting(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await connects(port))) await delay(POLL_INTERVAL);
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function says(child: Started, wanted: RegExp): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!wanted.test(child.stderr)) return;
      child.process.stderr?.off('data', look);
      resolve();
    };
    child.process.stderr?.on('data', look);
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

/** The root of the repository, and its examples. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const EXAMPLES = join(ROOT, 'examples');

/** How a program ended. */
export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment of examples: no HTTP proxy of this machine, and this Node first. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
  HOME: process.env.HOME,
  npm_config_offline: 'true',
};

/** An example that runs, as a process of its own; killed at the end of the test where it still does. */
export class ExampleProcess {
  readonly #child: ChildProcess;
  readonly #wakers = new Set<() => void>();
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly ended: Promise<Ended>;

  constructor(t: TestContext, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...ENVIRONMENT, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const name of ['stdout', 'stderr'] as const) {
      createInterface({ input: child[name] }).on('line', (line) => {
        this[name].push(line);
        for (const wake of [...this.#wakers]) wake();
      });
    }
    this.ended = once(child, 'close').then(([code, signal]) => {
      return { code: code ?? signal, stdout: this.stdout.join('\n'), stderr: this.stderr.join('\n') };
    });
    t.after(async () => {
      child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** The first line of stdout or stderr that matches; rejects where it ends without one. */
  async line(pattern: RegExp): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const look = (): void => {
      const found = [...this.stdout, ...this.stderr].find((line) => pattern.test(line));
      if (found !== undefined) resolve(found);
    };
    this.#wakers.add(look);
    look();
    const gone = this.ended.then(({ code, stdout, stderr }) => {
      throw new Error(`it ended with ${code} without a line ${pattern}\n${stdout}\n${stderr}`);
    });
    try {
      return await Promise.race([promise, gone]);
    } finally {
      this.#wakers.delete(look);
    }
  }

  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(name);
  }
}

/** Starts `node examples/NAME …`. */
export function startExample(t: TestContext, name: string, ...args: readonly string[]): ExampleProcess {
  return new ExampleProcess(t, process.execPath, [join(EXAMPLES, name), ...args]);
}

/** Runs `node examples/NAME …` to its end. */
export function runExample(t: TestContext, name: string, ...args: readonly string[]): Promise<Ended> {
  return startExample(t, name, ...args).ended;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../live-proxy.ts';
import { runCommand } from './commands.ts';
import { freePort } from './ports.ts';
import { STREAM_MODULE } from './requirePeer.ts';

/** The programs that stand in front of RPC Proxies here. */
export type ReverseProxyProgram = 'haproxy' | 'nginx';

const PROGRAMS: Readonly<Record<ReverseProxyProgram, string>> = {
  haproxy: '/usr/sbin/haproxy',
  nginx: '/usr/sbin/nginx',
};
const STARTUP = 20_000;

/** What a configuration is written from. */
export interface ReverseProxySite {
  /** Port of 127.0.0.1 that it has to listen on. */
  readonly port: number;
  /** A folder of its own, removed at the end: for whatever the program writes. */
  readonly folder: string;
}

/** HAProxy or nginx on a port of loopback, with nothing kept once it is stopped. */
export class ReverseProxy implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #log = '';

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    }
  }

  /** Starts it and waits until it accepts. `configure` makes the program's own part of its configuration. */
  static async start(
    program: ReverseProxyProgram,
    configure: (site: ReverseProxySite) => string,
  ): Promise<ReverseProxy> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), `rpch-${program}-`));
    const args = argumentsOf(program, folder, configure({ port, folder }));
    const child = spawn(PROGRAMS[program], args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const proxy = new ReverseProxy(port, child, folder);
    let up = false;
    const knock = (): void => {
      const socket = connect(port, '127.0.0.1', () => {
        up = true;
        socket.destroy();
      });
      socket.on('error', () => {});
    };
    try {
      await eventually(
        () => {
          if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${proxy.log}`);
          if (!up) knock();
          return up;
        },
        () => `${program} does not accept`,
        STARTUP,
      );
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw error;
    }
    return proxy;
  }

  /** What it has logged so far; nginx's lines about requests come last. */
  get log(): string {
    const access = join(this.#folder, 'access.log');
    return existsSync(access) ? this.#log + readFileSync(access, 'utf8') : this.#log;
  }

  /** Waits for a line of its log. */
  async logged(line: RegExp): Promise<void> {
    await eventually(
      () => line.test(this.log),
      () => `no line ${line} in\n${this.log}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      // nginx's worker goes with its master only where that is asked to end.
      this.#child.kill('SIGTERM');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Has the program check a configuration; returns what it says of it, or undefined where it takes it. */
export async function configurationFault(
  program: ReverseProxyProgram,
  configure: (site: ReverseProxySite) => string,
): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), `rpch-${program}-`));
  try {
    const args = argumentsOf(program, folder, configure({ port: 1, folder }));
    const check = program === 'haproxy' ? '-c' : '-t';
    const { code, stdout, stderr } = await runCommand(PROGRAMS[program], [check, ...args], { timeoutMs: STARTUP });
    return code === 0 ? undefined : stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function argumentsOf(program: ReverseProxyProgram, folder: string, config: string): readonly string[] {
  const file = join(folder, `${program}.conf`);
  if (program === 'haproxy') {
    writeFileSync(file, `global\n  log stdout format raw daemon\n  nbthread 1\n${config}\n`);
    return ['-db', '-f', file];
  }
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const own = [
    `load_module ${STREAM_MODULE};`,
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/pid;`,
    'error_log stderr info;',
    'events { worker_connections 1024; }',
    // Started by root, its workers would not be allowed to read what is in the folder.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
  ];
  writeFileSync(
    file,
    `${own.join('\n')}\n${config.replace(/^http \{$/m, `http {\n  access_log ${folder}/access.log;\n  ${paths.join('\n  ')}`)}\n`,
  );
  return ['-p', folder, '-e', 'stderr', '-c', file];
}

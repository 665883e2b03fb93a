import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { RpcServerChildOptions, RpcServerPorts } from './rpc-server-child.ts';

/** An RPC server of ours in a process of its own, see rpc-server-child.ts. */
export class RpcServerProcess {
  readonly host: string;
  readonly ports: RpcServerPorts;
  readonly #child: ChildProcess;
  readonly #lines: string[];

  private constructor(child: ChildProcess, host: string, ports: RpcServerPorts, lines: string[]) {
    this.#child = child;
    this.host = host;
    this.ports = ports;
    this.#lines = lines;
  }

  /** Starts the server, with its endpoint mapper on port 135 of a loopback address that nobody else uses. */
  static async start(options: Omit<RpcServerChildOptions, 'host' | 'mapperPort'>): Promise<RpcServerProcess> {
    const host = `127.77.${(process.pid >> 8) & 0xff}.${process.pid & 0xff || 1}`;
    const child = fork(
      new URL('./rpc-server-child.ts', import.meta.url),
      [JSON.stringify({ ...options, host, mapperPort: 135 } satisfies RpcServerChildOptions)],
      { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    const lines: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    const started = once(child, 'message');
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the RPC server ended before it listened:\n${lines.join('')}`);
    });
    const [ports] = (await Promise.race([started, ended])) as [RpcServerPorts];
    ended.catch(() => {});
    return new RpcServerProcess(child, host, ports, lines);
  }

  /** What it has logged. */
  get log(): string {
    return this.#lines.join('');
  }

  /** Asks it to end, with grace; throws unless it ends with 0. */
  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new Error(`the RPC server ended with ${code}:\n${this.log}`);
  }
}

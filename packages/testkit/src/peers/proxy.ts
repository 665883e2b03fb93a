import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.ts';
import type { Account, SambaPeer } from './samba.ts';

/** One line of the program's stderr: parsed where it is a JSON object. */
export interface LogLine {
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface ProxyEndpoint {
  readonly port: number;
  /** The whole URL of the RPC proxy on this listener. */
  readonly url: string;
}

export interface RunningProxy {
  readonly pid: number;
  readonly http: ProxyEndpoint;
  readonly https: ProxyEndpoint;
  /** What it has logged so far; grows while it runs. */
  readonly log: readonly LogLine[];
  /**
   * Sends SIGTERM to the program's own pid and waits for its end. Throws when it does not end in 15 seconds (it is killed
   * then) or ends with anything but exit code 0.
   */
  stop(): Promise<void>;
}

export interface ProxyOptions {
  /** Default: free ports of 127.0.0.1. */
  readonly httpPort?: number;
  readonly httpsPort?: number;
  /** Accounts besides the peer's plain user. */
  readonly users?: readonly Account[];
  /** Ports of the peer that are reached under others, `[asked for, port]`. */
  readonly mapped?: readonly (readonly [number, number])[];
  /** What may be reached besides, in the words of `--allow`. */
  readonly allow?: readonly string[];
  /** A file that gets the TLS keys of the sessions, for tshark. */
  readonly keylogFile?: string;
  /** More of the command line. */
  readonly more?: readonly string[];
}

/** What the proxy stands in front of, and who may log in to it. */
export type ProxiedServer = Pick<SambaPeer, 'ip' | 'rpcPort' | 'user' | 'domain'>;

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;
const RPC_PROXY_PATH = '/rpc/rpcproxy.dll';

/**
 * Starts `rpch proxy` as a process of its own in front of the Samba peer or another server, with one plain and one TLS listener, and waits
 * until it says that it is ready. TLS 1.3 is off: its session tickets hang Samba's client.
 */
export async function startProxy(samba: ProxiedServer, options: ProxyOptions = {}): Promise<RunningProxy> {
  const http = endpoint('http', options.httpPort ?? (await freePort()));
  const https = endpoint('https', options.httpsPort ?? (await freePort()));
  const data = mkdtempSync(join(tmpdir(), 'rpch-proxy-'));
  const args = [
    ...(options.keylogFile === undefined ? [] : [`--tls-keylog=${options.keylogFile}`]),
    ...[fileURLToPath(new URL('../../../cli/bin/rpch.js', import.meta.url)), 'proxy'],
    ...['--listen', `http://127.0.0.1:${http.port}`, '--listen', `https://127.0.0.1:${https.port}`],
    ...['--allow', `ncacn_ip_tcp:${samba.ip}[${samba.rpcPort}]`],
    ...(options.allow ?? []).flatMap((pattern) => ['--allow', pattern]),
    // FreeRDP always asks for its terminal server's own port.
    ...['--map', `localhost:3388=${samba.ip}:${samba.rpcPort}`],
    ...(options.mapped ?? []).flatMap(([asked, port]) => ['--map', `${samba.ip}:${asked}=${samba.ip}:${port}`]),
    ...[samba.user, ...(options.users ?? [])].flatMap((user) => ['--user', `${user.name}:${user.password}`]),
    ...['--domain', samba.domain, '--auth', 'basic,ntlm', '--tls-max', '1.2', '--data', data],
    ...(options.more ?? []),
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const log: LogLine[] = [];
  try {
    await untilReady(child, log);
  } catch (cause) {
    child.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
    throw new Error(`rpch proxy did not get ready:\n${lastLines(log)}`, { cause });
  }
  if (child.pid === undefined) throw new Error('a process that is ready has a pid');
  const stop = async () => {
    try {
      await stopChild(child, log);
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  };
  return { pid: child.pid, http, https, log, stop };
}

/** The last 40 lines of the program's log, for a message. */
export function lastLines(log: readonly LogLine[]): string {
  return log
    .slice(-40)
    .map((line) => line.text)
    .join('\n');
}

function endpoint(scheme: 'http' | 'https', port: number): ProxyEndpoint {
  return { port, url: `${scheme}://127.0.0.1:${port}${RPC_PROXY_PATH}` };
}

async function untilReady(child: ChildProcess, log: LogLine[]): Promise<void> {
  if (child.stderr === null) throw new Error('stderr is a pipe');
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready after ${READY_TIMEOUT_MS} ms`)), READY_TIMEOUT_MS);
    lines.on('line', (text) => {
      const line = parseLine(text);
      log.push(line);
      if (saysReady(line)) {
        clearTimeout(timer);
        resolve();
      }
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code ?? signal}`));
    });
  });
}

function parseLine(text: string): LogLine {
  if (!text.startsWith('{')) return { text, fields: undefined };
  try {
    return { text, fields: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return { text, fields: undefined };
  }
}

function saysReady(line: LogLine): boolean {
  return line.fields === undefined ? /^ready\b/.test(line.text) : line.fields.msg === 'ready';
}

async function stopChild(child: ChildProcess, log: readonly LogLine[]): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(killer);
  }
  if (child.exitCode !== 0) {
    const how = child.exitCode ?? child.signalCode;
    throw new Error(`rpch proxy was asked to stop and ended with ${how}:\n${lastLines(log)}`);
  }
}

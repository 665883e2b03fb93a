import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type CommandResult, runCommand } from './commands.ts';
import type { SambaPeer } from './samba.ts';

/** The interface of a terminal services gateway, [MS-TSGU] 1.9. */
export const TSPROXY_INTERFACE = '44e265dd-7daf-42cd-8560-3cdb6e7a2729';

const DISPLAY_TIMEOUT_MS = 20_000;

/**
 * Runs FreeRDP 2 with the proxy on `httpsPort` as its gateway of the older kind, RPC over HTTP. It asks for
 * localhost:3388, authenticates with NTLM, binds to the TsProxy interface, and ends by itself when the answer is not a
 * gateway's, as Samba's is not.
 */
export async function runFreerdp(samba: SambaPeer, httpsPort: number): Promise<CommandResult> {
  const display = await startDisplay();
  const home = mkdtempSync(join(tmpdir(), 'rpch-freerdp-'));
  const { name, password } = samba.user;
  try {
    return await runCommand(
      samba.peerRun,
      [
        ...['xfreerdp', '/v:127.0.0.1:3389', `/g:127.0.0.1:${httpsPort}`, '/gt:rpc', '/cert:ignore'],
        ...[`/gu:${name}`, `/gd:${samba.domain}`, `/gp:${password}`],
        ...[`/u:${name}`, `/d:${samba.domain}`, `/p:${password}`],
      ],
      { timeoutMs: 30_000, env: { DISPLAY: display.name, HOME: home, NSS_WRAPPER_HOSTNAME: 'peerclient' } },
    );
  } finally {
    rmSync(home, { recursive: true, force: true });
    await display.stop();
  }
}

interface Display {
  readonly name: string;
  stop(): Promise<void>;
}

/** Starts an X server without a screen; it writes the display that it chose to descriptor 3 once clients may come. */
async function startDisplay(): Promise<Display> {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '640x480x16', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  try {
    return { name: `:${await firstLine(child)}`, stop: () => end(child) };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  const output = child.stdio[3] as Readable;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('Xvfb named no display')), DISPLAY_TIMEOUT_MS);
    let text = '';
    output.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(text.trim());
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`Xvfb ended with ${code}`));
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

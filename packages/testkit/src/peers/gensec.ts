import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { SYSTEM_PYTHON } from './impacket.ts';
import { peerScript } from './scripts.ts';

/** What gensec.py answers a command with. */
export interface GensecAnswer {
  readonly word: 'more' | 'done' | 'ok' | 'error';
  /** Of an error: its text. */
  readonly data: Buffer;
}

/** One security context of Samba, in a child process: see peers/gensec.py for its arguments and commands. */
export class GensecPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  #stderr = '';

  /** @param runner a program and its arguments that run the script: the Samba peer's `peer-run`. */
  constructor(args: readonly string[], runner: readonly string[] = []) {
    const [file = SYSTEM_PYTHON, ...rest] = [...runner, SYSTEM_PYTHON, peerScript('gensec.py'), ...args];
    this.#child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Sends one command and waits for its answer. */
  async ask(command: 'update' | 'sign' | 'check' | 'wrap' | 'unwrap', ...data: Uint8Array[]): Promise<GensecAnswer> {
    const words = data.map((bytes) => Buffer.from(bytes).toString('hex') || '-');
    this.#child.stdin.write(`${[command, ...words].join(' ')}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`gensec.py ended: ${this.#stderr}`);
    const [word = '', ...rest] = line.value.split(' ');
    if (word === 'error') return { word, data: Buffer.from(rest.join(' ')) };
    if (word !== 'more' && word !== 'done' && word !== 'ok') throw new Error(`gensec.py said: ${line.value}`);
    return { word, data: Buffer.from(rest.join('').replace('-', ''), 'hex') };
  }

  /** As {@link ask}, where an error is none that is expected. */
  async expect(command: Parameters<GensecPeer['ask']>[0], ...data: Uint8Array[]): Promise<GensecAnswer> {
    const answer = await this.ask(command, ...data);
    if (answer.word === 'error') throw new Error(`${command}: ${answer.data}; ${this.#stderr}`);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}

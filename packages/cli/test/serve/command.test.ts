import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { echoDeclaration, RpcClient } from '@rpch/rpc/internal';

const PROGRAM = fileURLToPath(new URL('../../bin/rpch.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rpch-serve-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** `rpch serve` as a process, with what it says on stderr. */
class Program {
  readonly #child: ChildProcess;
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>;
  err = '';
  #wake = (): void => {};

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, [PROGRAM, 'serve', '--data', folder, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.exited = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
      this.#wake();
    });
  }

  /** What it says first that looks like this. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.err);
      if (match !== null) return match;
      const said = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const ended = this.exited.then((how) => assert.fail(`it ended with ${how}: ${this.err}`));
      ended.catch(() => {});
      await Promise.race([said, ended]);
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** A server that is ready, and a client of its echo interface whose call lasts for so many seconds. */
async function withCall(seconds: number) {
  const program = new Program('--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--level', 'none');
  const [, port] = await program.says(/^ready\n {2}ncacn_ip_tcp:127\.0\.0\.1\[(\d+)\]$/m);
  const client = new RpcClient(`ncacn_ip_tcp:127.0.0.1[${port}]`);
  const echo = await client.bind(echoDeclaration);
  const call = echo.testSleep({ seconds });
  call.catch(() => {});
  // Its answer says that the call before it has come in as well.
  await echo.addOne({ in_data: 1 });
  return { program, client, call };
}

test('SIGTERM: calls in progress finish, exit code 0', async () => {
  const { program, client, call } = await withCall(1);
  program.signal('SIGTERM');
  assert.equal((await call).result, 1);
  assert.deepEqual(await program.exited, [0, null]);
  client.close();
});

test('a second signal: calls are cut, exit code 0', async () => {
  const { program, client, call } = await withCall(600);
  program.signal('SIGTERM');
  await program.says(/"event":"server.draining"/);
  program.signal('SIGTERM');
  await assert.rejects(call, { code: 'RPCH_CONNECTION_LOST' });
  assert.deepEqual(await program.exited, [0, null]);
  client.close();
});

test('wrong usage: a sentence on stderr, exit code 2', async () => {
  const cases = [
    [['--listen', 'nowhere'], /^rpch: --listen: not a string binding: [^\n]+\n$/],
    [
      ['--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--interfaces', 'lsarpc'],
      /^rpch: --interfaces: expected a list of [^\n]+found "lsarpc"\n$/,
    ],
    [['--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--log-level', 'loud'], /^rpch: expected a log level of [^\n]+\n$/],
    [['--strange'], /^error: unknown option '--strange'\n$/],
  ] as const;
  await Promise.all(
    cases.map(async ([args, message]) => {
      const program = new Program(...args);
      assert.deepEqual(await program.exited, [2, null]);
      assert.match(program.err, message);
    }),
  );
});

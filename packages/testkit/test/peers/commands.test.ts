import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFailure, runCommand, runOrThrow } from '../../src/peers/commands.ts';

const run = (script: string, args: readonly string[] = [], timeoutMs = 20_000, maxBytes?: number) =>
  runCommand(process.execPath, ['-e', script, ...args], {
    timeoutMs,
    env: { GREETING: 'hello' },
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });

test('a command gives its exit code and both outputs, and sees the environment', async () => {
  const result = await run('console.log(process.env.GREETING); console.error("oh"); process.exitCode = 3');
  assert.equal(result.code, 3);
  assert.equal(result.signal, null);
  assert.equal(result.stdout, 'hello\n');
  assert.equal(result.stderr, 'oh\n');
  assert.equal(result.timedOut, false);
});

test('arguments reach the program as they are, no shell reads them', async () => {
  const argument = '$HOME; echo "x" `id` *';
  const result = await run('process.stdout.write(process.argv[1])', [argument]);
  assert.equal(result.stdout, argument);
});

test('a command that does not end is stopped, and what it said is kept', async () => {
  const result = await run('console.log("begun"); setInterval(() => {}, 1000)', [], 1000);
  assert.equal(result.timedOut, true);
  assert.equal(result.signal, 'SIGTERM');
  assert.equal(result.stdout, 'begun\n');
});

test('output beyond the limit is dropped and counted', async () => {
  const result = await run('process.stdout.write("a".repeat(100))', [], 20_000, 40);
  assert.equal(result.stdout, `${'a'.repeat(40)}\n(60 more bytes were dropped)\n`);
});

test('a program that is not there is an error', async () => {
  await assert.rejects(runCommand('/nowhere/at-all', [], { timeoutMs: 1000 }), { code: 'ENOENT' });
});

test('runOrThrow returns stdout, or throws with the command, its end and both outputs', async () => {
  const options = { timeoutMs: 20_000 };
  assert.equal(await runOrThrow(process.execPath, ['-e', 'console.log(1)'], options), '1\n');
  const script = 'console.log("out"); console.error("err"); process.exit(7)';
  await assert.rejects(runOrThrow(process.execPath, ['-e', script], options), (error: Error) => {
    for (const part of [process.execPath, 'ended with 7', 'out', 'err']) assert.ok(error.message.includes(part), part);
    return true;
  });
});

test('the description of a failure names the signal or the time-out', async () => {
  const result = await run('process.kill(process.pid, "SIGKILL")');
  assert.match(describeFailure(['name'], result), /^name\nended with SIGKILL/);
  assert.match(describeFailure(['name'], { ...result, timedOut: true, seconds: 12 }), /^name\nwas stopped after 12 s/);
});

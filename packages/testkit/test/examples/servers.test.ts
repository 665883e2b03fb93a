import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { LiveProxy } from '../../src/live-proxy.ts';
import { runExample, startExample } from './example-process.ts';

const ALICE = ['-u', 'alice', '-p', 'wonderland'];
const DENIED = /^access denied/;

/** serve.ts, and its two bindings. */
async function begin(t: TestContext) {
  const server = startExample(t, 'serve.ts');
  const http = await server.line(/^ncacn_http/);
  const binding = await server.line(/^ncacn_ip_tcp/);
  return { server, binding, httpPort: Number(/\[(\d+)\]/.exec(http)?.[1]) };
}

async function client(t: TestContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runExample(t, 'client.ts', ...args);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout;
}

test('the store keeps text and numbers, for accounts at a level that signs', async (t) => {
  const { binding } = await begin(t);
  assert.equal(await client(t, binding, 'notes', 'set', 'a', 'Zoë', ...ALICE), 'set');
  assert.equal(await client(t, binding, 'notes', 'set', 'b', '42', ...ALICE, '--level', 'integrity'), 'set');
  assert.equal(await client(t, binding, 'notes', 'list', ...ALICE), 'a = Zoë\nb = 42n');
  const missing = client(t, binding, 'notes', 'get', 'c', ...ALICE);
  const empty = client(t, binding, 'others', 'list', ...ALICE);
  assert.deepEqual(await Promise.all([missing, empty]), ['there is no such key', '']);
  const wrong = [[], ['-u', 'bob', '-p', 'wonderland'], [...ALICE, '--level', 'connect']];
  await Promise.all(
    wrong.map(async (flags) => {
      const refused = await runExample(t, 'client.ts', binding, 'notes', 'list', ...flags);
      assert.deepEqual([refused.code, refused.stdout], [1, '']);
      assert.match(refused.stderr, DENIED);
    }),
  );
});

test('a client that waits is answered when another sets the key, through the proxy too', async (t) => {
  const { server, binding, httpPort } = await begin(t);
  const flags = { allow: [`ncacn_http:127.0.0.1[${httpPort}]`], user: ['alice:wonderland'] };
  const proxy = await LiveProxy.start({ flags });
  t.after(() => proxy.stop());
  const proxied = `ncacn_http:127.0.0.1[${httpPort},RpcProxy=127.0.0.1:${proxy.port}]`;
  const waiting = startExample(t, 'client.ts', proxied, 'notes', 'wait', 'news', ...ALICE);
  await server.line(/^alice opens "notes"/);
  // It may not have come to waiting yet: what is set goes on changing until it has seen it.
  let seen: string | undefined;
  waiting.ended.then(({ stdout }) => {
    seen = stdout;
  });
  for (let i = 0; seen === undefined; i++) await client(t, binding, 'notes', 'set', 'news', `number ${i}`, ...ALICE);
  assert.match(seen, /^news = number \d+$/);
});

test('a client that is killed loses its context handle: rundown', async (t) => {
  const { server, binding } = await begin(t);
  const waiting = startExample(t, 'client.ts', binding, 'notes', 'wait', 'never', ...ALICE);
  await server.line(/^alice opens "notes"/);
  waiting.signal('SIGKILL');
  await server.line(/^alice is gone and had "notes" open/);
});

test('at SIGTERM the server stops, and its ports are closed', async (t) => {
  const { server, binding } = await begin(t);
  server.signal('SIGTERM');
  const { code, stdout } = await server.ended;
  assert.equal(code, 0);
  assert.match(stdout, /\nstopped$/);
  const late = await runExample(t, 'client.ts', binding, 'notes', 'list', ...ALICE);
  assert.match(late.stderr, /at fault: network/);
});

test('whoami: who the caller is, and at which level', async (t) => {
  const server = startExample(t, 'whoami.ts');
  const binding = await server.line(/^ncacn_ip_tcp/);
  const rows = [
    [[], 'nobody, level none'],
    [['-u', 'EXAMPLE\\Alice', '-p', 'wonderland'], 'alice, level privacy'],
    [['-u', 'alice', '-p', 'wonderland', '--level', 'connect', '--provider', 'ntlm'], 'alice, level connect'],
  ] as const;
  await Promise.all(
    rows.map(async ([flags, says]) => {
      assert.deepEqual(await runExample(t, 'whoami.ts', binding, ...flags), { code: 0, stdout: says, stderr: '' });
    }),
  );
  const refused = await runExample(t, 'whoami.ts', binding, '-u', 'alice', '-p', 'x');
  assert.match(refused.stderr, DENIED);
  server.signal('SIGINT');
  assert.equal((await server.ended).code, 0);
});

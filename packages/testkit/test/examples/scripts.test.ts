import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { echoServer, serveTcp } from '@rpch/rpc';
import { EXAMPLES, ExampleProcess, ROOT } from './example-process.ts';

const runScript = (t: TestContext, name: string, args: readonly string[], env: NodeJS.ProcessEnv) =>
  new ExampleProcess(t, 'sh', [join(EXAMPLES, name), ...args], env).ended;

/** Ports that nobody listens on, as long as nobody is faster. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

test('install.sh: a project beside the clone calls a server', async (t) => {
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [echoServer()] });
  t.after(() => server.close());
  const folder = mkdtempSync(join(tmpdir(), 'rpch-project-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const binding = `ncacn_ip_tcp:127.0.0.1[${server.port}]`;
  const { code, stdout, stderr } = await runScript(t, 'install.sh', [join(folder, 'project'), binding], { RPCH: ROOT });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\n42$/);
});

test('through-a-proxy.sh: the store behind rpch proxy', async (t) => {
  const [http = 0, proxy = 0] = await freePorts(2);
  const ports = { HTTP_PORT: String(http), PROXY_PORT: String(proxy) };
  const { code, stdout, stderr } = await runScript(t, 'through-a-proxy.sh', [], ports);
  assert.equal(code, 0, stderr);
  assert.ok(stdout.split('\n').includes('set'), stdout);
  // The server and the proxy have ended with it, or their output were not over.
  assert.match(stderr, /alice closes "notes"/);
});

test('the examples pass the type checker with the settings that the guide gives', async (t) => {
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { code, stdout } = await new ExampleProcess(t, tsc, ['-p', EXAMPLES]).ended;
  assert.equal(code, 0, stdout);
});

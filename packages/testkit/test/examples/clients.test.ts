import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { EndpointRegistry, echoServer, epmServer, ntlmAccounts, serveHttp, serveTcp } from '@rpch/rpc';
import { LiveProxy } from '../../src/live-proxy.ts';
import { runExample, startExample } from './example-process.ts';

const ALICE = ['-u', 'EXAMPLE\\alice', '-p', 'wonderland'];
const ECHO = '60a15ec5-4de8-11d7-a637-005056a20182 1.0';
const EPM = 'e1af8308-5d1f-11c9-91a4-08002b14a0fa 3.0';

/** A server of ours over TCP and ncacn_http. Its TestSleep sleeps until it is given up. */
async function begin(t: TestContext) {
  const asleep = Promise.withResolvers<AbortSignal>();
  const awake = Promise.withResolvers<void>();
  const registry = new EndpointRegistry();
  const sleep = (_milliseconds: number, signal: AbortSignal) => {
    asleep.resolve(signal);
    return new Promise<void>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        awake.resolve();
        reject(signal.reason);
      });
    });
  };
  const common = {
    host: '127.0.0.1',
    port: 0,
    registry,
    interfaces: [echoServer({ sleep }), epmServer(registry)],
    security: ntlmAccounts({
      domain: 'EXAMPLE',
      computer: 'SERVER',
      lookup: (user) => (user === 'alice' ? 'wonderland' : undefined),
    }),
  };
  const tcp = await serveTcp(common);
  t.after(() => tcp.close());
  const http = await serveHttp(common);
  t.after(() => http.close());
  return { tcp: tcp.port, http: http.port, binding: `ncacn_ip_tcp:127.0.0.1[${tcp.port}]`, asleep, awake };
}

/** A proxy in front of an ncacn_http port; the binding through it. */
async function behindProxy(t: TestContext, port: number, scheme: 'http' | 'https'): Promise<string> {
  const flags = {
    listen: [`${scheme}://127.0.0.1:0`],
    allow: [`ncacn_http:127.0.0.1[${port}]`],
    user: ['alice:wonderland'],
    domain: 'EXAMPLE',
  };
  const proxy = await LiveProxy.start({ flags });
  t.after(() => proxy.stop());
  return `ncacn_http:127.0.0.1[${port},RpcProxy=127.0.0.1:${proxy.port},HttpUseTls=${scheme === 'https'}]`;
}

const CALLED = ['41 + 1 = 42', '300000 bytes there and back', '[ 2, 3, 4 ]', `offers ${ECHO}`, `offers ${EPM}`];

test('the first call', async (t) => {
  const { binding } = await begin(t);
  assert.deepEqual(await runExample(t, 'first-call.ts', binding), { code: 0, stdout: '42', stderr: '' });
});

test('a call that nobody can read on the way, over TCP and through a proxy', async (t) => {
  const { binding, http } = await begin(t);
  const proxied = await behindProxy(t, http, 'http');
  for (const to of [binding, proxied]) {
    const ended = await runExample(t, 'sealed-call.ts', to);
    assert.deepEqual(ended, { code: 0, stdout: 'nobody reads this on the way', stderr: '' });
  }
});

test('call.ts over TCP, anonymously and sealed', async (t) => {
  const { binding } = await begin(t);
  for (const flags of [[], ALICE]) {
    const { code, stdout, stderr } = await runExample(t, 'call.ts', binding, '300000', ...flags);
    assert.deepEqual([code, stdout.split('\n'), stderr], [0, CALLED, '']);
  }
});

test('call.ts through a proxy, over http and https', async (t) => {
  const { http } = await begin(t);
  for (const scheme of ['http', 'https'] as const) {
    const binding = await behindProxy(t, http, scheme);
    const { code, stdout, stderr } = await runExample(t, 'call.ts', binding, '300000', '--insecure', ...ALICE);
    assert.deepEqual([code, stdout.split('\n'), stderr], [0, CALLED, '']);
  }
});

test('errors are a line: a wrong password here and there, a closed port, a wrong binding', async (t) => {
  const { binding, http } = await begin(t);
  const wrong = ['-u', 'alice', '-p', 'looking-glass'];
  const proxied = await behindProxy(t, http, 'http');
  const closed = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [] });
  await closed.close();
  const rows = [
    [binding, wrong, 1, /^access denied: user or password is wrong/],
    [proxied, wrong, 1, /^the proxy answered 401 .*: user or password is wrong/],
    [`ncacn_ip_tcp:127.0.0.1[${closed.port}]`, [], 1, /^RPCH_\w+: .*at fault: network/],
    ['nonsense', [], 1, /^RPCH_STRING_BINDING: .*at fault: caller/],
    [binding, ['--level', 'high'], 2, /^high is none of connect, packet[\s\S]*Usage: node examples\/call\.ts/],
  ] as const;
  await Promise.all(
    rows.map(async ([to, flags, code, says]) => {
      const ended = await runExample(t, 'call.ts', to, ...flags);
      assert.deepEqual([ended.code, ended.stdout], [code, '']);
      assert.match(ended.stderr, says);
    }),
  );
});

test('endpoints.ts lists the mapper over TCP and through a proxy', async (t) => {
  const { binding, tcp, http } = await begin(t);
  const lines = [
    `${ECHO} ncacn_ip_tcp:127.0.0.1[${tcp}] rpcecho`,
    `${EPM} ncacn_ip_tcp:127.0.0.1[${tcp}] epmapper`,
    `${ECHO} ncacn_http:127.0.0.1[${http}] rpcecho`,
    `${EPM} ncacn_http:127.0.0.1[${http}] epmapper`,
  ];
  for (const to of [binding, await behindProxy(t, http, 'http')]) {
    const { code, stdout, stderr } = await runExample(t, 'endpoints.ts', to, ...ALICE);
    assert.deepEqual([code, stdout.split('\n'), stderr], [0, lines, '']);
  }
});

test('cancel.ts gives its call up at Ctrl-C, and the server learns it', async (t) => {
  const { binding, asleep, awake } = await begin(t);
  const tool = startExample(t, 'cancel.ts', binding, '60');
  const signal = await Promise.race([asleep.promise, tool.ended]);
  assert.ok('aborted' in signal && !signal.aborted);
  tool.signal('SIGINT');
  const { code, stdout } = await tool.ended;
  await awake.promise;
  assert.equal(code, 0);
  assert.match(stdout, /\ncancelled\nthe connection is as good as before: 1 \+ 1 = 2$/);
});

test('cancel.ts gives its call up after a time', async (t) => {
  const { binding, awake } = await begin(t);
  const { code, stdout } = await runExample(t, 'cancel.ts', binding, '60', '200');
  await awake.promise;
  assert.equal(code, 0);
  assert.match(stdout, /not answered within 200 ms\nthe connection is as good as before: 1 \+ 1 = 2$/);
});

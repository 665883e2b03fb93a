import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import type { RpchError } from '../../src/errors.ts';
import { echoDeclaration, echoInterface } from '../../src/interfaces/echo.ts';
import { mgmtDeclaration } from '../../src/interfaces/mgmt.ts';
import { RpcClient } from '../../src/net/rpc-client.ts';
import type { RpcClientOptions } from '../../src/net/rpc-client-options.ts';
import { serveTcp } from '../../src/net/tcp-server.ts';
import { type NtlmAcceptorOptions, ntowfv1, spnegoAcceptance } from '../../src/security/mod.ts';
import { NtlmAcceptor } from '../../src/security/ntlm/acceptor.ts';
import { SleepyServer } from './association-scene.ts';
import { listenOn } from './loopback.ts';

const credentials = { user: 'PEER\\alice', password: 'a password' };

/** A server that knows alice. */
async function secureServer(t: TestContext) {
  const acceptor: NtlmAcceptorOptions = {
    target: { netbiosDomain: 'PEER', netbiosComputer: 'SERVER' },
    now: Date.now,
    random: randomBytes,
    lookup: async (user) => (user === 'alice' ? ntowfv1(credentials.password) : undefined),
  };
  const server = await serveTcp({
    host: '127.0.0.1',
    port: 0,
    interfaces: [echoInterface],
    security: { ntlm: () => new NtlmAcceptor(acceptor), spnego: spnegoAcceptance(acceptor) },
  });
  t.after(() => server.close());
  return server;
}

const clientTo = (port: number, options: RpcClientOptions = {}, more = '') =>
  new RpcClient(`ncacn_ip_tcp:127.0.0.1[${port}${more}]`, options);

test('every provider at every level, in both byte orders', async (t) => {
  const { port } = await secureServer(t);
  for (const provider of ['ntlm', 'spnego'] as const) {
    for (const level of ['connect', 'packet', 'integrity', 'privacy'] as const) {
      for (const order of ['', ',bigendian']) {
        const hops: string[] = [];
        const options = { credentials, provider, level, onHop: (hop: string) => hops.push(hop) };
        await using client = clientTo(port, options, order);
        const echo = await client.bind(echoDeclaration);
        const in_data = randomBytes(100_000);
        assert.ok(in_data.equals((await echo.echoData({ in_data })).out_data));
        assert.deepEqual(await echo.addOne({ in_data: 0x01020304 }), { out_data: 0x01020305 });
        assert.deepEqual(hops, ['DNS', 'TCP', 'bind', 'RPC authentication']);
      }
    }
  }
});

test('a wrong password', async (t) => {
  const { port } = await secureServer(t);
  for (const provider of ['ntlm', 'spnego'] as const) {
    await using client = clientTo(port, { credentials: { ...credentials, password: 'wrong' }, provider });
    const refused = client.bind(echoDeclaration).then((echo) => echo.addOne({ in_data: 1 }));
    await assert.rejects(refused, (error: RpchError) => {
      assert.deepEqual([error.code, error.fault], ['RPCH_RPC_FAULT', 'peer']);
      assert.match(error.message, /wrong user name or password/);
      return true;
    });
  }
});

test('what options and binding say of security', async (t) => {
  const { port } = await secureServer(t);
  const callerOf = async (options: RpcClientOptions, more = ''): Promise<string> => {
    const hops: string[] = [];
    await using client = clientTo(port, { ...options, onHop: (hop) => hops.push(hop) }, more);
    await client.bind(echoDeclaration);
    return hops.includes('RPC authentication') ? 'authenticated' : 'anonymous';
  };
  assert.equal(await callerOf({}), 'anonymous');
  assert.equal(await callerOf({ credentials }), 'authenticated');
  assert.equal(await callerOf({ credentials, provider: 'none' }), 'anonymous');
  assert.equal(await callerOf({ credentials }, ',ntlm,sign'), 'authenticated');

  for (const options of [{ provider: 'ntlm' }, { level: 'privacy' }] as const) {
    assert.throws(() => clientTo(port, options), { code: 'RPCH_NO_CREDENTIALS', fault: 'caller' });
  }
  assert.throws(() => clientTo(port, {}, ',seal'), { code: 'RPCH_NO_CREDENTIALS' });
  assert.throws(() => clientTo(port, { credentials }, ',krb5'), { code: 'RPCH_NO_SUCH_PROVIDER', fault: 'caller' });
  assert.throws(() => new RpcClient('ncacn_ip_tcp:127.0.0.1[what?]'), { fault: 'caller' });
  for (const provider of ['ntlm', 'spnego'] as const) {
    const nobody = { provider, credentials: { user: '', password: 'x' } };
    assert.throws(() => clientTo(port, nobody), { code: 'RPCH_NTLM_CREDENTIALS' });
  }
});

test('an endpoint of the binding is that of all interfaces', async (t) => {
  const { port } = await SleepyServer.start(t);
  const hops: string[] = [];
  await using client = clientTo(port, { onHop: (hop) => hops.push(hop) });
  assert.equal(await client.endpointOf(echoDeclaration), port);
  const [echo, mgmt] = await Promise.all([client.bind(echoDeclaration), client.bind(mgmtDeclaration)]);
  assert.deepEqual(await mgmt.isServerListening(), { status: 0, result: 1 });
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
  assert.equal(hops.filter((hop) => hop === 'bind').length, 1);
});

test('the client outlives its server’s restart', async (t) => {
  const first = await SleepyServer.start(t);
  await using client = clientTo(first.port);
  const echo = await client.bind(echoDeclaration);
  const sleeping = echo.testSleep({ seconds: 1 });
  await first.asleep(1);
  await first.server.close();
  await assert.rejects(sleeping, { code: 'RPCH_CONNECTION_LOST', fault: 'network', mayHaveExecuted: true });
  await assert.rejects(echo.addOne({ in_data: 1 }), { code: 'RPCH_CONNECT', fault: 'network' });
  await assert.rejects(client.bind(echoDeclaration), { code: 'RPCH_CONNECT', fault: 'network' });
  await SleepyServer.start(t, [], first.port);
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
});

test('signals and time-outs end their calls and no others', async (t) => {
  const server = await SleepyServer.start(t);
  await using client = clientTo(server.port, { callTimeout: 60_000 });
  const echo = await client.bind(echoDeclaration);
  const controller = new AbortController();
  const sleeping = echo.testSleep({ seconds: 1 });
  const aborted = echo.testSleep({ seconds: 1 }, { signal: controller.signal });
  const late = echo.testSleep({ seconds: 1 }, { timeout: 1 });
  await server.asleep(3);
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, { code: 'RPCH_CALL_CANCELLED', fault: 'caller' });
  await assert.rejects(late, { code: 'RPCH_CALL_TIMED_OUT', fault: 'network', mayHaveExecuted: true });
  server.wake();
  assert.deepEqual(await sleeping, { result: 1 });
  assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
});

test('a cancelled call that the server does not give up ends after cancelTimeout', async (t) => {
  const begun = Promise.withResolvers<void>();
  const stubborn: RpcInterface = {
    ...echoInterface,
    handle: () => {
      begun.resolve();
      return new Promise(() => {});
    },
  };
  const server = await serveTcp({ host: '127.0.0.1', port: 0, interfaces: [stubborn] });
  t.after(() => server.close());
  await using client = clientTo(server.port, { cancelTimeout: 1 });
  const echo = await client.bind(echoDeclaration);
  const controller = new AbortController();
  const call = echo.testSleep({ seconds: 1 }, { signal: controller.signal });
  await begun.promise;
  controller.abort();
  await assert.rejects(call, { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: true });
});

test('IN channels have the lifetime that they are given', async (t) => {
  const asked = Promise.withResolvers<string>();
  const proxy = await listenOn(t, (socket) => {
    socket.on('data', (chunk) => {
      const head = chunk.toString('latin1');
      if (head.startsWith('RPC_IN_DATA')) asked.resolve(head);
    });
  });
  const http = { channelLifetime: 200_000, environment: {}, credentials: null };
  const client = new RpcClient(`ncacn_http:server[593,RpcProxy=127.0.0.1:${proxy}]`, { http });
  const bound = client.bind(echoDeclaration);
  assert.match(await asked.promise, /^Content-Length: 200000\r$/m);
  client.close();
  await assert.rejects(bound, { code: 'RPCH_CLIENT_CLOSED', fault: 'caller' });
});

test('closed for good', async (t) => {
  const server = await SleepyServer.start(t);
  const client = clientTo(server.port);
  const echo = await client.bind(echoDeclaration);
  const sleeping = echo.testSleep({ seconds: 1 });
  await server.asleep(1);
  client.close();
  client.close();
  await assert.rejects(sleeping, { code: 'RPCH_ASSOCIATION_CLOSED', fault: 'caller' });
  await assert.rejects(echo.addOne({ in_data: 1 }), { code: 'RPCH_CLIENT_CLOSED', fault: 'caller' });
  await assert.rejects(client.bind(mgmtDeclaration), { code: 'RPCH_CLIENT_CLOSED' });
  const unused = new RpcClient('ncacn_ip_tcp:127.0.0.1');
  unused.close();
  await assert.rejects(unused.bind(echoDeclaration), { code: 'RPCH_CLIENT_CLOSED' });
});

test('a server that speaks something else, and one that says nothing', async (t) => {
  const http = await listenOn(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await using wrong = clientTo(http);
  await assert.rejects(wrong.bind(echoDeclaration), { name: 'ProtocolError', fault: 'peer' });
  const silent = await listenOn(t, (socket) => socket.resume());
  await using patient = clientTo(silent, { openTimeout: 1 });
  await assert.rejects(patient.bind(echoDeclaration), { code: 'RPCH_BIND_TIMED_OUT', fault: 'network' });
});

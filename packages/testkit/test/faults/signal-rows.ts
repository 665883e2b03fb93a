import assert from 'node:assert/strict';
import { ALICE, SHORT_LIMITS } from '../../src/live-proxy.ts';
import { ProxyProcess } from '../../src/proxy-process.ts';
import { RawConnection } from '../../src/raw-connection.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { basic, ScriptedClient, type ScriptedClientOptions } from '../../src/scripted-client.ts';
import { describeLine, GOES_ON, NOBODY, type Outcome, type Row, seen, TIMEOUT } from './row.ts';

/** Everything that a row about signals needs: the proxy as a process, a server, a client with an open session. */
interface Scene {
  readonly proxy: ProxyProcess;
  readonly server: RpcServerStub;
  readonly client: ScriptedClient;
  readonly options: ScriptedClientOptions;
}

/** A drainTimeout that no row waits for, s. */
const LONG = 60;

/** Rows about what an administrator does to a proxy that runs: drain, stop, reload. */
export const SIGNAL_ROWS: readonly Row[] = [
  {
    name: 'SIGTERM: the session goes on, a new client is turned away; the proxy ends with the session',
    expected: { in: '-', out: '-', server: 'FIN', log: 'session.ended in-closed, exit 0' },
    run: () => inScene(drainsUntilTheClientLeaves, LONG),
  },
  {
    name: 'SIGTERM, and the session does not end',
    timeout: TIMEOUT.drain,
    expected: { in: 'FIN', out: 'FIN', server: 'FIN', log: 'session.ended proxy-stopped, exit 0' },
    run: () => inScene(drainsUntilTheTimeout),
  },
  {
    name: 'a second SIGTERM while draining',
    expected: { in: 'FIN', out: 'FIN', server: 'FIN', log: 'session.ended proxy-stopped, exit 0' },
    run: () => inScene(stopsAtOnce, LONG),
  },
  {
    name: 'SIGHUP with a configuration that is wrong',
    expected: { in: 'goes on', out: 'goes on', server: 'goes on', log: 'proxy.reload-failed' },
    run: () => inScene(keepsTheOldRules),
  },
  {
    name: 'SIGHUP with rules that no longer allow the server',
    expected: { in: 'goes on', out: 'goes on', server: 'goes on', log: 'proxy.reloaded' },
    run: () => inScene(takesTheNewRules),
  },
];

/** As YAML. @param drainTimeout s. */
function configuration(allow: string, drainTimeout: number): string {
  const limits = { ...SHORT_LIMITS, drainTimeout };
  return JSON.stringify({ listen: ['http://127.0.0.1:0'], allow: [allow], limits, dataDir: 'data' });
}

async function inScene(
  play: (scene: Scene) => Promise<Outcome>,
  drainTimeout = SHORT_LIMITS.drainTimeout,
): Promise<Outcome> {
  const server = await RpcServerStub.listen();
  const proxy = await ProxyProcess.start(configuration(ruleFor(server), drainTimeout));
  try {
    const authorization = basic(ALICE.name, ALICE.password);
    const options = { port: proxy.port, server: `127.0.0.1:${server.port}`, authorization };
    const client = await ScriptedClient.open(options);
    await client.call();
    return await play({ proxy, server, client, options });
  } finally {
    await proxy.dispose();
    await server.close();
  }
}

async function drainsUntilTheClientLeaves({ proxy, server, client }: Scene): Promise<Outcome> {
  const idle = await RawConnection.connect({ port: proxy.port });
  proxy.signal('SIGTERM');
  await proxy.line('proxy.draining');
  await client.call();
  await assert.rejects(RawConnection.connect({ port: proxy.port }), { code: 'ECONNREFUSED' });
  const at = performance.now();
  client.cut('FIN');
  const [connection] = server.connections;
  if (connection === undefined) throw new Error('there is a session');
  const serverSaw = await seen(connection, at);
  const { code, at: exitAt } = await proxy.exit;
  assert.notEqual((await idle.ended).how, 'own');
  const log = `${describeLine(await proxy.line('session.ended'))}, exit ${code}`;
  return { in: NOBODY, out: NOBODY, server: serverSaw, gone: exitAt - at, log };
}

async function drainsUntilTheTimeout(scene: Scene): Promise<Outcome> {
  const at = performance.now();
  scene.proxy.signal('SIGTERM');
  await scene.proxy.line('proxy.draining');
  return ended(scene, at);
}

async function stopsAtOnce(scene: Scene): Promise<Outcome> {
  scene.proxy.signal('SIGTERM');
  await scene.proxy.line('proxy.draining');
  const at = performance.now();
  scene.proxy.signal('SIGTERM');
  return ended(scene, at);
}

async function ended({ proxy, server, client }: Scene, at: number): Promise<Outcome> {
  const connection = await server.connection();
  const [inSaw, out, serverSaw] = await Promise.all([seen(client.in, at), seen(client.out, at), seen(connection, at)]);
  const { code, at: exitAt } = await proxy.exit;
  const log = `${describeLine(await proxy.line('session.ended'))}, exit ${code}`;
  return { in: inSaw, out, server: serverSaw, gone: exitAt - at, log };
}

async function keepsTheOldRules({ proxy, client, options }: Scene): Promise<Outcome> {
  proxy.configure('allow: ["ncacn_ip_tcp:elsewhere[135]"]\nlimits: { drainTimeout: soon }\n');
  proxy.signal('SIGHUP');
  const line = await proxy.line('proxy.reload-failed');
  assert.match(String(line.why), /rpch\.yaml:2:.*drainTimeout/);
  await client.call();
  const another = await ScriptedClient.open(options);
  await another.call();
  return { in: GOES_ON, out: GOES_ON, server: GOES_ON, log: describeLine(line) };
}

async function takesTheNewRules({ proxy, client, options, server }: Scene): Promise<Outcome> {
  proxy.configure(configuration('ncacn_ip_tcp:elsewhere[135]', SHORT_LIMITS.drainTimeout));
  proxy.signal('SIGHUP');
  const line = await proxy.line('proxy.reloaded');
  const another = new ScriptedClient(options);
  await another.openOut();
  assert.match(await another.out.takeHead(), /^HTTP\/1\.0 503 /);
  await client.call();
  assert.equal(server.connections.length, 1);
  return { in: GOES_ON, out: GOES_ON, server: GOES_ON, log: describeLine(line) };
}

function ruleFor(server: RpcServerStub): string {
  return `ncacn_ip_tcp:127.0.0.1[${server.port}]`;
}

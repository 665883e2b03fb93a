import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ALICE, LiveProxy } from '../../src/live-proxy.ts';
import { NetworkNamespace } from '../../src/network-namespace.ts';
import { responsePdu } from '../../src/plain-pdus.ts';
import { RpcServerStub, type StubConnection } from '../../src/rpc-server-stub.ts';
import { basic } from '../../src/scripted-client.ts';
import { describeLine, NOBODY, type Outcome, type Row, seen } from './row.ts';

/** Silence before TCP asks, and ten questions without answer, a second apart. */
const KEEP_ALIVE = ['TCP keep-alive', 40_000] as const;
/** Both channels are asked at about the same time: which one is found missing first is chance. */
const EITHER = 'session.ended in-vanished or out-vanished';
const CLIENT = fileURLToPath(new URL('vanishing-client.ts', import.meta.url));

/** Rows in which a machine falls silent: no FIN, no RST, nothing. They take 40 s. */
export const VANISH_ROWS: readonly Row[] = [
  {
    name: 'laptop vanishes from an idle session',
    timeout: KEEP_ALIVE,
    latest: 3000,
    expected: { in: '-', out: '-', server: 'FIN', log: EITHER },
    run: () => vanish(() => {}),
  },
  {
    name: 'laptop vanishes in the middle of an answer',
    timeout: KEEP_ALIVE,
    latest: 3000,
    expected: { in: '-', out: '-', server: 'FIN', log: EITHER },
    run: () => vanish((connection) => connection.send(responsePdu(100, Buffer.alloc(20_000)))),
  },
];

async function vanish(onceGone: (server: StubConnection) => void): Promise<Outcome> {
  const namespace = await NetworkNamespace.make();
  const server = await RpcServerStub.listen();
  const live = await LiveProxy.start({
    flags: {
      listen: [`http://${namespace.here}:0`],
      allowInsecureBasic: true,
      allow: [`ncacn_ip_tcp:127.0.0.1[${server.port}]`],
    },
  });
  const options = {
    host: namespace.here,
    port: live.port,
    server: `127.0.0.1:${server.port}`,
    authorization: basic(ALICE.name, ALICE.password),
  };
  const [program = '', ...args] = [...namespace.enter, process.execPath, CLIENT, JSON.stringify(options)];
  const client = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    await once(client.stdout, 'data');
    const connection = await server.connection();
    const at = performance.now();
    await namespace.vanish();
    onceGone(connection);
    const serverSaw = await seen(connection, at);
    const gone = (await live.empty()) - at;
    const line = await live.line('session.ended');
    assert.equal(live.logged('session.ended').length, 1);
    const log = describeLine(line.fields);
    return { in: NOBODY, out: NOBODY, server: serverSaw, gone, log: /(in|out)-vanished$/.test(log) ? EITHER : log };
  } finally {
    client.kill('SIGKILL');
    await server.close();
    await live.stop();
    await namespace.remove();
  }
}

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { freePort } from '../../src/peers/ports.ts';
import { RawConnection } from '../../src/raw-connection.ts';
import { ScriptedClient } from '../../src/scripted-client.ts';
import { describeLine, NOBODY, type Outcome, type Row, Stage, seen, seenRefusal, TIMEOUT } from './row.ts';

/** A server that cannot be reached, and what must be undone afterwards. */
interface Unreachable {
  readonly server: string;
  readonly allow?: string;
  release?(): Promise<void>;
}

/** What the refused client saw of its OUT channel. */
export interface Refusal {
  readonly head: string;
  /** ms */
  readonly after: number;
}

/** What each row's client saw, for the comparison of rows with each other. */
export const refusals = new Map<string, Refusal>();

/** Rows about servers that a client does not get to. What it sees must not tell which of them it was. */
export const REFUSAL_ROWS: readonly Row[] = [
  row('server not allowed', async () => ({ server: '127.0.0.2:135' })),
  row('port of an allowed server not allowed', async () => ({ server: `127.0.0.1:${await freePort()}` })),
  row('no host of that name', async () => ({
    server: 'no-such-host.invalid:135',
    allow: 'ncacn_ip_tcp:no-such-host.invalid[135]',
  })),
  row('server refuses the connection', async () => {
    const port = await freePort();
    return { server: `127.0.0.1:${port}`, allow: `ncacn_ip_tcp:127.0.0.1[${port}]` };
  }),
  row('server unreachable, its connections get no answer', async () => {
    const { port, release } = await silentPort();
    return { server: `127.0.0.1:${port}`, allow: `ncacn_ip_tcp:127.0.0.1[${port}]`, release };
  }),
  leaving('OUT closed while the server does not answer', async () => {
    const { port, release } = await silentPort();
    return { server: `127.0.0.1:${port}`, allow: `ncacn_ip_tcp:127.0.0.1[${port}]`, release };
  }),
  leaving('OUT closed while a server that is not allowed is about to be refused', async () => ({
    server: '127.0.0.2:135',
  })),
];

/** Half of a client leaves before it was answered. The other half must not learn from that either. */
function leaving(name: string, prepare: () => Promise<Unreachable>): Row {
  return {
    name,
    expected: { in: 'FIN', out: '-', server: '-', log: 'session.ended out-closed' },
    run: async () => {
      const { server, allow, release } = await prepare();
      const stage = await Stage.open({}, allow === undefined ? [] : [allow]);
      try {
        const client = new ScriptedClient(stage.options({ server }));
        await client.openOut();
        await client.openIn();
        await stage.live.untilLoad({ connections: 2, sessions: 1 });
        const at = performance.now();
        client.out.cut('FIN');
        const inSaw = await seen(client.in, at);
        const gone = (await stage.live.empty()) - at;
        const { fields } = await stage.live.line('session.ended');
        return { in: inSaw, out: NOBODY, server: NOBODY, gone, log: describeLine(fields) };
      } finally {
        await stage.close();
        await release?.();
      }
    },
  };
}

function row(name: string, prepare: () => Promise<Unreachable>): Row {
  return {
    name,
    timeout: TIMEOUT.connect,
    expected: { in: '503', out: '503', server: '-', log: 'channel.refused' },
    run: async () => {
      const { server, allow, release } = await prepare();
      const stage = await Stage.open({}, allow === undefined ? [] : [allow]);
      try {
        return await refused(name, stage, server);
      } finally {
        await stage.close();
        await release?.();
      }
    },
  };
}

async function refused(name: string, stage: Stage, server: string): Promise<Outcome> {
  // The first login of an account takes the time of its password check; what is compared here is the second.
  (await stage.session()).cut('FIN');
  await stage.live.empty();
  const client = new ScriptedClient(stage.options({ server }));
  await client.openOut();
  const at = performance.now();
  await client.openIn();
  const [out, inSaw] = await Promise.all([seenRefusal(client.out, at), seenRefusal(client.in, at)]);
  const gone = (await stage.live.empty()) - at;
  refusals.set(name, { head: out.head, after: out.after ?? 0 });
  const { fields } = await stage.live.line('channel.refused');
  return { in: inSaw, out, server: NOBODY, gone, log: describeLine(fields) };
}

const NEVER_ACCEPTS = `
  const { workerData, parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(workerData, 0, 0);
    server.close();
  });
`;

/**
 * A port whose listener accepts nothing while its backlog is full: the system drops further SYNs, so that connecting
 * gets no answer, as from a host that is switched off.
 */
export async function silentPort(): Promise<{ readonly port: number; release(): Promise<void> }> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(NEVER_ACCEPTS, { eval: true, workerData: flag });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: RawConnection[] = [];
  for (let i = 0; i < 2; i++) fillers.push(await RawConnection.connect({ port }));
  const release = async (): Promise<void> => {
    for (const filler of fillers) filler.cut('RST');
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
    await once(worker, 'exit');
  };
  return { port, release };
}
